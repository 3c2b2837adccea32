package cep

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Reject says why a line is no event.
type Reject struct {
	Column int    // byte in the line, from 1, where something else was expected
	Reason string // what was expected and what was found
}

const (
	typeField = "type"  // holds the type of an event
	timeField = "ts"    // holds the event time of a type without a schema
	plainType = "event" // the type of an event that names none
)

// Decoder reads events from lines of JSON. It takes from them what the rules of a
// Ruleset read, and checks the rest. A Decoder must not be used by two goroutines
// at once.
//
// A line is one JSON object. What is not strict JSON is rejected, also where no
// rule looks: a name that stands twice in an object, invalid UTF-8, a lone
// surrogate, more than 64 levels or 1 MB. So is an event whose time is missing, a
// value that is not of the kind that the schema declares, read by a rule or not,
// and the name of a known field written with escapes.
//
// A path like device.os is read inside the object device; in an event without a
// schema a field whose name is "device.os", with the dot, is read instead if it is
// there, be it null.
type Decoder struct {
	rs      *Ruleset
	types   map[string]TypeID
	last    TypeID  // of the last event whose type rs names: the next often has it too
	shapes  []shape // index: TypeID + 1; the first is that of types without a schema
	wanted  *names
	labels  []string // by number of what is wanted: its path
	scanner scanner
	room    room   // for rows
	start   int32  // of the object in the line
	spare   Event  // for Time
	sent    string // type that the line has to be of; empty: any
}

// shape says how the fields of an event type are read.
type shape struct {
	layout layout
	size   int     // slots of a row
	typ    int32   // slot of the type, -1 if nobody reads it
	schema *Schema // nil: fields are dynamic
	time   string  // field of the event time, empty if that is its arrival
	unit   time.Duration
	reads  []read // by number of what is wanted
}

// read says how a value of an event is read.
type read struct {
	on     bool  // this type has the field
	kind   Kind  // declared; Nil: what JSON says
	slot   int32 // -1: it is only checked
	beside int32 // number of the field that stands for this one if it is there; -1: none
	role   role
}

// role says what a value is to the event, beside being a field.
type role uint8

const (
	timeRole role = 1 << iota
	idRole
	seqRole
)

// NewDecoder returns a Decoder for the fields that rs reads.
func NewDecoder(rs *Ruleset) *Decoder {
	d := &Decoder{rs: rs, types: make(map[string]TypeID, len(rs.Types)), last: OtherType}
	for i, t := range rs.Types {
		d.types[t.Name] = TypeID(i)
	}
	w := wants{numbers: map[string]int32{}}
	w.number(typeField) // is number 0
	d.shapes = append(d.shapes, w.dynamic(rs))
	for i := range rs.Types {
		if s := rs.Types[i].Schema; s != nil {
			d.shapes = append(d.shapes, w.declared(rs, s))
			d.shapes[i+1].derive(rs.Types[i].Derived)
		} else {
			d.shapes = append(d.shapes, d.shapes[0])
		}
	}
	for i := range d.shapes {
		s := &d.shapes[i]
		s.reads = append(s.reads, make([]read, len(w.labels)-len(s.reads))...)
	}
	d.wanted, d.labels = w.top.names(), w.labels
	return d
}

// wants numbers what is wanted of events of any type.
type wants struct {
	top     branch
	numbers map[string]int32 // by path; of a path inside objects with a dot before it
	labels  []string
}

// branch is what is wanted in an object, by name.
type branch map[string]*twig

type twig struct {
	number int32 // -1: the value itself is not wanted
	within branch
}

// derive makes room for the derived fields of a type.
func (s *shape) derive(fields []Derived) {
	for _, d := range fields {
		if s.layout.slot[d.Field] < 0 {
			s.layout.slot[d.Field] = int32(s.size)
			s.size++
		}
	}
}

// number numbers a field by its name.
func (w *wants) number(name string) int32 { return w.enter(name, name, []string{name}) }

// inside numbers a path inside objects.
func (w *wants) inside(path string) int32 {
	return w.enter("."+path, path, strings.Split(path, "."))
}

func (w *wants) enter(id, label string, names []string) int32 {
	if n, ok := w.numbers[id]; ok {
		return n
	}
	n := int32(len(w.labels))
	w.numbers[id] = n
	w.labels = append(w.labels, label)
	at := &w.top
	for i, name := range names {
		if *at == nil {
			*at = branch{}
		}
		t := (*at)[name]
		if t == nil {
			t = &twig{number: -1}
			(*at)[name] = t
		}
		if i == len(names)-1 {
			t.number = n
		}
		at = &t.within
	}
	return n
}

// names makes the table of a branch, nil if nothing is wanted.
func (b branch) names() *names {
	if b == nil {
		return nil
	}
	var all []*want
	for _, name := range slices.Sorted(maps.Keys(b)) {
		all = append(all, &want{key: keyOf(name, 0, len(name)), number: b[name].number, within: b[name].within.names()})
	}
	return newNames(all)
}

// dynamic makes the shape of types without a schema.
func (w *wants) dynamic(rs *Ruleset) shape {
	s := shape{typ: -1, time: timeField, unit: time.Millisecond}
	s.reader(w.number(timeField)).role = timeRole
	for f, path := range rs.Fields {
		s.layout.slot = append(s.layout.slot, int32(f))
		exact := w.number(path)
		s.reader(exact).slot = int32(f)
		switch {
		case path == typeField:
			s.typ = int32(f)
		case path == timeField:
			s.reader(exact).kind = Time
		case strings.Contains(path, "."):
			r := s.reader(w.inside(path))
			r.slot, r.beside = int32(f), exact
		}
	}
	s.size = len(rs.Fields)
	return s
}

// declared makes the shape of a type with a schema.
func (w *wants) declared(rs *Ruleset, schema *Schema) shape {
	s := shape{typ: -1, schema: schema, unit: cmp.Or(schema.TimeUnit, time.Millisecond)}
	for _, name := range slices.Sorted(maps.Keys(schema.Fields)) {
		s.reader(w.number(name)).kind = schema.Fields[name]
	}
	if !schema.Arrival {
		s.time = cmp.Or(schema.Time, timeField)
		s.place(w, s.time).role |= timeRole
	}
	if schema.ID != "" {
		s.place(w, schema.ID).role |= idRole
	}
	if schema.Seq != "" {
		s.place(w, schema.Seq).role |= seqRole
	}
	for _, path := range rs.Fields {
		slot := int32(-1)
		if s.has(path) || path == typeField {
			slot = int32(s.size)
			s.size++
			r := s.place(w, path)
			r.slot = slot
			if r.role&timeRole != 0 && r.kind == Nil {
				r.kind = Time
			}
		}
		if path == typeField {
			s.typ = slot
		}
		s.layout.slot = append(s.layout.slot, slot)
	}
	return s
}

// has reports whether a type has a field.
func (s *shape) has(path string) bool {
	if _, ok := s.schema.Fields[path]; ok || path == s.time {
		return true
	}
	head, _, dotted := strings.Cut(path, ".")
	return dotted && s.schema.Fields[head] == Map
}

// place returns how a path of a type with a schema is read: as a field that is
// declared, or inside one that is a map.
func (s *shape) place(w *wants, path string) *read {
	if _, ok := s.schema.Fields[path]; !ok && strings.Contains(path, ".") {
		return s.reader(w.inside(path))
	}
	return s.reader(w.number(path))
}

// reader returns how what has a number is read, which can be changed.
func (s *shape) reader(number int32) *read {
	for int(number) >= len(s.reads) {
		s.reads = append(s.reads, read{})
	}
	r := &s.reads[number]
	if !r.on {
		*r = read{on: true, slot: -1, beside: -1}
	}
	return r
}

// Decode reads a line into e, whose memory it uses again: Place is 0, and Time is 0
// too where the type's time is its arrival. Texts in e are parts of line. It
// returns nil, or why the line is no event; what e holds then is undefined.
func (d *Decoder) Decode(line string, e *Event) *Reject {
	if len(line) > maxLine {
		return &Reject{Column: maxLine + 1, Reason: fmt.Sprintf("expected at most %d bytes in a line, found %d", maxLine, len(line))}
	}
	start, end, reject := d.scanner.scan(line, d.wanted)
	if reject != nil {
		return reject
	}
	d.start = int32(start)
	*e = Event{
		Type: OtherType, Name: plainType, Raw: line[start:end], row: e.row[:0],
		features: FeatureRow{values: e.features.values[:0]}, shown: e.shown[:0], // memory, as row
	}
	if reject := d.readType(e); reject != nil {
		return reject
	}
	s := &d.shapes[e.Type+1]
	e.layout = &s.layout
	if cap(e.row) < s.size {
		e.row = d.room.row(s.size)
	}
	e.row = e.row[:s.size]
	clear(e.row)
	timed := false
	for i := range d.scanner.found {
		f := &d.scanner.found[i]
		r := &s.reads[f.want]
		if !r.on || r.beside >= 0 && d.has(r.beside) {
			continue
		}
		if reject := d.read(f, r, s, e); reject != nil {
			return reject
		}
		timed = timed || r.role&timeRole != 0
	}
	if !timed && s.time != "" {
		return &Reject{Column: start + 1, Reason: fmt.Sprintf("expected the event time in field %q, which is missing", s.time)}
	}
	if s.typ >= 0 {
		e.row[s.typ] = TextValue(e.Name)
	}
	return nil
}

// Brief makes Decode leave out, or not any more, the reason why a line is no JSON: that
// costs more than to read a short one, and nobody reads the ten thousandth. A Reject without
// a reason holds until the next line.
func (d *Decoder) Brief(brief bool) { d.scanner.brief = brief }

// Time returns the event time of a line, and false if its type has none but its
// arrival.
func (d *Decoder) Time(line string) (int64, bool, *Reject) {
	reject := d.Decode(line, &d.spare)
	if reject != nil {
		return 0, false, reject
	}
	return d.spare.Time, d.shapes[d.spare.Type+1].time != "", nil
}

// has reports whether a wanted value is there.
func (d *Decoder) has(number int32) bool {
	return slices.ContainsFunc(d.scanner.found, func(f found) bool { return f.want == number })
}

// readType reads the type of the event.
func (d *Decoder) readType(e *Event) *Reject {
	name, at, named := cmp.Or(d.sent, plainType), int32(0), false
	for i := range d.scanner.found {
		f := &d.scanner.found[i]
		if f.want != 0 {
			continue
		}
		switch d.scanner.text[f.start] {
		case 'n':
			if reject := d.sentAs("null", f.start); reject != nil {
				return reject
			}
		case '"':
			if name, at = d.text(f), d.at(f); !isTypeName(name) {
				return &Reject{Column: int(f.start) + 1, Reason: untyped(name)}
			}
			if reject := d.sentAs(name, f.start); reject != nil {
				return reject
			}
			named = true
		default:
			return d.mismatch(f, "a string")
		}
		break
	}
	if d.sent != "" && !named {
		d.nameRaw(e)
	}
	if d.last == OtherType || d.rs.Types[d.last].Name != name {
		t, ok := d.types[name]
		if !ok {
			e.Name, e.nameAt = name, at
			return nil
		}
		d.last = t
	}
	e.Type, e.Name = d.last, d.rs.Types[d.last].Name
	return nil
}

// untyped says why a name in the field of the type is none.
func untyped(name string) string {
	if strings.HasPrefix(name, "alert.") {
		return fmt.Sprintf("expected the name of an event type in field %q: those that begin with `alert.` stand for the matches of rules, which come of themselves", typeField)
	}
	return fmt.Sprintf("expected the name of an event type (letters, digits, `_` and `-`) in field %q", typeField)
}

func isTypeName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return s != ""
}

// text returns the text of a string.
func (d *Decoder) text(f *found) string {
	s := d.scanner.text[f.start+1 : f.end-1]
	if f.escaped {
		return unescape(s)
	}
	return s
}

// read reads a value of the event.
func (d *Decoder) read(f *found, r *read, s *shape, e *Event) *Reject {
	if r.role != 0 {
		if reject := d.readRole(f, r, s, e); reject != nil {
			return reject
		}
	}
	v, reject := d.value(f, r, e)
	if reject == nil && r.slot >= 0 {
		if v.Text != "" {
			v.at = d.at(f)
		}
		e.row[r.slot] = v
	}
	return reject
}

// at returns where the text of a value begins in Event.Raw, from 1; 0 if it has
// memory of its own.
func (d *Decoder) at(f *found) int32 {
	if f.escaped {
		return 0
	}
	at := int32(f.start) - d.start + 1
	if d.scanner.text[f.start] == '"' {
		at++
	}
	return at
}

// readRole reads the time, the id or the number in sequence of the event.
func (d *Decoder) readRole(f *found, r *read, s *shape, e *Event) *Reject {
	raw := d.scanner.text[f.start:f.end]
	first := raw[0]
	if r.role&timeRole != 0 {
		if first == 'n' {
			return &Reject{Column: int(f.start) + 1, Reason: fmt.Sprintf("expected the event time in field %q, found null", d.labels[f.want])}
		}
		ns, reject := d.time(f, s.unit)
		if reject != nil {
			return reject
		}
		e.Time = ns
	}
	if first == 'n' {
		return nil
	}
	if r.role&idRole != 0 {
		switch {
		case first == '"':
			e.ID, e.idAt = d.text(f), d.at(f)
		case isDigits(first):
			e.ID, e.idAt = raw, d.at(f)
		default:
			return d.mismatch(f, "a string or a number")
		}
	}
	if r.role&seqRole != 0 {
		if !isDigits(first) {
			return d.mismatch(f, "a number")
		}
		n, ok := integer(raw)
		if !ok {
			return &Reject{Column: int(f.start) + 1, Reason: fmt.Sprintf("expected a whole number of at most 64 bits in field %q, which orders events of equal time, found %s", d.labels[f.want], shorten(raw))}
		}
		e.Seq = n
	}
	return nil
}

// isDigits reports whether a value that begins with c is a number.
func isDigits(c byte) bool { return c == '-' || c-'0' <= 9 }

// value reads a field as its kind.
func (d *Decoder) value(f *found, r *read, e *Event) (Value, *Reject) {
	raw := d.scanner.text[f.start:f.end]
	first := raw[0]
	if first == 'n' {
		return Value{}, nil
	}
	kind := r.kind
	if kind == Nil {
		if r.slot < 0 {
			return Value{}, nil
		}
		kind = kindOf(first)
	}
	switch kind {
	case Text:
		switch {
		case first == '"' && r.slot < 0:
			return Value{}, nil
		case first == '"':
			return TextValue(d.text(f)), nil
		case isDigits(first):
			return TextValue(raw), nil
		}
		return Value{}, d.mismatch(f, "a string")
	case Number:
		if !isDigits(first) {
			return Value{}, d.mismatch(f, "a number")
		}
		n, ok := parseNumber(raw)
		if !ok {
			return Value{}, &Reject{Column: int(f.start) + 1, Reason: fmt.Sprintf("expected a number that a float64 can hold in field %q, found %s", d.labels[f.want], shorten(raw))}
		}
		return Value{Kind: Number, bits: math.Float64bits(n), Text: raw}, nil
	case Bool:
		if first != 't' && first != 'f' {
			return Value{}, d.mismatch(f, "true or false")
		}
		return BoolValue(first == 't'), nil
	case Time:
		if r.role&timeRole != 0 {
			return TimeValue(e.Time), nil
		}
		ns, reject := d.time(f, time.Millisecond)
		return TimeValue(ns), reject
	case List:
		if first != '[' {
			return Value{}, d.mismatch(f, "a list")
		}
	case Map:
		if first != '{' {
			return Value{}, d.mismatch(f, "an object")
		}
	default:
		panic("cep: a field is declared as " + kind.String())
	}
	return Value{Kind: kind, Text: raw}, nil
}

// kindOf is the kind of a value that begins with c and is not null.
func kindOf(c byte) Kind {
	switch c {
	case '"':
		return Text
	case 't', 'f':
		return Bool
	case '[':
		return List
	case '{':
		return Map
	}
	return Number
}

// time reads RFC 3339 text or a number of units since the epoch.
func (d *Decoder) time(f *found, unit time.Duration) (int64, *Reject) {
	raw := d.scanner.text[f.start:f.end]
	var ns int64
	var wrong string
	switch {
	case raw[0] == '"':
		ns, wrong = parseTime(d.text(f))
	case isDigits(raw[0]):
		ns, wrong = parseEpoch(raw, unit)
	default:
		return 0, d.mismatch(f, "a time (RFC 3339 text, or a number)")
	}
	if wrong != "" {
		return 0, &Reject{Column: int(f.start) + 1, Reason: fmt.Sprintf("expected a time in field %q: %s %s", d.labels[f.want], shorten(raw), wrong)}
	}
	return ns, nil
}

// mismatch rejects a value that is not what was expected.
func (d *Decoder) mismatch(f *found, what string) *Reject {
	was := "a number"
	switch d.scanner.text[f.start] {
	case '"':
		was = "a string"
	case 't':
		was = "true"
	case 'f':
		was = "false"
	case '[':
		was = "a list"
	case '{':
		was = "an object"
	}
	return &Reject{Column: int(f.start) + 1, Reason: fmt.Sprintf("expected %s in field %q, found %s", what, d.labels[f.want], was)}
}

// shorten cuts what a reason cites.
func shorten(raw string) string {
	const most = 40
	if len(raw) <= most {
		return raw
	}
	return strings.ToValidUTF8(raw[:most], "") + "…"
}

// integer reads a JSON number that is a whole one, however it is written.
func integer(digits string) (int64, bool) {
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return n, true
	}
	d := decimal(digits)
	if d.long || d.exponent < 0 {
		return 0, false
	}
	for ; d.exponent > 0; d.exponent-- {
		if d.mantissa > math.MaxInt64/10 {
			return 0, false
		}
		d.mantissa *= 10
	}
	switch {
	case d.negative && d.mantissa <= -math.MinInt64:
		return -int64(d.mantissa), true
	case d.mantissa > math.MaxInt64:
		return 0, false
	}
	return int64(d.mantissa), true
}

// tens are the powers of ten that a float64 holds exactly.
var tens = [...]float64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// parseNumber returns the float64 nearest to a valid JSON number, false if it is
// too great. Up to 15 digits are exact in a float64, and so is a power of ten up to
// 22, so that their quotient is rounded only once.
func parseNumber(s string) (float64, bool) {
	i := 0
	if s[0] == '-' {
		i++
	}
	var digits uint64
	point := len(s)
	plain := len(s)-i <= 16
	for ; plain && i < len(s); i++ {
		switch c := s[i]; {
		case c-'0' <= 9:
			digits = digits*10 + uint64(c-'0')
		case c == '.':
			point = i + 1
		default:
			plain = false
		}
	}
	if !plain || digits >= 1e15 {
		f, err := strconv.ParseFloat(s, 64)
		return f, err == nil
	}
	f := float64(digits) / tens[len(s)-point]
	if s[0] == '-' {
		f = -f
	}
	return f, true
}
