package rules

import (
	"cmp"
	"slices"

	"go.yaml.in/yaml/v4"

	"weir/rules/source"
)

// Outline is what a rule says of itself, without being compiled.
type Outline struct {
	ID          string
	Title       string
	Description string
	Severity    string   // low, medium, high or critical
	Status      string   // active, shadow or disabled
	Tags        []string // in the order in which it has them
	On          []string // event types, as they are written
	Path        string   // of its file
}

// Outlines gives those of the rules in files, by id. What a rule says wrong stands there as it
// says it.
func Outlines(files []source.File) []Outline {
	var all []Outline
	for i := range files {
		for p, n := range partsIn(&files[i]) {
			if p.Section == "rules" && p.Name != "" {
				all = append(all, outlineOf(p.Name, files[i].Path, n))
			}
		}
	}
	slices.SortFunc(all, func(a, b Outline) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Path, b.Path)) })
	return all
}

func outlineOf(id, path string, rule source.Node) Outline {
	o := Outline{ID: id, Path: path, Severity: "medium", Status: "active"}
	for _, e := range rule.Pairs() {
		texts := textsOf(e.Value)
		one := ""
		if e.Value.Is(yaml.ScalarNode) {
			one = e.Value.YAML.Value
		}
		switch e.Name {
		case "title":
			o.Title = one
		case "description":
			o.Description = one
		case "severity":
			o.Severity = one
		case "status":
			o.Status = one
		case "tags":
			o.Tags = texts
		case "on":
			o.On = texts
		}
	}
	return o
}

// textsOf are the texts of a list, or the one that stands there in place of a list.
func textsOf(n source.Node) []string {
	var texts []string
	if n.Is(yaml.ScalarNode) {
		return append(texts, n.YAML.Value)
	}
	for _, item := range n.Items() {
		if item.Is(yaml.ScalarNode) {
			texts = append(texts, item.YAML.Value)
		}
	}
	return texts
}
