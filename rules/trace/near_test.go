package trace

import (
	"math"
	"testing"
)

func TestGap(t *testing.T) {
	amount := []Value{{"amount", "200"}, {"params.limit", "250"}, {"a[0] > 1", "3"}}
	for _, tt := range []struct {
		text   string
		values []Value
		want   float64
	}{
		{"amount > 250", amount, 0.2},
		{"amount >= params.limit", amount, 0.2},
		{"params.limit<=amount", amount, 0.2},
		{"amount > 1e9", amount, 1 - 200/1e9},
		{"amount > -200", amount, 1},
		{"amount > 0", []Value{{"amount", "0"}}, unmeasured},
		{"amount > 250", []Value{{"amount", "nil"}}, unmeasured},
		{"amount == 250", amount, unmeasured},
		{`contains(x, ">") == "<"`, nil, unmeasured},
		{"any(list, # > 1)", nil, unmeasured},
		{`name > "a"`, []Value{{"name", `"b"`}}, unmeasured},
		{"amount > NaN", amount, unmeasured},
		{"", nil, unmeasured},
	} {
		if got := (&Part{Text: tt.text, Values: tt.values}).gap(); math.Abs(got-tt.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", tt.text, got, tt.want)
		}
	}
}

func FuzzCompared(f *testing.F) {
	f.Add(`a(b[">"]) >= 'c\'' < 2`)
	f.Fuzz(func(t *testing.T, text string) {
		left, right, ok := compared(text)
		if ok && len(left)+len(right) >= len(text) || !ok && left+right != "" {
			t.Errorf("%q: %q, %q, %v", text, left, right, ok)
		}
	})
}
