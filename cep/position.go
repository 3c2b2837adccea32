package cep

import (
	"cmp"
	"slices"
)

// step says what led from one event to a match that rules read as an event.
type step struct {
	by     *Event // that brought the match; nil: time did
	layer  int    // of the rule
	rule   int32
	number int // among the matches that the rule brought then
	key    []string
}

// comparePlaces is the order in which rules go over events, whenever they arrived: by
// time; of one time, first the matches that time brought, those of higher layers before
// those of lower ones, then events by Seq and arrival, each followed by the matches that
// it brought.
func comparePlaces(a, b *Event) int {
	if a == b {
		return 0
	}
	if c := a.stamp().compare(b.stamp()); c != 0 || a.origin > 0 && a.from == nil && b.from == nil {
		return c
	}
	return comparePaths(a, b)
}

// compareCauses compares the events that brought something of one stamp; nil is time.
func compareCauses(a, b *Event) int {
	if a == nil || b == nil {
		return cmp.Compare(b2i(a != nil), b2i(b != nil))
	}
	return comparePlaces(a, b)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// comparePaths compares events of one stamp by the way that led to them.
func comparePaths(a, b *Event) int {
	return slices.CompareFunc(a.path(), b.path(), func(x, y *step) int {
		return cmp.Or(cmp.Compare(y.layer, x.layer), cmp.Compare(x.rule, y.rule), slices.Compare(x.key, y.key), cmp.Compare(x.number, y.number))
	})
}

// path is the steps that led to a match, the first first; none for an event.
func (e *Event) path() []*step {
	var path []*step
	for ; e != nil && e.from != nil; e = e.from.by {
		path = append(path, e.from)
	}
	slices.Reverse(path)
	return path
}
