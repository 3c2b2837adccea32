package trace

import (
	"slices"

	"weir/cep"
	"weir/nfa"
	"weir/rules"
	"weir/rules/expr"
)

// condition explains a condition of the rule: of a name of the pattern, `where`,
// `unless` or `having`.
type condition struct {
	name      string
	types     []string     // it holds on events of these alone; nil: of any
	ids       []cep.TypeID // of types
	byName    bool         // the key is read from field
	field     cep.FieldID  //
	fieldName string
	why       func(*cep.Scope) expr.Reason // nil: there is no expression
	captures  bool                         // it looks at captures
	number    uint64                       // of the event that known is about; 0: none
	known     finding
}

// whenName is what the condition of a rule without a pattern is called, havingName that
// which is asked of a match.
const (
	whenName   = "when"
	havingName = "having"
)

// finding is why a condition holds or does not.
type finding struct {
	holds bool
	types []string // the event is of none of them
	key   *string  // the key that the event has as the name; it is not the one traced
	parts []Part
}

// conditions makes the conditions of a rule by nfa.Cond, with that of `where` behind
// them. A rule that matches when a window ends has `having` alone.
func conditions(r *rules.Rule, set *cep.Ruleset) ([]*condition, error) {
	if r.WindowClose != nil {
		having := &condition{name: havingName, captures: true}
		return []*condition{having}, having.compile(r.Having)
	}
	var list []*condition
	for i, n := range r.Rule.Names {
		c := &condition{name: n.Text, types: r.Names[i].Types, ids: r.Conds[i].Types, captures: r.Conds[i].Captured != nil}
		if r.When != nil {
			c.name = whenName
		}
		if len(r.Key.ByName) > 0 {
			c.byName, c.field = true, r.Key.ByName[i]
			c.fieldName = set.Fields[c.field]
		}
		list = append(list, c)
	}
	if r.Program.Unless >= 0 {
		list = append(list, &condition{name: "unless", captures: r.Conds[r.Program.Unless].Captured != nil})
	}
	if r.Program.Having >= 0 {
		list = append(list, &condition{name: havingName, captures: true})
	}
	for i, c := range list {
		if err := c.compile(r.Cond(nfa.Cond(i))); err != nil {
			return nil, err
		}
	}
	where := &condition{name: "where"}
	return append(list, where), where.compile(r.Where)
}

func (c *condition) compile(e *rules.Expression) error {
	if e == nil {
		return nil
	}
	var err error
	c.why, err = expr.CompileWhy(e.Value, e.Env)
	return err
}

// find says whether c holds in a scope, and why.
func (c *condition) find(s *cep.Scope) finding {
	if c.captures || s.Event == nil {
		return c.look(s)
	}
	if c.number != s.Event.Place {
		c.number, c.known = s.Event.Place, c.look(s)
	}
	return c.known
}

func (c *condition) look(s *cep.Scope) finding {
	if s.Event != nil {
		if c.ids != nil && !slices.Contains(c.ids, s.Event.Type) {
			return finding{types: c.types}
		}
		if c.byName {
			if text, ok := s.Event.Field(c.field).KeyText(); !ok || text != s.Key[0] {
				return finding{key: &text}
			}
		}
	}
	if c.why == nil {
		return finding{holds: true}
	}
	r := c.why(s)
	f := finding{holds: r.Holds}
	for _, p := range r.Parts {
		part := Part{Text: p.Text, Value: p.Value}
		for _, o := range p.Operands {
			part.Values = append(part.Values, Value{o.Text, o.Value})
		}
		f.parts = append(f.parts, part)
	}
	return f
}

// kept are the events of a match that is no longer open, as conditions see them.
type kept [][]*cep.Event // by variable

// keep copies the events of a match, for a rule with so many names.
func keep(names int, captured []cep.Captured) kept {
	k := make(kept, names)
	for _, c := range captured {
		k[c.Var] = append(k[c.Var], c.Event.Clone())
	}
	return k
}

func (k kept) Len(v int) int { return len(k[v]) }

func (k kept) First(v int) *cep.Event {
	if len(k[v]) == 0 {
		return nil
	}
	return k[v][0]
}

func (k kept) Last(v int) *cep.Event {
	if len(k[v]) == 0 {
		return nil
	}
	return k[v][len(k[v])-1]
}

func (k kept) Append(dst []*cep.Event, v int) []*cep.Event { return append(dst, k[v]...) }

// Aggregate is not asked by what expr.CompileWhy makes.
func (k kept) Aggregate(int) cep.Aggregate { return cep.Aggregate{} }
