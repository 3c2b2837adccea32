package expr

import "weir/cep"

// boolOf makes the closure of n as a condition. What rules write most, a field
// beside a constant, has closures of its own.
func boolOf(n *node) boolFunc {
	switch n.op {
	case opConst:
		b := n.value.Bool()
		return func(*cep.Scope) bool { return b }
	case opNot:
		if n.args[0].op == opEqual {
			return equalOf(n.args[0], false)
		}
		f := boolOf(n.args[0])
		if f == nil {
			return nil
		}
		return func(s *cep.Scope) bool { return !f(s) }
	case opAnd, opOr:
		a, b := boolOf(n.args[0]), boolOf(n.args[1])
		if a == nil || b == nil {
			return nil
		}
		if n.op == opAnd {
			return func(s *cep.Scope) bool { return a(s) && b(s) }
		}
		return func(s *cep.Scope) bool { return a(s) || b(s) }
	case opEqual:
		return equalOf(n, true)
	case opCompare:
		return compareOf(n)
	case opIn:
		return inOf(n)
	case opTest:
		fs := values(n.args)
		if fs == nil {
			return nil
		}
		a, b, t := fs[0], fs[1], n.test
		return func(s *cep.Scope) bool { return t.of(a(s), b(s)) }
	case opMatches:
		x, re := valueOf(n.args[0]), n.pattern
		if x == nil {
			return nil
		}
		return func(s *cep.Scope) bool {
			v := x(s)
			return v.Kind == cep.Text && re.MatchString(v.Text)
		}
	}
	f := valueOf(n)
	if f == nil {
		return nil
	}
	return func(s *cep.Scope) bool {
		v := f(s)
		return v.Bool()
	}
}

// own gives the field of the current event that n is, if it is one in its row.
func (n *node) own() (cep.FieldID, bool) {
	return n.field, n.op == opField && n.src == current && n.field >= 0
}

// sides gives the sides of a comparison, a constant last; turned says that they
// have changed places.
func sides(n *node) (a, b *node, turned bool) {
	a, b = n.args[0], n.args[1]
	if _, ok := a.constant(); ok {
		return b, a, true
	}
	return a, b, false
}

// equalOf makes the closure of == (want is true) and != (want is false).
func equalOf(n *node, want bool) boolFunc {
	a, b, _ := sides(n)
	c, constant := b.constant()
	if a.op == opEvent && constant && c.Kind == cep.Nil {
		e := eventOf(a)
		return func(s *cep.Scope) bool { return (e(s) == nil) == want }
	}
	f, own := a.own()
	switch {
	case own && constant && c.Kind == cep.Text:
		text := c.Text
		return func(s *cep.Scope) bool {
			v := s.Event.Field(f)
			return (v.Kind == cep.Text && v.Text == text) == want
		}
	case own && constant && c.Kind == cep.Nil:
		return func(s *cep.Scope) bool { return (s.Event.Field(f).Kind == cep.Nil) == want }
	case own && constant:
		return func(s *cep.Scope) bool { return equal(*s.Event.Field(f), c) == want }
	case a.op == opField && a.src == current && a.field == typeField && constant && c.Kind == cep.Text:
		text := c.Text
		return func(s *cep.Scope) bool { return (s.Event.Name == text) == want }
	}
	if g, ok := b.own(); ok && own {
		return func(s *cep.Scope) bool {
			x, y := s.Event.Field(f), s.Event.Field(g)
			if x.Kind == cep.Text && y.Kind == cep.Text {
				return (x.Text == y.Text) == want
			}
			return equal(*x, *y) == want
		}
	}
	fs := values([]*node{a, b})
	if fs == nil {
		return nil
	}
	x, y := fs[0], fs[1]
	return func(s *cep.Scope) bool { return equal(x(s), y(s)) == want }
}

func compareOf(n *node) boolFunc {
	a, b, turned := sides(n)
	r := n.relation
	if turned {
		r = r.mirror()
	}
	c, constant := b.constant()
	if f, ok := a.own(); ok && constant && c.Kind == cep.Number {
		return compareField(f, r, c)
	}
	if a.op == opFeature && constant && c.Kind == cep.Number {
		return compareFeature(a.place, r, c)
	}
	fs := values([]*node{a, b})
	if fs == nil {
		return nil
	}
	x, y := fs[0], fs[1]
	if f, ok := a.own(); ok {
		return func(s *cep.Scope) bool {
			v, w := s.Event.Field(f), y(s)
			if v.Kind == cep.Number && w.Kind == cep.Number {
				return r.between(v.Number(), w.Number())
			}
			return holds(r, *v, w)
		}
	}
	return func(s *cep.Scope) bool { return holds(r, x(s), y(s)) }
}

// between reports whether two numbers stand in the relation.
func (r relation) between(x, y float64) bool {
	switch r {
	case less:
		return x < y
	case lessEqual:
		return x <= y
	case more:
		return x > y
	}
	return x >= y
}

// compareField compares a field with a constant number.
func compareField(f cep.FieldID, r relation, c cep.Value) boolFunc {
	limit := c.Number()
	switch r {
	case less:
		return func(s *cep.Scope) bool {
			v := s.Event.Field(f)
			return v.Kind == cep.Number && v.Number() < limit || v.Kind == cep.Time && holds(r, *v, c)
		}
	case lessEqual:
		return func(s *cep.Scope) bool {
			v := s.Event.Field(f)
			return v.Kind == cep.Number && v.Number() <= limit || v.Kind == cep.Time && holds(r, *v, c)
		}
	case more:
		return func(s *cep.Scope) bool {
			v := s.Event.Field(f)
			return v.Kind == cep.Number && v.Number() > limit || v.Kind == cep.Time && holds(r, *v, c)
		}
	}
	return func(s *cep.Scope) bool {
		v := s.Event.Field(f)
		return v.Kind == cep.Number && v.Number() >= limit || v.Kind == cep.Time && holds(r, *v, c)
	}
}

// compareFeature compares a feature with a constant number.
func compareFeature(id cep.ReadID, r relation, c cep.Value) boolFunc {
	limit := c.Number()
	return func(s *cep.Scope) bool {
		v := s.Feature(id)
		if v.Kind == cep.Number {
			return r.between(v.Number(), limit)
		}
		return holds(r, *v, c)
	}
}

func inOf(n *node) boolFunc {
	list := n.args[1]
	x := valueOf(n.args[0])
	if x == nil {
		return nil
	}
	switch list.op {
	case opConst:
		if elems, ok := list.native.([]any); ok {
			set := newSet(elems)
			return func(s *cep.Scope) bool { return set.has(x(s)) }
		}
	case opValues:
		v, f, spread := list.index, list.field, list.spread
		return func(s *cep.Scope) bool {
			c := scratches.Get().(*scratch)
			c.events = s.Captures.Append(c.events[:0], v)
			found := hasValue(c.events, f, x(s), spread)
			c.free()
			return found
		}
	case opList:
		fs := values(list.args)
		if fs == nil {
			return nil
		}
		return func(s *cep.Scope) bool {
			v := x(s)
			for _, f := range fs {
				if equal(f(s), v) {
					return true
				}
			}
			return false
		}
	}
	y := valueOf(list)
	if y == nil {
		return nil
	}
	return func(s *cep.Scope) bool {
		l := y(s)
		return (l.Kind == cep.List || l.Kind == cep.Map) && among(native(x(s)), native(l))
	}
}

// hasValue reports whether a field of one of the events equals x; spread: or
// whether it is a list or map that x is in.
func hasValue(events []*cep.Event, f cep.FieldID, x cep.Value, spread bool) bool {
	for _, e := range events {
		v := fieldOf(e, f)
		if equal(v, x) {
			return true
		}
		if spread && (v.Kind == cep.List || v.Kind == cep.Map) && among(native(x), native(v)) {
			return true
		}
	}
	return false
}

// set is a constant list that is looked into.
type set struct {
	few     []string // texts, if there are few
	texts   map[string]struct{}
	numbers map[float64]struct{}
	rest    []any // all but texts and numbers
	all     []any
}

// fewTexts is how many texts are faster compared one by one than looked up.
const fewTexts = 6

func newSet(elems []any) *set {
	s := &set{all: elems, texts: map[string]struct{}{}, numbers: map[float64]struct{}{}}
	for _, x := range elems {
		switch x := x.(type) {
		case string:
			s.texts[x] = struct{}{}
			s.few = append(s.few, x)
		case float64:
			s.numbers[x] = struct{}{}
		default:
			s.rest = append(s.rest, x)
		}
	}
	if len(s.few) > fewTexts {
		s.few = nil
	}
	return s
}

func (s *set) has(v cep.Value) bool {
	switch v.Kind {
	case cep.Text:
		for _, t := range s.few {
			if t == v.Text {
				return true
			}
		}
		if s.few != nil {
			return false
		}
		_, ok := s.texts[v.Text]
		return ok
	case cep.Number:
		if _, ok := s.numbers[v.Number()]; ok {
			return true
		}
		for _, x := range s.rest {
			if m, ok := x.(moment); ok && millis(int64(m)) == v.Number() {
				return true
			}
		}
		return false
	case cep.Time:
		return among(native(v), s.all)
	}
	return among(native(v), s.rest)
}
