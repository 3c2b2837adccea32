package feature

import "time"

// Cost is the memory, in bytes, that a feature takes of one key whose window has so many
// events: each of another number, in no order, evenly over the window. Texts come on top
// with their length. It is measured, which takes the time of adding the events. Check must
// have found no fault with s.
func (s *Spec) Cost(events int) int {
	p := NewPlan([]Spec{*s})
	var r Record
	begin := int64(time.Hour)
	end := begin // of a window that ends as a whole, or never: one that keeps no times
	if w := &s.Window; w.Shape == Sliding || w.Shape == Hopping {
		end = begin + w.Size - 1
	}
	for i := range events {
		t := begin + int64(float64(end-begin)*float64(i)/float64(max(events-1, 1)))
		p.Add(&r, 0, t, NumberItem(float64(shuffled(i))/100))
	}
	return p.Bytes(&r)
}

// shuffled is the number i in an order that looks like none; each i below 2^20 has
// another.
func shuffled(i int) int {
	const odd, most = 741_457, 1 << 20
	return i * odd % most
}
