package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestVectors(t *testing.T) {
	ran := 0
	seen := map[string]bool{}
	all := vectors(t)
	for i := range all {
		v := &all[i]
		if seen[v.ID] {
			t.Fatalf("%s stands twice", v.ID)
		}
		seen[v.ID] = true
		t.Run(v.ID, func(t *testing.T) {
			ran++
			for _, s := range spellings {
				if v.OrderBy != nil && !s.schema {
					continue // only a schema orders events of equal time
				}
				text := v.ruleset(s)
				set := compile(t, text)
				first := v.run(t, set, manners[0])
				v.check(t, first, text)
				for _, how := range manners[1:] {
					if got := v.run(t, set, how); !slices.Equal(got.trail, first.trail) || !slices.Equal(got.late, first.late) {
						t.Errorf("%v, %s: got\n  %s\nevent by event it is\n  %s", s, how.name, strings.Join(got.trail, "\n  "), strings.Join(first.trail, "\n  "))
					}
				}
				driven := v.drive(t, set, nil)
				v.check(t, driven, text)
				if cut := v.drive(t, set, v.everyEvent()); !slices.Equal(cut.trail, driven.trail) || cut.open != driven.open {
					t.Errorf("%v: machine restored after every event: got\n  %s\nwithout a restore\n  %s", s, strings.Join(cut.trail, "\n  "), strings.Join(driven.trail, "\n  "))
				}
			}
		})
	}
	t.Logf("%d cases", ran)
}

func (v *vector) everyEvent() []string {
	var ids []string
	for _, e := range v.Events {
		ids = append(ids, e.ID)
	}
	return ids
}

// check compares what came out with what the case says.
func (v *vector) check(t *testing.T, got outcome, text string) {
	t.Helper()
	if faults := v.compare(got); len(faults) > 0 {
		t.Errorf("%s\n%s", strings.Join(faults, "\n"), text)
	}
}

func (v *vector) compare(got outcome) []string {
	var faults []string
	fold := v.fold()
	differ := func(what string, got, want []string) {
		if !slices.Equal(got, want) {
			faults = append(faults, fmt.Sprintf("%s:\n  got  %s\n  want %s", what, strings.Join(got, " | "), strings.Join(want, " | ")))
		}
	}
	expect, late := v.Expect, v.Late
	if v.Quirk != "" {
		expect, late = v.ExpectAlt, v.LateAlt
	}
	if v.ExpectError != "" {
		if got.open >= 0 && got.fault != v.ExpectError {
			faults = append(faults, fmt.Sprintf("fault: got %q, want %q", got.fault, v.ExpectError))
		}
		return faults
	}
	differ("matches", shown(got.matches, fold, withTimes(expect), !v.Ordered), shown(expect, fold, true, !v.Ordered))
	if v.ExpectFlat != nil && v.Quirk == "" {
		differ("event sets", flats(got.matches, fold), flatLists(v.ExpectFlat, fold))
	}
	if v.Count != nil && len(got.matches) != *v.Count {
		faults = append(faults, fmt.Sprintf("matches: got %d, want %d", len(got.matches), *v.Count))
	}
	if slices.Contains(v.Asserts, "timeouts") {
		differ("time-outs", shown(got.timeouts, fold, withTimes(v.Timeouts), true), shown(v.Timeouts, fold, true, true))
	}
	if v.Late != nil || v.Quirk != "" {
		differ("late", got.late, late)
	} else if len(got.late) > 0 {
		differ("late", got.late, nil)
	}
	if v.Open != nil && got.open >= 0 && got.open != *v.Open {
		faults = append(faults, fmt.Sprintf("open matches: got %d, want %d", got.open, *v.Open))
	}
	return faults
}

func withTimes(ms []match) bool {
	return slices.ContainsFunc(ms, func(m match) bool { return m.TS != nil })
}

func shown(ms []match, fold map[string]string, times, sorted bool) []string {
	var out []string
	for i := range ms {
		out = append(out, ms[i].show(fold, times))
	}
	if sorted {
		slices.Sort(out)
	}
	return out
}

func flats(ms []match, fold map[string]string) []string {
	var out []string
	for i := range ms {
		out = append(out, ms[i].flat(fold))
	}
	slices.Sort(out)
	return out
}

func flatLists(lists [][]string, fold map[string]string) []string {
	var out []string
	for _, ids := range lists {
		out = append(out, flat(ids, fold))
	}
	slices.Sort(out)
	return out
}
