package expr

import (
	"slices"
	"strings"

	"weir/rules/nearest"
)

// Error is a fault in the text of an expression.
type Error struct {
	Pos, End int    // byte offsets of the text at fault; Pos == End at the end of the text
	Msg      string // what is wrong
	Hint     string // what was expected or what to write instead; may be empty

	More []*Error // what else is wrong in the text, for reasons of its own; they have no More
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Msg
	}
	return e.Msg + "; " + e.Hint
}

// together makes one error of all, the first of which it is, or nil of none. What
// overlaps with one before follows from that.
func together(faults []*Error) error {
	if len(faults) == 0 {
		return nil
	}
	first := *faults[0]
	for i, e := range faults[1:] {
		follows := slices.ContainsFunc(faults[:i+1], func(before *Error) bool {
			return e.Pos == before.Pos || e.Pos < before.End && before.Pos < e.End
		})
		if !follows {
			first.More = append(first.More, e)
		}
	}
	return &first
}

// tick quotes a piece of an expression in a message,
// shortened if it is long.
func tick(s string) string {
	const most = 60
	if at := runeOffset(s, most); at < len(s) {
		s = s[:runeOffset(s, most-3)] + "..."
	}
	return "`" + s + "`"
}

// didYouMean is a hint that names the nearest of names, or empty if none is near.
func didYouMean(name string, names []string) string { return nearest.DidYouMean(name, names, "") }

// elsewhere are functions of other languages, in lower case, and what is called
// so here.
var elsewhere = map[string]string{
	"avg": "mean", "average": "mean", "std": "stddev", "stdev": "stddev", "stddev_pop": "stddev",
	"size": "count", "length": "count", "lenght": "len", "least": "min", "greatest": "max",
	"count_distinct": "distinct", "countdistinct": "distinct", "uniq": "distinct", "unique": "distinct",
	"exists": "any", "some": "any", "haversine": "distance_km", "levenshtein": "edit_distance",
	"day_of_week": "weekday", "dayofweek": "weekday", "to_date": "date",
}

// meantFunction is a hint that says what an unknown function stands for, which may be
// a feature, or empty.
func (g Lang) meantFunction(name string, features []string) string {
	f := g.called(name)
	if other := elsewhere[strings.ToLower(name)]; g == LangExpr && other != "" {
		f = other // of events, rather than the length of a text
	}
	if f != "" {
		return "did you mean " + tick(f) + "?"
	}
	return didYouMean(name, append(g.functionNames(), features...))
}

// called gives the function of one value that name is, or that is called so
// elsewhere; empty if there is none.
func (g Lang) called(name string) string {
	word := strings.ToLower(name)
	length := word == "size" || word == "length" || word == "lenght"
	switch other := elsewhere[word]; {
	case length && g == LangCEL:
		name = "size"
	case length:
		name = "len"
	case other != "":
		name = other
	}
	if slices.Contains(g.functionNames(), name) {
		return name
	}
	return ""
}
