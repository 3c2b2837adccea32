package feature

import (
	"testing"
	"time"
)

func TestCost(t *testing.T) {
	const hour = int64(time.Hour)
	day := Window{Shape: Sliding, Size: 24 * hour}
	for _, tt := range []struct {
		name      string
		spec      Spec
		few, most int // bytes of one event, and of 10,000, at most
		grows     bool
	}{
		{"counts", Spec{Value: Count, Window: day}, 100, 200_000, true},
		{"counts in steps", Spec{Value: Count, Window: day, Resolution: hour}, 100, 1_000, true},
		{"sums for ever", Spec{Value: Sum, Window: Window{Shape: Forever}}, 50, 50, false},
		{"sums of a day", Spec{Value: Sum, Window: Window{Shape: Tumbling, Size: 24 * hour}}, 100, 100, false},
		{"means that hop", Spec{Value: Mean, Window: Window{Shape: Hopping, Size: hour, Every: hour / 4}}, 200, 1_000, true},
		{"the last of a session", Spec{Value: Last, Window: Window{Shape: Session, Size: hour}}, 100, 100, false},
		{"different values", Spec{Value: Distinct, Window: day}, 200, 1_000_000, true},
	} {
		one, many := tt.spec.Cost(1), tt.spec.Cost(mostKept)
		if one <= 0 || one > tt.few || many > tt.most || (many > one) != tt.grows {
			t.Errorf("%s: %d bytes for one event, %d for %d", tt.name, one, many, mostKept)
		}
	}
	exact, coarse := (&Spec{Value: Count, Window: day}).Cost(mostKept), (&Spec{Value: Count, Window: day}).Cost(mostKept+1)
	if coarse*10 > exact {
		t.Errorf("beyond the bound a count takes %d bytes, at it %d", coarse, exact)
	}
	if none := (&Spec{Value: Count, Window: day}).Cost(0); none != 0 {
		t.Errorf("a key without events takes %d bytes", none)
	}
	seen := map[int]bool{}
	for i := range 100_000 {
		if n := shuffled(i); seen[n] {
			t.Fatalf("%d comes twice", n)
		} else {
			seen[n] = true
		}
	}
}
