package cep

import "math"

// order is event time as the engine knows it, and the events that wait for it.
type order struct {
	lateness int64
	seq      bool // some event type orders events of equal time

	started bool
	now     int64 // the highest event time accepted, or set by the clock
	low     int64 // an event before low is late
	arrived uint64
	held    heap[waiting]
}

// waiting is an event that is held until no earlier one can come.
type waiting struct {
	time    int64
	seq     int64
	arrived uint64
	event   *Event
	own     bool // its memory is the engine's
}

func (a waiting) before(b waiting) bool {
	if a.time != b.time {
		return a.time < b.time
	}
	if a.seq != b.seq {
		return a.seq < b.seq
	}
	return a.arrived < b.arrived
}

// moveTo lets time stand at t, if it is not there already.
func (o *order) moveTo(t int64) {
	if o.started && t <= o.now {
		return
	}
	if !o.started {
		o.started, o.low = true, math.MinInt64
	}
	o.now = t
	o.low = max(o.low, earlier(t, o.lateness))
}

// ready is the time up to which events can be released. Events of the time low
// can still come; they come after those of the same time that are here already
// unless a type orders them.
func (o *order) ready() int64 {
	if o.seq && o.low > math.MinInt64 {
		return o.low - 1
	}
	return o.low
}

// sameLines numbers equal lines among the released events of one time. Lines are
// told apart by their hash: if two different lines had the same one, the numbers
// of one would have a gap, and names would still differ.
type sameLines struct {
	time   int64
	first  string // the only line of the time so far, not yet in counts
	alone  bool   // there is such a line
	base   uint64 // what numbers count on from
	most   uint64 // the highest number given
	counts map[uint64]uint64
}

// mostLines bounds the lines of one time that are told apart. Beyond it counting
// begins again above all numbers given before.
const mostLines = 1 << 16

func (s *sameLines) count(e *Event) uint64 {
	if s.time != e.Time {
		*s = sameLines{time: e.Time, first: e.Raw, alone: true, counts: s.counts}
		if len(s.counts) > 0 {
			clear(s.counts)
		}
		return 1
	}
	s.enter()
	return s.number(e.Raw)
}

// enter puts the first line of the time into counts. Most times have one line, which
// then is never hashed.
func (s *sameLines) enter() {
	if s.alone {
		s.alone = false
		s.number(s.first)
		s.first = ""
	}
}

func (s *sameLines) number(line string) uint64 {
	if s.counts == nil {
		s.counts = map[uint64]uint64{}
	}
	h := hashOf(line)
	if _, ok := s.counts[h]; !ok && len(s.counts) == mostLines {
		clear(s.counts)
		s.base = s.most
	}
	n := max(s.counts[h], s.base) + 1
	s.counts[h] = n
	s.most = max(s.most, n)
	return n
}
