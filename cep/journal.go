package cep

import (
	"slices"
	"unsafe"
)

// journal is the past of one key of a space, for events that come late: the events that
// counted or read it, in the order of their places, and what was kept of the key before
// some of them.
type journal struct {
	pastKey
	space  int32
	items  []entry
	states []state  // by item; the first is of the first item, unless all are held back
	words  []uint64 // the images of records of states, one behind the other
	trails []tail   // of states, for each the witnesses of the space
	hold   backlog
	stirs  *stirring // where it holds back: what letGo says, until rules have been told
	dirty  dirty
	room   struct { // of the first items and states: most keys have few
		items  [2]entry
		states [2]state
	}
}

// entry is an event of a journal. Its time stands here too: events before those that are
// still needed may be gone.
type entry struct {
	time  int64
	event *Event
}

// state is what was kept of a key before an item.
type state struct {
	at       int32 // the item
	from, to int32 // the words of the record; equal: there was none
}

// tail is what a trail had. Events of a trail do not change, so it is not copied.
type tail struct {
	events []shown
	last   uint64
}

// A state is saved again once a number of items came after it, or one for each few words
// that it takes, so that large records do not cost more; or once it lies a part of the
// lateness back.
const (
	leastApart   = 32
	wordsApart   = 32
	latenessPart = 8
)

// earlier reports whether a stands before b in the order of events.
func (a *Event) earlier(b *Event) bool {
	switch {
	case a.Time != b.Time:
		return a.Time < b.Time
	case a.Seq != b.Seq:
		return a.Seq < b.Seq
	}
	return a.origin < b.origin
}

// since is the first item that is not before t.
func (j *journal) since(t int64) int {
	n := len(j.items)
	if n == 0 || j.items[n-1].time < t {
		return n
	}
	i, _ := slices.BinarySearchFunc(j.items, t, func(x entry, t int64) int {
		if x.time < t {
			return -1
		}
		return 1
	})
	return i
}

// place is the first item that comes after e.
func (j *journal) place(e *Event) int {
	i := j.since(e.Time)
	for i < len(j.items) && j.items[i].time == e.Time && j.items[i].event.earlier(e) {
		i++
	}
	return i
}

// state is the number of the newest state that was saved before an item or one before it.
func (j *journal) state(at int) int {
	i := len(j.states) - 1
	for i > 0 && int(j.states[i].at) > at {
		i--
	}
	return i
}

// due reports whether a state is to be saved before an item of time t.
func (j *journal) due(at int, t, gap int64) bool {
	n := len(j.states)
	if n == 0 {
		return true
	}
	s := &j.states[n-1]
	apart := int32(at) - s.at
	return apart >= leastApart && apart >= (s.to-s.from)/wordsApart || elapsed(j.items[s.at].time, t) > gap
}

// trim forgets what no event at or after low needs, once that is half of all.
func (j *journal) trim(low int64) {
	n := len(j.items)
	switch {
	case n == 0 || j.items[n-1].time < low:
		j.clear()
		return
	case j.items[n/2].time >= low:
		return
	}
	if j.hold.holding {
		if done := j.hold.done; 2*done >= n && j.items[done-1].time < low {
			j.drop(done)
		}
		return
	}
	if len(j.states) == 0 {
		return // all was held back, and is before what is let go
	}
	k := j.state(j.since(low))
	first := j.states[k]
	if 2*int(first.at) < n {
		return
	}
	j.hold.done -= int(first.at)
	j.items = slices.Delete(j.items, 0, int(first.at))
	j.words = j.words[:copy(j.words, j.words[first.from:])]
	j.trails = slices.Delete(j.trails, 0, k*len(j.trails)/len(j.states))
	j.states = slices.Delete(j.states, 0, k)
	for i := range j.states {
		s := &j.states[i]
		s.at, s.from, s.to = s.at-first.at, s.from-first.from, s.to-first.from
	}
}

// drop forgets so many items, which have been folded for good, and all states: the next
// item that is folded has one.
func (j *journal) drop(n int) {
	j.items = slices.Delete(j.items, 0, n)
	clear(j.trails)
	j.states, j.words, j.trails = j.states[:0], j.words[:0], j.trails[:0]
	j.hold.done -= n
}

// forget drops the states after the k-th.
func (j *journal) forget(k int) {
	trails := (k + 1) * len(j.trails) / len(j.states)
	clear(j.trails[trails:])
	j.trails = j.trails[:trails]
	j.states = j.states[:k+1]
	j.words = j.words[:j.states[k].to]
}

func (j *journal) clear() {
	clear(j.items)
	clear(j.trails)
	j.hold.done = 0
	j.items, j.states, j.words, j.trails = j.items[:0], j.states[:0], j.words[:0], j.trails[:0]
}

// size is about the memory that the journal takes, in bytes.
func (j *journal) size() int {
	return int(unsafe.Sizeof(*j)) + cap(j.text) + cap(j.items)*int(unsafe.Sizeof(entry{})) +
		cap(j.states)*int(unsafe.Sizeof(state{})) + 8*cap(j.words) + cap(j.trails)*int(unsafe.Sizeof(tail{}))
}

// journals are those of the keys of a space.
type journals = pasts[journal, *journal]

// newJournal makes the journal of a key, which has none.
func newJournal(js *journals, space int32, text string, hash uint64) *journal {
	j := js.create(text, hash)
	j.space, j.hold, j.stirs, j.dirty = space, backlog{}, nil, 0
	if j.items == nil {
		j.items, j.states = j.room.items[:0], j.room.states[:0]
	}
	return j
}

// mostBytesSpare is the memory of a journal up to which it is worth keeping.
const mostBytesSpare = 1 << 12
