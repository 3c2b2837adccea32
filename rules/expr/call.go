package expr

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/expr-lang/expr/ast"

	"weir/cep"
)

// call lowers a call of a function.
func (l *lowering) call(name string, at ast.Node, args []ast.Node) *node {
	if why, ok := refused[name]; ok {
		l.failAt(at, tick(name)+" is not available", why)
	}
	if _, ok := functionNames[name]; !ok {
		l.failAt(at, "unknown function "+tick(name), didYouMean(name, slices.Sorted(maps.Keys(functionNames))))
	}
	if _, ok := loops[name]; ok && len(args) > 1 && isPredicate(args[1]) {
		return l.loop(name, at, args)
	}
	n := l.make(node{}, at)
	for _, a := range args {
		x := l.lower(a)
		n.args = append(n.args, x)
		n.pos, n.end = min(n.pos, x.pos), max(n.end, x.end)
	}
	l.close(n, ')')
	if f, ok := foldings[name]; ok {
		return l.folding(f, name, n)
	}
	switch name {
	case "get":
		if len(args) != 2 {
			l.arguments(n, name, "2", len(args))
		}
		i := l.index(n.args[0], n.args[1], at)
		i.pos, i.end = n.pos, n.end
		return i
	case "len":
		if len(args) == 1 && l.isVariable(n.args[0]) {
			return l.countOf(n)
		}
	case "hour", "weekday", "date":
		if len(args) == 2 {
			return l.calendar(name, n)
		}
	}
	return l.function(name, n, n.args)
}

func isPredicate(a ast.Node) bool {
	_, ok := a.(*ast.PredicateNode)
	return ok
}

// arguments fails for a wrong number of arguments.
func (l *lowering) arguments(n *node, name, want string, got int) {
	l.fail(n, fmt.Sprintf("%s takes %s arguments, not %d", tick(name), want, got), "")
}

// function makes a call of a function of the table.
func (l *lowering) function(name string, n *node, args []*node) *node {
	var f *function
	want := ""
	for _, g := range functionNames[name] {
		if len(g.params) == len(args) || g.rest && len(args) >= len(g.params) {
			f = g
		}
		if want != "" {
			want += " or "
		}
		want += strconv.Itoa(len(g.params))
	}
	if f == nil {
		if want == "1" {
			l.fail(n, fmt.Sprintf("%s takes 1 argument, not %d", tick(name), len(args)), "")
		}
		l.arguments(n, name, want, len(args))
	}
	n.op, n.function, n.typ = opCall, f, f.result
	constants := make([]cep.Value, len(args))
	constant := f.test != nil
	for i, a := range args {
		if len(args) == 1 {
			l.want(a, f.param(i), "what "+name+" takes")
		} else {
			l.want(a, f.param(i), fmt.Sprintf("argument %d of %s", i+1, name))
		}
		v, ok := a.constant()
		constants[i] = v
		if f.test != nil && i == len(args)-1 {
			constant = ok && f.param(i).has(v.Kind)
		}
	}
	if constant {
		if e := f.test(constants); e != nil {
			l.fail(args[len(args)-1], e.Msg, e.Hint)
		}
	}
	switch {
	case f.like:
		n.typ = typ{k: args[0].typ.k & f.params[0], elem: args[0].typ.elem, vars: args[0].typ.vars}
	case f.name == "concat":
		n.typ = typ{}
		for _, a := range args {
			n.typ = either(n.typ, typ{k: kList, elem: a.typ.elem, vars: a.typ.vars})
		}
	}
	switch f.name {
	case "..":
		return l.constantRange(n)
	case "len":
		return l.fold(n)
	}
	if f.list != nil {
		return n
	}
	return l.fold(n)
}

// constantRange works out a..b of constants.
func (l *lowering) constantRange(n *node) *node {
	a, ok1 := n.args[0].constant()
	b, ok2 := n.args[1].constant()
	if !ok1 || !ok2 || a.Kind != cep.Number || b.Kind != cep.Number {
		return n
	}
	list, err := ranged([]any{native(a), native(b)})
	if err != nil {
		l.fail(n, "the range has more than 1,000 elements", "compare with its ends instead")
	}
	if list != nil {
		n.op, n.native, n.value, n.args = opConst, list, value(list), nil
	}
	return n
}

// calendar makes hour, weekday or date in a zone; a constant one is looked up now.
func (l *lowering) calendar(name string, n *node) *node {
	n = l.function(name, n, n.args)
	if n.op != opCall {
		return n
	}
	v, ok := n.args[1].constant()
	if !ok || v.Kind != cep.Text {
		return n
	}
	n.zone, _ = zone(v.Text) // function has refused an unknown one
	n.op, n.name, n.args = opCalendar, name, n.args[:1]
	return n
}

// isVariable reports whether n is a variable itself, all that it has captured.
func (l *lowering) isVariable(n *node) bool {
	return n.op == opEvents || n.op == opEvent && n.src == firstOf && !l.env.Vars[n.index].List
}

// countOf makes the number of captured events of a variable.
func (l *lowering) countOf(n *node) *node {
	n.op, n.index, n.typ, n.args = opCaptured, n.args[0].index, numType, nil
	return n
}

// folding makes a function that folds lists, single values and nil.
func (l *lowering) folding(f folding, name string, n *node) *node {
	many := f == foldMin || f == foldMax
	if len(n.args) == 0 || len(n.args) > 1 && !many {
		want := "1 argument"
		if many {
			want = "at least 1 argument"
		}
		l.fail(n, fmt.Sprintf("%s takes %s, not %d", tick(name), want, len(n.args)), "")
	}
	x := n.args[0]
	n.op, n.folding = opFold, f
	switch {
	case l.isVariable(x) && (f == foldCount || f == foldDistinct):
		return l.countOf(n)
	case x.op == opEvents && (f == foldFirst || f == foldLast):
		n.op, n.index, n.typ, n.src, n.args = opEvent, x.index, x.typ.element(), firstOf, nil
		if f == foldLast {
			n.src = lastOf
		}
		return n
	case x.op == opEvent && (f == foldFirst || f == foldLast):
		return x // the first and last of one event
	}
	n.typ = numType
	var k kinds
	t := typ{}
	for _, a := range n.args {
		e := typ{k: a.typ.k &^ kList, vars: a.typ.vars}
		if a.typ.k&kList != 0 {
			e = either(e, a.typ.element())
		}
		t = either(t, e)
		l.foldable(f, name, a, e)
	}
	k = t.k & f.takes()
	switch f {
	case foldMin, foldMax:
		n.typ = typ{k: k}
	case foldFirst, foldLast:
		n.typ = t
	}
	if len(n.args) == 1 && x.op == opValues && x.field >= 0 && l.env.Aggregate != nil && f.aggregates(x.typ.elem.k, x.dynamic) {
		n.op, n.index, n.args = opAggregate, l.env.Aggregate(x.index, x.field), nil
		return n
	}
	return l.fold(n)
}

// foldable fails if nothing in a is of a kind that f looks at.
func (l *lowering) foldable(f folding, name string, a *node, elem typ) {
	if elem.k == 0 || elem.k&f.takes() != 0 {
		return
	}
	hint := ""
	switch {
	case elem.k == kEvent:
		hint = "name a field, as in " + name + "(" + l.text[a.pos:a.end] + ".amount)"
	case elem.k == kDuration:
		hint = "write seconds(d) for each"
	}
	l.fail(a, fmt.Sprintf("%s takes %ss, %s holds %ss", tick(name), f.takes(), l.quote(a), elem.k), hint)
}

// loop makes a function with a predicate.
func (l *lowering) loop(name string, at ast.Node, args []ast.Node) *node {
	list := l.lower(args[0])
	elem := list.typ.element()
	if list.typ.k&kList == 0 {
		elem = list.typ // one value or event stands for a list of it
	} else if list.typ.k != kList {
		elem = either(elem, typ{k: list.typ.k &^ kList, vars: list.typ.vars})
	}
	l.points = append(l.points, elem)
	body := l.lower(args[1].(*ast.PredicateNode).Node)
	l.points = l.points[:len(l.points)-1]
	n := l.make(node{op: opLoop, name: name, args: []*node{list, body}}, at)
	switch name {
	case "map", "sortBy", "reduce":
	case "sum":
		l.foldable(foldSum, name, body, body.typ)
	default:
		l.want(body, kBool, "the predicate of "+name)
	}
	if len(args) == 3 {
		extra := l.lower(args[2])
		if name == "sortBy" {
			l.want(extra, kText, "the order of sortBy")
			v, ok := extra.constant()
			if !ok {
				l.fail(extra, "the order of sortBy is not constant", "write \"asc\" or \"desc\"")
			}
			if e := checkDirection([]cep.Value{v}); e != nil {
				l.fail(extra, e.Msg, e.Hint)
			}
		}
		n.args = append(n.args, extra)
		n.end = max(n.end, extra.end)
	}
	n.typ = loops[name](typ{k: kList, elem: &elem, vars: elem.vars}, body.typ)
	return l.close(n, ')')
}
