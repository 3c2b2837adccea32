package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"weir/rules/source"
)

// Part names a part of a ruleset that can be changed by itself: an entry of one of its sections.
type Part struct {
	Section string // a key of a ruleset: rules, features, params, lists, events, risk, defaults, policy
	Name    string // of a rule its id; policy is one part without a name
}

// partWords are what a part of a section is called.
var partWords = map[string]string{"rules": "rule", "features": "feature", "params": "param", "lists": "list", "events": "event type", "risk": "risk", "defaults": "default", fileSection: "file"}

// String gives a part as people call it, like rule card-testing.
func (p Part) String() string {
	if word := partWords[p.Section]; word != "" {
		return word + " " + p.Name
	}
	return p.Section
}

// ErrNoPart: the part is not there.
var ErrNoPart = errors.New("there is no such part")

// TextOf gives the text of a part as it stands in files, with the comments in it and without
// its indentation: of a rule what stands behind its dash, of any other part its value. path is
// the file that it stands in.
func TextOf(files []source.File, p Part) (text, path string, ok bool) {
	for i := range files {
		if s, ok := siteIn(&files[i], p); ok {
			return s.text(), files[i].Path, true
		}
	}
	return "", "", false
}

// Put returns files in which a part has another text, as TextOf gives it; of a rule it may also
// stand behind a dash. It takes the place of the one that is there; nothing else changes. A part
// that is new, or cannot stand where the other one did, gets a file of its own. The text is read
// as YAML and no further: an error is of type source.Errors, with places in a file called like
// the part.
func Put(files []source.File, p Part, text string) ([]source.File, error) {
	text, want, err := partText(p, text)
	if err != nil {
		return nil, err
	}
	for i := range files {
		s, ok := siteIn(&files[i], p)
		if !ok {
			continue
		}
		if now, ok := s.replaced(text); ok && s.only(now, p, &want) {
			return withFile(files, i, now), nil
		}
		if files, err = Remove(files, p); err != nil {
			return nil, err
		}
		break
	}
	own := source.File{Path: freePath(files, p), Text: ownText(p, text)}
	if s, ok := siteIn(&own, p); !ok || !sameText(s.value, want) {
		return nil, fmt.Errorf("the text of the %s cannot stand in a file of rules: write it in a simpler way", p)
	}
	return append(slices.Clone(files), own), nil
}

// Remove returns files without a part. The comments before it stay. Without the part the error
// is ErrNoPart.
func Remove(files []source.File, p Part) ([]source.File, error) {
	for i := range files {
		s, ok := siteIn(&files[i], p)
		if !ok {
			continue
		}
		now := s.removed()
		if !s.only(now, p, nil) {
			return nil, fmt.Errorf("the %s cannot be taken out of %s: write it there in a simpler way, on lines of its own", p, files[i].Path)
		}
		if strings.TrimSpace(now) == "" {
			return slices.Delete(slices.Clone(files), i, i+1), nil
		}
		return withFile(files, i, now), nil
	}
	return nil, ErrNoPart
}

// SetStatus returns files in which a rule has another status.
func SetStatus(files []source.File, id, status string) ([]source.File, error) {
	p := Part{"rules", id}
	text, _, ok := TextOf(files, p)
	if !ok {
		return nil, ErrNoPart
	}
	var f source.Findings
	n, ok := f.Parse(id, text).Node()
	if !ok || !n.Is(yaml.MappingNode) {
		return nil, ErrNoPart
	}
	src := n.Doc.Src
	for _, e := range n.Pairs() {
		if e.Name == "status" {
			from, to := e.Value.Extent()
			return Put(files, p, src.Text[:from]+status+src.Text[to:])
		}
	}
	for _, e := range n.Pairs() {
		if e.Name != "id" {
			continue
		}
		_, at := e.Value.Extent()
		if n.Bracketed() {
			return Put(files, p, src.Text[:at]+", status: "+status+src.Text[at:])
		}
		line, _ := src.Position(at)
		at = src.LineEnd(line)
		return Put(files, p, src.Text[:at]+"\nstatus: "+status+src.Text[at:])
	}
	return nil, ErrNoPart
}

// Parts gives the parts of files with a digest of what YAML reads of each, in any order. Comments
// and how a text is written do not count.
func Parts(files []source.File) map[Part]string {
	all := map[Part]string{}
	for i := range files {
		for p, n := range partsIn(&files[i]) {
			var m meaning
			m.words = map[string]bool{}
			m.node(n.YAML)
			all[p] = digestOf(m.b)[:32]
		}
	}
	return all
}

// partText reads the text of a part.
func partText(p Part, text string) (string, source.Node, error) {
	text = strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	text = strings.TrimPrefix(strings.Trim(text, "\n"), "---\n")
	text = strings.TrimRight(text, " \t\n")
	var f source.Findings
	name := p.Name
	if name == "" {
		name = p.Section
	}
	n, ok := f.Parse(name+".yaml", text+"\n").Node()
	if err := f.Err(); err != nil {
		return "", n, err
	}
	if !ok || n.Empty() {
		f.Add(source.Place{Src: source.New(name+".yaml", text)}, source.CodeMissing, "the text of the "+p.String()+" is empty", "send it as it stands below `"+p.Section+":`")
		return "", n, f.Err()
	}
	if p.Section != "rules" {
		return text, n, nil
	}
	if n.YAML.Kind == yaml.SequenceNode && len(n.YAML.Content) == 1 && !n.Bracketed() {
		s := itemSite(n, 0, len(text))
		return partText(p, s.text())
	}
	if n.YAML.Kind != yaml.MappingNode {
		f.Add(n.Place(), source.CodeValue, "a rule is a mapping (`id: …`), not "+n.Kind(), "send one rule as it stands below `rules:`")
		return "", n, f.Err()
	}
	if id := idOf(n); id != p.Name {
		at := n
		for _, e := range n.Pairs() {
			if e.Name == "id" {
				at = e.Value
			} else if id == "" && e.Name == "rules" {
				f.Add(n.Place(), source.CodeValue, "this is a file of rules, not one rule", "send the rule as it stands below `rules:`, from its `id:` on; weir apply takes files")
				return "", n, f.Err()
			}
		}
		if at == n {
			f.Add(n.Place(), source.CodeMissing, "the rule has no id", "write `id: "+p.Name+"`")
			return "", n, f.Err()
		}
		f.Add(at.Place(), source.CodeValue, fmt.Sprintf("the id of the rule is %s, and the address says %s", source.Tick(id), source.Tick(p.Name)), "write `id: "+p.Name+"`")
		return "", n, f.Err()
	}
	return text, n, nil
}

// ownText is a file of a part alone.
func ownText(p Part, text string) string {
	switch {
	case p.Section == "rules":
		return "rules:\n  - " + indented(text, 4) + "\n"
	case p.Name == "":
		return p.Section + ":" + below(text, 2) + "\n"
	}
	return p.Section + ":\n  " + p.Name + ":" + below(text, 4) + "\n"
}

// below is a value behind its colon: on the lines below it, unless it has one line that may
// stand there.
func below(text string, indent int) string {
	var f source.Findings
	if n, ok := f.Parse("", text).Node(); ok && !strings.Contains(text, "\n") && (n.YAML.Kind == yaml.ScalarNode || n.Bracketed()) {
		return " " + text
	}
	return "\n" + strings.Repeat(" ", indent) + indented(text, indent)
}

// indented indents the lines of a text after the first.
func indented(text string, by int) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		if i > 0 && lines[i] != "" {
			lines[i] = strings.Repeat(" ", by) + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}

// freePath is a path for a file of a part alone. It is none of a test file.
func freePath(files []source.File, p Part) string {
	name := p.Name + "." + p.Section
	switch {
	case p.Section == "rules":
		name = p.Name
	case p.Name == "":
		name = p.Section
	}
	for n := 1; ; n++ {
		path := name + ".yaml"
		if n > 1 {
			path = fmt.Sprintf("%s-%d.yaml", name, n)
		}
		if !slices.ContainsFunc(files, func(f source.File) bool { return strings.EqualFold(f.Path, path) }) {
			return path
		}
	}
}

func withFile(files []source.File, i int, text string) []source.File {
	files = slices.Clone(files)
	files[i].Text = text
	return files
}

// sameText says whether YAML reads the same of two values.
func sameText(a, b source.Node) bool { return sameValue(a.YAML, b.YAML) }

func sameValue(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.Value == b.Value && a.ShortTag() == b.ShortTag() && slices.EqualFunc(a.Content, b.Content, sameValue)
}
