package rules

import (
	"fmt"
	"slices"
	"strings"

	"weir/cep"
	"weir/nfa"
	"weir/rules/expr"
	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

// ruleCompiler makes one rule.
type ruleCompiler struct {
	*compiler
	draft   *draft
	numbers *numbering
	rule    *cep.Rule
	about   *Rule
	params  params
	events  *scope // of the types that the rule is on

	pattern     *nfa.Pattern // nil: it has a finding
	patternText source.Text
	options     nfa.Options
	timed       bool     // the windows are known
	scopes      []*scope // by name of the pattern: of the events that it can be
	defined     bool     // every name of the pattern has a good definition
	keyed       bool     // the key is known
	byName      bool     // the key is read from a field for each name
}

// rule compiles a rule. Where it has findings, the result must not be used.
func (c *compiler) rule(d *draft, numbers *numbering) *Rule {
	r := &ruleCompiler{compiler: c, draft: d, numbers: numbers, params: c.params}
	r.rule = &cep.Rule{ID: d.id.Value, Revision: 1, Faults: &cep.FaultCount{}}
	r.about = &Rule{Rule: r.rule, Disabled: d.disabled, At: d.id}
	c.describe(d, r.about)
	if e, ok := d.entries["params"]; ok {
		r.params = c.findings.params(e.Value, c.params)
	}
	r.events = r.scopeOf(nil)
	if !d.all {
		for _, t := range d.on {
			r.rule.Types = append(r.rule.Types, numbers.typeIDs[t.Value])
		}
	}
	r.timing()
	r.parsePattern()
	r.options.Skip, r.options.SkipVar = c.skip(d, r.pattern)
	r.options.MaxOpen = c.limit(d)
	r.definitions()
	r.key()
	r.variables()
	r.conditions()
	r.outcome()
	r.program()
	r.about.Params, r.about.Pattern, r.about.Options = r.params, r.pattern, r.options
	if !d.all {
		for _, t := range d.on {
			r.about.On = append(r.about.On, t.Value)
		}
	}
	return r.about
}

// timing reads the windows of the rule and how its matches come out.
func (r *ruleCompiler) timing() {
	d, c := r.draft, r.compiler
	var within, gap bool
	r.rule.Throttle, _ = c.span(d, "throttle", r.params, c.throttle, true)
	r.options.Within, within = c.span(d, "within", r.params, c.within, true)
	r.options.Gap, gap = c.span(d, "gap", r.params, 0, false)
	r.timed = within && gap
	if e, ok := d.entries["gap"]; ok && r.timed && r.options.Within > 0 && r.options.Gap > r.options.Within {
		r.Add(e.Value.Place(), source.CodeValue, "`gap` is longer than `within`", "make it shorter: no bound may exceed the window of the rule, "+nfa.FormatDuration(r.options.Within))
		r.timed = false
	}
	r.options.InOrder = c.choice(d, "emit", emits, "at_once") == "in_order"
	r.options.Timeout = c.choice(d, "timeout", booleans, "false") == "true"
}

// scopeOf makes a scope of some types; nil: all that the rule is on.
func (r *ruleCompiler) scopeOf(types []string) *scope {
	s := &scope{schemas: r.schemas, numbers: r.numbers, types: types}
	if types != nil {
		return s
	}
	if r.draft.all {
		s.all, s.types = true, sortedKeys(r.schemas)
		return s
	}
	for _, t := range r.draft.on {
		s.types = append(s.types, t.Value)
	}
	return s
}

func (r *ruleCompiler) parsePattern() {
	if !r.draft.at.Lacks("when", ruleKeys) || !r.draft.at.Lacks("window_close", ruleKeys) {
		return // what stands in place of a pattern is not supported yet
	}
	e, ok := r.require(r.draft, "pattern")
	if !ok {
		return
	}
	t, ok := r.Text(e.Value, "`pattern`")
	if !ok {
		return
	}
	p, err := nfa.Parse(t.Value, r.params.inPattern)
	if err != nil {
		r.nfaError(t, err, source.CodePattern)
		return
	}
	r.pattern, r.patternText = p, t
	r.rule.Names = p.Names()
}

// nameAt gives the place of a name in the pattern.
func (r *ruleCompiler) nameAt(n nfa.Name) source.Place {
	return r.patternText.Part(n.Pos, n.Pos+len(n.Text))
}

// names gives the names of the pattern.
func (r *ruleCompiler) names() []string {
	var names []string
	for _, n := range r.rule.Names {
		names = append(names, n.Text)
	}
	return names
}

// definition gives the definition of a name of the pattern.
func (r *ruleCompiler) definition(name string) *definition {
	for i := range r.draft.define {
		if r.draft.define[i].Name == name {
			return &r.draft.define[i]
		}
	}
	return nil
}

// definitions checks that `define` says what each name of the pattern is.
func (r *ruleCompiler) definitions() {
	if r.pattern == nil {
		return
	}
	r.defined = true
	e, ok := r.require(r.draft, "define")
	if !ok {
		r.defined = false
		return
	}
	for _, n := range r.rule.Names {
		d := r.definition(n.Text)
		if d == nil {
			r.defined = false
			r.scopes = append(r.scopes, r.events)
			if e.Value.Is(yaml.MappingNode) && e.Value.Lacks(n.Text, source.Keys{Known: r.names()}) {
				r.Add(r.nameAt(n), source.CodeMissing, fmt.Sprintf("%s has no entry in `define`", source.Tick(n.Text)), fmt.Sprintf("say what it is: `%s: CONDITION`", n.Text))
			}
			continue
		}
		if d.bad || !r.typesOf(d) {
			r.defined = false
			r.scopes = append(r.scopes, r.events)
			continue
		}
		r.scopes = append(r.scopes, r.scopeOf(d.typeNames()))
	}
	for i := range r.draft.define {
		if d := &r.draft.define[i]; !slices.Contains(r.names(), d.Name) && (isName(d.Name) || !d.bad) {
			r.Add(d.Key.Place(), source.CodeName, fmt.Sprintf("the pattern has no name %s", source.Tick(d.Name)), source.DidYouMean(d.Name, r.names(), "use it in `pattern` or remove it"))
		}
	}
}

// typesOf checks the event types of a definition: the rule must be on them.
func (r *ruleCompiler) typesOf(d *definition) bool {
	if !r.draft.onGood {
		return false
	}
	at := make([]source.Place, 0, 1)
	if d.bare {
		at = append(at, d.Key.Place())
	}
	for _, t := range d.types {
		at = append(at, t.Place())
	}
	good := true
	for i, t := range d.typeNames() {
		hint := ""
		switch {
		case r.draft.all && (len(r.schemas) == 0 || r.schemas[t] != nil || r.onTypes[t]):
			continue
		case r.draft.all:
			hint = source.DidYouMean(t, sortedKeys(r.schemas), "declare it under `events`, or name it in `on`")
			r.Add(at[i], source.CodeName, "there is no event type "+source.Tick(t), hint)
		case slices.ContainsFunc(r.draft.on, func(on source.Text) bool { return on.Value == t }):
			continue
		default:
			var on []string
			for _, t := range r.draft.on {
				on = append(on, t.Value)
			}
			if hint = source.DidYouMean(t, on, "add it to `on`"); d.bare {
				hint = fmt.Sprintf("without a type %s means the type of that name; write `%s: CONDITION`, or `%s: {type: T}`", source.Tick(d.Name), d.Name, d.Name)
			}
			r.Add(at[i], source.CodeName, fmt.Sprintf("the rule is not on the event type %s", source.Tick(t)), hint)
		}
		good = false
	}
	return good
}

// variables checks that the names of the pattern mean nothing else.
func (r *ruleCompiler) variables() {
	if r.pattern == nil {
		return
	}
	for _, n := range r.rule.Names {
		switch {
		case expr.Reserved(n.Text):
			r.Add(r.nameAt(n), source.CodeName, source.Tick(n.Text)+" is a word of the language", "give the variable another name")
		case r.events.declares(n.Text):
			r.Add(r.nameAt(n), source.CodeName, fmt.Sprintf("%s is a field of the rule's events", source.Tick(n.Text)), "give the variable another name")
		case slices.Contains(r.rule.Key.Names, n.Text):
			r.Add(r.nameAt(n), source.CodeName, fmt.Sprintf("%s is the name of the key", source.Tick(n.Text)), "give the variable another name")
		default:
			continue
		}
		r.defined = false // expressions would say it again
	}
}

// env gives what an expression sees: with a current event, or without. what names
// it, for its errors while it runs.
func (r *ruleCompiler) env(what string, events *scope, current bool) expr.Env {
	faults := r.rule.Faults
	e := expr.Env{
		Fault: func(err error) { faults.Add(fmt.Errorf("%s: %w", what, err)) },

		Params: r.params, Keys: r.rule.Key.Names, KeyByName: r.byName, Current: current,
		Fields: events.field, FieldNames: events.names(), Aggregate: r.aggregate,
	}
	for i, n := range r.rule.Names {
		e.Vars = append(e.Vars, expr.Var{
			Name: n.Text, List: n.List, Empty: !n.Captures,
			Fields: r.scopes[i].field, FieldNames: r.scopes[i].names(),
		})
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

// failed reports what is wrong with an expression: what its compiler says, or
// fields that it reads and that have several types.
func (r *ruleCompiler) failed(t source.Text, err error, scopes ...*scope) {
	clashed := false
	for _, s := range append(scopes, r.scopes...) {
		for _, path := range s.clash {
			_, kinds, _ := s.info(path)
			at := wordIn(t.Value, path)
			r.Fault(t, at, at+len(path), source.CodeExpression, fmt.Sprintf("the field %s has two types: %s", source.Tick(path), kinds), "limit the variable to one event type with {type: T, where: CONDITION}")
			clashed = true
		}
		s.clash = nil
	}
	if err == nil || clashed {
		return
	}
	if e, ok := err.(*expr.Error); ok {
		r.Fault(t, e.Pos, e.End, source.CodeExpression, e.Msg, e.Hint)
		return
	}
	r.Add(t.Place(), source.CodeExpression, err.Error(), "")
}

// wordIn finds a path in an expression as a whole word; 0 if it is not there.
func wordIn(text, path string) int {
	for from := 0; ; {
		i := strings.Index(text[from:], path)
		if i < 0 {
			return 0
		}
		i += from
		before := i == 0 || !isName("a"+text[i-1:i])
		end := i + len(path)
		if before && (end == len(text) || !isName("a"+text[end:end+1])) {
			return i
		}
		from = i + 1
	}
}

// named reports whether conditions can see the key, good or not: where it is a
// field, they see that.
func (r *ruleCompiler) named() bool {
	e, ok := r.draft.entries["key"]
	return r.byName || !ok || !e.Value.Is(yaml.MappingNode)
}

// conditions compiles `where`, the definitions and `unless`.
func (r *ruleCompiler) conditions() {
	if !r.draft.onGood {
		return
	}
	if e, ok := r.draft.entries["where"]; ok {
		if t, ok := r.Text(e.Value, "`where`"); ok && (r.defined || r.pattern == nil) {
			env := r.env("where", r.events, true)
			env.NoMatch = true
			r.about.Where = &Expression{t, env}
			cond, err := expr.CompileCond(t.Value, env)
			r.failed(t, err, r.events)
			r.rule.Where = &cond
		}
	}
	if !r.defined || !r.named() {
		return
	}
	for i, n := range r.rule.Names {
		d := r.definition(n.Text)
		cond := cep.Cond{}
		def := Definition{Types: d.typeNames()}
		if d.where != nil {
			def.Where = &Expression{*d.where, r.env(n.Text, r.scopes[i], true)}
			var err error
			cond, err = expr.CompileCond(d.where.Value, def.Where.Env)
			r.failed(*d.where, err, r.scopes[i])
		}
		if def.Types != nil {
			cond.Types = r.numbers.ids(def.Types)
		}
		r.rule.Conds = append(r.rule.Conds, cond)
		r.about.Names = append(r.about.Names, def)
	}
	if e, ok := r.draft.entries["unless"]; ok {
		r.options.Unless = true
		if t, ok := r.Text(e.Value, "`unless`"); ok {
			r.about.Unless = &Expression{t, r.env("unless", r.events, true)}
			cond, err := expr.CompileCond(t.Value, r.about.Unless.Env)
			r.failed(t, err, r.events)
			r.rule.Conds = append(r.rule.Conds, cond)
		}
	}
}

// outcome compiles what is asked of a completed match and what it says.
func (r *ruleCompiler) outcome() {
	if r.pattern == nil || !r.defined || !r.keyed || !r.draft.onGood {
		return
	}
	r.having()
	if !r.measures() {
		return
	}
	if e, ok := r.draft.entries["score"]; ok {
		if t, ok := r.Text(e.Value, "`score`"); ok {
			r.about.Score = &Expression{t, r.env("score", r.events, false)}
			score, err := expr.CompileNumber(t.Value, r.about.Score.Env)
			r.failed(t, err)
			r.rule.Score = score
		}
	}
	if e, ok := r.draft.entries["message"]; ok {
		if t, ok := r.Text(e.Value, "`message`"); ok && r.whole(t) {
			r.about.Message = &Expression{t, r.env("message", r.events, false)}
			message, err := expr.CompileMessage(t.Value, r.about.Message.Env)
			r.failed(t, err)
			r.rule.Message = message
		}
	}
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

func (r *ruleCompiler) having() {
	e, ok := r.draft.entries["having"]
	if !ok {
		return
	}
	r.options.Having = true
	if t, ok := r.Text(e.Value, "`having`"); ok {
		r.about.Having = &Expression{t, r.env("having", r.events, false)}
		having, err := expr.CompileBool(t.Value, r.about.Having.Env)
		r.failed(t, err)
		r.rule.Having = having
	}
}

// measures compiles the measures in order: each sees those above it. It is false
// where one has a finding, so that what reads it is not blamed.
func (r *ruleCompiler) measures() bool {
	e, ok := r.draft.entries["measures"]
	if !ok {
		return true
	}
	entries, good := r.Entries(e.Value, "`measures`")
	good = good && len(entries) == len(e.Value.YAML.Content)/2
	for _, m := range entries {
		switch {
		case m.Value.Empty():
			r.NoValue(e.Value, m)
			good = false
			continue
		case !r.measureName(m):
			good = false
		}
		t, ok := r.Text(m.Value, "the measure "+source.Tick(m.Name))
		if !ok {
			good = false
			continue
		}
		measure := Expression{t, r.env(m.Name, r.events, false)}
		eval, err := expr.CompileValue(t.Value, measure.Env)
		r.about.Measures = append(r.about.Measures, measure)
		r.failed(t, err)
		r.rule.Measures = append(r.rule.Measures, cep.Measure{Name: m.Name, Eval: eval})
	}
	return good
}

// measureName checks that the name of a measure means nothing else.
func (r *ruleCompiler) measureName(m source.Entry) bool {
	msg, hint := "", "give the measure another name"
	switch {
	case !isName(m.Name):
		msg, hint = source.Tick(m.Name)+" is no name for a measure", nameForm
	case expr.Reserved(m.Name):
		msg = source.Tick(m.Name) + " is a word of the language"
	case slices.Contains(r.names(), m.Name):
		msg = source.Tick(m.Name) + " is a variable of the pattern"
	case slices.Contains(r.rule.Key.Names, m.Name):
		msg = source.Tick(m.Name) + " is the name of the key"
	default:
		return true
	}
	r.Add(m.Key.Place(), source.CodeName, msg, hint)
	return false
}

// program compiles the pattern with the options of the rule.
func (r *ruleCompiler) program() {
	if r.pattern == nil || !r.timed {
		return
	}
	program, err := nfa.Compile(r.pattern, r.options)
	if err != nil {
		r.nfaError(r.patternText, err, source.CodePattern)
		return
	}
	r.rule.Program = program
}
