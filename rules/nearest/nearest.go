// Package nearest finds the name that was meant by one that there is not.
package nearest

import "strings"

// longest bounds names that are compared, in bytes: nobody mistypes a longer one by
// hand.
const longest = 100

// Name gives the name that was most likely meant, the first of equals: the closest
// by single letters inserted, left out, changed or swapped with their neighbour, or
// "" if none is close. Another case of all letters is one edit. A name is not
// nearest to itself.
func Name(name string, names []string) string {
	if len(name) > longest {
		return ""
	}
	from := []rune(name)
	best, found := (len(from)+2)/3, ""
	for _, n := range names {
		if n == name || len(n) > longest {
			continue
		}
		to := []rune(n)
		if len(from) == 1 && len(to) == 1 {
			continue // nothing of it is left
		}
		d := distance(from, to, best)
		if d > 1 && strings.EqualFold(name, n) {
			d = 1
		}
		if d < best || d == best && found == "" {
			best, found = d, n
		}
	}
	return found
}

// DidYouMean gives a hint with the nearest name, or other where none is near.
func DidYouMean(name string, names []string, other string) string {
	if n := Name(name, names); n != "" {
		return "did you mean `" + n + "`?"
	}
	return other
}

// distance counts the edits between a and b; beyond most it may stop and give any
// number above it.
func distance(a, b []rune, most int) int {
	if len(a)-len(b) > most || len(b)-len(a) > most {
		return most + 1
	}
	width := len(b) + 1
	rows := make([]int, 3*width)
	before, above, row := rows[:width], rows[width:2*width], rows[2*width:]
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
