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
		{one, []string{"card=c1"}, "c1"},
		{one, []string{"card=card=c1"}, "card=c1"},
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
		if err != nil {
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
	if nearest, _ = c.near([]string{"OTHER"}, 1); len(nearest) != 1 || nearest[0].Key[0] != "other" {
		t.Error("in other letters:", nearest)
	}
	c.stop()
	c.count([]string{"x"})
	if nearest, busiest = c.near([]string{"card-3"}, 2); nearest != nil || busiest != nil {
		t.Error("it counts after the key has come:", nearest, busiest)
	}
}

// follow traces a rule over events, one a line, and returns its steps as text, the
// statements of each match apart, and the verdict.
func follow(t *testing.T, rule, key, events string, end cep.RecordKind) (text string, all []Statement, v *Verdict) {
	t.Helper()
	checked := rules.Check([]source.File{{Path: "rule.yaml", Text: "rules:\n  - {id: r, on: event, key: k, " + rule + "}\n"}})
	if checked.Ruleset == nil {
		t.Fatal(checked.Findings)
	}
	var b strings.Builder
	r := checked.Rules[0]
	for _, apart := range []bool{false, true} {
		w, judge := NewWriter(&b, r), NewJudge(r, []string{key})
		tr, err := New(r, checked.Ruleset, []string{key}, func(s *Step) {
			judge.Take(s, true)
			if apart {
				all = append(all, s.Statements...)
			} else if err := w.Write(s); err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		tr.Apart = apart
		g := cep.NewEngine(checked.Ruleset, cep.Options{Trace: tr.Observer()})
		var fx cep.Effects
		g.Step([]cep.Record{{Kind: cep.EventsRecord, Data: []byte(events), Line: 1}, {Kind: end}}, &fx)
		now, low, _ := g.Clock()
		if end == cep.HaltRecord {
			tr.End(low)
		} else {
			now = Forever
		}
		tr.Flush()
		before := v
		if v = judge.Verdict(End{Read: 1, Now: now}); before != nil && v.Text != before.Text {
			t.Errorf("%s\ntold apart %s\nelse       %s", rule, v.Text, before.Text)
		}
	}
	return b.String(), all, v
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
		{"within: 1m, pattern: a -> b, " + ab, "axx", ConditionFalse, `The nearest miss was event 3 at 00:00:02: it does not fit b: n == "b" is false (n = "x")`},
		{"within: 1m, pattern: a -> b, " + ab, "a", WindowClosed, "It still needed b when the window of 1m (within) closed at 00:01:00. No event of the key came after event 1."},
		{"within: 2s, pattern: a -> b, " + ab, "axxb", WindowClosed, "Event 4 at 00:00:03 would have been b, but came 1s too late."},
		{"within: 3s, pattern: a -> b, " + ab, "axxb", WindowClosed, "would have been b, but came at the very end, which is too late"},
		{"within: 1m, pattern: 'a -[<2s]-> b', " + ab, "axxxb", BoundRanOut, "It still needed b when the bound of 2s before b ran out at 00:00:02. The nearest miss was event 2"},
		{"within: 1m, pattern: '(a -> b) within 2s -> c', " + abc, "axxbc", WindowClosed, "It still needed b, c when the window of 2s (within, of a part of the pattern) closed at 00:00:02"},
		{"within: 1m, pattern: 'a ,[>2s] b', " + ab, "ab", Broken, "with event 2: it comes too soon for b: the link is ,[>2s]"},
		{"within: 1m, pattern: 'a, b', " + ab, "axb", Broken, `the very next event had to be b, and it does not fit b: n == "b" is false`},
		{"within: 1m, pattern: a -> !c -> b, " + abc, "acb", Forbidden, "It still needed b when it ended at 00:00:01 with event 2: it fits c, which !c forbids"},
		{"within: 1m, pattern: a -> !b, " + ab, "ab", Forbidden, "It waited for no b to come when it ended at 00:00:01 with event 2: it fits b, which !b forbids"},
		{"within: 1m, pattern: a -> b -> c, " + abc, "abxbc", DidAlert, ""},
		{"within: 1m, pattern: a -> b -> c, " + abc, "acb", WrongOrder, "Event 2 at 00:00:01 could be c, but came before its turn."},
		{"within: 1m, pattern: a -> b -> c, " + abc, "cab", WrongOrder, "Event 1 at 00:00:00 could be c, but came before its turn."},
		{"within: 1m, pattern: a -> b -> c, " + abc, "cacccb", WrongOrder, "4 events could be c, but came before their turn: event 1 at 00:00:00, event 3 at 00:00:02, event 4 at 00:00:03, event 5 at 00:00:04."},
		{"within: 1m, pattern: a -> b -> c, " + abc, "accxcccb", WrongOrder, "5 events could be c, but came before their turn: event 2 at 00:00:01, event 3 at 00:00:02, ..., event 6 at 00:00:05, event 7 at 00:00:06."},
		{"within: 1m, pattern: a -> b -> c, " + abc, "ac", WindowClosed, "It still needed b, c when the window of 1m (within) closed at 00:01:00. Event 2 at 00:00:01 could be c, but came before its turn."},
		{"within: 3s, pattern: a -> b -> c, " + abc, "cxxxab", WindowClosed, "#1 got furthest: a, b since 1970-01-01 00:00:04 (event 5, event 6). It still needed c when the window of 3s (within) closed at 00:00:07. No event"},
		{"within: 1m, pattern: 'a{3,} -> b', " + ab, "aab", TooFew, "#1 got furthest: a×2 since 1970-01-01 00:00:00 (event 1, event 2). It still needed a, b when"},
		{"within: 1m, pattern: 'a{3,} -> b', " + ab, "aaax", ConditionFalse, "a×3 since 1970-01-01 00:00:00 (event 1, event 2, event 3). It still needed b when"},
		{"within: 1m, pattern: 'a -> b{1,2}+ -> c', " + abc, "abbbc", GreedyTook, "with event 4: it fits b, and what fits a greedy loop never counts for what follows it"},
		{"within: 1m, pattern: 'a++ -> b', define: {a: 'n in [\"a\", \"b\"]', b: 'n == \"b\"'}", "aab", ConditionFalse, "No event of the key came after event 3; it fits a, and what fits a greedy loop never counts for what follows it"},
		{"within: 1m, pattern: 'a -> b{2,}+ until c -> a2', define: {a: 'n == \"a\"', b: 'n == \"b\"', c: 'n == \"c\"', a2: 'n == \"d\"'}", "abcd", LoopStopped, "until c ends the loop"},
		{"within: 1m, unless: 'n == \"u\"', pattern: a -> b, " + ab, "aub", UnlessEnded, `unless holds: n == "u" is true`},
		{"within: 1m, having: 'count(a) > 1', pattern: a -> b, " + ab, "ab", HavingFalse, "It was complete, but did not come out: having does not hold: count(a) > 1 is false (count(a) = 1)"},
		{"within: 1m, pattern: a -> b, " + ab, "xyz", NoMatch, "No alert for k=x: none of its 3 events begins a match."},
		{"within: 1m, pattern: a -> b, " + ab, "b", NoMatch, "No alert for k=x: its one event begins no match."},
		{"within: 1m, where: 'n != \"a\" && n != nil', pattern: a -> b, " + ab, "aa", WhereFalse, `2 events were not seen, as where does not hold; event 2 at 1970-01-01 00:00:01: n != "a" is false (n = "a").`},
		{"pattern: a -> b, " + ab, "a", StillOpen, "It is still open and needs b: it has no window that could close."},
		{"within: 1m, pattern: 'a -> b | c', " + abc, "ax", ConditionFalse, `it does not fit b`},
		// Of several, the one that lacked least; of these the one to which an event came nearest.
		{"within: 3s, pattern: a -> b -> c, " + abc, "abxxxxxaxx", ConditionFalse, "#1 got furthest: a, b since 1970-01-01 00:00:00 (event 1, event 2)."},
		{"within: 3s, pattern: a -> b, define: {a: 'n in [\"a\", \"A\"]', b: 'n == \"b\" && last(a).n == \"A\"'}", "axxxxAxxxxaxxxxab", ConditionFalse, `#4 got furthest: a since 1970-01-01 00:00:15 (event 16). It still needed b when the window of 3s (within) closed at 00:00:18. The nearest miss was event 17 at 00:00:16: it does not fit b: last(a).n == "A" is false`},
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
	if ended != 1 || !strings.Contains(text, "#1 (a since 00:00:00) ends: the window of 3s (within) closed at 00:00:03\n") {
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
		if more := fmt.Sprintf("and %d more likewise", n-shownSame); n > 4 && !strings.Contains(text, more) {
			t.Errorf("no %q in\n%s", more, text)
		}
	}
}

// What thousands of matches did at an event takes a few statements; those that are kept
// are those that are open.
func TestManyOpen(t *testing.T) {
	const open = 800
	for _, pattern := range []string{
		"a -> b", "a{2,}+ -> b", "a -> c -> b", "a -> !b", "a -[<11s]-> b -> c",
	} {
		rule := "within: 12s, skip: none, pattern: '" + pattern + `', define: {a: 'n == "a"', b: 'n == "b" && (last(a).n == nil || last(a).ts > ts)'`
		if strings.Contains(pattern, "c") {
			rule += `, c: 'n == "c" && last(a).ts > ts'`
		}
		rule += "}"
		checked := rules.Check([]source.File{{Path: "rule.yaml", Text: "rules:\n  - {id: r, on: event, key: k, " + rule + "}\n"}})
		if checked.Ruleset == nil {
			t.Fatal(checked.Findings)
		}
		most, lines, kept := 0, 0, 0
		var text strings.Builder
		w, judge := NewWriter(&text, checked.Rules[0]), NewJudge(checked.Rules[0], []string{"x"})
		var tr *Trace
		tr, err := New(checked.Rules[0], checked.Ruleset, []string{"x"}, func(s *Step) {
			judge.Take(s, true)
			if s.Time < 0 || s.Time >= 11e9 {
				return // where all end
			}
			text.Reset()
			if err := w.Write(s); err != nil {
				t.Error(err)
			}
			most, lines, kept = max(most, len(s.Statements)), max(lines, strings.Count(text.String(), "\n")), max(kept, len(tr.matches))
		})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for i := range open {
			fmt.Fprintf(&b, "{\"ts\":%d,\"k\":\"x\",\"n\":\"a\"}\n", i)
		}
		b.WriteString(`{"ts":10000,"k":"x","n":"b"}` + "\n")
		g := cep.NewEngine(checked.Ruleset, cep.Options{Trace: tr.Observer()})
		var fx cep.Effects
		g.Step([]cep.Record{{Kind: cep.EventsRecord, Data: []byte(b.String()), Line: 1}, {Kind: cep.EndRecord}}, &fx)
		tr.Flush()
		if v := judge.Verdict(End{Read: 1, Now: Forever}); (v.Cause == DidAlert) != (pattern == "a -> !b") || v.Match == 0 && v.Cause != DidAlert {
			t.Errorf("%s: %s", pattern, v.Text)
		}
		if most > 8*mostSpoken || lines > 30 || kept > open+10 || kept < open-10 {
			t.Errorf("%s: at most %d statements, %d lines and %d matches", pattern, most, lines, kept)
		}
	}
}
