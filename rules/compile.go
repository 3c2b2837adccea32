package rules

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"weir/cep"

	"go.yaml.in/yaml/v4"
)

// File is a file of a ruleset.
type File struct {
	Path string // as it stands in diagnostics
	Text string
}

var rulesetKeys = keys{
	of:    "a ruleset",
	known: []string{"params", "events", "defaults", "rules"},
	later: []string{"features", "lists", "risk", "policy", "destinations", "routes"},
}

var defaultKeys = keys{of: "`defaults`", known: []string{"within", "throttle"}}

// Compile makes a ruleset of files, which are read as one. It gives either a
// ruleset or an error of type Errors with all that is wrong.
func Compile(files []File) (*cep.Ruleset, error) {
	c := &compiler{schemas: schemas{}, params: params{}}
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	var parts []map[string]entry
	for _, file := range files {
		doc := c.parse(file.Path, file.Text)
		if doc.root == nil {
			continue
		}
		n := node{doc, doc.root}
		if n.empty() {
			continue
		}
		part, _ := c.record(n, "a ruleset", rulesetKeys)
		parts = append(parts, part)
	}
	c.readParams(parts)
	c.readDefaults(parts)
	c.readEvents(parts)
	drafts := c.readRules(parts)
	set := c.compile(drafts)
	if err := c.err(); err != nil {
		return nil, err
	}
	return set, nil
}

// compiler makes a ruleset.
type compiler struct {
	findings
	schemas  schemas
	params   params
	within   time.Duration
	throttle time.Duration
	onTypes  map[string]bool // event types that some rule is on
}

// once reports a name that an earlier file or entry has already.
func (c *compiler) once(seen map[string]place, e entry, what string) bool {
	first, ok := seen[e.name]
	if !ok {
		seen[e.name] = e.key.place()
		return true
	}
	line, _ := first.src.position(first.from)
	c.add(e.key.place(), CodeDuplicate, sprintf("%s %s is there already", what, tick(e.name)), sprintf("the first is in %s:%d", first.src.path, line))
	return false
}

func (c *compiler) readParams(parts []map[string]entry) {
	seen := map[string]place{}
	for _, part := range parts {
		e, ok := part["params"]
		if !ok {
			continue
		}
		c.params = c.findings.params(e.value, c.params)
		if e.value.is(yaml.MappingNode) {
			for _, p := range e.value.pairs() {
				c.once(seen, p, "the param")
			}
		}
	}
}

func (c *compiler) readDefaults(parts []map[string]entry) {
	seen := map[string]place{}
	for _, part := range parts {
		e, ok := part["defaults"]
		if !ok {
			continue
		}
		r, _ := c.record(e.value, "`defaults`", defaultKeys)
		for _, name := range defaultKeys.known {
			d, ok := r[name]
			if !ok || !c.once(seen, d, "the default") {
				continue
			}
			span, _ := c.duration(d.value, tick(name), c.params, false)
			if name == "within" {
				c.within = span
			} else {
				c.throttle = span
			}
		}
	}
}

func (c *compiler) readEvents(parts []map[string]entry) {
	seen := map[string]place{}
	for _, part := range parts {
		e, ok := part["events"]
		if !ok {
			continue
		}
		entries, _ := c.entries(e.value, "`events`")
		for _, e := range entries {
			if !c.once(seen, e, "the event type") || !c.typeName(text{e.key, e.name}) {
				continue
			}
			if s, ok := c.schema(e); ok {
				c.schemas[e.name] = s
			}
		}
	}
}

// readRules reads the rules of all files, by id.
func (c *compiler) readRules(parts []map[string]entry) []*draft {
	var drafts []*draft
	for _, part := range parts {
		e, ok := part["rules"]
		if !ok || e.value.doc.bad[e.value.n] {
			continue
		}
		if !e.value.is(yaml.SequenceNode) {
			c.add(e.value.place(), CodeValue, "`rules` is a list of rules, not "+e.value.kind(), "begin each rule with `- id: `")
			continue
		}
		for _, n := range e.value.n.Content {
			if d := c.draft(node{e.value.doc, n}); d != nil {
				drafts = append(drafts, d)
			}
		}
	}
	seen := map[string]place{}
	c.onTypes = map[string]bool{}
	for _, d := range drafts {
		if d.id.value != "" {
			c.once(seen, entry{key: d.id.node, name: d.id.value}, "the rule")
		}
		for _, t := range d.on {
			c.onTypes[t.value] = true
		}
	}
	slices.SortStableFunc(drafts, func(a, b *draft) int { return cmp.Compare(a.id.value, b.id.value) })
	return drafts
}

// compile makes the ruleset of what was read. Disabled rules are checked like
// the others, with numbers of their own.
func (c *compiler) compile(drafts []*draft) *cep.Ruleset {
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
	for t, in := range active {
		if !in {
			delete(active, t)
		}
	}
	numbers, aside := newNumbering(active), newNumbering(every)
	set := &cep.Ruleset{}
	for _, d := range drafts {
		if d.disabled {
			c.rule(d, aside)
			continue
		}
		set.Rules = append(set.Rules, c.rule(d, numbers))
	}
	for _, t := range numbers.types {
		set.Types = append(set.Types, cep.Type{Name: t, Schema: c.schemas[t]})
	}
	set.Fields = numbers.fields
	return set
}

// typeNames gives the event types that a rule names.
func (d *draft) typeNames() []string {
	var names []string
	for _, t := range d.on {
		names = append(names, t.value)
	}
	for i := range d.define {
		names = append(names, d.define[i].typeNames()...)
	}
	return names
}
