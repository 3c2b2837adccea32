package rules

import (
	"slices"
)

// owns says, for an expression that sees events, of which features the rule's key is the
// key: they are called alike, and whatever the event, both are read from the same field.
func (r *ruleCompiler) owns(events *scope, current bool) func(feature int) bool {
	sees := r.keyed(events, current)
	return func(i int) bool {
		f := r.compiled[i]
		return slices.Equal(f.Key.Names, r.rule.Key.Names) &&
			!slices.ContainsFunc(sees, func(k keyedBy) bool { return !f.keptBy(k.fields, k.events) })
	}
}

// keyedBy says that the key of events is read from fields.
type keyedBy struct {
	fields []string
	events *scope
}

// keyed gives how the rule's key is read from the events that an expression sees: with a
// key by variable from the field of the variable that the event is tried as or, where that
// can be any, from each.
func (r *ruleCompiler) keyed(events *scope, current bool) (all []keyedBy) {
	switch {
	case r.form == byClose:
		return nil // no event: the key is that of the window
	case !r.byName:
		return []keyedBy{{r.rule.Key.Names, events}}
	case !r.sound("key") || len(r.rule.Key.ByName) != len(r.scopes):
		return nil // not all of its fields are known
	}
	one := slices.Index(r.scopes, events)
	for i, f := range r.rule.Key.ByName {
		by := keyedBy{[]string{r.numbers.fields[f]}, r.scopes[i]}
		switch {
		case !current: // of the event that completes the match
			if !r.rule.Names[i].Captures {
				continue
			}
		case one < 0:
			by.events = events
		case one != i:
			continue
		}
		all = append(all, by)
	}
	return all
}

// keptBy reports whether the feature's key of events is what stands in fields, or they
// have none.
func (f *Feature) keptBy(fields []string, events *scope) bool {
	if f.ByType == nil {
		return slices.Equal(f.Key.Names, fields)
	}
	return !slices.ContainsFunc(f.ByType, func(by TypeField) bool {
		there := events.all || events.loose || slices.Contains(events.types, by.Type)
		return there && !slices.Equal(fields, []string{by.Field})
	})
}
