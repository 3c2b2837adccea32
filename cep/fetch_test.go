package cep

import (
	"fmt"
	"testing"
	"time"

	"weir/cep/feature"
)

// TestMet looks records up that were found before others of the space came and went.
func TestMet(t *testing.T) {
	hour := int64(time.Hour)
	plan := feature.NewPlan([]feature.Spec{{Value: feature.Count, Window: feature.Window{Shape: feature.Sliding, Size: hour}}})
	rs := newRecords(plan)
	key := func(i int) string { return fmt.Sprintf("key-%09d", i) }
	come := func(i int, at int64) {
		text := key(i)
		r, found := rs.lookUp(text, hashOf(text))
		if !found {
			r = rs.create(text, hashOf(text))
		}
		plan.Add(&r.kept, 0, at, feature.Item{})
		if !found {
			rs.schedule(&r)
		}
	}
	ahead := func(i int) *touched {
		h := hashOf(key(i))
		x := &touched{records: rs, text: key(i), hash: h, ref: rs.guess(h), drops: rs.drops}
		if x.ref != 0 {
			x.meet(nil)
		}
		return x
	}
	check := func(x *touched, i int, want bool) {
		t.Helper()
		if r, found := rs.met(x); found != want {
			t.Errorf("%s is found: %t", key(i), found)
		} else if found && rs.text(&r) != key(i) {
			t.Errorf("%s is found as %s", key(i), rs.text(&r))
		}
	}
	come(1, 0)
	come(2, 2*hour)
	one, two, three := ahead(1), ahead(2), ahead(3)
	if one.ref == 0 || two.ref == 0 || three.ref != 0 {
		t.Fatalf("found ahead are %d, %d, %d", one.ref, two.ref, three.ref)
	}
	check(one, 1, true)
	other := &touched{records: rs, text: key(2), hash: two.hash, ref: one.ref, drops: rs.drops} // its tag is that of another
	if other.meet(nil); other.ref != 0 {
		t.Errorf("%s is met as %s", key(1), key(2))
	}
	check(other, 2, true)
	come(3, 2*hour)
	check(three, 3, true)
	rs.expire(2*hour + 1) // 1 goes
	check(one, 1, false)
	check(two, 2, true)
	n := headWords + keyWords(len(key(1))) + plan.Words()
	if block := rs.mem.Take(n); block != one.ref {
		t.Fatalf("the block is not used again: %d, want %d", block, one.ref)
	}
	for i := range n { // something that is no record stands where 1 was
		rs.mem.Words(one.ref, n)[i] = 1<<64 - 1
	}
	check(one, 1, false)
	come(1, 3*hour)
	check(one, 1, true)
}
