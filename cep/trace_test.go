package cep

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/nfa"
)

// tracing runs payments of some cards and kinds, one a second, with or without a Trace.
func tracing(t *testing.T, trace *Trace, events string) string {
	rules := []*Rule{
		makeRule(t, "absence", "a -> !b", nfa.Options{Within: 3 * time.Second}, abc("a", "b")),
		makeRule(t, "pair", "a -> b", nfa.Options{Within: 5 * time.Second, Timeout: true}, abc("a", "b")),
	}
	rules[1].Throttle = 10 * time.Second
	rules[1].Where = &Cond{Event: func(s *Scope) bool { return s.Event.Field(fAmount).Number() == 1 }}
	g := NewEngine(rulesOf(rules...), Options{Shards: 3, Trace: trace})
	var fx Effects
	for i, word := range strings.Fields(events) { // card, kind, and `!` if the rule is not to see it
		amount := 1.0
		if strings.HasSuffix(word, "!") {
			amount = 2
		}
		g.StepEvents([]Event{pay(i, word[:1], "m", word[1:2], amount)}, &fx)
	}
	g.Step([]Record{{Kind: EndRecord}}, &fx)
	var b []byte
	for i := range fx.Alerts {
		b = append(AppendJSON(b, &fx.Alerts[i]), '\n')
	}
	return string(b)
}

func TestTrace(t *testing.T) {
	const events = "xa ya xb xa! xc xa xb xa ya! xa yb xb zc"
	plain := tracing(t, nil, events)
	var all, asked []string
	traced := tracing(t, &Trace{Tell: func(told *Told) {
		if told.Kind == Noted {
			return
		}
		line := told.Kind.String()
		if told.Rule != nil {
			line += " " + told.Rule.ID + " " + told.Key[0]
		}
		all = append(all, line)
	}}, events)
	if traced != plain {
		t.Errorf("traced\n%s\nnot traced\n%s", traced, plain)
	}
	count := func(prefix string) (n int) {
		for _, line := range all {
			if strings.HasPrefix(line, prefix) {
				n++
			}
		}
		return n
	}
	if got := fmt.Sprint(count("arrived"), count("offered absence"), count("offered pair x"), count("offered pair y"), count("unseen pair"), count("alerted"), count("silenced pair x")); got != fmt.Sprint(13, 13, 9, 3, 2, strings.Count(plain, "\n"), 2) {
		t.Errorf("%s\n%s", got, strings.Join(all, "\n"))
	}
	notes := 0
	traced = tracing(t, &Trace{
		Wants: func(r *Rule, key []string, e *Event) bool {
			if e != nil {
				asked = append(asked, fmt.Sprint(r.ID, key, e.Place))
			}
			return r.ID == "pair" && key[0] == "y"
		},
		Tell: func(told *Told) {
			if told.Rule != nil && (told.Rule.ID != "pair" || told.Key[0] != "y") {
				t.Errorf("told of %s %v", told.Rule.ID, told.Key)
			}
			if told.Kind == Noted {
				notes++
			}
		},
	}, events)
	if traced != plain || notes == 0 {
		t.Errorf("%d notes\ntraced\n%s\nnot traced\n%s", notes, traced, plain)
	}
	if n := len(asked); n != 26 || len(slices.Compact(slices.Sorted(slices.Values(asked)))) != n {
		t.Errorf("asked %d times: %v", n, asked)
	}
}

// What is told shows the captured events.
func TestToldCaptures(t *testing.T) {
	rule := makeRule(t, "pair", "a -> b", nfa.Options{Within: time.Minute}, abc("a", "b"))
	var seen []string
	g := NewEngine(rulesOf(rule), Options{Trace: &Trace{Tell: func(told *Told) {
		if told.Kind != Noted {
			return
		}
		var kinds []string
		for _, c := range told.Captured(told.Note.Captures) {
			kinds = append(kinds, rule.Names[c.Var].Text+"="+c.Event.Field(fKind).Text)
		}
		scope := told.Scope(told.Note.Captures)
		seen = append(seen, fmt.Sprint(told.Note.Kind, kinds, scope.Captures.Len(0), scope.Captures.Len(1), told.Event != nil))
	}}})
	var fx Effects
	g.StepEvents([]Event{pay(0, "c", "m", "a", 1), pay(1, "c", "m", "b", 1)}, &fx)
	want := []string{
		"began [a=a] 1 0 true", "waits [a=a] 1 0 true",
		"ended [a=a] 1 0 true", "took [a=a b=b] 1 1 true", "completed [a=a b=b] 1 1 true", "ended [a=a b=b] 1 1 true",
		"passed [] 0 0 true", "out [a=a b=b] 1 1 true",
	}
	if !slices.Equal(seen, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(seen, "\n"), strings.Join(want, "\n"))
	}
	if now, low, ok := g.Clock(); !ok || now != low || now != 1e9+pay(0, "", "", "", 0).Time {
		t.Errorf("the clock is %d %d %v", now, low, ok)
	}
}

// What a match or the hold after it comes to is told, and above the first layer events
// arrive once more.
func TestToldConsequences(t *testing.T) {
	rule := makeRule(t, "one", "a", nfa.Options{}, abc("a"))
	rule.Edge, rule.Hold, rule.Throttle = true, 2*time.Second, 5*time.Second
	above := makeRule(t, "above", "b", nfa.Options{}, abc("b"))
	above.Layer = 1
	var told []string
	g := NewEngine(rulesOf(rule, above), Options{Trace: &Trace{Tell: func(t *Told) {
		switch t.Kind {
		case Arrived:
			told = append(told, fmt.Sprint("arrived ", t.Layer, " ", t.Event.Place))
		case Alerted, Repeated:
			told = append(told, fmt.Sprint(t.Kind, " ", t.Rule.ID))
		case Silenced:
			told = append(told, fmt.Sprint(t.Kind, " ", t.Until/1e9))
		case Answered:
			told = append(told, fmt.Sprint(t.Kind, " ", t.Event.Place, " ", t.Until/1e9, " ", t.Score))
		}
	}}})
	for i, kind := range []string{"a", "a", "b", "a"} {
		g.StepEvents([]Event{pay(i, "c", "m", kind, 1)}, new(Effects))
	}
	want := []string{
		"arrived 0 1", "alerted one", "arrived 1 1",
		"arrived 0 2", "answered 2 2 75", "repeated one", "arrived 1 2",
		"arrived 0 3", "answered 3 3 75", "arrived 1 3", "alerted above",
		"arrived 0 4", "silenced 5", "arrived 1 4",
	}
	if !slices.Equal(told, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
}
