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
const format = 1

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

// What is written of a feature.
const (
	hasWords = 1 << iota
	hasRest
)

// Append appends r to dst. A record read back does what r would do.
func (p *Plan) Append(dst []byte, r *Record) []byte {
	w := writer{dst}
	for i := range p.features {
		f := &p.features[i]
		if r.words == nil {
			w.byte(0)
			continue
		}
		words, what := f.written(r), byte(0)
		if some(words) {
			what |= hasWords
		}
		var k keep
		if f.rest >= 0 {
			k = r.rests[f.rest]
		}
		if _, ok := k.(*word); ok && !f.textual(r) || k != nil && k.empty() {
			k = nil
		}
		if k != nil {
			what |= hasRest
		}
		w.byte(what)
		if what&hasWords != 0 {
			for _, x := range words {
				w.fixed(x)
			}
		}
		if k != nil {
			k.encode(f, &w)
		}
	}
	return w.b
}

// written are the words of a feature that are state: days found are not.
func (f *feature) written(r *Record) []uint64 {
	from := f.head
	if f.calendar {
		from = f.body
	}
	return r.words[from : f.body+f.bodyWords()]
}

// textual reports whether the value in the body has a text.
func (f *feature) textual(r *Record) bool {
	kind := f.body
	if !f.single {
		kind++
	}
	return r.words[kind] <= uint64(Map) && Kind(r.words[kind]).textual()
}

// Decode reads a Record that Append wrote, of a Plan of the same Shape, and returns
// what follows it. Damaged bytes give an error.
func (p *Plan) Decode(src []byte) (Record, []byte, error) {
	var rec Record
	r := reader{src: src}
	for i := range p.features {
		f := &p.features[i]
		what := r.byte(hasWords | hasRest)
		if what == 0 {
			continue
		}
		p.open(&rec)
		if what&hasWords != 0 {
			all := uint64(0)
			for i := range f.written(&rec) {
				x := r.fixed()
				f.written(&rec)[i] = x
				all |= x
			}
			if all == 0 {
				r.fail()
			}
		}
		if what&hasRest != 0 {
			if f.rest < 0 {
				r.fail()
				break
			}
			k := f.newKeep()
			if k.decode(f, &r); k.empty() {
				r.fail()
			}
			rec.rests[f.rest] = k
		}
		if !r.bad && !f.sound(&rec) {
			r.fail()
		}
	}
	if r.bad {
		return Record{}, nil, errRecord
	}
	return rec, r.src, nil
}

// most bounds counts that are read, so that sums of them do not run over.
const most = 1 << 53

// sound reports whether the words of a feature are such as it writes.
func (f *feature) sound(r *Record) bool {
	if f.Window.Shape == Tumbling || f.Window.Shape == Session {
		from, to := int64(r.words[f.head]), int64(r.words[f.head+1])
		if from > to || from == to && !f.blank(r) || !soundTime(from) || !soundTime(to) {
			return false
		}
	}
	body := r.words[f.body : f.body+f.bodyWords()]
	if !f.single && f.latest() {
		if !soundTime(int64(body[0])) {
			return false
		}
		body = body[1:]
	}
	switch {
	case len(body) == 0:
		return true
	case f.slots > 0:
		return f.soundSlots(body) && (f.inSlots(r) || !some(body))
	case f.Value == Count:
		return body[0] <= most
	case f.Value == SinceLast:
		return body[0] <= 1
	case f.Value == Sum || f.Value == Mean || f.Value == Stddev:
		return f.soundSum(body)
	}
	x := Item{Kind: Kind(body[0]), Bits: body[1]}
	if body[0] > uint64(Map) || !f.fits(x) {
		return false
	}
	return f.rest < 0 || x.Kind.textual() == (r.rests[f.rest] != nil)
}

// fits reports whether x is an item that the feature keeps, or nil.
func (f *feature) fits(x Item) bool {
	_, ok := f.admit(x)
	return x.sound() && (ok || x == Item{})
}

func (f *feature) soundSum(body []uint64) bool {
	_, ok := exact.SumOf(body[0], body[1], nil)
	if len(body) > 3 {
		_, fits := exact.SquaresOf([4]uint64(body[3:]), nil)
		ok = ok && fits
	}
	return ok && (len(body) < 3 || body[2] <= most)
}

// encode writes how many rows there are, then each: how long after the one before, and
// its other words.
func (r *ring) encode(w *writer) {
	w.uint(uint64(r.n))
	before := int64(0)
	for i := range r.len() {
		row := r.row(i)
		w.int(int64(row[0]) - before)
		before = int64(row[0])
		for _, x := range row[1:] {
			w.fixed(x)
		}
	}
}

// decode reads rows of r.width words.
func (r *ring) decode(src *reader) {
	n := src.count(1 + 8*int(r.width-1))
	if r.n = 0; n == 0 {
		src.fail()
		return
	}
	r.resize(int32(n))
	before := int64(0)
	for i := range n {
		at := before + src.int()
		if i > 0 && at < before || !soundTime(at) {
			src.fail()
			return
		}
		before = at
		row := r.push(at)
		for j := range row[1:] {
			row[1+j] = src.fixed()
		}
	}
}

// steps writes whether rows are held in coarser steps than were asked for.
func (w *writer) steps(f *feature, step int64) { w.bool(step > f.Resolution) }

// steps reads what steps wrote.
func (r *reader) steps(f *feature) int64 {
	if r.bool() {
		if f.coarse <= f.Resolution {
			r.fail()
		}
		return f.coarse
	}
	return f.Resolution
}

func (k *counts) empty() bool { return k.rows.n == 0 }

func (k *counts) encode(f *feature, w *writer) {
	w.steps(f, k.step)
	k.rows.encode(w)
}

func (k *counts) decode(f *feature, r *reader) {
	k.step = r.steps(f)
	k.rows.decode(r)
	for i := range k.rows.len() {
		n := k.rows.row(i)[1]
		if n == 0 || n > most || k.n > most {
			r.fail()
			return
		}
		k.n += int64(n)
	}
}

func (k *extremes) empty() bool { return k.rows.n == 0 }

func (k *extremes) encode(f *feature, w *writer) {
	w.steps(f, k.step)
	k.rows.encode(w)
}

func (k *extremes) decode(f *feature, r *reader) {
	k.step = r.steps(f)
	k.rows.decode(r)
	for i := range k.rows.len() {
		row := k.rows.row(i)
		if !f.keepsItem(row[1], row[2]) {
			r.fail()
			return
		}
		if i > 0 {
			if last := k.rows.row(i - 1); !f.Value.better(Kind(last[1]), last[2], Kind(row[1]), row[2]) {
				r.fail()
				return
			}
		}
	}
}

// keepsItem reports whether the words of a row are a value that the feature keeps.
func (f *feature) keepsItem(kind, bits uint64) bool {
	if kind == 0 || kind > uint64(Map) {
		return false
	}
	return f.fits(Item{Kind: Kind(kind), Bits: bits})
}

func (k *firsts) empty() bool { return k.rows.n == 0 }

func (k *firsts) encode(f *feature, w *writer) {
	w.steps(f, k.step)
	k.rows.encode(w)
	for _, s := range k.texts[k.past:] {
		w.text(s)
	}
}

func (k *firsts) decode(f *feature, r *reader) {
	k.step = r.steps(f)
	k.rows.decode(r)
	for i := range k.rows.len() {
		row := k.rows.row(i)
		if !f.keepsItem(row[1], row[2]) {
			r.fail()
			return
		}
		if Kind(row[1]).textual() {
			k.texts = append(k.texts, r.text())
		}
	}
}

func (k *sums) empty() bool { return k.rows.n == 0 }

func (k *sums) encode(f *feature, w *writer) {
	w.steps(f, k.step)
	k.rows.encode(w)
	w.uint(uint64(len(k.wides)))
	for _, x := range k.wides {
		w.int(x.at)
		w.big(x.sum)
		w.big(x.squares)
	}
}

// decode works out the sums of all rows: they are exact, so nothing depends on the
// way by which they came about.
func (k *sums) decode(f *feature, r *reader) {
	if k.step = r.steps(f); k.step > f.Resolution {
		k.fine, k.rows.width = false, paneWidth(f.Value)
	}
	k.rows.decode(r)
	for range r.count(3) {
		x := wide{at: r.time(), sum: r.big(2), squares: r.big(4)}
		if x.sum == nil && x.squares == nil || k.fine || f.Value != Stddev && x.squares != nil ||
			len(k.wides) > 0 && k.wides[len(k.wides)-1].at >= x.at {
			r.fail()
		}
		k.wides = append(k.wides, x)
	}
	for i := range k.rows.len() {
		row := k.rows.row(i)
		if k.fine {
			x := Item{Kind: Number, Bits: row[1]}
			if !x.sound() {
				r.fail()
				return
			}
			k.n++
			k.sum.Add(x.Number())
			if k.squares != nil {
				k.squares.Add(x.Number())
			}
			continue
		}
		p := k.load(row)
		if !soundPane(row) || i > 0 && k.rows.at(i-1) == int64(row[0]) || k.n > most {
			r.fail()
			return
		}
		k.n += p.n
		k.sum.Merge(&p.sum)
		if k.squares != nil {
			k.squares.Merge(&p.squares)
		}
	}
}

func soundPane(row []uint64) bool {
	_, ok := exact.SumOf(row[1], row[2], nil)
	if len(row) > 4 {
		_, fits := exact.SquaresOf([4]uint64(row[4:]), nil)
		ok = ok && fits
	}
	return ok && (len(row) < 4 || row[3] > 0 && row[3] <= most)
}

func (k *rest) empty() bool { return k.sum == nil && k.squares == nil }

func (k *rest) encode(_ *feature, w *writer) {
	w.big(k.sum)
	w.big(k.squares)
}

func (k *rest) decode(f *feature, r *reader) {
	k.sum, k.squares = r.big(2), r.big(4)
	if f.Value != Stddev && k.squares != nil {
		r.fail()
	}
}

func (k *word) empty() bool { return false }

func (k *word) encode(_ *feature, w *writer) { w.text(k.text) }
func (k *word) decode(_ *feature, r *reader) { k.text = r.text() }

func (k *table) empty() bool { return k.n == 0 && k.hyper == nil }

func (k *table) encode(f *feature, w *writer) {
	if k.hyper != nil {
		w.byte(2)
		k.hyper.encode(w)
		return
	}
	w.bool(k.lost)
	if k.lost {
		w.int(k.until)
	}
	w.uint(uint64(k.n))
	for e := k.oldest; e >= 0; e = k.entries[e].next {
		x := k.item(e)
		w.int(k.entries[e].last)
		w.byte(byte(x.Kind))
		w.fixed(x.Bits)
		w.text(x.Text)
	}
}

func (k *table) decode(f *feature, r *reader) {
	switch r.byte(2) {
	case 2:
		if f.Value != Distinct {
			r.fail()
			return
		}
		k.hyper = newHyper()
		k.hyper.decode(r)
		return
	case 1:
		if f.Value != Seen {
			r.fail()
		}
		k.lost, k.until = true, r.time()
	}
	for range r.count(11) {
		at := r.time()
		x := Item{Kind: Kind(r.byte(byte(Map))), Bits: r.fixed(), Text: r.text()}
		if r.bad || x != settle(x) || x.Kind == None || !x.sound() || k.newer >= 0 && k.entries[k.newer].last > at || k.find(x, x.hash()) >= 0 {
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

// encode writes the rows; of a single window, which has none, the numbers.
func (k *sample) encode(f *feature, w *writer) {
	w.bool(k.sketch != nil)
	switch {
	case k.sketch != nil:
		k.sketch.encode(w)
	case f.single:
		w.uint(uint64(len(k.sorted)))
		for _, x := range k.sorted {
			w.fixed(bitsOf(x))
		}
	default:
		k.rows.encode(w)
	}
}

func (k *sample) decode(f *feature, r *reader) {
	switch {
	case r.bool():
		k.sketch = new(sketch)
		k.sketch.decode(r)
		return
	case f.single:
		for range r.count(8) {
			k.sorted = append(k.sorted, floatOf(r.fixed()))
		}
	default:
		k.rows.decode(r)
		for i := range k.rows.len() {
			k.sorted = append(k.sorted, floatOf(k.rows.row(i)[1]))
		}
	}
	for _, x := range k.sorted {
		if !f.keepsItem(uint64(Number), bitsOf(x)) || bitsOf(x) == 1<<63 {
			r.fail()
			return
		}
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
