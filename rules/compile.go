package rules

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"weir/cep"
	"weir/rules/expr"
	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

var rulesetKeys = source.Keys{
	Of:    "a ruleset",
	Known: []string{"params", "events", "features", "lists", "risk", "policy", "defaults", "rules"},
	Later: []string{"destinations", "routes"},
	Meant: rulesetWords,
	Apart: rulesetApart,
}

var defaultKeys = source.Keys{Of: "`defaults`", Known: []string{"within", "throttle"}, Meant: defaultWords, Apart: defaultApart}

// Load makes a ruleset of files and folders, see source.Read and Compile. It also
// reads the files that lists name.
func Load(paths []string) (*cep.Ruleset, error) {
	files, err := source.Read(paths)
	if err != nil {
		return nil, err
	}
	c, set := compileFiles(files, Given{ReadFile: os.ReadFile}, true)
	if err := c.Err(); err != nil {
		return nil, err
	}
	return set.Ruleset, nil
}

// compileFiles makes a ruleset of files, with what is given. all is whether there are
// no other files. Where c has errors, the rest must not be used.
func compileFiles(files []source.File, given Given, all bool) (c *compiler, set *Checked) {
	c = &compiler{
		schemas: schemas{}, params: params{}, override: given.Params, given: given, misdeclared: map[string]bool{},
		sources: map[string]bool{}, matched: map[string]*cep.Rule{}, circular: map[link]bool{},
	}
	c.unsure.all(!all)
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b source.File) int { return strings.Compare(a.Path, b.Path) })
	var parts []map[string]source.Entry
	for _, file := range files {
		before := c.Count()
		n, ok := c.Parse(file.Path, file.Text).Node()
		if !ok || n.Empty() {
			c.unsure.all(c.Count() > before)
			continue
		}
		part, _ := c.Record(n, "a ruleset", rulesetKeys)
		parts = append(parts, part)
		c.doubt(n)
	}
	c.readParams(parts)
	c.readDefaults(parts)
	c.readEvents(parts)
	c.declared = sortedKeys(c.schemas)
	lists := c.readLists(parts)
	features := c.readFeatures(parts)
	risks, policy := c.readRisks(parts), c.readPolicy(parts)
	c.derive()
	drafts := c.readRules(parts)
	c.readFormers(drafts)
	set = c.compile(drafts, features)
	set.Lists = lists
	set.decide(risks, policy, c.formers)
	c.layers(set)
	if c.Err() == nil {
		set.hindered = c.settleFormers(set, c.digests(set, drafts, features))
		c.markPersonal(set)
	}
	if c.Err() == nil && all {
		c.warnUnused(parts)
		c.warnReads(set)
		c.tellDerived(set)
		c.warnHolds(set)
		c.sortNotes()
	}
	return c, set
}

// findings reads the parts of a ruleset and gathers what is wrong with them.
type findings struct{ source.Findings }

// compiler makes a ruleset.
type compiler struct {
	findings
	schemas  schemas
	declared []string // names of the declared event types
	params   params
	override params // win over all of their name
	within   time.Duration
	throttle time.Duration
	onTypes  map[string]bool // event types that some rule is on
	ids      map[string]bool // of all rules

	given    Given
	features []expr.Feature  // by name
	lists    []expr.List     // by name
	named    []cep.NamedList // by name
	risks    []expr.Risk     // by name
	compiled []*Feature      // by name
	formers  []*formerDraft  // as given
	notes    []source.Diagnostic

	sources  map[string]bool      // ids of the rules whose matches others read
	matched  map[string]*cep.Rule // those that are compiled, by the type that their matches have
	circular map[link]bool        // those that close a circle, which has a finding

	unsure      unsure
	misdeclared map[string]bool // names whose declaration has a finding
}

// once reports a name that an earlier file or entry has already.
func (c *compiler) once(seen map[string]source.Place, e source.Entry, what string) bool {
	first, ok := seen[e.Name]
	if !ok {
		seen[e.Name] = e.Key.Place()
		return true
	}
	line, _ := first.Src.Position(first.From)
	c.Add(e.Key.Place(), source.CodeDuplicate, fmt.Sprintf("%s %s is there already", what, source.Tick(e.Name)), fmt.Sprintf("the first is in %s:%d", first.Src.Path, line))
	return false
}

func (c *compiler) readParams(parts []map[string]source.Entry) {
	seen := map[string]source.Place{}
	for _, part := range parts {
		e, ok := part["params"]
		if !ok {
			continue
		}
		var sure bool
		c.params, sure = c.findings.params(e.Value, c.params)
		c.unsure.params = c.unsure.params || !sure
		if e.Value.Is(yaml.MappingNode) {
			for _, p := range e.Value.Pairs() {
				if !c.once(seen, p, "the param") {
					c.params[p.Name] = cep.Value{} // either could be meant
				}
			}
		}
	}
	c.params = c.params.under(c.override)
}

func (c *compiler) readDefaults(parts []map[string]source.Entry) {
	seen := map[string]source.Place{}
	for _, part := range parts {
		e, ok := part["defaults"]
		if !ok {
			continue
		}
		r, _ := c.Record(e.Value, "`defaults`", defaultKeys)
		c.unsure.within = c.unsure.within || doubtful(e.Value, "within", defaultKeys)
		for _, name := range defaultKeys.Known {
			d, ok := r[name]
			if !ok || !c.once(seen, d, "the default") {
				continue
			}
			span, ok := c.duration(d.Value, source.Tick(name), c.params, !c.unsure.params, false)
			if name == "within" {
				c.within, c.unsure.within = span, c.unsure.within || !ok
			} else {
				c.throttle = span
			}
		}
	}
}

func (c *compiler) readEvents(parts []map[string]source.Entry) {
	entries, again, sure := c.catalog(parts, "events", "the event type", schemaKeys)
	c.unsure.types = c.unsure.types || !sure
	for _, e := range entries {
		if c.typeName(e.KeyText()) {
			c.schemas[e.Name] = c.schema(e)
		}
	}
	for _, e := range again {
		c.schemas[e.Name] = nil // either could be meant
	}
}

// readRules reads the rules of all files, by id.
func (c *compiler) readRules(parts []map[string]source.Entry) []*draft {
	var drafts []*draft
	for _, part := range parts {
		e, ok := part["rules"]
		if !ok || e.Value.Bad() {
			continue
		}
		if !e.Value.Is(yaml.SequenceNode) {
			c.Add(e.Value.Place(), source.CodeValue, "`rules` is a list of rules, not "+e.Value.Kind(), "begin each rule with `- id: `")
			c.unsure.rules = true
			continue
		}
		for _, n := range e.Value.Items() {
			if c.given.leaves("rule", idOf(n)) {
				continue
			}
			if d := c.draft(n); d != nil {
				drafts = append(drafts, d)
			} else {
				c.unsure.rules = true
			}
		}
	}
	seen := map[string]source.Place{}
	c.onTypes, c.ids = map[string]bool{}, map[string]bool{}
	for _, d := range drafts {
		if d.id.Value != "" {
			c.once(seen, source.Entry{Key: d.id.Node, Name: d.id.Value}, "the rule")
			c.ids[d.id.Value] = true
		}
		for _, t := range d.on {
			c.onTypes[t.Value] = true
		}
	}
	slices.SortStableFunc(drafts, func(a, b *draft) int { return cmp.Compare(a.id.Value, b.id.Value) })
	return drafts
}

// compile makes the ruleset of what was read. Disabled rules are checked like
// the others, with numbers of their own. A rule is compiled after those whose matches
// it reads.
func (c *compiler) compile(drafts []*draft, features []*featureDraft) *Checked {
	active, every := map[string]bool{}, map[string]bool{}
	for name := range c.schemas {
		active[name], every[name] = true, true
	}
	for _, d := range drafts {
		for _, t := range d.typeNames() {
			every[t] = true
			active[t] = active[t] || !d.disabled
		}
	}
	for _, d := range features {
		for _, t := range d.typeNames() {
			active[t], every[t] = true, true
		}
	}
	for _, x := range c.formers {
		if x.why == "" {
			for _, t := range x.draft.typeNames() {
				active[t] = true
			}
		}
	}
	for t, in := range active {
		if !in {
			delete(active, t)
		}
	}
	numbers, aside := newNumbering(active), newNumbering(every)
	set := &cep.Ruleset{Lists: c.named}
	c.compiled = c.compileFeatures(features, numbers)
	all := &Checked{Ruleset: set, Features: c.compiled}
	for _, f := range all.Features {
		set.Features = append(set.Features, f.Feature)
	}
	all.Rules = make([]*Rule, len(drafts))
	for _, i := range c.link(drafts) {
		if d := drafts[i]; d.disabled {
			all.Rules[i] = c.rule(d, aside)
		} else {
			all.Rules[i] = c.rule(d, numbers)
		}
	}
	for _, rule := range all.Rules {
		if !rule.Disabled {
			set.Rules = append(set.Rules, rule.Rule)
		}
	}
	c.compileFormers(numbers)
	for _, name := range numbers.types {
		t := cep.Type{Name: name, Alert: c.matched[name]}
		if s := c.schemas[name]; s != nil {
			t.Schema, t.Derived = s.Schema, c.derivedOf(name, numbers)
		}
		set.Types = append(set.Types, t)
	}
	set.Fields, set.Reads = numbers.fields, numbers.reads
	return all
}

// typeNames gives the event types that a rule names.
func (d *draft) typeNames() []string {
	var names []string
	for _, t := range d.on {
		names = append(names, t.Value)
	}
	for i := range d.define {
		names = append(names, d.define[i].typeNames()...)
	}
	return names
}
