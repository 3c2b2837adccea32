package outcome

import (
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDecide(t *testing.T) {
	policy := Policy{Review: 40, Challenge: 60, Block: 80}
	with := func(c Combine) Policy { p := policy; p.Combine = c; return p }
	give := func(rule string, score int, a Action) Contribution { return Contribution{rule, 1, score, a, false} }
	held := func(rule string, score int, a Action) Contribution { return Contribution{rule, 1, score, a, true} }
	tests := []struct {
		name    string
		policy  Policy
		give    []Contribution
		score   int
		action  Action
		byScore Action
		reasons string
	}{
		{"no rule", policy, nil, 0, Allow, Allow, ""},
		{"no rule, another way", with(NoisyOr), nil, 0, Allow, Allow, ""},
		{"no policy", Policy{}, []Contribution{give("a", 95, Review)}, 95, Review, Allow, "a"},
		{"an action from the score", policy, []Contribution{give("a", 80, Allow)}, 80, Block, Block, "a"},
		{"just below", policy, []Contribution{give("a", 79, Allow)}, 79, Challenge, Challenge, "a"},
		{"the rule is stricter", policy, []Contribution{give("a", 10, Challenge)}, 10, Challenge, Allow, "a"},
		{"the highest", with(Max), []Contribution{give("a", 30, Allow), give("b", 50, Allow)}, 50, Review, Review, "b a"},
		{"a sum", with(Sum), []Contribution{give("a", 30, Allow), give("b", 50, Allow)}, 80, Block, Block, "b a"},
		{"a sum over the most", with(Sum), []Contribution{give("a", 70, Allow), give("b", 50, Allow)}, 100, Block, Block, "a b"},
		{"noisy or", with(NoisyOr), []Contribution{give("a", 50, Allow), give("b", 60, Allow)}, 80, Block, Block, "b a"},
		{"noisy or, one half up", with(NoisyOr), []Contribution{give("a", 50, Allow), give("b", 99, Allow)}, 100, Block, Block, "b a"},
		{"noisy or, below one half", with(NoisyOr), []Contribution{give("a", 51, Allow), give("b", 97, Allow), give("c", 2, Allow)}, 99, Block, Block, "b a c"},
		{"noisy or of one", with(NoisyOr), []Contribution{give("a", 37, Allow)}, 37, Allow, Allow, "a"},
		{"noisy or, certain", with(NoisyOr), []Contribution{give("a", 37, Allow), give("b", 100, Allow)}, 100, Block, Block, "b a"},
		{"a rule counts once", with(Sum), []Contribution{give("a", 30, Allow), give("a", 35, Allow), give("a", 10, Allow)}, 35, Allow, Allow, "a"},
		{
			"order of reasons",
			Policy{},
			[]Contribution{give("d", 10, Allow), give("c", 50, Review), give("b", 50, Review), give("e", 90, Review), give("a", 5, Block), held("f", 20, Allow)},
			90, Block, Allow, "a e b c f* d",
		},
		{"a hold and a match", Policy{}, []Contribution{held("a", 50, Block), give("a", 20, Review)}, 50, Block, Allow, "a"},
		{"a hold", Policy{}, []Contribution{held("a", 50, Block), held("a", 50, Block)}, 50, Block, Allow, "a*"},
		{"scores out of bounds", with(Sum), []Contribution{give("a", -50, Allow), give("b", 150, Allow)}, 100, Block, Block, "b a"},
	}
	for _, tt := range tests {
		got := Decide(tt.policy, tt.give)
		var names []string
		for _, r := range got.Reasons {
			if r.Hold {
				r.Rule += "*"
			}
			names = append(names, r.Rule)
		}
		reasons := strings.Join(names, " ")
		if got.Score != tt.score || got.Action != tt.action || got.ByScore != tt.byScore || reasons != tt.reasons {
			t.Errorf("%s: %d %s (by score %s), reasons %q; want %d %s (%s), %q", tt.name, got.Score, got.Action, got.ByScore, reasons, tt.score, tt.action, tt.byScore, tt.reasons)
		}
	}
}

// The revision of a reason is that of its highest score.
func TestReasonRevision(t *testing.T) {
	tests := []struct {
		give []Contribution
		want Reason
	}{
		{[]Contribution{{"a", 1, 60, Block, true}, {"a", 2, 40, Review, false}}, Reason{"a", 1, 60, Block, false}},
		{[]Contribution{{"a", 3, 40, Block, true}, {"a", 2, 40, Review, false}}, Reason{"a", 2, 40, Block, false}},
		{[]Contribution{{"a", 1, 40, Review, true}, {"a", 2, 40, Review, true}}, Reason{"a", 2, 40, Review, true}},
	}
	for _, tt := range tests {
		if got := Decide(Policy{}, tt.give).Reasons; len(got) != 1 || got[0] != tt.want {
			t.Errorf("%v: %v, want %v", tt.give, got, tt.want)
		}
	}
}

func contributions(t *rapid.T) []Contribution {
	one := rapid.Custom(func(t *rapid.T) Contribution {
		return Contribution{
			Rule:     rapid.StringMatching("[a-n]").Draw(t, "rule"),
			Revision: rapid.IntRange(1, 3).Draw(t, "revision"),
			Score:    rapid.IntRange(0, 100).Draw(t, "score"),
			Action:   Action(rapid.IntRange(0, 3).Draw(t, "action")),
			Hold:     rapid.Bool().Draw(t, "hold"),
		}
	})
	return rapid.SliceOfN(one, 0, 20).Draw(t, "contributions")
}

// The outcome does not depend on the order of what is given, which stays as it was,
// and the combined score is what its formula says.
func TestDecideProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{Combine: Combine(rapid.IntRange(0, 2).Draw(t, "combine")), Review: 40, Block: 80}
		all := contributions(t)
		before := slices.Clone(all)
		got := Decide(p, all)
		if !slices.Equal(before, all) {
			t.Fatal("what is given was changed")
		}
		if other := Decide(p, rapid.Permutation(all).Draw(t, "order")); !reflect.DeepEqual(got, other) {
			t.Fatalf("in another order: %+v, want %+v", other, got)
		}
		highest, action := map[string]int{}, Allow
		for _, c := range all {
			highest[c.Rule] = max(highest[c.Rule], c.Score)
			action = max(action, c.Action)
		}
		if len(got.Reasons) != len(highest) {
			t.Fatalf("%d reasons for %d rules", len(got.Reasons), len(highest))
		}
		for i, r := range got.Reasons {
			if r.Score != highest[r.Rule] {
				t.Fatalf("%s counts %d, want %d", r.Rule, r.Score, highest[r.Rule])
			}
			if i == 0 {
				continue
			}
			last := got.Reasons[i-1]
			if last.Action < r.Action || last.Action == r.Action && (last.Score < r.Score || last.Score == r.Score && last.Rule >= r.Rule) {
				t.Fatalf("%v stands before %v", last, r)
			}
		}
		if want := combined(p.Combine, highest); got.Score != want {
			t.Fatalf("%s: %d, want %d", p.Combine, got.Score, want)
		}
		if len(all) > 0 && got.Action != max(action, p.Action(got.Score)) {
			t.Fatalf("action %s", got.Action)
		}
	})
}

// combined works the score out in fractions.
func combined(c Combine, scores map[string]int) int {
	highest, sum, left := 0, 0, big.NewRat(1, 1)
	for _, s := range scores {
		highest, sum = max(highest, s), sum+s
		left.Mul(left, big.NewRat(int64(100-s), 100))
	}
	switch c {
	case Sum:
		return min(sum, 100)
	case NoisyOr:
		x := new(big.Rat).Sub(big.NewRat(1, 1), left)
		x.Mul(x, big.NewRat(100, 1)).Add(x, big.NewRat(1, 2))
		return int(new(big.Int).Div(x.Num(), x.Denom()).Int64())
	}
	return highest
}

func TestPolicyCheck(t *testing.T) {
	tests := []struct {
		policy Policy
		want   string // part of the error, empty if it is sound
	}{
		{Policy{}, ""},
		{Policy{NoisyOr, 40, 60, 80}, ""},
		{Policy{Max, 0, 0.5, 0}, ""},
		{Policy{Max, 100, 0, 0}, ""},
		{Policy{3, 0, 0, 0}, "combine 3"},
		{Policy{Max, -1, 0, 0}, "review from a score of -1"},
		{Policy{Max, 0, 0, 101}, "block from a score of 101"},
		{Policy{Max, 40, 40, 0}, "challenge from a score of 40, but review from 40"},
		{Policy{Max, 40, 0, 30}, "block from a score of 30, but review from 40"},
	}
	for _, tt := range tests {
		err := tt.policy.Check()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", tt.policy, err, tt.want)
		}
	}
}

func TestNames(t *testing.T) {
	for a := Allow; a <= Block; a++ {
		if got, ok := ParseAction(a.String()); !ok || got != a {
			t.Errorf("%s: %v %t", a, got, ok)
		}
	}
	for c := Max; c <= NoisyOr; c++ {
		if got, ok := ParseCombine(c.String()); !ok || got != c {
			t.Errorf("%s: %v %t", c, got, ok)
		}
	}
	if _, ok := ParseAction("deny"); ok {
		t.Error("deny is an action")
	}
	if _, ok := ParseCombine("mean"); ok {
		t.Error("mean combines")
	}
}

func BenchmarkDecide(b *testing.B) {
	all := []Contribution{{"card-testing", 3, 70, Block, false}, {"velocity", 1, 40, Review, false}, {"new-device", 2, 25, Allow, true}}
	p := Policy{NoisyOr, 40, 60, 80}
	b.ReportAllocs()
	for b.Loop() {
		Decide(p, all)
	}
}
