package cep

import (
	"cmp"
	"slices"

	"weir/cep/outcome"
)

// RiskID numbers the risks of a Ruleset.
type RiskID int32

// NamedRisk is a sum of scores of matches that fades, of each key. Each rule whose
// Key.Names are Key adds to it, and may look at it (Scope.Risk).
type NamedRisk struct {
	Name string
	Key  []string
	Risk outcome.Risk
}

// RiskReader says what the risks of a key are.
type RiskReader interface {
	Risk(RiskID) float64
}

// Risk returns a risk of the rule's key, as the matches of earlier events left it: 0 if
// there were none, nil where the Scope has no RiskReader.
func (s *Scope) Risk(r RiskID) Value {
	if s.Risks == nil {
		return Value{}
	}
	return NumberValue(s.Risks.Risk(r))
}

// stamp is when a match came: at a moment, by the event with the origin, or, before all
// events of the moment, by time (origin 0).
type stamp struct {
	moment int64
	seq    int64 // of the event
	origin uint64
}

// stamp is that of what an event brings.
func (e *Event) stamp() stamp { return stamp{e.Time, e.Seq, e.origin} }

func (a stamp) compare(b stamp) int {
	if c := cmp.Compare(a.moment, b.moment); c != 0 || a.origin == b.origin {
		return c
	}
	if a.origin == 0 || b.origin == 0 {
		return cmp.Compare(a.origin, b.origin)
	}
	return cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(a.origin, b.origin))
}

// addition is a score that a match adds to a risk.
type addition struct {
	at     stamp
	rule   int32
	cause  *Event // EagerOrder: that brought the match; nil: time did
	number int    // among those of its shard and layer
	time   int64
	score  int
}

func (a *addition) compare(b *addition) int {
	return cmp.Or(a.at.compare(b.at), cmp.Compare(a.rule, b.rule), compareCauses(a.cause, b.cause), cmp.Compare(a.number, b.number))
}

// to adds to a level, of which nothing is left if it ended before: what settle drops
// between two blocks counts for nothing within one. That tells where the match is older
// than the moment at which it came.
func (a *addition) to(l *outcome.Level, r outcome.Risk) {
	if end, ok := r.Deadline(l); ok && end <= a.at.moment {
		*l = outcome.Level{}
	}
	r.Add(l, a.score, a.time)
}

// riskState is a risk of one key. What matches of the block that is matched add is
// pending until all layers have gone over it: a layer begins at the first event of the
// block again, and must not see what came later.
type riskState struct {
	risk    RiskID
	text    string // the key in its table
	level   outcome.Level
	due     int64      // when it is looked at again, or never
	pending []addition // by when they came
	touched bool       // it is in risks.touched
	dirty   dirty
	settles int64  // its time in risks.waiting, or never
	spot    uint32 // its place in the index of its table; 0: none

	// What the layer that was asked last has seen: level and the first of pending.
	layer int
	asked stamp
	seen  int
	now   outcome.Level
}

// risks are the risks of the keys of one shard, all layers.
type risks struct {
	named   []NamedRisk
	tables  []map[string]*riskState // by RiskID
	touched []*riskState            // of which pending has changed since the last settle
	waiting heap[settling]          // the others with something pending
	due     heap[fading]
	epoch   *epoch // nil: there are no freezes
	changed changed[*riskState]
	section int // of the first risk
	eager   bool
	indexes []index[*riskState] // by RiskID, if there is a budget
}

// settling says when the first of what is pending was added. One that no longer agrees with
// its risk is passed over.
type settling struct {
	at int64
	rk *riskState
}

func (a settling) before(b settling) bool { return a.at < b.at }

// fading says when nothing is left of a risk.
type fading struct {
	at int64
	rk *riskState
}

func (a fading) before(b fading) bool { return a.at < b.at }

func newRisks(rs *Ruleset) *risks {
	r := &risks{named: rs.Risks}
	for range rs.Risks {
		r.tables = append(r.tables, map[string]*riskState{})
	}
	return r
}

// state returns what is kept of a risk under a key, which is made if it is not there.
func (r *risks) state(id RiskID, key *keyReader) *riskState {
	rk := r.find(id, key)
	if rk == nil {
		rk = &riskState{risk: id, text: key.copied(), due: never, settles: never}
		r.tables[id][rk.text] = rk
		if r.indexes != nil {
			r.indexes[id].add(rk, hashOf(rk.text))
		}
	}
	return rk
}

func (r *risks) find(id RiskID, key *keyReader) *riskState {
	if key.whole {
		return r.tables[id][key.text]
	}
	return r.tables[id][string(key.bytes)]
}

// add notes what a match adds.
func (r *risks) add(rk *riskState, a addition) {
	r.change(rk)
	r.touch(rk)
	if len(rk.pending) == 0 {
		rk.layer = -1
	}
	i, _ := slices.BinarySearchFunc(rk.pending, a, func(x, y addition) int { return x.compare(&y) })
	if i < rk.seen {
		rk.layer = -1
	}
	rk.pending = slices.Insert(rk.pending, i, a)
}

// remove takes back what a match added.
func (r *risks) remove(rk *riskState, a addition) {
	i, ok := slices.BinarySearchFunc(rk.pending, a, func(x, y addition) int { return x.compare(&y) })
	if !ok {
		panic("cep: a match takes back what it has not added to a risk")
	}
	r.change(rk)
	rk.pending = slices.Delete(rk.pending, i, i+1)
	rk.layer = -1
	r.touch(rk)
}

// touch sees to it that what is pending of a risk is looked at by settle.
func (r *risks) touch(rk *riskState) {
	if !rk.touched {
		rk.touched = true
		r.touched = append(r.touched, rk)
	}
}

// value is a risk as the matches before a stamp left it, to a layer that asks in the
// order of stamps.
func (r *risks) value(rk *riskState, layer int, at stamp) float64 {
	risk := r.named[rk.risk].Risk
	if len(rk.pending) == 0 {
		return risk.Value(&rk.level, at.moment)
	}
	if rk.layer != layer || at.compare(rk.asked) < 0 {
		rk.layer, rk.seen, rk.now = layer, 0, rk.level
	}
	rk.asked = at
	for rk.seen < len(rk.pending) && rk.pending[rk.seen].at.compare(at) < 0 {
		rk.pending[rk.seen].to(&rk.now, risk)
		rk.seen++
	}
	return risk.Value(&rk.now, at.moment)
}

// before reports whether a stamp is before all events of a time.
func (a stamp) before(t int64) bool { return a.moment < t || a.moment == t && a.origin == 0 }

// before is the level with what is pending from before the events of a time.
func (rk *riskState) before(risk outcome.Risk, t int64) outcome.Level {
	level := rk.level
	for i := range rk.pending {
		if !rk.pending[i].at.before(t) {
			break
		}
		rk.pending[i].to(&level, risk)
	}
	return level
}

// settle takes what is pending from before until into the levels, once all layers have gone
// over a block, and drops those of which nothing is left at t.
func (r *risks) settle(t, until int64) {
	for _, rk := range r.touched {
		rk.touched = false
		r.settleOne(rk, until)
	}
	clear(r.touched)
	r.touched = r.touched[:0]
	for len(r.waiting) > 0 && r.waiting[0].at < until {
		if x := r.waiting.pop(); x.at == x.rk.settles {
			x.rk.settles = never
			r.settleOne(x.rk, until)
		}
	}
	for len(r.due) > 0 && r.due[0].at <= t {
		rk := r.due.pop().rk
		rk.due = never
		switch at, ok := r.named[rk.risk].Risk.Deadline(&rk.level); {
		case ok && at > t:
			r.schedule(rk)
		case len(rk.pending) == 0: // else it is looked at again once that is settled
			r.drop(rk)
		}
	}
}

// settleOne is settle for a risk, but for what fades.
func (r *risks) settleOne(rk *riskState, until int64) {
	n := 0
	for n < len(rk.pending) && rk.pending[n].at.moment < until {
		rk.pending[n].to(&rk.level, r.named[rk.risk].Risk)
		n++
	}
	if n > 0 {
		rk.pending = slices.Delete(rk.pending, 0, n)
		rk.layer = -1
	}
	if len(rk.pending) > 0 {
		if at := rk.pending[0].at.moment; at < rk.settles {
			rk.settles = at
			r.waiting.push(settling{at, rk})
		}
	} else if rk.settles = never; rk.level.Empty() { // all that was added has been taken back
		r.drop(rk)
		return
	}
	r.schedule(rk)
}

// schedule sees to it that a risk is looked at when it has faded. Later additions do not
// move that time: it is worked out again then.
func (r *risks) schedule(rk *riskState) {
	if rk.due != never {
		return
	}
	if at, ok := r.named[rk.risk].Risk.Deadline(&rk.level); ok && at != never {
		rk.due = at
		r.due.push(fading{at, rk})
	}
}

// riskView shows the risks of the key that is matched.
type riskView struct {
	all   *risks
	layer int
	key   keyReader
	at    stamp
}

// Risk returns a risk of the key.
func (v *riskView) Risk(id RiskID) float64 {
	if rk := v.all.find(id, &v.key); rk != nil {
		return v.all.value(rk, v.layer, v.at)
	}
	return 0
}
