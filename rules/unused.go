package rules

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"weir/rules/source"
)

// warnUnused warns of params of the ruleset that no rule reads. Where there may be
// more rules than were read nobody knows.
func (c *compiler) warnUnused(parts []map[string]source.Entry) {
	read := map[string]bool{}
	for _, part := range parts {
		for name, e := range part {
			if name != "params" {
				readIn(read, e.Value.YAML)
			}
		}
	}
	for _, part := range parts {
		if e, ok := part["params"]; ok && e.Value.Is(yaml.MappingNode) {
			c.unread(e.Value, read)
		}
	}
}

// warnUnused warns of params of the rule that it does not read.
func (r *ruleCompiler) warnUnused() {
	e, ok := r.draft.entries["params"]
	if !ok || !e.Value.Is(yaml.MappingNode) || eaten(r.draft.at) {
		return
	}
	read := map[string]bool{}
	for name, e := range r.draft.entries {
		if name != "params" {
			readIn(read, e.Value.YAML)
		}
	}
	r.unread(e.Value, read)
}

// unread warns of the params of a mapping that are not read.
func (f *findings) unread(n source.Node, read map[string]bool) {
	for _, p := range n.Pairs() {
		if !read[p.Name] {
			f.Warn(p.Key.Place(), source.CodeUnusedParam, "nothing reads the param "+source.Tick(p.Name), "read it as "+source.Tick("params."+p.Name)+", in a pattern or duration as "+source.Tick("$"+p.Name)+", or remove it")
		}
	}
}

var word = regexp.MustCompile(`[A-Za-z_]\w*`)

// readIn notes all words of the texts below a node that could read a param.
func readIn(read map[string]bool, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && (strings.Contains(n.Value, "params") || strings.Contains(n.Value, "$")) {
		for _, w := range word.FindAllString(n.Value, -1) {
			read[w] = true
		}
	}
	for _, c := range n.Content {
		readIn(read, c)
	}
}

// eaten says whether something in a node has a finding of its own.
func eaten(n source.Node) bool {
	if n.Bad() {
		return true
	}
	return slices.ContainsFunc(n.Items(), eaten)
}
