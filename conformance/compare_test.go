package conformance

import (
	"slices"
	"testing"
)

// The comparison accepts what a case says and notices every part of it that is
// missing, changed or too much.
func TestCompare(t *testing.T) {
	tried := map[string]int{}
	all := vectors(t)
	for i := range all {
		v := &all[i]
		if v.ExpectError != "" {
			if v.compare(outcome{fault: v.ExpectError}) != nil || v.compare(outcome{}) == nil {
				t.Errorf("%s: the fault is not compared", v.ID)
			}
			tried["fault"]++
			continue
		}
		if faults := v.compare(v.told()); faults != nil {
			t.Errorf("%s: what it says is refused: %v", v.ID, faults)
		}
		notice := func(what string, change func(*outcome)) {
			out := v.told()
			change(&out)
			tried[what]++
			if v.compare(out) == nil {
				t.Errorf("%s: not noticed: %s", v.ID, what)
			}
		}
		if len(v.told().matches) > 0 {
			notice("a match is missing", func(o *outcome) { o.matches = o.matches[1:] })
			notice("a match comes twice", func(o *outcome) { o.matches = append(o.matches, o.matches[0]) })
		}
		notice("an empty match", func(o *outcome) { o.matches = append(o.matches, match{}) })
		notice("a late event", func(o *outcome) { o.late = append(o.late, "e0") })
		if len(v.Timeouts) > 0 {
			notice("a time-out is missing", func(o *outcome) { o.timeouts = o.timeouts[1:] })
			notice("a time-out at another time", func(o *outcome) {
				other := *o.timeouts[0].TS + 1
				o.timeouts[0].TS = &other
			})
		}
		if v.Open != nil {
			notice("an open match too many", func(o *outcome) { o.open++ })
		}
	}
	for _, what := range []string{"fault", "a match is missing", "a match comes twice", "a time-out is missing", "an open match too many"} {
		if tried[what] == 0 {
			t.Errorf("nothing tried: %s", what)
		}
	}
}

// told is the outcome that v says.
func (v *vector) told() outcome {
	out := outcome{matches: slices.Clone(v.Expect), timeouts: slices.Clone(v.Timeouts), late: slices.Clone(v.Late)}
	if v.Quirk != "" {
		out.matches, out.late = slices.Clone(v.ExpectAlt), slices.Clone(v.LateAlt)
	}
	if v.Open != nil {
		out.open = *v.Open
	}
	return out
}
