package nfa

import (
	"testing"
	"time"
)

// TestParenthesesAroundOne: parentheses around one element are no group.
func TestParenthesesAroundOne(t *testing.T) {
	type element struct {
		op     Op
		repeat Repeat
		round  LinkKind
		window time.Duration
	}
	for text, want := range map[string]element{
		"(a)":                         {OpVar, Repeat{1, 1, false, false}, Follow, 0},
		"(a,)+":                       {OpVar, Repeat{1, -1, false, false}, Next, 0},
		"(a{2})?":                     {OpVar, Repeat{2, 2, true, false}, Follow, 0},
		"((a,)++)?":                   {OpVar, Repeat{1, -1, true, true}, Next, 0},
		"(((a ->>){2,4}))?":           {OpVar, Repeat{2, 4, true, false}, Any, 0},
		"a?":                          {OpVar, Repeat{1, 1, true, false}, Follow, 0},
		"a{,4}":                       {OpVar, Repeat{1, 4, true, false}, Follow, 0},
		"a{0,}+":                      {OpVar, Repeat{1, -1, true, true}, Follow, 0},
		"(a*)?":                       {OpVar, Repeat{1, -1, true, false}, Follow, 0},
		"(a{2,}) within 5m":           {OpVar, Repeat{2, -1, false, false}, Follow, 5 * time.Minute},
		"(a{2,} within 5m)?":          {OpVar, Repeat{2, -1, true, false}, Follow, 5 * time.Minute},
		"((a -> b))?":                 {OpSeq, Repeat{1, 1, true, false}, Follow, 0},
		"((a -> b,){2})?":             {OpSeq, Repeat{2, 2, true, false}, Next, 0},
		"(((a -> b)) ->>)+":           {OpSeq, Repeat{1, -1, false, false}, Any, 0},
		"((a -> b) within 5m,){2}":    {OpSeq, Repeat{2, 2, false, false}, Next, 5 * time.Minute},
		"((a | b))? within 5m":        {OpAlt, Repeat{1, 1, true, false}, Follow, 5 * time.Minute},
		"((a & b)?)":                  {OpAll, Repeat{1, 1, true, false}, Follow, 0},
		"((a -> b)? within 5m) -> c?": {OpSeq, Repeat{1, 1, true, false}, Follow, 5 * time.Minute},
	} {
		p, err := Parse(text, nil)
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
			continue
		}
		if p.Root.Op != OpSeq {
			t.Errorf("Parse(%q): the root is %v", text, p.Root.Op)
			continue
		}
		n := p.Root.Subs[0]
		if got := (element{n.Op, n.Repeat, n.Round.Kind, n.Window}); got != want {
			t.Errorf("Parse(%q): %+v, want %+v", text, got, want)
		}
	}
}

// TestNoDefaultsWritten: what is not written has the value that stands for it.
func TestNoDefaultsWritten(t *testing.T) {
	p, err := Parse("a -> !n, (b -> c)", nil)
	if err != nil {
		t.Fatal(err)
	}
	var walk func(n *Node)
	walk = func(n *Node) {
		if n.Repeat != (Repeat{Min: 1, Max: 1}) || n.Round != (Link{Pos: -1}) || n.Until != -1 || n.Window != 0 {
			t.Errorf("%v at %d: %+v", n.Op, n.Pos, *n)
		}
		for _, sub := range n.Subs {
			walk(sub)
		}
	}
	walk(p.Root)
}

// TestPlaces: a node spans all that belongs to it but its link.
func TestPlaces(t *testing.T) {
	text := "a{2,} -> !n, ((b -> c){2} within 5m)? ->> (d | e -> f)"
	p, err := Parse(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a{2,}", "!n", "((b -> c){2} within 5m)?", "(d | e -> f)"}
	for i, n := range p.Root.Subs {
		if got := text[n.Pos:n.End]; got != want[i] {
			t.Errorf("element %d is %q, want %q", i, got, want[i])
		}
	}
	if p.Root.Pos != 0 || p.Root.End != len(text) {
		t.Errorf("the root is [%d,%d)", p.Root.Pos, p.Root.End)
	}
	if alt := p.Root.Subs[3].Subs[1]; text[alt.Pos:alt.End] != "e -> f" {
		t.Errorf("the alternative is %q", text[alt.Pos:alt.End])
	}
}
