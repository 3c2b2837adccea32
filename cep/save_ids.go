package cep

// idSaves is how far ids are saved. They are saved by blocks of idBlock: marks in them do
// not change, and go in their order.
type idSaves struct {
	epoch   *epoch // nil: there are no freezes
	section int
	done    uint64 // ids before it were saved by the last freeze
	from    uint64 // of those to be saved, the first,
	to      uint64 // and the first after them
}

// freeze takes the ids that have come since the last freeze. The block of the latest is saved
// at once: ids to come may change its time.
func (d *duplicates) freeze() {
	s := &d.saves
	s.from, s.to = max(d.first, s.done/idBlock*idBlock), d.next
	s.done = d.next
	if last := d.next / idBlock * idBlock; last < d.next && s.from < d.next {
		d.saveBlock(max(last, s.from), d.next)
		s.to = last
	}
	first := s.epoch.number(d.first / idBlock)
	s.epoch.save(&Entry{Section: uint32(s.section), Kind: GoneBeforeKind, Value: first})
}

// saveNext saves the next block; false: all is saved.
func (d *duplicates) saveNext() bool {
	s := &d.saves
	if s.from >= s.to {
		return false
	}
	to := (s.from/idBlock + 1) * idBlock
	d.saveBlock(s.from, to)
	s.from = to
	return true
}

// saveBlock saves the ids of a block from one on, up to another.
func (d *duplicates) saveBlock(from, to uint64) {
	p := d.saves.epoch
	d.appendBlock(&p.w, from, to)
	p.put(d.saves.section, p.number(from/idBlock))
}

// appendBlock writes ids of one block.
func (d *duplicates) appendBlock(w *writer, from, to uint64) {
	w.Uint(from)
	w.Uint(to - from)
	for n := from; n < to; n++ {
		m := d.at(n)
		w.Fixed(m.id)
		w.Fixed(uint64(m.more)<<32 | uint64(m.line))
	}
	w.Int(*d.top(from))
}
