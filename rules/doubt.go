package rules

import (
	"go.yaml.in/yaml/v4"

	"weir/rules/source"
)

// A mistake is found once: what only follows from it is not said. So where a part
// has a finding, what depends on it is checked as if it could be anything, and
// the rest as always. The types here say what that is.

// unsure says of which names of a ruleset there may be more than were read, and
// whether there may be a default that was not.
type unsure struct {
	types, params, lists, within bool
	names                        bool // features, risks
	rules                        bool
}

// all notes that a file says nobody knows what.
func (u *unsure) all(unknown bool) {
	u.types = u.types || unknown
	u.params = u.params || unknown
	u.within = u.within || unknown
	u.lists = u.lists || unknown
	u.names = u.names || unknown
	u.rules = u.rules || unknown
}

// doubt notes what a ruleset may say beside what was read of it.
func (c *compiler) doubt(n source.Node) {
	c.unsure.types = c.unsure.types || doubtful(n, "events", rulesetKeys)
	c.unsure.params = c.unsure.params || doubtful(n, "params", rulesetKeys)
	c.unsure.within = c.unsure.within || doubtful(n, "defaults", rulesetKeys)
	c.unsure.lists = c.unsure.lists || doubtful(n, "lists", rulesetKeys)
	c.unsure.names = c.unsure.names || doubtful(n, "features", rulesetKeys)
	c.unsure.names = c.unsure.names || doubtful(n, "risk", rulesetKeys)
	c.unsure.rules = c.unsure.rules || doubtful(n, "rules", rulesetKeys)
}

// doubtful says whether a mapping may say something under a key that is not read:
// the key stands there twice, is misspelt or has no value, or YAML took it away.
func doubtful(n source.Node, name string, ks source.Keys) bool {
	if n.YAML.Kind != yaml.MappingNode {
		return true
	}
	for i := 0; i+1 < len(n.YAML.Content); i += 2 {
		key := source.Node{Doc: n.Doc, YAML: n.YAML.Content[i]}
		value := source.Node{Doc: n.Doc, YAML: n.YAML.Content[i+1]}
		text := key.YAML.Value
		switch {
		case key.YAML.Kind != yaml.ScalarNode, key.Bad() && text == "<<":
			return true
		case text == name:
			if key.Bad() || value.Bad() || value.Empty() {
				return true
			}
		case len(n.YAML.Content) < 2_000 && ks.Means(text) == name: // of more keys nobody misspelt each
			return true
		}
	}
	return false
}
