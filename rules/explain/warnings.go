package explain

import (
	"slices"

	"weir/rules"
	"weir/rules/source"
)

// Warnings gives the warnings among findings that lie in the rule.
func Warnings(r *rules.Rule, findings []source.Diagnostic) []source.Diagnostic {
	from, to := extent(r.At.Node)
	var all []source.Diagnostic
	for _, d := range findings {
		at := []int{d.Line, d.Column}
		if d.Severity == source.Warning && d.File == r.At.Doc.Src.Path &&
			slices.Compare(at, from) >= 0 && (to == nil || slices.Compare(at, to) < 0) {
			all = append(all, d)
		}
	}
	return all
}

// extent gives line and column at which the rule with an id begins, and at which
// what follows it in the file does; nil: nothing follows.
func extent(id source.Node) (from, to []int) {
	todo := []source.Node{{Doc: id.Doc, YAML: id.Doc.Root}} // in reverse order of the file
	for len(todo) > 0 {
		n := todo[len(todo)-1].YAML
		todo = todo[:len(todo)-1]
		if slices.Contains(n.Content, id.YAML) {
			from = []int{n.Line, n.Column}
			break
		}
		for _, c := range slices.Backward(n.Content) {
			todo = append(todo, source.Node{Doc: id.Doc, YAML: c})
		}
	}
	if len(todo) > 0 {
		next := todo[len(todo)-1].YAML
		to = []int{next.Line, next.Column}
	}
	return from, to
}
