package cep

// keySaves is what a shard has to save of its keys (see epoch). In EagerOrder the mark of a
// key stands with its cell, if it has one: its state comes and goes as it is matched again.
type keySaves struct {
	epoch    *epoch // nil: there are no freezes
	section  int    // of the keys of the layer
	backlogs int    // of the backlogs of its first space
	keys     changed[*keyState]
	cells    changed[*cell]
	near     bool // Options.NearMisses
	back     bool // the key that is matched has been taken back to be saved
}

// change notes that what is kept of a key, if it is, changes now.
func (s *shard) change(ks *keyState) {
	if ks == nil {
		return
	}
	if s.eager != nil {
		s.spare.differs(ks)
	} else if p := s.saves.epoch; p != nil && ks.dirty&p.now == 0 {
		s.changes(ks)
	}
}

// changeTimed is change for a key that time changes.
func (s *shard) changeTimed(ks *keyState) {
	p := s.saves.epoch
	if p == nil || s.eager == nil {
		return
	}
	if c := s.eager.cells[ks.space].find(ks.text, hashOf(ks.text)); c != nil {
		s.changeCell(c)
	} else if ks.dirty&p.now == 0 {
		s.changes(ks)
	}
}

func (s *shard) changes(ks *keyState) {
	s.saveKey(ks)
	ks.dirty |= s.saves.epoch.now
	s.saves.keys.add(ks)
}

// saveKey saves a key as it stands, if that is still to be done.
func (s *shard) saveKey(ks *keyState) {
	if p := s.saves.epoch; ks.dirty&p.was != 0 {
		ks.dirty &^= p.was
		s.writeKey(ks)
	}
}

func (s *shard) writeKey(ks *keyState) {
	p := s.saves.epoch
	p.w.key(s.plan.rs, ks, s.eager != nil, s.saves.near, p.low)
	p.put(s.saves.section, p.under(ks.space, ks.text))
}

// goes notes that nothing is left of a key, which has changed.
func (s *shard) goes(ks *keyState) {
	p := s.saves.epoch
	if p == nil || ks.dirty == 0 { // it has a cell
		return
	}
	ks.dirty = 0
	p.forget(s.saves.section, p.under(ks.space, ks.text))
}

// saveSome saves up to n keys; false: there are no more.
func (s *shard) saveSome(n int) bool {
	some := s.saves.keys.next(n)
	for _, ks := range some {
		s.saveKey(ks)
	}
	clear(some)
	if len(some) == n {
		return true
	}
	cells := s.saves.cells.next(n - len(some))
	for _, c := range cells {
		s.saveCell(c)
	}
	clear(cells)
	return s.saves.keys.more() || s.saves.cells.more()
}
