package feature

import (
	"math"
	"slices"
)

// A Plan is the features of one key, in the order of their Specs. It does not change.
type Plan struct {
	features []feature
	words    int        // of a Record
	far      []*feature // those whose words lead to others
	beside   []*feature // those that can keep anything but their words
}

// Record is what the features of a Plan keep of one key: words in a Memory, the same
// number of them for each key, which lead to what needs more. The zero Record is that
// of a key without events, in a Memory of its own. It is changed by the methods of its
// Plan only, by one goroutine at a time.
type Record struct {
	words []uint64 // of each feature its head, then its body
	mem   *Memory
}

// feature is a Spec, prepared.
type feature struct {
	Spec
	grid     grid
	form     form
	single   bool     // the window ends as a whole, or never
	fine     bool     // rows of a ring are events, if it is not coarse
	calendar bool     // hopping by the calendar
	limit    int      // events or values kept exactly
	coarse   int64    // length of the panes beyond that
	head     int      // words of the window: from and to; from, to, stamp and edge of a day
	body     int      // words of the value
	end      int      // of the words
	widths   [2]int32 // words in a row of a ring, and of a coarse one
	slots    int      // panes that are kept in the body; 0: none are
	nothing  Item     // the value of a window without values
}

// form says how the words of a body are to be read.
type form uint8

const (
	whole   form = iota // one value for a window that ends as a whole or never
	newest              // the time it is kept under; kind and bits, or 1 and time
	slotted             // the newest pane and the panes of a window of a few
	counted             // a ring of times, or of time and how many; the number of all events
	summed              // a ring of time and number, or of panes; totals
	extreme             // a ring of time, kind, bits
	leading             // the same
	tabled              // different values
	sampled             // the number of a sample
)

const (
	mostKept   = 10_000 // events, or values, kept exactly of a key by a feature
	mostApprox = 1024   // the same, of one that may be approximate
	mostPanes  = 128    // panes in a window beyond that
)

// NewPlan prepares features. Check must have found no fault with their specs.
func NewPlan(specs []Spec) *Plan { return newPlan(specs, mostKept, mostApprox) }

func newPlan(specs []Spec, kept, approx int) *Plan {
	p := &Plan{features: make([]feature, len(specs))}
	for i, s := range specs {
		if faults := s.Check(); len(faults) > 0 {
			panic("feature: a spec with a fault: " + faults[0].Error())
		}
		f := &p.features[i]
		f.Spec, f.limit = s, kept
		if s.Approx {
			f.limit = approx
		}
		w := &s.Window
		f.grid = grid{size: w.Size, step: w.step(), offset: w.Offset, zone: w.Zone}
		f.single = w.Shape != Sliding && w.Shape != Hopping
		f.fine = w.Shape == Sliding && s.Resolution == 0
		f.calendar = w.Shape == Hopping && w.Zone != nil
		f.coarse = max((w.Size+mostPanes-1)/mostPanes, s.Resolution)
		switch s.Value {
		case Count, Sum, Distinct, Rate:
			f.nothing = NumberItem(0)
		case Seen:
			f.nothing = BoolItem(false)
		}
		f.slots = f.slotCount()
		f.form = f.formOf()
		f.head = p.words
		f.body = f.head + f.headWords()
		f.end = f.body + f.bodyWords()
		p.words = f.end
		f.widths = [2]int32{f.width(false), f.width(true)}
		switch f.form {
		case counted, summed, extreme, leading, tabled:
			p.far = append(p.far, f)
		}
		if f.leads() {
			p.beside = append(p.beside, f)
		}
	}
	return p
}

func (f *feature) formOf() form {
	switch {
	case f.Value == Distinct || f.Value == Seen:
		return tabled
	case f.Value == Quantile:
		return sampled
	case f.single:
		return whole
	case f.Value == Last || f.Value == SinceLast: // one event is all that they need in any window
		return newest
	case f.slots > 0:
		return slotted
	case f.Value == Count || f.Value == Rate:
		return counted
	case f.Value == Min || f.Value == Max:
		return extreme
	case f.Value == First:
		return leading
	}
	return summed
}

func (f *feature) headWords() int {
	switch {
	case f.Window.Shape == Tumbling || f.Window.Shape == Session:
		return 2
	case f.calendar:
		return 4
	}
	return 0
}

func (f *feature) bodyWords() int {
	switch f.form {
	case newest, extreme, leading:
		return 3
	case slotted:
		return f.slotsWords()
	case counted:
		return ringWords + 1
	case summed:
		return ringWords + f.totalWords()
	case tabled:
		return tableWords
	case sampled:
		return 1
	}
	switch f.Value {
	case Count:
		return 1 // how many
	case Sum, Mean, Stddev:
		return f.totalWords()
	}
	return 2 // kind and bits, or 1 and time
}

// Len is the number of features.
func (p *Plan) Len() int { return len(p.features) }

// Words is the number of words of a Record.
func (p *Plan) Words() int { return p.words }

// Record makes a Record of words in m, which are all 0 or those of a Record of m.
func (p *Plan) Record(m *Memory, words []uint64) Record { return Record{words, m} }

// ReadsBefore reports whether a feature is read before the event that reads it is
// added.
func (p *Plan) ReadsBefore(i int) bool {
	f := &p.features[i]
	return f.ExcludeCurrent || f.Value.readsBefore()
}

// Bytes is the memory that r takes, in bytes, without the Record itself.
func (p *Plan) Bytes(r *Record) int {
	if r.words == nil {
		return 0
	}
	n := 8 * p.words
	for i := range p.features {
		n += p.features[i].bytes(r)
	}
	return n
}

// Add counts an event of time t for feature i. x is its value; count, rate and
// since_last do not look at it. A value that is nil or of a kind that the feature
// does not take is left out; the event still keeps a session going. Times do not fall
// from call to call, whatever the feature.
//
// over says that the key has more events in the window than are kept exactly, so that
// this one is kept in a pane; never of what is declared to be approximate.
func (p *Plan) Add(r *Record, i int, t int64, x Item) (over bool) {
	f := &p.features[i]
	if r.words == nil {
		r.words, r.mem = make([]uint64, p.words), new(Memory)
	}
	x, ok := f.admit(x)
	body := r.words[f.body:f.end]
	var stamp, edge int64
	if f.single {
		if f.Window.Shape != Forever {
			f.enter(r, t)
		}
		edge = math.MinInt64
	} else if ok {
		stamp, edge = f.place(r, t)
	}
	if !ok {
		return false
	}
	switch f.form {
	case whole:
		f.addWhole(r, body, t, x)
		return false
	case newest:
		f.addNewest(r, body, t, stamp, x)
		return false
	case slotted:
		return f.addSlot(r, body, stamp, edge, x)
	case counted:
		return f.addCount(r, body, stamp, edge)
	case summed:
		return f.addSum(r, body, stamp, edge, x.Number())
	case extreme:
		return f.addExtreme(r, body, stamp, edge, x)
	case leading:
		return f.addFirst(r, body, stamp, edge, x)
	case tabled:
		return f.addValue(r, body, stamp, edge, x)
	}
	return f.addSample(r, body, stamp, edge, x.Number())
}

// admit makes x ready, and says whether it counts.
func (f *feature) admit(x Item) (Item, bool) {
	switch f.Value {
	case Count, Rate, SinceLast:
		return Item{}, true
	case Sum, Mean, Stddev, Quantile:
		if x.Kind != Number {
			return Item{}, false
		}
	case Min, Max:
		if x.Kind != Number && x.Kind != Time && x.Kind != Duration {
			return Item{}, false
		}
	}
	return settle(x), x.Kind != None && (x.Kind != Number || x.sound())
}

// settle gives equal items equal parts.
func settle(x Item) Item {
	switch {
	case x.Kind.textual():
		x.Bits = 0
	case x.Kind == Number:
		x.Bits, x.Text = signless(x.Bits), ""
	default:
		x.Text = ""
	}
	return x
}

// enter opens the single window that t is in, if the one before has ended, and keeps a
// session going.
func (f *feature) enter(r *Record, t int64) {
	head := r.words[f.head : f.head+2]
	if open := head[0] != head[1]; !open || t >= int64(head[1]) {
		if open {
			f.release(r)
		}
		from := t
		if f.Window.Shape == Tumbling {
			var to int64
			from, to = f.grid.tumble(t)
			head[1] = uint64(to)
		}
		head[0] = uint64(from)
	}
	if f.Window.Shape == Session {
		head[1] = uint64(t + f.grid.size)
	}
}

// open reports whether a reader of time t sees the single window that is kept.
func (f *feature) open(r *Record, t int64) bool {
	if f.Window.Shape == Forever {
		return true
	}
	from, to := r.words[f.head], r.words[f.head+1]
	return from != to && t < int64(to)
}

// place gives the time under which an event of time t is kept, and the least that a
// reader of time t sees.
func (f *feature) place(r *Record, t int64) (stamp, edge int64) {
	if f.Window.Shape == Sliding {
		return t, t - f.grid.size + 1
	}
	if !f.calendar {
		stamp, edge, _, _ = f.grid.hop(t)
		return stamp, edge
	}
	day := r.words[f.head : f.head+4]
	if t < int64(day[0]) || t >= int64(day[1]) {
		stamp, edge, from, to := f.grid.hop(t)
		day[0], day[1], day[2], day[3] = uint64(from), uint64(to), uint64(stamp), uint64(edge)
	}
	return int64(day[2]), int64(day[3])
}

// Read gives the value of feature i as of an event of time t, which is not before any
// that was added; x is what the event has for seen. A window without values gives 0
// for count, sum, distinct and rate, false for seen, else nil; so does a sum beyond
// the greatest number give nil. rough says that the key had more events in the window
// than are kept exactly: the old end of the window moves in steps of 1/128 of it then
// (of Resolution, if that is more), a distinct or quantile is an estimate, and values
// not seen may have been. Of what is declared to be approximate it is never said.
func (p *Plan) Read(r *Record, i int, t int64, x Item) (v Item, rough bool) {
	f := &p.features[i]
	if f.Value == Seen {
		if x = settle(x); x.Kind == None {
			return Item{}, false
		}
	}
	if r.words == nil || f.single && !f.open(r, t) {
		return f.nothing, false
	}
	return f.read(r, t, x)
}

// read reads a window; a single one is open.
func (f *feature) read(r *Record, t int64, x Item) (Item, bool) {
	body := r.words[f.body:f.end]
	edge := int64(math.MinInt64)
	if !f.single {
		_, edge = f.place(r, t)
	}
	switch f.form {
	case whole:
		return f.readWhole(r, body, t), false
	case newest:
		if body[1] == 0 || int64(body[0]) < edge {
			return Item{}, false
		}
		return f.readLatest(r, body[1:], t), false
	case slotted:
		return f.readSlots(r, body, edge)
	case counted:
		return f.readCount(r, body, edge)
	case summed:
		return f.readSum(r, body, edge)
	case extreme:
		return f.readExtreme(r, body, edge)
	case leading:
		return f.readFirst(r, body, edge)
	case tabled:
		return f.readTable(r, body, edge, x)
	}
	return f.readSample(r, body, edge)
}

const noTime = math.MinInt64

// Deadline is the time from which on nothing is left in any window of r that ends, so
// that Trim gives back what they took. It is math.MinInt64 if nothing is kept in one now.
// empties says that Trim reports r empty then: no feature keeps something forever.
func (p *Plan) Deadline(r *Record) (t int64, empties bool) {
	t, empties = noTime, true
	if r.words == nil {
		return t, true
	}
	for i := range p.features {
		switch end, kept := p.features[i].deadline(r); {
		case kept && end == math.MaxInt64:
			empties = false
		case kept:
			t = max(t, end)
		}
	}
	return t, empties
}

// deadline is the time from which on nothing is left; kept is false if nothing is
// kept.
func (f *feature) deadline(r *Record) (end int64, kept bool) {
	if f.single {
		if f.Window.Shape == Forever {
			return math.MaxInt64, some(r.words[f.body:f.end])
		}
		from, to := r.words[f.head], r.words[f.head+1]
		return int64(to), from != to
	}
	at, step, kept := f.latest(r, r.words[f.body:f.end])
	switch {
	case !kept:
		return 0, false
	case f.Window.Shape == Sliding:
		return at + max(step, 1) + f.grid.size - 1, true
	case step == 0:
		return f.grid.outlives(at), true
	}
	return f.grid.outlives(at + step), true
}

// latest is the time under which the newest is kept of a window that events leave one
// by one, and the steps that such times are held in (0: any); kept is false if nothing
// is.
func (f *feature) latest(r *Record, body []uint64) (at, step int64, kept bool) {
	switch f.form {
	case newest:
		return int64(body[0]), 0, body[1] != 0
	case slotted:
		if !f.spilled(body) {
			return int64(body[0]), f.Resolution, some(body[1:])
		}
		body = body[1:]
	case tabled:
		return f.newestValue(r, body)
	case sampled:
		if body[0] == 0 {
			return 0, 0, false
		}
		return r.sample(body).newest(f)
	}
	k := f.ring(r, body)
	if k.n == 0 {
		return 0, 0, false
	}
	return k.at(int(k.n) - 1), f.step(&k), true
}

// Reach appends to dst where the words lie that an event would look at beyond those of
// r, so that a caller can look at those of many Records at once: a processor waits for
// them together then. t is about the time of the event.
func (p *Plan) Reach(dst []*uint64, r *Record, t int64) []*uint64 {
	for _, f := range p.far {
		body := r.words[f.body:f.end]
		switch {
		case body[0] == 0:
		case f.form != tabled:
			dst = f.reachRows(dst, r, body, t)
		case r.many(body) == nil:
			words := r.mem.Words(Ref(body[0]), int(body[0]>>32))
			for i := 0; i < int(uint32(body[1]))+4; i += 8 { // and what is pushed
				dst = append(dst, &words[min(i, len(words)-1)])
			}
		}
	}
	return dst
}

// reachRows appends the row where the next is pushed, and the oldest if it is read or
// will be popped.
func (f *feature) reachRows(dst []*uint64, r *Record, body []uint64, t int64) []*uint64 {
	var k ring
	if f.load(&k, r, body); k.n == 0 {
		return dst
	}
	rows := r.mem.Words(k.block, int(k.room*k.width))
	at := k.head + min(k.n, k.room-1)
	if at >= k.room {
		at -= k.room
	}
	dst = append(dst, &rows[at*k.width])
	if f.form >= extreme || k.oldest < t-f.grid.size+1 {
		dst = append(dst, &rows[k.head*k.width])
	}
	return dst
}

// Longest is the longest time for which an event that is added may still be in a window,
// or a little more, of the windows that events leave; false: there is none.
func (p *Plan) Longest() (longest int64, ok bool) {
	for i := range p.features {
		f := &p.features[i]
		if f.Window.Shape == Forever {
			continue
		}
		most := f.Window.Size + f.coarse
		if f.Window.Zone != nil {
			most += 2 * day // the days of a zone may be longer
		}
		longest, ok = max(longest, most), true
	}
	return longest, ok
}

// Forever reports whether a feature has a window that does not end.
func (p *Plan) Forever() bool {
	return slices.ContainsFunc(p.features, func(f feature) bool { return f.Window.Shape == Forever })
}

// Trim forgets what is no longer in any window at time t, which is not before any
// event added, and gives back its memory. It reports whether nothing is left: the
// Record may be dropped then, and behaves as one that never was. Windows whose end is
// to be reported are closed before.
func (p *Plan) Trim(r *Record, t int64) (empty bool) {
	if r.words == nil {
		return true
	}
	empty = true
	for i := range p.features {
		if f := &p.features[i]; !f.trim(r, t) {
			empty = false
		}
	}
	return empty
}

func (f *feature) trim(r *Record, t int64) (empty bool) {
	end, kept := f.deadline(r)
	if kept && t < end {
		if !f.single {
			_, edge := f.place(r, t)
			f.drop(r, r.words[f.body:f.end], edge)
			_, kept = f.deadline(r) // what is left may be nothing, like panes of a sum of 0
		}
		if kept {
			return false
		}
	}
	f.release(r)
	return true
}

// drop forgets what is kept under times before edge, of a window that events leave one
// by one.
func (f *feature) drop(r *Record, body []uint64, edge int64) {
	switch f.form {
	case newest:
	case slotted:
		if f.spilled(body) {
			f.dropSpilled(r, body, edge)
		}
		if !f.spilled(body) {
			f.dropSlots(body, edge)
		}
	case counted:
		k := f.ring(r, body)
		f.dropCounts(&k, body, edge)
		k.store(body)
	case summed:
		k := f.ring(r, body)
		f.dropSums(r, &k, body, edge)
		k.store(body)
	case extreme:
		k := f.ring(r, body)
		f.dropExtremes(&k, edge)
		k.store(body)
	case leading:
		k := f.ring(r, body)
		f.dropFirsts(r, &k, edge)
		k.store(body)
	case tabled:
		f.dropValues(r, body, edge)
	case sampled:
		if body[0] != 0 {
			r.sample(body).drop(f, edge)
		}
	}
}

// release empties a feature and gives back its memory.
func (f *feature) release(r *Record) {
	body := r.words[f.body:f.end]
	switch f.form {
	case whole:
		switch f.Value {
		case First, Last:
			r.freeText(body)
		case Sum, Mean, Stddev:
			r.freeKeep(body[sideWord])
		}
	case newest:
		if f.Value == Last {
			r.freeText(body[1:])
		}
	case slotted:
		if f.spilled(body) {
			k := f.ring(r, body[1:])
			k.free()
			r.freeKeep(body[1+ringWords+sideWord])
		}
	case tabled:
		f.freeTable(r, body)
	case sampled:
		r.freeKeep(body[0])
	default:
		k := f.ring(r, body)
		if f.form == leading {
			for i := range k.len() {
				r.freeText(k.row(i)[1:])
			}
		}
		k.free()
		if f.form == summed {
			r.freeKeep(body[ringWords+sideWord])
		}
	}
	clear(r.words[f.head:f.end])
}

// bytes is the memory that the feature takes beyond the words.
func (f *feature) bytes(r *Record) int {
	body := r.words[f.body:f.end]
	switch f.form {
	case whole:
		switch f.Value {
		case First, Last:
			return r.textBytes(body)
		case Sum, Mean, Stddev:
			return r.keepBytes(body[sideWord])
		}
		return 0
	case newest:
		if f.Value == Last {
			return r.textBytes(body[1:])
		}
		return 0
	case slotted:
		if !f.spilled(body) {
			return 0
		}
		k := f.ring(r, body[1:])
		return k.bytes() + r.keepBytes(body[1+ringWords+sideWord])
	case tabled:
		return f.tableBytes(r, body)
	case sampled:
		return r.keepBytes(body[0])
	}
	k := f.ring(r, body)
	n := k.bytes()
	switch f.form {
	case leading:
		for i := range k.len() {
			n += r.textBytes(k.row(i)[1:])
		}
	case summed:
		n += r.keepBytes(body[ringWords+sideWord])
	}
	return n
}

// ring reads a ring of the feature.
func (f *feature) ring(r *Record, words []uint64) (k ring) {
	f.load(&k, r, words)
	return k
}

// load reads a ring of the feature into k, which is empty.
func (f *feature) load(k *ring, r *Record, words []uint64) {
	k.load(r, words)
	k.width = f.widths[0]
	if k.coarse {
		k.width = f.widths[1]
	}
}

// width is the number of words of a row.
func (f *feature) width(coarse bool) int32 {
	fine := f.fine && !coarse
	switch f.Value {
	case Count, Rate:
		if fine {
			return 1
		}
		return 2
	case Min, Max, First:
		return 3
	}
	if fine {
		return 2
	}
	return paneWidth(f.Value)
}

// step is what the times of rows are multiples of; 0: any.
func (f *feature) step(k *ring) int64 {
	if k.coarse {
		return f.coarse
	}
	return f.Resolution
}

func (r *Record) freeKeep(n uint64) {
	if n != 0 {
		r.mem.keeps.drop(uint32(n))
	}
}

func (r *Record) keepBytes(n uint64) int {
	if n == 0 {
		return 0
	}
	return r.mem.keeps.all[n-1].bytes() + 16
}

// setKind writes kind and bits of x; of a text, which is kept beside the words, its number.
func (r *Record) setItem(words []uint64, x Item) {
	if !x.Kind.textual() {
		r.freeText(words)
		words[0], words[1] = uint64(x.Kind), x.Bits
		return
	}
	r.setText(words, x.Text)
	words[0] = uint64(x.Kind)
}

// item is the value that setItem wrote.
func (r *Record) item(words []uint64) Item {
	x := Item{Kind: Kind(words[0]), Bits: words[1]}
	if x.Kind.textual() {
		x.Text, x.Bits = r.mem.texts.all[x.Bits-1], 0
	}
	return x
}

func bitsOf(x float64) uint64  { return math.Float64bits(x) }
func floatOf(w uint64) float64 { return math.Float64frombits(w) }

// some reports whether a word is not 0.
func some(words []uint64) bool {
	for _, w := range words {
		if w != 0 {
			return true
		}
	}
	return false
}
