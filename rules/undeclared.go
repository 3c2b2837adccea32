package rules

import (
	"fmt"
	"strings"

	"weir/rules/nearest"
	"weir/rules/source"
)

// warnUndeclared warns of event types that no schema declares and that are called
// almost like one that is declared: a rule on a misspelt type sees no event.
func (r *ruleCompiler) warnUndeclared() {
	if r.unsure.types {
		return
	}
	for _, t := range r.draft.on {
		if _, ok := r.schemas[t.Value]; ok || strings.HasPrefix(t.Value, AlertPrefix) {
			continue
		}
		meant := nearest.Name(t.Value, r.declared)
		if !almost(t.Value, meant) {
			continue
		}
		r.Warn(t.Place(), source.CodeUndeclared,
			fmt.Sprintf("no schema declares the event type %s, which is called almost like %s", source.Tick(t.Value), source.Tick(meant)),
			fmt.Sprintf("did you mean %s? If not, declare %s under `events`", source.Tick(meant), source.Tick(t.Value)))
	}
}

// almost says whether a name is hardly meant beside another: it differs by a slip
// of one letter, by case, or by the signs between its words, and not by a number.
func almost(name, other string) bool {
	const shortest = 4 // letters; shorter names are near each other by chance
	if len(name) < shortest || len(other) < shortest {
		return false
	}
	digits := strings.NewReplacer("0", "", "1", "", "2", "", "3", "", "4", "", "5", "", "6", "", "7", "", "8", "", "9", "")
	return nearest.Slip(name, other) && digits.Replace(name) != digits.Replace(other)
}
