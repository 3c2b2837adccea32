package cep

import (
	"fmt"
	"strings"
	"testing"
	"time"

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

// Records are dropped in the first years that events may have, and after the longest
// jumps of time.
func TestRecordsOfAllTimes(t *testing.T) {
	year := func(n int) int64 { return time.Date(n, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano() }
	for _, size := range []int64{10, 100 * second, feature.MaxSize} {
		plan := feature.NewPlan([]feature.Spec{{Value: feature.Count, Window: feature.Window{Size: size}}})
		rs := newRecords(plan)
		add := func(at int64, text string) {
			rs.expire(at)
			r := rs.create(text, hashOf(text))
			plan.Add(&r.kept, 0, at, feature.Item{})
			rs.schedule(&r)
		}
		for i := range int64(200) {
			add(year(1700)+i*(size/10), fmt.Sprint("early", i))
		}
		if rs.n < 10 || rs.n > 15 {
			t.Errorf("%d of 200 records in windows of %d, 10 of them in the window", rs.n, size)
		}
		add(year(2199), "late")
		if rs.n != 1 {
			t.Errorf("%d records in windows of %d after 400 years", rs.n, size)
		}
		add(year(2199), "too")
		if rs.expire(year(2199) + 2*size); rs.n != 0 {
			t.Errorf("%d records in windows of %d at the end of time", rs.n, size)
		}
	}
}

// What a record has in windows is given back in time, also if it keeps something forever:
// of a key that never comes back, and of one that does.
func TestWindowsOfRecordsThatStay(t *testing.T) {
	plan := feature.NewPlan([]feature.Spec{
		{Value: feature.Count, Window: feature.Window{Size: 100 * second}},
		{Value: feature.Sum, Window: feature.Window{Shape: feature.Forever}},
	})
	rs := newRecords(plan)
	come := func(at int64, n int, amount float64) {
		for range n {
			rs.expire(at)
			r, found := rs.lookUp("key", hashOf("key"))
			if !found {
				r = rs.create("key", hashOf("key"))
			}
			plan.Add(&r.kept, 0, at, feature.Item{})
			plan.Add(&r.kept, 1, at, feature.NumberItem(amount))
			if !r.waits() {
				rs.schedule(&r)
			}
		}
	}
	for i := range int64(3) {
		at := 1000 * i * second
		come(at, 1000, 1)
		full := rs.mem.Idle()
		rs.expire(at + 200*second)
		r, ok := rs.lookUp("key", hashOf("key"))
		if sum, _ := plan.Read(&r.kept, 1, at+200*second, feature.Item{}); !ok || sum.Number() != float64(1000*(i+1)) {
			t.Fatalf("the sum is %v", sum.Number())
		}
		if freed := rs.mem.Idle() - full; freed < 8*1000 || plan.Bytes(&r.kept) > 8*plan.Words() {
			t.Errorf("%d bytes of 1,000 events came back, the record takes %d", freed, plan.Bytes(&r.kept))
		}
	}
	come(4000*second, 1, -3000)
	if rs.expire(5000 * second); rs.n != 0 {
		t.Error("a record whose sum came to 0 stays")
	}
}

// Records that share a Memory are what they would be in one of their own, whatever comes
// and goes in it.
func TestRecordsShareMemory(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * 3600 * second
	windows := []feature.Window{
		{Size: 50 * second},
		{Shape: feature.Tumbling, Size: 60 * second},
		{Shape: feature.Session, Size: 9 * second},
		{Shape: feature.Hopping, Size: 60 * second, Every: 20 * second},
		{Shape: feature.Hopping, Size: 2 * day, Every: day, Zone: berlin},
		{Shape: feature.Forever},
	}
	var specs []feature.Spec
	for v := range feature.Rate + 1 {
		for _, w := range windows {
			for _, step := range []int64{0, 3 * second, 25 * second} {
				s := feature.Spec{Value: v, Window: w, Resolution: step}
				if v == feature.Quantile {
					s.Q = 0.7
				}
				if len(s.Check()) == 0 {
					specs = append(specs, s)
				}
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		of := rapid.SliceOfN(rapid.SampledFrom(specs), 1, 9).Draw(t, "features")
		plan := feature.NewPlan(of)
		rs := newRecords(plan)
		alone := make([]feature.Record, rapid.IntRange(1, 40).Draw(t, "keys"))
		r := random(rapid.Uint64().Draw(t, "seed"))
		item := func() feature.Item {
			switch r.next() % 6 {
			case 0:
				return feature.TextItem(fmt.Sprintf("%0*d", 1+r.next()%30, r.next()%50))
			case 1:
				return feature.NumberItem([]float64{1e300, -1e300, 1e20, 1e-40}[r.next()%4])
			}
			return feature.NumberItem(float64(r.next() % 50))
		}
		now := rapid.Int64Range(-1e15, 1e15).Draw(t, "begin")
		steps := []int64{0, 0, 0, 1, second / 50, second / 5, second, 3 * second, 70 * second, 4000 * second}
		for range rapid.IntRange(1, 600).Draw(t, "events") {
			if s := steps[r.next()%uint64(len(steps))]; s < 5*second || r.next()%10 == 0 {
				now += s
			}
			rs.expire(now)
			i := r.next() % uint64(len(alone))
			text := fmt.Sprint(i)
			x, found := rs.lookUp(text, hashOf(text))
			if !found {
				x = rs.create(text, hashOf(text))
			}
			for f := range of {
				for range r.next() % 4 {
					y := item()
					if over := plan.Add(&x.kept, f, now, y); over != plan.Add(&alone[i], f, now, y) {
						t.Fatalf("an event of %v is over the bound: %t", of[f], over)
					}
				}
			}
			if !x.waits() && !rs.schedule(&x) {
				x = record{}
			}
			for f := range of {
				y := item()
				got, _ := plan.Read(&x.kept, f, now, y)
				if want, _ := plan.Read(&alone[i], f, now, y); got != want {
					t.Fatalf("%v is %v, alone %v", of[f], got, want)
				}
			}
		}
		for i := range alone {
			text := fmt.Sprint(i)
			x, _ := rs.lookUp(text, hashOf(text))
			if empty := plan.Trim(&x.kept, now); empty != plan.Trim(&alone[i], now) {
				t.Fatalf("the record is empty: %t", empty)
			} else if !empty && string(plan.Append(nil, &x.kept)) != string(plan.Append(nil, &alone[i])) {
				t.Fatal("the records are written differently")
			}
		}
	})
}
