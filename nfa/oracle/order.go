package oracle

import (
	"cmp"
	"slices"
)

// order puts matches in the order of their coming. Captures found twice are one
// match, the earliest.
func order(found []Match, events []Event) []Match {
	slices.SortFunc(found, func(a, b Match) int {
		return cmp.Or(a.compareWord(b), a.compareComing(b, events))
	})
	found = slices.CompactFunc(found, func(a, b Match) bool { return a.compareWord(b) == 0 })
	slices.SortFunc(found, func(a, b Match) int {
		return cmp.Or(a.compareComing(b, events), a.compareWord(b))
	})
	return found
}

// compareComing compares the moments at which two matches come. An absence comes
// before the events of its moment.
func (m Match) compareComing(o Match, events []Event) int {
	return cmp.Or(
		cmp.Compare(m.place(events), o.place(events)),
		cmp.Compare(m.At, o.At),
	)
}

// place is twice the number of events before a match comes, plus one for that
// which completes it.
func (m Match) place(events []Event) int {
	if m.By >= 0 {
		return 2*m.By + 1
	}
	before, _ := slices.BinarySearchFunc(events, m.At, func(e Event, t int64) int { return cmp.Compare(e.Time, t) })
	return 2 * before
}

// compareWord orders matches that come together: the earlier start; event by
// event the earlier one, a longer match before its own beginning; then the
// variable that stands earlier in the pattern.
func (m Match) compareWord(o Match) int {
	for i := range min(len(m.Word), len(o.Word)) {
		if c := cmp.Compare(m.Word[i].Event, o.Word[i].Event); c != 0 {
			return c
		}
	}
	if c := cmp.Compare(len(o.Word), len(m.Word)); c != 0 {
		return c
	}
	return slices.CompareFunc(m.Word, o.Word, func(a, b Pick) int { return cmp.Compare(a.Var, b.Var) })
}

// Cut returns what a skip strategy leaves of matches in order of coming: each is
// emitted unless one emitted before it began no later and consumed its first
// event.
func (w *Words) Cut(skip Skip, skipVar string, matches []Match) []Match {
	if skip == None {
		return matches
	}
	v := w.rule.Pattern.Number(skipVar)
	var out []Match
	for _, m := range matches {
		consumed := func(o Match) bool { return o.first() <= m.first() && m.first() < o.cut(skip, v) }
		if !slices.ContainsFunc(out, consumed) {
			out = append(out, m)
		}
	}
	return out
}

func (m Match) first() int { return m.Word[0].Event }

// cut is the event before which a match consumes the starts of others.
func (m Match) cut(skip Skip, v int) int {
	switch skip {
	case PastLast:
		return m.Word[len(m.Word)-1].Event + 1
	case ToNext:
		return m.first() + 1
	}
	cut := 0
	for _, p := range m.Word {
		if p.Var != v {
			continue
		}
		cut = p.Event
		if skip == ToFirst {
			break
		}
	}
	return cut
}
