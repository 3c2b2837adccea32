package feature

import (
	"strings"
	"unsafe"
)

// firsts keeps the values of a window in their order, so that the first that is left
// is known: a row is time, kind, bits. Of one time or pane it is the first that
// counts. The texts are those of the rows that have one, in their order.
type firsts struct {
	rows  ring
	step  int64
	texts []string
	past  int // that many of the texts are gone
}

func newFirsts(f *feature) *firsts {
	return &firsts{rows: ring{width: 3}, step: f.Resolution}
}

func (k *firsts) add(f *feature, stamp int64, x Item) (rough bool) {
	if k.rows.len() == f.limit && k.step < f.coarse && k.rows.last(floor(stamp, k.step)) == nil {
		k.coarsen(f)
	}
	if at := floor(stamp, k.step); k.rows.last(at) == nil {
		row := k.rows.push(at)
		row[1], row[2] = uint64(x.Kind), x.Bits
		if x.Kind.textual() {
			k.texts = append(k.texts, strings.Clone(x.Text))
		}
	}
	return k.step > f.Resolution
}

func (k *firsts) coarsen(f *feature) {
	panes, texts, next := ring{width: 3}, []string(nil), k.past
	for i := range k.rows.len() {
		row := k.rows.row(i)
		textual := Kind(row[1]).textual()
		if at := floor(int64(row[0]), f.coarse); panes.last(at) == nil {
			pane := panes.push(at)
			pane[1], pane[2] = row[1], row[2]
			if textual {
				texts = append(texts, k.texts[next])
			}
		}
		if textual {
			next++
		}
	}
	*k = firsts{panes, f.coarse, texts, 0}
}

func (k *firsts) drop(f *feature, edge int64) {
	if !k.rows.before(edge) {
		return
	}
	edge = floor(edge, k.step)
	for k.rows.before(edge) {
		if Kind(k.rows.row(0)[1]).textual() {
			k.texts[k.past] = ""
			k.past++
		}
		k.rows.pop()
	}
	if k.past > 0 && k.past >= len(k.texts)/2 {
		n := copy(k.texts, k.texts[k.past:])
		clear(k.texts[n:])
		k.texts, k.past = k.texts[:n], 0
	}
	if k.rows.n == 0 && k.step != f.Resolution {
		*k = *newFirsts(f)
	}
}

// first is the oldest value.
func (k *firsts) first() Item {
	if k.rows.n == 0 {
		return Item{}
	}
	row := k.rows.row(0)
	x := Item{Kind: Kind(row[1]), Bits: row[2]}
	if x.Kind.textual() {
		x.Text = k.texts[k.past]
	}
	return x
}

func (k *firsts) newest(*feature) (at, step int64, ok bool) { return k.rows.newest(k.step) }

func (k *firsts) bytes() int {
	n := int(unsafe.Sizeof(*k)) + k.rows.bytes() + cap(k.texts)*int(unsafe.Sizeof(""))
	for _, s := range k.texts {
		n += len(s)
	}
	return n
}
