package feature

import (
	"fmt"
	"testing"
	"time"
)

// TestTexts lets many texts come and leave, in bursts, so that what keeps them grows
// and shrinks.
func TestTexts(t *testing.T) {
	hour := int64(time.Hour)
	specs := []Spec{
		{Value: Distinct, Window: Window{Size: hour}},
		{Value: Seen, Window: Window{Size: hour}},
		{Value: Distinct, Window: Window{Shape: Tumbling, Size: hour}},
		{Value: First, Window: Window{Size: hour}},
		{Value: Last, Window: Window{Size: hour}},
		{Value: Quantile, Q: 0.3, Window: Window{Size: hour}},
	}
	p := NewPlan(specs)
	var r Record
	brutes := make([]brute, len(specs))
	for i := range specs {
		brutes[i].spec = specs[i]
	}
	now, n, least, most := int64(0), uint64(0), 1<<30, 0
	for burst := range 6 {
		events, step := 1200, hour/2000
		if burst%2 == 1 {
			events, step = 60, hour/20
		}
		for range events {
			now += step
			n++
			h := mix(mix(n, hash1), hash2) % 700
			x := TextItem(fmt.Sprintf("%0*d", 1+h%40, h))
			for i := range specs {
				y := x
				if specs[i].Value == Quantile {
					y = NumberItem(float64(h))
				}
				if n%37 == 0 {
					got, _ := p.Read(&r, i, now, x)
					if want := brutes[i].read(now, x); !brutes[i].same(got, want) {
						t.Fatalf("event %d: %s is %v, want %v", n, specs[i].Value, got, want)
					}
				}
				p.Add(&r, i, now, y)
				brutes[i].add(now, y)
			}
			if n%501 == 0 {
				again, _, err := p.Decode(p.Append(nil, &r))
				if err != nil {
					t.Fatal(err)
				}
				r = again
			}
		}
		p.Trim(&r, now)
		least, most = min(least, p.Bytes(&r)), max(most, p.Bytes(&r))
	}
	if least*5 > most {
		t.Errorf("between %d and %d bytes: memory is not given back", least, most)
	}
}
