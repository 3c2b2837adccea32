package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"weir/cep"
	"weir/cep/outcome"
	"weir/rules/expr"
	"weir/rules/nearest"
	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

// Risk is a risk of a ruleset with what the tools that speak of it need.
type Risk struct {
	cep.NamedRisk
	At source.Text // its name
}

var riskKeys = source.Keys{
	Of: "a risk", Known: []string{"key", "half_life"}, Meant: riskWords,
	Form: "write NAME: {key: FIELD, half_life: 24h}",
}

// readRisks reads the risks of all files, by name.
func (c *compiler) readRisks(parts []map[string]source.Entry) []*Risk {
	entries, again, sure := c.catalog(parts, "risk", "the risk", riskKeys)
	c.unsure.names = c.unsure.names || !sure
	var all []*Risk
	for _, e := range entries {
		all = append(all, c.risk(e))
	}
	for _, e := range again {
		c.misdeclared[e.Name] = true // either could be meant
	}
	slices.SortFunc(all, func(a, b *Risk) int { return cmp.Compare(a.Name, b.Name) })
	for _, r := range all {
		known := expr.Risk{Name: r.Name, Keys: r.Key}
		if c.misdeclared[r.Name] {
			known.Keys = nil
		}
		c.risks = append(c.risks, known)
	}
	return all
}

// risk reads a risk.
func (c *compiler) risk(e source.Entry) *Risk {
	before := c.Count()
	risk := &Risk{NamedRisk: cep.NamedRisk{Name: e.Name}, At: e.KeyText()}
	c.aggregateName(e, "risk")
	if c.isFeature(e.Name) {
		c.Add(e.Key.Place(), source.CodeName, source.Tick(e.Name)+" is a feature", "give the risk another name")
	}
	r, ok := c.Record(e.Value, "the risk "+source.Tick(e.Name), riskKeys)
	if ok {
		if key, ok := c.riskPart(e, r, "key", "name the key of the rules whose scores add up: the name of a field, or a list of names"); ok {
			risk.Key = c.riskKey(key)
		}
		if life, ok := c.riskPart(e, r, "half_life", "say in which time a score fades to half of it, like 24h"); ok {
			risk.Risk.HalfLife, _ = c.duration(life.Value, "`half_life`", c.params, !c.unsure.params, false)
		}
	}
	if c.Count() > before || risk.Risk.HalfLife == 0 { // perhaps because of a param, which has the finding
		c.misdeclared[e.Name] = true
	}
	return risk
}

// riskPart gives an entry that a risk must have.
func (c *compiler) riskPart(e source.Entry, r map[string]source.Entry, name, hint string) (source.Entry, bool) {
	part, ok := r[name]
	if !ok && e.Value.Lacks(name, riskKeys) {
		c.Add(e.Key.Place(), source.CodeMissing, fmt.Sprintf("the risk %s has no `%s`", source.Tick(e.Name), name), hint)
	}
	return part, ok
}

// riskKey reads how the key of the rules is called that a risk belongs to.
func (c *compiler) riskKey(e source.Entry) (names []string) {
	if e.Value.Is(yaml.MappingNode) {
		c.Add(e.Value.Place(), source.CodeValue, "the key of a risk is a name or a list of names, not a mapping", "of `key: {account: {in: to, out: from}}` in a rule the name is `account`")
		return nil
	}
	list, _ := c.List(e.Value, "`key`")
	for _, t := range list {
		switch {
		case !isFieldPath(t.Value):
			c.Add(t.Place(), source.CodeName, source.Tick(t.Value)+" is no name of a key", "a key is called like its field, or as NAME in {NAME: {VARIABLE: FIELD}} says")
		case slices.Contains(names, t.Value):
			c.Add(t.Place(), source.CodeDuplicate, fmt.Sprintf("the name %s stands twice in the key", source.Tick(t.Value)), "")
		default:
			names = append(names, t.Value)
		}
	}
	return names
}

// isRisk reports whether a name is that of a risk.
func (c *compiler) isRisk(name string) bool {
	return slices.ContainsFunc(c.risks, func(r expr.Risk) bool { return r.Name == name })
}

// matchFields refuses features and risks that are called like a field that every match
// has, where the rule reads matches: the name would mean both.
func (r *ruleCompiler) matchFields() {
	for _, t := range r.draft.sources() {
		for _, name := range sortedKeys(given) {
			what := ""
			switch {
			case r.isFeature(name):
				what = "feature"
			case r.isRisk(name):
				what = "risk"
			default:
				continue
			}
			r.Add(t.Place(), source.CodeName, fmt.Sprintf("each match has %s, and there is a %s of this name", article(name), what), "give the "+what+" another name")
		}
	}
}

// visibleRisks gives the risks as a rule's expressions see them: where its key is not
// known, none is that of another.
func (r *ruleCompiler) visibleRisks() []expr.Risk {
	if r.draft == nil || r.sound("key") {
		return r.risks
	}
	all := slices.Clone(r.risks)
	for i := range all {
		all[i].Keys = nil
	}
	return all
}

// readRisk notes that the rule reads a risk.
func (r *ruleCompiler) readRisk(id cep.RiskID) {
	if !slices.Contains(r.rule.Risks, id) {
		r.rule.Risks = append(r.rule.Risks, id)
	}
}

// warnRisk warns of a risk that nothing reads or nothing adds to, and notes that it
// looks back for ever.
func (c *compiler) warnRisk(risk *Risk, read bool, rules []*Rule) {
	name := source.Tick(risk.Name)
	var keys []string
	keyed, adds := false, false
	for _, r := range rules {
		keys = append(keys, keyText(r.Key.Names))
		if slices.Equal(r.Key.Names, risk.Key) {
			keyed, adds = true, adds || !r.Shadow
		}
	}
	warn := func(msg, hint string) { c.Warn(risk.At.Place(), source.CodeUnusedName, msg, hint) }
	switch key := keyText(risk.Key); {
	case !keyed:
		warn(fmt.Sprintf("no rule adds to the risk %s: none has the key %s", name, source.Tick(key)), nearest.DidYouMean(key, keys, "the rules whose key is called so add their scores, and read it"))
	case !adds:
		warn("no rule adds to the risk "+name+": all that have its key are in shadow", "make one of them active, or remove the risk")
	case !read:
		warn("nothing reads the risk "+name, "read it by its name in a rule of its key, or remove it")
	}
	c.noteForever(risk.At, "risk")
}

// decide gives a ruleset its risks and its policy.
func (set *Checked) decide(risks []*Risk, policy *outcome.Policy, formers []*formerDraft) {
	set.Risks = risks
	for _, risk := range risks {
		set.Ruleset.Risks = append(set.Ruleset.Risks, risk.NamedRisk)
	}
	if policy != nil {
		set.Ruleset.Policy = *policy
	}
	rules := slices.Clone(set.Rules)
	for _, x := range formers {
		if x.why == "" {
			rules = append(rules, x.about)
		}
	}
	for _, r := range rules {
		r.Policy = policy
		for _, risk := range risks {
			if slices.Equal(r.Key.Names, risk.Key) && !r.Shadow {
				r.Adds = append(r.Adds, risk)
			}
		}
	}
}

// keyText says what a key is called.
func keyText(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return "[" + strings.Join(names, ", ") + "]"
}
