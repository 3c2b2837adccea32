package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"weir/cep"
	"weir/nfa"
	"weir/rules/source"
)

// joint is a comparison by which the events of a name share a field with another's.
type joint struct {
	name, other int
	path        string
	e           *Expression
	pos, end    int
}

// warnJoins warns of a field that all events of a match share and that is not in
// the key (W4): a match of one value then drops the open matches of another. It
// is said only where the field in the key would change nothing else.
func (r *ruleCompiler) warnJoins() {
	if r.byName || r.options.Unless || !r.dropsOthers() || hasNext(r.pattern.Root) || r.options.Within > 0 && r.rule.Throttle >= r.options.Within {
		return
	}
	joints := r.joints()
	var warned []string
	for _, j := range joints {
		if slices.Contains(warned, j.path) || !r.couldBeKey(j.path) || !r.shared(joints, j.path) {
			continue
		}
		warned = append(warned, j.path)
		key := fmt.Sprintf("key: [%s, %s]", strings.Join(r.rule.Key.Names, ", "), j.path)
		r.Warn(j.e.Part(j.pos, j.end), source.CodeOpenJoin,
			fmt.Sprintf("all events of a match have the same %s, but a match of one drops open matches of others, as they have the same key", source.Tick(j.path)),
			"write "+code(key))
	}
}

// dropsOthers says whether a match drops open matches that began after it.
func (r *ruleCompiler) dropsOthers() bool {
	switch r.options.Skip {
	case nfa.SkipPastLast:
		return true
	case nfa.SkipToFirst, nfa.SkipToLast:
		for _, c := range r.rule.Program.Starts() {
			if r.rule.Names[c].Text == r.options.SkipVar {
				return false // what it drops, if any, began with the match
			}
		}
		return true
	}
	return false
}

// hasNext says whether something is to be the very next event of the key, which
// another key would change.
func hasNext(n *nfa.Node) bool {
	if n.Link.Kind == nfa.Next || n.Round.Kind == nfa.Next {
		return true
	}
	return slices.ContainsFunc(n.Subs, hasNext)
}

// joints gives the comparisons FIELD == VARIABLE.FIELD that conditions hold by.
func (r *ruleCompiler) joints() []joint {
	var list []joint
	for i := range r.about.Names {
		e := r.about.Names[i].Where
		if e == nil || !strings.Contains(e.Value, "==") || !r.readsVariable(e.Value) || hasOr(e.Value) {
			continue
		}
		for _, j := range uses(e).Joins {
			own, other := j.Left, j.Right
			if own.Var >= 0 {
				own, other = other, own
			}
			p, ok := partAround(e.Value, j.Pos)
			if own.Var >= 0 || own.Path != other.Path || !ok || strings.TrimSpace(e.Value[p.from:p.to]) != e.Value[j.Pos:j.End] {
				continue
			}
			if r.isPlainJoin(e.Value[j.Pos:j.End], own.Path, r.rule.Names[other.Var].Text) {
				list = append(list, joint{i, other.Var, own.Path, e, j.Pos, j.End})
			}
		}
	}
	return list
}

func (r *ruleCompiler) readsVariable(text string) bool {
	return slices.ContainsFunc(r.rule.Names, func(n nfa.Name) bool { return wordIn(text, n.Text) >= 0 })
}

func hasOr(text string) bool { return strings.Contains(text, "||") || wordIn(text, "or") >= 0 }

// isPlainJoin says whether a comparison is of a field with the same one of a
// variable's event, and of nothing made of them.
func (r *ruleCompiler) isPlainJoin(text, path, variable string) bool {
	p, v := regexp.QuoteMeta(path), regexp.QuoteMeta(variable)
	field := `(?:event\.)?` + p
	captured := `(?:(?:first|last)\(\s*` + v + `\s*\)|` + v + `(?:\[-?\d+\])?)\.` + p
	return regexp.MustCompile(`^(?:` + field + `\s*==\s*` + captured + `|` + captured + `\s*==\s*` + field + `)$`).MatchString(text)
}

// couldBeKey says whether a field can be added to the key.
func (r *ruleCompiler) couldBeKey(path string) bool {
	if slices.Contains(r.rule.Key.Names, path) {
		return false
	}
	for _, name := range r.events.types {
		schema := r.schemas[name]
		if schema == nil {
			continue
		}
		if kind, has := schema.kind(path); !has || kind != cep.Text {
			return false
		}
	}
	return !r.events.all
}

// shared says whether joints tie all names of the pattern together by a field: one
// that captures a single event, and each other to it, also those that are negated.
func (r *ruleCompiler) shared(joints []joint, path string) bool {
	tied := make([]bool, len(r.rule.Names))
	root := -1
	for i, n := range r.rule.Names {
		if slices.ContainsFunc(joints, func(j joint) bool { return j.name == i && j.path == path && j.other != i }) {
			continue
		}
		if root >= 0 || n.List || !n.Captures {
			return false
		}
		root = i
	}
	if root < 0 || len(r.rule.Names) < 2 {
		return false
	}
	tied[root] = true
	for range r.rule.Names {
		for _, j := range joints {
			if j.path == path && tied[j.other] {
				tied[j.name] = true
			}
		}
	}
	return !slices.Contains(tied, false)
}
