package web

import (
	"sort"
	"sync"

	"weir/alerts"
)

// bundle are versions of alerts that are handed out together. They are written once, for all
// readers, one after the other: what a reader gets of a row of them is one piece.
type bundle struct {
	list  []alerts.Placed // never empty
	bytes int             // of their lines
	forms [formats]form
}

// form is a bundle in a format.
type form struct {
	once   sync.Once
	text   []byte
	ends   []int // of each version in text
	pack   sync.Once
	packed []byte
}

// format is how an alert is written in a stream.
type format int

const (
	plainFormat format = iota
	cloudFormat
	formats
)

func newBundle(list []alerts.Placed) *bundle {
	b := &bundle{list: list}
	for i := range list {
		b.bytes += len(list[i].Line)
	}
	return b
}

// last is the place of the last version.
func (b *bundle) last() uint64 { return b.list[len(b.list)-1].Order }

// after is the number of the first version behind a place.
func (b *bundle) after(order uint64) int {
	return sort.Search(len(b.list), func(i int) bool { return b.list[i].Order > order })
}

// in is the versions from from to to, without the latter, as server-sent events. Nobody may
// change it.
func (b *bundle) in(as format, home string, from, to int) []byte {
	f := &b.forms[as]
	f.once.Do(func() {
		f.ends = make([]int, len(b.list))
		for i := range b.list {
			f.text = appendFrame(f.text, &b.list[i], as, home)
			f.ends[i] = len(f.text)
		}
	})
	begin := 0
	if from > 0 {
		begin = f.ends[from-1]
	}
	return f.text[begin:f.ends[to-1]:f.ends[to-1]]
}
