package rules

import (
	"fmt"
	"slices"
	"strings"

	"weir/cep"
	"weir/rules/expr"
	"weir/rules/source"
)

// conditions compiles `where`, the definitions and `unless`.
func (r *ruleCompiler) conditions() {
	if r.form == byClose {
		return // there is no event
	}
	r.watch("where", r.where)
	if r.form == byWhen {
		r.watch("when", r.when)
		return
	}
	r.watch("define", func() {
		for i, n := range r.rule.Names {
			r.condition(i, r.definition(n.Text))
		}
		for i := range r.draft.define {
			d := &r.draft.define[i]
			if d.where != nil && !slices.Contains(r.names(), d.Name) {
				s := r.scopeOfDefinition(d)
				r.compileParts(*d.where, r.env(d.Name, s, true), compileAway, s)
			}
		}
	})
	r.watch("unless", r.unless)
}

// compileAway compiles a condition that no name of the pattern has.
func compileAway(text string, env expr.Env) error {
	_, err := expr.CompileCond(text, env)
	return err
}

func (r *ruleCompiler) where() {
	e, ok := r.draft.entries["where"]
	if !ok {
		return
	}
	t, ok := r.Text(e.Value, "`where`")
	if !ok {
		return
	}
	env := r.env("where", r.events, true)
	env.NoMatch = true
	r.about.Where = &Expression{Text: t, Env: env}
	r.rule.Where = &cep.Cond{}
	if r.compileCond(t, env, r.rule.Where, r.events) {
		r.possible(r.about.Where, r.events)
	}
}

// condition compiles the definition of the name with number i; nil: it has none.
func (r *ruleCompiler) condition(i int, d *definition) {
	def, cond := Definition{}, cep.Cond{}
	if d != nil {
		def.Types = d.typeNames()
	}
	if d != nil && d.where != nil {
		def.Where = &Expression{Text: *d.where, Env: r.env(d.Name, r.scopes[i], true)}
		if r.compileCond(*d.where, def.Where.Env, &cond, r.scopes[i]) && r.rule.Names[i].Captures {
			r.possible(def.Where, r.scopes[i])
		}
	}
	if def.Types != nil {
		cond.Types = r.numbers.ids(def.Types)
	}
	r.rule.Conds = append(r.rule.Conds, cond)
	r.about.Names = append(r.about.Names, def)
}

func (r *ruleCompiler) unless() {
	e, ok := r.draft.entries["unless"]
	if !ok {
		return
	}
	r.options.Unless = true
	t, ok := r.Text(e.Value, "`unless`")
	if !ok {
		return
	}
	cond := cep.Cond{}
	r.about.Unless = &Expression{Text: t, Env: r.env("unless", r.events, true)}
	r.compileCond(t, r.about.Unless.Env, &cond, r.events)
	r.rule.Conds = append(r.rule.Conds, cond)
}

// possible notes a sound condition that might never be true. events are those on
// which it is tried; nil: there is no current event.
func (r *ruleCompiler) possible(e *Expression, events *scope) {
	r.conditional = append(r.conditional, func() { r.warnNever(e, events) })
}

// warnNever warns where a condition can never be true.
func (r *ruleCompiler) warnNever(e *Expression, events *scope) {
	var types []string
	if events != nil && !events.loose && !events.all {
		types = events.types
	}
	if never, ok := expr.Never(e.Value, e.Env, types); ok {
		r.Warn(e.Part(never.Pos, never.End), source.CodeNever, "this can never be true: "+never.Why, "mend this part or remove it: as it is, nothing satisfies the condition")
	}
}

// outcome compiles what is asked of a completed match and what it says.
func (r *ruleCompiler) outcome() {
	if e, ok := r.draft.entries["measures"]; ok {
		for _, m := range e.Value.Pairs() {
			r.measureNames = append(r.measureNames, m.Name)
		}
	}
	r.watch("having", r.having)
	r.watch("measures", r.measures)
	r.watch("score", r.score)
	r.watch("message", r.message)
	r.closedReads()
}

func (r *ruleCompiler) having() {
	e, ok := r.draft.entries["having"]
	if !ok {
		return
	}
	r.options.Having = true
	t, ok := r.Text(e.Value, "`having`")
	if !ok {
		return
	}
	r.about.Having = &Expression{Text: t, Env: r.env("having", r.events, false)}
	sound := r.compileParts(t, r.about.Having.Env, func(text string, env expr.Env) (err error) {
		r.rule.Having, err = expr.CompileBool(text, env)
		return err
	})
	if sound {
		r.possible(r.about.Having, nil)
	}
}

// maxMeasures bounds the measures of a rule: each of them sees all above it.
const maxMeasures = 100

// measures compiles the measures in order: each sees those above it.
func (r *ruleCompiler) measures() {
	e, ok := r.draft.entries["measures"]
	if !ok {
		r.anyResult = r.anyResult || r.draft.unsure("measures")
		return
	}
	entries, ok := r.Entries(e.Value, "`measures`")
	r.anyResult = r.anyResult || !ok || len(entries) != len(e.Value.YAML.Content)/2
	if len(entries) > maxMeasures {
		r.Add(entries[maxMeasures].Key.Place(), source.CodeValue, fmt.Sprintf("a rule has at most %d measures, this one has %d", maxMeasures, len(entries)), "leave some out")
		entries, r.anyResult = entries[:maxMeasures], true
	}
	for _, m := range entries {
		measure, kind := cep.Measure{Name: m.Name}, cep.Nil
		if m.Value.Empty() {
			r.NoValue(e.Value, m)
			r.suspects[m.Name] = true
		} else if !r.measureName(m) {
			r.suspects[m.Name] = true
		}
		if t, ok := r.measureText(m); ok {
			env := r.env(m.Name, r.events, false)
			r.about.Measures = append(r.about.Measures, Expression{Text: t, Env: env})
			r.compile(t, env, func(text string, env expr.Env) (err error) {
				measure.Eval, kind, err = expr.CompileMeasure(text, env)
				return err
			})
		}
		r.rule.Measures = append(r.rule.Measures, measure)
		r.measureKinds = append(r.measureKinds, kind)
	}
}

func (r *ruleCompiler) measureText(m source.Entry) (source.Text, bool) {
	if m.Value.Empty() {
		return source.Text{}, false
	}
	return r.Text(m.Value, "the measure "+source.Tick(m.Name))
}

// measureName checks that the name of a measure means nothing else.
func (r *ruleCompiler) measureName(m source.Entry) bool {
	msg, hint := "", "give the measure another name"
	switch {
	case !isName(m.Name):
		msg, hint = source.Tick(m.Name)+" is no name for a measure", nameForm
	case expr.ReservedIn(r.lang, m.Name):
		msg = source.Tick(m.Name) + " is a word of the language"
	case r.pattern != nil && slices.Contains(r.names(), m.Name):
		msg = source.Tick(m.Name) + " is a variable of the pattern"
	case slices.Contains(r.rule.Key.Names, m.Name):
		msg = source.Tick(m.Name) + " is the name of the key"
	case r.isFeature(m.Name):
		msg = source.Tick(m.Name) + " is a feature"
	case r.isRisk(m.Name):
		msg = source.Tick(m.Name) + " is a risk"
	default:
		return true
	}
	r.Add(m.Key.Place(), source.CodeName, msg, hint)
	return false
}

func (r *ruleCompiler) score() {
	e, ok := r.draft.entries["score"]
	if !ok {
		return
	}
	t, ok := r.Text(e.Value, "`score`")
	if !ok {
		return
	}
	r.about.Score = &Expression{Text: t, Env: r.env("score", r.events, false)}
	r.compile(t, r.about.Score.Env, func(text string, env expr.Env) (err error) {
		r.rule.Score, err = expr.CompileNumber(text, env)
		return err
	})
}

func (r *ruleCompiler) message() {
	e, ok := r.draft.entries["message"]
	if !ok {
		return
	}
	t, ok := r.Text(e.Value, "`message`")
	if !ok || !r.whole(t) {
		return
	}
	r.about.Message = &Expression{Text: t, Env: r.env("message", r.events, false)}
	r.compileMessage(t, r.about.Message.Env)
}

// whole checks that no ` #` took a part with an expression away from a message,
// what is left of which is a good message too.
func (r *ruleCompiler) whole(t source.Text) bool {
	line, ok := t.Cut()
	if _, comment, _ := strings.Cut(line, " #"); !ok || !strings.Contains(comment, "{") {
		return true
	}
	r.Fault(t, 0, len(t.Value), source.CodeYAML, "the message ends before ` #`", "")
	return false
}

// env gives what an expression sees: with a current event, or without. what names
// it, for its errors while it runs.
func (r *ruleCompiler) env(what string, events *scope, current bool) expr.Env {
	faults := r.rule.Faults
	e := expr.Env{
		Lang:  r.lang,
		Fault: func(err error) { faults.Add(fmt.Errorf("%s: %w", what, err)) },

		Params: r.params, Keys: r.rule.Key.Names, KeyByName: r.byName, Current: current,
		Fields: events.field, FieldNames: events.names(), Aggregate: r.aggregate,
		Features: r.features, Own: r.owns(events, current), Lists: r.lists, Read: func(of expr.Read) cep.ReadID { return r.read(of, !current) },
		Risks: r.visibleRisks(), ReadRisk: r.readRisk,
	}
	if of, only := events.alerts(); only && current {
		e.Matches = of
	}
	for i, n := range r.rule.Names {
		v := expr.Var{
			Name: n.Text, List: n.List, Empty: !n.Captures,
			Fields: r.scopes[i].field, FieldNames: r.scopes[i].names(),
		}
		if r.suspects[n.Text] && events.declares(n.Text) {
			v.Name = "" // it is the field, where conditions are meant to read that
		}
		e.Vars = append(e.Vars, v)
	}
	if f := r.about.WindowClose; f != nil {
		e.Closed = f.Name
	}
	for _, m := range r.rule.Measures {
		e.Measures = append(e.Measures, m.Name)
	}
	return e
}

// aggregate numbers a field of a variable whose sum and the like are kept.
func (r *ruleCompiler) aggregate(v int, f cep.FieldID) int {
	a := cep.AggregateOf{Var: v, Field: f}
	if i := slices.Index(r.rule.Aggregates, a); i >= 0 {
		return i
	}
	r.rule.Aggregates = append(r.rule.Aggregates, a)
	return len(r.rule.Aggregates) - 1
}

// read numbers a read of a feature, and notes that the rule makes it.
func (r *ruleCompiler) read(of expr.Read, outcome bool) cep.ReadID {
	id := r.numbers.read(of)
	if !slices.Contains(r.rule.Reads, id) {
		r.rule.Reads = append(r.rule.Reads, id)
	}
	if outcome && !slices.Contains(r.rule.Outcome, id) {
		r.rule.Outcome = append(r.rule.Outcome, id)
	}
	return id
}
