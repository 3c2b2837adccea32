package expr

// Error is a fault in the text of an expression.
type Error struct {
	Pos, End int    // byte offsets of the text at fault; Pos == End at the end of the text
	Msg      string // what is wrong
	Hint     string // what was expected or what to write instead; may be empty
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Msg
	}
	return e.Msg + "; " + e.Hint
}

// tick quotes a piece of an expression in a message.
func tick(s string) string { return "`" + s + "`" }

// didYouMean is a hint that names the nearest of names, or empty if none is near.
func didYouMean(name string, names []string) string {
	if n := nearest(name, names); n != "" {
		return "did you mean " + tick(n) + "?"
	}
	return ""
}

// nearest gives the name with the fewest edits from name, the first of equals;
// empty if all are too far to be meant.
func nearest(name string, names []string) string {
	best, limit := "", (len(name)+2)/3
	for _, n := range names {
		if n == name || len(n) == 1 && len(name) == 1 || len(n) > len(name)+limit || len(name) > len(n)+limit {
			continue
		}
		if d, ok := editDistance(name, n); ok && (d < limit || d == limit && best == "") {
			best, limit = n, d
		}
	}
	return best
}
