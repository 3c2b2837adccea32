package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"weir/rules/expr"
	"weir/rules/source"
)

// negative finds what may ask for a field to be different.
var negative = regexp.MustCompile(`!|\bnot\b|\bnone\b`)

// warnMissing warns where a condition asks for a field to be different from
// something, which events that may not have it satisfy too (W8).
func (r *ruleCompiler) warnMissing() {
	r.warnMissingIn(r.about.Where, r.events)
	for i := range r.about.Names {
		r.warnMissingIn(r.about.Names[i].Where, r.scopes[i])
	}
	r.warnMissingIn(r.about.Unless, r.events)
}

func (r *ruleCompiler) warnMissingIn(e *Expression, events *scope) {
	if e == nil || !negative.MatchString(e.Value) || events.declared() && !strings.Contains(e.Value, ".") {
		return
	}
	var warned []expr.FieldOf
	for _, use := range uses(e).Negated {
		if slices.Contains(warned, use.FieldOf) || !r.mayMiss(use.FieldOf, events) {
			continue
		}
		warned = append(warned, use.FieldOf)
		field := e.Value[use.Pos:use.End]
		hint := "test it for " + r.nothing()
		without, with := r.tested(e, use, "!=", "&&"), r.tested(e, use, "==", "||")
		if without != "" && with != "" {
			hint = fmt.Sprintf("write %s to leave such events out, or %s to mean them too", code(without), code(with))
		} else if without != "" {
			hint = "write " + code(without)
		}
		r.Warn(e.Part(use.Pos, use.End), source.CodeMayMiss,
			fmt.Sprintf("an event without %s satisfies this too, and not all events have to have it", source.Tick(field)), hint)
	}
}

// nothing is the word for what is missing.
func (r *ruleCompiler) nothing() string {
	if r.lang == expr.LangCEL {
		return "null"
	}
	return "nil"
}

// mayMiss says whether the events of a condition, or of a variable that it reads,
// may come without a field that it does not know to be there.
func (r *ruleCompiler) mayMiss(f expr.FieldOf, events *scope) bool {
	own := expr.FieldOf{Var: -1, Path: f.Path}
	if f.Var >= 0 {
		events = r.scopes[f.Var]
		if e := r.about.Names[f.Var].Where; e != nil && slices.Contains(uses(e).Present, own) {
			return false
		}
	}
	if events.has(f.Path) || r.isKey(f.Path) {
		return false
	}
	return r.about.Where == nil || !slices.Contains(uses(r.about.Where).Present, own)
}

// isKey says whether a field is part of the key: an event without it is not seen.
func (r *ruleCompiler) isKey(path string) bool {
	return !r.byName && slices.Contains(r.rule.Key.Names, path)
}

// tested gives the condition with a test of the field before the part that reads
// it; empty where that would not do.
func (r *ruleCompiler) tested(e *Expression, use expr.FieldUse, relation, operator string) string {
	text := e.Value
	test := fmt.Sprintf("%s %s %s %s ", text[use.Pos:use.End], relation, r.nothing(), operator)
	candidates := []string{test + "(" + text + ")"}
	if p, ok := partAround(text, use.Pos); ok {
		part := strings.TrimSpace(text[p.from:p.to])
		from := p.from + strings.Index(text[p.from:], part)
		with := test + part
		if operator == "||" && part != strings.TrimSpace(text) {
			with = "(" + with + ")"
		}
		candidates = append([]string{text[:from] + with + text[from+len(part):]}, candidates...)
	}
	for _, c := range candidates {
		u, err := expr.UsesOf(c, e.Env)
		if err == nil && !slices.ContainsFunc(u.Negated, func(n expr.FieldUse) bool { return n.FieldOf == use.FieldOf }) {
			return c
		}
	}
	return ""
}

// declared says whether all bare names are fields that all events have.
func (s *scope) declared() bool {
	if s.loose || s.all || len(s.types) != 1 {
		return false
	}
	schema := s.schemas[s.types[0]]
	return schema != nil && !slices.ContainsFunc(schema.derived, func(d *derived) bool { return d.misses })
}

// has says whether all events of the scope have a declared field.
func (s *scope) has(path string) bool {
	if s.loose || s.all || len(s.types) == 0 {
		return s.loose
	}
	for _, name := range s.types {
		schema := s.schemas[name]
		if schema == nil || !schema.always(path) {
			return false
		}
	}
	return true
}
