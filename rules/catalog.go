package rules

import (
	"fmt"
	"slices"

	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

// catalog reads what stands under a key of the ruleset in all files: mappings, each under
// a name of its own. what is one of them, like "the feature", and ks are its keys. again
// are those whose name an earlier one has. It is not sure where there may be others.
func (c *compiler) catalog(parts []map[string]source.Entry, key, what string, ks source.Keys) (list, again []source.Entry, sure bool) {
	seen := map[string]source.Place{}
	sure = true
	for _, part := range parts {
		all, ok := part[key]
		if !ok {
			continue
		}
		entries, ok := c.Entries(all.Value, source.Tick(key))
		nameless := c.nameless(key, what, entries, ks)
		sure = sure && ok && !nameless && len(entries) == len(all.Value.YAML.Content)/2
		if nameless {
			continue
		}
		for _, e := range entries {
			if c.once(seen, e, what) {
				list = append(list, e)
			} else {
				again = append(again, e)
			}
		}
	}
	return list, again, sure
}

// nameless reports entries that are what one of a kind says, where each has a name: there
// is none, or what stands below it is not indented.
func (c *compiler) nameless(key, what string, entries []source.Entry, ks source.Keys) bool {
	var name *source.Entry
	said := false
	for i, e := range entries {
		known := slices.Contains(ks.Known, e.Name)
		switch {
		case !known && e.Value.Empty() && !e.Value.Bad():
			name = &entries[i]
		case !known && ks.Means(e.Name) == "":
			return false
		}
		said = said || known && e.Value.YAML.Kind != yaml.MappingNode && !e.Value.Empty()
	}
	switch {
	case said && name != nil:
		c.Add(name.Key.Place(), source.CodeMissing, fmt.Sprintf("%s %s says nothing", what, source.Tick(name.Name)), "indent what it says further than its name")
	case said:
		c.Add(entries[0].Key.Place(), source.CodeMissing, what+" has no name", fmt.Sprintf("write %s: {NAME: {%s: …}}", key, entries[0].Name))
	}
	return said
}
