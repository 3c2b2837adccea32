package rules

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

// What a rule or a feature means is what is written there, and what the names in it mean:
// params, fields of the types that it is on, features, lists, risks, and rules whose matches
// it reads. A digest is taken of the text as YAML reads it, and of what each word in it may
// be a name of. So it may differ where a word happens to be called like something that has
// changed, but never be the same where something that is read has changed.
//
// Left out is what tells people of a rule: its title, description and tags; the entries
// of lists, which are data; and which rules add to a risk.

// digester takes the digests of a ruleset.
type digester struct {
	*compiler
	set      *Checked
	drafts   map[string]*draft // by id
	rules    map[string]*Rule
	features map[string]*featureDraft
	lists    map[string]*List
	risks    map[string]*Risk
	taken    map[string]string // by what it is of
}

// untold are the keys of a rule that its digest leaves out, or has in another way.
var untold = []string{"id", "title", "description", "tags", "status", "params"}

// digests gives the rules and features of a set, which has no errors, their digests.
func (c *compiler) digests(set *Checked, drafts []*draft, features []*featureDraft) *digester {
	d := &digester{
		compiler: c, set: set, drafts: map[string]*draft{}, rules: map[string]*Rule{}, features: map[string]*featureDraft{},
		lists: map[string]*List{}, risks: map[string]*Risk{}, taken: map[string]string{},
	}
	for i, r := range drafts {
		d.drafts[r.id.Value], d.rules[r.id.Value] = r, set.Rules[i]
	}
	for _, f := range features {
		d.features[f.name.Name] = f
	}
	for _, l := range set.Lists {
		d.lists[l.Name] = l
	}
	for _, r := range set.Risks {
		d.risks[r.Name] = r
	}
	for _, r := range set.Rules {
		r.Digest = d.rule(r.ID)
	}
	for _, f := range set.Features {
		f.Digest = d.feature(f.Name)
	}
	return d
}

// once takes a digest of what write writes, the first time. Words that are called like what
// they stand in would lead back to it: there it is empty.
func (d *digester) once(of string, write func(m *meaning)) string {
	if sum, ok := d.taken[of]; ok {
		return sum
	}
	d.taken[of] = ""
	m := meaning{digester: d, words: map[string]bool{}}
	write(&m)
	sum := sha256.Sum256(m.b)
	d.taken[of] = hex.EncodeToString(sum[:])
	return d.taken[of]
}

// rule is the digest of a rule.
func (d *digester) rule(id string) string {
	return d.once("rule "+id, func(m *meaning) { m.ruleOf(d.drafts[id], d.rules[id]) })
}

// former is the digest of what a rule was.
func (d *digester) former(x *formerDraft) string {
	return d.once(fmt.Sprintf("rule %s, revision %d", x.ID, x.Revision), func(m *meaning) {
		m.sources = x.Sources
		m.ruleOf(x.draft, x.about)
	})
}

// ruleOf adds what a rule means.
func (m *meaning) ruleOf(draft *draft, r *Rule) {
	m.say("rule", fmt.Sprint(r.Shadow), fmt.Sprint(int64(r.Throttle)), fmt.Sprintf("%+v", r.Options))
	m.entries(draft.entries, untold)
	types := draft.typeNames()
	if draft.all {
		types = append(types, m.declared...)
	}
	m.mean(types, r.Params)
}

// feature is the digest of a feature.
func (d *digester) feature(name string) string {
	return d.once("feature "+name, func(m *meaning) {
		draft := d.features[name]
		m.say("feature")
		m.entries(draft.entries, nil)
		types := draft.typeNames()
		if draft.all {
			types = append(types, d.declared...)
		}
		m.mean(types, d.params)
	})
}

// derivedField is the digest of what a field of a type is derived by.
func (d *digester) derivedField(typ string, of *derived) string {
	return d.once("field "+typ+" "+of.Name, func(m *meaning) {
		m.say("field")
		m.text(of.text.Value)
		m.mean([]string{typ}, d.params)
	})
}

// meaning is what a digest is taken of.
type meaning struct {
	*digester
	b       []byte
	words   map[string]bool   // in the texts
	sources map[string]string // digests of rules in place of those that they have now
}

// say adds texts, each with its length.
func (m *meaning) say(texts ...string) {
	for _, s := range texts {
		m.b = fmt.Appendf(m.b, "%d:%s", len(s), s)
	}
}

// text adds a text whose words may be names.
func (m *meaning) text(s string) {
	m.say(s)
	for _, word := range wordsOf(s) {
		m.words[word] = true
	}
}

// wordsOf splits a text into words of letters, digits and `_`.
func wordsOf(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool {
		return r < 0x80 && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// entries adds entries by name, without some.
func (m *meaning) entries(entries map[string]source.Entry, without []string) {
	for _, name := range sortedKeys(entries) {
		if !slices.Contains(without, name) {
			m.say(name)
			m.node(entries[name].Value.YAML)
		}
	}
}

// node adds a value. Of a mapping the order is of no matter, nor is the style of a text.
func (m *meaning) node(n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		values := map[string]*yaml.Node{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			values[n.Content[i].Value] = n.Content[i+1]
		}
		m.say("mapping", fmt.Sprint(len(values)))
		for _, name := range sortedKeys(values) {
			m.text(name)
			m.node(values[name])
		}
	case yaml.SequenceNode:
		m.say("list", fmt.Sprint(len(n.Content)))
		for _, x := range n.Content {
			m.node(x)
		}
	default:
		m.text(n.Value)
	}
}

// mean adds what the words mean, where events of some types are read, and the matches of
// rules that are among these.
func (m *meaning) mean(types []string, params params) {
	for _, word := range sortedKeys(m.words) {
		if v, ok := params[word]; ok {
			m.say("param", word, v.Kind.String(), string(v.AppendJSON(nil)))
		}
		if _, ok := m.features[word]; ok {
			m.say("feature", word, m.feature(word))
		}
		if l, ok := m.lists[word]; ok {
			m.say("list", word, fmt.Sprintf("%+v", l.Spec))
		}
		if r, ok := m.risks[word]; ok {
			m.say("risk", word, strings.Join(r.Key, " "), r.Risk.HalfLife.String())
		}
	}
	types = slices.Clone(types)
	slices.Sort(types)
	for _, t := range slices.Compact(types) {
		if id, ok := strings.CutPrefix(t, AlertPrefix); ok {
			m.say("matches", t, cmp.Or(m.sources[id], m.rule(id)))
		} else {
			m.events(t)
		}
	}
}

// events adds what is read of events of a type.
func (m *meaning) events(typ string) {
	s := m.schemas[typ]
	if s == nil || s.Schema == nil {
		m.say("events", typ)
		return
	}
	m.say("declared", typ, s.Schema.Time, fmt.Sprint(s.Schema.Arrival), s.Schema.TimeUnit.String(), s.Schema.ID, s.Schema.Seq)
	for _, name := range sortedKeys(s.Schema.Fields) {
		if m.names(name) {
			m.say("field", name, s.Schema.Fields[name].String())
		}
	}
	for _, f := range s.derived {
		if m.names(f.Name) {
			m.say("derived", f.Name, m.derivedField(typ, f))
		}
	}
}

// names reports whether the texts may name a field: they have all words of its name.
func (m *meaning) names(field string) bool {
	for _, word := range wordsOf(field) {
		if !m.words[word] {
			return false
		}
	}
	return true
}
