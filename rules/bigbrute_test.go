package rules

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/cep"
	"weir/cep/list"
	"weir/rules/expr"
	"weir/rules/source"
)

var (
	bruteSeed   = flag.Uint64("brute.seed", 1, "seed of the rulesets and streams of TestBrute; 0: the clock")
	bruteEvents = flag.Int("brute.events", 10_000, "about how many events TestBrute looks at")
	bruteCase   = flag.Int("brute.case", -1, "the only case that TestBrute runs")
)

// TestBrute compares what rules see of features, through the whole engine, with an
// evaluator that keeps all events and works every value out of them as the language
// defines it: in random rulesets, for each event of random streams. Neither batches nor
// shards nor restarts may change a byte of the alerts.
func TestBrute(t *testing.T) {
	seed := *bruteSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-brute.seed %d", seed)
	if *bruteCase >= 0 {
		newWorld(seed, *bruteCase).check(t)
		return
	}
	seen := tally{}
	n := 0
	for i := 0; n < *bruteEvents && !t.Failed(); i++ {
		w := newWorld(seed, i)
		w.check(t)
		n += len(w.events)
		seen.add(w)
	}
	t.Logf("%d events, %d values compared, %d of them not nil, 0 or false", n, seen.values, seen.telling)
	if *bruteEvents >= 10_000 && !t.Failed() {
		seen.check(t)
	}
}

// TestRestoreOfNothing: a state in which a feature keeps nothing of a key, as sums of 0
// do, can be read back, and says what it said.
func TestRestoreOfNothing(t *testing.T) {
	set, err := Compile([]source.File{{Path: "r.yaml", Text: `
features:
  ever: {on: pay, key: card, value: sum(x), over: forever}
  days: {on: pay, key: card, value: count(), where: x > 0, tumbling: 10s}
  late: {on: pay, key: to, value: sum(x), over: 10s, resolution: 5s}
  wide: {on: pay, key: [card, to], value: sum(x), over: 20s}
rules:
  - {id: r, on: pay, key: n, within: none, pattern: e, define: {e: true}, measures: {a: ever, b: days, c: late, d: wide}}
`}})
	if err != nil {
		t.Fatal(err)
	}
	options := cep.Options{Lateness: 2 * time.Second}
	var lines []string
	for i, x := range []string{"5", "-5", "0", "null", "5", "-5", "1e300", "-1e300", "0.1", "-0.1", "0"} {
		at := i
		if i >= 4 {
			at += 12 // what ends in between ends before the next event
		}
		lines = append(lines, fmt.Sprintf(`{"type":"pay","ts":%d,"n":%d,"card":"c","to":"t","x":%s}`, 1000*at, i, x))
	}
	step := func(g *cep.Engine, fx *cep.Effects, lines ...string) {
		g.Step([]cep.Record{{Kind: cep.EventsRecord, Data: []byte(strings.Join(lines, "\n")), Line: 1}}, fx)
	}
	var once, often cep.Effects
	step(cep.NewEngine(set, options), &once, lines...)
	g := cep.NewEngine(set, options)
	for _, line := range lines {
		step(g, &often, line)
		state := g.Append(nil)
		if g, err = cep.Restore(set, options, state); err != nil {
			t.Fatalf("after %s: %v", line, err)
		}
		if again := g.Append(nil); !bytes.Equal(again, state) {
			t.Errorf("after %s the state that was read is written otherwise", line)
		}
	}
	if a, b := string(alertBytes(&once)), string(alertBytes(&often)); a != b || len(once.Alerts) < 8 {
		t.Errorf("got\n%s\nwant\n%s", b, a)
	}
}

// tally counts what the worlds had.
type tally struct {
	values, telling int
	had             map[string]int // by value and window: values that are telling
}

func (s *tally) add(w *world) {
	if s.had == nil {
		s.had = map[string]int{}
	}
	for _, f := range w.features {
		s.values += f.compared
		s.telling += f.telling
		s.had[f.value] += f.telling
		s.had[f.window.shape] += f.telling
		for name, has := range map[string]bool{
			"where": f.where != nil, "resolution": f.resolution > 0, "exclude_current": f.exclude, "zone": f.window.zone != nil,
			"by type": f.byType != nil, "pair": len(f.keys) > 1, "offset": f.window.offset > 0,
		} {
			if has {
				s.had[name] += f.telling
			}
		}
	}
	for _, r := range w.reads {
		s.had["read of a key"] += r.held
		s.had["wrong on purpose"] += r.refused
	}
}

// check sees to it that nothing is tested in words only.
func (s *tally) check(t *testing.T) {
	for _, name := range append(slices.Concat(bruteValues, bruteShapes), "where", "resolution", "exclude_current", "zone", "by type", "pair", "offset", "read of a key", "wrong on purpose") {
		if s.had[name] < 50 {
			t.Errorf("%s: %d values tell anything", name, s.had[name])
		}
	}
}

// datum is a value of the language.
type datum struct {
	kind cep.Kind
	num  float64
	text string // of a text; of a number that was read: its digits
	ns   int64
	yes  bool
}

func number(f float64) datum {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return datum{}
	}
	return datum{kind: cep.Number, num: f}
}

func text(s string) datum { return datum{kind: cep.Text, text: s} }

// same is equality as distinct and seen have it.
func (d datum) same(o datum) bool {
	if d.kind != o.kind {
		return false
	}
	switch d.kind {
	case cep.Number:
		return d.num == o.num
	case cep.Text, cep.List:
		return d.text == o.text
	case cep.Bool:
		return d.yes == o.yes
	}
	return d.ns == o.ns
}

// key is the text of d as a part of a key.
func (d datum) key() (string, bool) {
	switch d.kind {
	case cep.Text:
		return d.text, d.text != ""
	case cep.Bool:
		return strconv.FormatBool(d.yes), true
	case cep.Number:
		if d.text == "" {
			return strconv.FormatFloat(d.num, 'f', -1, 64), d.num == math.Trunc(d.num) && math.Abs(d.num) <= 1<<53
		}
		return d.text, strings.Trim(d.text, "-0123456789") == ""
	}
	return "", false
}

// fact is an event.
type fact struct {
	typ    string
	time   int64
	seq    int64
	at     int64 // when it arrives
	name   string
	fields map[string]datum
	texts  map[string]string // JSON, by field
	line   string
}

// formula is an expression of fields.
type formula struct {
	text string
	of   func(w *world, e *fact) datum
}

func fieldFormula(name string) formula {
	return formula{name, func(_ *world, e *fact) datum { return e.fields[name] }}
}

// reckoned is an expression of the numbers x and y.
func reckoned(text string, f func(x, y float64) float64, needsY bool) formula {
	return formula{text, func(_ *world, e *fact) datum {
		x, y := e.fields["x"], e.fields["y"]
		if x.kind != cep.Number || needsY && y.kind != cep.Number {
			return datum{}
		}
		return number(f(x.num, y.num))
	}}
}

var numberFormulas = []formula{
	fieldFormula("x"), fieldFormula("x"), fieldFormula("y"),
	reckoned("x * 3", func(x, _ float64) float64 { return x * 3 }, false),
	reckoned("x - y", func(x, y float64) float64 { return x - y }, true),
	reckoned("x / y", func(x, y float64) float64 {
		if y == 0 {
			return math.NaN()
		}
		return x / y
	}, true),
	reckoned("abs(x)", func(x, _ float64) float64 { return math.Abs(x) }, false),
	{`list_value("rates", s, 0.5) * x`, func(w *world, e *fact) datum {
		rate := 0.5
		if s, ok := e.fields["s"].key(); ok {
			if v, there := w.rates[s]; there && (v.until == list.Never || e.time < v.until) {
				rate = v.rate
			}
		}
		if e.fields["x"].kind != cep.Number {
			return datum{}
		}
		return number(rate * e.fields["x"].num)
	}},
}

var anyFormulas = []formula{fieldFormula("s"), fieldFormula("s"), fieldFormula("x"), fieldFormula("a")}

var timeFormula = formula{"ts", func(_ *world, e *fact) datum { return datum{kind: cep.Time, ns: e.time} }}

var filters = []formula{
	truth("x > 2", func(_ *world, e *fact) bool { return e.fields["x"].kind == cep.Number && e.fields["x"].num > 2 }),
	truth(`s != "p"`, func(_ *world, e *fact) bool { return !e.fields["s"].same(text("p")) }),
	truth("y == nil", func(_ *world, e *fact) bool { return e.fields["y"].kind == cep.Nil }),
	truth("x < params.most && to != nil", func(_ *world, e *fact) bool {
		return e.fields["x"].kind == cep.Number && e.fields["x"].num < 40 && e.fields["to"].kind != cep.Nil
	}),
	truth(`in_list("vip", a)`, func(w *world, e *fact) bool {
		a, ok := e.fields["a"].key()
		until, there := w.vip[a]
		return ok && there && (until == list.Never || e.time < until)
	}),
	truth("hour(ts) < 14", func(_ *world, e *fact) bool { return time.Unix(0, e.time).UTC().Hour() < 14 }),
	truth(`type != "login"`, func(_ *world, e *fact) bool { return e.typ != "login" }),
}

func truth(text string, f func(*world, *fact) bool) formula {
	return formula{text, func(w *world, e *fact) datum { return datum{kind: cep.Bool, yes: f(w, e)} }}
}

// span is a window.
type span struct {
	shape  string
	size   int64
	every  int64
	offset int64
	zone   *time.Location
}

// aggregate is a feature.
type aggregate struct {
	name       string
	on         []string // nil: all
	keys       []string
	byType     map[string]string // in place of keys
	value      string
	of         formula
	q          float64
	where      *formula
	window     span
	exclude    bool
	resolution int64
	approx     bool

	counted           map[string][]item // by key, in processing order
	compared, telling int
}

// item is what a feature has of an event that it counts.
type item struct {
	e    *fact
	time int64
	x    datum
	int  *big.Int // the number of x by 2^1074
}

// keyed is a feature that a condition reads.
type keyed struct {
	f             *aggregate
	args          []formula // nil: by its bare name
	held, refused int
}

type rated struct {
	rate  float64
	until int64
}

// world is a ruleset and the events that it sees.
type world struct {
	r        *rand.Rand
	seed     uint64
	number   int
	schema   bool
	seq      bool
	day      bool // windows of days, in zones
	zone     *time.Location
	begin    int64
	unit     int64 // about how far apart events are
	change   int64 // of the clocks of the zone, where events come closer; 0: none
	lateness int64
	features []*aggregate
	reads    []*keyed
	rates    map[string]rated
	vip      map[string]int64
	events   []*fact // in processing order
	lines    []string
	bounds   map[boundary]int64
}

type boundary struct {
	zone   *time.Location
	day    int64
	offset int64
}

var (
	bruteValues = []string{"count", "sum", "mean", "min", "max", "stddev", "distinct", "first", "last", "quantile", "rate", "seen", "since_last"}
	bruteShapes = []string{"over", "forever", "tumbling", "hopping", "session"}
	bruteTypes  = []string{"pay", "move", "login"}

	// bruteZones have days of 23, 25 and 24.5 hours, days without a midnight, with
	// two, and one that was left out.
	bruteZones = []string{
		"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "America/Havana", "Asia/Beirut", "Africa/Cairo", "America/Asuncion",
		"America/Santiago", "Asia/Tehran", "Pacific/Apia", "America/St_Johns", "Antarctica/Troll", "Asia/Kathmandu", "Africa/Casablanca", "Asia/Gaza", "America/Scoresbysund",
	}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

const (
	msec  = int64(time.Millisecond)
	hours = int64(time.Hour)
	days  = 24 * hours
)

// newWorld makes a world. It is the same each time.
func newWorld(seed uint64, number int) *world {
	w := &world{r: rand.New(rand.NewPCG(seed, uint64(number))), seed: seed, number: number, bounds: map[boundary]int64{}}
	r := w.r
	w.schema, w.seq, w.day = r.IntN(2) == 0, r.IntN(3) == 0, r.IntN(2) == 0
	w.seq = w.seq && w.schema // without one nothing orders events of equal time
	zone, ok := expr.Zone(pick(r, bruteZones))
	if !ok {
		panic("no such zone")
	}
	w.zone = zone
	n := 60 + r.IntN(400)
	w.begin = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano() + r.Int64N(1000*days)/msec*msec
	w.unit = []int64{1e6, 20 * msec, 1e9, 60e9}[r.IntN(4)]
	if w.day {
		w.unit = []int64{hours / 4, 2 * hours, 7 * hours}[r.IntN(3)]
		t := w.begin - r.Int64N(int64(60*365)*days)
		for range 2 + r.IntN(2) { // the second may be another kind of change than the first
			if _, next := time.Unix(0, t).In(zone).ZoneBounds(); !next.IsZero() && next.Year() < 2030 {
				t = next.UnixNano()
			}
		}
		w.change = t
		w.begin = t/msec*msec - r.Int64N(int64(n)*w.unit/2)/msec*msec
	} else if r.IntN(4) == 0 {
		w.begin = -r.Int64N(int64(n)*w.unit) / msec * msec
	}
	if r.IntN(3) > 0 {
		w.lateness = r.Int64N(20*w.unit)/msec*msec + msec
	}
	w.lists()
	for i := range 3 + r.IntN(6) {
		w.features = append(w.features, w.aggregate(i))
	}
	for range 1 + r.IntN(4) {
		if k := w.keyed(pick(r, w.features)); k != nil {
			w.reads = append(w.reads, k)
		}
	}
	w.stream(n)
	return w
}

func (w *world) lists() {
	w.rates, w.vip = map[string]rated{}, map[string]int64{}
	until := func() int64 {
		if w.r.IntN(2) == 0 {
			return list.Never
		}
		return w.begin + w.r.Int64N(300*w.unit)
	}
	for _, s := range []string{"p", "q", "12", "true"} {
		w.rates[s] = rated{pick(w.r, []float64{0.1, 2, -1, 1e-300}), until()}
	}
	for _, a := range []string{"k1", "k2", "12"} {
		w.vip[a] = until()
	}
}

// length is a random length of a window.
func (w *world) length() int64 {
	l := (1 + w.r.Int64N(60)) * w.unit
	if w.r.IntN(3) == 0 {
		l += w.r.Int64N(w.unit) / msec * msec
	}
	return l
}

func (w *world) aggregate(i int) *aggregate {
	r := w.r
	f := &aggregate{name: fmt.Sprintf("f%d", i), value: pick(r, bruteValues), counted: map[string][]item{}}
	switch r.IntN(3) {
	case 0:
		f.on = []string{"pay"}
	case 1:
		f.on = []string{"pay", "move"}
	}
	switch r.IntN(4) {
	case 0, 1:
		f.keys = []string{pick(r, []string{"a", "a", "b"})}
	case 2:
		f.keys = []string{"a", "b"}
	default:
		if f.on == nil {
			f.on = []string{"move", "login"}
		}
		f.byType = map[string]string{"pay": "a", "move": "to"}
		if slices.Contains(f.on, "login") || r.IntN(2) == 0 {
			f.byType["login"] = "b"
		}
	}
	switch f.value {
	case "sum", "mean", "stddev", "quantile":
		f.of = pick(r, numberFormulas)
	case "min", "max":
		f.of = pick(r, append(slices.Clone(numberFormulas), timeFormula))
	case "distinct", "seen":
		f.of = pick(r, anyFormulas)
	case "first", "last":
		f.of = pick(r, append(slices.Clone(anyFormulas), timeFormula))
	}
	if f.value == "quantile" {
		f.q = pick(r, []float64{0, 0.1, 0.25, 0.5, 0.9, 0.95, 1})
	}
	if r.IntN(2) == 0 {
		where := pick(r, filters)
		f.where = &where
	}
	f.approx = (f.value == "distinct" || f.value == "quantile") && r.IntN(4) == 0
	w.window(f)
	return f
}

func (w *world) window(f *aggregate) {
	r, s := w.r, &f.window
	for {
		s.shape = pick(r, bruteShapes)
		if w.day && r.IntN(2) == 0 {
			s.shape = pick(r, bruteShapes[2:4]) // which may be of a calendar
		}
		endless := f.value == "rate" || f.value == "distinct" || f.value == "quantile" || f.value == "seen"
		if f.value == "rate" && s.shape != "over" || endless && s.shape == "forever" {
			continue
		}
		break
	}
	s.size = w.length()
	switch s.shape {
	case "forever":
		s.size = 0
	case "session":
		s.size = (1+r.Int64N(6))*w.unit + r.Int64N(3)*msec
	case "tumbling", "hopping":
		zoned := w.day && r.IntN(3) > 0
		if zoned {
			s.zone = w.zone
			s.size = (1 + r.Int64N(4)) * days
		}
		step := s.size
		if s.shape == "hopping" {
			if zoned {
				s.every = (1 + r.Int64N(s.size/days)) * days
			} else {
				s.every = max(s.size/(1+r.Int64N(5))/msec*msec, msec)
			}
			step = s.every
		}
		if r.IntN(2) == 0 {
			if zoned {
				step = days
			}
			s.offset = r.Int64N(step) / msec * msec
			if zoned && r.IntN(2) == 0 {
				s.offset = r.Int64N(8) * hours / 2
			}
		}
		if zoned && w.change != 0 && r.IntN(2) == 0 { // what clocks leave out, or show twice
			_, east := time.Unix(0, w.change).In(w.zone).Zone()
			s.offset = ((w.change+int64(east)*1e9+(r.Int64N(5)-3)*hours/2)%days + days) % days
		}
	}
	if s.shape == "over" || s.shape == "forever" {
		f.exclude = f.value != "seen" && f.value != "since_last" && r.IntN(3) == 0
	}
	if s.shape == "over" && f.value != "last" && f.value != "since_last" && r.IntN(4) == 0 {
		f.resolution = max(r.Int64N(s.size)/msec*msec, msec)
	}
}

// keyed is a way to read a feature in a condition; nil: there is none that can be
// compared there.
func (w *world) keyed(f *aggregate) *keyed {
	inexact := f.value == "stddev" || f.value == "quantile"
	if f.of.text == timeFormula.text || inexact && f.resolution > 0 {
		return nil
	}
	k := &keyed{f: f}
	if w.r.IntN(4) == 0 {
		return k
	}
	n := max(len(f.keys), 1)
	for range n {
		k.args = append(k.args, pick(w.r, []formula{
			fieldFormula("to"), fieldFormula("to"), fieldFormula("b"), fieldFormula("a"), fieldFormula("x"),
			{`"k1"`, func(*world, *fact) datum { return text("k1") }},
			{`12`, func(*world, *fact) datum { return number(12) }},
			reckoned("x + 1", func(x, _ float64) float64 { return x + 1 }, false),
		}))
	}
	return k
}

func (k *keyed) String() string {
	if k.args == nil {
		return k.f.name
	}
	var args []string
	for _, a := range k.args {
		args = append(args, a.text)
	}
	return k.f.name + "(" + strings.Join(args, ", ") + ")"
}

// JSON of fields: what any event may have, and what those without a schema may have
// beside.
var (
	keyTexts    = []string{`"k1"`, `"k1"`, `"k2"`, `"12"`, `12`, `13`, `""`, `null`, ``, `12345678901234567890`, `"12345678901234567890"`}
	looseKeys   = []string{`true`, `"true"`, `1.0`, `1e1`, `[1]`, `-0`, `0`}
	plainXs     = []string{`1`, `2`, `3`, `5`, `-5`, `12`, `50`, `0`, `-7`}
	opposedXs   = []string{`5`, `-5`}
	wildXs      = []string{`0.1`, `0.2`, `0.3`, `1e300`, `-1e300`, `-0`, `9007199254740993`, `1e22`, `5e-324`, `-2.5e-310`, `1e16`, `1`, `3.14`, `0.7e-9`, `-1e16`}
	hugeXs      = []string{`1.7976931348623157e308`, `-1.7976931348623157e308`, `1e308`, `1`}
	absent      = []string{`null`, ``}
	looseXs     = []string{`"12"`, `true`, `"z"`}
	textTexts   = []string{`"p"`, `"q"`, `"r"`, `"12"`, `""`, `"Ä"`, `null`, ``}
	looseValues = []string{`12`, `12.0`, `0`, `-0`, `true`, `"true"`, `9007199254740993`, `9007199254740992`, `1e1`, `10`}
)

// value draws a field.
func (w *world) value(e *fact, name string, from ...string) {
	text := pick(w.r, from)
	e.texts[name] = text
	var d datum
	switch {
	case text == "" || text == "null":
	case text[0] == '[':
		d = datum{kind: cep.List, text: text}
	case text[0] == '"':
		d = datum{kind: cep.Text, text: text[1 : len(text)-1]}
	case text == "true":
		d = datum{kind: cep.Bool, yes: true}
	case w.schema && name != "x" && name != "y": // text in the schema
		d = datum{kind: cep.Text, text: text}
	default:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			panic(err)
		}
		d = datum{kind: cep.Number, num: f, text: text}
	}
	e.fields[name] = d
}

// stream draws the events.
func (w *world) stream(n int) {
	r := w.r
	xs := slices.Concat(plainXs, absent)
	switch r.IntN(5) {
	case 4:
		xs = opposedXs // sums of 0
	case 0:
		xs = append(xs, wildXs...)
	case 1:
		xs = slices.Concat(wildXs, absent)
	case 2:
		if r.IntN(2) == 0 {
			xs = append(hugeXs, absent...)
		}
	}
	keys, values := slices.Clone(keyTexts), slices.Clone(textTexts)
	if !w.schema {
		keys, values, xs = append(keys, looseKeys...), append(values, looseValues...), append(xs, looseXs...)
	}
	keys = keys[:2+r.IntN(len(keys)-1)]
	t := w.begin
	for i := range n {
		unit := w.unit
		if w.change != 0 && t > w.change-6*hours && t < w.change+3*hours {
			unit = hours / 6
		}
		switch r.IntN(5) {
		case 0: // the same time
		case 1:
			t += unit
		default:
			t += r.Int64N(2*unit) / msec * msec
		}
		if unit == w.unit && r.IntN(40) == 0 {
			t += r.Int64N(50 * unit)
		} else if to := w.change - 4*hours; w.change != 0 && t < to && t > to-12*unit {
			t = to
		}
		e := &fact{typ: pick(r, bruteTypes), time: t, at: t, name: fmt.Sprint("e", i), fields: map[string]datum{}, texts: map[string]string{}}
		if w.lateness > 0 && r.IntN(2) == 0 {
			e.at += r.Int64N(w.lateness + 1)
		}
		w.value(e, "a", keys...)
		w.value(e, "b", keys...)
		w.value(e, "to", keys...)
		w.value(e, "x", xs...)
		w.value(e, "y", xs...)
		w.value(e, "s", values...)
		if w.seq {
			e.seq = int64(r.IntN(4)) - 1
		}
		w.events = append(w.events, e)
	}
	slices.SortStableFunc(w.events, func(a, b *fact) int { return cmp.Compare(a.at, b.at) })
	arrived := slices.Clone(w.events)
	slices.SortStableFunc(w.events, func(a, b *fact) int { return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.seq, b.seq)) })
	w.wants()
	for _, e := range arrived {
		w.lines = append(w.lines, e.line)
	}
}

// rules writes the ruleset.
func (w *world) rules() string {
	var b strings.Builder
	if w.schema {
		b.WriteString("events:\n")
		for _, typ := range bruteTypes {
			fmt.Fprintf(&b, "  %s:\n", typ)
			if w.seq {
				b.WriteString("    seq: o\n")
			}
			b.WriteString("    fields: {a: string, b: string, to: string, x: number, y: number, s: string, n: string, ts: time, o: number")
			for i := range w.reads {
				fmt.Fprintf(&b, ", w%d: list", i)
			}
			b.WriteString("}\n")
		}
	}
	b.WriteString("params: {most: 40}\nlists:\n  rates: {type: string, value: number}\n  vip: {type: string}\nfeatures:\n")
	for _, f := range w.features {
		b.WriteString("  " + f.name + ": {" + f.yaml() + "}\n")
	}
	b.WriteString("rules:\n  - id: all\n    on: \"*\"\n    key: n\n    within: none\n    pattern: e\n    define: {e: true}\n    measures:\n")
	for _, f := range w.features {
		fmt.Fprintf(&b, "      m%s: %s\n", f.name, f.name)
	}
	for i, k := range w.reads {
		fmt.Fprintf(&b, "  - {id: r%d, on: \"*\", key: n, within: none, pattern: e, define: {e: '%s'}}\n", i, k.condition(i))
	}
	return b.String()
}

// condition holds for events that see what they say they should, in w0 and so on.
func (k *keyed) condition(i int) string {
	is := fmt.Sprintf("%s in w%d", k, i)
	switch k.f.value {
	case "stddev", "quantile":
		is = fmt.Sprintf("abs(%s - w%d[0]) <= w%[2]d[1]", k, i)
	case "since_last":
		is = fmt.Sprintf("seconds(%s) in w%d", k, i)
	}
	return fmt.Sprintf("%s == nil ? w%d[0] == nil : %s", k, i, is)
}

func (f *aggregate) yaml() string {
	var parts []string
	say := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	ms := func(ns int64) string { return fmt.Sprintf("%dms", ns/msec) }
	say("on: '*'")
	if f.on != nil {
		parts[0] = "on: [" + strings.Join(f.on, ", ") + "]"
	}
	if f.byType != nil {
		var fields []string
		for _, typ := range bruteTypes {
			if field, ok := f.byType[typ]; ok {
				fields = append(fields, typ+": "+field)
			}
		}
		say("key: {k: {%s}}", strings.Join(fields, ", "))
	} else {
		say("key: [%s]", strings.Join(f.keys, ", "))
	}
	switch {
	case f.of.text == "":
		say("value: %s()", f.value)
	case f.value == "quantile":
		say("value: '%s(%s, %v)'", f.value, f.of.text, f.q)
	default:
		say("value: '%s(%s)'", f.value, f.of.text)
	}
	if f.where != nil {
		say("where: '%s'", f.where.text)
	}
	switch s := &f.window; s.shape {
	case "forever":
		say("over: forever")
	case "hopping":
		say("hopping: {size: %s, every: %s}", ms(s.size), ms(s.every))
	default:
		say("%s: %s", s.shape, ms(s.size))
	}
	if f.window.offset > 0 {
		say("offset: %s", ms(f.window.offset))
	}
	if f.window.zone != nil {
		say("timezone: %s", f.window.zone)
	}
	if f.exclude {
		say("exclude_current: true")
	}
	if f.resolution > 0 {
		say("resolution: %s", ms(f.resolution))
	}
	if f.approx {
		say("approx: true")
	}
	return strings.Join(parts, ", ")
}

// keyOf is the key that an event has for f.
func (f *aggregate) keyOf(e *fact) (string, bool) {
	fields := f.keys
	if f.byType != nil {
		field, ok := f.byType[e.typ]
		if !ok {
			return "", false
		}
		fields = []string{field}
	}
	var parts []datum
	for _, name := range fields {
		parts = append(parts, e.fields[name])
	}
	return keyOf(parts)
}

func keyOf(parts []datum) (string, bool) {
	key := ""
	for _, d := range parts {
		part, ok := d.key()
		if !ok {
			return "", false
		}
		key += strconv.Quote(part)
	}
	return key, true
}

// count takes an event in.
func (f *aggregate) count(w *world, e *fact) {
	key, ok := f.keyOf(e)
	if !ok || f.on != nil && !slices.Contains(f.on, e.typ) || f.where != nil && !f.where.of(w, e).yes {
		return
	}
	x := item{e: e, time: e.time}
	if f.of.text != "" {
		x.x = f.of.of(w, e)
	}
	if x.x.kind == cep.Number {
		x.int = scaled(x.x.num)
	}
	f.counted[key] = append(f.counted[key], x)
}

// want is what may come: one of some values, or a number that is near enough.
type want struct {
	any  []datum
	near float64 // how far off a number may be; 0: not at all
}

// read is what the reader e sees of f under a key.
func (f *aggregate) read(w *world, e *fact, key string) want {
	all := f.counted[key]
	if n := len(all); n > 0 && all[n-1].e == e && (f.exclude || f.value == "seen" || f.value == "since_last") {
		all = all[:n-1]
	}
	from := f.from(w, all, e.time)
	if f.resolution == 0 {
		return f.worth(w, all[from:], e)
	}
	// The old end lies up to a step further back.
	oldest := from
	for oldest > 0 && all[oldest-1].time >= e.time-f.window.size-f.resolution {
		oldest--
	}
	var some want
	for ; oldest <= from; oldest++ {
		v := f.worth(w, all[oldest:], e)
		some.any = append(some.any, v.any...)
		some.near = max(some.near, v.near)
	}
	return some
}

// from is the first event of all that is in the window of a reader of time t.
func (f *aggregate) from(w *world, all []item, t int64) int {
	s := &f.window
	after := math.MinInt64
	switch s.shape {
	case "forever":
	case "over":
		after = int(t - s.size)
	case "session":
		from, last := len(all), t
		for from > 0 && last-all[from-1].time < s.size {
			from--
			last = all[from].time
		}
		return from
	case "tumbling":
		after = int(w.first(s, t, s.size)) - 1
	case "hopping":
		after = int(w.first(s, t, s.every)) - 1
	}
	return slices.IndexFunc(append(slices.Clone(all), item{time: math.MaxInt64}), func(x item) bool { return x.time > int64(after) })
}

// first is when the first window that t is in begins, of those that begin every step.
func (w *world) first(s *span, t, step int64) int64 {
	begins := func(i int64) int64 { return s.offset + i*step }
	ends := func(i int64) int64 { return begins(i) + s.size }
	if s.zone != nil {
		begins = func(i int64) int64 { return w.dawn(s, i*(step/days)) }
		ends = func(i int64) int64 { return w.dawn(s, i*(step/days)+s.size/days) }
	}
	i := t/step - s.size/step - 4
	for ends(i) <= t {
		i++
	}
	if begins(i) > t {
		panic("windows do not touch")
	}
	return begins(i)
}

// dawn is the first moment at which the clocks of a zone show the offset on a day, or
// something later.
func (w *world) dawn(s *span, day int64) int64 {
	at := boundary{s.zone, day, s.offset}
	if t, ok := w.bounds[at]; ok {
		return t
	}
	shown := day*days + s.offset // as if the zone were UTC
	t := time.Unix(0, shown-2*days).In(s.zone)
	for {
		_, east := t.Zone()
		_, end := t.ZoneBounds()
		if !end.IsZero() && !end.After(t) { // on the last day of a leap year it is wrong
			end = t.Truncate(24 * time.Hour).Add(24 * time.Hour)
		}
		first := max(t.UnixNano(), shown-int64(east)*1e9)
		if end.IsZero() || first < end.UnixNano() {
			w.bounds[at] = first
			return first
		}
		t = end
	}
}

// two is 2^1074: every float64 is a whole number of its parts.
var two = new(big.Int).Lsh(big.NewInt(1), 1074)

// scaled is f by 2^1074.
func scaled(f float64) *big.Int {
	r := new(big.Rat).SetFloat64(f)
	n := new(big.Int).Mul(r.Num(), two)
	return n.Quo(n, r.Denom())
}

// rounded is the float64 nearest to a number of parts of 2^1074, by n; nil where none is.
func rounded(parts *big.Int, n int64) datum {
	f, _ := new(big.Rat).SetFrac(parts, new(big.Int).Mul(two, big.NewInt(n))).Float64()
	return number(f)
}

// worth is the value of f for a reader that sees these events in its window.
func (f *aggregate) worth(w *world, events []item, e *fact) want {
	exactly := func(d datum) want { return want{any: []datum{d}} }
	var xs []datum
	var ints []*big.Int
	var numbers []float64
	sum := new(big.Int)
	for i := range events {
		x := &events[i]
		if x.x.kind == cep.Nil {
			continue
		}
		xs = append(xs, x.x)
		if x.int != nil {
			ints, numbers = append(ints, x.int), append(numbers, x.x.num)
			sum.Add(sum, x.int)
		}
	}
	n := int64(len(ints))
	switch f.value {
	case "count":
		return exactly(number(float64(len(events))))
	case "rate":
		rate, _ := big.NewRat(int64(len(events))*1e9, f.window.size).Float64()
		return exactly(number(rate))
	case "sum":
		return exactly(rounded(sum, 1))
	case "distinct":
		var different []datum
		for _, x := range xs {
			if !slices.ContainsFunc(different, x.same) {
				different = append(different, x)
			}
		}
		return exactly(number(float64(len(different))))
	case "seen":
		x := f.of.of(w, e)
		if x.kind == cep.Nil {
			return exactly(x)
		}
		return exactly(datum{kind: cep.Bool, yes: slices.ContainsFunc(xs, x.same)})
	case "since_last":
		if len(events) == 0 {
			return exactly(datum{})
		}
		return exactly(datum{kind: cep.Duration, ns: e.time - events[len(events)-1].time})
	case "first", "last":
		if len(xs) == 0 {
			return exactly(datum{})
		}
		if f.value == "first" {
			return exactly(xs[0])
		}
		return exactly(xs[len(xs)-1])
	case "min", "max":
		return exactly(extreme(xs, f.value == "max"))
	}
	if n == 0 {
		return exactly(datum{})
	}
	switch f.value {
	case "mean":
		return exactly(rounded(sum, n))
	case "stddev":
		squares := new(big.Int)
		for _, x := range ints {
			squares.Add(squares, new(big.Int).Mul(x, x))
		}
		squares.Mul(squares, big.NewInt(n))
		squares.Sub(squares, sum.Mul(sum, sum))
		root := new(big.Float).SetPrec(400).SetInt(squares)
		root.Sqrt(root)
		root.Quo(root, new(big.Float).SetInt(new(big.Int).Mul(two, big.NewInt(n))))
		d, _ := root.Float64()
		return want{[]datum{number(d)}, 1e-9 * d}
	case "quantile":
		slices.Sort(numbers)
		rank := new(big.Rat).SetFloat64(f.q)
		rank.Mul(rank, big.NewRat(n-1, 1))
		low := new(big.Int).Quo(rank.Num(), rank.Denom()).Int64()
		high := min(low+1, n-1)
		part := rank.Sub(rank, big.NewRat(low, 1))
		a, b := new(big.Rat).SetFloat64(numbers[low]), new(big.Rat).SetFloat64(numbers[high])
		b.Sub(b, a)
		d, _ := a.Add(a, b.Mul(b, part)).Float64()
		if part.Sign() == 0 {
			return exactly(number(numbers[low]))
		}
		return want{[]datum{number(d)}, 1e-12*max(math.Abs(numbers[low]), math.Abs(numbers[high])) + math.SmallestNonzeroFloat64}
	}
	panic("no such value: " + f.value)
}

// extreme is the least or greatest of the numbers, or of the times.
func extreme(xs []datum, most bool) (best datum) {
	for _, x := range xs {
		if x.kind != cep.Number && x.kind != cep.Time {
			continue
		}
		c := cmp.Or(cmp.Compare(x.num, best.num), cmp.Compare(x.ns, best.ns))
		if best.kind == cep.Nil || most && c > 0 || !most && c < 0 {
			best = x
		}
	}
	return best
}

// wants writes the lines of the events: what they should see under the keys that
// conditions read stands in them, and in some of them what they should not.
func (w *world) wants() {
	counted := func() {
		for _, f := range w.features {
			clear(f.counted)
		}
	}
	defer counted()
	for _, e := range w.events {
		for _, f := range w.features {
			f.count(w, e)
		}
		var b strings.Builder
		fmt.Fprintf(&b, `{"type":%q,"ts":%s,"n":%q`, e.typ, w.moment(e.time), e.name)
		if w.seq {
			fmt.Fprintf(&b, `,"o":%d`, e.seq)
		}
		for _, name := range []string{"a", "b", "to", "x", "y", "s"} {
			if e.texts[name] != "" {
				fmt.Fprintf(&b, `,%q:%s`, name, e.texts[name])
			}
		}
		for i, k := range w.reads {
			right := w.r.IntN(4) > 0
			e.fields[fmt.Sprint("right", i)] = datum{kind: cep.Bool, yes: right}
			fmt.Fprintf(&b, `,"w%d":%s`, i, k.json(w, e, right))
		}
		b.WriteByte('}')
		e.line = b.String()
	}
}

// moment writes a time.
func (w *world) moment(ns int64) string {
	if ns%msec == 0 && w.r.IntN(2) == 0 {
		return strconv.FormatInt(ns/msec, 10)
	}
	t := time.Unix(0, ns).In(time.FixedZone("", w.r.IntN(5)*3600-7200))
	return strconv.Quote(t.Format(time.RFC3339Nano))
}

// see is what an event should see of k.
func (k *keyed) see(w *world, e *fact) want {
	var parts []datum
	for _, a := range k.args {
		parts = append(parts, a.of(w, e))
	}
	key, ok := keyOf(parts)
	if k.args == nil {
		key, ok = k.f.keyOf(e)
	}
	if !ok {
		return want{any: []datum{{}}}
	}
	return k.f.read(w, e, key)
}

// json is a list of what e should see, or of what it should not.
func (k *keyed) json(w *world, e *fact, right bool) string {
	v := k.see(w, e)
	if k.f.value == "stddev" || k.f.value == "quantile" {
		d := v.any[0]
		switch {
		case d.kind == cep.Nil && right:
			return "[null]"
		case d.kind == cep.Nil:
			return "[0,0]"
		case !right:
			if d.num += 2*v.near + max(math.Abs(d.num), 1); math.IsInf(d.num, 0) {
				return "[0,-1]"
			}
		}
		return fmt.Sprintf("[%s,%s]", jsonNumber(d.num), jsonNumber(v.near))
	}
	var all []string
	for _, d := range v.any {
		switch d.kind {
		case cep.Nil:
			all = slices.Insert(all, 0, "null")
		case cep.Bool:
			all = append(all, strconv.FormatBool(d.yes == right))
		case cep.Number:
			all = append(all, jsonNumber(d.num))
		case cep.Text:
			all = append(all, strconv.Quote(d.text))
		case cep.List:
			all = append(all, d.text)
		case cep.Duration:
			all = append(all, jsonNumber(time.Duration(d.ns).Seconds()))
		}
	}
	if !right && (len(v.any) > 1 || v.any[0].kind != cep.Bool) {
		return `["no such value"]`
	}
	return "[" + strings.Join(all, ",") + "]"
}

func jsonNumber(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// is reports whether a value is one of those wanted.
func (v want) is(got cep.Value) bool {
	return slices.ContainsFunc(v.any, func(d datum) bool {
		if got.Kind != d.kind {
			return false
		}
		switch d.kind {
		case cep.Number:
			return got.Number() == d.num || math.Abs(got.Number()-d.num) <= v.near
		case cep.Text, cep.List:
			return got.Text == d.text
		case cep.Bool:
			return got.Bool() == d.yes
		case cep.Time, cep.Duration:
			return got.Int() == d.ns
		}
		return true
	})
}

// check runs the engine and compares.
func (w *world) check(t *testing.T) {
	t.Helper()
	ruleset := w.rules()
	given := Given{Lists: map[string][]list.Entry{}}
	for s, v := range w.rates {
		given.Lists["rates"] = append(given.Lists["rates"], list.Entry{Text: s, Value: list.NumberValue(v.rate), Expires: v.until})
	}
	for a, until := range w.vip {
		given.Lists["vip"] = append(given.Lists["vip"], list.Entry{Text: a, Expires: until})
	}
	checked := CheckWith([]source.File{{Path: "r.yaml", Text: ruleset}}, given)
	if err := source.ErrorsIn(checked.Findings); err != nil {
		t.Fatalf("case %d: %v\nin\n%s", w.number, err, ruleset)
	}
	fail := func(format string, args ...any) {
		t.Helper()
		t.Fatalf("-brute.seed %d -brute.case %d: %s\nin\n%s", w.seed, w.number, fmt.Sprintf(format, args...), ruleset)
	}
	set := checked.Ruleset
	options := cep.Options{Lateness: time.Duration(w.lateness)}
	var fx cep.Effects
	data := []byte(strings.Join(w.lines, "\n"))
	cep.NewEngine(set, options).Step([]cep.Record{{Kind: cep.EventsRecord, Data: data, Line: 1}, {Kind: cep.EndRecord}}, &fx)
	if len(fx.Rejected)+len(fx.Late) > 0 {
		fail("rejected %v, late %v", fx.Rejected, fx.Late)
	}
	w.compare(&fx, fail)
	once := alertBytes(&fx)
	for range 2 {
		options.Shards = pick(w.r, []int{1, 2, 5})
		again, how := w.again(set, options)
		if !bytes.Equal(again, once) {
			a, b := strings.Split(string(once), "\n"), strings.Split(string(again), "\n")
			i := 0
			for i < min(len(a), len(b))-1 && a[i] == b[i] {
				i++
			}
			fail("in one batch\n%s\n%s\n%s", a[i], how, b[i])
		}
	}
}

// compare compares all alerts with what should be.
func (w *world) compare(fx *cep.Effects, fail func(string, ...any)) {
	alerts := fx.Alerts
	for _, e := range w.events {
		for _, f := range w.features {
			f.count(w, e)
		}
		if len(alerts) == 0 || alerts[0].Rule.ID != "all" || alerts[0].Key[0] != e.name {
			fail("no alert of the event %s, its turn: %s", e.name, e.line)
		}
		for i, f := range w.features {
			v := want{any: []datum{{}}}
			if key, ok := f.keyOf(e); ok {
				v = f.read(w, e, key)
			}
			got := alerts[0].Measures[i]
			f.compared++
			if d := v.any[0]; d.num != 0 || d.text != "" || d.ns != 0 || d.yes {
				f.telling++
			}
			if !v.is(got) {
				key, _ := f.keyOf(e)
				fail("%s of %s at %s is %s, want %+v\n%s\nof %v", f.name, key, time.Unix(0, e.time).UTC(), got.AppendJSON(nil), v, e.line, f.counted[key])
			}
		}
		alerts = alerts[1:]
		for i, k := range w.reads {
			holds := len(alerts) > 0 && alerts[0].Rule.ID == fmt.Sprint("r", i) && alerts[0].Key[0] == e.name
			if right := e.fields[fmt.Sprint("right", i)].yes; holds != right {
				fail("%s: r%d holds: %t, want %t as it is %+v, in %s", e.name, i, holds, right, k.see(w, e), e.line)
			}
			if holds {
				k.held++
				alerts = alerts[1:]
			} else {
				k.refused++
			}
		}
	}
	if len(alerts) > 0 {
		fail("%d alerts too many, the first of %v", len(alerts), alerts[0].Key)
	}
}

// again runs the stream in batches of its own, with restarts in between.
func (w *world) again(set *cep.Ruleset, o cep.Options) ([]byte, string) {
	r := w.r
	g := cep.NewEngine(set, o)
	how := fmt.Sprintf("shards %d", o.Shards)
	var out []byte
	for at := 0; at < len(w.lines); {
		var records []cep.Record
		for range 1 + r.IntN(3) {
			n := min(r.IntN(2+len(w.lines)/4), len(w.lines)-at)
			records = append(records, cep.Record{Kind: cep.EventsRecord, Data: []byte(strings.Join(w.lines[at:at+n], "\n")), Line: at + 1})
			at += n
		}
		var fx cep.Effects
		g.Step(records, &fx)
		out = append(out, alertBytes(&fx)...)
		if r.IntN(3) == 0 {
			o.Shards = pick(r, []int{1, 2, 5})
			how += fmt.Sprintf(", restored after %d lines with %d", at, o.Shards)
			state := g.Append(nil)
			var err error
			if g, err = cep.Restore(set, o, state); err != nil {
				return []byte(err.Error()), how
			}
		}
	}
	var fx cep.Effects
	g.Step([]cep.Record{{Kind: cep.EndRecord}}, &fx)
	return append(out, alertBytes(&fx)...), how
}

func alertBytes(fx *cep.Effects) []byte {
	var b []byte
	for i := range fx.Alerts {
		b = append(cep.AppendJSON(b, &fx.Alerts[i]), '\n')
	}
	return b
}
