package cep

// Options.Saved: what Restore has read is saved already. Its first freeze is of what changes
// then, and of keys that are read and gone.

// beginSaved lets those that are dropped from here on be told by the first freeze.
func (g *Engine) beginSaved() {
	g.full = false
	for _, p := range g.changed {
		p.all = false
	}
}

// endSaved takes the marks from what has been read, before the events are matched again that a
// late one can precede: what these change is saved again.
func (g *Engine) endSaved() {
	for s := range g.shards {
		for _, table := range s.tables {
			for _, ks := range table {
				ks.dirty = 0
			}
		}
		s.saves.keys.now.drop()
	}
	for _, r := range g.risks {
		r.changed.now.drop()
		for _, table := range r.tables {
			for _, rk := range table {
				rk.dirty = 0
				if len(rk.pending) > 0 { // what may still be taken from it
					r.stays(rk)
				}
			}
		}
	}
	for i := range g.order.held {
		g.order.held[i].event.dirty = 0
	}
	g.waits.now.drop()
	g.ids.saves.done = g.ids.next
	g.arrivals.saves.done = g.place
}

// endSavedFeatures is endSaved for features and lists, before the journals of features are read.
func (g *Engine) endSavedFeatures() {
	for _, b := range g.books() {
		for _, l := range b.ledgers {
			l.endSaved()
		}
	}
	for i := range g.lists.changed {
		g.lists.changed[i] = !g.lists.past[i].Empty()
	}
}

func (l *ledger) endSaved() {
	for i := range l.trails {
		t := &l.trails[i]
		for _, r := range t.keys {
			r.dirty = 0
		}
		t.changed.now.drop()
	}
}

// versionsSaved takes the marks from the versions of alerts that have been read.
func (g *eager) versionsSaved() {
	for id, v := range g.versions {
		v.dirty = 0
		g.versions[id] = v
	}
	g.saves.changed.now.drop()
}
