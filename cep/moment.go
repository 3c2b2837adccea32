package cep

import "weir/cep/feature"

// Moment is when a match came, with what features said then. Having, measures, score
// and message look at it.
type Moment struct {
	Time     int64      // event time, nanoseconds since the epoch
	Features FeatureRow // of the event that completed the match; if time did, those of the rule's key as of Time

	arrived uint64 // that event's; 0: time brought the match
}

// moments make the Moments of matches. For those that time brings a shard keeps the
// features that they look at a second time, as of the event that is matched: the
// ledger that fills the rows of events is ahead by up to a block.
type moments struct {
	plan    *plan
	ledger  *ledger
	closing bool // all windows close at once: time does not move on
	key     keyReader
	past    *ledger // EagerOrder: that fills the rows of events, also as of earlier times
	now     Moment
	row     []Value // of now, where time brought the match: by ReadID
}

func newMoments(p *plan, lists *Lists, number, shards int) moments {
	return moments{plan: p, ledger: newLedger(p.timed, lists, number, shards), row: make([]Value, len(p.rs.Reads))}
}

// ofEvent is the moment of a match that e completed and that comes at t. e is nil if
// the match was held back, and has not captured the event.
func (m *moments) ofEvent(e *Event, t int64) *Moment {
	m.now = Moment{Time: t}
	if e != nil {
		m.now.Features, m.now.arrived = e.features, e.arrived
	}
	return &m.now
}

// ofTime is the moment of a match of a rule under a key that time brought at t.
func (m *moments) ofTime(rule int32, key []string, t int64) *Moment {
	m.now = Moment{Time: t}
	reads := m.plan.onTime[rule]
	if len(reads) == 0 {
		return &m.now
	}
	clear(m.row)
	m.key.parts = append(m.key.parts[:0], key...)
	m.key.join()
	for _, id := range reads {
		m.row[id] = m.read(m.plan.rs.Reads[id].Feature, t)
	}
	m.now.Features = FeatureRow{m.plan.wideReads, m.row}
	return &m.now
}

// read reads a feature of the key as of t.
func (m *moments) read(f int, t int64) Value {
	if m.past != nil {
		return m.past.peek(f, &m.key, t)
	}
	place := m.ledger.scheme.places[f]
	rs := m.ledger.spaces[place.space]
	r, ok := rs.find(&m.key)
	kept := &r.kept
	if ok && m.closing {
		kept = m.ledger.copied(rs.plan, kept)
	} else if ok {
		rs.keep(&r)
	}
	v, _ := rs.plan.Read(kept, int(place.number), t, feature.Item{})
	return valueOf(v)
}

// onTime finds the reads of a rule that matches brought by time look at.
func onTime(rs *Ruleset, r *Rule) (reads []ReadID) {
	if !r.Program.ByTime() {
		return nil
	}
	for _, id := range r.Outcome {
		if r.reads(rs, id) {
			reads = append(reads, id)
		}
	}
	return reads
}
