package cep

import (
	"slices"
	"strings"
)

// A key whose late events would have too many events applied again holds back: its record
// and trails are as of before the first item that is held back, and items are folded once
// the watermark has passed them. Until then an event of the key knows of it what had been
// folded when it came, as of the watermark, and shows no events of its windows. Once the
// watermark has come to where time was at the last late event, all that is left is folded,
// and the key goes back to what it was.

// touch begins anew with what may be spent if no late event can precede an item any more.
func (j *journal) touch(low int64) {
	if n := len(j.items); !j.hold.holding && (n == 0 || j.items[n-1].time < low) {
		j.hold = backlog{}
	}
}

// holdBack lets the key in l.key hold back its items from at on, and more if it does so
// already. It returns how many of them had been folded.
func (l *ledger) holdBack(j *journal, at int) int {
	p, end := l.past, j.hold.end(len(j.items))
	if at < end {
		k := j.state(at)
		l.rollBack(j, k)
		l.refold(j, int(j.states[k].at), at, at)
		for _, x := range j.items[at:end] {
			p.saves.holds(x.event)
			for _, n := range l.scheme.types[x.event.Type+1].visit(j.space).shows {
				x.event.shown[n] = nil
			}
		}
	}
	if !j.hold.holding {
		p.holding = append(p.holding, j)
	}
	p.latest = max(p.latest, p.now)
	j.hold = backlog{holding: true, done: min(at, end), calm: p.now}
	return max(0, end-at)
}

// pass is the visit of an event of a key that holds back. The event counts now, in the
// statistics, and is folded later.
func (l *ledger) pass(j *journal, v *visit, e *Event, r *record) {
	l.scope.Event = e
	t := j.folded(e.low)
	for _, x := range v.before {
		l.glance(&r.kept, x, e, t)
	}
	for _, i := range v.adds {
		if f := l.scheme.rs.Features[i]; f.Where == nil || f.Where(&l.scope) {
			l.stats[i].Events++
		}
	}
	for _, x := range v.after {
		l.glance(&r.kept, x, e, t)
	}
}

// folded is the time as of which an event that comes knows what a key that holds back has
// folded.
func (j *journal) folded(low int64) int64 {
	if n := j.hold.done; n > 0 {
		return max(low, j.items[n-1].time)
	}
	return low
}

// letGo folds the items that are held back and lie before low, and all of those of keys that
// have come to rest. Rules of the keys then have to look again, by the event by, whose
// arrival moved the watermark there.
func (l *ledger) letGo(by uint64, low int64) {
	p := l.past
	if low <= p.passed {
		return
	}
	p.passed = low
	kept := p.holding[:0]
	for _, j := range p.holding {
		from, calm := j.hold.done, low >= j.hold.calm
		to := from
		for to < len(j.items) && (calm || j.items[to].time < low) {
			to++
		}
		if from < to || calm {
			l.changeKey(j)
		}
		if from < to {
			for _, x := range j.items[from:to] {
				p.saves.folds(x.event, len(l.scheme.rs.Fields))
			}
			if j.stirs == nil {
				j.stirs = &stirring{names: l.scheme.spaces[j.space].key.Names, text: strings.Clone(j.key())}
			}
			j.stirs.at = stamp{moment: j.items[from].time}
			p.loose = append(p.loose, change{by: by, low: low, kind: Stirred, stir: j.stirs})
			l.key.split(j.stirs.text, len(j.stirs.names))
			l.refold(j, from, to, -1)
			j.hold.done = to
		}
		if calm {
			j.hold, j.stirs = backlog{}, nil
		} else {
			kept = append(kept, j)
		}
	}
	clear(p.holding[len(kept):])
	p.holding = kept
}

// lets reports whether letGo has something to do once the watermark is at low.
func (p *past) lets(low int64) bool {
	for _, j := range p.holding {
		if low >= j.hold.calm || j.hold.done < len(j.items) && j.items[j.hold.done].time < low {
			return true
		}
	}
	return false
}

// cut matches what has arrived before time moves to t, if that lets features fold what they
// hold back: rules must have seen the events as they were before.
func (g *Engine) cut(t int64, fx *Effects) {
	low := earlier(t, g.order.lateness)
	if len(g.released) == 0 || low <= g.order.low {
		return
	}
	for _, l := range g.ledgers {
		if p := l.past; len(p.holding) > 0 && (g.earliest < low || p.lets(low)) {
			g.match(fx)
			return
		}
	}
}

// rest says that no event before the highest comes any more, even where a type orders those
// of equal time: what is held back is folded when the watermark gets there.
func (p *past) rest() { p.passed = beforeAll }

// letGo lets features fold what the watermark has passed, and tells the rules.
func (g *Engine) letGo() {
	n := len(g.given)
	for _, l := range g.ledgers {
		l.letGo(g.place, g.order.low)
		g.given = append(g.given, l.past.loose...)
		clear(l.past.loose)
		l.past.loose = l.past.loose[:0]
	}
	if len(g.given) > n && len(g.given) > 1 {
		slices.SortStableFunc(g.given, func(a, b change) int { return a.compare(&b) })
	}
}
