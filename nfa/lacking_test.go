package nfa_test

import (
	"strings"
	"testing"
	"time"

	"weir/nfa"
)

// letters answers for names that are called like the letter of the event, with a number
// behind if there are several.
type letters struct {
	prog  *nfa.Program
	event byte
}

func (l *letters) May(c nfa.Cond) bool                   { return l.prog.Names[c].Text[0] == l.event }
func (l *letters) Holds(c nfa.Cond, _ nfa.Captures) bool { return true }

// What an open match lacks is the shortest way to the end.
func TestMissing(t *testing.T) {
	tests := []struct{ pattern, events, want string }{ // want: of the first match after each event it took
		{"a -> b -> c", "abc", "b c|c|"},
		{"a -> b? -> c", "ab", "c|c"},
		{"a{3,}+ -> b", "aaaab", "a a b|a b|b|b|"},
		{"a{2} -> b", "aab", "a b|b|"},
		{"a -> (b -> c){2} -> d", "abcbcd", "b c b c d|c b c d|b c d|c d|d|"},
		{"a -> (b{2} -> c){1,2}", "abbcbbc", "b b c|b c|c||b c|c|"},
		{"a -> (b -> c -> d | e)", "abcd", "b c d|c d|d|"},
		{"a -> !b", "a", ""},
		{"a -> b -> !c", "ab", "b|"},
		{"a & b & c", "ba", "a c|c"},
		{"a*  -> b", "aab", "b|b|"},
		{"a -> b{1000} -> c", "ab", strings.Repeat("b ", 1000) + "c|" + strings.Repeat("b ", 999) + "c"},
	}
	for _, tt := range tests {
		p, err := nfa.Parse(tt.pattern, nil)
		if err != nil {
			t.Fatal(err)
		}
		prog, err := nfa.Compile(p, nfa.Options{Within: time.Hour, Skip: nfa.SkipNone})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		first := 0
		m, runs, j := prog.NewMachine(), &nfa.Runs{}, &letters{prog: prog}
		m.Trace = func(n nfa.Note) {
			took := func(node, from int, caps nfa.Captures) {
				if n.Kind != nfa.Began && n.Kind != nfa.Took || from != first {
					return
				}
				first = node
				var names []string
				missing, ok := caps.Missing()
				for _, name := range missing {
					names = append(names, prog.Names[name].Text)
				}
				if !ok {
					names = []string{"unknown"}
				}
				got = append(got, strings.Join(names, " "))
			}
			took(n.Node, n.From, n.Captures)
			for i := range n.Origins.Len() {
				took(n.Others.Node(i), n.Origins.Node(i), n.Others.Captures(i))
			}
		}
		for i := range tt.events {
			j.event = tt.events[i]
			m.Step(runs, int64(i), nfa.Event(i+1), j, nil)
		}
		if text := strings.Join(got, "|"); text != tt.want {
			t.Errorf("%s on %s:\ngot  %s\nwant %s", tt.pattern, tt.events, text, tt.want)
		}
	}
}
