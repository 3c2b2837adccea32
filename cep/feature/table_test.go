package feature

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// TestTableFinds puts in and takes out values at random, many of which have the same
// place in the index, and compares with a map.
func TestTableFinds(t *testing.T) {
	if size := unsafe.Sizeof(entry{}); size != 32 {
		t.Errorf("an entry takes %d bytes", size)
	}
	for _, most := range []int{5, 100, mostKept} {
		r := rand.New(rand.NewPCG(7, uint64(most)))
		k := newTable()
		has := map[Item]bool{}
		for step := range 6 * most {
			x := TextItem(fmt.Sprintf("shop-%d", r.IntN(2*most)))
			if step%3 == 0 {
				x = NumberItem(float64(r.IntN(most)))
			}
			e := k.find(x, x.hash())
			if found := e >= 0; found != has[x] {
				t.Fatalf("step %d of %d: %v found: %v, want %v", step, most, x, found, has[x])
			}
			switch {
			case e >= 0 && r.IntN(4) > 0:
				k.remove(e)
				delete(has, x)
			case e < 0 && k.n < most:
				k.insert(x, x.hash(), int64(step))
				has[x] = true
			}
			if k.n != len(has) {
				t.Fatalf("step %d: %d values, want %d", step, k.n, len(has))
			}
		}
		for x := range has {
			if e := k.find(x, x.hash()); e < 0 || k.item(e) != x {
				t.Fatalf("%v is not found", x)
			}
		}
	}
}

// Bytes with more values than a feature keeps are damaged: the index of a table cannot
// number them.
func TestTableTooManyValues(t *testing.T) {
	spec := Spec{Value: Distinct, Window: Window{Shape: Sliding, Size: 1 << 40}}
	wide, narrow := newPlan([]Spec{spec}, 200, 200), newPlan([]Spec{spec}, 100, 100)
	for n, ok := range map[int]bool{100: true, 101: false} {
		var r Record
		for i := range n {
			wide.Add(&r, 0, int64(i), NumberItem(float64(i)))
		}
		if _, _, err := narrow.Decode(wide.Append(nil, &r)); (err == nil) != ok {
			t.Errorf("%d values: %v", n, err)
		}
	}
}
