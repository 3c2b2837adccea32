package main

import (
	"strings"
	"testing"

	"weir/cep"
	"weir/web"
)

// A rule is not edited while it is run in, unless that is asked for, or its run-in has stopped.
func TestRulesThatAreRunInAreNotEdited(t *testing.T) {
	const changed, gone = cep.Changed, cep.Gone
	for _, c := range []struct {
		name, rule, onChange string
		became               cep.Adoption
		fault                string
		refused              bool
	}{
		{"edited", "warm", "", changed, "", true},
		{"edited, to be carried", "warm", "carry", changed, "", true},
		{"edited, may be lost", "warm", "reset", changed, "", false},
		{"switched off", "warm", "", gone, "", false},
		{"edited, the run-in has stopped", "warm", "", changed, "the log is almost full", false},
		{"another is edited", "other", "", changed, "", false},
	} {
		d := &ruleDraft{c: &web.RuleChange{OnChange: c.onChange}}
		told := &cep.Adopted{Rules: []cep.AdoptedPart{{Name: c.rule, Became: c.became}}}
		asleep := warmingOf([]cep.Sleeping{{At: 7, Rules: []string{"warm"}}}, []cep.LaneStatus{{At: 7, Fault: c.fault}})
		err := d.awake(told, asleep)
		if (err != nil) != c.refused || c.refused && !strings.Contains(err.Error(), "rule warm is being run in") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
