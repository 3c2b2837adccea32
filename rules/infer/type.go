package infer

import (
	"cmp"
	"slices"
	"time"

	"weir/cep"
)

// Type is what was inferred of an event type.
type Type struct {
	Name   string
	Events int      // of the sample
	Time   string   // field of the event time; empty: none holds one in every event
	Unit   string   // of a number in it, s, us or ns; empty: it is text, or milliseconds
	Small  bool     // its numbers are too small or large for dates of our time
	Others []string // other fields that could be the event time
	ID     string   // field that names an event, or empty
	Fields []Field  // in the order in which they came

	// Behind is by how much an event is older than one of its type before it, at
	// most.
	Behind time.Duration
}

// Field is what was inferred of a field.
type Field struct {
	Name    string
	Kind    cep.Kind // cep.Nil: it is in no schema, because Left says so
	Left    string   // why it is left out
	Missing int      // events without it
	Texts   int      // of a string: values that are text in JSON; the others are numbers
	Epoch   string   // of a number: it looks like a time in this unit
	Pii     bool     // it is called like personal data
	Unique  bool     // no value came twice
	Values  []Value  // all of them, if there are few, the most frequent first

	distinct  int     // different values
	many      bool    // there are more than have been counted
	low, high float64 // of a number: quantiles of its values
}

// Value is a value of a field and how often it came.
type Value struct {
	Text  string
	Count int
}

// Types gives what was inferred, the most frequent type first.
func (s *Survey) Types() []Type {
	var types []Type
	for _, t := range s.types {
		types = append(types, t.infer())
	}
	slices.SortStableFunc(types, func(a, b Type) int { return cmp.Or(b.Events-a.Events, cmp.Compare(a.Name, b.Name)) })
	return types
}

func (t *typeTally) infer() Type {
	it := Type{Name: t.name, Events: t.events}
	clock := t.timeField(&it)
	for _, f := range t.fields {
		if f.name != typeField {
			it.Fields = append(it.Fields, t.field(f, f == clock))
		}
	}
	it.ID = t.idField(it.Fields)
	return it
}

// timeField chooses the event time.
func (t *typeTally) timeField(it *Type) *fieldTally {
	var best *fieldTally
	most := 0
	for _, f := range t.fields {
		unit, small, rank := f.timeRank(t.events)
		if rank == 0 {
			continue
		}
		if rank <= most {
			it.Others = append(it.Others, f.name)
			continue
		}
		if best != nil {
			it.Others = append(it.Others, best.name)
		}
		best, most = f, rank
		it.Time, it.Unit, it.Small = f.name, "", small
		if f.kinds[1] > 0 && units[unit].name != "ms" {
			it.Unit = units[unit].name
		}
		it.Behind = time.Duration(f.clocks[unit].behind)
	}
	return best
}

// timeRank says how likely a field is the event time, 0 if it cannot be, the index
// in units of what its numbers count, and whether they are no dates.
func (f *fieldTally) timeRank(events int) (unit int, small bool, rank int) {
	if f.n < events || !f.writable() {
		return 0, false, 0
	}
	name := timeName(f.name)
	unit, ok := f.clock()
	if !ok && name >= surelyTime && f.can&asTime != 0 {
		unit, small, ok = slices.IndexFunc(units, isMillis), true, true
	}
	if !ok {
		return 0, false, 0
	}
	c := &f.clocks[unit]
	rising := c.rises*10 >= c.n*9
	switch {
	case f.kinds[1] > 0 && name == 0:
		// A number that nothing calls a time: one that keeps rising is better than none.
		if !rising || c.n < 3 || idName(f.name) {
			return 0, false, 0
		}
		return unit, small, 1
	case rising:
		return unit, small, 1 + name + risingRank
	}
	return unit, small, 1 + name
}

func isMillis(u unit) bool { return u.way == asTime }

// clock gives the index in units of what the values count that can all be read as
// an event time. Numbers must lie in years in which events happen.
func (f *fieldTally) clock() (unit int, ok bool) {
	for i, u := range units {
		c := &f.clocks[i]
		switch {
		case f.can&u.way == 0 || c.n < f.n || f.n == 0:
		case f.kinds[1] == 0 && u.name != "ms":
		case f.kinds[1] == 0, c.least >= plausibleFrom && c.most < plausibleTo:
			return i, true
		}
	}
	return 0, false
}

var (
	plausibleFrom = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	plausibleTo   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
)

// writable says whether a schema can name the field.
func (f *fieldTally) writable() bool { return f.name != "" && !f.escaped }

// field says what a field is.
func (t *typeTally) field(f *fieldTally, clock bool) Field {
	it := Field{
		Name: f.name, Missing: t.events - f.n, Pii: piiName(f.name),
		Unique: !f.many && f.n > 1 && f.distinct() == f.n, distinct: f.distinct(), many: f.many,
	}
	it.Kind, it.Left = f.kind(clock)
	switch it.Kind {
	case cep.Text:
		if f.kinds[1] > 0 && f.kinds[0] > 0 {
			it.Texts = f.kinds[0]
		}
	case cep.Number:
		if unit, ok := f.clock(); ok && timeName(f.name) > 0 {
			it.Epoch = units[unit].name
		}
		it.low, it.high = f.quantile(0.5), f.quantile(0.95)
	}
	if kind := it.Kind; (kind == cep.Text || kind == cep.Bool) && !f.many && f.distinct() <= mostEnum && f.n >= 2*f.distinct() && !it.named() {
		for text, n := range f.values {
			it.Values = append(it.Values, Value{text, n})
		}
		slices.SortFunc(it.Values, func(a, b Value) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Text, b.Text)) })
	}
	return it
}

// named says whether a field names somebody or something: its values are nothing to
// be listed in a file of rules.
func (f *Field) named() bool { return f.Pii || idName(f.Name) || subjectName(f.Name) > 0 }

// kind chooses the kind that a schema declares, or says why there is none.
func (f *fieldTally) kind(clock bool) (kind cep.Kind, left string) {
	numbers := f.kinds[1]
	switch {
	case f.name == "":
		return cep.Nil, "it has no name"
	case f.escaped:
		return cep.Nil, "its name is written with escapes"
	case clock:
		return cep.Time, ""
	case f.n == 0:
		return cep.Nil, "it has no value in the sample"
	case f.name == timeField && f.can&asTime != 0:
		return cep.Time, ""
	case f.name == timeField:
		return cep.Nil, "a field called ts is a time, and its values are none"
	case f.can&asBool != 0:
		return cep.Bool, ""
	case f.can&asList != 0:
		return cep.List, ""
	case f.can&asMap != 0:
		return cep.Map, ""
	case f.can&asTime != 0 && numbers == 0:
		return cep.Time, ""
	case f.can&asTime != 0 && timeName(f.name) > 0 && f.isMillis():
		return cep.Time, ""
	case f.can&asNumber != 0 && !f.long && (f.broken || !idName(f.name)):
		return cep.Number, ""
	case f.can&asText != 0:
		return cep.Text, ""
	}
	return cep.Nil, "its values are of several kinds, which no type of a field takes"
}

func (f *fieldTally) isMillis() bool {
	unit, ok := f.clock()
	return ok && units[unit].name == "ms"
}

// idField chooses the field that names an event: every event has one of its own.
func (t *typeTally) idField(fields []Field) string {
	best, most := "", 0
	for i := range fields {
		f := &fields[i]
		one := t.events == 1 && f.Missing == 0
		if (f.Unique || one) && f.Missing == 0 && (f.Kind == cep.Text || f.Kind == cep.Number) {
			if rank := eventIDName(f.Name, t.name); rank > most {
				best, most = f.Name, rank
			}
		}
	}
	return best
}
