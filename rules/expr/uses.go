package expr

import (
	"fmt"
	"slices"
	"strings"

	"weir/cep"
)

// Uses says what an expression does with the fields of events, for warnings.
type Uses struct {
	Reads   []FieldUse // fields that it reads
	Joins   []Join     // fields that it wants to be equal between events
	Negated []FieldUse // fields that it also accepts where they are missing
	Present []FieldOf  // fields that are not nil wherever it holds: of the current event, and of variables of one event

	Features []FeatureUse // features that it reads
	Risks    []int        // risks that it reads, as indexes in Env.Risks
	Lists    []cep.ListID // lists that it looks into
}

// FeatureUse is a place where a feature is read.
type FeatureUse struct {
	Feature  int      // index in Env.Features
	Other    bool     // of another key than the event has
	Own      bool     // of the rule's key
	Key      [][2]int // byte offsets of the parts of that key
	Pos, End int      // byte offsets in the expression
}

// FieldOf names a field.
type FieldOf struct {
	Var  int    // whose events have it, an index in Env.Vars; -1: the current event
	Path string // like "amount" or "device.os"
}

// FieldUse is a place where a field is read.
type FieldUse struct {
	FieldOf
	Pos, End int // byte offsets in the expression
}

// Join is a comparison == or `in` of fields of two events, like
// merchant == last(probe).merchant, that a condition holds by. It is not under
// a `not`.
type Join struct {
	Left, Right FieldOf // of different events, in the order of the text
	Pos, End    int     // byte offsets of the comparison in the expression
}

// UsesOf tells what an expression does with fields. `ts` and `type`, which every
// event has, are in none of the lists.
//
// Negated are the fields that stand beside !=, `not in` or in a negated == or
// `in`, with something other than nil on the other side, where nothing that has
// to hold as well keeps them from being nil: status != "approved" holds for an
// event without a status, status != nil && status != "approved" and
// status == nil || status != "approved" say what they mean. Env.Aggregate is not
// called. The error is an *Error.
func UsesOf(text string, env Env) (Uses, error) {
	env.Aggregate = nil
	n, err := lower(text, &env)
	if err != nil {
		return Uses{}, err
	}
	u := &observer{text: text, env: &env, vars: env.Vars}
	u.read(n)
	u.walk(n, true, func(string) bool { return false })
	for _, f := range u.proved(n, true) {
		if f.field.Path != "" && !slices.Contains(u.uses.Present, f.field) {
			u.uses.Present = append(u.uses.Present, f.field)
		}
	}
	return u.uses, nil
}

// observer gathers the Uses of an expression.
type observer struct {
	text string
	env  *Env
	vars []Var
	uses Uses
}

// fact is that something is not nil.
type fact struct {
	key   string  // two reads of one value have one key
	field FieldOf // with the path empty: of one of several events
}

// fieldsOf gives the fields that n may be one of: of the current event, of a
// variable, or of the variables that an element of a list may come from.
func fieldsOf(n *node) []FieldOf {
	path := strings.Join(n.path, ".")
	if path == "" || n.field == timeField || n.field == typeField {
		return nil
	}
	switch n.op {
	case opField:
		if n.src == current {
			return []FieldOf{{-1, path}}
		}
		return []FieldOf{{n.index, path}}
	case opValues:
		return []FieldOf{{n.index, path}}
	case opMember:
		var fields []FieldOf
		if n.args[0].typ.k&kEvent != 0 {
			for _, v := range n.args[0].typ.vars {
				fields = append(fields, FieldOf{v, path})
			}
		}
		return fields
	}
	return nil
}

// read gathers the fields, features and lists that n reads.
func (u *observer) read(n *node) {
	for _, f := range fieldsOf(n) {
		u.uses.Reads = append(u.uses.Reads, FieldUse{f, n.pos, n.end})
	}
	switch n.op {
	case opFeature:
		use := FeatureUse{Feature: n.index, Other: len(n.args) > 0, Own: u.env.own(n), Pos: n.pos, End: n.end}
		for _, part := range n.args {
			use.Key = append(use.Key, [2]int{part.pos, part.end})
		}
		u.uses.Features = append(u.uses.Features, use)
	case opRisk:
		u.uses.Risks = append(u.uses.Risks, n.index)
	case opLookup:
		u.uses.Lists = append(u.uses.Lists, n.list.ID)
	}
	for _, a := range n.args {
		if a != nil {
			u.read(a)
		}
	}
}

// walk goes through n, which has to be true (wanted) or false; known says what is
// not nil if it is.
func (u *observer) walk(n *node, wanted bool, known func(key string) bool) {
	switch n.op {
	case opNot:
		u.walk(n.args[0], !wanted, known)
	case opAnd, opOr:
		u.sides(flat(nil, n, n.op), wanted, (n.op == opAnd) == wanted, known)
	case opCond:
		u.walk(n.args[0], true, known)
		u.walk(n.args[1], wanted, u.also(known, n.args[0], true))
		u.walk(n.args[2], wanted, u.also(known, n.args[0], false))
	case opEqual, opIn:
		u.inside(n.args, known)
		if wanted {
			u.join(n)
		} else {
			u.negated(n, known)
		}
	case opLoop:
		u.walk(n.args[0], true, known)
		u.walk(n.args[1], n.name == "none" != wanted || !slices.Contains([]string{"any", "all", "none"}, n.name), apart(known))
		u.inside(n.args[2:], known)
	case opLet:
		u.walk(n.args[0], true, known)
		u.walk(n.args[1], wanted, known)
	default:
		u.inside(n.args, known)
	}
}

// inside goes through parts that decide nothing by themselves.
func (u *observer) inside(parts []*node, known func(string) bool) {
	for _, a := range parts {
		if a != nil {
			u.walk(a, true, known)
		}
	}
}

// apart forgets what is known of the element of a predicate: inside another, #
// is another.
func apart(known func(string) bool) func(string) bool {
	return func(key string) bool { return !strings.HasPrefix(key, "#") && known(key) }
}

// sides goes through what && or || joins. Of sides that all have to come out as
// wanted, each is read beside the others; of those of which one has to, each is
// what is left where the others did not.
func (u *observer) sides(sides []*node, wanted, all bool, known func(string) bool) {
	proofs := map[string]int{} // on how many sides a key is proved
	own := make([]map[string]bool, len(sides))
	for i, s := range sides {
		own[i] = map[string]bool{}
		for _, f := range u.proved(s, wanted == all) {
			if !own[i][f.key] {
				own[i][f.key] = true
				proofs[f.key]++
			}
		}
	}
	for i, s := range sides {
		mine := own[i]
		u.walk(s, wanted, func(key string) bool {
			others := proofs[key]
			if mine[key] {
				others--
			}
			return others > 0 || known(key)
		})
	}
}

// also knows beside known what n proves.
func (u *observer) also(known func(string) bool, n *node, holds bool) func(string) bool {
	proved := u.proved(n, holds)
	return func(key string) bool {
		return known(key) || slices.ContainsFunc(proved, func(f fact) bool { return f.key == key })
	}
}

// negated gathers the fields of n, an == or `in` that has to be false.
func (u *observer) negated(n *node, known func(string) bool) {
	for i, a := range n.args {
		other := n.args[1-i]
		if n.op == opEqual && other.isNil() || n.op == opIn && holdsNil(n.args[1]) || n.op == opIn && i == 1 && a.op != opField {
			continue
		}
		for _, f := range carriers(nil, a) {
			if known(u.key(f)) {
				continue
			}
			for _, of := range fieldsOf(f) {
				u.uses.Negated = append(u.uses.Negated, FieldUse{of, f.pos, f.end})
			}
		}
	}
}

// isNil reports whether n is nil as it stands.
func (n *node) isNil() bool {
	v, ok := n.constant()
	return ok && v.Kind == cep.Nil
}

// holdsNil reports whether n is a list that has nil among its elements as it
// stands.
func holdsNil(n *node) bool {
	list, _ := n.native.([]any)
	return n.op == opConst && slices.Contains(list, nil) || n.op == opList && slices.ContainsFunc(n.args, (*node).isNil)
}

// carriers appends the reads of a value that make n nil where they are nil.
func carriers(list []*node, n *node) []*node {
	switch n.op {
	case opField, opMember, opLocal, opPointer:
		return append(list, n)
	case opIndex, opSlice, opCompute, opNegate, opCalendar, opCall:
		for _, a := range n.args {
			if a != nil {
				list = carriers(list, a)
			}
		}
	}
	return list
}

// key tells the reads of different values apart.
func (u *observer) key(n *node) string {
	path := strings.Join(n.path, ".")
	switch n.op {
	case opField:
		return fmt.Sprintf("field %d %d %s", n.src, n.index, path)
	case opPointer:
		return "#" + n.name
	case opLocal:
		return fmt.Sprintf("local %d", n.index)
	case opMember:
		return u.key(n.args[0]) + "." + path
	}
	return "text " + u.text[n.pos:n.end]
}

// proved gives what is not nil if n is true (holds) or false.
func (u *observer) proved(n *node, holds bool) []fact {
	switch n.op {
	case opNot:
		return u.proved(n.args[0], !holds)
	case opAnd, opOr:
		return u.together(flat(nil, n, n.op), holds, (n.op == opAnd) == holds)
	case opEqual:
		for i, a := range n.args {
			other := n.args[1-i]
			if _, constant := other.constant(); constant && other.isNil() != holds {
				return u.facts(a)
			}
		}
	case opIn:
		if list := n.args[1]; holds && (list.op == opConst || list.op == opList) && !holdsNil(list) && !slices.ContainsFunc(list.args, notConstant) {
			return u.facts(n.args[0])
		}
	case opCompare, opTest, opMatches, opCall, opField, opMember:
		if holds {
			return u.facts(append([]*node{n}, n.args...)...)
		}
	}
	return nil
}

func notConstant(n *node) bool { return n.op != opConst }

// facts says that none of nodes is nil.
func (u *observer) facts(nodes ...*node) []fact {
	var list []fact
	for _, n := range nodes {
		for _, c := range carriers(nil, n) {
			f := fact{key: u.key(c)}
			if of := fieldsOf(c); len(of) == 1 && c.op == opField && (c.src == current || !u.vars[c.index].List) {
				f.field = of[0]
			}
			list = append(list, f)
		}
	}
	return list
}

// together gives what sides prove that all come out like holds, or of which one
// does: what every one of them proves.
func (u *observer) together(sides []*node, holds, all bool) []fact {
	var list []fact
	for i, s := range sides {
		proved := u.proved(s, holds)
		if all || i == 0 {
			list = append(list, proved...)
			continue
		}
		list = slices.DeleteFunc(list, func(f fact) bool { return !slices.Contains(proved, f) })
	}
	return list
}

// join gathers the pairs of fields that n, an == or `in`, wants to be equal.
func (u *observer) join(n *node) {
	for _, left := range joinable(nil, n.args[0]) {
		for _, right := range joinable(nil, n.args[1]) {
			if left.Var != right.Var {
				u.uses.Joins = append(u.uses.Joins, Join{left, right, n.pos, n.end})
			}
		}
	}
}

// joinable appends the fields whose values n is, as they are, spelt otherwise, or
// one of several.
func joinable(list []FieldOf, n *node) []FieldOf {
	list = append(list, fieldsOf(n)...)
	switch n.op {
	case opFold:
		if n.folding != foldFirst && n.folding != foldLast && n.folding != foldMin && n.folding != foldMax {
			return list
		}
	case opIndex, opSlice:
		return joinable(list, n.args[0])
	case opLoop:
		if n.name == "map" {
			return joinable(list, n.args[1])
		}
		return list
	case opCall, opList, opCoalesce:
	default:
		return list
	}
	for _, a := range n.args {
		list = joinable(list, a)
	}
	return list
}
