package cep

// beside reads what is kept of features on a goroutine of its own, while keys are read: neither
// looks at the other.
type beside struct {
	r          reader
	begin, end int // of what it reads, in the state
	caught     caught
	done       chan struct{}
}

// readBeside begins to read features, where it is known where they begin in the state, and
// what is read need not be saved again; else it returns nil.
func (g *Engine) readBeside(state []byte, begins []int) *beside {
	s := &g.sections
	if g.changed == nil || g.full || len(begins) != len(s.kinds)+1 {
		return nil
	}
	b := &beside{begin: begins[s.features], end: begins[s.lists], done: make(chan struct{})}
	if b.begin < 0 || b.begin > b.end || b.end > len(state) {
		return nil
	}
	b.r.Src = state[b.begin:b.end]
	for l := range g.allLedgers {
		for _, rs := range l.spaces {
			rs.saves.apart = true
		}
	}
	go func() {
		defer close(b.done)
		defer b.caught.recover()
		g.readFeatures(&b.r)
		g.readTrails(&b.r, g.scheme, g.ledgers)
	}()
	return b
}

// join waits until features are read, and goes on behind them. r has read what is before them,
// of a state of so many bytes.
func (b *beside) join(g *Engine, r *reader, state []byte) {
	<-b.done
	b.caught.raise()
	for l := range g.allLedgers {
		for _, rs := range l.spaces {
			rs.tellGone()
		}
	}
	if r.Bad || b.r.Bad || len(b.r.Src) > 0 || len(state)-len(r.Src) != b.begin {
		r.Fail()
		return
	}
	r.Src = state[b.end:]
}
