package source

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Document is the YAML tree of a file.
type Document struct {
	Src  *Source
	Root *yaml.Node          // nil: the file is empty or no YAML
	bad  map[*yaml.Node]bool // nodes with a finding: what they mean is not asked again
}

// Node is a Node of a document.
type Node struct {
	Doc  *Document
	YAML *yaml.Node
}

// Bad says whether n has a finding: what it means is not asked again.
func (n Node) Bad() bool { return n.Doc.bad[n.YAML] }

// Node gives the root of the document; false: the file is empty or no YAML.
func (d *Document) Node() (Node, bool) { return Node{d, d.Root}, d.Root != nil }

// Parse reads a file as YAML and finds what YAML would read as something else
// than was written. What is no YAML is reported and, where it can be, mended, so
// that the rest of the file is read too.
func (f *Findings) Parse(path, text string) *Document {
	d := &Document{Src: New(path, text), bad: map[*yaml.Node]bool{}}
	if msg, hint := d.Src.tooLarge(); msg != "" {
		f.Add(Place{d.Src, 0, 0}, CodeFile, msg, hint)
		return d
	}
	if d.Src = f.characters(d.Src); d.Src == nil {
		return &Document{Src: New(path, "")}
	}
	r := read(d.Src)
	for left := newAttempts(d.Src); r.err != nil; {
		next, ok := f.broken(d.Src, r, left)
		if !ok {
			return d
		}
		d.Src, r = next.src, next
	}
	if r.second != nil {
		f.Add(Node{d, r.second}.Place(), CodeYAML, "a second document begins here", "remove the `---`: a file is one document")
	}
	if r.first != nil && len(r.first.Content) == 1 {
		d.Root = r.first.Content[0]
		f.audit(Node{d, d.Root})
	}
	return d
}

// audit looks for tags, anchors, aliases, merge keys and keys that stand twice,
// in n and below.
func (f *Findings) audit(n Node) {
	switch {
	case n.YAML.Kind == yaml.ScalarNode && slices.Contains(n.Doc.Src.lost, n.YAML.Line):
		n.Doc.bad[n.YAML] = true
		return
	case n.YAML.Kind == yaml.AliasNode:
		f.eaten(n, "`*` begins an alias")
		return
	case n.byte() == '!':
		f.eaten(n, "`!` begins a tag, which YAML takes out of the text")
		return
	case n.byte() == '&' && n.YAML.Anchor != "":
		f.eaten(n, "`&` begins an anchor, which YAML takes out of the text")
		return
	}
	if n.YAML.Kind == yaml.MappingNode {
		if n.YAML.Style&yaml.FlowStyle != 0 {
			f.auditCommas(n)
		}
		f.auditKeys(n)
	}
	for _, c := range n.YAML.Content {
		f.audit(Node{n.Doc, c})
	}
}

// eaten reports a node whose first character means something to YAML.
func (f *Findings) eaten(n Node, why string) {
	n.Doc.bad[n.YAML] = true
	if n.YAML.Kind == yaml.ScalarNode || n.YAML.Kind == yaml.AliasNode {
		from, to := n.written()
		f.quote(n.Token(), CodeYAML, why, "if it is part of an expression or a text, quote that: ", from, to)
		return
	}
	f.Add(n.Token(), CodeYAML, why, "remove it")
}

// auditCommas finds calls that end at a comma, within a mapping in braces: what
// stands behind it has become keys without values.
func (f *Findings) auditCommas(n Node) {
	nodes := n.YAML.Content
	for i := 1; i < len(nodes); i += 2 {
		v := Node{n.Doc, nodes[i]}
		depth := unclosedCalls(v.YAML)
		last := i
		for ; depth > 0 && last+2 < len(nodes); last += 2 {
			if k := nodes[last+1]; k.Kind != yaml.ScalarNode || !(Node{n.Doc, nodes[last+2]}).Empty() {
				break
			}
			depth += unclosedCalls(nodes[last+1])
		}
		if last == i || depth != 0 {
			continue
		}
		for k := i; k < last; k++ {
			n.Doc.bad[nodes[k]] = true
		}
		from, to := v.start(), Node{n.Doc, nodes[last-1]}.Place().To
		f.quote(Place{n.Doc.Src, from, to}, CodeYAML, "between braces a comma ends the text", "quote this expression: ", from, to)
		i = last
	}
}

// unclosedCalls counts parentheses that a plain scalar opens and does not close.
func unclosedCalls(n *yaml.Node) int {
	if n.Kind != yaml.ScalarNode || n.Style != 0 {
		return 0
	}
	return strings.Count(n.Value, "(") - strings.Count(n.Value, ")")
}

func (f *Findings) auditKeys(n Node) {
	seen := make(map[string]int, len(n.YAML.Content)/2) // lines by key
	for i := 0; i+1 < len(n.YAML.Content); i += 2 {
		k := Node{n.Doc, n.YAML.Content[i]}
		switch {
		case k.YAML.Kind == yaml.AliasNode || k.byte() == '!' || k.byte() == '&' && k.YAML.Anchor != "":
			continue // audit says so
		case k.YAML.Kind != yaml.ScalarNode:
			k.Doc.bad[k.YAML] = true
			f.Add(k.Place(), CodeYAML, "a key is a name, not a list or mapping", "quote it if it is text")
		case k.YAML.Value == "<<" && k.YAML.Style == 0:
			k.Doc.bad[k.YAML] = true
			f.Add(k.Place(), CodeYAML, "merge keys are not allowed", "write the entries out")
		default:
			if first, ok := seen[k.YAML.Value]; ok {
				k.Doc.bad[k.YAML] = true
				if f.full(Error) {
					f.room(Error, n.Doc.Src.Path)
					continue
				}
				f.Add(k.Place(), CodeDuplicate, fmt.Sprintf("the key %s stands twice", Tick(k.YAML.Value)), fmt.Sprintf("the first is in line %d; remove one", first))
				continue
			}
			seen[k.YAML.Value] = k.YAML.Line
		}
	}
}

// byte gives the byte at which n begins: 0 at the end of the file.
func (n Node) byte() byte {
	if at := n.start(); at < len(n.Doc.Src.Text) {
		return n.Doc.Src.Text[at]
	}
	return 0
}

func (n Node) start() int { return n.Doc.Src.Offset(n.YAML.Line, n.YAML.Column) }

// Place gives the text of a scalar in the file; of what has parts, where it begins.
func (n Node) Place() Place {
	src, from := n.Doc.Src, n.start()
	if n.YAML.Kind != yaml.ScalarNode {
		return Place{src, from, min(from+1, len(src.Text))}
	}
	to, closing := from, 0
	if n.YAML.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		to, closing = from+1, 1
	}
	if at, ok := src.unfold(n.YAML, 0, len(n.YAML.Value)); ok {
		to = at.to
	}
	return Place{src, from, min(to+closing, len(src.Text))}
}

// Token gives the first word of n: of a tag, an anchor or an alias.
func (n Node) Token() Place {
	src, from := n.Doc.Src, n.start()
	to := from
	for to < len(src.Text) && !strings.ContainsRune(" \t\r\n,]}", rune(src.Text[to])) {
		to++
	}
	return Place{src, from, to}
}

// written gives the bytes of a scalar with a tag or an anchor before it, or of an
// alias.
func (n Node) written() (from, to int) {
	src, p := n.Doc.Src, n.Token()
	if n.YAML.Kind != yaml.ScalarNode || strings.TrimSpace(n.YAML.Value) == "" {
		return p.From, p.To
	}
	at := p.From
	for at < len(src.Text) && (src.Text[at] == '!' || src.Text[at] == '&') {
		bare := Node{n.Doc, &yaml.Node{}}
		bare.YAML.Line, bare.YAML.Column = src.Position(at)
		at = bare.Token().To
		for at < len(src.Text) && (src.Text[at] == ' ' || src.Text[at] == '\t' || breakAt(src.Text, at) > 0) {
			at++
		}
	}
	bare := *n.YAML
	bare.Line, bare.Column = src.Position(at)
	if at, ok := src.unfold(&bare, 0, len(bare.Value)); ok {
		return p.From, at.to
	}
	return p.From, p.To
}

// Quoted puts a text between single quotes as YAML wants it, in one line, which
// is cut if it is long.
func Quoted(text string) string {
	const longest = 400
	text = strings.TrimSpace(text)
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return quoted(lineBreak.ReplaceAllString(text, " "))
}

var lineBreak = regexp.MustCompile(`[ \t]*[\r\n][ \t\r\n]*`)

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// quoting gives the edit that puts the bytes from up to to between single quotes.
// YAML folds lines between quotes as it folds those of plain text.
func (s *Source) quoting(from, to int) *Edit {
	return &Edit{s.mark + s.unmended(from), s.mark + s.unmended(to), quoted(s.Text[from:to])}
}
