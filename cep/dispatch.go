package cep

import (
	"maps"
	"math"
	"slices"

	"weir/cep/outcome"
	"weir/nfa"
)

// plan says for each event type which rules of a layer an event can touch and in
// which table their keys are. It is made once from a Ruleset and shared by the shards.
// What it has by rule is empty for rules of other layers.
type plan struct {
	rs     *Ruleset
	layer  int
	spaces []space
	home   []int32      // rule: its space; -1: it has none
	on     [][]bool     // rule, TypeID+1: whether the rule is on the type
	starts [][]nfa.Cond // rule: the names that a match can begin with
	offers [][]offer    // TypeID+1: one for each space with a rule on the type
	conds  int          // most conditions of a rule
	wide   *layout      // of restored events: a place for every field

	witnesses []witness // features whose latest events rules show
	witness   []int32   // by Ruleset.Features: its number among them, or -1

	actions []outcome.Action // rule
	heralds []*herald        // rule
	risks   [][]RiskID       // rule: those that it adds to

	timed     *scheme    // those that matches brought by time look at
	onTime    [][]ReadID // rule: what it looks at then
	wideReads *layout    // a place for every read
	keepRows  bool       // a match that comes later may look at what a captured event knows of features
}

// space is a set of keys: rules that read their key from the same fields in the
// same way share the keys and what is captured under them.
type space struct {
	fields []FieldID          // without repeats where byName is set
	byName bool               // each field gives a key of its own
	byType map[TypeID]FieldID // the field that holds the key; nil: fields do
	rules  []int32
	names  [][]string // of the key's parts, as rules name them
}

// offer is what an event of one type has to ask in one space.
type offer struct {
	space  int32
	key    []FieldID    // hold the key, unless each gives one of its own
	rules  []int32      // rules on the type
	scan   []int32      // those that may begin with any event of the type
	fields []fieldIndex // those that begin only where a field has some value
	since  *border      // behind which no rule sees an event
}

// fieldIndex leads from the value of a field to the rules that need it.
type fieldIndex struct {
	field FieldID
	texts map[string][]int32
	bits  map[uint64][]int32 // numbers
	truth [2][]int32         // false, true
}

func (x *fieldIndex) lookup(v *Value) []int32 {
	switch v.Kind {
	case Text:
		return x.texts[v.Text]
	case Number:
		return x.bits[numberBits(v)]
	case Bool:
		return x.truth[v.bits]
	}
	return nil
}

func (x *fieldIndex) post(v *Value, rule int32) {
	switch v.Kind {
	case Text:
		x.texts[v.Text] = postOnce(x.texts[v.Text], rule)
	case Number:
		x.bits[numberBits(v)] = postOnce(x.bits[numberBits(v)], rule)
	case Bool:
		x.truth[v.bits] = postOnce(x.truth[v.bits], rule)
	}
}

func postOnce(list []int32, rule int32) []int32 {
	if slices.Contains(list, rule) {
		return list
	}
	return append(list, rule)
}

// numberBits gives equal numbers equal bits: 0 and -0 are one.
func numberBits(v *Value) uint64 { return math.Float64bits(v.Number() + 0) }

// equal reports whether a field has the value of an Equality.
func equal(v, constant *Value) bool {
	if v.Kind != constant.Kind {
		return false
	}
	switch v.Kind {
	case Text:
		return v.Text == constant.Text
	case Number:
		return v.Number() == constant.Number()
	case Bool:
		return v.bits == constant.bits
	}
	return false
}

// parts is the number of parts of a key.
func (s *space) parts() int {
	if s.byName || s.byType != nil {
		return 1
	}
	return len(s.fields)
}

// keyOf says which fields hold the key in events of a type; false: they have none.
func (s *space) keyOf(t TypeID) ([]FieldID, bool) {
	if s.byType == nil {
		return s.fields, true
	}
	f, ok := s.byType[t]
	return []FieldID{f}, ok
}

// newPlan makes the plan of a layer. c and all, which heralds made, are those of the
// Ruleset, for all layers the same.
func newPlan(c *scheme, all []*herald, layer int, eager bool) *plan {
	rs := c.rs
	p := &plan{rs: rs, layer: layer, offers: make([][]offer, len(rs.Types)+1), wide: wideLayout(len(rs.Fields)), heralds: all}
	p.witnesses, p.witness = c.witnesses, c.witness
	n := len(rs.Rules)
	p.home, p.on, p.starts, p.onTime = make([]int32, n), make([][]bool, n), make([][]nfa.Cond, n), make([][]ReadID, n)
	p.actions, p.risks = make([]outcome.Action, n), make([][]RiskID, n)
	for i, r := range rs.Rules {
		p.home[i] = -1
		if r.Layer == layer {
			p.enter(r, int32(i))
		}
	}
	p.timed = newScheme(rs, func(f int) bool { return !eager && p.isTimed(f) }, false)
	p.wideReads = wideLayout(len(rs.Reads))
	for t := range p.offers {
		for s := range p.spaces {
			if o := p.offer(int32(s), t); len(o.rules) > 0 {
				o.since = p.sinceAll(o.rules)
				p.offers[t] = append(p.offers[t], o)
			}
		}
	}
	return p
}

// enter takes a rule of the layer in.
func (p *plan) enter(r *Rule, i int32) {
	p.on[i] = p.typesOf(r)
	p.home[i] = p.join(r, i)
	p.conds = max(p.conds, len(r.Conds))
	if r.Program != nil {
		p.starts[i] = r.Program.Starts()
		for was := range r.all {
			for _, id := range onTime(p.rs, was) {
				if !slices.Contains(p.onTime[i], id) {
					p.onTime[i] = append(p.onTime[i], id)
				}
			}
			p.keepRows = p.keepRows || r.Program.InOrder() && len(was.Outcome) > 0
		}
	}
	p.actions[i], _ = outcome.ParseAction(r.Action)
	if r.everShadow() {
		return
	}
	for id, risk := range p.rs.Risks {
		if slices.Equal(risk.Key, r.Key.Names) {
			p.risks[i] = append(p.risks[i], RiskID(id))
		}
	}
}

// isTimed reports whether a match brought by time looks at a feature.
func (p *plan) isTimed(feature int) bool {
	for _, reads := range p.onTime {
		for _, id := range reads {
			if p.rs.Reads[id].Feature == feature {
				return true
			}
		}
	}
	return false
}

// typesOf marks the types that a rule is on in a row indexed by TypeID+1. Matches of
// rules are no event types, and those of shadow rules are for shadow rules.
func (p *plan) typesOf(r *Rule) []bool {
	row := make([]bool, len(p.rs.Types)+1)
	for i := range row {
		row[i] = !r.asleep && (r.Types == nil || slices.Contains(r.Types, TypeID(i-1)))
		if i == 0 {
			continue
		}
		if of := p.rs.Types[i-1].Alert; of != nil {
			row[i] = row[i] && r.Types != nil && (r.Shadow || !of.Shadow)
		}
	}
	return row
}

// join puts a rule into the space of its key.
func (p *plan) join(r *Rule, rule int32) int32 {
	fields, byName := r.Key.Fields, len(r.Key.ByName) > 0
	if byName {
		fields = slices.Clone(r.Key.ByName)
		slices.Sort(fields)
		fields = slices.Compact(fields)
	}
	for i := range p.spaces {
		if s := &p.spaces[i]; s.byName == byName && slices.Equal(s.fields, fields) && maps.Equal(s.byType, r.Key.ByType) {
			s.rules = append(s.rules, rule)
			s.names = append(s.names, r.Key.Names)
			return int32(i)
		}
	}
	p.spaces = append(p.spaces, space{fields: fields, byName: byName, byType: r.Key.ByType, rules: []int32{rule}, names: [][]string{r.Key.Names}})
	return int32(len(p.spaces) - 1)
}

// offer builds the index of a space's rules for one type.
func (p *plan) offer(s int32, t int) offer {
	key, ok := p.spaces[s].keyOf(TypeID(t - 1))
	o := offer{space: s, key: key}
	if !ok {
		return o
	}
	type choice struct {
		rule   int32
		needed [][]Equality // for each name that can begin: what it may be found by
	}
	var choices []choice
	posted := map[Equality]int{} // how many names could be found by it
	for _, i := range p.spaces[s].rules {
		if !p.on[i][t] {
			continue
		}
		if r := p.rs.Rules[i]; r.WindowClose > 0 {
			if r.Hold > 0 {
				o.rules = append(o.rules, i)
			}
			continue
		}
		o.rules = append(o.rules, i)
		needed, begins := p.needed(i, TypeID(t-1))
		if !begins {
			continue
		}
		if slices.ContainsFunc(needed, func(es []Equality) bool { return len(es) == 0 }) {
			o.scan = append(o.scan, i)
			continue
		}
		choices = append(choices, choice{i, needed})
		for _, es := range needed {
			for _, e := range es {
				posted[plainEquality(e)]++
			}
		}
	}
	for _, c := range choices {
		for _, es := range c.needed {
			best := es[0]
			for _, e := range es[1:] {
				if posted[plainEquality(e)] < posted[plainEquality(best)] {
					best = e
				}
			}
			o.index(best.Field).post(&best.Value, c.rule)
		}
	}
	return o
}

// needed returns, for each name that can begin a match with an event of type t,
// the equalities that then hold; begins is false if there is no such name.
func (p *plan) needed(rule int32, t TypeID) (needed [][]Equality, begins bool) {
	whole := p.rs.Rules[rule]
	if whole.Drains && whole.until == nil {
		return nil, false
	}
	for r := range whole.all {
		needed = p.neededAs(r, p.starts[rule], t, needed)
	}
	return needed, len(needed) > 0
}

// neededAs adds to needed what a rule as it is, or was, needs.
func (p *plan) neededAs(r *Rule, starts []nfa.Cond, t TypeID, needed [][]Equality) [][]Equality {
	for _, c := range starts {
		cond := &r.Conds[c]
		if cond.Types != nil && !slices.Contains(cond.Types, t) {
			continue
		}
		es := slices.Clone(cond.Equals)
		if r.Where != nil {
			if r.Where.Types != nil && !slices.Contains(r.Where.Types, t) {
				continue
			}
			es = append(es, r.Where.Equals...)
		}
		es = slices.DeleteFunc(es, func(e Equality) bool {
			return e.Value.Kind != Text && e.Value.Kind != Number && e.Value.Kind != Bool
		})
		needed = append(needed, es)
	}
	return needed
}

// plainEquality leaves of e what tells it from others.
func plainEquality(e Equality) Equality {
	if e.Value.Kind == Number {
		e.Value = Value{Kind: Number, bits: numberBits(&e.Value)}
	}
	return e
}

// index returns the index of a field.
func (o *offer) index(f FieldID) *fieldIndex {
	for i := range o.fields {
		if o.fields[i].field == f {
			return &o.fields[i]
		}
	}
	o.fields = append(o.fields, fieldIndex{field: f, texts: map[string][]int32{}, bits: map[uint64][]int32{}})
	return &o.fields[len(o.fields)-1]
}
