package cep

import "bytes"

// net leaves of what came out for one event, or as time passed, what is different in the
// end. A key is matched again as often as something changes that it looks at, and what
// comes in between is nothing to anyone.
func (g *eager) net() {
	from := g.netted
	if g.retracts(from) {
		byID := map[string][]int{}
		for i := from; i < len(g.out); i++ {
			id := g.out[i].alert.ID
			byID[id] = append(byID[id], i)
		}
		kept := g.out[:from]
		for i := from; i < len(g.out); i++ {
			o := g.out[i]
			switch turns := byID[o.alert.ID]; {
			case len(turns) == 1:
				kept = append(kept, o)
			case i == turns[len(turns)-1]: // what comes before in g.out is not needed any more
				kept = g.netOf(kept, &o, g.firsts[o.alert.ID])
				delete(g.firsts, o.alert.ID)
			case i == turns[0]:
				g.firsts[o.alert.ID] = o
			}
		}
		clear(g.out[len(kept):])
		g.out = kept
	}
	g.netted = len(g.out)
}

// retracts reports whether something from an index on was retracted.
func (g *eager) retracts(from int) bool {
	for i := from; i < len(g.out); i++ {
		if g.out[i].kind == RetractedAlert {
			return true
		}
	}
	return false
}

// netOf appends what an alert comes to that turned more than once: first and, in the end,
// last.
func (g *eager) netOf(kept []outgoing, last *outgoing, first outgoing) []outgoing {
	id, number := first.alert.ID, first.alert.Version
	was, is := first.kind == RetractedAlert, last.kind != RetractedAlert
	switch {
	case was && is:
		last.alert.Version = number // so that nothing else is different
		if g.equal(&first.alert, &last.alert) {
			g.turn(id, number-1, true)
			return kept
		}
		last.kind, last.alert.Version = RestoredAlert, number+1
		g.turn(id, number+1, true)
		return append(kept, first, *last)
	case was:
		g.turn(id, number, false)
		return append(kept, first)
	case is:
		last.kind, last.alert.Version = first.kind, number
		g.turn(id, number, true)
		return append(kept, *last)
	}
	if number--; number == 0 {
		g.dropVersion(id)
	} else {
		g.turn(id, number, false)
	}
	return kept
}

// equal reports whether two alerts say the same.
func (g *eager) equal(a, b *Alert) bool {
	g.buf[0] = AppendJSON(g.buf[0][:0], a)
	g.buf[1] = AppendJSON(g.buf[1][:0], b)
	return bytes.Equal(g.buf[0], g.buf[1])
}

// turn notes which version of an alert is its last, and whether it stands.
func (g *eager) turn(id string, number int, live bool) {
	if number == 1 { // it is as if nothing had happened
		g.dropVersion(id)
		return
	}
	v := g.versions[id]
	v.number, v.live = number, live
	g.setVersion(id, v)
}
