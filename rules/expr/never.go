package expr

import (
	"slices"
	"strconv"

	"weir/cep"
)

// Impossible is a part of a condition that cannot be true.
type Impossible struct {
	Pos, End int    // byte offsets in the condition
	Why      string // why it cannot, as a sentence that follows the text of the part
}

// Never tells whether a condition, which compiles, can be true for no event and
// no value of the params: it is constant, or says of one field what cannot hold
// together, or asks for another type than the events are of. types are those on
// which it is tried; nil: not known. What only the values of params decide is
// left alone. Never calls no function of env but Fields.
func Never(text string, env Env, types []string) (Impossible, bool) {
	env.Aggregate = nil
	n, err := lower(text, &env)
	if err != nil {
		return Impossible{}, false
	}
	return never(n, types)
}

// never looks for what makes n false in all its ways.
func never(n *node, types []string) (Impossible, bool) {
	if n.op == opOr {
		for _, side := range flat(nil, n, opOr) {
			if _, ok := never(side, types); !ok {
				return Impossible{}, false
			}
		}
		return Impossible{n.pos, n.end, "none of its sides can be true"}, true
	}
	seen := map[string]*demand{}
	for _, part := range conjuncts(nil, n) {
		if part.op == opOr {
			if i, ok := never(part, types); ok {
				return i, true
			}
			continue
		}
		if why := impossible(part, types); why != "" {
			return Impossible{part.pos, part.end, why}, true
		}
		if d := demands(seen, part); d != nil && !d.add(part) {
			return Impossible{d.pos, part.end, "no value of " + tick(d.name) + " satisfies both"}, true
		}
	}
	return Impossible{}, false
}

// impossible says why a part by itself is never true; empty: it can be.
func impossible(n *node, types []string) string {
	if v, ok := n.constant(); ok && !n.param {
		if v.Bool() {
			return ""
		}
		if v.Kind == cep.Nil {
			return "it is always nil, which counts as false"
		}
		return "it is always false"
	}
	want, part := true, n
	if n.op == opNot {
		want, part = false, n.args[0]
	}
	if types == nil || part.op != opEqual && part.op != opIn || len(part.args) != 2 {
		return ""
	}
	x, list := part.args[0], part.args[1]
	if part.op == opEqual {
		x, list, _ = sides(part)
	}
	if x.op != opField || x.src != current || x.field != typeField || list.op != opConst || list.param {
		return ""
	}
	names, _ := list.native.([]any)
	if list.native == nil {
		names = []any{native(list.value)}
	}
	for _, t := range types {
		if slices.Contains(names, any(t)) == want {
			return ""
		}
	}
	one := "the type"
	if len(types) > 1 {
		one = "one of the types"
	}
	said := ""
	for i, t := range types {
		if i > 0 {
			said += ", "
		}
		said += tick(t)
	}
	return "the events tried here are of " + one + " " + said
}

// demand is what the parts of a condition ask of one value, a field: to equal a
// constant, to lie between two.
type demand struct {
	name     string
	pos      int // of the first part
	equal    *cep.Value
	least    edge
	most     edge
	compared bool // it stands beside < and the like, so nil does not do
}

// edge is an end of a range of numbers.
type edge struct {
	set  bool
	open bool // the end itself is outside
	at   float64
}

// demands gives what is asked so far of the field that a part compares with a
// constant; nil if it does no such thing.
func demands(seen map[string]*demand, n *node) *demand {
	if n.op != opEqual && n.op != opCompare {
		return nil
	}
	a, b, _ := sides(n)
	if _, ok := b.constant(); !ok || b.param || a.op != opField || a.field == timeField {
		return nil
	}
	key := strconv.Itoa(int(a.src)) + " " + strconv.Itoa(a.index) + " " + strconv.Itoa(int(a.field))
	d := seen[key]
	if d == nil {
		d = &demand{pos: n.pos, name: fieldName(a)}
		seen[key] = d
	}
	return d
}

func fieldName(n *node) string {
	if n.field == typeField {
		return "type"
	}
	name := ""
	for i, p := range n.path {
		if i > 0 {
			name += "."
		}
		name += p
	}
	return name
}

// add asks for what n says too; false if nothing can satisfy all.
func (d *demand) add(n *node) bool {
	_, b, turned := sides(n)
	v, _ := b.constant()
	v = settle(v)
	if n.op == opEqual {
		if d.equal != nil && !equal(*d.equal, v) {
			return false
		}
		d.equal = &v
	} else {
		d.compared = true
		if v.Kind == cep.Number {
			d.limit(n.relation, turned, v.Number())
		}
	}
	return d.possible()
}

func (d *demand) limit(r relation, turned bool, at float64) {
	if turned {
		r = r.mirror()
	}
	open := r == less || r == more
	if r == less || r == lessEqual {
		if !d.most.set || at < d.most.at || at == d.most.at && open {
			d.most = edge{true, open, at}
		}
		return
	}
	if !d.least.set || at > d.least.at || at == d.least.at && open {
		d.least = edge{true, open, at}
	}
}

func (d *demand) possible() bool {
	if d.equal != nil {
		switch {
		case d.equal.Kind == cep.Nil:
			return !d.compared
		case d.equal.Kind != cep.Number:
			return true
		}
		x := d.equal.Number()
		return (!d.least.set || x > d.least.at || x == d.least.at && !d.least.open) &&
			(!d.most.set || x < d.most.at || x == d.most.at && !d.most.open)
	}
	if !d.least.set || !d.most.set {
		return true
	}
	return d.least.at < d.most.at || d.least.at == d.most.at && !d.least.open && !d.most.open
}
