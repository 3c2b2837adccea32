package feature

import "weir/cep/feature/exact"

// A sliding window of a few panes of Resolution keeps them in the words of the record,
// so that they take no memory of their own: the newest pane, then for each pane, by
// its number modulo how many there are, what it sums up: how many; or the sum (2
// words), then for mean how many. A sum that does not fit its words goes over to sums.

// fewPanes is the number of steps of Resolution in a window up to which its panes are
// kept in words.
const fewPanes = 4

// slotWords is the number of words of a pane; 0: the feature keeps none in words.
func (f *feature) slotWords() int {
	if f.Window.Shape != Sliding || f.Resolution < (f.Window.Size+fewPanes-1)/fewPanes {
		return 0
	}
	switch f.Value {
	case Count, Rate:
		return 1
	case Sum:
		return 2
	case Mean:
		return 3
	}
	return 0
}

// slotCount is the greatest number of panes that a window reaches into.
func (f *feature) slotCount() int { return int((f.Window.Size-1)/f.Resolution) + 2 }

// inSlots reports whether r keeps the panes of f in words now.
func (f *feature) inSlots(r *Record) bool {
	return f.slots > 0 && (f.rest < 0 || r.rests[f.rest] == nil)
}

// slot is the words of the pane that begins at at.
func (f *feature) slot(body []uint64, at int64) []uint64 {
	n := int64((len(body) - 1) / f.slots)
	i := int((at/f.Resolution%n+n)%n) * f.slots
	return body[1+i : 1+i+f.slots]
}

// addSlot counts an event.
func (f *feature) addSlot(r *Record, stamp int64, x Item) {
	body := r.words[f.body : f.body+f.bodyWords()]
	at, newest := floor(stamp, f.Resolution), int64(body[0])
	if at > newest {
		most := int64(f.slotCount()-1) * f.Resolution
		for pane := max(newest+f.Resolution, at-most); pane <= at; pane += f.Resolution {
			clear(f.slot(body, pane))
		}
	}
	body[0] = uint64(at)
	slot := f.slot(body, at)
	if f.slots == 1 {
		slot[0]++
		return
	}
	sum, _ := exact.SumOf(slot[0], slot[1], nil)
	if sum.Add(x.Number()); !sum.Fits() {
		f.spill(r, body)
		r.rests[f.rest].(*sums).add(f, stamp, x.Number())
		return
	}
	slot[0], slot[1], _ = sum.Parts()
	if f.slots > 2 {
		slot[2]++
	}
}

// spill moves the panes to sums.
func (f *feature) spill(r *Record, body []uint64) {
	k := newSums(f)
	newest := int64(body[0])
	for pane := newest - int64(f.slotCount()-1)*f.Resolution; pane <= newest; pane += f.Resolution {
		slot := f.slot(body, pane)
		if !some(slot) {
			continue
		}
		copy(k.rows.push(pane)[1:], slot)
		p := k.load(k.rows.last(pane))
		k.n += p.n
		k.sum.Merge(&p.sum)
	}
	clear(body)
	r.rests[f.rest] = k
}

// some reports whether a word is not 0.
func some(words []uint64) bool {
	for _, w := range words {
		if w != 0 {
			return true
		}
	}
	return false
}

// readSlots sums the panes from edge on.
func (f *feature) readSlots(r *Record, edge int64) Item {
	body := r.words[f.body : f.body+f.bodyWords()]
	var n int64
	var sum exact.Sum
	edge = floor(edge, f.Resolution)
	least := max(edge, int64(body[0])-int64(f.slotCount()-1)*f.Resolution)
	for pane := int64(body[0]); pane >= least; pane -= f.Resolution {
		slot := f.slot(body, pane)
		if f.slots == 1 {
			n += int64(slot[0])
			continue
		}
		part, _ := exact.SumOf(slot[0], slot[1], nil)
		sum.Merge(&part)
		if f.slots > 2 {
			n += int64(slot[2])
		}
	}
	switch f.Value {
	case Count, Rate:
		return f.count(n)
	}
	return f.sum(n, f.Value == Sum || n > 0, &sum, nil)
}

// count is the value of a number of events.
func (f *feature) count(n int64) Item {
	if f.Value == Rate {
		return NumberItem(float64(n) * 1e9 / float64(f.grid.size))
	}
	return NumberItem(float64(n))
}

// soundSlots reports whether the words of panes are such as are written.
func (f *feature) soundSlots(body []uint64) bool {
	if at := int64(body[0]); !soundTime(at) || at != floor(at, f.Resolution) {
		return false
	}
	for i := 1; i < len(body); i += f.slots {
		slot := body[i : i+f.slots]
		if f.slots == 1 {
			if slot[0] > most {
				return false
			}
			continue
		}
		if _, ok := exact.SumOf(slot[0], slot[1], nil); !ok || f.slots > 2 && slot[2] > most {
			return false
		}
	}
	return true
}
