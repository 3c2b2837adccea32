package feature

import (
	"math"
	"unsafe"
)

// A Plan is the features of one key, in the order of their Specs. It does not change.
type Plan struct {
	features []feature
	words    int // of a Record
	rests    int
}

// Record is what the features of a Plan keep of one key. The zero Record is that of a
// key without events. It is changed by the methods of its Plan only, by one goroutine
// at a time; a copy of it is not to be used beside it.
type Record struct {
	words []uint64 // of each feature its head, then its body
	rests []keep   // nil: nothing
}

// feature is a Spec, prepared.
type feature struct {
	Spec
	grid     grid
	single   bool  // the window ends as a whole, or never: sums in the body are all there is
	limit    int   // events or values kept exactly
	coarse   int64 // length of the panes beyond that
	head     int   // words of the window: from and to; from, to, stamp and edge of a day
	body     int   // words of the value
	rest     int   // in Record.rests; -1: none
	nothing  Item  // the value of a window without values
	slots    int   // words of a pane that is kept in the body; 0: none is
	calendar bool  // hopping by the calendar
}

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
		f.Spec, f.limit, f.rest = s, kept, -1
		if s.Approx {
			f.limit = approx
		}
		w := &s.Window
		f.grid = grid{size: w.Size, step: w.step(), offset: w.Offset, zone: w.Zone}
		f.single = w.Shape != Sliding && w.Shape != Hopping
		f.calendar = w.Shape == Hopping && w.Zone != nil
		f.coarse = max((w.Size+mostPanes-1)/mostPanes, s.Resolution)
		switch s.Value {
		case Count, Sum, Distinct, Rate:
			f.nothing = NumberItem(0)
		}
		f.slots = f.slotWords()
		f.head = p.words
		f.body = f.head + f.headWords()
		p.words = f.body + f.bodyWords()
		if f.keeps() {
			f.rest = p.rests
			p.rests++
		}
	}
	return p
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

// latest reports whether one event is all that the feature needs in any window.
func (f *feature) latest() bool { return f.Value == Last || f.Value == SinceLast }

func (f *feature) bodyWords() int {
	switch {
	case f.slots > 0:
		return 1 + f.slotCount()*f.slots
	case f.latest() && !f.single:
		return 3 // time it is kept under; kind and bits, or 1 and time
	case f.Value == Distinct || f.Value == Quantile || f.Value == Seen || !f.single:
		return 0
	}
	switch f.Value {
	case Count:
		return 1 // how many
	case Sum:
		return 2 // sum
	case Mean:
		return 3 // sum, how many
	case Stddev:
		return 7 // sum, how many, sum of squares
	}
	return 2 // kind and bits, or 1 and time
}

// keeps reports whether the feature may need more than words.
func (f *feature) keeps() bool {
	switch f.Value {
	case Count, Rate, Min, Max:
		return !f.single && f.slots == 0
	case SinceLast:
		return false
	}
	return true
}

// Len is the number of features.
func (p *Plan) Len() int { return len(p.features) }

// ReadsBefore reports whether a feature is read before the event that reads it is
// added.
func (p *Plan) ReadsBefore(i int) bool {
	f := &p.features[i]
	return f.ExcludeCurrent || f.Value.readsBefore()
}

// Bytes is the memory that r takes, in bytes, without the Record itself.
func (p *Plan) Bytes(r *Record) int {
	n := 8*cap(r.words) + cap(r.rests)*int(unsafe.Sizeof(keep(nil)))
	for _, k := range r.rests {
		if k != nil {
			n += k.bytes()
		}
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
	p.open(r)
	x, ok := f.admit(x)
	if f.single {
		return f.addSingle(r, t, x, ok)
	}
	if !ok {
		return false
	}
	stamp, edge := f.place(r, t)
	return f.addPane(r, t, stamp, edge, x)
}

// open gives a Record its memory.
func (p *Plan) open(r *Record) {
	if r.words == nil {
		r.words = make([]uint64, p.words)
		r.rests = make([]keep, p.rests)
	}
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

// addPane counts an event in a window that events leave one by one.
func (f *feature) addPane(r *Record, t, stamp, edge int64, x Item) bool {
	if f.latest() {
		body := r.words[f.body : f.body+3]
		body[0], body[1], body[2] = uint64(stamp), uint64(x.Kind), x.Bits
		if f.Value == SinceLast {
			body[1], body[2] = 1, uint64(t)
		} else {
			r.setText(f, x)
		}
		return false
	}
	if !f.inSlots(r) && r.rests[f.rest] != nil {
		r.rests[f.rest].drop(f, edge)
		if f.slots > 0 && r.rests[f.rest].empty() {
			r.rests[f.rest] = nil
		}
	}
	if f.inSlots(r) {
		f.addSlot(r, stamp, x)
		return false
	}
	switch k := f.kept(r).(type) {
	case *counts:
		return k.add(f, stamp)
	case *sums:
		return k.add(f, stamp, x.Number())
	case *extremes:
		return k.add(f, stamp, x)
	case *firsts:
		return k.add(f, stamp, x)
	case *table:
		return k.add(f, stamp, x)
	case *sample:
		return k.add(f, stamp, x.Number())
	}
	panic("feature: unknown keep")
}

// newKeep makes what the feature keeps beyond words.
func (f *feature) newKeep() keep {
	switch f.Value {
	case Distinct, Seen:
		return newTable()
	case Quantile:
		return newSample()
	case First, Last:
		if f.single || f.Value == Last {
			return new(word)
		}
		return newFirsts(f)
	}
	switch {
	case f.single:
		return new(rest)
	case f.Value == Count || f.Value == Rate:
		return newCounts(f)
	case f.Value == Min || f.Value == Max:
		return newExtremes(f)
	}
	return newSums(f)
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
	if r.words == nil {
		return f.none(), false
	}
	if f.single {
		if head := r.words[f.head:f.body]; len(head) > 0 && (head[0] == head[1] || t >= int64(head[1])) {
			return f.none(), false
		}
		return f.readSingle(r, t, x)
	}
	_, edge := f.place(r, t)
	return f.readPane(r, t, edge, x)
}

// none is the value of a window without values.
func (f *feature) none() Item {
	if f.Value == Seen {
		return BoolItem(false)
	}
	return f.nothing
}

func (f *feature) readPane(r *Record, t, edge int64, x Item) (Item, bool) {
	if f.latest() {
		body := r.words[f.body : f.body+3]
		if body[1] == 0 || int64(body[0]) < edge {
			return Item{}, false
		}
		if f.Value == SinceLast {
			return Item{Kind: Duration, Bits: uint64(t) - body[2]}, false
		}
		return r.item(f, body[1:]), false
	}
	if f.inSlots(r) {
		return f.readSlots(r, edge), false
	}
	k := r.rests[f.rest]
	if k == nil {
		return f.none(), false
	}
	k.drop(f, edge)
	switch k := k.(type) {
	case *counts:
		return f.count(k.n), k.step > f.Resolution
	case *sums:
		return f.sum(k.n, k.rows.n > 0, &k.sum, k.squares), k.step > f.Resolution
	case *extremes:
		if k.rows.n == 0 {
			return Item{}, false
		}
		row := k.rows.row(0)
		return Item{Kind: Kind(row[1]), Bits: row[2]}, k.step > f.Resolution
	case *firsts:
		return k.first(), k.step > f.Resolution
	}
	return f.readKeep(k, x)
}

// readKeep reads what single windows keep too.
func (f *feature) readKeep(k keep, x Item) (Item, bool) {
	switch k := k.(type) {
	case *table:
		if f.Value == Seen {
			yes, sure := k.seen(x)
			return BoolItem(yes), !sure
		}
		return NumberItem(float64(k.count())), k.hyper != nil && !f.Approx
	case *sample:
		if k.empty() {
			return Item{}, false
		}
		return NumberItem(k.quantile(f.Q)), k.sketch != nil && !f.Approx
	}
	panic("feature: unknown keep")
}

const noTime = math.MinInt64

// Deadline is the time from which on nothing is left in any window of r, so that Trim
// reports it empty. It is math.MinInt64 if nothing is kept now. ok is false if there is
// no such time: a feature keeps something forever.
func (p *Plan) Deadline(r *Record) (t int64, ok bool) {
	t = noTime
	if r.words == nil {
		return t, true
	}
	for i := range p.features {
		end, kept := p.features[i].deadline(r)
		if kept && end == math.MaxInt64 {
			return 0, false
		}
		if kept {
			t = max(t, end)
		}
	}
	return t, true
}

// deadline is the time from which on nothing is left; kept is false if nothing is
// kept.
func (f *feature) deadline(r *Record) (end int64, kept bool) {
	if f.single {
		if head := r.words[f.head:f.body]; len(head) > 0 {
			return int64(head[1]), head[0] != head[1]
		}
		return math.MaxInt64, !f.blank(r)
	}
	var at, step int64
	if f.latest() {
		at, kept = int64(r.words[f.body]), r.words[f.body+1] != 0
	} else if f.inSlots(r) {
		at, step, kept = int64(r.words[f.body]), f.Resolution, some(r.words[f.body+1:f.body+f.bodyWords()])
	} else if k := r.rests[f.rest]; k != nil {
		at, step, kept = k.newest(f)
	}
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
	if empty {
		*r = Record{}
	}
	return empty
}

func (f *feature) trim(r *Record, t int64) (empty bool) {
	end, kept := f.deadline(r)
	if kept && t < end {
		if !f.single && !f.latest() && !f.inSlots(r) {
			_, edge := f.place(r, t)
			r.rests[f.rest].drop(f, edge)
		}
		return false
	}
	clear(r.words[f.head : f.body+f.bodyWords()])
	if f.rest >= 0 {
		r.rests[f.rest] = nil
	}
	return true
}

// blank reports whether the body and what is beyond it hold nothing.
func (f *feature) blank(r *Record) bool {
	if some(r.words[f.body : f.body+f.bodyWords()]) {
		return false
	}
	return f.rest < 0 || r.rests[f.rest] == nil
}

func bitsOf(x float64) uint64  { return math.Float64bits(x) }
func floatOf(w uint64) float64 { return math.Float64frombits(w) }
