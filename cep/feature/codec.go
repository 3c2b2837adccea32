package feature

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"

	"weir/cep/feature/exact"
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
	w := writer{dst}
	for i := range p.features {
		f := &p.features[i]
		if r.words == nil {
			w.bool(false)
			continue
		}
		_, kept := f.deadline(r)
		w.bool(kept)
		if kept {
			f.encode(r, &w)
		}
	}
	return w.b
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
	r := reader{src: src}
	for i := range p.features {
		f := &p.features[i]
		if !r.bool() {
			continue
		}
		f.decode(rec, &r)
		if r.bad {
			break
		}
		if _, kept := f.deadline(rec); !kept {
			r.fail()
		}
	}
	if r.bad {
		return nil, errRecord
	}
	return r.src, nil
}

// most bounds counts that are read, so that sums of them do not run over.
const most = 1 << 53

// encode writes a feature that keeps something: of a single window when it begins and
// ends; then what the form has.
func (f *feature) encode(r *Record, w *writer) {
	if f.single && f.Window.Shape != Forever {
		w.int(int64(r.words[f.head]))
		w.int(int64(r.words[f.head+1]))
	}
	body := r.words[f.body:f.end]
	switch f.form {
	case whole:
		f.encodeWhole(r, w, body)
	case newest:
		w.int(int64(body[0]))
		if f.Value == SinceLast {
			w.int(int64(body[2]))
		} else {
			w.item(r.item(body[1:]))
		}
	case slotted:
		w.bool(f.spilled(body))
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
		w.bool(body[0] != 0)
		if body[0] != 0 {
			r.sample(body).encode(f, w)
		}
	default:
		k := f.ring(r, body)
		w.rows(&k, func(row []uint64) {
			switch f.form {
			case counted:
				if len(row) > 1 {
					w.uint(row[1])
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
			r.fail()
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
			body[1], body[2] = 1, uint64(r.int())
		} else {
			f.decodeItem(rec, r, body[1:])
		}
	case slotted:
		if r.bool() {
			if f.Value != Sum && f.Value != Mean {
				r.fail()
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
		if r.bool() {
			k := new(sample)
			if k.decode(f, r); k.empty() {
				r.fail()
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
		w.uint(body[0])
	case Sum, Mean, Stddev:
		f.encodeTotal(r, w, body)
	case SinceLast:
		w.int(int64(body[1]))
	default:
		w.item(r.item(body))
	}
}

func (f *feature) decodeWhole(rec *Record, r *reader, body []uint64) {
	switch f.Value {
	case Count:
		body[0] = r.below(most)
	case Sum, Mean, Stddev:
		f.decodeTotal(rec, r, body)
	case SinceLast:
		body[0], body[1] = 1, uint64(r.int())
	default:
		f.decodeItem(rec, r, body)
	}
}

// item writes a value, or nil.
func (w *writer) item(x Item) {
	w.byte(byte(x.Kind))
	switch {
	case x.Kind == None:
	case x.Kind.textual():
		w.text(x.Text)
	default:
		w.fixed(x.Bits)
	}
}

func (r *reader) item() Item {
	x := Item{Kind: Kind(r.byte(byte(Map)))}
	switch {
	case x.Kind == None:
	case x.Kind.textual():
		x.Text = r.text()
	default:
		x.Bits = r.fixed()
	}
	if !x.sound() || x != settle(x) {
		r.fail()
		return Item{}
	}
	return x
}

// decodeItem reads a value that the feature keeps. In a single window it may be nil.
func (f *feature) decodeItem(rec *Record, r *reader, words []uint64) {
	x := r.item()
	if r.bad || x.Kind == None && f.single {
		return
	}
	if _, ok := f.admit(x); !ok {
		r.fail()
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
			w.uint(x)
		default:
			w.fixed(x)
		}
	}
	k := r.wides(words[sideWord])
	w.bool(k != nil)
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
			words[i] = r.below(most)
		default:
			words[i] = r.fixed()
		}
	}
	if r.bool() {
		x := wide{sum: r.big(2), squares: r.big(4)}
		if x.sum == nil && x.squares == nil || f.Value != Stddev && x.squares != nil {
			r.fail()
			return
		}
		rec.makeWides(words).wide = x
	}
	if !soundSums(words[:2], words[min(4, len(words)):]) {
		r.fail()
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
	w.int(int64(body[0]))
	for i := range f.slots {
		switch f.Value {
		case Sum, Mean:
			slot := f.slotSum(body, i)
			w.fixed(slot[0])
			w.fixed(slot[1])
			if f.Value == Mean {
				w.uint(slotCounted(body, i))
			}
		default:
			w.uint(body[1+i])
		}
	}
}

func (f *feature) decodeSlots(r *reader, body []uint64) {
	at := r.time()
	if at != floor(at, f.Resolution) {
		r.fail()
	}
	body[0] = uint64(at)
	for i := range f.slots {
		switch f.Value {
		case Sum, Mean:
			slot := f.slotSum(body, i)
			slot[0], slot[1] = r.fixed(), r.fixed()
			if !soundSums(slot, nil) {
				r.fail()
			}
			if f.Value == Mean {
				n := r.below(mostCount + 1)
				body[1] |= n << (countBits * i)
				if n == 0 && some(slot) {
					r.fail()
				}
			}
		default:
			body[1+i] = r.below(most)
		}
	}
}

// rows writes whether a ring is coarse and how many rows it has, then each: how long
// after the one before, and its other words.
func (w *writer) rows(k *ring, rest func(row []uint64)) {
	w.bool(k.coarse)
	w.uint(uint64(k.n))
	before := int64(0)
	for i := range k.len() {
		row := k.row(i)
		w.int(int64(row[0]) - before)
		before = int64(row[0])
		rest(row)
	}
}

// rows reads what the writer of the same name wrote, of at least so many bytes a row.
func (r *reader) rows(rec *Record, f *feature, least int, rest func(k *ring, row []uint64)) ring {
	k := ring{mem: rec.mem, coarse: r.bool()}
	if k.coarse && f.coarse <= f.Resolution {
		r.fail()
	}
	k.width = f.width(k.coarse)
	n := r.count(least)
	if n == 0 || r.bad {
		r.fail()
		return k
	}
	k.resize(int32(n))
	before, step := int64(0), f.step(&k)
	for i := range n {
		at := before + r.int()
		if i > 0 && at < before || i > 0 && at == before && !f.repeats(&k) || !soundTime(at) || at != floor(at, step) {
			r.fail()
			return k
		}
		before = at
		if rest(&k, k.push(at)); r.bad {
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
	k := r.rows(rec, f, 1, func(k *ring, row []uint64) {
		if f.form == counted {
			n := uint64(1)
			if len(row) > 1 {
				n = r.below(most)
				row[1] = n
			}
			if total += n; n == 0 || total > most {
				r.fail()
			}
			return
		}
		x := r.item()
		if _, ok := f.admit(x); r.bad || !ok {
			r.fail()
			return
		}
		rec.setItem(row[1:], x)
		if n := k.len(); f.form == extreme && n > 1 {
			if last := k.row(n - 2); !f.Value.better(Kind(last[1]), last[2], x.Kind, x.Bits) {
				r.fail()
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
				w.uint(x)
			} else {
				w.fixed(x)
			}
		}
	})
	var panes []wide
	if k := r.wides(body[ringWords+sideWord]); k != nil {
		panes = k.panes
	}
	w.uint(uint64(len(panes)))
	for _, x := range panes {
		w.int(x.at)
		w.big(x.sum)
		w.big(x.squares)
	}
}

// decodeSums works out the totals of all rows: they are exact, so nothing depends on
// the way by which they came about.
func (f *feature) decodeSums(rec *Record, r *reader, body []uint64) {
	k := r.rows(rec, f, 9, func(k *ring, row []uint64) {
		for i := range row[1:] {
			if i == 2 {
				row[1+i] = r.below(most)
			} else {
				row[1+i] = r.fixed()
			}
		}
		if f.fine && !k.coarse {
			x := Item{Kind: Number, Bits: row[1]}
			if !x.sound() || x != settle(x) {
				r.fail()
			}
		} else if !soundSums(row[1:3], row[min(4, len(row)):]) || len(row) > 3 && row[3] == 0 {
			r.fail()
		}
	})
	k.store(body)
	total := body[ringWords:]
	for range r.count(3) {
		x := wide{at: r.time(), sum: r.big(2), squares: r.big(4)}
		if x.sum == nil && x.squares == nil || f.fine && !k.coarse || f.Value != Stddev && x.squares != nil {
			r.fail()
			return
		}
		all := rec.makeWides(total)
		if n := len(all.panes); n > 0 && all.panes[n-1].at >= x.at {
			r.fail()
			return
		}
		all.panes = append(all.panes, x)
	}
	if r.bad {
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
			r.fail()
			return
		}
	}
	if w := rec.wides(total[sideWord]); w != nil && found < len(w.panes) {
		r.fail()
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
	w.byte(asFew)
	k := r.few(body)
	w.uint(uint64(k.n))
	for i := 0; i < len(k.words); i += k.size(i) {
		w.int(int64(k.words[i]))
		w.item(spelled(k.words[i+1 : i+k.size(i)]))
	}
}

func (f *feature) decodeTable(rec *Record, r *reader, body []uint64) {
	how := r.byte(asSketch)
	if how == asFew {
		k := rec.few(body)
		before := int64(math.MinInt64)
		for range r.count(3) {
			var room [mostFew]uint64
			at, x := r.time(), r.item()
			words, short := x.spell(&room)
			if r.bad || !short || x.Kind == None || at < before || k.find(words) >= 0 || k.n == f.limit || !k.push(at, words) {
				r.fail()
				return
			}
			before = at
		}
		k.store(body)
		return
	}
	t := newTable()
	if t.decode(f, r, how); t.empty() {
		r.fail()
		return
	}
	body[0], body[1] = uint64(rec.mem.keeps.put(t)), manyBit
}

func (k *table) empty() bool { return k.n == 0 && k.hyper == nil }

func (k *table) encode(f *feature, w *writer) {
	switch {
	case k.hyper != nil:
		w.byte(asSketch)
		k.hyper.encode(w)
		return
	case k.lost:
		w.byte(asLost)
		w.int(k.until)
	default:
		w.byte(asMany)
	}
	w.uint(uint64(k.n))
	for e := k.oldest; e >= 0; e = k.entries[e].next {
		w.int(k.entries[e].last)
		w.item(k.item(e))
	}
}

func (k *table) decode(f *feature, r *reader, how byte) {
	switch how {
	case asSketch:
		if f.Value != Distinct {
			r.fail()
			return
		}
		k.hyper = newHyper()
		k.hyper.decode(r)
		return
	case asLost:
		if f.Value != Seen {
			r.fail()
		}
		k.lost, k.until = true, r.time()
	}
	for range r.count(3) {
		at, x := r.time(), r.item()
		if r.bad || x.Kind == None || k.newer >= 0 && k.entries[k.newer].last > at || k.find(x, x.hash()) >= 0 {
			r.fail()
			return
		}
		k.insert(x, x.hash(), at)
	}
}

func (h *hyper) encode(w *writer) {
	w.uint(uint64(len(h.stamps)))
	for _, at := range h.stamps {
		w.int(at)
	}
	current := h.current
	if current == nil {
		current = h.top
	}
	w.b = append(w.b, current...)
	w.uint(uint64(len(h.older)))
	before := uint32(0)
	for _, o := range h.older {
		o = o&^0xff00 | uint32(uint8(o>>8)-h.first)<<8
		w.uint(uint64(o - before)) // register, then pane: both rise
		before = o
	}
}

func (h *hyper) decode(r *reader) {
	n := r.count(1)
	if n == 0 || n > 250 {
		r.fail()
		return
	}
	for range n {
		h.stamps = append(h.stamps, r.time())
		if i := len(h.stamps) - 1; i > 0 && h.stamps[i] <= h.stamps[i-1] {
			r.fail()
			return
		}
	}
	if len(r.src) < hyperSize {
		r.fail()
		return
	}
	copy(h.top, r.src)
	r.src = r.src[hyperSize:]
	if n > 1 {
		h.current = slices.Clone(h.top)
	}
	before := uint32(0)
	for i := range r.count(1) {
		step := r.below(hyperSize << 16)
		o := before + uint32(step)
		register, pane, rank := o>>16, int(uint8(o>>8)), uint8(o)
		if register >= hyperSize || pane >= n-1 || rank == 0 || rank >= hyperRanks ||
			i > 0 && (step == 0 || o < before || before>>16 == register && uint8(before) <= rank) {
			r.fail()
			return
		}
		before = o
		h.older = append(h.older, o)
	}
	if slices.Max(h.top) >= hyperRanks {
		r.fail()
		return
	}
	h.summit()
}

// encode writes the queue; of a single window, which has none, the numbers.
func (k *sample) encode(f *feature, w *writer) {
	w.bool(k.sketch != nil)
	if k.sketch != nil {
		k.sketch.encode(w)
		return
	}
	w.uint(uint64(len(k.sorted)))
	if f.single {
		for _, x := range k.sorted {
			w.fixed(bitsOf(x))
		}
		return
	}
	before := int64(0)
	for _, row := range k.rows.rows[k.rows.past:] {
		w.int(row.at - before)
		before = row.at
		w.fixed(bitsOf(row.x))
	}
}

func (k *sample) decode(f *feature, r *reader) {
	if r.bool() {
		k.sketch = new(sketch)
		k.sketch.decode(r)
		return
	}
	before := int64(0)
	for i := range r.count(8) {
		at := int64(0)
		if !f.single {
			at = before + r.int()
			if i > 0 && at < before || !soundTime(at) || at != floor(at, f.Resolution) {
				r.fail()
				return
			}
		}
		before = at
		x := Item{Kind: Number, Bits: r.fixed()}
		if r.bad || !x.sound() || x != settle(x) {
			r.fail()
			return
		}
		if !f.single {
			k.rows.push(timed{at, x.Number()})
		}
		k.sorted = append(k.sorted, x.Number())
	}
	if f.single && !slices.IsSorted(k.sorted) {
		r.fail()
	}
	slices.Sort(k.sorted)
}

func (s *sketch) encode(w *writer) {
	w.uint(uint64(len(s.panes)))
	for i := range s.panes {
		p := &s.panes[i]
		w.int(p.at)
		w.uint(uint64(len(p.bins)))
		for _, x := range p.bins {
			w.uint(x >> 48)
			w.uint(x & binCount)
		}
	}
}

func (s *sketch) decode(r *reader) {
	for range r.count(4) {
		p := sketchPane{at: r.time()}
		if n := len(s.panes); n > 0 && s.panes[n-1].at >= p.at {
			r.fail()
		}
		before := uint64(0)
		for range r.count(2) {
			bin, n := r.below(1<<16), r.below(1<<40)
			if r.bad || bin <= before || n == 0 || s.n > 1<<46 {
				r.fail()
				return
			}
			before = bin
			p.bins = append(p.bins, bin<<48|n)
			s.total.add(bin, n)
			s.n += n
		}
		if len(p.bins) == 0 {
			r.fail()
		}
		s.panes = append(s.panes, p)
	}
	if len(s.panes) == 0 {
		r.fail()
	}
}

// writer writes the parts of a record. Numbers are varints (signed ones zigzag),
// texts have their length before them.
type writer struct{ b []byte }

func (w *writer) byte(x byte)    { w.b = append(w.b, x) }
func (w *writer) uint(x uint64)  { w.b = binary.AppendUvarint(w.b, x) }
func (w *writer) int(x int64)    { w.b = binary.AppendVarint(w.b, x) }
func (w *writer) fixed(x uint64) { w.b = binary.LittleEndian.AppendUint64(w.b, x) }

func (w *writer) bool(x bool) {
	if x {
		w.byte(1)
	} else {
		w.byte(0)
	}
}

func (w *writer) text(s string) {
	w.uint(uint64(len(s)))
	w.b = append(w.b, s...)
}

// big writes a big number: how many bytes it has and whether it is negative, then
// these. nil is 0.
func (w *writer) big(x *big.Int) {
	if x == nil {
		w.uint(0)
		return
	}
	b := x.Bytes()
	n := uint64(len(b)) << 1
	if x.Sign() < 0 {
		n |= 1
	}
	w.uint(n)
	w.b = append(w.b, b...)
}

// reader reads what a writer wrote. Once something is wrong bad stays true and all
// numbers are 0.
type reader struct {
	src []byte
	bad bool
}

func (r *reader) fail() { r.bad, r.src = true, nil }

func (r *reader) uint() uint64 {
	x, n := binary.Uvarint(r.src)
	if n <= 0 || n > 1 && r.src[n-1] == 0 {
		r.fail()
		return 0
	}
	r.src = r.src[n:]
	return x
}

func (r *reader) int() int64 {
	u := r.uint()
	return int64(u>>1) ^ -int64(u&1)
}

func (r *reader) fixed() uint64 {
	if len(r.src) < 8 {
		r.fail()
		return 0
	}
	x := binary.LittleEndian.Uint64(r.src)
	r.src = r.src[8:]
	return x
}

// byte reads one byte of at most most.
func (r *reader) byte(most byte) byte {
	if len(r.src) == 0 || r.src[0] > most {
		r.fail()
		return 0
	}
	x := r.src[0]
	r.src = r.src[1:]
	return x
}

// time reads a time at which something may be kept: what windows are reckoned from it
// does not run over.
func (r *reader) time() int64 {
	t := r.int()
	if !soundTime(t) {
		r.fail()
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

func (r *reader) bool() bool { return r.byte(1) == 1 }

// below reads a number less than n.
func (r *reader) below(n uint64) uint64 {
	x := r.uint()
	if x >= n {
		r.fail()
		return 0
	}
	return x
}

// count reads how many things follow of at least size bytes each.
func (r *reader) count(size int) int {
	x := r.uint()
	if x > uint64(len(r.src)/size) {
		r.fail()
		return 0
	}
	return int(x)
}

func (r *reader) text() string {
	n := r.count(1)
	s := string(r.src[:n])
	r.src = r.src[n:]
	return s
}

// big reads a big number of at most so many times the bits that a sum of numbers has.
func (r *reader) big(times int) *big.Int {
	n := r.uint()
	size := n >> 1
	if n == 0 {
		return nil
	}
	if size == 0 || size > uint64(min(len(r.src), times*160)) || r.src[0] == 0 {
		r.fail()
		return nil
	}
	x := new(big.Int).SetBytes(r.src[:size])
	r.src = r.src[size:]
	if n&1 == 1 {
		x.Neg(x)
	}
	return x
}
