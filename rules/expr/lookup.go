package expr

import (
	"fmt"
	"strings"

	"github.com/expr-lang/expr/ast"

	"weir/cep"
	"weir/cep/list"
)

// List is a list of the ruleset.
type List struct {
	Name string
	Spec list.Spec
	ID   cep.ListID
}

// Lookups are the functions that look into lists.
var lookups = map[string]string{
	"in_list":    `in_list("blocked", card_id)`,
	"list_value": `list_value("rates", currency, 1)`,
}

// listNames lists the lists, for hints.
func (e *Env) listNames() []string {
	var names []string
	for i := range e.Lists {
		names = append(names, e.Lists[i].Name)
	}
	return names
}

// lookup lowers in_list(name, value) and list_value(name, key, default?).
func (l *lowering) lookup(name string, n *node) *node {
	switch {
	case name == "in_list" && len(n.args) != 2:
		l.arguments(n, name, "2", len(n.args))
	case len(n.args) < 2 || len(n.args) > 3:
		l.arguments(n, name, "2 or 3", len(n.args))
	}
	of := l.listOf(name, n.args[0])
	key := n.args[1]
	want, what := kText, "the list "+tick(of.Name)+" holds "
	switch of.Spec.Type {
	case list.Number:
		want, what = kNumber, what+"numbers"
	case list.CIDR:
		what += "prefixes, and what is looked for in it is text"
	default:
		what += "text"
	}
	if key.typ.k != 0 && key.typ.k&want == 0 {
		hint := ""
		if want == kText && key.typ.k&(kNumber|kBool) != 0 {
			hint = "write string(" + l.source(key) + ")"
		} else if want == kNumber && key.typ.k == kText {
			hint = "write float(" + l.source(key) + ")"
		}
		l.fail(key, l.is(key)+"; "+what, hint)
	}
	l.address(of, key)
	n.op, n.name, n.list, n.typ = opLookup, name, of, boolType
	n.args = n.args[1:]
	if name == "list_value" {
		l.lookupValue(of, n)
	}
	return n
}

// listOf gives the list that the first argument names.
func (l *lowering) listOf(name string, first *node) *List {
	v, ok := first.constant()
	if !ok || v.Kind != cep.Text || first.param {
		hint := "write its name as it is, as in " + lookups[name]
		l.fail(first, "the name of a list is a text that stands there", hint)
	}
	for i := range l.env.Lists {
		if l.env.Lists[i].Name == v.Text {
			return &l.env.Lists[i]
		}
	}
	hint := didYouMean(v.Text, l.env.listNames())
	if hint == "" {
		hint = "declare it under `lists`"
	}
	l.fail(first, "there is no list "+tick(v.Text), hint)
	return nil
}

// address refuses a constant that is no address, where addresses are looked for.
func (l *lowering) address(of *List, key *node) {
	v, ok := key.constant()
	if !ok || v.Kind != cep.Text || of.Spec.Type != list.CIDR {
		return
	}
	if p, err := list.ParsePrefix(v.Text); err != nil || !p.IsSingleIP() {
		l.fail(key, tick(v.Text)+" is no IP address", "what is looked for in a list of prefixes is an address, like 192.0.2.7")
	}
}

// lookupValue gives list_value its type, and checks the default.
func (l *lowering) lookupValue(of *List, n *node) {
	kind := listKind(of.Spec.Value)
	if kind == cep.Nil {
		l.fail(n, fmt.Sprintf("the list %s has no values", tick(of.Name)), "ask in_list, or declare their type: `value: number`")
	}
	n.typ = typ{k: setOf(kind)}
	if len(n.args) == 1 {
		return
	}
	other := n.args[1]
	if other.typ.k != 0 && other.typ.k&setOf(kind) == 0 {
		l.fail(other, fmt.Sprintf("%s; the values of the list %s are %ss", l.is(other), tick(of.Name), n.typ.k), "")
	}
}

// listKind is the kind of the values of a list.
func listKind(k list.Kind) cep.Kind {
	switch k {
	case list.String:
		return cep.Text
	case list.Number:
		return cep.Number
	case list.Bool:
		return cep.Bool
	}
	return cep.Nil
}

// look is what a lookup of a key gives; other is the default.
func (n *node) look(s *cep.Scope, key, other cep.Value) cep.Value {
	if n.list.Spec.Type == list.String && key.Kind != cep.Text { // a key is its text
		if text, ok := key.KeyText(); ok {
			key = cep.TextValue(text)
		}
	}
	v, there := cep.Value{}, false
	known := n.list.takes(key.Kind)
	if known {
		v, there = s.Find(n.list.ID, &key)
	}
	switch {
	case n.name == "in_list" && known:
		return cep.BoolValue(there)
	case n.name == "in_list":
		return cep.Value{}
	case v.Kind == cep.Nil && other.Kind == listKind(n.list.Spec.Value):
		return other
	}
	return v
}

// takes reports whether a value of kind k can be looked up in the list.
func (of *List) takes(k cep.Kind) bool {
	if of.Spec.Type == list.Number {
		return k == cep.Number
	}
	return k == cep.Text
}

// lookupOf makes the closure of a lookup.
func lookupOf(n *node) valueFunc {
	fs := values(n.args)
	if fs == nil {
		return nil
	}
	if len(fs) == 1 {
		key := fs[0]
		return func(s *cep.Scope) cep.Value { return n.look(s, key(s), cep.Value{}) }
	}
	key, other := fs[0], fs[1]
	return func(s *cep.Scope) cep.Value { return n.look(s, key(s), other(s)) }
}

// cidrContains is cidr_contains(cidr, ip).
func cidrContains(cidr, ip cep.Value) cep.Value {
	in, ok := list.CIDRContains(cidr.Text, ip.Text)
	if !ok {
		return cep.Value{}
	}
	return cep.BoolValue(in)
}

// network refuses a constant prefix that is none.
func (l *lowering) network(n *node) {
	if len(n.args) == 0 {
		return
	}
	v, ok := n.args[0].constant()
	if !ok || v.Kind != cep.Text {
		return
	}
	if _, err := list.ParsePrefix(v.Text); err != nil {
		msg, hint, _ := strings.Cut(err.Error(), ": ")
		l.fail(n.args[0], msg, hint)
	}
}

// lookup writes a lookup for the machine. What is looked for comes from its closure,
// if it has one: the digits of a number are what it is called in a list of texts, and
// the machine has none.
func (w *writer) lookup(n *node) ast.Node {
	args := append([]ast.Node{&ast.IdentifierNode{Value: "$env"}}, w.all(n.args)...)
	find, direct := closure(n.args[0])
	if direct {
		args[1] = &ast.NilNode{}
	}
	return w.call(func(args []any) (any, error) {
		var key, other cep.Value
		s := args[0].(*cep.Scope)
		if direct {
			key = find(s)
		} else {
			key = scalar(args[1])
		}
		if len(args) == 3 {
			other = value(args[2])
		}
		return native(n.look(s, key, other)), nil
	}, args...)
}
