package rules

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"weir/rules/source"
)

// site is where a part stands in a file.
type site struct {
	value    source.Node // of the part
	from, to int         // bytes of its text
	first    int         // where the part begins, with its dash or its key
	indent   int         // of the lines of its text after the first
	entry    bool        // it is a value behind a key
	flow     bool        // it stands between brackets
	key      int         // of an entry: how its key is indented
	alone    [2]int      // bytes of its section, where it has no other part; 0, 0: it has
}

// siteIn finds a part in a file.
func siteIn(file *source.File, p Part) (site, bool) {
	if !strings.Contains(file.Text, p.Name) {
		return site{}, false
	}
	root, ok := rootOf(file)
	if !ok {
		return site{}, false
	}
	pairs := root.Pairs()
	for i, e := range pairs {
		if e.Name != p.Section {
			continue
		}
		limit := len(root.Doc.Src.Text)
		if i+1 < len(pairs) {
			limit = lineOf(pairs[i+1].Key)
		}
		section := entrySite(root, e, limit)
		if p.Name == "" {
			section.alone = [2]int{section.first, section.to}
			return section, true
		}
		if s, ok := siteOf(e.Value, p.Name, limit); ok {
			if len(s.siblings(e.Value)) == 1 {
				s.alone = [2]int{section.first, section.to}
			}
			return s, true
		}
	}
	return site{}, false
}

// siteOf finds a part in its section, which ends before a byte.
func siteOf(section source.Node, name string, limit int) (site, bool) {
	for _, s := range sitesOf(section, limit) {
		if s.name == name {
			return s.site, true
		}
	}
	return site{}, false
}

func (s *site) siblings(section source.Node) []*yaml.Node {
	if section.YAML.Kind == yaml.MappingNode {
		return section.YAML.Content[:len(section.YAML.Content)/2]
	}
	return section.YAML.Content
}

// itemSite is where an item of a list stands, which ends before a byte.
func itemSite(list source.Node, i, limit int) site {
	items := list.Items()
	s := site{value: items[i]}
	s.from, s.to = items[i].Extent()
	s.first = s.from
	if s.flow = list.Bracketed(); s.flow {
		return s
	}
	src, column := list.Doc.Src, list.YAML.Column-1
	s.first = dashOf(src, items[i], column)
	if i+1 < len(items) {
		limit = lineStart(src, dashOf(src, items[i+1], column))
	}
	s.to = endOf(src.Text, s.to, limit, column)
	s.indent = items[i].YAML.Column - 1
	if lineStart(src, s.first) != lineStart(src, s.from) { // a comment stands behind the dash
		s.from = min(s.first+2, s.from)
	}
	return s
}

// entrySite is where an entry of a mapping stands, which ends before a byte.
func entrySite(mapping source.Node, e source.Entry, limit int) site {
	s := site{value: e.Value, entry: true, flow: mapping.Bracketed(), key: e.Key.YAML.Column - 1}
	s.from, s.to = e.Value.Extent()
	s.first, _ = e.Key.Extent()
	s.indent = e.Value.YAML.Column - 1
	if !s.flow {
		s.to = endOf(mapping.Doc.Src.Text, s.to, limit, s.key)
	}
	return s
}

// dashOf is the place of the dash before an item of a list in a column, from 0.
func dashOf(src *source.Source, item source.Node, column int) int {
	for line := item.YAML.Line; line > 0; line-- {
		at := src.Offset(line, column+1)
		if at < len(src.Text) && src.Text[at] == '-' && strings.TrimSpace(src.Text[src.Offset(line, 1):at]) == "" {
			return at
		}
	}
	from, _ := item.Extent()
	return from
}

func lineOf(n source.Node) int { return n.Doc.Src.Offset(n.YAML.Line, 1) }

func lineStart(src *source.Source, at int) int {
	line, _ := src.Position(at)
	return src.Offset(line, 1)
}

// endOf is where a part ends that is written up to a byte and lies before another: comments that
// are indented more than it, or stand in its last line, belong to it.
func endOf(text string, written, limit, column int) int {
	to := max(written, limit)
	for {
		begin := strings.LastIndexByte(strings.TrimSuffix(text[:to], "\n"), '\n') + 1
		line := strings.TrimRight(text[begin:to], " \t\r\n")
		rest := strings.TrimLeft(line, " \t")
		if begin <= written || rest != "" && (rest[0] != '#' || len(line)-len(rest) > column) {
			return max(written, begin+len(line))
		}
		to = begin
	}
}

// text is the text of the part, without its indentation.
func (s *site) text() string {
	lines := strings.Split(s.value.Doc.Src.Text[s.from:s.to], "\n")
	for i, l := range lines {
		l = strings.TrimSuffix(l, "\r")
		if i > 0 {
			l = l[min(s.indent, len(l)-len(strings.TrimLeft(l, " "))):]
		}
		lines[i] = l
	}
	return strings.Join(lines, "\n")
}

// replaced is the file with another text of the part; false: it cannot stand there.
func (s *site) replaced(text string) (string, bool) {
	file := s.value.Doc.Src.Text
	switch {
	case s.flow:
		return file[:s.from] + text + file[s.to:], !strings.ContainsAny(text, "\n#")
	case s.entry:
		colon := strings.LastIndexByte(file[:s.from], ':')
		if colon < s.first {
			return "", false
		}
		return file[:colon+1] + below(text, s.key+2) + file[s.to:], true
	case s.from == s.first:
		return "", false
	case !strings.HasPrefix(text, "#") && lineStart(s.value.Doc.Src, s.first) == lineStart(s.value.Doc.Src, s.from):
		return file[:s.from] + indented(text, s.indent) + file[s.to:], true
	}
	by := s.first - lineStart(s.value.Doc.Src, s.first) + 2
	return file[:s.first] + "- " + indented(text, by) + file[s.to:], true
}

// removed is the file without the part.
func (s *site) removed() string {
	src := s.value.Doc.Src
	from, to := s.first, s.to
	if s.alone != [2]int{} {
		from, to = s.alone[0], s.alone[1]
	}
	if s.flow && (s.alone == [2]int{} || !s.block(s.alone[0])) {
		return withoutComma(src.Text, from, to)
	}
	from = lineStart(src, from)
	if to < len(src.Text) {
		line, _ := src.Position(to)
		to = min(src.LineEnd(line)+1, len(src.Text))
	}
	return src.Text[:from] + src.Text[to:]
}

// block says whether a section begins a line.
func (s *site) block(at int) bool { return lineStart(s.value.Doc.Src, at) == at }

// withoutComma takes a part out of brackets, with the comma before or behind it.
func withoutComma(text string, from, to int) string {
	rest := strings.TrimLeft(text[to:], " \t\r\n")
	if after, ok := strings.CutPrefix(rest, ","); ok {
		if after = strings.TrimLeft(after, " "); strings.HasPrefix(after, "#") {
			after = " " + after // else it is no comment
		}
		return text[:from] + after
	}
	before := strings.TrimRight(text[:from], " \t\r\n")
	if before, ok := strings.CutSuffix(before, ","); ok {
		return before + text[to:]
	}
	return text[:from] + text[to:]
}

// only says whether of all parts of the file none but p differs in another text of it, and p has
// a value; nil: it is not there.
func (s *site) only(now string, p Part, want *source.Node) bool {
	file := source.File{Path: s.value.Doc.Src.Path, Text: now}
	var f source.Findings
	if f.Parse(file.Path, now); f.Err() != nil {
		return false
	}
	before, after := partsIn(&source.File{Path: file.Path, Text: s.value.Doc.Src.Text}), partsIn(&file)
	delete(before, p)
	n, there := after[p]
	delete(after, p)
	if there != (want != nil) || there && !sameText(n, *want) || len(before) != len(after) {
		return false
	}
	for q, n := range before {
		if m, ok := after[q]; !ok || !sameText(n, m) {
			return false
		}
	}
	return true
}

// partsIn gives the parts of a file.
func partsIn(file *source.File) map[Part]source.Node {
	all := map[Part]source.Node{}
	root, ok := rootOf(file)
	if !ok {
		return all
	}
	for _, e := range root.Pairs() {
		switch {
		case e.Name == "policy":
			all[Part{Section: e.Name}] = e.Value
		case e.Value.Is(yaml.SequenceNode):
			for _, n := range e.Value.Items() {
				all[Part{e.Name, idOf(n)}] = n
			}
		case e.Value.Is(yaml.MappingNode):
			for _, x := range e.Value.Pairs() {
				all[Part{e.Name, x.Name}] = x.Value
			}
		}
	}
	return all
}

// rootOf reads a file, which must be a mapping.
func rootOf(file *source.File) (source.Node, bool) {
	var f source.Findings
	n, ok := f.Parse(file.Path, file.Text).Node()
	return n, ok && n.Is(yaml.MappingNode)
}

// PartText is a part with its text.
type PartText struct {
	Part
	Path string // of the file that it stands in
	Text string // as TextOf gives it
}

// Texts gives the parts of some sections, in the order in which they stand in the files.
func Texts(files []source.File, sections ...string) []PartText {
	var all []PartText
	for i := range files {
		root, ok := rootOf(&files[i])
		if !ok {
			continue
		}
		pairs := root.Pairs()
		for k, e := range pairs {
			limit := len(root.Doc.Src.Text)
			if k+1 < len(pairs) {
				limit = lineOf(pairs[k+1].Key)
			}
			if slices.Contains(sections, e.Name) {
				for _, s := range sitesOf(e.Value, limit) {
					all = append(all, PartText{Part{e.Name, s.name}, files[i].Path, s.text()})
				}
			}
		}
	}
	return all
}

// Located gives findings in files with places in the text of a part, in a file called like it, for
// those that stand in it.
func Located(files []source.File, p Part, found []source.Diagnostic) []source.Diagnostic {
	found = slices.Clone(found)
	for i := range files {
		s, ok := siteIn(&files[i], p)
		if !ok {
			continue
		}
		src := s.value.Doc.Src
		first, column := src.Position(s.from)
		last, _ := src.Position(s.to)
		place := func(line, at *int) {
			if *line == first {
				*at = max(1, *at-column+1)
			} else {
				*at = max(1, *at-s.indent)
			}
			*line -= first - 1
		}
		for k := range found {
			if d := &found[k]; d.File == files[i].Path && d.Line >= first && d.Line <= last {
				d.File = p.Name + ".yaml"
				place(&d.Line, &d.Column)
				place(&d.EndLine, &d.EndColumn)
				d.Fix = nil
			}
		}
		break
	}
	return found
}

// namedSite is where a part of a name stands.
type namedSite struct {
	site
	name string
}

// sitesOf are those of a section, which ends before a byte.
func sitesOf(section source.Node, limit int) (all []namedSite) {
	if section.Is(yaml.SequenceNode) {
		for i, n := range section.Items() {
			all = append(all, namedSite{itemSite(section, i, limit), idOf(n)})
		}
	}
	if section.Is(yaml.MappingNode) {
		pairs := section.Pairs()
		for i, e := range pairs {
			end := limit
			if i+1 < len(pairs) && !section.Bracketed() {
				end = lineOf(pairs[i+1].Key)
			}
			all = append(all, namedSite{entrySite(section, e, end), e.Name})
		}
	}
	return all
}
