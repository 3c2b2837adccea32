package rules

import (
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"weir/cep"
	"weir/nfa/oracle"
	"weir/rules/source"
)

var (
	seed  = flag.Uint64("seed", 1, "seed of the generated rules")
	cases = flag.Int("cases", 1500, "number of generated rules")
)

// generated writes a generated rule as YAML, with another pattern if one is given,
// and what negated names are if that is given.
func generated(c *oracle.Case, pattern, negated string) string {
	var b strings.Builder
	names := c.Rule.Pattern.Names
	if pattern == "" {
		pattern = c.Rule.Pattern.String()
	}
	fmt.Fprintf(&b, "rules:\n  - id: r\n    on: pay\n    key: card\n    pattern: '%s'\n", pattern)
	within := "none"
	if c.Rule.Within != 0 {
		within = oracle.Duration(c.Rule.Within)
	}
	fmt.Fprintf(&b, "    within: %s\n", within)
	if c.Rule.Gap != 0 {
		fmt.Fprintf(&b, "    gap: %s\n", oracle.Duration(c.Rule.Gap))
	}
	skip := []string{"none", "past_last", "to_next", "to_first", "to_last"}[c.Rule.Skip]
	if c.Rule.Skip >= oracle.ToFirst {
		skip += "(" + c.Rule.SkipVar + ")"
	}
	fmt.Fprintf(&b, "    skip: %s\n    define:\n", skip)
	for i, n := range names {
		text := condition(c, c.Conds[i], pattern)
		if negated != "" && n[0] == 'n' {
			text = negated
		}
		if wordIn(pattern, n) >= 0 {
			fmt.Fprintf(&b, "      %s: '%s'\n", n, text)
		}
	}
	if wordIn(pattern, "end") >= 0 {
		b.WriteString("      end: false\n")
	}
	if c.Rule.Unless {
		fmt.Fprintf(&b, "    unless: '%s'\n", condition(c, c.Unless, pattern))
	}
	if name := names[c.HavingVar]; c.Rule.Having && name[0] == 'v' && wordIn(pattern, name) >= 0 {
		fmt.Fprintf(&b, "    having: count(%s) >= %d\n", name, c.HavingLeast)
	}
	return b.String()
}

// condition writes a condition. The generator calls variables v…, negations n… and
// untils s….
func condition(c *oracle.Case, d oracle.Cond, pattern string) string {
	var kinds []string
	for i := range oracle.Kinds {
		if d.Kinds>>i&1 != 0 {
			kinds = append(kinds, strconv.Quote(oracle.Kinds[i:i+1]))
		}
	}
	text := "kind in [" + strings.Join(kinds, ", ") + "]"
	if above := c.Rule.Pattern.Names[d.Above]; d.Rises && above[0] == 'v' && wordIn(pattern, above) >= 0 {
		text += fmt.Sprintf(" && (last(%[1]s).value == nil || value > last(%[1]s).value)", above)
	}
	return text
}

// alertsOf runs a rule over the events of a case: for each alert its time and
// events.
func alertsOf(t *testing.T, c *oracle.Case, text string) []string {
	t.Helper()
	list, _ := run(t, c, text, cep.Record{Kind: cep.EndRecord})
	return list
}

// run runs a rule over the events of a case and one more record; open is how many
// matches are open then.
func run(t *testing.T, c *oracle.Case, text string, last cep.Record) (list []string, open int) {
	t.Helper()
	set, err := Compile([]source.File{{Path: "r.yaml", Text: text}})
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, text)
	}
	engine := cep.NewEngine(set, cep.Options{})
	var fx cep.Effects
	for i, e := range c.Events {
		line := fmt.Sprintf(`{"type":"pay","ts":%d,"card":"c","n":"%d","kind":%q,"value":%d}`, 1e12+e.Time/1e6, i, oracle.Kinds[e.Kind:e.Kind+1], e.Value)
		engine.Step([]cep.Record{{Kind: cep.EventsRecord, Data: []byte(line)}}, &fx)
	}
	engine.Step([]cep.Record{last}, &fx)
	for _, a := range fx.Alerts {
		var events []string
		for _, e := range a.Events {
			_, n, _ := strings.Cut(e.Raw, `"n":"`)
			n, _, _ = strings.Cut(n, `"`)
			events = append(events, n)
		}
		list = append(list, fmt.Sprint(a.Time, events))
	}
	return list, engine.Open()[0]
}

var (
	proposal  = regexp.MustCompile("(?:write|as in|, or) `([^`]+)`")
	sameAlert = regexp.MustCompile("write `([^`]+)` for one alert at that moment")
)

// TestWindows checks generated rules without a window: where there is no warning,
// no match stays open for ever. It checks too that a pattern has no match if a part
// of it that it needs is said to have no time.
func TestWindows(t *testing.T) {
	t.Logf("seed %d, %d rules", *seed, *cases)
	year := cep.Record{Kind: cep.ClockRecord, Time: 2e18}
	seen := map[string]int{}
	for i := range *cases {
		c := oracle.Random(*seed<<32 + uint64(i))
		text := generated(&c, "", "")
		codes := map[string]bool{}
		for _, d := range checkText(strings.Replace(text, "    within: none\n", "", 1)) {
			codes[d.Code] = true
		}
		if codes[source.CodeNever] && !strings.ContainsAny(c.Rule.Pattern.String(), "|?*") && !strings.Contains(c.Rule.Pattern.String(), "{,") {
			seen["never"]++
			if alerts := alertsOf(t, &c, text); len(alerts) > 0 {
				t.Errorf("alerts %v of\n%s", alerts, text)
			}
		}
		if c.Rule.Within > 0 || codes[source.CodeNoWindow] {
			continue
		}
		seen["bounded"]++
		if _, open := run(t, &c, text, year); open > 0 {
			t.Errorf("%d matches are open for ever of\n%s", open, text)
		}
		if t.Failed() {
			return
		}
	}
	t.Log(seen)
	if *cases >= 1500 && (seen["never"] < 2 || seen["bounded"] < 20) {
		t.Errorf("too few: %v", seen)
	}
}

// TestProposals checks the warnings about patterns on generated rules: what they
// propose compiles and is free of them; a shorter pattern that is to give the same
// alerts does, and a negation that is to restrain nothing restrains nothing.
func TestProposals(t *testing.T) {
	t.Logf("seed %d, %d rules", *seed, *cases)
	seen := map[string]int{}
	for i := range *cases {
		c := oracle.Random(*seed<<32 + uint64(i))
		text := generated(&c, "", "")
		var alerts []string
		for _, d := range checkText(text) {
			seen[d.Code]++
			if d.Severity == source.Error {
				t.Fatalf("%v\nin\n%s", d, text)
			}
			if d.Code == "W1" || d.Code == "W3" {
				alerts = alertsOf(t, &c, text)
			}
			for _, p := range proposal.FindAllStringSubmatch(d.Hint, -1) {
				if d.Code == "W8" || d.Code == source.CodeNever {
					continue
				}
				mended := generated(&c, p[1], "")
				for _, left := range checkText(mended) {
					if left.Severity == source.Error || left.Code == d.Code && d.Code[0] == 'W' && under(mended, left) == under(text, d) {
						t.Errorf("%v\nis no better with\n%v\n%s", d, left, mended)
					}
				}
			}
			consumes := c.Rule.Skip == oracle.PastLast || c.Rule.Skip == oracle.ToNext
			if m := sameAlert.FindStringSubmatch(d.Hint); d.Code == "W1" && m != nil && consumes {
				seen["same"]++
				if got := alertsOf(t, &c, generated(&c, m[1], "")); !slices.Equal(got, alerts) {
					t.Errorf("%v: %q gives %v, not %v\n%s", d, m[1], got, alerts, text)
				}
			}
			if d.Code == "W3" {
				seen["idle"]++
				only := strings.Count(text, "!n") == 1
				if got := alertsOf(t, &c, generated(&c, "", "false")); only && !slices.Equal(got, alerts) {
					t.Errorf("%v: without it %v, not %v\n%s", d, got, alerts, text)
				}
			}
		}
		if t.Failed() {
			return
		}
	}
	t.Log(seen)
	for _, code := range []string{"W1", "W2", "W3", "W7", "same", "idle"} {
		if seen[code] < 5 && *cases >= 1500 {
			t.Errorf("%s: only %d", code, seen[code])
		}
	}
}
