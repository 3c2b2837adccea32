package expr

import (
	"slices"

	"weir/cep"
)

const (
	// maxShown bounds a value in a Reason, in characters.
	maxShown = 200
	// maxOperands bounds the operands of a Part.
	maxOperands = 16
)

// Reason says why a condition holds or does not.
type Reason struct {
	Holds bool
	Parts []Part // those that decide the outcome, in the order of the text; never empty
}

// Part is a piece of a condition that is no `&&`, `||`, `not` or `?:` of others.
type Part struct {
	Text     string // as it is written, like `amount < params.limit`
	Pos, End int    // byte offsets of Text in the condition
	Value    string // what it gives: true, false, nil or (in CEL) null, or a value that counts as nil
	Operands []Operand
}

// Operand is what a Part works with, and its value. Constants that stand in the
// text are none; params are.
type Operand struct {
	Text  string // as it is written, like `params.limit`
	Value string
}

// CompileWhy compiles a condition to be explained. The function made says whether
// it holds, as what CompileCond and CompileBool make of the same text does, and
// which parts decide that: of a && b that is false the sides that are false, of
// one that is true both; of a || b that is true the sides that are true, of one
// that is false both; of `not a` those of a; of c ? a : b those of c and of the
// side it chose. Where an error while it runs makes it false, the part is the
// whole of what was run.
//
// Values are written as in a message, but nil is `nil`, in CEL `null`, a string or
// list is its JSON, and what is longer than 200 characters is cut. Env.Aggregate and Env.Fault
// are not called. The error is an *Error.
func CompileWhy(text string, env Env) (func(*cep.Scope) Reason, error) {
	env.Aggregate, env.Fault = nil, nil
	n, err := lowerBool(text, &env)
	if err != nil {
		return nil, err
	}
	w := &reasoner{text: text, env: &env}
	var all []conjunct
	for _, part := range conjuncts(nil, n) {
		c := conjunct{whole: w.leaf(part), cause: w.cause(part)}
		if w.err != nil {
			return nil, internal(text, w.err)
		}
		all = append(all, c)
	}
	return func(s *cep.Scope) Reason {
		r := Reason{Holds: true}
		held := make([]bool, len(all))
		for i := range all {
			held[i] = all[i].whole.holds(s)
			r.Holds = r.Holds && held[i]
		}
		for i := range all {
			if held[i] == r.Holds {
				r.Parts = all[i].explain(r.Parts, s, held[i])
			}
		}
		return r
	}, nil
}

// conjunct is a part of a condition that && joins to others at the top.
type conjunct struct {
	whole *cause // as it is run
	cause *cause // as it is explained
}

// explain appends the parts that decide the outcome. What an error makes false as
// a whole may come out otherwise piece by piece; then the whole is the part.
func (c *conjunct) explain(parts []Part, s *cep.Scope, held bool) []Part {
	outcome, leaves := c.cause.decide(s)
	if outcome != held {
		leaves = []*cause{c.whole}
	}
	for _, l := range leaves {
		parts = append(parts, l.shown(s))
	}
	return parts
}

// cause is a node of a condition to be explained.
type cause struct {
	op   op // opAnd, opOr, opNot, opCond; of a leaf opConst
	args []*cause

	part     Part   // of a leaf: all but the values
	null     string // of a leaf: the word for nil
	holds    boolFunc
	value    valueFunc
	operands []valueFunc
}

// decide gives the outcome of c and the leaves that decide it.
func (c *cause) decide(s *cep.Scope) (bool, []*cause) {
	switch c.op {
	case opNot:
		outcome, leaves := c.args[0].decide(s)
		return !outcome, leaves
	case opCond:
		outcome, leaves := c.args[0].decide(s)
		side := c.args[2]
		if outcome {
			side = c.args[1]
		}
		outcome, more := side.decide(s)
		return outcome, append(leaves, more...)
	case opAnd, opOr:
		return c.join(s)
	}
	return c.holds(s), []*cause{c}
}

// join decides && and ||: one side that is false settles an &&, one that is true
// an ||; else all of them do.
func (c *cause) join(s *cep.Scope) (bool, []*cause) {
	settles := c.op == opOr
	var all, settling []*cause
	for _, a := range c.args {
		outcome, leaves := a.decide(s)
		if outcome == settles {
			settling = append(settling, leaves...)
		} else if settling == nil {
			all = append(all, leaves...)
		}
	}
	if settling != nil {
		return settles, settling
	}
	return !settles, all
}

// shown is the part of a leaf with its values.
func (c *cause) shown(s *cep.Scope) Part {
	p := c.part
	p.Value = shorten(c.value(s), c.null)
	p.Operands = slices.Clone(p.Operands)
	for i, f := range c.operands {
		p.Operands[i].Value = shorten(f(s), c.null)
	}
	return p
}

// shorten writes a value for a Reason; null is the word for nil.
func shorten(v cep.Value, null string) string {
	text := formatScalar(v)
	switch v.Kind {
	case cep.Nil:
		text = null
	case cep.Text:
		text = encode(v.Text)
	}
	if at := runeOffset(text, maxShown); at < len(text) {
		text = text[:runeOffset(text, maxShown-3)] + "..."
	}
	return text
}

// reasoner makes causes of nodes.
type reasoner struct {
	text string
	env  *Env
	err  error // the first of expr-lang's compiler
}

func (w *reasoner) cause(n *node) *cause {
	c := &cause{op: n.op}
	switch n.op {
	case opAnd, opOr:
		for _, a := range flat(nil, n, n.op) {
			c.args = append(c.args, w.cause(a))
		}
		return c
	case opCond:
		for _, a := range n.args {
			c.args = append(c.args, w.cause(a))
		}
		return c
	case opNot:
		if a := n.args[0]; a.pos != n.pos || a.end != n.end { // else it is written !=, `not in` or the like
			c.args = []*cause{w.cause(a)}
			return c
		}
	}
	return w.leaf(n)
}

// flat appends the sides of n that o joins.
func flat(sides []*node, n *node, o op) []*node {
	if n.op != o {
		return append(sides, n)
	}
	return flat(flat(sides, n.args[0], o), n.args[1], o)
}

func (w *reasoner) leaf(n *node) *cause {
	c := &cause{op: opConst, null: w.env.Lang.null(), part: Part{Text: w.text[n.pos:n.end], Pos: n.pos, End: n.end}}
	var err error
	if c.holds, err = condition(n, w.env); err != nil && w.err == nil {
		w.err = err
	}
	c.value = w.result(n)
	var inner []*node
	for _, a := range n.inner() {
		inner = operands(inner, a)
	}
	for _, a := range inner {
		o := Operand{Text: w.text[a.pos:a.end]}
		if len(c.operands) < maxOperands && o.Text != c.part.Text && !slices.Contains(c.part.Operands, o) {
			c.part.Operands = append(c.part.Operands, o)
			c.operands = append(c.operands, w.result(a))
		}
	}
	return c
}

func (w *reasoner) result(n *node) valueFunc {
	f, err := result(n, w.env)
	if err != nil && w.err == nil {
		w.err = err
	}
	return f
}

// operands appends what n works with: n itself and what it is made of, unless it
// is constant or depends on the element of a predicate around it.
func operands(list []*node, n *node) []*node {
	if n.op == opConst && !n.param {
		return list
	}
	if !n.open(false, nil) {
		list = append(list, n)
	}
	for _, a := range n.inner() {
		list = operands(list, a)
	}
	return list
}

// inner gives the parts of n whose values say more than its own: not the value
// that a member, element or slice is taken of.
func (n *node) inner() []*node {
	from := n.args
	switch n.op {
	case opConst:
		from = n.folded
	case opMember:
		return nil
	case opIndex, opSlice:
		from = n.args[1:]
	}
	var parts []*node
	for _, a := range from {
		if a != nil {
			parts = append(parts, a)
		}
	}
	return parts
}

// open reports whether n reads the element of a predicate or a local name that is
// not its own: pointed says that # is bound, bound which local names are.
func (n *node) open(pointed bool, bound []int) bool {
	switch n.op {
	case opPointer:
		return !pointed
	case opLocal:
		return !slices.Contains(bound, n.index)
	case opLet:
		return n.args[0].open(pointed, bound) || n.args[1].open(pointed, append(slices.Clip(bound), n.index))
	}
	for i, a := range n.args {
		if a != nil && a.open(pointed || n.op == opLoop && i == 1, bound) {
			return true
		}
	}
	return false
}
