package rules

import (
	"time"

	"weir/cep"
	"weir/nfa"
	"weir/rules/expr"
	"weir/rules/source"
)

// ruleCompiler makes one rule.
type ruleCompiler struct {
	*compiler
	draft      *draft
	numbers    *numbering
	rule       *cep.Rule
	about      *Rule
	params     params
	paramsSure bool   // these are all
	events     *scope // of the types that the rule is on

	form        form
	pattern     *nfa.Pattern // nil: it is not known, or there is none
	patternText source.Text
	listsSure   bool // it is known which names are lists
	options     nfa.Options
	scopes      []*scope // by name of the pattern: of the events that it can be
	byName      bool     // the key is read from a field for each name

	measureNames []string   // all of them
	measureKinds []cep.Kind // of those compiled, by cep.Rule.Measures; Nil: any

	suspects    map[string]bool // names about which something is said already
	anyName     bool            // any name may mean something in conditions
	anyResult   bool            // and in what is asked of a match
	faulty      map[string]bool // keys of the rule with findings
	conditional []func()        // warnings about sound conditions
	noLang      bool            // what language its expressions are in is not known
	lang        expr.Lang
}

// rule compiles a rule. Where it has findings, the result must not be used.
func (c *compiler) rule(d *draft, numbers *numbering) *Rule {
	r := &ruleCompiler{compiler: c, draft: d, numbers: numbers, faulty: map[string]bool{}, suspects: map[string]bool{}}
	r.suspect()
	before := c.Count()
	r.rule = &cep.Rule{ID: d.id.Value, Revision: 1, Faults: &cep.FaultCount{}}
	r.about = &Rule{Rule: r.rule, Disabled: d.disabled, At: d.id, matchesOf: d.sources()}
	c.describe(d, r.about)
	r.ownParams()
	r.language()
	r.form = d.form()
	r.unfit()
	r.events = r.scopeOf(nil)
	if !d.all {
		for _, t := range d.on {
			r.rule.Types = append(r.rule.Types, numbers.typeIDs[t.Value])
			r.about.On = append(r.about.On, t.Value)
		}
	}
	r.watch("throttle", func() { r.rule.Throttle = r.span("throttle", r.throttle, true) })
	r.hold()
	switch r.form {
	case byPattern:
		r.timing()
		r.watch("pattern", r.parsePattern)
		r.watch("skip", func() { r.options.Skip, r.options.SkipVar = c.skip(d, r.rule.Names, r.pattern != nil) })
		r.watch("limit", func() { r.options.MaxOpen = c.limit(d) })
		r.definitions()
	case byWhen:
		r.capture()
	case byClose:
		r.watch("window_close", r.closing)
	}
	keyed := r.watch("key", r.key)
	r.watch("evidence", r.evidence)
	if r.form == byPattern {
		r.variables()
	}
	r.matchFields()
	r.conditions()
	r.outcome()
	r.matchType()
	r.watch("pattern", r.program)
	r.about.Params, r.about.Pattern, r.about.Options = r.params, r.pattern, r.options
	if keyed {
		for _, f := range r.rule.Key.ByName {
			r.about.KeyFields = append(r.about.KeyFields, numbers.fields[f])
		}
	}
	if !d.faulty && c.Count() == before {
		r.warnUnused()
	}
	r.warn()
	return r.about
}

// watch notes whether what reads a key of the rule finds something.
func (r *ruleCompiler) watch(key string, read func()) (sound bool) {
	before := r.Count()
	read()
	if r.Count() > before {
		r.faulty[key] = true
	}
	return r.sound(key)
}

// sound says whether keys of the rule have been read, or are not there.
func (r *ruleCompiler) sound(keys ...string) bool {
	for _, k := range keys {
		if r.faulty[k] || r.draft.unsure(k) {
			return false
		}
	}
	return true
}

func (r *ruleCompiler) ownParams() {
	r.params, r.paramsSure = r.compiler.params, !r.unsure.params && !r.draft.unsure("params")
	if e, ok := r.draft.entries["params"]; ok {
		var sure bool
		r.params, sure = r.findings.params(e.Value, r.params)
		r.params, r.paramsSure = r.params.under(r.override), r.paramsSure && sure
	}
	for name, v := range r.params {
		if v.Kind == cep.Nil {
			r.suspects["params."+name] = true
		}
	}
}

// language reads what the expressions of the rule are written in.
func (r *ruleCompiler) language() {
	sound := r.watch("lang", func() {
		if r.choice(r.draft, "lang", langs, "expr") == "cel" {
			r.lang = expr.LangCEL
		}
	})
	r.noLang = !sound
}

// timing reads the windows of the rule and how its matches come out.
func (r *ruleCompiler) timing() {
	d := r.draft
	r.watch("within", func() { r.options.Within = r.span("within", r.within, true) })
	r.watch("gap", func() { r.options.Gap = r.span("gap", 0, false) })
	if r.timed() && r.options.Within > 0 && r.options.Gap > r.options.Within {
		e := d.entries["gap"]
		r.Add(e.Value.Place(), source.CodeValue, "`gap` is longer than `within`", "make it shorter: no bound may exceed the window of the rule, "+nfa.FormatDuration(r.options.Within))
		r.faulty["gap"] = true
	}
	r.watch("emit", func() { r.options.InOrder = r.choice(d, "emit", emits, "at_once") == "in_order" })
	r.watch("timeout", func() { r.options.Timeout = r.choice(d, "timeout", booleans, "false") == "true" })
}

// timed says whether the windows of the rule are known.
func (r *ruleCompiler) timed() bool { return r.sound("within", "gap") }

// span reads a duration of a rule; a rule that says nothing has the default.
func (r *ruleCompiler) span(name string, otherwise time.Duration, none bool) time.Duration {
	e, ok := r.draft.entries[name]
	if !ok {
		r.faulty[name] = name == "within" && r.unsure.within
		return otherwise
	}
	d, ok := r.duration(e.Value, source.Tick(name), r.params, r.paramsSure, none)
	if !ok {
		r.faulty[name] = true // perhaps because of the param, which has the finding
	}
	return d
}

// scopeOf makes a scope of some types; nil: all that the rule is on.
func (r *ruleCompiler) scopeOf(types []string) *scope {
	if types == nil {
		return r.scopeFor(r.draft)
	}
	return &scope{schemas: r.schemas, numbers: r.numbers, types: types}
}

// scopeFor makes a scope of the types that a draft is on.
func (r *ruleCompiler) scopeFor(d *draft) *scope {
	s := &scope{schemas: r.schemas, numbers: r.numbers, loose: !d.onSure}
	if d.all {
		s.all, s.types = true, r.declared
		s.loose = r.unsure.types
		return s
	}
	for _, t := range d.on {
		s.types = append(s.types, t.Value)
	}
	return s
}
