package expr

import (
	"fmt"
	"strconv"

	"github.com/expr-lang/expr/ast"

	"weir/cep"
)

// call lowers a call of a function.
func (l *lowering) call(name string, at ast.Node, args []ast.Node) *node {
	if why, ok := refused[name]; ok {
		l.failAt(at, tick(name)+" is not available", why)
	}
	if i, ok := l.env.feature(name); ok {
		return l.featureOf(i, at, args)
	}
	if _, ok := l.env.risk(name); ok {
		l.failAt(at, tick(name)+" is a risk, and no function", "write "+tick(name)+" for that of the rule's own key: there is no way to read another's")
	}
	if _, ok := l.env.Lang.functions(name); !ok {
		x := l.missAt(at, "unknown function "+tick(name), l.env.Lang.meantFunction(name, l.env.featureNames()))
		for _, a := range args {
			if !isPredicate(a) {
				l.lower(a)
			}
		}
		return x
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
	case "in_list", "list_value":
		return l.lookup(name, n)
	case "cidr_contains":
		l.network(n)
	case "len", "size":
		if len(args) == 1 && l.isVariable(n.args[0]) {
			return l.countOf(n)
		}
	}
	if c, ok := calendarOf(name); ok && len(args) == 2 {
		return l.calendar(name, c, n)
	}
	return l.function(name, n, n.args)
}

func isPredicate(a ast.Node) bool {
	switch a.(type) {
	case *ast.PredicateNode, *named:
		return true
	}
	return false
}

// arguments fails for a wrong number of arguments.
func (l *lowering) arguments(n *node, name, want string, got int) {
	l.fail(n, takes(name, want, got), "")
}

// takes says that a function is given a wrong number of arguments.
func takes(name, want string, got int) string {
	if want == "1" {
		return fmt.Sprintf("%s takes 1 argument, not %d", tick(name), got)
	}
	return fmt.Sprintf("%s takes %s arguments, not %d", tick(name), want, got)
}

// function makes a call of a function of the table.
func (l *lowering) function(name string, n *node, args []*node) *node {
	var f *function
	want := ""
	versions, _ := l.env.Lang.functions(name)
	for _, g := range versions {
		if len(g.params) == len(args) || g.rest && len(args) >= len(g.params) {
			f = g
		}
		if want != "" {
			want += " or "
		}
		want += strconv.Itoa(len(g.params))
	}
	if f == nil {
		l.arguments(n, name, want, len(args))
	}
	n.op, n.function, n.typ = opCall, f, f.result
	constants := make([]cep.Value, len(args))
	constant := f.test != nil
	for i, a := range args {
		_, method := celMethods[name]
		switch {
		case len(args) == 1 || method && i == 0:
			l.want(a, f.param(i), "what "+name+" takes")
		case method: // what it is called on is no argument
			l.want(a, f.param(i), fmt.Sprintf("argument %d of %s", i, name))
		default:
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
	if f.name == ".." {
		return l.constantRange(n)
	}
	if f.list != nil && !f.isLength() {
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

// calendar makes hour, weekday and the like in a zone; a constant one is looked up
// now.
func (l *lowering) calendar(name string, c calendar, n *node) *node {
	n = l.function(name, n, n.args)
	if n.op != opCall {
		return n
	}
	v, ok := n.args[1].constant()
	if !ok || v.Kind != cep.Text {
		return n
	}
	n.zone, _ = zone(v.Text) // function has refused an unknown one
	n.op, n.calendar, n.args = opCalendar, c, n.args[:1]
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
		one := *x // the first and last of one event
		one.pos, one.end = n.pos, n.end
		return &one
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
		hint = "name a field, as in " + name + "(" + l.source(a) + ".amount)"
	case elem.k == kDuration:
		hint = "write seconds(d) for each"
	}
	l.fail(a, fmt.Sprintf("%s takes %ss, %s holds %ss", tick(name), f.takes(), l.quote(a), elem.k), hint)
}

// predicate lowers the predicate of a function on elements of the type elem. A
// name for the element is # inside the predicate, and a local name inside those
// that it holds.
func (l *lowering) predicate(a ast.Node, elem typ) *node {
	l.points = append(l.points, elem)
	defer func() { l.points = l.points[:len(l.points)-1] }()
	p, ok := a.(*named)
	if !ok {
		return l.lower(a.(*ast.PredicateNode).Node)
	}
	l.lets++
	l.locals = append(l.locals, local{name: p.variable, index: l.lets, typ: elem, element: len(l.points)})
	body := l.lower(p.Node)
	v := l.locals[len(l.locals)-1]
	l.locals = l.locals[:len(l.locals)-1]
	if !v.inner {
		return body
	}
	element := l.make(node{op: opPointer, typ: elem}, nil)
	element.pos, element.end = body.pos, body.end
	return l.make(node{op: opLet, index: v.index, args: []*node{element, body}, typ: body.typ}, nil)
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
	if list.typ.k == kMap && l.env.Lang == LangCEL {
		l.fail(list, l.is(list)+"; the order of its keys is not fixed", "ask for one, as in \"a\" in "+l.source(list))
	}
	body := l.predicate(args[1], elem)
	n := l.make(node{op: opLoop, name: name, args: []*node{list, body}}, at)
	switch name {
	case "map", "sortBy", "reduce":
	case "sum":
		l.foldable(foldSum, name, body, body.typ)
	default:
		from, to := byteSpan(l.text, at.Location())
		l.want(body, kBool, "the predicate of "+l.text[from:to])
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
