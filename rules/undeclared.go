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
	r.undeclared(r.draft.on)
}

// undeclared is warnUndeclared for the types that a rule or feature is on.
func (c *compiler) undeclared(on []source.Text) {
	if c.unsure.types {
		return
	}
	for _, t := range on {
		if _, ok := c.schemas[t.Value]; ok || strings.HasPrefix(t.Value, AlertPrefix) {
			continue
		}
		if c.ids[t.Value] && len(c.declared) > 0 {
			c.Warn(t.Place(), source.CodeUndeclared, fmt.Sprintf("no schema declares the event type %s, which is called like a rule", source.Tick(t.Value)),
				fmt.Sprintf("for the matches of the rule write %s; if it is an event type, declare it under `events`", source.Tick(AlertPrefix+t.Value)))
			continue
		}
		meant := nearest.Name(t.Value, c.declared)
		if !almost(t.Value, meant) {
			continue
		}
		c.Warn(t.Place(), source.CodeUndeclared,
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
