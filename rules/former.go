package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"weir/cep"
	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

// Former is what a rule was under an earlier revision: events that came then, or open matches
// that drain, still ask for it. Nothing of it changes any more.
type Former struct {
	ID       string            `json:"id"`
	Revision int               `json:"revision"`
	Digest   string            `json:"digest"`            // of what it means
	Drain    bool              `json:"drain,omitempty"`   // its open matches go on under it; else under the next revision
	Text     string            `json:"text"`              // a file of rules: the rule, with the params and defaults of then
	Sources  map[string]string `json:"sources,omitempty"` // digests, then, of the rules whose matches it is on, by id
}

// mostFormers bounds what is kept of what a rule was. Of one that is edited more often while
// events that came before may still be matched, open matches are dropped.
const mostFormers = 8

// formers are what the rules were that p publishes, given what was published before.
func (p *Published) formers(before *Published, checked *Checked, asked *Asked) {
	if before == nil {
		return
	}
	var rules map[string]formerRule
	for _, id := range slices.Sorted(maps.Keys(before.Rules)) {
		was, now := before.Rules[id], p.Rules[id]
		kept := slices.DeleteFunc(slices.Clone(before.formersOf(id)), func(f Former) bool { return asked.Needed != nil && !asked.Needed(id, f.Revision) })
		if was.Digest != now.Digest && was.Digest != "" {
			if rules == nil {
				rules = before.formerRules()
			}
			kept = p.afterChange(kept, rules[id], before, id, checked.disables(id))
		}
		p.Former = append(p.Former, kept[max(0, len(kept)-mostFormers):]...)
	}
}

// afterChange is what is kept of what a rule was that means something else, or is gone.
func (p *Published) afterChange(kept []Former, rule formerRule, before *Published, id string, disabled bool) []Former {
	was, gone, mode := before.Rules[id], p.Rules[id].Digest == "", p.Changes[id].Mode
	if mode == cep.ModeReset || disabled || gone && mode != cep.ModeDrain || rule.text == "" {
		return nil
	}
	f := Former{ID: id, Revision: was.Revision, Digest: was.Digest, Drain: mode == cep.ModeDrain, Text: rule.text}
	for _, of := range rule.sources {
		if f.Sources == nil {
			f.Sources = map[string]string{}
		}
		f.Sources[of] = before.Rules[of].Digest
	}
	return append(kept, f)
}

// formersOf are those of a rule, by revision.
func (p *Published) formersOf(id string) []Former {
	var all []Former
	for _, f := range p.Former {
		if f.ID == id {
			all = append(all, f)
		}
	}
	return all
}

// disables says whether a rule is there and disabled.
func (c *Checked) disables(id string) bool {
	return slices.ContainsFunc(c.Rules, func(r *Rule) bool { return r.ID == id && r.Disabled })
}

// formerRule is a rule as a file of its own.
type formerRule struct {
	text    string
	sources []string // rules whose matches it is on
}

// formerRules makes of each rule a file of its own, with the params and defaults of the ruleset.
func (p *Published) formerRules() map[string]formerRule {
	var f findings
	shared := map[string]*yaml.Node{}
	var rules []source.Node
	for _, file := range p.sources() {
		root, ok := f.Parse(file.Path, file.Text).Node()
		if !ok || !root.Is(yaml.MappingNode) {
			continue
		}
		for _, e := range root.Pairs() {
			switch {
			case e.Name == "rules" && e.Value.Is(yaml.SequenceNode):
				rules = append(rules, e.Value.Items()...)
			case (e.Name == "params" || e.Name == "defaults") && e.Value.Is(yaml.MappingNode):
				if shared[e.Name] == nil {
					shared[e.Name] = &yaml.Node{Kind: yaml.MappingNode}
				}
				shared[e.Name].Content = append(shared[e.Name].Content, e.Value.YAML.Content...)
			}
		}
	}
	all := map[string]formerRule{}
	for _, n := range rules {
		d := f.draft(n)
		if d == nil {
			continue
		}
		x := formerRule{text: ownFile(n.YAML, shared)}
		for _, t := range d.sources() {
			of, _ := alertOf(t.Value)
			x.sources = append(x.sources, of)
		}
		all[d.id.Value] = x
	}
	return all
}

// ownFile writes a rule as a file with params and defaults.
func ownFile(rule *yaml.Node, shared map[string]*yaml.Node) string {
	name := func(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: s} }
	root := &yaml.Node{Kind: yaml.MappingNode}
	for _, key := range []string{"params", "defaults"} {
		if n := shared[key]; n != nil && len(n.Content) > 0 {
			root.Content = append(root.Content, name(key), n)
		}
	}
	root.Content = append(root.Content, name("rules"), &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{rule}})
	text, err := yaml.Marshal(root)
	if err != nil {
		return "" // what was read as YAML can be written; if not, matches are dropped
	}
	return string(text)
}

// formerDraft is what a rule was, in the surroundings of the rules of now.
type formerDraft struct {
	Former
	*compiler // with the params and defaults of then, and findings of its own
	draft     *draft
	about     *Rule
	why       string // why it cannot be asked for; empty: it can
}

// readFormers reads what rules were.
func (c *compiler) readFormers(drafts []*draft) {
	for _, f := range c.given.formers {
		x := &formerDraft{Former: f, compiler: c.aside()}
		c.formers = append(c.formers, x)
		root, ok := x.Parse("", f.Text).Node()
		if ok {
			part, _ := x.Record(root, "a ruleset", rulesetKeys)
			parts := []map[string]source.Entry{part}
			x.readParams(parts)
			x.readDefaults(parts)
			if e, has := part["rules"]; has && e.Value.Is(yaml.SequenceNode) && len(e.Value.Items()) == 1 {
				x.draft = x.compiler.draft(e.Value.Items()[0])
			}
		}
		x.why = x.unfit(drafts)
	}
}

// aside is a compiler in the same surroundings whose findings and notes are nobody's.
func (c *compiler) aside() *compiler {
	a := *c
	a.findings, a.notes, a.formers = findings{}, nil, nil
	a.params, a.within, a.throttle, a.unsure = params{}, 0, 0, unsure{}
	a.sources, a.matched = map[string]bool{}, map[string]*cep.Rule{}
	return &a
}

// unfit says why what a rule was cannot be compiled; empty: it may be.
func (x *formerDraft) unfit(drafts []*draft) string {
	if x.draft == nil || x.Err() != nil || x.draft.id.Value != x.ID || x.draft.disabled {
		return fmt.Sprintf("this weir does not read its revision %d any more", x.Revision)
	}
	runs := func(id string) bool {
		return slices.ContainsFunc(drafts, func(d *draft) bool { return d.id.Value == id && !d.disabled })
	}
	if !x.Drain && !runs(x.ID) {
		return "it is not there any more"
	}
	for _, t := range x.draft.sources() {
		if of, _ := alertOf(t.Value); !runs(of) {
			return fmt.Sprintf("it was on the matches of %s, which is not there any more", source.Tick(of))
		}
	}
	return ""
}

// compileFormers compiles what rules were, after all that are.
func (c *compiler) compileFormers(numbers *numbering) {
	for _, x := range c.formers {
		if x.why != "" {
			continue
		}
		x.features, x.lists, x.named, x.risks, x.compiled = c.features, c.lists, c.named, c.risks, c.compiled
		x.schemas, x.onTypes, x.ids = maps.Clone(c.schemas), c.onTypes, c.ids
		x.about = x.rule(x.draft, numbers)
		if err := x.Err(); err != nil {
			x.why = fmt.Sprintf("its revision %d cannot be compiled with what is there now: %s", x.Revision, source.ErrorsIn(x.All()[:1]))
			continue
		}
		x.about.Revision = x.Revision
		if x.Drain && x.about.Program == nil {
			x.why = "it has no open matches that could drain"
		}
	}
}

// settleFormers finds out which of what rules were means now what it meant then, and gives them to
// the rules that are. hindered has, by rule, why its open matches can be neither carried nor drained.
func (c *compiler) settleFormers(set *Checked, d *digester) (hindered map[string]string) {
	hindered = map[string]string{}
	byID := map[string][]*formerDraft{}
	for _, x := range c.formers {
		byID[x.ID] = append(byID[x.ID], x)
	}
	rules := slices.Clone(set.Ruleset.Rules)
	for _, id := range sortedKeys(byID) {
		i := slices.IndexFunc(set.Ruleset.Rules, func(r *cep.Rule) bool { return r.ID == id })
		var now *cep.Rule
		if i >= 0 {
			now = set.Ruleset.Rules[i]
		}
		all, why := c.chain(set, d, now, byID[id])
		rules = append(rules, all...)
		if why != "" {
			hindered[id] = why
		}
	}
	slices.SortStableFunc(rules, func(a, b *cep.Rule) int {
		return cmp.Or(strings.Compare(a.ID, b.ID), cmp.Compare(order(a), order(b)))
	})
	set.Ruleset.Rules = rules
	return hindered
}

// order puts the rules of one id that drain before the one that does not, by revision.
func order(r *cep.Rule) int {
	if r.Drains {
		return r.Revision
	}
	return 1 << 62
}

// chain gives a rule, nil if it is gone, and those of its id that drain, which it returns, what
// they were. why says why the last of all cannot be asked for; empty: it can.
func (c *compiler) chain(set *Checked, d *digester, now *cep.Rule, all []*formerDraft) (drains []*cep.Rule, why string) {
	base := -1
	if now != nil {
		base = now.Layer
	}
	into := now
	for i, x := range slices.Backward(all) {
		if x.why == "" {
			x.why = c.differs(set, d, x)
		}
		switch {
		case x.why != "":
		case x.Drain:
			if x.why = c.layerOf(set, x, base); x.why == "" {
				x.about.Drains = true
				into, drains = x.about.Rule, append(drains, x.about.Rule)
			}
		case into == nil:
			x.why = "what it was carried to is not there any more"
		default:
			if x.why = into.Hinders(x.about.Rule, set.Ruleset); x.why == "" {
				x.about.Layer = into.Layer
				into.Formers = slices.Insert(into.Formers, 0, x.about.Rule)
			}
		}
		if x.why != "" {
			into = nil // what was before it leads nowhere
			if i == len(all)-1 {
				why = x.why
			}
		}
	}
	return drains, why
}

// differs says why what a rule was does not mean now what it meant then; empty: it does.
func (c *compiler) differs(set *Checked, d *digester, x *formerDraft) string {
	for _, of := range sortedKeys(x.Sources) {
		if !c.knows(set, of, x.Sources[of]) {
			return fmt.Sprintf("it is on the matches of %s, which means something else", source.Tick(of))
		}
	}
	if x.about.Digest = d.former(x); x.about.Digest != x.Digest {
		return fmt.Sprintf("something that its revision %d reads means something else: a feature, a list, a risk or the type of a field", x.Revision)
	}
	return ""
}

// knows says whether a rule has a digest, or had it and what it was goes on into it; then it has
// been in shadow as it is now.
func (c *compiler) knows(set *Checked, id, digest string) bool {
	for _, r := range set.Ruleset.Rules {
		if r.ID != id {
			continue
		}
		if r.Digest == digest {
			return true
		}
		for _, x := range c.formers {
			if x.ID == id && x.Digest == digest && x.why == "" && !x.Drain && x.about != nil && x.about.Shadow == r.Shadow && r.Hinders(x.about.Rule, set.Ruleset) == "" {
				return true
			}
		}
	}
	return false
}

// layerOf puts a rule that drains into the layer of the rule of its id, base; -1: that is gone. It
// says why it cannot be there.
func (c *compiler) layerOf(set *Checked, x *formerDraft, base int) string {
	at := 0
	for _, r := range set.Rules {
		if slices.ContainsFunc(x.about.matchesOf, func(t source.Text) bool { return t.Value == AlertPrefix+r.ID }) {
			at = max(at, r.Layer+1)
		}
		if slices.ContainsFunc(x.about.Rule.Risks, func(id cep.RiskID) bool { return slices.Contains(r.Adds, set.Risks[id]) }) {
			at = max(at, r.Layer)
		}
	}
	x.about.Layer = max(at, base)
	for _, r := range set.Rules {
		reads := slices.ContainsFunc(r.Rule.Risks, func(id cep.RiskID) bool { return slices.Contains(x.about.Adds, set.Risks[id]) })
		if !r.Disabled && reads && r.Layer < x.about.Layer || base >= 0 && at > base {
			return "rules that read what it brings come before it now"
		}
	}
	return ""
}

// addsOf are the risks that a rule adds to, or did.
func (c *compiler) addsOf(r *Rule) []*Risk {
	all := slices.Clone(r.Adds)
	for _, was := range c.wasOf(r) {
		for _, risk := range was.Adds {
			if !slices.Contains(all, risk) {
				all = append(all, risk)
			}
		}
	}
	return all
}

// wasOf is what a rule was.
func (c *compiler) wasOf(r *Rule) (all []*Rule) {
	for _, x := range c.formers {
		if x.ID == r.ID && x.why == "" {
			all = append(all, x.about)
		}
	}
	return all
}
