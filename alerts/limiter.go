package alerts

import (
	"cmp"
	"container/heap"
	"slices"
)

const (
	minute = 60_000_000_000 // nanoseconds

	// calm is for how many minutes before and after it a rule has to have kept within its
	// limit, for its owner to be told that it is beyond.
	calm = 60

	// mostMinutes bounds how many minutes of rules are counted at a time. Beyond it the
	// earliest go: alerts of theirs that come later are counted from 0 again.
	mostMinutes = 100_000
)

// Limiter says which alerts of a rule are kept: so many of a minute, by the alerts' own
// time. What it says follows from the alerts that it was asked about, in their order, and
// from nothing else.
type Limiter struct {
	minutes map[MinuteKey]*Minute
	order   minuteHeap
	dirty   []*Minute
	gone    []MinuteKey
	bound   int
}

// MinuteKey names a minute of a rule.
type MinuteKey struct {
	Number int64 // of the minute, since the epoch
	Rule   string
}

// MinuteOf is the minute of a rule that an event time, in nanoseconds, lies in.
func MinuteOf(rule string, time int64) MinuteKey {
	n := time / minute
	if time%minute < 0 {
		n--
	}
	return MinuteKey{n, rule}
}

// Start is when the minute begins, in nanoseconds since the epoch.
func (k MinuteKey) Start() int64 { return k.Number * minute }

func (k MinuteKey) compare(o MinuteKey) int {
	return cmp.Or(cmp.Compare(k.Number, o.Number), cmp.Compare(k.Rule, o.Rule))
}

// Minute is what a Limiter knows of a minute of a rule.
type Minute struct {
	MinuteKey
	Kept  int  // alerts
	Over  bool // there were more
	dirty bool
}

// Verdict is what becomes of an alert.
type Verdict uint8

const (
	Keep  Verdict = iota // it is stored
	Count                // it is counted only
	Told                 // likewise, and the owner of the rule is told that it is beyond its limit
)

// NewLimiter makes a Limiter that has counted nothing.
func NewLimiter() *Limiter {
	return &Limiter{minutes: map[MinuteKey]*Minute{}, bound: mostMinutes}
}

// Load puts back what Changes gave.
func (l *Limiter) Load(m Minute) {
	m.dirty = false
	l.insert(&m)
}

// Judge says what becomes of a version of an alert where most of a rule and minute are
// kept; less than 1: all. stored says whether a version of it was stored: then this one
// is, whatever the limit. Where none was, a version after the first is counted as the
// first was.
func (l *Limiter) Judge(it *Item, stored bool, most int) Verdict {
	switch {
	case stored || most < 1:
		return Keep
	case it.Version > 1:
		return Count
	}
	key := MinuteOf(it.Rule, it.Time)
	m := l.minutes[key]
	if m == nil {
		m = &Minute{MinuteKey: key}
		l.insert(m)
	}
	if m.Kept < most {
		m.Kept++
		l.touch(m)
		return Keep
	}
	if m.Over {
		return Count
	}
	told := l.calm(key)
	m.Over = true
	l.touch(m)
	if told {
		return Told
	}
	return Count
}

// calm says that the rule kept within its limit in the minutes around this one.
func (l *Limiter) calm(key MinuteKey) bool {
	for n := key.Number - calm; n <= key.Number+calm; n++ {
		if m := l.minutes[MinuteKey{n, key.Rule}]; m != nil && m.Over {
			return false
		}
	}
	return true
}

func (l *Limiter) touch(m *Minute) {
	if !m.dirty {
		m.dirty = true
		l.dirty = append(l.dirty, m)
	}
}

// insert adds a minute; beyond the bound the earliest goes, which may be this one.
func (l *Limiter) insert(m *Minute) {
	l.minutes[m.MinuteKey] = m
	heap.Push(&l.order, m.MinuteKey)
	if len(l.order) > l.bound {
		first := heap.Pop(&l.order).(MinuteKey)
		delete(l.minutes, first)
		l.gone = append(l.gone, first)
	}
}

// Changes gives what has changed since it was called last: minutes that count on, by time
// and rule, and those that are forgotten.
func (l *Limiter) Changes() (changed []Minute, gone []MinuteKey) {
	for _, m := range l.dirty {
		m.dirty = false
		if l.minutes[m.MinuteKey] == m {
			changed = append(changed, *m)
		}
	}
	slices.SortFunc(changed, func(a, b Minute) int { return a.compare(b.MinuteKey) })
	gone = l.gone
	l.dirty, l.gone = l.dirty[:0], nil
	return changed, gone
}

// minuteHeap has the earliest minute first.
type minuteHeap []MinuteKey

func (h minuteHeap) Len() int           { return len(h) }
func (h minuteHeap) Less(i, j int) bool { return h[i].compare(h[j]) < 0 }
func (h minuteHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *minuteHeap) Push(x any)        { *h = append(*h, x.(MinuteKey)) }
func (h *minuteHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
