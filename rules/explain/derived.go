package explain

import (
	"strings"

	"weir/rules"
)

// kinds names types of events, and rules whose matches are read as events, each behind
// its own words.
func kinds(types []string, events, matches string) string {
	var own, of []string
	for _, t := range types {
		if id, ok := strings.CutPrefix(t, rules.AlertPrefix); ok {
			of = append(of, id)
		} else {
			own = append(own, t)
		}
	}
	var parts []string
	if own != nil {
		parts = append(parts, events+list(ticked(own), "or"))
	}
	if of != nil {
		parts = append(parts, matches+list(ticked(of), "or"))
	}
	return strings.Join(parts, " or ")
}

// derived says what the fields are that events do not come with.
func (w *writer) derived() {
	for _, d := range w.rule.Derived {
		w.paragraph(0, "", tick(d.Name)+" of "+tick(d.Type)+" is derived: "+expression(&d.Of, d.Of.Env.Params)+".")
	}
	if len(w.rule.Derived) > 0 {
		w.blank()
	}
}
