package rules

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"weir/cep"
	"weir/nfa"
	"weir/rules/expr"
	"weir/rules/nearest"
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

	pattern     *nfa.Pattern // nil: it is not known
	patternText source.Text
	listsSure   bool // it is known which names are lists
	options     nfa.Options
	scopes      []*scope // by name of the pattern: of the events that it can be
	byName      bool     // the key is read from a field for each name

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
	r.about = &Rule{Rule: r.rule, Disabled: d.disabled, At: d.id}
	c.describe(d, r.about)
	r.ownParams()
	r.language()
	r.events = r.scopeOf(nil)
	if !d.all {
		for _, t := range d.on {
			r.rule.Types = append(r.rule.Types, numbers.typeIDs[t.Value])
			r.about.On = append(r.about.On, t.Value)
		}
	}
	r.timing()
	r.watch("pattern", r.parsePattern)
	r.watch("skip", func() { r.options.Skip, r.options.SkipVar = c.skip(d, r.rule.Names, r.pattern != nil) })
	r.watch("limit", func() { r.options.MaxOpen = c.limit(d) })
	r.definitions()
	keyed := r.watch("key", r.key)
	r.variables()
	r.conditions()
	r.outcome()
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
	r.watch("throttle", func() { r.rule.Throttle = r.span("throttle", r.throttle, true) })
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
		s.all, s.types = true, sortedKeys(r.schemas)
		s.loose = r.unsure.types
		return s
	}
	for _, t := range d.on {
		s.types = append(s.types, t.Value)
	}
	return s
}

// parsePattern reads the pattern. Where it is wrong, the names are those that it
// may have.
func (r *ruleCompiler) parsePattern() {
	d := r.draft
	for _, instead := range []string{"when", "window_close"} {
		if !d.at.Lacks(instead, ruleKeys) {
			r.guessNames("event") // what stands in place of a pattern is not built
			return
		}
	}
	e, ok := r.require(d, "pattern")
	if !ok {
		r.guessNames("")
		return
	}
	t, ok := r.Text(e.Value, "`pattern`")
	if !ok {
		r.guessNames("")
		return
	}
	p, err := nfa.Parse(t.Value, r.inPattern(1))
	r.listsSure = true
	if err != nil && r.doubtsParam(t.Value) {
		p, err = nfa.Parse(t.Value, r.inPattern(2))
		if err != nil {
			r.faulty["pattern"] = true
			r.guessNames(t.Value)
			return // perhaps because of the param, which has the finding
		}
	}
	if r.doubtsParam(t.Value) {
		r.listsSure = false
		r.faulty["pattern"] = true
	}
	if err != nil {
		r.nfaError(t, r.nearParam(t.Value, err), source.CodePattern)
		r.guessNames(t.Value)
		return
	}
	r.pattern, r.patternText = p, t
	r.rule.Names = p.Names()
}

// nearParam names the param that was meant in an error about one that there is not.
func (r *ruleCompiler) nearParam(pattern string, err error) error {
	e, ok := err.(*nfa.Error)
	if !ok {
		return err
	}
	name, ok := strings.CutPrefix(pattern[e.Pos:e.End], "$")
	if _, declared := r.params[name]; ok && !declared {
		e.Hint = nearest.DidYouMean(name, r.params.names(), e.Hint)
	}
	return e
}

// inPattern gives the values of params for a pattern; of one that is not known,
// what is good everywhere: a count and so many milliseconds.
func (r *ruleCompiler) inPattern(unknown int) func(name string) (nfa.Param, bool) {
	return func(name string) (nfa.Param, bool) {
		if r.knowsParam(name) {
			return r.params.inPattern(name)
		}
		return nfa.Param{IsCount: true, Count: unknown, IsSpan: true, Duration: time.Duration(unknown) * time.Millisecond}, true
	}
}

// knowsParam says whether all is known of a param: its value, or that there is
// none of its name.
func (r *ruleCompiler) knowsParam(name string) bool {
	v, ok := r.params[name]
	if !ok {
		return r.paramsSure
	}
	return v.Kind != cep.Nil
}

var paramInPattern = regexp.MustCompile(`\$([A-Za-z_]\w*)`)

// doubtsParam says whether a pattern reads a param that is not known.
func (r *ruleCompiler) doubtsParam(pattern string) bool {
	for _, m := range paramInPattern.FindAllStringSubmatch(pattern, -1) {
		if !r.knowsParam(m[1]) {
			return true
		}
	}
	return false
}

var nameInPattern = regexp.MustCompile(`\$?\b[A-Za-z_]\w*`)

// guessNames takes the names of a pattern that is not known from its words and
// from `define`.
func (r *ruleCompiler) guessNames(pattern string) {
	words := nameInPattern.FindAllString(pattern, -1)
	for i := range r.draft.define {
		words = append(words, r.draft.define[i].Name)
	}
	for _, w := range words {
		known := slices.ContainsFunc(r.rule.Names, func(n nfa.Name) bool { return n.Text == w })
		if !known && isName(w) && w != "until" && w != "within" {
			r.rule.Names = append(r.rule.Names, nfa.Name{Text: w, Captures: true})
		}
	}
	if _, ok := r.draft.entries["define"]; !ok || !r.draft.defineSure {
		r.anyName = r.anyName || pattern == ""
	}
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
	d := r.draft
	e, ok := d.entries["define"]
	if r.pattern != nil {
		e, ok = r.require(d, "define")
	}
	for _, n := range r.rule.Names {
		def := r.definition(n.Text)
		if def == nil {
			r.scopes = append(r.scopes, &scope{loose: true})
			if r.pattern != nil && ok && d.defineSure && e.Value.Lacks(n.Text, source.Keys{Known: r.names()}) {
				r.Add(r.nameAt(n), source.CodeMissing, fmt.Sprintf("%s has no entry in `define`", source.Tick(n.Text)), fmt.Sprintf("say what it is: `%s: CONDITION`", n.Text))
			}
			r.faulty["define"] = true
			continue
		}
		r.scopes = append(r.scopes, r.scopeOfDefinition(def))
	}
	if r.pattern == nil {
		return
	}
	for i := range d.define {
		def := &d.define[i]
		if slices.Contains(r.names(), def.Name) {
			continue
		}
		r.suspects[def.Name] = true
		if isName(def.Name) || def.sure {
			r.Add(def.Key.Place(), source.CodeName, fmt.Sprintf("the pattern has no name %s", source.Tick(def.Name)), nearest.DidYouMean(def.Name, r.names(), "use it in `pattern` or remove it"))
		}
	}
}

// scopeOfDefinition gives the events that a name can be.
func (r *ruleCompiler) scopeOfDefinition(d *definition) *scope {
	if !d.sure {
		return &scope{loose: true}
	}
	if r.draft.onSure {
		r.watch("define", func() { r.typesOf(d) })
	}
	return r.scopeOf(d.typeNames())
}

// typesOf checks the event types of a definition: the rule must be on them.
func (r *ruleCompiler) typesOf(d *definition) {
	at := make([]source.Place, 0, 1)
	if d.bare {
		at = append(at, d.Key.Place())
	}
	for _, t := range d.types {
		at = append(at, t.Place())
	}
	for i, t := range d.typeNames() {
		_, declared := r.schemas[t]
		hint := ""
		switch {
		case r.draft.all && (len(r.schemas) == 0 || declared || r.onTypes[t] || r.unsure.types):
			continue
		case r.draft.all:
			hint = nearest.DidYouMean(t, sortedKeys(r.schemas), "declare it under `events`, or name it in `on`")
			r.Add(at[i], source.CodeName, "there is no event type "+source.Tick(t), hint)
		case slices.ContainsFunc(r.draft.on, func(on source.Text) bool { return on.Value == t }):
			continue
		default:
			var on []string
			for _, t := range r.draft.on {
				on = append(on, t.Value)
			}
			if hint = nearest.DidYouMean(t, on, "add it to `on`"); d.bare {
				hint = fmt.Sprintf("without a type %s means the type of that name; write `%s: CONDITION`, or `%s: {type: T}`", source.Tick(d.Name), d.Name, d.Name)
			}
			r.Add(at[i], source.CodeName, fmt.Sprintf("the rule is not on the event type %s", source.Tick(t)), hint)
		}
	}
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
		case r.isFeature(n.Text):
			r.Add(r.nameAt(n), source.CodeName, source.Tick(n.Text)+" is a feature", "give the variable another name")
		default:
			continue
		}
		r.suspects[n.Text] = true
		r.faulty["define"] = true
	}
}

// program compiles the pattern with the options of the rule.
func (r *ruleCompiler) program() {
	if r.pattern == nil || r.draft.unsure("pattern") {
		return
	}
	o := r.options
	if !r.timed() {
		o.Within, o.Gap = math.MaxInt64, 0 // no bound is too long for what is not known
	}
	program, err := nfa.Compile(r.pattern, o)
	switch {
	case err != nil && !r.faulty["pattern"]:
		r.nfaError(r.patternText, err, source.CodePattern)
	case err == nil && r.timed():
		r.rule.Program = program
	}
}
