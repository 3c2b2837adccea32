package expr

import (
	"slices"
	"sync"
	"unicode/utf8"

	"weir/cep"
)

// The closures: one function for each node, made once. They know everything but
// predicates, lists that are made, and what only looks into those.

type (
	valueFunc = func(*cep.Scope) cep.Value
	boolFunc  = func(*cep.Scope) bool
	eventFunc = func(*cep.Scope) *cep.Event
)

// closure makes the closure of n; ok is false if closures cannot compute it.
func closure(n *node) (f valueFunc, ok bool) {
	f = valueOf(n)
	return f, f != nil
}

// truth makes the closure of n as a condition: nil and what is no bool is false.
func truth(n *node) (f boolFunc, ok bool) {
	f = boolOf(n)
	return f, f != nil
}

// values makes the closures of several nodes; nil if one has none.
func values(nodes []*node) []valueFunc {
	fs := make([]valueFunc, len(nodes))
	for i, n := range nodes {
		if fs[i] = valueOf(n); fs[i] == nil {
			return nil
		}
	}
	return fs
}

func valueOf(n *node) valueFunc {
	switch n.op {
	case opConst:
		return constantOf(n)
	case opField:
		return fieldValue(n)
	case opKey:
		i := n.index
		return func(s *cep.Scope) cep.Value { return keyPart(s, i) }
	case opMeasure:
		i := n.index
		return func(s *cep.Scope) cep.Value { return measure(s, i) }
	case opFeature:
		id := n.place
		return func(s *cep.Scope) cep.Value { return *s.Feature(id) }
	case opRisk:
		return riskOf(n)
	case opLookup:
		return lookupOf(n)
	case opMember, opIndex, opSlice, opNegate, opCalendar:
		return partOf(n)
	case opNot, opAnd, opOr, opEqual, opCompare, opIn, opTest, opMatches:
		f := boolOf(n)
		if f == nil {
			return nil
		}
		return func(s *cep.Scope) cep.Value { return cep.BoolValue(f(s)) }
	case opCond, opCoalesce:
		return choiceOf(n)
	case opCompute:
		return computeOf(n)
	case opCall:
		return callOf(n)
	case opFold:
		return foldOf(n)
	case opAggregate:
		i, f := n.index, n.folding
		return func(s *cep.Scope) cep.Value { return f.aggregate(s.Captures.Aggregate(i)) }
	case opCaptured:
		i := n.index
		return func(s *cep.Scope) cep.Value { return cep.NumberValue(float64(s.Captures.Len(i))) }
	}
	return nil
}

func constantOf(n *node) valueFunc {
	if n.native != nil && !isData(n.native) {
		return nil // it holds what has no JSON of its own
	}
	v := n.value
	return func(*cep.Scope) cep.Value { return v }
}

// isData reports whether a value of the machine is one that JSON can hold.
func isData(x any) bool {
	switch x := x.(type) {
	case nil, bool, float64, string:
		return true
	case []any:
		return !slices.ContainsFunc(x, func(e any) bool { return !isData(e) })
	case map[string]any:
		for _, e := range x {
			if !isData(e) {
				return false
			}
		}
		return true
	}
	return false
}

func keyPart(s *cep.Scope, i int) cep.Value {
	if i >= len(s.Key) {
		return cep.Value{}
	}
	return cep.TextValue(s.Key[i])
}

func measure(s *cep.Scope, i int) cep.Value {
	if i >= len(s.Measures) {
		return cep.Value{}
	}
	return s.Measures[i]
}

// eventOf makes the closure of an event.
func eventOf(n *node) eventFunc {
	i := n.index
	switch n.src {
	case current:
		return func(s *cep.Scope) *cep.Event { return s.Event }
	case firstOf:
		return func(s *cep.Scope) *cep.Event { return s.Captures.First(i) }
	}
	return func(s *cep.Scope) *cep.Event { return s.Captures.Last(i) }
}

func fieldValue(n *node) valueFunc {
	f := n.field
	switch {
	case n.src == current && f == timeField:
		return func(s *cep.Scope) cep.Value { return cep.TimeValue(s.Event.Time) }
	case n.src == current && f == typeField:
		return func(s *cep.Scope) cep.Value { return cep.TextValue(s.Event.Name) }
	case n.src == current:
		return func(s *cep.Scope) cep.Value { return *s.Event.Field(f) }
	}
	e := eventOf(n)
	return func(s *cep.Scope) cep.Value { return fieldOf(e(s), f) }
}

// partOf makes the closure of a part of one value.
func partOf(n *node) valueFunc {
	x := valueOf(n.args[0])
	if x == nil {
		return nil
	}
	switch n.op {
	case opNegate:
		return func(s *cep.Scope) cep.Value { return negate(x(s)) }
	case opCalendar:
		read := n.calendar.in(n.zone)
		return func(s *cep.Scope) cep.Value {
			t := x(s)
			if t.Kind != cep.Time {
				return cep.Value{}
			}
			return read(t)
		}
	case opMember:
		path := n.path
		return func(s *cep.Scope) cep.Value {
			if v := x(s); v.Kind == cep.Map {
				return value(member(native(v), path, noField))
			}
			return cep.Value{}
		}
	case opIndex:
		i := valueOf(n.args[1])
		if i == nil {
			return nil
		}
		return func(s *cep.Scope) cep.Value {
			switch v := x(s); v.Kind {
			case cep.Text, cep.List, cep.Map:
				return value(index(native(v), native(i(s))))
			}
			return cep.Value{}
		}
	}
	return sliceOf(n, x)
}

func sliceOf(n *node, x valueFunc) valueFunc {
	none := func(*cep.Scope) cep.Value { return cep.Value{} }
	bounds := [2]valueFunc{none, none}
	for i := range bounds {
		if b := n.args[i+1]; b != nil {
			if bounds[i] = valueOf(b); bounds[i] == nil {
				return nil
			}
		}
	}
	from, to := bounds[0], bounds[1]
	hasFrom, hasTo := n.args[1] != nil, n.args[2] != nil
	return func(s *cep.Scope) cep.Value {
		v := x(s)
		switch v.Kind {
		case cep.Text:
			return sliceText(v.Text, from(s), to(s), hasFrom, hasTo)
		case cep.List:
			return value(slice(native(v), native(from(s)), native(to(s)), hasFrom, hasTo))
		}
		return cep.Value{}
	}
}

// choiceOf makes the closure of a ? b : c and a ?? b.
func choiceOf(n *node) valueFunc {
	if n.op == opCoalesce {
		fs := values(n.args)
		if fs == nil {
			return nil
		}
		a, b := fs[0], fs[1]
		return func(s *cep.Scope) cep.Value {
			if v := a(s); v.Kind != cep.Nil {
				return v
			}
			return b(s)
		}
	}
	c, fs := boolOf(n.args[0]), values(n.args[1:])
	if c == nil || fs == nil {
		return nil
	}
	a, b := fs[0], fs[1]
	return func(s *cep.Scope) cep.Value {
		if c(s) {
			return a(s)
		}
		return b(s)
	}
}

func computeOf(n *node) valueFunc {
	fs := values(n.args)
	if fs == nil {
		return nil
	}
	a, b, op := fs[0], fs[1], n.operator
	switch op {
	case add:
		return func(s *cep.Scope) cep.Value {
			x, y := a(s), b(s)
			if x.Kind == cep.Number && y.Kind == cep.Number {
				return cep.NumberValue(x.Number() + y.Number())
			}
			return compute(add, x, y)
		}
	case multiply:
		if c, ok := n.args[0].constant(); ok && c.Kind == cep.Number {
			k := c.Number()
			return func(s *cep.Scope) cep.Value {
				y := b(s)
				if y.Kind == cep.Number {
					return cep.NumberValue(float64(k * y.Number()))
				}
				return compute(multiply, c, y)
			}
		}
		return func(s *cep.Scope) cep.Value {
			x, y := a(s), b(s)
			if x.Kind == cep.Number && y.Kind == cep.Number {
				return cep.NumberValue(float64(x.Number() * y.Number()))
			}
			return compute(multiply, x, y)
		}
	}
	return func(s *cep.Scope) cep.Value { return compute(op, a(s), b(s)) }
}

func callOf(n *node) valueFunc {
	f := n.function
	if f.list != nil && !f.isLength() {
		return nil
	}
	fs := values(n.args)
	if fs == nil {
		return nil
	}
	switch {
	case f.isLength():
		return lengthOf(fs[0])
	case f.f1 != nil:
		a := fs[0]
		return func(s *cep.Scope) cep.Value { return f.call1(a(s)) }
	case f.f2 != nil:
		a, b := fs[0], fs[1]
		return func(s *cep.Scope) cep.Value { return f.call2(a(s), b(s)) }
	case f.f3 != nil:
		a, b, c := fs[0], fs[1], fs[2]
		return func(s *cep.Scope) cep.Value { return f.call3(a(s), b(s), c(s)) }
	}
	return func(s *cep.Scope) cep.Value {
		var args [6]cep.Value
		for i, g := range fs {
			args[i] = g(s)
		}
		return f.call6(args)
	}
}

func lengthOf(x valueFunc) valueFunc {
	return func(s *cep.Scope) cep.Value {
		switch v := x(s); v.Kind {
		case cep.Text:
			return cep.NumberValue(float64(utf8.RuneCountInString(v.Text)))
		case cep.List, cep.Map:
			n, _ := length([]any{native(v)})
			return scalar(n)
		}
		return cep.Value{}
	}
}

// scratch is the memory of one evaluation that looks at many values. Both lists
// begin in it, as most are short.
type scratch struct {
	events []*cep.Event
	fold   fold

	shortEvents [16]*cep.Event
	shortNums   [16]float64
}

var scratches = sync.Pool{New: func() any {
	c := new(scratch)
	c.events, c.fold.nums = c.shortEvents[:0], c.shortNums[:0]
	return c
}}

func (c *scratch) free() {
	clear(c.events)
	c.events = c.events[:0]
	c.fold.begin(foldCount)
	scratches.Put(c)
}

// feeder gives the values of a list to the fold of a scratch.
type feeder = func(*cep.Scope, *scratch)

// foldOf makes the closure of a function that folds lists.
func foldOf(n *node) valueFunc {
	var feeders []feeder
	for _, a := range n.args {
		f := feederOf(a)
		if f == nil {
			return nil
		}
		feeders = append(feeders, f)
	}
	what := n.folding
	return func(s *cep.Scope) cep.Value {
		c := scratches.Get().(*scratch)
		c.fold.begin(what)
		for _, f := range feeders {
			f(s, c)
		}
		v := c.fold.result()
		c.free()
		return v
	}
}

// feederOf makes the feeder of n: a list, or one value that stands for it.
func feederOf(n *node) feeder {
	switch n.op {
	case opValues:
		v, f := n.index, n.field
		return func(s *cep.Scope, c *scratch) {
			c.events = s.Captures.Append(c.events[:0], v)
			for _, e := range c.events {
				c.fold.add(fieldOf(e, f))
			}
		}
	case opList:
		fs := values(n.args)
		if fs == nil {
			return nil
		}
		return func(s *cep.Scope, c *scratch) {
			for _, f := range fs {
				c.fold.add(f(s))
			}
		}
	case opConst:
		if list, ok := n.native.([]any); ok {
			return func(_ *cep.Scope, c *scratch) {
				for _, x := range list {
					c.fold.addNative(x)
				}
			}
		}
	}
	x := valueOf(n)
	if x == nil {
		return nil
	}
	return func(s *cep.Scope, c *scratch) {
		v := x(s)
		if v.Kind != cep.List {
			c.fold.add(v)
			return
		}
		list, _ := native(v).([]any)
		for _, e := range list {
			c.fold.addNative(e)
		}
	}
}
