// Package nearest finds the name that was meant by one that there is not.
package nearest

import (
	"slices"
	"strings"
)

// longest bounds names that are compared, in bytes: nobody mistypes a longer one by
// hand.
const longest = 100

// Name gives the name that was most likely meant: the closest by single letters
// inserted, left out, changed or swapped with their neighbour, or "" if none is
// close. Another case, and other signs between words (cardId, card-id for card_id),
// are one edit in all. Of equals it is one as long as name, else the first. A name
// is not nearest to itself.
func Name(name string, names []string) string {
	if len(name) > longest {
		return ""
	}
	from, plain := []rune(name), plainly(name)
	best, found := (len(from)+2)/3, ""
	for _, n := range names {
		if n == name || len(n) > longest {
			continue
		}
		to := []rune(n)
		d := distance(from, to, best)
		if d > 1 {
			d = min(d, 1+distance(plain, plainly(n), best))
		}
		if len(from) == 1 && len(to) == 1 && !strings.EqualFold(name, n) {
			continue // nothing of it is left
		}
		if d < best || d == best && (found == "" || len(n) == len(name) && len(found) != len(name)) {
			best, found = d, n
		}
	}
	return found
}

// Slip says whether a name differs from another by one edit, as Name counts them.
func Slip(name, other string) bool {
	if name == other || len(name) > longest || len(other) > longest {
		return false
	}
	return distance([]rune(name), []rune(other), 1) <= 1 || slices.Equal(plainly(name), plainly(other))
}

// plainly gives a name without its case and what stands between its words.
func plainly(name string) []rune {
	plain := []rune(strings.ToLower(name))
	return slices.DeleteFunc(plain, func(r rune) bool { return r == '_' || r == '-' || r == ' ' })
}

// Meant gives the nearest name, else the only one that has all words of name or has
// no others (card for card_id), or "".
func Meant(name string, names []string) string {
	if n := Name(name, names); n != "" {
		return n
	}
	return onlyWith(name, names)
}

// DidYouMean gives a hint with the name that is meant, or other where there is none.
func DidYouMean(name string, names []string, other string) string {
	if n := Meant(name, names); n != "" {
		return "did you mean `" + n + "`?"
	}
	return other
}

// onlyWith gives the only one of names that name is the beginning or end of, up to
// a `_`, or that is so of name; "" if there is none or several.
func onlyWith(name string, names []string) string {
	const shortest = 3 // letters of a word that says something
	found := ""
	for _, n := range names {
		short, long := name, n
		if len(short) > len(long) {
			short, long = long, short
		}
		part := len(short) >= shortest && (strings.HasPrefix(long, short+"_") || strings.HasSuffix(long, "_"+short))
		switch {
		case part && found != "" && found != n:
			return ""
		case part:
			found = n
		}
	}
	return found
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
