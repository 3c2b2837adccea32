package rules

import (
	"errors"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// document is the YAML tree of a file.
type document struct {
	src  *source
	root *yaml.Node          // nil: the file is empty or no YAML
	bad  map[*yaml.Node]bool // nodes with a finding: what they mean is not asked again
}

// node is a node of a document.
type node struct {
	doc *document
	n   *yaml.Node
}

// maxFile bounds the text of one file, in bytes.
const maxFile = 16 << 20

// parse reads a file as YAML and finds what YAML would read as something else
// than was written.
func (f *findings) parse(path, text string) *document {
	d := &document{src: newSource(path, text), bad: map[*yaml.Node]bool{}}
	if len(text) > maxFile {
		f.add(place{d.src, 0, 0}, CodeFile, "the file is larger than 16 MiB", "split it")
		return d
	}
	if p, msg, hint := d.src.fault(); msg != "" {
		f.add(p, CodeYAML, msg, hint)
		return d
	}
	loader, err := yaml.NewLoader(strings.NewReader(d.src.text), yaml.WithUniqueKeys(false))
	if err != nil {
		f.add(place{d.src, 0, 0}, CodeYAML, err.Error(), "")
		return d
	}
	var first, more yaml.Node
	if err := loader.Load(&first); err == io.EOF {
		return d
	} else if err != nil {
		f.yaml(d.src, err)
		return d
	}
	if err := loader.Load(&more); err == nil {
		f.add(node{d, &more}.place(), CodeYAML, "a second document begins here", "remove the `---`: a file is one document")
	} else if err != io.EOF {
		f.yaml(d.src, err)
	}
	if len(first.Content) == 1 {
		d.root = first.Content[0]
		f.audit(node{d, d.root})
	}
	return d
}

// audit looks for tags, anchors, aliases, merge keys and keys that stand twice,
// in n and below.
func (f *findings) audit(n node) {
	switch {
	case n.n.Kind == yaml.AliasNode:
		f.eaten(n, "`*` begins an alias")
		return
	case n.byte() == '!':
		f.eaten(n, "`!` begins a tag, which YAML takes out of the text")
		return
	case n.byte() == '&' && n.n.Anchor != "":
		f.eaten(n, "`&` begins an anchor, which YAML takes out of the text")
		return
	}
	if n.n.Kind == yaml.MappingNode {
		f.auditKeys(n)
	}
	for _, c := range n.n.Content {
		f.audit(node{n.doc, c})
	}
}

// eaten reports a node whose first character means something to YAML.
func (f *findings) eaten(n node, why string) {
	n.doc.bad[n.n] = true
	hint := "remove it"
	if n.n.Kind == yaml.ScalarNode || n.n.Kind == yaml.AliasNode {
		hint = "if it is part of an expression or a text, quote that: " + quoted(n.written())
	}
	f.add(n.token(), CodeYAML, why, hint)
}

func (f *findings) auditKeys(n node) {
	seen := map[string]node{}
	for i := 0; i+1 < len(n.n.Content); i += 2 {
		k := node{n.doc, n.n.Content[i]}
		switch {
		case k.n.Kind == yaml.AliasNode || k.byte() == '!' || k.byte() == '&' && k.n.Anchor != "":
			continue // audit says so
		case k.n.Kind != yaml.ScalarNode:
			k.doc.bad[k.n] = true
			f.add(k.place(), CodeYAML, "a key is a name, not a list or mapping", "quote it if it is text")
		case k.n.Value == "<<" && k.n.Style == 0:
			k.doc.bad[k.n] = true
			f.add(k.place(), CodeYAML, "merge keys are not allowed", "write the entries out")
		default:
			if first, ok := seen[k.n.Value]; ok {
				k.doc.bad[k.n] = true
				f.add(k.place(), CodeDuplicate, sprintf("the key %s stands twice", tick(k.n.Value)), sprintf("the first is in line %d; remove one", first.n.Line))
				continue
			}
			seen[k.n.Value] = k
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
func (f *findings) yaml(src *source, err error) {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		f.add(place{src, 0, 0}, CodeYAML, err.Error(), "")
		return
	}
	at, msg := src.offset(e.Mark.Line, e.Mark.Column), "this is no YAML: "+plainer.Replace(e.Message)
	began := e.ContextMark
	open := strings.Contains(e.ContextMsg, "quoted scalar")
	flow := strings.Contains(e.ContextMsg, "flow")
	if began.Line > 0 && (open || strings.Contains(e.ContextMsg, "simple key") || strings.TrimSpace(src.text[at:]) == "") {
		// What is never closed is found at the end of the text, a key without `:` a
		// line later; both are to be mended where they begin.
		at = src.offset(began.Line, began.Column)
		flow = false
	}
	from, to, ok := src.valueAround(at)
	switch {
	case ok && !open && strings.ContainsRune("{[", rune(src.text[from])) && strings.Contains(src.text[from:to], " #"):
		f.add(place{src, from, to}, CodeYAML, msg, "` #` begins a comment, also within brackets: quote the text that it is part of, or close the bracket before it")
	case ok && !open:
		f.add(place{src, from, to}, CodeYAML, msg, "quote this expression: "+quoted(src.text[from:to]))
	case strings.HasPrefix(e.Message, "mapping values"):
		f.add(place{src, at, at}, CodeYAML, msg, "quote this expression, or write it as a block: `>-` behind the key, and the text below")
	case flow && began.Line < e.Mark.Line:
		f.add(place{src, at, at}, CodeYAML, msg, sprintf("the bracket in line %d, column %d may not be closed", began.Line, began.Column))
	default:
		f.add(place{src, at, at}, CodeYAML, msg, "")
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
func (s *source) valueAround(at int) (from, to int, ok bool) {
	line, _ := s.position(at)
	begin, end := s.lines[line-1], s.lineEnd(line)
	text := s.text[begin:end]
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
	value := strings.TrimRight(s.text[from:max(from, to)], " \t")
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
func (n node) byte() byte {
	if at := n.start(); at < len(n.doc.src.text) {
		return n.doc.src.text[at]
	}
	return 0
}

func (n node) start() int { return n.doc.src.offset(n.n.Line, n.n.Column) }

// place gives the text of a scalar in the file; of what has parts, where it begins.
func (n node) place() place {
	src, from := n.doc.src, n.start()
	if n.n.Kind != yaml.ScalarNode {
		return place{src, from, min(from+1, len(src.text))}
	}
	spans, ok := src.unfold(n.n)
	if !ok || len(spans) == 0 {
		return place{src, from, from}
	}
	to := spans[len(spans)-1].to
	if n.n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		to = min(to+1, len(src.text))
	}
	return place{src, from, to}
}

// token gives the first word of n: of a tag, an anchor or an alias.
func (n node) token() place {
	src, from := n.doc.src, n.start()
	to := from
	for to < len(src.text) && !strings.ContainsRune(" \t\r\n,]}", rune(src.text[to])) {
		to++
	}
	return place{src, from, to}
}

// written gives what stands in the file for a scalar with a tag or an anchor
// before it, or for an alias.
func (n node) written() string {
	src, p := n.doc.src, n.token()
	whole := src.text[p.from:p.to]
	if n.n.Kind != yaml.ScalarNode || strings.TrimSpace(n.n.Value) == "" {
		return whole
	}
	at := p.from
	for at < len(src.text) && (src.text[at] == '!' || src.text[at] == '&') {
		bare := node{n.doc, &yaml.Node{}}
		bare.n.Line, bare.n.Column = src.position(at)
		at = bare.token().to
		for at < len(src.text) && (src.text[at] == ' ' || src.text[at] == '\t' || breakAt(src.text, at) > 0) {
			at++
		}
	}
	bare := *n.n
	bare.Line, bare.Column = src.position(at)
	if spans, ok := src.unfold(&bare); ok {
		whole = src.text[p.from:spans[len(spans)-1].to]
	}
	return whole
}

// quoted puts a text between single quotes as YAML wants it, in one line.
func quoted(text string) string {
	return "'" + strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "'", "''") + "'"
}
