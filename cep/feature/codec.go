package feature

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"

	"weir/cep/feature/exact"
	"weir/cep/wire"
)

// format is the version of the bytes that Append writes. It changes with the bounds
// of what is kept exactly and with the sketches.
const format = 2

var errRecord = errors.New("feature: the bytes are no record of these features: they are damaged or cut off")

// Shape says what the bytes that Append writes mean: their format and the specs. A
// record is decoded by a Plan of the same Shape only.
func (p *Plan) Shape() string {
	b := fmt.Appendf(nil, "%d", format)
	for i := range p.features {
		s := &p.features[i].Spec
		zone := ""
		if s.Window.Zone != nil {
			zone = s.Window.Zone.String()
		}
		b = fmt.Appendf(b, ";%s %x %t %d %d %d %d %q %t %d %t", s.Value, math.Float64bits(s.Q), s.Approx, s.Window.Shape,
			s.Window.Size, s.Window.Every, s.Window.Offset, zone, s.ExcludeCurrent, s.Resolution, s.Closes)
	}
	return string(b)
}

// Append appends r to dst. A record read back does what r would do.
func (p *Plan) Append(dst []byte, r *Record) []byte {
	for i := range p.features {
		dst = p.AppendFeature(dst, r, i)
	}
	return dst
}

// AppendFeature appends what Append does of feature i. A Record of other features is read
// from such parts, in their order; of one that keeps nothing the part is a byte 0.
func (p *Plan) AppendFeature(dst []byte, r *Record, i int) []byte {
	f := &p.features[i]
	w := writer{wire.Writer{B: dst}}
	if r.words == nil {
		w.Bool(false)
		return w.B
	}
	_, kept := f.deadline(r)
	w.Bool(kept)
	if kept {
		f.encode(r, &w)
	}
	return w.B
}

// Decode reads a Record that Append wrote, of a Plan of the same Shape, and returns
// what follows it. Damaged bytes give an error.
func (p *Plan) Decode(src []byte) (Record, []byte, error) {
	rec := Record{make([]uint64, p.words), new(Memory)}
	rest, err := p.DecodeTo(&rec, src)
	if err != nil || !some(rec.words) {
		return Record{}, rest, err
	}
	return rec, rest, nil
}

// DecodeTo is Decode into a Record that has words and holds nothing. After an error
// what it holds is of no use; its memory is that of the words and of their Memory.
func (p *Plan) DecodeTo(rec *Record, src []byte) ([]byte, error) {
	r := reader{wire.Reader{Src: src}}
	for i := range p.features {
		f := &p.features[i]
		if !r.Bool() {
			continue
		}
		f.decode(rec, &r)
		if r.Bad {
			break
		}
		if _, kept := f.deadline(rec); !kept {
			r.Fail()
		}
	}
	if r.Bad {
		return nil, errRecord
	}
	return r.Src, nil
}

// most bounds counts that are read, so that sums of them do not run over.
const most = 1 << 53

// encode writes a feature that keeps something: of a single window when it begins and
// ends; then what the form has.
func (f *feature) encode(r *Record, w *writer) {
	if f.single && f.Window.Shape != Forever {
		w.Int(int64(r.words[f.head]))
		w.Int(int64(r.words[f.head+1]))
	}
	body := r.words[f.body:f.end]
	switch f.form {
	case whole:
		f.encodeWhole(r, w, body)
	case newest:
		w.Int(int64(body[0]))
		if f.Value == SinceLast {
			w.Int(int64(body[2]))
		} else {
			w.item(r.item(body[1:]))
		}
	case slotted:
		w.Bool(f.spilled(body))
		if f.spilled(body) {
			f.encodeSums(r, w, body[1:])
		} else {
			f.encodeSlots(w, body)
		}
	case summed:
		f.encodeSums(r, w, body)
	case tabled:
		f.encodeTable(r, w, body)
	case sampled:
		w.Bool(body[0] != 0)
		if body[0] != 0 {
			r.sample(body).encode(f, w)
		}
	default:
		k := f.ring(r, body)
		w.rows(&k, func(row []uint64) {
			switch f.form {
			case counted:
				if len(row) > 1 {
					w.Uint(row[1])
				}
			default:
				w.item(r.item(row[1:]))
			}
		})
	}
}

func (f *feature) decode(rec *Record, r *reader) {
	if f.single && f.Window.Shape != Forever {
		from, to := r.time(), r.time()
		if from >= to {
			r.Fail()
		}
		rec.words[f.head], rec.words[f.head+1] = uint64(from), uint64(to)
	}
	body := rec.words[f.body:f.end]
	switch f.form {
	case whole:
		f.decodeWhole(rec, r, body)
	case newest:
		body[0] = uint64(r.time())
		if f.Value == SinceLast {
			body[1], body[2] = 1, uint64(r.Int())
		} else {
			f.decodeItem(rec, r, body[1:])
		}
	case slotted:
		if r.Bool() {
			if f.Value != Sum && f.Value != Mean {
				r.Fail()
				return
			}
			body[0] = spill
			f.decodeSums(rec, r, body[1:])
		} else {
			f.decodeSlots(r, body)
		}
	case summed:
		f.decodeSums(rec, r, body)
	case tabled:
		f.decodeTable(rec, r, body)
	case sampled:
		if r.Bool() {
			k := new(sample)
			if k.decode(f, r); k.empty() {
				r.Fail()
				return
			}
			body[0] = uint64(rec.mem.keeps.put(k))
		}
	default:
		f.decodeRows(rec, r, body)
	}
}

func (f *feature) encodeWhole(r *Record, w *writer, body []uint64) {
	switch f.Value {
	case Count:
		w.Uint(body[0])
	case Sum, Mean, Stddev:
		f.encodeTotal(r, w, body)
	case SinceLast:
		w.Int(int64(body[1]))
	default:
		w.item(r.item(body))
	}
}

func (f *feature) decodeWhole(rec *Record, r *reader, body []uint64) {
	switch f.Value {
	case Count:
		body[0] = r.Below(most)
	case Sum, Mean, Stddev:
		f.decodeTotal(rec, r, body)
	case SinceLast:
		body[0], body[1] = 1, uint64(r.Int())
	default:
		f.decodeItem(rec, r, body)
	}
}

// item writes a value, or nil.
func (w *writer) item(x Item) {
	w.Byte(byte(x.Kind))
	switch {
	case x.Kind == None:
	case x.Kind.textual():
		w.Text(x.Text)
	default:
		w.Fixed(x.Bits)
	}
}

func (r *reader) item() Item {
	x := Item{Kind: Kind(r.Byte(byte(Map)))}
	switch {
	case x.Kind == None:
	case x.Kind.textual():
		x.Text = r.Text()
	default:
		x.Bits = r.Fixed()
	}
	if !x.sound() || x != settle(x) {
		r.Fail()
		return Item{}
	}
	return x
}

// decodeItem reads a value that the feature keeps. In a single window it may be nil.
func (f *feature) decodeItem(rec *Record, r *reader, words []uint64) {
	x := r.item()
	if r.Bad || x.Kind == None && f.single {
		return
	}
	if _, ok := f.admit(x); !ok {
		r.Fail()
		return
	}
	rec.setItem(words, x)
}

// encodeTotal writes sums: the words, then what they cannot hold.
func (f *feature) encodeTotal(r *Record, w *writer, words []uint64) {
	for i, x := range words {
		switch i {
		case sideWord:
		case 3:
			w.Uint(x)
		default:
			w.Fixed(x)
		}
	}
	k := r.wides(words[sideWord])
	w.Bool(k != nil)
	if k != nil {
		w.big(k.sum)
		w.big(k.squares)
	}
}

func (f *feature) decodeTotal(rec *Record, r *reader, words []uint64) {
	for i := range words {
		switch i {
		case sideWord:
		case 3:
			words[i] = r.Below(most)
		default:
			words[i] = r.Fixed()
		}
	}
	if r.Bool() {
		x := wide{sum: r.big(2), squares: r.big(4)}
		if x.sum == nil && x.squares == nil || f.Value != Stddev && x.squares != nil {
			r.Fail()
			return
		}
		rec.makeWides(words).wide = x
	}
	if !soundSums(words[:2], words[min(4, len(words)):]) {
		r.Fail()
	}
}

// soundSums reports whether words are such as sums have.
func soundSums(sum, squares []uint64) bool {
	_, ok := exact.SumOf(sum[0], sum[1], nil)
	if len(squares) > 0 {
		_, fits := exact.SquaresOf([4]uint64(squares), nil)
		ok = ok && fits
	}
	return ok
}

func (f *feature) encodeSlots(w *writer, body []uint64) {
	w.Int(int64(body[0]))
	for i := range f.slots {
		switch f.Value {
		case Sum, Mean:
			slot := f.slotSum(body, i)
			w.Fixed(slot[0])
			w.Fixed(slot[1])
			if f.Value == Mean {
				w.Uint(slotCounted(body, i))
			}
		default:
			w.Uint(body[1+i])
		}
	}
}

func (f *feature) decodeSlots(r *reader, body []uint64) {
	at := r.time()
	if at != floor(at, f.Resolution) {
		r.Fail()
	}
	body[0] = uint64(at)
	for i := range f.slots {
		switch f.Value {
		case Sum, Mean:
			slot := f.slotSum(body, i)
			slot[0], slot[1] = r.Fixed(), r.Fixed()
			if !soundSums(slot, nil) {
				r.Fail()
			}
			if f.Value == Mean {
				n := r.Below(mostCount + 1)
				body[1] |= n << (countBits * i)
				if n == 0 && some(slot) {
					r.Fail()
				}
			}
		default:
			body[1+i] = r.Below(most)
		}
	}
}

// rows writes whether a ring is coarse and how many rows it has, then each: how long
// after the one before, and its other words.
func (w *writer) rows(k *ring, rest func(row []uint64)) {
	w.Bool(k.coarse)
	w.Uint(uint64(k.n))
	before := int64(0)
	for i := range k.len() {
		row := k.row(i)
		w.Int(int64(row[0]) - before)
		before = int64(row[0])
		rest(row)
	}
}

// rows reads what the writer of the same name wrote, of at least so many bytes a row.
func (r *reader) rows(rec *Record, f *feature, least int, rest func(k ring, row []uint64)) ring {
	k := ring{mem: rec.mem, coarse: r.Bool()}
	if k.coarse && f.coarse <= f.Resolution {
		r.Fail()
	}
	k.width = f.width(k.coarse)
	n := r.Count(least)
	if n == 0 || r.Bad {
		r.Fail()
		return k
	}
	k.resize(int32(n))
	before, step := int64(0), f.step(&k)
	for i := range n {
		at := before + r.Int()
		if i > 0 && at < before || i > 0 && at == before && !f.repeats(&k) || !soundTime(at) || at != floor(at, step) {
			r.Fail()
			return k
		}
		before = at
		row := k.push(at)
		if rest(k, row); r.Bad {
			return k
		}
	}
	return k
}

// repeats reports whether rows may have the same time: those that are events.
func (f *feature) repeats(k *ring) bool {
	return f.fine && !k.coarse && (f.form == counted || f.form == summed)
}

// decodeRows reads a ring without sums.
func (f *feature) decodeRows(rec *Record, r *reader, body []uint64) {
	total := uint64(0)
	k := r.rows(rec, f, 1, func(k ring, row []uint64) {
		if f.form == counted {
			n := uint64(1)
			if len(row) > 1 {
				n = r.Below(most)
				row[1] = n
			}
			if total += n; n == 0 || total > most {
				r.Fail()
			}
			return
		}
		x := r.item()
		if _, ok := f.admit(x); r.Bad || !ok {
			r.Fail()
			return
		}
		rec.setItem(row[1:], x)
		if n := k.len(); f.form == extreme && n > 1 {
			if last := k.row(n - 2); !f.Value.better(Kind(last[1]), last[2], x.Kind, x.Bits) {
				r.Fail()
			}
		}
	})
	if f.form == counted {
		body[ringWords] = total
	}
	k.store(body)
}

// encodeSums writes the rows and what panes cannot hold.
func (f *feature) encodeSums(r *Record, w *writer, body []uint64) {
	k := f.ring(r, body)
	w.rows(&k, func(row []uint64) {
		for i, x := range row[1:] {
			if i == 2 {
				w.Uint(x)
			} else {
				w.Fixed(x)
			}
		}
	})
	var panes []wide
	if k := r.wides(body[ringWords+sideWord]); k != nil {
		panes = k.panes
	}
	w.Uint(uint64(len(panes)))
	for _, x := range panes {
		w.Int(x.at)
		w.big(x.sum)
		w.big(x.squares)
	}
}

// decodeSums works out the totals of all rows: they are exact, so nothing depends on
// the way by which they came about.
func (f *feature) decodeSums(rec *Record, r *reader, body []uint64) {
	k := r.rows(rec, f, 9, func(k ring, row []uint64) {
		for i := range row[1:] {
			if i == 2 {
				row[1+i] = r.Below(most)
			} else {
				row[1+i] = r.Fixed()
			}
		}
		if f.fine && !k.coarse {
			x := Item{Kind: Number, Bits: row[1]}
			if !x.sound() || x != settle(x) {
				r.Fail()
			}
		} else if !soundSums(row[1:3], row[min(4, len(row)):]) || len(row) > 3 && row[3] == 0 {
			r.Fail()
		}
	})
	k.store(body)
	total := body[ringWords:]
	for range r.Count(3) {
		x := wide{at: r.time(), sum: r.big(2), squares: r.big(4)}
		if x.sum == nil && x.squares == nil || f.fine && !k.coarse || f.Value != Stddev && x.squares != nil {
			r.Fail()
			return
		}
		all := rec.makeWides(total)
		if n := len(all.panes); n > 0 && all.panes[n-1].at >= x.at {
			r.Fail()
			return
		}
		all.panes = append(all.panes, x)
	}
	if r.Bad {
		return
	}
	found := 0
	var all pane
	for i := range k.len() {
		row, p := k.row(i), pane{n: 1}
		if f.fine && !k.coarse {
			x := floatOf(row[1])
			p.sum.Add(x)
			if f.Value == Stddev {
				p.squares.Add(x)
			}
		} else {
			w := rec.wides(total[sideWord])
			p = w.load(row)
			if w != nil {
				if _, ok := w.find(int64(row[0])); ok {
					found++
				}
			}
		}
		if all.merge(&p); all.n > most {
			r.Fail()
			return
		}
	}
	if w := rec.wides(total[sideWord]); w != nil && found < len(w.panes) {
		r.Fail()
		return
	}
	f.setTotal(rec, total, &all)
}

// How values are kept.
const (
	asFew = iota
	asMany
	asLost // as many, and some were let go
	asSketch
)

func (f *feature) encodeTable(r *Record, w *writer, body []uint64) {
	if t := r.many(body); t != nil {
		t.encode(f, w)
		return
	}
	w.Byte(asFew)
	var k few
	k.load(r, body)
	w.Uint(uint64(k.n))
	for i := 0; i < len(k.words); i += k.size(i) {
		w.Int(int64(k.words[i]))
		w.item(spelled(k.words[i+1 : i+k.size(i)]))
	}
}

func (f *feature) decodeTable(rec *Record, r *reader, body []uint64) {
	how := r.Byte(asSketch)
	if how == asFew {
		var k few
		k.load(rec, body)
		before := int64(math.MinInt64)
		for range r.Count(3) {
			var room [mostFew]uint64
			at, x := r.time(), r.item()
			words, short := x.spell(&room)
			if r.Bad || !short || x.Kind == None || at < before || k.find(words) >= 0 || k.n == f.limit || !k.push(at, words) {
				r.Fail()
				return
			}
			before = at
		}
		k.store(body)
		return
	}
	t := newTable()
	if t.decode(f, r, how); t.empty() {
		r.Fail()
		return
	}
	body[0], body[1] = uint64(rec.mem.keeps.put(t)), manyBit
}

func (k *table) empty() bool { return k.n == 0 && k.hyper == nil }

func (k *table) encode(f *feature, w *writer) {
	switch {
	case k.hyper != nil:
		w.Byte(asSketch)
		k.hyper.encode(w)
		return
	case k.lost:
		w.Byte(asLost)
		w.Int(k.until)
	default:
		w.Byte(asMany)
	}
	w.Uint(uint64(k.n))
	for e := k.oldest; e >= 0; e = k.entries[e].next {
		w.Int(k.entries[e].last)
		w.item(k.item(e))
	}
}

func (k *table) decode(f *feature, r *reader, how byte) {
	switch how {
	case asSketch:
		if f.Value != Distinct {
			r.Fail()
			return
		}
		k.hyper = newHyper()
		k.hyper.decode(r)
		return
	case asLost:
		if f.Value != Seen {
			r.Fail()
		}
		k.lost, k.until = true, r.time()
	}
	for range r.Count(3) {
		at, x := r.time(), r.item()
		if r.Bad || k.n == f.limit || x.Kind == None || k.newer >= 0 && k.entries[k.newer].last > at || k.find(x, x.hash()) >= 0 {
			r.Fail()
			return
		}
		k.insert(x, x.hash(), at)
	}
}

func (h *hyper) encode(w *writer) {
	w.Uint(uint64(len(h.stamps)))
	for _, at := range h.stamps {
		w.Int(at)
	}
	current := h.current
	if current == nil {
		current = h.top
	}
	w.B = append(w.B, current...)
	w.Uint(uint64(len(h.older)))
	before := uint32(0)
	for _, o := range h.older {
		o = o&^0xff00 | uint32(uint8(o>>8)-h.first)<<8
		w.Uint(uint64(o - before)) // register, then pane: both rise
		before = o
	}
}

func (h *hyper) decode(r *reader) {
	n := r.Count(1)
	if n == 0 || n > 250 {
		r.Fail()
		return
	}
	for range n {
		h.stamps = append(h.stamps, r.time())
		if i := len(h.stamps) - 1; i > 0 && h.stamps[i] <= h.stamps[i-1] {
			r.Fail()
			return
		}
	}
	if len(r.Src) < hyperSize {
		r.Fail()
		return
	}
	copy(h.top, r.Src)
	r.Src = r.Src[hyperSize:]
	if n > 1 {
		h.current = slices.Clone(h.top)
	}
	before := uint32(0)
	for i := range r.Count(1) {
		step := r.Below(hyperSize << 16)
		o := before + uint32(step)
		register, pane, rank := o>>16, int(uint8(o>>8)), uint8(o)
		if register >= hyperSize || pane >= n-1 || rank == 0 || rank >= hyperRanks ||
			i > 0 && (step == 0 || o < before || before>>16 == register && uint8(before) <= rank) {
			r.Fail()
			return
		}
		before = o
		h.older = append(h.older, o)
	}
	if slices.Max(h.top) >= hyperRanks {
		r.Fail()
		return
	}
	h.summit()
}

// encode writes the queue; of a single window, which has none, the numbers.
func (k *sample) encode(f *feature, w *writer) {
	w.Bool(k.sketch != nil)
	if k.sketch != nil {
		k.sketch.encode(w)
		return
	}
	w.Uint(uint64(len(k.sorted)))
	if f.single {
		for _, x := range k.sorted {
			w.Fixed(bitsOf(x))
		}
		return
	}
	before := int64(0)
	for _, row := range k.rows.rows[k.rows.past:] {
		w.Int(row.at - before)
		before = row.at
		w.Fixed(bitsOf(row.x))
	}
}

func (k *sample) decode(f *feature, r *reader) {
	if r.Bool() {
		k.sketch = new(sketch)
		k.sketch.decode(r)
		return
	}
	before := int64(0)
	for i := range r.Count(8) {
		at := int64(0)
		if !f.single {
			at = before + r.Int()
			if i > 0 && at < before || !soundTime(at) || at != floor(at, f.Resolution) {
				r.Fail()
				return
			}
		}
		before = at
		x := Item{Kind: Number, Bits: r.Fixed()}
		if r.Bad || !x.sound() || x != settle(x) {
			r.Fail()
			return
		}
		if !f.single {
			k.rows.push(timed{at, x.Number()})
		}
		k.sorted = append(k.sorted, x.Number())
	}
	if f.single && !slices.IsSorted(k.sorted) {
		r.Fail()
	}
	slices.Sort(k.sorted)
}

func (s *sketch) encode(w *writer) {
	w.Uint(uint64(len(s.panes)))
	for i := range s.panes {
		p := &s.panes[i]
		w.Int(p.at)
		w.Uint(uint64(len(p.bins)))
		for _, x := range p.bins {
			w.Uint(x >> 48)
			w.Uint(x & binCount)
		}
	}
}

func (s *sketch) decode(r *reader) {
	for range r.Count(4) {
		p := sketchPane{at: r.time()}
		if n := len(s.panes); n > 0 && s.panes[n-1].at >= p.at {
			r.Fail()
		}
		before := uint64(0)
		for range r.Count(2) {
			bin, n := r.Below(1<<16), r.Below(1<<40)
			if r.Bad || bin <= before || n == 0 || s.n > 1<<46 {
				r.Fail()
				return
			}
			before = bin
			p.bins = append(p.bins, bin<<48|n)
			s.total.add(bin, n)
			s.n += n
		}
		if len(p.bins) == 0 {
			r.Fail()
		}
		s.panes = append(s.panes, p)
	}
	if len(s.panes) == 0 {
		r.Fail()
	}
}

// writer writes the parts of a record.
type writer struct{ wire.Writer }

// big writes a big number: how many bytes it has and whether it is negative, then
// these. nil is 0.
func (w *writer) big(x *big.Int) {
	if x == nil {
		w.Uint(0)
		return
	}
	b := x.Bytes()
	n := uint64(len(b)) << 1
	if x.Sign() < 0 {
		n |= 1
	}
	w.Uint(n)
	w.B = append(w.B, b...)
}

// reader reads what a writer wrote.
type reader struct{ wire.Reader }

// time reads a time at which something may be kept: what windows are reckoned from it
// does not run over.
func (r *reader) time() int64 {
	t := r.Int()
	if !soundTime(t) {
		r.Fail()
		return 0
	}
	return t
}

// soundTime reports whether t lies in the years 1700 to 2199, or at most the length of
// a window and a day beyond.
func soundTime(t int64) bool {
	const (
		from = -98615 * day // 1700-01-01
		to   = 84006 * day  // 2200-01-01
	)
	return t >= from-MaxSize-day && t < to+MaxSize+day
}

// big reads a big number of at most so many times the bits that a sum of numbers has.
func (r *reader) big(times int) *big.Int {
	n := r.Uint()
	size := n >> 1
	if n == 0 {
		return nil
	}
	if size == 0 || size > uint64(min(len(r.Src), times*160)) || r.Src[0] == 0 {
		r.Fail()
		return nil
	}
	x := new(big.Int).SetBytes(r.Src[:size])
	r.Src = r.Src[size:]
	if n&1 == 1 {
		x.Neg(x)
	}
	return x
}
