package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"weir/cep"
	"weir/cep/feature"
	"weir/nfa"
	"weir/rules/expr"
	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

// Feature is a compiled feature with what the tools that speak of it need.
type Feature struct {
	*cep.Feature
	At     source.Text // its name
	On     []string    // event types; nil: all
	ByType []TypeField // of a key by event type: the field of each; else nil
	Value  source.Text // as it is written, like `sum(amount)`
	Where  *Expression // which events it counts; nil: all
	Of     string      // what its value is computed of; empty: of nothing
	Kind   cep.Kind    // of what it gives; Nil: any

	of *Expression // what its value is computed of: a part of Value; nil: of nothing
}

// TypeField is the field of an event type.
type TypeField struct{ Type, Field string }

var featureKeys = source.Keys{
	Of: "a feature",
	Known: []string{
		"on", "key", "value", "where", "over", "tumbling", "hopping", "session", "offset", "timezone",
		"exclude_current", "resolution", "approx",
	},
	Meant: featureWords,
	Apart: map[string]string{"lang": "the expressions of features are written in expr"},
	Form:  "write NAME: {on: TYPE, key: FIELD, value: count(), over: 1h}",
}

var hoppingKeys = source.Keys{Of: "`hopping`", Known: []string{"size", "every"}, Meant: hoppingWords}

// windows are the keys of which a feature has one.
var windows = []string{"over", "tumbling", "hopping", "session"}

const windowForms = "write over: 24h, tumbling: 1d, hopping: {size: 1h, every: 5m}, session: 30m, or over: forever"

// featureDraft is a feature as it was read, before its types are numbered and its
// expressions compiled.
type featureDraft struct {
	draft   // its entries, and the types that it is on
	name    source.Entry
	call    *valueCall // what is computed; nil: it is not known
	byType  []source.Entry
	keys    []string // what the parts of its key are called; nil: not known
	feature *Feature
	unsized bool // a length is not known
	sound   bool // it has no finding
}

// readFeatures reads the features of all files, by name.
func (c *compiler) readFeatures(parts []map[string]source.Entry) []*featureDraft {
	entries, again, sure := c.catalog(parts, "features", "the feature", featureKeys)
	c.unsure.names = c.unsure.names || !sure
	var drafts []*featureDraft
	for _, e := range entries {
		if !c.given.leaves("feature", e.Name) {
			drafts = append(drafts, c.featureDraft(e))
		}
	}
	for _, e := range again {
		c.misdeclared[e.Name] = true // either could be meant
	}
	slices.SortFunc(drafts, func(a, b *featureDraft) int { return cmp.Compare(a.name.Name, b.name.Name) })
	for _, d := range drafts {
		c.features = append(c.features, expr.Feature{Name: d.name.Name})
	}
	return drafts
}

// featureDraft reads what must be known of a feature before any is compiled.
func (c *compiler) featureDraft(e source.Entry) *featureDraft {
	before := c.Count()
	d := &featureDraft{draft: draft{at: e.Value}, name: e}
	d.feature = &Feature{Feature: &cep.Feature{Name: e.Name, Faults: &cep.FaultCount{}}, At: e.KeyText()}
	c.aggregateName(e, "feature")
	r, ok := c.Record(e.Value, "the feature "+source.Tick(e.Name), featureKeys)
	d.entries = r
	if ok {
		c.featureTypes(d)
		c.featureKey(d)
		c.featureValue(d)
		c.featureWindow(d)
	}
	d.sound = ok && c.Count() == before
	if !d.sound {
		c.misdeclared[e.Name] = true
	}
	return d
}

// need gives an entry that a feature must have.
func (c *compiler) need(d *featureDraft, name, hint string) (source.Entry, bool) {
	e, ok := d.entries[name]
	if !ok && d.at.Lacks(name, featureKeys) {
		c.Add(d.name.Key.Place(), source.CodeMissing, fmt.Sprintf("the feature %s has no `%s`", source.Tick(d.name.Name), name), hint)
	}
	return e, ok
}

// aggregateName checks that the name of a feature or risk (what) means nothing else.
func (c *compiler) aggregateName(e source.Entry, what string) {
	msg, hint := "", "give the "+what+" another name"
	switch {
	case !isName(e.Name):
		msg, hint = source.Tick(e.Name)+" is no name for a "+what, nameForm
	case expr.ReservedIn(expr.LangExpr, e.Name), expr.ReservedIn(expr.LangCEL, e.Name):
		msg = source.Tick(e.Name) + " is a word of the language"
	default:
		for _, t := range c.declared {
			if c.schemas[t] == nil {
				continue
			}
			if _, is := c.schemas[t].fields[e.Name]; is {
				msg = fmt.Sprintf("%s is a field of the event type %s", source.Tick(e.Name), source.Tick(t))
				break
			}
		}
	}
	if msg != "" {
		c.Add(e.Key.Place(), source.CodeName, msg, hint)
	}
}

// isFeature reports whether a name is that of a feature.
func (c *compiler) isFeature(name string) bool {
	return slices.ContainsFunc(c.features, func(f expr.Feature) bool { return f.Name == name })
}

// featureTypes reads the event types whose events a feature counts.
func (c *compiler) featureTypes(d *featureDraft) {
	e, ok := c.need(d, "on", "name the event types that it counts")
	if !ok {
		return
	}
	for _, n := range append(e.Value.Items(), e.Value) {
		if n.YAML.Kind == yaml.ScalarNode && strings.HasPrefix(n.YAML.Value, AlertPrefix) && !n.Bad() {
			c.Add(n.Place(), source.CodeValue, "a feature counts events, and "+source.Tick(n.YAML.Value)+" stands for the matches of a rule", "name event types")
			return
		}
	}
	d.all, d.on, d.onSure = c.eventTypes(e)
	for _, t := range d.on {
		d.feature.On = append(d.feature.On, t.Value)
	}
}

// WindowText is the window as it is written, like `over: 24h`.
func (f *Feature) WindowText() string {
	w := &f.Spec.Window
	size := nfa.FormatDuration(time.Duration(w.Size))
	switch w.Shape {
	case feature.Forever:
		return w.Shape.String()
	case feature.Hopping:
		return fmt.Sprintf("hopping: {size: %s, every: %s}", size, nfa.FormatDuration(time.Duration(w.Every)))
	}
	text := w.Shape.String() + ": " + size
	if f.Spec.Resolution > 0 {
		text += ", resolution: " + nfa.FormatDuration(time.Duration(f.Spec.Resolution))
	}
	return text
}

// featureWindow reads the window of a feature and what goes with it.
func (c *compiler) featureWindow(d *featureDraft) {
	s := &d.feature.Spec
	before := c.Count()
	var said []source.Entry
	for _, name := range windows {
		if e, ok := d.entries[name]; ok {
			said = append(said, e)
		}
	}
	switch {
	case len(said) > 1:
		c.Add(said[1].Key.Place(), source.CodeDuplicate, fmt.Sprintf("a feature has one window, and `%s` is one already", said[0].Name), "remove one of them: another window is another feature")
	case len(said) == 1:
		c.window(d, said[0])
	case !slices.ContainsFunc(windows, func(name string) bool { return !d.at.Lacks(name, featureKeys) }):
		c.Add(d.name.Key.Place(), source.CodeMissing, fmt.Sprintf("the feature %s has no window", source.Tick(d.name.Name)), windowForms)
	}
	s.Window.Offset = c.length(d, d.entries, "offset")
	s.Resolution = c.length(d, d.entries, "resolution")
	c.timezone(d)
	s.ExcludeCurrent = c.choice(&d.draft, "exclude_current", booleans, "false") == "true"
	s.Approx = c.choice(&d.draft, "approx", booleans, "false") == "true"
	if c.Count() == before && len(said) == 1 && d.call != nil && !d.unsized {
		c.specFaults(d)
	}
}

// window reads the one window of a feature.
func (c *compiler) window(d *featureDraft, e source.Entry) {
	w := &d.feature.Spec.Window
	switch e.Name {
	case "over":
		w.Shape = feature.Sliding
		if e.Value.YAML.Kind == yaml.ScalarNode && e.Value.YAML.Value == "forever" && !e.Value.Bad() {
			w.Shape = feature.Forever
			return
		}
	case "tumbling":
		w.Shape = feature.Tumbling
	case "session":
		w.Shape = feature.Session
	case "hopping":
		w.Shape = feature.Hopping
		c.hopping(d, e)
		return
	}
	if e.Value.Is(yaml.MappingNode) {
		c.Add(e.Value.Place(), source.CodeValue, source.Tick(e.Name)+" is a length, not a mapping", "write "+e.Name+": 1h")
		d.unsized = true
		return
	}
	w.Size = c.length(d, d.entries, e.Name)
}

// hopping reads {size, every}.
func (c *compiler) hopping(d *featureDraft, e source.Entry) {
	const form = "write hopping: {size: 1h, every: 5m}"
	if e.Value.YAML.Kind == yaml.ScalarNode && !e.Value.Bad() {
		c.Add(e.Value.Place(), source.CodeValue, "`hopping` says how long its windows are and how often one begins", form)
		return
	}
	r, ok := c.Record(e.Value, "`hopping`", hoppingKeys)
	for _, name := range hoppingKeys.Known {
		if _, said := r[name]; ok && !said && e.Value.Lacks(name, hoppingKeys) {
			c.Add(e.Key.Place(), source.CodeMissing, fmt.Sprintf("`hopping` has no `%s`", name), form)
		}
	}
	w := &d.feature.Spec.Window
	w.Size, w.Every = c.length(d, r, "size"), c.length(d, r, "every")
}

// length reads a duration in nanoseconds; 0: it is not there, or not known.
func (c *compiler) length(d *featureDraft, entries map[string]source.Entry, name string) int64 {
	e, ok := entries[name]
	if !ok {
		return 0
	}
	span, ok := c.duration(e.Value, source.Tick(name), c.params, !c.unsure.params, false)
	d.unsized = d.unsized || !ok // perhaps because of a param, which has the finding
	return int64(span)
}

// timezone reads the zone whose days are the windows.
func (c *compiler) timezone(d *featureDraft) {
	e, ok := d.entries["timezone"]
	if !ok {
		return
	}
	t, ok := c.Text(e.Value, "`timezone`")
	if !ok {
		return
	}
	zone, known := expr.Zone(t.Value)
	if !known {
		c.Add(t.Place(), source.CodeValue, source.Tick(t.Value)+" is no time zone", "write an IANA name like `Europe/Paris`, or `UTC`")
		return
	}
	d.feature.Spec.Window.Zone = zone
}

// specFaults reports what does not go together in a feature.
func (c *compiler) specFaults(d *featureDraft) {
	for _, f := range d.feature.Spec.Check() {
		at, msg := d.name.Key.Place(), f.Reason
		if e, ok := d.entries[f.Part]; ok {
			at, msg = e.Value.Place(), source.Tick(f.Part)+": "+msg
		} else if f.Part == "every" {
			at, msg = d.entries["hopping"].Value.Place(), "`every`: "+msg
		} else if f.Part == "q" {
			at = d.call.place(1)
		}
		c.Add(at, source.CodeValue, msg, "")
	}
}

// compileFeatures makes features of what was read. Where one has a finding, rules may
// read it all the same: it gives anything.
func (c *compiler) compileFeatures(drafts []*featureDraft, numbers *numbering) []*Feature {
	var list []*Feature
	for i, d := range drafts {
		before := c.Count()
		f := featureCompiler{c.outside(numbers, d.feature.Faults), d, d.feature}
		f.compile()
		c.undeclared(d.on)
		if d.sound = d.sound && c.Count() == before; d.sound {
			c.features[i].Kind, c.features[i].Keys = d.feature.Kind, d.keys
		} else {
			c.misdeclared[d.name.Name] = true
		}
		list = append(list, d.feature)
	}
	return list
}

// outside gives what compiles expressions that belong to no rule.
func (c *compiler) outside(numbers *numbering, faults *cep.FaultCount) *ruleCompiler {
	r := &ruleCompiler{
		compiler: c, numbers: numbers, rule: &cep.Rule{Faults: faults}, about: &Rule{},
		params: c.params, paramsSure: !c.unsure.params, listsSure: true, faulty: map[string]bool{}, suspects: map[string]bool{},
	}
	r.suspect()
	for name, v := range r.params {
		if v.Kind == cep.Nil {
			r.suspects["params."+name] = true
		}
	}
	return r
}

// suspect notes the names of the ruleset about which something is said already.
func (r *ruleCompiler) suspect() {
	for name := range r.misdeclared {
		r.suspects[name] = true
	}
	r.anyName, r.anyResult = r.unsure.names, r.unsure.names
}

// featureCompiler makes one feature.
type featureCompiler struct {
	*ruleCompiler
	draft   *featureDraft
	feature *Feature
}

func (f *featureCompiler) compile() {
	d := f.draft
	f.events = f.scopeFor(&d.draft)
	if !d.all {
		f.feature.Types = f.numbers.ids(f.feature.On)
	}
	f.keyOf()
	f.counted()
	f.computed()
}

// early gives what the expressions of a feature see.
func (f *featureCompiler) early(what string) expr.Env {
	env := f.env(what, f.events, true)
	env.Before = true
	return env
}

// counted compiles `where`.
func (f *featureCompiler) counted() {
	e, ok := f.draft.entries["where"]
	if !ok {
		return
	}
	t, ok := f.Text(e.Value, "`where`")
	if !ok {
		return
	}
	f.feature.Where = &Expression{Text: t, Env: f.early("where")}
	sound := f.compileParts(t, f.feature.Where.Env, func(text string, env expr.Env) (err error) {
		f.feature.Feature.Where, err = expr.CompileBool(text, env)
		return err
	}, f.events)
	if sound {
		f.warnNever(f.feature.Where, f.events)
		f.warnMissingIn(f.feature.Where, f.events)
	}
}

// computed compiles what the value is computed of.
func (f *featureCompiler) computed() {
	call := f.draft.call
	if call == nil {
		return
	}
	value := f.feature.Spec.Value
	f.feature.Kind = resultKind(value)
	if !takesField(value) {
		return
	}
	from, to := call.args[0][0], call.args[0][1]
	f.feature.Of = call.text.Value[from:to]
	f.feature.of = &Expression{Text: call.text, Env: f.early("value"), from: from, to: to}
	kind := cep.Nil
	f.ruleCompiler.compile(call.text, f.feature.of.Env, func(text string, env expr.Env) (err error) {
		f.feature.Feature.Value, kind, err = expr.CompileOf(text[from:to], env, "what "+value.String()+" takes", valueKinds(value)...)
		if field, ok := expr.OwnField(text[from:to], env); ok {
			f.feature.Feature.Field = 1 + field
		}
		return shifted(err, from)
	}, f.events)
	if f.feature.Kind == cep.Nil {
		f.feature.Kind = kind
	}
}

// shifted moves the place of an error in a part of a text that begins at from.
func shifted(err error, from int) error {
	if e, ok := err.(*expr.Error); ok {
		return &expr.Error{Pos: e.Pos + from, End: e.End + from, Msg: e.Msg, Hint: e.Hint}
	}
	return err
}
