package cep

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"weir/cep/feature"
)

// Records are found as long as something is in their windows, whatever comes and goes
// beside them, and are gone soon after.
func TestRecords(t *testing.T) {
	const size = 64 * second
	plan := feature.NewPlan([]feature.Spec{
		{Value: feature.Count, Window: feature.Window{Size: size}},
		{Value: feature.Sum, Window: feature.Window{Size: size / 4}},
	})
	rapid.Check(t, func(t *rapid.T) {
		rs := newRecords(plan)
		keys := rapid.IntRange(1, 3000).Draw(t, "keys")
		r := random(rapid.Uint64().Draw(t, "seed"))
		steps := []int64{0, 1, second / 50, second / 5, 3 * second}
		came := map[string][]int64{}
		now := rapid.Int64Range(-1e15, 1e15).Draw(t, "begin")
		check := func(text string) {
			n := 0
			for _, at := range came[text] {
				if at > now-size {
					n++
				}
			}
			k := keyReader{parts: []string{text}}
			k.join()
			x, ok := rs.find(&k)
			if got, _ := plan.Read(&x.kept, 0, now, feature.Item{}); got.Number() != float64(n) || n > 0 && !ok {
				t.Fatalf("%.20q has %v events (found: %t), want %d", text, got.Number(), ok, n)
			}
			if ok && rs.text(&x) != text {
				t.Fatalf("%.20q is found for %.20q", rs.text(&x), text)
			}
		}
		for range rapid.IntRange(1, 4000).Draw(t, "events") {
			now += steps[r.next()%uint64(len(steps))]
			rs.expire(now)
			text := fmt.Sprint(r.next() % uint64(keys))
			if len(text) == 1 {
				text = strings.Repeat(text, 509+int(text[0]-'0')) // some are long
			}
			check(text)
			k := keyReader{parts: []string{text}}
			k.join()
			x, found := rs.find(&k)
			if !found {
				x = rs.create(text, hashOf(text))
			}
			plan.Add(&x.kept, 0, now, feature.Item{})
			plan.Add(&x.kept, 1, now, feature.NumberItem(1))
			if !found {
				rs.schedule(&x)
			}
			came[text] = append(came[text], now)
			check(text)
		}
		n, late := 0, 0
		for _, all := range came {
			switch last := all[len(all)-1]; {
			case last > now-size:
				n++
			case last > now-size-size/32:
				late++
			}
		}
		if rs.n < n || rs.n > n+late || rs.n != rs.wheel.n {
			t.Fatalf("%d records, %d of them in the wheel; %d keys have events, %d had until lately", rs.n, rs.wheel.n, n, late)
		}
		if rs.bytes() < 8*n*plan.Words() {
			t.Fatalf("%d records take %d bytes", n, rs.bytes())
		}
		if rs.expire(now + 2*size); rs.n != 0 || rs.mem.Room() > keptBytes {
			t.Fatalf("%d records and %d bytes are left", rs.n, rs.mem.Room())
		}
	})
}
