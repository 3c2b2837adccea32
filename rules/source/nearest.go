package source

// Nearest gives the name that was most likely meant: the closest by single
// letters inserted, left out, changed or swapped, or "" if none is close.
func Nearest(name string, names []string) string {
	best, found := (len(name)+2)/3, ""
	for _, n := range names {
		if len(name) == 1 && len(n) == 1 {
			continue // nothing of it is left
		}
		if d := distance(name, n, best); d < best || d == best && found == "" {
			best, found = d, n
		}
	}
	return found
}

// DidYouMean gives a hint with the nearest name, or other where none is near.
func DidYouMean(name string, names []string, other string) string {
	if n := Nearest(name, names); n != "" {
		return "did you mean " + Tick(n) + "?"
	}
	return other
}

// distance counts the edits between a and b (neighbours swapped count as one);
// beyond most it may stop and give any number above it.
func distance(a, b string, most int) int {
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
