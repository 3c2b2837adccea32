package cep

// beside reads what belongs to no rule on a goroutine of its own, while keys are read: features,
// lists, and with EagerOrder recent events and the journals of features. Neither looks at what
// the other reads.
type beside struct {
	parts  []sectionsRead
	caught caught
	done   chan struct{}
}

// sectionsRead is a part of the state that is read apart.
type sectionsRead struct {
	begin, end int // in the state
	read       func(*reader)
	bad        bool
	err        error
}

// readBeside begins to read what is read apart, where it is known where that lies in the state, and
// what is read need not be saved again; else it returns nil.
func (g *Engine) readBeside(state []byte, begins []int) *beside {
	s := &g.sections
	if g.changed == nil || g.full || len(begins) != len(s.kinds)+1 {
		return nil
	}
	b := &beside{done: make(chan struct{})}
	features := sectionsRead{begin: begins[s.features], end: begins[s.near]}
	features.read = func(r *reader) {
		g.readFeatures(r)
		g.readTrails(r, g.scheme, g.ledgers)
		b.parts[0].err = g.readLists(r)
		g.endSavedFeatures()
	}
	b.parts = append(b.parts, features)
	if g.eager() {
		b.parts = append(b.parts, sectionsRead{begin: begins[s.top], end: begins[s.backlogs], read: g.readRecent})
	}
	for i, before := 0, 0; i < len(b.parts); i++ {
		p := &b.parts[i]
		if p.begin < before || p.end < p.begin || p.end > len(state) {
			return nil
		}
		before = p.end
	}
	for l := range g.allLedgers {
		for _, rs := range l.spaces {
			rs.saves.apart = true
		}
	}
	go b.read(state)
	return b
}

func (b *beside) read(state []byte) {
	defer close(b.done)
	defer b.caught.recover()
	for i := range b.parts {
		p := &b.parts[i]
		var r reader
		r.Src = state[p.begin:p.end]
		p.read(&r)
		if p.bad = r.Bad || len(r.Src) > 0; p.bad || p.err != nil {
			return
		}
	}
}

// skip goes on behind a part that is read apart. r has read what is before it, of a state of so
// many bytes.
func (b *beside) skip(part int, r *reader, state []byte) {
	p := &b.parts[part]
	if r.Bad || len(state)-len(r.Src) != p.begin {
		r.Fail()
		return
	}
	r.Src = state[p.end:]
}

// join waits until all of it is read. The error is that of a state which is not damaged.
func (b *beside) join(g *Engine, r *reader) error {
	<-b.done
	b.caught.raise()
	for l := range g.allLedgers {
		for _, rs := range l.spaces {
			rs.tellGone()
		}
	}
	for i := range b.parts {
		p := &b.parts[i]
		if p.err != nil {
			return p.err
		}
		if p.bad {
			r.Fail()
		}
	}
	return nil
}
