package cep

// change notes that a risk of a key changes now.
func (r *risks) change(rk *riskState) {
	if p := r.epoch; p != nil && rk.dirty&p.now == 0 {
		r.save(rk)
		r.stays(rk)
	}
}

// stays lets the next freeze save a risk.
func (r *risks) stays(rk *riskState) {
	if rk.dirty&r.epoch.now == 0 {
		rk.dirty |= r.epoch.now
		r.changed.add(rk)
	}
}

// save saves a risk, if that is still to be done. It stays to be saved while matches may
// still be taken from it.
func (r *risks) save(rk *riskState) {
	p := r.epoch
	if rk.dirty&p.was == 0 {
		return
	}
	rk.dirty &^= p.was
	section, risk := r.section+int(rk.risk), r.named[rk.risk].Risk
	level := rk.before(risk, p.low)
	if end, ok := risk.Deadline(&level); ok && end > p.low {
		p.w.Text(rk.text)
		p.w.B = level.Append(p.w.B)
		p.put(section, p.text(rk.text))
	} else {
		p.none(section, p.text(rk.text))
	}
	if !r.eager {
		return
	}
	section += len(r.named)
	if all := rk.left(p.low, isLeft); len(all) > 0 {
		p.w.leftOf(rk.text, all)
		p.put(section, p.text(rk.text))
	} else {
		p.none(section, p.text(rk.text))
	}
	if n := len(rk.pending); n > 0 && !rk.pending[n-1].at.before(p.low) {
		r.stays(rk)
	}
}

func isLeft(rule int32) bool { return rule == leftRule }

// drop drops a risk of which nothing is left.
func (r *risks) drop(rk *riskState) {
	if p := r.epoch; p != nil {
		r.save(rk)
		rk.dirty = 0
		section := r.section + int(rk.risk)
		p.forget(section, p.text(rk.text))
		if r.eager {
			p.forget(section+len(r.named), p.text(rk.text))
		}
	}
	if r.indexes != nil {
		r.indexes[rk.risk].drop(rk)
	}
	delete(r.tables[rk.risk], rk.text)
}

func (r *risks) saveSome(n int) bool {
	some := r.changed.next(n)
	for _, rk := range some {
		r.save(rk)
	}
	clear(some)
	return r.changed.more()
}
