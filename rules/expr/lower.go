package expr

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"weir/cep"
)

const (
	// maxNodes bounds the parts of an expression; the longest that people write
	// have some hundred.
	maxNodes = 2000
	// maxCost bounds the steps of one evaluation: two predicates inside each other
	// over the longest lists, with some fifteen parts; at some 40 ns a step 0.6 s.
	maxCost = 16 * maxList * maxList
)

// lowering turns a syntax tree into nodes.
type lowering struct {
	env    *Env
	text   string
	count  int      // of nodes made
	locals []local  // visible, the innermost last
	lets   int      // of local names so far
	points []typ    // type of # in each predicate around, the innermost last
	missed []*Error // names that mean nothing

	brackets brackets // of text, once a place is asked for
}

// local is a name that a part of the expression gives: by `let`, or to the element
// of a predicate.
type local struct {
	name    string
	index   int
	typ     typ
	element int  // of an element: how many predicates there are around its readers, its own included; else 0
	inner   bool // of an element: it is read in a predicate inside its own
}

// lower parses text and resolves it against env.
func lower(text string, env *Env) (n *node, err error) {
	l := &lowering{env: env, text: text}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			n, err = nil, together(append(l.missed, e))
		}
	}()
	tree, err := parse(text, env)
	if err != nil {
		return nil, err
	}
	if n = l.lower(tree); l.missed != nil {
		return nil, together(l.missed)
	}
	if n.cost() > maxCost {
		l.fail(n, "the expression may take too many steps", "nest fewer list functions; a list has up to 1,000 elements")
	}
	l.settle(n)
	return n, nil
}

// place is where n stands in the text, with the brackets that its parts are in.
func (l *lowering) place(n *node) (pos, end int) {
	if l.brackets == nil {
		l.brackets = bracketsOf(l.text, l.env.Lang)
	}
	return l.brackets.widen(n.pos, n.end)
}

// settle gives all nodes their place.
func (l *lowering) settle(n *node) {
	n.pos, n.end = l.place(n)
	for _, a := range n.args {
		if a != nil {
			l.settle(a)
		}
	}
	for _, a := range n.folded {
		if a != nil {
			l.settle(a)
		}
	}
}

// fail ends the lowering with a fault at n. lower recovers it: the tree is
// walked by functions that all could fail, and none goes on after a fault.
func (l *lowering) fail(n *node, msg, hint string) {
	pos, end := l.place(n)
	panic(&Error{Pos: pos, End: end, Msg: msg, Hint: hint})
}

// miss notes a name that means nothing. What is given in its place may be any value,
// so that the rest is looked at too.
func (l *lowering) miss(pos, end int, msg, hint string) *node {
	const most = 10
	if len(l.missed) < most {
		l.missed = append(l.missed, &Error{Pos: pos, End: end, Msg: msg, Hint: hint})
	}
	n := l.make(node{op: opMeasure, typ: anyType}, nil)
	n.pos, n.end = pos, end
	return n
}

func (l *lowering) missAt(a ast.Node, msg, hint string) *node {
	pos, end := byteSpan(l.text, a.Location())
	return l.miss(pos, end, msg, hint)
}

func (l *lowering) failAt(a ast.Node, msg, hint string) {
	pos, end := byteSpan(l.text, a.Location())
	panic(&Error{Pos: pos, End: end, Msg: msg, Hint: hint})
}

// source is the text of n.
func (l *lowering) source(n *node) string {
	pos, end := l.place(n)
	return l.text[pos:end]
}

// quote is the text of n for a message.
func (l *lowering) quote(n *node) string {
	const most = 40
	s := l.source(n)
	if len(s) > most {
		s = s[:runeOffset(s, most-3)] + "..."
	}
	return tick(s)
}

// is describes n: its text and what it is.
func (l *lowering) is(n *node) string {
	return l.quote(n) + " is " + article(n.typ.k)
}

func article(k kinds) string {
	s := k.String()
	if s == "event" {
		return "an event"
	}
	if s == "nil" || s == "any value" {
		return s
	}
	return "a " + s
}

// make counts a node and sets its place: from its own token and its arguments.
func (l *lowering) make(n node, at ast.Node) *node {
	l.count++
	n.pos, n.end = len(l.text), 0
	if at != nil {
		n.pos, n.end = byteSpan(l.text, at.Location())
	}
	for _, a := range n.args {
		if a != nil {
			n.pos, n.end = min(n.pos, a.pos), max(n.end, a.end)
		}
	}
	if l.count > maxNodes {
		panic(&Error{Pos: 0, End: len(l.text), Msg: "the expression has too many parts", Hint: fmt.Sprintf("at most %d", maxNodes)})
	}
	return &n
}

// close moves the end of n behind a closing bracket that follows it.
func (l *lowering) close(n *node, bracket byte) *node {
	rest := l.text[n.end:]
	trimmed := strings.TrimLeft(rest, " \t\n\r,(")
	if strings.HasPrefix(trimmed, string(bracket)) {
		n.end += len(rest) - len(trimmed) + 1
	}
	return n
}

// fold works out a node whose arguments are all constant scalars.
func (l *lowering) fold(n *node) *node {
	param := false
	for _, a := range n.args {
		if a == nil {
			continue
		}
		if _, ok := a.constant(); !ok {
			return n
		}
		param = param || a.param
	}
	f, ok := closure(n)
	if !ok {
		return n
	}
	v := f(&cep.Scope{})
	if v.Kind == cep.List || v.Kind == cep.Map {
		return n
	}
	c := &node{op: opConst, pos: n.pos, end: n.end, value: v, typ: typ{k: setOf(v.Kind)}, param: param}
	if param {
		c.folded = n.args
	}
	return c
}

func (l *lowering) lower(a ast.Node) *node {
	if l.count > maxNodes {
		panic(&Error{Pos: 0, End: len(l.text), Msg: "the expression has too many parts", Hint: fmt.Sprintf("at most %d", maxNodes)})
	}
	switch a := a.(type) {
	case *ast.NilNode:
		return l.constant(cep.Value{}, a)
	case *ast.BoolNode:
		return l.constant(cep.BoolValue(a.Value), a)
	case *ast.IntegerNode:
		return l.constant(cep.NumberValue(float64(a.Value)), a)
	case *ast.FloatNode:
		return l.constant(cep.NumberValue(a.Value), a)
	case *ast.StringNode:
		return l.constant(cep.TextValue(a.Value), a)
	case *ast.BytesNode:
		l.failAt(a, "byte strings are not supported", "write a string without the b")
	case *ast.IdentifierNode:
		return l.name(a, nil)
	case *ast.PointerNode:
		return l.pointer(a)
	case *ast.ChainNode:
		return l.lower(a.Node)
	case *ast.MemberNode:
		return l.member(a)
	case *ast.SliceNode:
		return l.slice(a)
	case *ast.UnaryNode:
		return l.unary(a)
	case *ast.BinaryNode:
		return l.binary(a)
	case *present:
		return l.present(a)
	case *ast.ConditionalNode:
		return l.conditional(a)
	case *ast.BuiltinNode:
		return l.call(a.Name, a, a.Arguments)
	case *ast.CallNode:
		if id, ok := a.Callee.(*ast.IdentifierNode); ok {
			return l.call(id.Value, id, a.Arguments)
		}
		l.failAt(a, "methods are not available", l.insteadOf(a))
	case *ast.VariableDeclaratorNode:
		return l.let(a)
	case *ast.SequenceNode:
		l.failAt(a.Nodes[1], "an expression is one value", "of several parts only the last would count")
	case *ast.ArrayNode:
		return l.list(a)
	case *ast.MapNode:
		return l.mapping(a)
	}
	l.failAt(a, "this is not supported here", "")
	return nil
}

func (l *lowering) constant(v cep.Value, at ast.Node) *node {
	return l.make(node{op: opConst, value: v, typ: typ{k: setOf(v.Kind)}}, at)
}

// name resolves a bare name and what is read of it: props are the constant names
// behind it.
func (l *lowering) name(id *ast.IdentifierNode, props []ast.Node) *node {
	path := []string{id.Value}
	for _, p := range props {
		path = append(path, p.(*ast.StringNode).Value)
	}
	for i := len(l.locals) - 1; i >= 0; i-- {
		if v := &l.locals[i]; v.name == id.Value {
			return l.access(l.make(l.local(v), id), props)
		}
	}
	if n := l.word(id, path, props); n != nil {
		return n
	}
	if v, ok := l.env.variable(id.Value); ok {
		return l.access(l.captured(v, id), props)
	}
	if n := l.feature(id, props); n != nil {
		return n
	}
	if n := l.risk(id, props); n != nil {
		return n
	}
	if why, ok := refused[id.Value]; ok || id.Value == "$env" {
		l.failAt(id, tick(id.Value)+" is not available", why)
	}
	if _, ok := functionNames[id.Value]; ok {
		msg, hint := " is a function", "call it, as in "+id.Value+"(...)"
		if why := refusedCEL[id.Value]; why != "" && l.env.Lang == LangCEL {
			msg, hint = " is not available", why
		}
		if l.env.Current {
			hint += "; a field of that name is event." + strings.Join(path, ".")
		}
		l.failAt(id, tick(id.Value)+msg, hint)
	}
	if n := l.declared(id, path, props); n != nil {
		return n
	}
	if id.Value == l.env.Lang.foreignNull() && !slices.Contains(l.env.FieldNames, id.Value) {
		hint := "what is missing is " + l.env.Lang.null()
		if l.env.Current {
			hint += "; a field of that name is event." + strings.Join(path, ".")
		}
		l.failAt(id, "there is no "+tick(id.Value)+": write "+l.env.Lang.null(), hint)
	}
	if l.env.Current {
		return l.current(id, path, props)
	}
	return l.unknown(id, path, props)
}

// local reads a local name. The element of the innermost predicate is #.
func (l *lowering) local(v *local) node {
	if v.element > 0 && v.element == len(l.points) {
		return node{op: opPointer, typ: v.typ}
	}
	v.inner = true
	return node{op: opLocal, index: v.index, typ: v.typ}
}

// word resolves the names that are words of the language.
func (l *lowering) word(id *ast.IdentifierNode, path []string, props []ast.Node) *node {
	switch id.Value {
	case "params":
		if len(path) == 1 {
			l.failAt(id, "`params` is no value", "name one of them, as in params.limit")
		}
		v, ok := l.env.Params[path[1]]
		if !ok {
			return l.missAt(props[0], "unknown param "+tick(path[1]), didYouMean(path[1], l.env.paramNames()))
		}
		n := l.constant(v, id)
		n.param = true
		_, n.end = byteSpan(l.text, props[0].Location())
		if v.Kind == cep.List || v.Kind == cep.Map {
			n.value, n.native = settle(v), native(v)
			n.typ = nativeType(n.native)
		}
		return l.access(n, props[1:])
	case "event":
		if !l.env.Current {
			if _, ok := l.env.variable("event"); ok {
				return nil
			}
			if l.env.Closed != "" {
				l.failAt(id, "there is no event here: the rule matches when a window ends", l.env.ofWindow())
			}
			l.failAt(id, "there is no current event here", "read a captured one, as in last(v).amount")
		}
		if len(path) == 1 {
			l.failAt(id, "`event` is no value", "name one of its fields, as in event.amount")
		}
		return l.current(id, path[1:], props)
	case "type", "ts":
		if !l.env.Current {
			return l.unknown(id, path, props)
		}
		return l.current(id, path, props)
	}
	return nil
}

// declared resolves keys and measures; nil if path is neither.
func (l *lowering) declared(id *ast.IdentifierNode, path []string, props []ast.Node) *node {
	for k := len(path); k > 0; k-- {
		name := strings.Join(path[:k], ".")
		if i := slices.Index(l.env.Measures, name); i >= 0 && k == 1 {
			return l.access(l.make(node{op: opMeasure, index: i, typ: dataType}, id), props)
		}
		i := slices.Index(l.env.Keys, name)
		if i < 0 || l.env.Current && l.keyIsField(name) {
			continue
		}
		n := l.make(node{op: opKey, index: i, typ: textType}, id)
		if k > 1 {
			_, n.end = byteSpan(l.text, props[k-2].Location())
		}
		return l.access(n, props[k-1:])
	}
	return nil
}

// keyIsField reports whether a key's name means a field of the current event.
func (l *lowering) keyIsField(name string) bool {
	if !l.env.KeyByName {
		return true
	}
	return slices.Contains(l.env.FieldNames, name)
}

// current resolves a field of the current event.
func (l *lowering) current(id *ast.IdentifierNode, path []string, props []ast.Node) *node {
	n := l.make(node{op: opField, src: current, path: path}, id)
	if len(props) > 0 {
		_, n.end = byteSpan(l.text, props[len(props)-1].Location())
	}
	if !l.always(n, path) {
		info, ok := l.env.Fields(strings.Join(path, "."))
		if !ok {
			return l.unknown(id, path, props)
		}
		n.field, n.typ = info.ID, info.typ()
	}
	return n
}

// always resolves `ts` and `type`, which every event has.
func (l *lowering) always(n *node, path []string) bool {
	switch path[0] {
	case "ts":
		n.field, n.typ = timeField, typ{k: kTime}
	case "type":
		n.field, n.typ = typeField, textType
	default:
		return false
	}
	if len(path) > 1 {
		l.fail(n, tick(path[0])+" has no field "+tick(path[1]), "use a function: hour(ts), weekday(ts), date(ts)")
	}
	return true
}

// insteadOf says what to write instead of the call of a method.
func (l *lowering) insteadOf(a *ast.CallNode) string {
	name := ""
	if m, ok := a.Callee.(*ast.MemberNode); ok {
		if s, ok := m.Property.(*ast.StringNode); ok {
			name = s.Value
		}
	}
	switch name {
	case "startsWith", "endsWith", "contains", "matches":
		return "write x " + name + " \"...\""
	case "exists", "all", "filter", "map":
		if name == "exists" {
			name = "any"
		}
		return "write " + name + "(probe, .amount > 5)"
	case "size", "length":
		return "write count(x), or len(x)"
	}
	return "use a function: hour(t), weekday(t), date(t), seconds(d)"
}

// unknown notes a name that means nothing.
func (l *lowering) unknown(id *ast.IdentifierNode, path []string, props []ast.Node) *node {
	name := strings.Join(path, ".")
	pos, end := byteSpan(l.text, id.Location())
	if len(props) > 0 {
		_, end = byteSpan(l.text, props[len(props)-1].Location())
	}
	pos, end = l.place(&node{pos: pos, end: end})
	e := &Error{Pos: pos, End: end, Msg: "unknown name " + tick(name), Hint: l.env.meant(name)}
	if e.Hint == "" && len(path) > 1 && !l.env.fieldsBegin(path[0]) {
		if e.Hint = l.env.meant(path[0]); e.Hint != "" {
			_, e.End = byteSpan(l.text, id.Location())
			e.Msg = "unknown name " + tick(path[0])
		}
	}
	if l.env.Current && len(path) > 1 {
		if info, ok := l.env.Fields(path[0]); ok && !info.Dynamic {
			e.Msg = tick(path[0]) + " is " + article(info.typ().k) + " and has no field " + tick(strings.Join(path[1:], "."))
			if f := l.env.Lang.called(path[1]); f != "" && e.Hint == "" {
				e.Hint = "write " + f + "(" + path[0] + ")"
			}
		}
	}
	if word, hint := l.hyphened(pos, e.End, "event", l.env.FieldNames); hint != "" {
		e.Msg, e.Hint, e.End = "unknown name "+tick(word), hint, pos+len(word)
	}
	if id.Value == "event" {
		path = append([]string{id.Value}, path...)
	}
	if hint := l.env.elsewhere(path); hint != "" {
		e.Hint = hint
	}
	if l.env.Closed != "" && (name == "ts" || name == "type" || slices.Contains(l.env.FieldNames, name)) {
		e.Msg = tick(name) + " is a field, and there is no event here: the rule matches when a window ends"
		e.Hint = l.env.ofWindow()
	} else if !l.env.Current {
		if holder := l.env.holder(name); holder != "" {
			e.Msg = tick(name) + " is a field, and there is no current event here"
			e.Hint = "write " + holder
		}
	}
	return l.miss(e.Pos, e.End, e.Msg, e.Hint)
}

// hyphened finds a field whose name is written with hyphens, of which the name from
// pos up to end is the beginning: it reads as a difference. of is what has the
// fields. The hint is empty if there is none.
func (l *lowering) hyphened(pos, end int, of string, fields []string) (word, hint string) {
	for end < len(l.text) && (l.text[end] == '-' || isWord(l.text[end])) {
		end++
	}
	word = l.text[pos:end]
	for _, f := range fields {
		switch {
		case !strings.Contains(word, "-"):
		case f == word:
			return word, "write " + tick(of+"["+strconv.Quote(word)+"]")
		case f == strings.ReplaceAll(word, "-", "_"):
			return word, "did you mean " + tick(f) + "?"
		}
	}
	return word, ""
}

// captured is what a variable stands for: an event, or a list of them.
func (l *lowering) captured(v int, at ast.Node) *node {
	of := &l.env.Vars[v]
	if l.env.NoMatch {
		return l.missAt(at, tick(of.Name)+" is a variable, and there is no match here yet", "ask it in `define`, of the variables that come later")
	}
	if of.Empty {
		return l.missAt(at, tick(of.Name)+" captures nothing", "a name that is only negated or only an until has no events")
	}
	ev := typ{k: kEvent, vars: []int{v}}
	if of.List {
		return l.make(node{op: opEvents, index: v, typ: listOf(ev)}, at)
	}
	return l.make(node{op: opEvent, src: firstOf, index: v, typ: ev}, at)
}

// access reads fields of a value.
func (l *lowering) access(n *node, props []ast.Node) *node {
	if len(props) == 0 {
		return n
	}
	var path []string
	for _, p := range props {
		path = append(path, p.(*ast.StringNode).Value)
	}
	last := props[len(props)-1]
	k := n.typ.k
	switch {
	case k == 0:
		return n // nothing is read of nil
	case n.op == opEvents:
		m := l.make(node{op: opValues, index: n.index, path: path}, last)
		l.resolve(m, n, path)
		m.pos, m.typ = n.pos, listOf(m.typ)
		return m
	case n.op == opEvent:
		m := l.make(node{op: opField, src: n.src, index: n.index, path: path}, last)
		m.pos = n.pos
		l.resolve(m, n, path)
		return m
	case k&(kEvent|kMap) != 0:
		m := l.make(node{op: opMember, args: []*node{n}, path: path, field: noField, typ: dataType}, last)
		if k&kEvent != 0 {
			l.resolve(m, n, path)
		}
		if k&kMap != 0 {
			m.typ = dataType
		}
		return m
	case k == kList:
		l.fail(n, l.is(n)+" and has no field "+tick(path[0]), "write "+l.env.Lang.field(l.source(n), path[0]))
	case k == kTime:
		l.fail(n, l.is(n)+" and has no field "+tick(path[0]), "use a function: hour(t), weekday(t), date(t)")
	}
	hint := ""
	if f := l.env.Lang.called(path[0]); f != "" {
		hint = "write " + f + "(" + l.source(n) + ")"
	}
	l.fail(n, l.is(n)+" and has no field "+tick(path[0]), hint)
	return nil
}

// resolve finds a field of captured events for m; of is what the events are.
func (l *lowering) resolve(m, of *node, path []string) {
	if l.always(m, path) {
		return
	}
	name := strings.Join(path, ".")
	vars := of.typ.vars
	if vars == nil {
		for v := range l.env.Vars {
			vars = append(vars, v)
		}
	}
	found, only := false, of.typ.k == kEvent || of.op == opEvents
	var names []string
	for _, v := range vars {
		info, ok := l.env.Vars[v].Fields(name)
		names = append(names, l.env.Vars[v].FieldNames...)
		if !ok {
			continue
		}
		t := info.typ()
		if found || !only {
			t = either(t, m.typ)
		}
		found = true
		m.field, m.typ, m.dynamic = info.ID, t, info.Dynamic
	}
	if !found && only {
		pos, end := l.place(&node{pos: of.pos, end: m.end})
		if at := end - len(name); at > pos && l.text[at:end] == name {
			pos = at
		}
		hint := didYouMean(name, names)
		if word, meant := l.hyphened(pos, end, l.source(of), names); meant != "" {
			name, hint, end = word, meant, pos+len(word)
		}
		l.miss(pos, end, l.quote(of)+" has no field "+tick(name), hint)
		m.typ = dataType
	}
}

// member lowers a.b.c and a[b].
func (l *lowering) member(a *ast.MemberNode) *node {
	var props []ast.Node
	var base ast.Node = a
	for {
		if c, ok := base.(*ast.ChainNode); ok {
			base = c.Node
			continue
		}
		m, ok := base.(*ast.MemberNode)
		if !ok {
			break
		}
		p, ok := m.Property.(*ast.StringNode)
		if !ok {
			break
		}
		props = append(props, p)
		base = m.Node
		l.count++
	}
	slices.Reverse(props)
	if id, ok := base.(*ast.IdentifierNode); ok {
		return l.bracketed(l.name(id, props), props)
	}
	if len(props) > 0 {
		return l.bracketed(l.access(l.lower(base), props), props)
	}
	return l.index(l.lower(a.Node), l.lower(a.Property), a)
}

// bracketed includes the bracket in the place of n if the last of props is
// written a["b"].
func (l *lowering) bracketed(n *node, props []ast.Node) *node {
	if len(props) == 0 || l.env.Lang == LangCEL {
		return n
	}
	if pos, _ := byteSpan(l.text, props[len(props)-1].Location()); strings.IndexByte("\"'`", l.text[pos]) < 0 {
		return n
	}
	return l.close(n, ']')
}

// index lowers x[i].
func (l *lowering) index(x, i *node, at ast.Node) *node {
	k := x.typ.k
	if k != 0 && k&(kList|kText|kMap) == 0 {
		hint := ""
		if k == kEvent {
			hint = "it is one event; name a field with a constant, as in " + l.source(x) + ".amount"
		}
		l.fail(x, l.is(x)+", and has no elements", hint)
	}
	if want := indexKinds(k); k != 0 && i.typ.k != 0 && i.typ.k&want == 0 {
		l.fail(i, l.is(i)+"; an index is "+article(want), "")
	}
	if v, ok := i.constant(); ok && x.op == opEvents && v.Kind == cep.Number && (v.Number() == 0 || v.Number() == -1) {
		n := l.end(x, firstOf, at)
		if v.Number() == -1 {
			n.src = lastOf
		}
		n.end = max(n.end, i.end)
		return l.close(n, ']')
	}
	t := typ{}
	if k&kList != 0 {
		t = either(t, x.typ.element())
	}
	if k&kText != 0 {
		t = either(t, textType)
	}
	switch {
	case k&kMap == 0:
	case x.op == opField:
		t = either(t, dataType)
	default:
		t = either(t, anyType)
	}
	return l.close(l.fold(l.make(node{op: opIndex, args: []*node{x, i}, typ: t}, at)), ']')
}

func indexKinds(k kinds) kinds {
	var want kinds
	if k&(kList|kText) != 0 {
		want |= kNumber
	}
	if k&kMap != 0 {
		want |= kText
	}
	return want
}

// end is the first or last event of the list of a variable.
func (l *lowering) end(events *node, src source, at ast.Node) *node {
	n := l.make(node{op: opEvent, src: src, index: events.index, typ: events.typ.element()}, at)
	n.pos, n.end = min(n.pos, events.pos), max(n.end, events.end)
	return n
}

func (l *lowering) slice(a *ast.SliceNode) *node {
	x := l.lower(a.Node)
	args := []*node{x, nil, nil}
	for i, b := range []ast.Node{a.From, a.To} {
		if b == nil {
			continue
		}
		args[i+1] = l.lower(b)
		l.want(args[i+1], kNumber, "a bound of a slice")
	}
	l.want(x, kList|kText, "what is sliced")
	t := typ{k: x.typ.k & (kList | kText), elem: x.typ.elem, vars: x.typ.vars}
	return l.close(l.fold(l.make(node{op: opSlice, args: args, typ: t}, a)), ']')
}

// want fails if n cannot be of any of the kinds k.
func (l *lowering) want(n *node, k kinds, what string) {
	if n.typ.k != 0 && n.typ.k&k == 0 {
		hint := ""
		switch {
		case n.typ.k == kList:
			hint = l.listHint(n)
		case n.typ.k == kDuration:
			hint = "seconds(" + l.source(n) + ") is a number"
		case n.typ.k == kTime && k&kNumber != 0:
			hint = "a time compares with a number as its epoch milliseconds"
		}
		l.fail(n, fmt.Sprintf("%s; %s is %s", l.is(n), what, article(k)), hint)
	}
}

// listHint says how to make one value of a list.
func (l *lowering) listHint(n *node) string {
	if n.op != opValues {
		return ""
	}
	v, path, _ := strings.Cut(l.source(n), ".")
	return fmt.Sprintf("for one value write last(%s).%s, for all of them %s, or sum, mean, min, max of the list", v, path, l.env.Lang.some(v, path))
}

func (l *lowering) unary(a *ast.UnaryNode) *node {
	x := l.lower(a.Node)
	switch a.Operator {
	case "!", "not":
		l.want(x, kBool, "what `"+a.Operator+"` takes")
		return l.fold(l.make(node{op: opNot, args: []*node{x}, typ: boolType}, a))
	case "+":
		l.want(x, kNumber|kDuration, "what + takes")
		return x
	}
	l.want(x, kNumber|kDuration, "what - takes")
	return l.fold(l.make(node{op: opNegate, args: []*node{x}, typ: typ{k: x.typ.k & (kNumber | kDuration)}}, a))
}

func (l *lowering) binary(a *ast.BinaryNode) *node {
	x := l.lower(a.Left)
	y := l.lower(a.Right)
	n := l.make(node{args: []*node{x, y}, typ: boolType}, a)
	switch a.Operator {
	case "&&", "and", "||", "or":
		l.want(x, kBool, "what `"+a.Operator+"` takes")
		l.want(y, kBool, "what `"+a.Operator+"` takes")
		n.op = opAnd
		if a.Operator == "||" || a.Operator == "or" {
			n.op = opOr
		}
		return l.fold(n)
	case "==", "!=":
		l.pairs(n, a.Operator, canEqual)
		n = l.equality(n)
		if a.Operator == "!=" {
			n = l.fold(&node{op: opNot, pos: n.pos, end: n.end, args: []*node{n}, typ: boolType})
		}
		return n
	case "<", "<=", ">", ">=":
		l.pairs(n, a.Operator, canCompare)
		n.op, n.relation = opCompare, relations[a.Operator]
		return l.fold(n)
	case "+", "-", "*", "/", "%", "**", "^":
		return l.computed(n, a.Operator)
	case "in":
		return l.in(n)
	case "contains", "startsWith", "endsWith":
		if x.typ.k == kList {
			l.fail(x, l.is(x)+"; "+a.Operator+" looks into a string", "write "+l.source(y)+" in "+l.source(x))
		}
		l.want(x, kText, "what "+a.Operator+" takes")
		l.want(y, kText, "what "+a.Operator+" takes")
		n.op, n.test = opTest, textTests[a.Operator]
		return l.fold(n)
	case "matches":
		return l.matches(n)
	case "??":
		n.op, n.typ = opCoalesce, either(x.typ, y.typ)
		return l.fold(n)
	case "..":
		return l.function("..", n, n.args)
	}
	l.fail(n, "the operator "+tick(a.Operator)+" is not supported", "")
	return nil
}

// present makes has(x.field). Of several x there is a list of fields, which is never
// nil.
func (l *lowering) present(a *present) *node {
	n := l.binary(&a.BinaryNode)
	if n.op != opNot || n.args[0].op != opEqual || n.args[0].args[0].op != opValues {
		return n
	}
	x := n.args[0].args[0]
	v, path, _ := strings.Cut(l.source(x), ".")
	l.fail(x, l.is(x)+"; `has` asks for a field of one event", fmt.Sprintf("write %s.exists(e, has(e.%s)), or has(last(%s).%s)", v, path, v, path))
	return nil
}

// pairs fails if no kind of the left side goes with one of the right.
func (l *lowering) pairs(n *node, operator string, fit func(a, b cep.Kind) bool) {
	x, y := n.args[0], n.args[1]
	if x.typ.k == 0 || y.typ.k == 0 {
		return
	}
	ok := x.typ.k&y.typ.k&kEvent != 0 && (operator == "==" || operator == "!=")
	each(x.typ.k, y.typ.k, func(a, b cep.Kind) { ok = ok || fit(a, b) })
	if ok {
		return
	}
	hint := ""
	for _, a := range n.args {
		if a.typ.k == kList && hint == "" {
			hint = l.listHint(a)
		}
	}
	both := x.typ.k | y.typ.k
	switch {
	case hint != "":
	case both == kDuration|kNumber:
		hint = "write a duration, like duration(\"5m\"), or seconds(d)"
	case both == kDuration|kText:
		hint = "write a duration, like duration(\"5m\")"
	case both == kTime|kText:
		hint = l.env.Lang.moment()
	case x.op == opCompare:
		hint = "compare twice, as in " + l.source(x) + " && " + l.source(x.args[1]) + " " + operator + " " + l.source(y)
	}
	l.fail(n, fmt.Sprintf("%s, %s: %s does not compare them", l.is(x), l.is(y), operator), hint)
}

// equality makes x == y. Whether a variable has captured anything is asked of
// the captures.
func (l *lowering) equality(n *node) *node {
	n.op = opEqual
	for i, a := range n.args {
		other := n.args[1-i]
		if v, ok := other.constant(); !ok || v.Kind != cep.Nil || a.typ.k&kList == 0 || a.op != opEvents {
			continue
		}
		l.fail(a, l.is(a)+" and never nil", "write count("+l.source(a)+") == 0")
	}
	return l.fold(n)
}

// computed makes x op y.
func (l *lowering) computed(n *node, operator string) *node {
	x, y := n.args[0], n.args[1]
	n.op, n.operator = opCompute, operators[operator]
	var k kinds
	each(x.typ.k, y.typ.k, func(a, b cep.Kind) { k |= setOf(n.operator.result(a, b)) })
	if k == 0 && x.typ.k != 0 && y.typ.k != 0 {
		hint := ""
		for _, a := range n.args {
			if a.typ.k == kList && hint == "" {
				hint = l.listHint(a)
			}
		}
		switch {
		case x.typ.k == kList && y.typ.k == kList && operator == "+":
			hint = "write concat(" + l.source(x) + ", " + l.source(y) + ")"
		case x.typ.k == kTime && y.typ.k == kNumber:
			hint = "write a duration, like duration(\"5m\")"
		}
		l.fail(n, fmt.Sprintf("%s, %s: %s does not take them", l.is(x), l.is(y), operator), hint)
	}
	n.typ = typ{k: k}
	return l.fold(n)
}

// in makes x in y.
func (l *lowering) in(n *node) *node {
	x, y := n.args[0], n.args[1]
	n.op = opIn
	if y.op == opField && y.src != current && !l.env.Vars[y.index].List && y.typ.k&^(kList|kMap) != 0 {
		// A variable of at most one event is a list of what it captured, so that
		// a quantifier changes nothing.
		list := *y
		list.op, list.spread, list.typ = opValues, true, listOf(y.typ)
		y, n.args[1] = &list, &list
	}
	if y.typ.k != 0 && y.typ.k&(kList|kMap) == 0 {
		hint := ""
		if y.typ.k == kText {
			hint = "write " + l.env.Lang.contains(l.source(y), l.source(x))
		}
		l.fail(y, l.is(y)+"; `in` looks into a list", hint)
	}
	if y.typ.k == kList && y.typ.elem != nil && x.typ.k != 0 && y.typ.elem.k != 0 {
		ok := x.typ.k&y.typ.elem.k&kEvent != 0
		each(x.typ.k, y.typ.elem.k, func(a, b cep.Kind) { ok = ok || canEqual(a, b) })
		if !ok {
			l.fail(n, fmt.Sprintf("%s, the elements of %s are %ss: it is never in it", l.is(x), l.quote(y), y.typ.elem.k), "")
		}
	}
	if y.typ.k == kMap && x.typ.k != 0 && x.typ.k&kText == 0 {
		l.fail(x, l.is(x)+"; the keys of a map are strings", "")
	}
	return n
}

// matches makes x matches "pattern".
func (l *lowering) matches(n *node) *node {
	x, y := n.args[0], n.args[1]
	l.want(x, kText, "what matches takes")
	v, ok := y.constant()
	if !ok || v.Kind != cep.Text {
		l.fail(y, "the pattern of `matches` is not a constant string", "write it here or in params; contains, startsWith and endsWith take any string")
	}
	re, e := compilePattern(v.Text)
	if e != nil {
		l.fail(y, e.Msg, e.Hint)
	}
	n.op, n.pattern, n.args = opMatches, re, n.args[:1]
	return l.fold(n)
}

func (l *lowering) conditional(a *ast.ConditionalNode) *node {
	c, x, y := l.lower(a.Cond), l.lower(a.Exp1), l.lower(a.Exp2)
	l.want(c, kBool, "a condition")
	return l.fold(l.make(node{op: opCond, args: []*node{c, x, y}, typ: either(x.typ, y.typ)}, nil))
}

func (l *lowering) let(a *ast.VariableDeclaratorNode) *node {
	name := a.Name
	taken := Reserved(name) || slices.Contains(l.env.Keys, name) || slices.Contains(l.env.Measures, name) ||
		slices.ContainsFunc(l.locals, func(v local) bool { return v.name == name })
	if _, ok := l.env.variable(name); ok || taken || l.env.Current && slices.Contains(l.env.FieldNames, name) {
		l.failAt(a, tick(name)+" already means something", "give it another name")
	}
	v := l.lower(a.Value)
	l.lets++
	index := l.lets
	l.locals = append(l.locals, local{name: name, index: index, typ: v.typ})
	body := l.lower(a.Expr)
	l.locals = l.locals[:len(l.locals)-1]
	n := l.make(node{op: opLet, index: index, args: []*node{v, body}, typ: body.typ}, a)
	n.pos = max(0, strings.LastIndex(l.text[:n.pos], "let")) // a has its place at the name
	return n
}

func (l *lowering) list(a *ast.ArrayNode) *node {
	n := l.make(node{op: opList}, a)
	elem, constant := typ{}, true
	natives := []any{}
	for _, x := range a.Nodes {
		e := l.lower(x)
		v, ok := e.constant()
		constant = constant && ok
		n.param = n.param || e.param
		natives = append(natives, native(v))
		elem = either(elem, e.typ)
		n.args = append(n.args, e)
		n.end = max(n.end, e.end)
	}
	n.typ = listOf(elem)
	if constant {
		n.op, n.native, n.folded, n.args = opConst, natives, n.args, nil
		n.value = value(natives)
	}
	return l.close(n, ']')
}

func (l *lowering) mapping(a *ast.MapNode) *node {
	n := l.make(node{op: opMap, typ: typ{k: kMap}}, a)
	constant := true
	natives := map[string]any{}
	for _, p := range a.Pairs {
		pair := p.(*ast.PairNode)
		key, ok := pair.Key.(*ast.StringNode)
		switch pair.Key.(type) {
		case *ast.FloatNode, *ast.BoolNode, *ast.NilNode:
			l.failAt(pair.Key, "the keys of a map are strings", "write it in quotes")
		}
		if !ok {
			l.failAt(pair.Key, "the key of a map is not a constant", "write it as a string")
		}
		if slices.Contains(n.names, key.Value) {
			l.failAt(key, "the key "+tick(key.Value)+" stands twice", "")
		}
		e := l.lower(pair.Value)
		v, isConst := e.constant()
		constant = constant && isConst
		natives[key.Value] = native(v)
		n.names = append(n.names, key.Value)
		n.args = append(n.args, e)
		n.end = max(n.end, e.end)
	}
	if constant {
		n.op, n.native, n.args, n.names = opConst, natives, nil, nil
		n.value = value(natives)
	}
	return l.close(n, '}')
}

// nativeType is the type of a decoded list or map.
func nativeType(x any) typ {
	list, ok := x.([]any)
	if !ok {
		return typ{k: kindOf(x)}
	}
	elem := typ{}
	for _, e := range list {
		elem = either(elem, nativeType(e))
	}
	return listOf(elem)
}

func (l *lowering) pointer(a *ast.PointerNode) *node {
	if len(l.points) == 0 {
		l.failAt(a, "`#` stands for nothing here", "it is the element in a predicate")
	}
	n := l.make(node{op: opPointer, name: a.Name}, a)
	switch a.Name {
	case "":
		n.typ = l.points[len(l.points)-1]
	case "index":
		n.typ = numType
	case "acc":
		n.typ = anyType
	default:
		n.end += len(a.Name)
		l.fail(n, "unknown name "+tick("#"+a.Name), "there are #, #index and #acc")
	}
	return n
}
