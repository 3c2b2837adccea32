package trace

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"weir/cep"
	"weir/rules"
	"weir/rules/source"
)

func TestParseKey(t *testing.T) {
	one, two := cep.Key{Names: []string{"card"}}, cep.Key{Names: []string{"a", "b"}}
	tests := []struct {
		key   cep.Key
		texts []string
		want  string // parts joined by |, or the error
	}{
		{one, []string{"c1"}, "c1"},
		{one, []string{"a=1,b=2"}, "a=1,b=2"},
		{one, []string{""}, ""},
		{one, []string{"c1", "c2"}, "the key of the rule is card: name one value"},
		{two, []string{"a=1,b=2"}, "1|2"},
		{two, []string{"b=2,a=1"}, "1|2"},
		{two, []string{"a=1,c=3,b=2"}, "1,c=3|2"},
		{two, []string{"a=1,2,,b="}, "1,2,|"},
		{two, []string{"a=x=y", "b=ü,ö"}, "x=y|ü,ö"},
		{two, []string{"a=1"}, "the key does not say b: write a=...,b=..."},
		{two, []string{"a=1,a=2,b=3"}, "the key says a twice"},
		{two, []string{"c=1"}, `"c=1" is no part of the key of the rule: write a=...,b=...`},
		{two, []string{""}, `"" is no part of the key of the rule: write a=...,b=...`},
	}
	for _, tt := range tests {
		parts, err := ParseKey(tt.key, tt.texts)
		got := strings.Join(parts, "|")
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.texts, got, tt.want)
		}
		if err != nil || len(tt.key.Names) == 1 {
			continue
		}
		if again, err := ParseKey(tt.key, []string{KeyText(tt.key, parts)}); err != nil || !slices.Equal(again, parts) {
			t.Errorf("%q: written and read again it is %q, %v", tt.texts, again, err)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add("a=1,b=2")
	f.Add("a=,b=,,a")
	f.Fuzz(func(t *testing.T, text string) {
		key := cep.Key{Names: []string{"a", "b"}}
		parts, err := ParseKey(key, []string{text})
		if err != nil {
			return
		}
		if len(parts) != 2 || len(parts[0])+len(parts[1])+len("a=,b=") != len(text) {
			t.Errorf("%q: %q", text, parts)
		}
	})
}

func TestMentions(t *testing.T) {
	for _, tt := range []struct {
		line, value string
		want        bool
	}{
		{`{"account":"c1"`, "c1", true},
		{`{"account":"c12","x":"c1"`, "c1", true},
		{`{"account":"c12"`, "c1", false},
		{`{"c1" : 5`, "c1", false},
		{`{"n":12`, "12", true},
		{`{"n":112`, "12", false},
		{"c1", "c1", true},
		{"", "c1", false},
	} {
		if got := mentions(tt.line, tt.value); got != tt.want {
			t.Errorf("%s, %s: %v", tt.line, tt.value, got)
		}
	}
}

func TestNearKeys(t *testing.T) {
	c := census{}
	for key, n := range map[string]int{"card-1": 3, "card-22": 1, "card-2": 2, "other": 9, "more": 9} {
		for range n {
			c.count([]string{key})
		}
	}
	nearest, busiest := c.near([]string{"card-3"}, 2)
	if got := fmt.Sprint(nearest, busiest); got != "[{[card-1] 3} {[card-2] 2}] [{[more] 9} {[other] 9}]" {
		t.Error(got)
	}
	c.stop()
	c.count([]string{"x"})
	if nearest, busiest = c.near([]string{"card-3"}, 2); nearest != nil || busiest != nil {
		t.Error("it counts after the key has come:", nearest, busiest)
	}
}

// follow traces a rule over events, one a line, and returns its steps as text, their
// statements and the verdict.
func follow(t *testing.T, rule, key, events string, end cep.RecordKind) (text string, all []Statement, v *Verdict) {
	t.Helper()
	checked := rules.Check([]source.File{{Path: "rule.yaml", Text: "rules:\n  - {id: r, on: event, key: k, " + rule + "}\n"}})
	if checked.Ruleset == nil {
		t.Fatal(checked.Findings)
	}
	var b strings.Builder
	r := checked.Rules[0]
	w, judge := NewWriter(&b, r), NewJudge(r, []string{key})
	tr, err := New(r, checked.Ruleset, []string{key}, func(s *Step) {
		judge.Take(s, true)
		all = append(all, s.Statements...)
		if err := w.Write(s); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	g := cep.NewEngine(checked.Ruleset, cep.Options{Trace: tr.Observer()})
	var fx cep.Effects
	g.Step([]cep.Record{{Kind: cep.EventsRecord, Data: []byte(events), Line: 1}, {Kind: end}}, &fx)
	_, low, _ := g.Clock()
	if end == cep.HaltRecord {
		tr.End(low)
	}
	tr.Flush()
	return b.String(), all, judge.Verdict(End{Read: 1, Now: low})
}

// letters writes events of the key x a second apart, of the kinds in a text.
func letters(text string) string {
	var b strings.Builder
	for i, c := range text {
		fmt.Fprintf(&b, "{\"ts\":%d,\"k\":\"x\",\"n\":%q}\n", i*1000, string(c))
	}
	return b.String()
}

func TestCauses(t *testing.T) {
	const abc = `define: {a: 'n == "a"', b: 'n == "b"', c: 'n == "c"'}`
	const ab = `define: {a: 'n == "a"', b: 'n == "b"'}`
	tests := []struct {
		rule, events string
		cause        Cause
		says         string
	}{
		{"within: 1m, pattern: a -> b, " + ab, "axb", DidAlert, "k=x did alert"},
		{"within: 1m, pattern: a -> b, " + ab, "axx", ConditionFalse, `n == "b" is false (n = "x")`},
		{"within: 1m, pattern: a -> b, " + ab, "a", WindowClosed, "The window of 1m (within) closed"},
		{"within: 2s, pattern: a -> b, " + ab, "axxb", WindowClosed, "would have been b, 1s too late"},
		{"within: 1m, pattern: 'a -[<2s]-> b', " + ab, "axxxb", BoundRanOut, "The bound of 2s before b ran out"},
		{"within: 1m, pattern: '(a -> b) within 2s -> c', " + abc, "axxbc", WindowClosed, "The window of 2s of a part closed"},
		{"within: 1m, pattern: 'a ,[>2s] b', " + ab, "ab", Broken, "it came too soon for b: the link is ,[>2s]"},
		{"within: 1m, pattern: 'a, b', " + ab, "axb", Broken, "the very next event had to be b"},
		{"within: 1m, pattern: a -> !c -> b, " + abc, "acb", Forbidden, "it is c, and !c forbids that"},
		{"within: 1m, pattern: a -> !b, " + ab, "ab", Forbidden, "it is b, and !b forbids that"},
		{"within: 1m, pattern: a -> b -> c, " + abc, "abxbc", DidAlert, ""},
		{"within: 1m, pattern: a -> b -> c, " + abc, "acb", WrongOrder, "could be c, but came before its turn"},
		{"within: 1m, pattern: 'a -> b{1,2}+ -> c', " + abc, "abbbc", GreedyTook, "the greedy loop of b was left"},
		{"within: 1m, pattern: 'a -> b{2,}+ until c -> a2', define: {a: 'n == \"a\"', b: 'n == \"b\"', c: 'n == \"c\"', a2: 'n == \"d\"'}", "abcd", LoopStopped, "until c ends the loop"},
		{"within: 1m, unless: 'n == \"u\"', pattern: a -> b, " + ab, "aub", UnlessEnded, `unless holds: n == "u" is true`},
		{"within: 1m, having: 'count(a) > 1', pattern: a -> b, " + ab, "ab", HavingFalse, "having does not hold: count(a) > 1 is false (count(a) = 1)"},
		{"within: 1m, pattern: a -> b, " + ab, "xyz", NoMatch, "No match began with 3 events"},
		{"within: 1m, where: 'n != \"a\" && n != nil', pattern: a -> b, " + ab, "aa", WhereFalse, `where does not hold`},
	}
	for _, tt := range tests {
		_, _, v := follow(t, tt.rule, "x", letters(tt.events), cep.EndRecord)
		if v.Cause != tt.cause || !strings.Contains(v.Text, tt.says) {
			t.Errorf("%s on %s: %s, want %s with %q\n%s", tt.rule, tt.events, v.Cause, tt.cause, tt.says, v.Text)
		}
	}
}

// Of windows that closed without anybody seeing it the end says so too.
func TestEnd(t *testing.T) {
	const rule = `within: 3s, pattern: a -> b, define: {a: 'n == "a"', b: 'n == "b"'}`
	events := letters("a") + `{"ts":2000,"k":"x","n":"a"}` + "\n" + `{"ts":4000,"k":"y","n":"z"}` + "\n"
	text, all, v := follow(t, rule, "x", events, cep.HaltRecord)
	ended := 0
	for _, s := range all {
		if s.Do == Ended {
			ended++
		}
	}
	if ended != 1 || !strings.Contains(text, "#1 (a since 00:00:00) ends: the window of 3s (within) closed at 00:00:03, 1s before") {
		t.Errorf("%d ended\n%s", ended, text)
	}
	if v.Cause != StillOpen || v.Match != 2 || !strings.Contains(v.Text, "time stands at 00:00:04") {
		t.Errorf("%s of #%d: %s", v.Cause, v.Match, v.Text)
	}
}

// What many matches do is said a few times, and how many more did it.
func TestSameLines(t *testing.T) {
	const rule = `within: 1h, pattern: a -> b, define: {a: 'n == "a"', b: 'n == "b"'}`
	for n, want := range map[int]int{2: 2, 4: 4, 5: 4, 200: 4} { // lines on them
		text, all, _ := follow(t, rule, "x", letters(strings.Repeat("a", n)+"x"), cep.HaltRecord)
		lines := strings.Split(strings.TrimSpace(text), "\n")
		at := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "n=x") })
		passed := 0
		for _, s := range all {
			if s.Do == Passed && s.Number == uint64(n+1) {
				passed++
			}
		}
		got := 0
		for _, l := range lines[at+1:] {
			if strings.HasPrefix(l, "  #") || strings.HasPrefix(l, "  and ") {
				got++
			}
		}
		if got != want || passed != n {
			t.Errorf("%d open: %d lines, %d statements\n%s", n, got, passed, strings.Join(lines[at:], "\n"))
		}
		if more := fmt.Sprintf("and %d more did the same", n-shownSame); n > 4 && !strings.Contains(text, more) {
			t.Errorf("no %q in\n%s", more, text)
		}
	}
}
