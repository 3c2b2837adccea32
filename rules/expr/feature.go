package expr

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"weir/cep"
)

// Feature is a feature of the ruleset.
type Feature struct {
	Name string
	Kind cep.Kind // of its values; Nil: any
	Keys []string // what the parts of its key are called; nil: not known
}

// Read is a way in which an expression looks at a feature.
type Read struct {
	cep.Read        // Feature is an index in Env.Features
	ID       string // tells the Args of reads apart: if it is the same, so are they
}

// feature gives the number of the feature called name.
func (e *Env) feature(name string) (int, bool) {
	for i := range e.Features {
		if e.Features[i].Name == name {
			return i, true
		}
	}
	return 0, false
}

// own reports whether n, a read of a feature, is of the rule's key.
func (e *Env) own(n *node) bool { return len(n.args) == 0 && e.Own != nil && e.Own(n.index) }

// featureNames lists the features that can be read, for hints.
func (e *Env) featureNames() []string {
	var names []string
	for i := range e.Features {
		if !e.Before && len(e.Matches) == 0 {
			names = append(names, e.Features[i].Name)
		}
	}
	return names
}

// feature resolves the name of a feature; nil if it is none.
func (l *lowering) feature(id *ast.IdentifierNode, props []ast.Node) *node {
	i, ok := l.env.feature(id.Value)
	if !ok {
		return nil
	}
	return l.access(l.readFeature(i, id, nil), props)
}

// featureOf resolves the call of a feature: its value for another key.
func (l *lowering) featureOf(i int, at ast.Node, args []ast.Node) *node {
	f := &l.env.Features[i]
	if !l.env.Current {
		l.failAt(at, tick(f.Name)+" of another key is read in conditions only", "write "+tick(f.Name)+" for the value of the event's own key, or ask in a condition")
	}
	var parts []*node
	for _, a := range args {
		parts = append(parts, l.lower(a))
	}
	n := l.readFeature(i, at, parts)
	l.close(n, ')')
	if f.Keys != nil && len(parts) != len(f.Keys) {
		hint := "its key is " + strings.Join(f.Keys, ", ")
		if len(parts) == 0 {
			hint = "write " + tick(f.Name) + " for the value of the event's own key"
		}
		l.fail(n, takes(f.Name, strconv.Itoa(len(f.Keys)), len(parts)), hint)
	}
	for k, p := range parts {
		what := "a key"
		if len(f.Keys) > 1 {
			what = "the part " + tick(f.Keys[k]) + " of a key"
		}
		l.want(p, kText|kNumber|kBool, what)
		if why := p.beyondEvent(); why != "" {
			l.fail(p, fmt.Sprintf("the key of %s is read from the current event, and %s is %s", tick(f.Name), l.quote(p), why), "name fields of the event, lists and params")
		}
	}
	return n
}

// readFeature makes the node of a feature; parts are those of another key.
func (l *lowering) readFeature(i int, at ast.Node, parts []*node) *node {
	f := &l.env.Features[i]
	switch of := l.env.Matches; {
	case l.env.Before:
		l.failAt(at, tick(f.Name)+" is a feature", "what is worked out before the rules run reads fields, lists and params, no features")
	case len(of) > 0:
		rules := tick(strings.Join(of, "` or `"))
		l.failAt(at, fmt.Sprintf("%s is a feature, and a match of %s has none", tick(f.Name), rules), "take it along as a measure of "+rules+", and read that")
	}
	t := dataType
	if f.Kind != cep.Nil {
		t = typ{k: setOf(f.Kind)}
	}
	n := l.make(node{op: opFeature, index: i, name: f.Name, args: parts, typ: t}, at)
	n.key = l.signature(parts)
	return n
}

// beyondEvent says what n reads beside the current event, lists and params; empty:
// nothing.
func (n *node) beyondEvent() string {
	if n.reads() {
		return "of captured events"
	}
	if n.open(false, nil) {
		return "a name that the expression gives"
	}
	switch n.op {
	case opFeature:
		return "of a feature"
	case opRisk:
		return "a risk"
	case opKey:
		return "of the rule's key"
	case opMeasure:
		return "a measure"
	}
	for _, a := range n.args {
		if a == nil {
			continue
		}
		if why := a.beyondEvent(); why != "" && !a.open(false, nil) {
			return why
		}
	}
	return ""
}

// signature tells the keys of reads apart: by their text, and by what its names and
// params stand for.
func (l *lowering) signature(parts []*node) string {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, "%d %q", l.env.Lang, l.source(p))
		p.leaves(&b)
		b.WriteByte('\n')
	}
	return b.String()
}

// leaves writes what the names in n stand for.
func (n *node) leaves(b *strings.Builder) {
	switch n.op {
	case opField:
		fmt.Fprintf(b, " field %d", n.field)
	case opLookup:
		fmt.Fprintf(b, " list %d", n.list.ID)
	case opConst:
		v := n.value
		if n.native != nil {
			v = value(n.native)
		}
		fmt.Fprintf(b, " %s %q", v.Kind, formatScalar(v))
	}
	for _, a := range n.args {
		if a != nil {
			a.leaves(b)
		}
	}
}

// register gives the features that n reads their places, by which they are read, and
// notes the risks.
func register(n *node, env *Env) error {
	for _, a := range n.args {
		if a != nil {
			if err := register(a, env); err != nil {
				return err
			}
		}
	}
	switch n.op {
	case opRisk:
		env.ReadRisk(cep.RiskID(n.index))
		return nil
	case opFeature:
	default:
		return nil
	}
	r := Read{cep.Read{Feature: n.index, Own: env.own(n)}, n.key}
	for _, p := range n.args {
		f, ok := closure(p) // as it is: the digits of a number are what it is called as a key
		if !ok {
			var err error
			if f, err = result(p, env); err != nil {
				return err
			}
		}
		r.Args = append(r.Args, f)
	}
	n.place = env.Read(r)
	return nil
}

// CompileOf compiles an expression whose values are of some kinds, or of any if none
// is named. what says what takes them, for the error, which is an *Error. kind is
// what they are; Nil: it may be one of several.
func CompileOf(text string, env Env, what string, of ...cep.Kind) (f func(*cep.Scope) cep.Value, kind cep.Kind, err error) {
	n, err := lower(text, &env)
	if err != nil {
		return nil, cep.Nil, err
	}
	takes := kinds(0)
	for _, k := range of {
		takes |= setOf(k)
	}
	if takes == 0 {
		takes = kData
	}
	if n.typ.k != 0 && n.typ.k&takes == 0 {
		return nil, cep.Nil, &Error{Pos: n.pos, End: n.end, Msg: tick(text[n.pos:n.end]) + " is " + article(n.typ.k) + "; " + what + " is " + article(takes)}
	}
	if f, err = result(n, &env); err != nil {
		return nil, cep.Nil, internal(text, err)
	}
	if n.op == opField {
		f = asWritten(fieldValue(n), f)
	}
	return f, (n.typ.k & takes).only(), nil
}

// asWritten lets a number that is a field as it stands keep its digits: they are what it is
// called as a key. Other values are settled.
func asWritten(field, settled valueFunc) valueFunc {
	return func(s *cep.Scope) cep.Value {
		if v := field(s); v.Kind == cep.Number {
			return v
		}
		return settled(s)
	}
}

// OwnField gives the field of the current event that an expression, which compiles, is as
// it stands; ok is false if it is another.
func OwnField(text string, env Env) (f cep.FieldID, ok bool) {
	n, err := lower(text, &env)
	if err != nil {
		return 0, false
	}
	return n.own()
}

// Constant gives the value of an expression that reads nothing, params apart; ok is
// false if it is another. The error is an *Error.
func Constant(text string, env Env) (v cep.Value, ok bool, err error) {
	n, err := lower(text, &env)
	if err != nil {
		return cep.Value{}, false, err
	}
	v, ok = n.constant()
	return v, ok, nil
}
