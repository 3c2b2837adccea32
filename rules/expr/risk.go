package expr

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"weir/cep"
)

// Risk is a risk of the ruleset: its index in Env.Risks is its cep.RiskID.
type Risk struct {
	Name string
	Keys []string // what the parts of its key are called; nil: not known
}

// risk gives the number of the risk called name.
func (e *Env) risk(name string) (int, bool) {
	for i := range e.Risks {
		if e.Risks[i].Name == name {
			return i, true
		}
	}
	return 0, false
}

// riskNames lists the risks that can be read, for hints.
func (e *Env) riskNames() []string {
	var names []string
	for i := range e.Risks {
		if !e.Before && e.keyed(&e.Risks[i]) {
			names = append(names, e.Risks[i].Name)
		}
	}
	return names
}

// keyed reports whether the rule's key is that of a risk, as far as both are known.
func (e *Env) keyed(r *Risk) bool {
	return r.Keys == nil || e.Keys == nil || slices.Equal(r.Keys, e.Keys)
}

// risk resolves the name of a risk; nil if it is none.
func (l *lowering) risk(id *ast.IdentifierNode, props []ast.Node) *node {
	i, ok := l.env.risk(id.Value)
	if !ok {
		return nil
	}
	r := &l.env.Risks[i]
	switch {
	case l.env.Before:
		l.failAt(id, tick(r.Name)+" is a risk", "what is worked out before the rules run reads fields, lists and params, no risks")
	case !l.env.keyed(r):
		l.failAt(id, "the risk "+tick(r.Name)+" has the key "+keyNames(r.Keys)+", the rule has "+keyNames(l.env.Keys), l.otherKey(r))
	}
	return l.access(l.make(node{op: opRisk, index: i, name: r.Name, typ: numType}, id), props)
}

// otherKey says what to do where the key of a risk is not the rule's.
func (l *lowering) otherKey(r *Risk) string {
	if slices.Equal(slices.Sorted(slices.Values(r.Keys)), slices.Sorted(slices.Values(l.env.Keys))) {
		return "name the parts of both in the same order"
	}
	return "a risk lives with its key: it is read by rules of that key only"
}

// keyNames says what a key is called.
func keyNames(names []string) string {
	if len(names) == 1 {
		return tick(names[0])
	}
	return tick("[" + strings.Join(names, ", ") + "]")
}

// riskOf makes the closure of a risk.
func riskOf(n *node) valueFunc {
	id := cep.RiskID(n.index)
	return func(s *cep.Scope) cep.Value { return s.Risk(id) }
}
