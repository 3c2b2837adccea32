package feature

import (
	"strings"
)

// addWhole counts an event in a window that ends as a whole, or never.
func (f *feature) addWhole(r *Record, body []uint64, t int64, x Item) {
	switch f.Value {
	case Count:
		body[0]++
	case Sum, Mean, Stddev:
		f.addTotal(r, body, x.Number())
	case Min, Max:
		if body[0] == 0 || f.Value.better(x.Kind, x.Bits, Kind(body[0]), body[1]) {
			body[0], body[1] = uint64(x.Kind), x.Bits
		}
	case First, Last:
		if f.Value == Last || body[0] == 0 {
			r.setItem(body, x)
		}
	case SinceLast:
		body[0], body[1] = 1, uint64(t)
	}
}

// readWhole reads a window that ends as a whole, or never, and is open.
func (f *feature) readWhole(r *Record, body []uint64, t int64) Item {
	switch f.Value {
	case Count:
		return NumberItem(float64(body[0]))
	case Sum, Mean, Stddev:
		return f.resultOf(r, body, f.Value == Sum || body[3] > 0)
	}
	if body[0] == 0 {
		return Item{}
	}
	return f.readLatest(r, body, t)
}

// addNewest keeps the one event that matters in a window that events leave.
func (f *feature) addNewest(r *Record, body []uint64, t, stamp int64, x Item) {
	body[0] = uint64(stamp)
	if f.Value == SinceLast {
		body[1], body[2] = 1, uint64(t)
	} else {
		r.setItem(body[1:], x)
	}
}

// readLatest reads the event of which there are kind and bits, or 1 and time.
func (f *feature) readLatest(r *Record, words []uint64, t int64) Item {
	if f.Value == SinceLast {
		return Item{Kind: Duration, Bits: uint64(t) - words[1]}
	}
	return r.item(words)
}

// setText keeps a text beside the words and its number in the second.
func (r *Record) setText(words []uint64, text string) {
	texts := &r.mem.texts
	if !Kind(words[0]).textual() {
		words[1] = uint64(texts.put(strings.Clone(text)))
	} else if old := &texts.all[words[1]-1]; *old != text {
		*old = strings.Clone(text)
	}
}

func (r *Record) freeText(words []uint64) {
	if Kind(words[0]).textual() && !r.mem.steady {
		r.mem.texts.drop(uint32(words[1]))
	}
}

func (r *Record) textBytes(words []uint64) int {
	if !Kind(words[0]).textual() {
		return 0
	}
	return len(r.mem.texts.all[words[1]-1]) + 16
}
