package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"weir/cep"
	"weir/rules/source"
)

// Rules that were published had no errors when they were. A later program may read them more
// strictly: what of them it does not compile is left out, and what depends on it, and all
// else goes on.

// checkMost checks files, but for the rules and features that have errors. left says of each
// what is wrong with it, in order. Where errors stand anywhere else nothing can be made of the
// files, and it fails.
func checkMost(files []source.File, given Given) (checked *Checked, left []cep.LeftOut, err error) {
	var first error
	given.leave = map[unit]bool{}
	why := map[unit]string{}
	leave := func(u unit, because string) { given.leave[u], why[u] = true, because }
	for {
		checked = CheckWith(files, given)
		wrong := source.ErrorsIn(checked.Findings)
		if wrong == nil {
			if len(checked.Ruleset.Rules) == 0 && len(why) > 0 {
				return nil, nil, first
			}
			return checked, leftOut(why), nil
		}
		if first == nil {
			first = wrong
		}
		spots, n := spotsOf(files), len(why)
		for _, d := range checked.Findings {
			if u := unitAt(spots, d); d.Severity == source.Error && u.name != "" && !given.leave[u] {
				leave(u, d.String())
			}
		}
		if len(why) == n {
			return nil, nil, wrong
		}
		for n := -1; n < len(why); { // a name that is not declared may be that of a field
			n = len(why)
			for _, s := range spots.units() {
				if u := s.mentions(given.leave); u.name != "" && !given.leave[s.unit] {
					leave(s.unit, fmt.Sprintf("%s:%d:%d: it reads the %s %s, which is left out", s.file, s.line, s.column, u.kind, u.name))
				}
			}
		}
	}
}

func leftOut(why map[unit]string) (left []cep.LeftOut) {
	for _, p := range slices.SortedFunc(maps.Keys(why), byUnit) {
		left = append(left, cep.LeftOut{Part: fmt.Sprintf("%s %s", p.kind, p.name), Why: why[p]})
	}
	return left
}

// unit is a part of a ruleset that can be left out.
type unit struct{ kind, name string } // the kind is rule or feature

// unitSpot is where a part of a file begins; a part without a name cannot be left out.
type unitSpot struct {
	line, column int
	unit
	file string
	text string // of it, and perhaps of what stands beside it
}

// unitSpots are those of files, by path, in the order in which they stand there.
type unitSpots map[string][]unitSpot

// units gives those that can be left out.
func (s unitSpots) units() (list []unitSpot) {
	for _, path := range slices.Sorted(maps.Keys(s)) {
		for _, at := range s[path] {
			if at.name != "" {
				list = append(list, at)
			}
		}
	}
	return list
}

// mentions says which of what is left out a unit may read.
func (s *unitSpot) mentions(left map[unit]bool) unit {
	for _, u := range slices.SortedFunc(maps.Keys(left), byUnit) {
		name := u.name
		if u.kind == "rule" {
			name = "alert." + name
		}
		if u != s.unit && wordIn(s.text, name) >= 0 {
			return u
		}
	}
	return unit{}
}

func byUnit(a, b unit) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name)) }

func spotsOf(files []source.File) unitSpots {
	all := unitSpots{}
	for _, file := range files {
		var f source.Findings
		n, ok := f.Parse(file.Path, file.Text).Node()
		if !ok || !n.Is(yaml.MappingNode) {
			continue
		}
		for _, e := range n.Pairs() {
			list := append(all[file.Path], unitSpot{line: e.Key.YAML.Line, column: e.Key.YAML.Column})
			switch {
			case e.Name == "rules" && e.Value.Is(yaml.SequenceNode):
				for _, r := range e.Value.Items() {
					list = append(list, unitSpot{line: r.YAML.Line, column: r.YAML.Column, unit: unit{"rule", idOf(r)}})
				}
			case e.Name == "features" && e.Value.Is(yaml.MappingNode):
				for _, p := range e.Value.Pairs() {
					list = append(list, unitSpot{line: p.Key.YAML.Line, column: p.Key.YAML.Column, unit: unit{"feature", p.Name}})
				}
			}
			all[file.Path] = list
		}
		lines := strings.SplitAfter(file.Text, "\n")
		for i, list := 0, all[file.Path]; i < len(list); i++ {
			end := len(lines)
			if i+1 < len(list) {
				end = max(list[i].line, list[i+1].line-1)
			}
			list[i].file = file.Path
			list[i].text = strings.Join(lines[min(list[i].line-1, len(lines)):min(end, len(lines))], "")
		}
	}
	return all
}

// idOf is the id of a rule; empty: it has none.
func idOf(n source.Node) string {
	if !n.Is(yaml.MappingNode) {
		return ""
	}
	for _, e := range n.Pairs() {
		if e.Name == "id" && e.Value.Is(yaml.ScalarNode) {
			return e.Value.YAML.Value
		}
	}
	return ""
}

// unitAt is the part that a finding stands in.
func unitAt(spots unitSpots, d source.Diagnostic) (in unit) {
	for _, s := range spots[d.File] {
		if s.line > d.Line || s.line == d.Line && s.column > d.Column {
			break
		}
		in = s.unit
	}
	return in
}

// leaves says whether a rule is left out.
func (g *Given) leaves(kind, name string) bool { return len(g.leave) > 0 && g.leave[unit{kind, name}] }
