package source

import (
	"errors"
	"fmt"
	"io"
	"regexp"
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

// maxFile bounds the text of one file, in bytes.
const maxFile = 16 << 20

// Parse reads a file as YAML and finds what YAML would read as something else
// than was written.
func (f *Findings) Parse(path, text string) *Document {
	d := &Document{Src: New(path, text), bad: map[*yaml.Node]bool{}}
	if len(text) > maxFile {
		f.Add(Place{d.Src, 0, 0}, CodeFile, "the file is larger than 16 MiB", "split it")
		return d
	}
	if p, msg, hint := d.Src.fault(); msg != "" {
		f.Add(p, CodeYAML, msg, hint)
		return d
	}
	loader, err := yaml.NewLoader(strings.NewReader(d.Src.Text), yaml.WithUniqueKeys(false))
	if err != nil {
		f.Add(Place{d.Src, 0, 0}, CodeYAML, err.Error(), "")
		return d
	}
	var first, more yaml.Node
	if err := loader.Load(&first); err == io.EOF {
		return d
	} else if err != nil {
		f.yaml(d.Src, err)
		return d
	}
	if err := loader.Load(&more); err == nil {
		f.Add(Node{d, &more}.Place(), CodeYAML, "a second document begins here", "remove the `---`: a file is one document")
	} else if err != io.EOF {
		f.yaml(d.Src, err)
	}
	if len(first.Content) == 1 {
		d.Root = first.Content[0]
		f.audit(Node{d, d.Root})
	}
	return d
}

// audit looks for tags, anchors, aliases, merge keys and keys that stand twice,
// in n and below.
func (f *Findings) audit(n Node) {
	switch {
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
		f.auditKeys(n)
	}
	for _, c := range n.YAML.Content {
		f.audit(Node{n.Doc, c})
	}
}

// eaten reports a node whose first character means something to YAML.
func (f *Findings) eaten(n Node, why string) {
	n.Doc.bad[n.YAML] = true
	hint := "remove it"
	if n.YAML.Kind == yaml.ScalarNode || n.YAML.Kind == yaml.AliasNode {
		hint = "if it is part of an expression or a text, quote that: " + Quoted(n.written())
	}
	f.Add(n.Token(), CodeYAML, why, hint)
}

func (f *Findings) auditKeys(n Node) {
	seen := map[string]Node{}
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
				f.Add(k.Place(), CodeDuplicate, fmt.Sprintf("the key %s stands twice", Tick(k.YAML.Value)), fmt.Sprintf("the first is in line %d; remove one", first.YAML.Line))
				continue
			}
			seen[k.YAML.Value] = k
		}
	}
}

// plainer are words of the YAML reader and what they mean.
var plainer = strings.NewReplacer(
	"did not find expected key", "expected `key: value`",
	"did not find expected '-' indicator", "expected `- ` or a line that is indented less",
	"did not find expected ", "expected ",
	"could not find expected ':'", "expected `: ` behind the key",
	"mapping values are not allowed in this context", "a `: ` cannot stand here",
	"mapping keys are not allowed in this context", "a `? ` cannot stand here",
	"block sequence entries are not allowed in this context", "a `- ` cannot stand here",
	"found character that cannot start any token", "a text cannot begin with this character",
	"found unexpected end of stream", "what begins here is not closed",
)

// yaml reports an error of the YAML reader.
func (f *Findings) yaml(src *Source, err error) {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		f.Add(Place{src, 0, 0}, CodeYAML, err.Error(), "")
		return
	}
	at, msg := src.Offset(e.Mark.Line, e.Mark.Column), "this is no YAML: "+plainer.Replace(e.Message)
	began := e.ContextMark
	open := strings.Contains(e.ContextMsg, "quoted scalar")
	flow := strings.Contains(e.ContextMsg, "flow")
	if began.Line > 0 && (open || strings.Contains(e.ContextMsg, "simple key") || strings.TrimSpace(src.Text[at:]) == "") {
		// What is never closed is found at the end of the text, a key without `:` a
		// line later; both are to be mended where they begin.
		at = src.Offset(began.Line, began.Column)
		flow = false
	}
	from, to, ok := src.valueAround(at)
	switch {
	case ok && !open && strings.ContainsRune("{[", rune(src.Text[from])) && strings.Contains(src.Text[from:to], " #"):
		f.Add(Place{src, from, to}, CodeYAML, msg, "` #` begins a comment, also within brackets: quote the text that it is part of, or close the bracket before it")
	case ok && !open:
		f.Add(Place{src, from, to}, CodeYAML, msg, "quote this expression: "+Quoted(src.Text[from:to]))
	case strings.HasPrefix(e.Message, "mapping values"):
		f.Add(Place{src, at, at}, CodeYAML, msg, "quote this expression, or write it as a block: `>-` behind the key, and the text below")
	case flow && began.Line < e.Mark.Line:
		f.Add(Place{src, at, at}, CodeYAML, msg, fmt.Sprintf("the bracket in line %d, column %d may not be closed", began.Line, began.Column))
	default:
		f.Add(Place{src, at, at}, CodeYAML, msg, "")
	}
}

var (
	blockEntry = regexp.MustCompile(`^[ \t]*(- +)*[^\s'"{\[#][^'"{\[#]*?:[ \t]+`)
	blockHead  = regexp.MustCompile(`^[|>][-+0-9]*$`)
	flowEntry  = regexp.MustCompile(`[{,][ \t]*[A-Za-z_][A-Za-z0-9_.-]*:[ \t]+`)
)

// valueAround finds the value that stands around a byte, or before it in its
// line, if it is one that YAML takes apart unless it is quoted: it begins with a
// character that means something to YAML, or holds a `: `.
func (s *Source) valueAround(at int) (from, to int, ok bool) {
	line, _ := s.Position(at)
	begin, end := s.lines[line-1], s.LineEnd(line)
	text := s.Text[begin:end]
	entry := blockEntry.FindStringIndex(text)
	if entry == nil {
		return 0, 0, false
	}
	from, to = begin+entry[1], end
	inner := flowEntry.FindAllStringIndex(text, -1)
	for i, e := range inner {
		if begin+e[1] > at {
			break
		}
		from, to = begin+e[1], begin+len(text)
		if i+1 < len(inner) {
			to = begin + inner[i+1][0]
		}
	}
	value := strings.TrimRight(s.Text[from:max(from, to)], " \t")
	for len(inner) > 0 && strings.HasSuffix(value, "}") && strings.Count(value, "}") > strings.Count(value, "{") {
		value = strings.TrimRight(strings.TrimSuffix(value, "}"), " \t") // of the mapping around it
	}
	if value == "" || blockHead.MatchString(value) {
		return 0, 0, false
	}
	odd := strings.Contains(value, ": ") || strings.ContainsRune("\"'{[*&!%@`|>", rune(value[0])) || len(inner) > 0
	return from, from + len(value), odd
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
	spans, ok := src.unfold(n.YAML)
	if !ok || len(spans) == 0 {
		return Place{src, from, from}
	}
	to := spans[len(spans)-1].to
	if n.YAML.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		to = min(to+1, len(src.Text))
	}
	return Place{src, from, to}
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

// written gives what stands in the file for a scalar with a tag or an anchor
// before it, or for an alias.
func (n Node) written() string {
	src, p := n.Doc.Src, n.Token()
	whole := src.Text[p.From:p.To]
	if n.YAML.Kind != yaml.ScalarNode || strings.TrimSpace(n.YAML.Value) == "" {
		return whole
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
	if spans, ok := src.unfold(&bare); ok {
		whole = src.Text[p.From:spans[len(spans)-1].to]
	}
	return whole
}

// Quoted puts a text between single quotes as YAML wants it, in one line.
func Quoted(text string) string {
	return "'" + strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "'", "''") + "'"
}
