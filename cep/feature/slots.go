package feature

import (
	"weir/cep/feature/exact"
)

// A sliding window of a few panes of Resolution keeps them in the words of the record:
// the newest pane, for mean how many events each has (12 bits), then for each pane, by
// its number modulo how many there are, how many or the sum (2 words). What does not
// fit goes over to a ring of panes and totals, which stand after the first word then.

const (
	fewPanes  = 4 // steps of Resolution in a window up to which its panes are kept in words
	countBits = 12
	mostCount = 1<<countBits - 1

	spill = 1 << 63 // stands for the newest pane of what went over
)

// slotCount is the greatest number of panes that a window reaches into; 0: the feature
// keeps none in words.
func (f *feature) slotCount() int {
	if f.Window.Shape != Sliding || f.Resolution < (f.Window.Size+fewPanes-1)/fewPanes {
		return 0
	}
	switch f.Value {
	case Count, Rate, Sum, Mean:
		return int((f.Window.Size-1)/f.Resolution) + 2
	}
	return 0
}

// slotsWords is the number of words that panes take.
func (f *feature) slotsWords() int {
	if f.Value != Sum && f.Value != Mean {
		return 1 + f.slots
	}
	return max(f.firstSlot()+2*f.slots, 1+ringWords+f.totalWords())
}

// firstSlot is the word at which panes begin.
func (f *feature) firstSlot() int {
	if f.Value == Mean {
		return 2
	}
	return 1
}

func (f *feature) spilled(body []uint64) bool { return body[0] == spill }

// slotOf is the place of the pane that begins at at.
func (f *feature) slotOf(at int64) int {
	n := int64(f.slots)
	i := at / f.Resolution % n
	if i < 0 {
		i += n
	}
	return int(i)
}

// slotCounted is how many events a pane of a mean has.
func slotCounted(body []uint64, i int) uint64 { return body[1] >> (countBits * i) & mostCount }

// slotSum is the sum of a pane.
func (f *feature) slotSum(body []uint64, i int) []uint64 {
	at := f.firstSlot() + 2*i
	return body[at : at+2]
}

// clearSlot empties a pane.
func (f *feature) clearSlot(body []uint64, i int) {
	switch f.Value {
	case Sum:
		clear(f.slotSum(body, i))
	case Mean:
		clear(f.slotSum(body, i))
		body[1] &^= mostCount << (countBits * i)
	default:
		body[1+i] = 0
	}
}

// addSlot counts an event.
func (f *feature) addSlot(r *Record, body []uint64, stamp, edge int64, x Item) bool {
	if f.spilled(body) {
		f.dropSpilled(r, body, edge)
	}
	if f.spilled(body) {
		return f.addSum(r, body[1:], stamp, edge, x.Number())
	}
	at, newest := floor(stamp, f.Resolution), int64(body[0])
	if at > newest {
		most := int64(f.slots-1) * f.Resolution
		for pane := max(newest+f.Resolution, at-most); pane <= at; pane += f.Resolution {
			f.clearSlot(body, f.slotOf(pane))
		}
	}
	body[0] = uint64(at)
	i := f.slotOf(at)
	if f.Value != Sum && f.Value != Mean {
		body[1+i]++
		return false
	}
	slot := f.slotSum(body, i)
	if f.Value == Mean && slotCounted(body, i) == mostCount || !exact.AddTo((*[2]uint64)(slot), x.Number()) {
		f.spillSlots(r, body)
		return f.addSum(r, body[1:], stamp, edge, x.Number())
	}
	if f.Value == Mean {
		body[1] += 1 << (countBits * i)
	}
	return false
}

// spillSlots moves the panes to a ring.
func (f *feature) spillSlots(r *Record, body []uint64) {
	panes := append(make([]uint64, 0, 16), body...)
	clear(body)
	body[0] = spill
	k, total := f.ring(r, body[1:]), body[1+ringWords:]
	newest := int64(panes[0])
	for at := newest - int64(f.slots-1)*f.Resolution; at <= newest; at += f.Resolution {
		i := f.slotOf(at)
		slot, n := f.slotSum(panes, i), uint64(0)
		if f.Value == Mean {
			n = slotCounted(panes, i)
		}
		if n == 0 && !some(slot) {
			continue
		}
		p := pane{n: int64(n)}
		p.sum, _ = exact.SumOf(slot[0], slot[1], nil)
		f.addPane(r, total, k.push(at), &p)
		all := f.total(r, total)
		all.merge(&p)
		f.setTotal(r, total, &all)
	}
	k.store(body[1:])
}

// dropSpilled forgets old panes of what went over; without any the words are used
// again.
func (f *feature) dropSpilled(r *Record, body []uint64, edge int64) {
	k := f.ring(r, body[1:])
	f.dropSums(r, &k, body[1:], edge)
	if k.n > 0 {
		k.store(body[1:])
		return
	}
	k.free()
	r.freeKeep(body[1+ringWords+sideWord])
	clear(body)
}

// dropSlots empties the panes that end before edge.
func (f *feature) dropSlots(body []uint64, edge int64) {
	at, newest := int64(body[0])-int64(f.slots-1)*f.Resolution, int64(body[0])
	for least := min(floor(edge, f.Resolution), newest); at < least; at += f.Resolution {
		f.clearSlot(body, f.slotOf(at))
	}
}

// readSlots sums the panes from edge on.
func (f *feature) readSlots(r *Record, body []uint64, edge int64) (Item, bool) {
	if f.spilled(body) {
		f.dropSpilled(r, body, edge)
	}
	if f.spilled(body) {
		return f.readSum(r, body[1:], edge)
	}
	newest := int64(body[0])
	least := max(floor(edge, f.Resolution), newest-int64(f.slots-1)*f.Resolution)
	if f.Value == Count || f.Value == Rate {
		n := uint64(0)
		for at, i := newest, f.slotOf(newest); at >= least; at -= f.Resolution {
			n += body[1+i]
			i = f.before(i)
		}
		return f.count(int64(n)), false
	}
	var sum [2]uint64
	n := uint64(0)
	for at, i := newest, f.slotOf(newest); at >= least; at -= f.Resolution {
		slot := f.slotSum(body, i)
		if !exact.Join(&sum, slot[0], slot[1]) {
			return f.sumSlots(body, least), false
		}
		if f.Value == Mean {
			n += slotCounted(body, i)
		}
		i = f.before(i)
	}
	switch {
	case f.Value == Sum:
		n = 1
	case n == 0:
		return f.nothing, false
	}
	return NumberItem(exact.MeanOf(sum[0], sum[1], int(n))), false
}

// before is the place of the pane before the one at i.
func (f *feature) before(i int) int {
	if i == 0 {
		return f.slots - 1
	}
	return i - 1
}

// sumSlots sums the panes from least on, which together are too much for words.
func (f *feature) sumSlots(body []uint64, least int64) Item {
	var p pane
	newest := int64(body[0])
	for at, i := newest, f.slotOf(newest); at >= least; at -= f.Resolution {
		slot := f.slotSum(body, i)
		part, _ := exact.SumOf(slot[0], slot[1], nil)
		p.sum.Merge(&part)
		if f.Value == Mean {
			p.n += int64(slotCounted(body, i))
		}
		i = f.before(i)
	}
	return f.result(&p, f.Value == Sum || p.n > 0)
}
