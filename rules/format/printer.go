package format

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

// step is by how many spaces the parts of something are indented.
const step = 2

// printer writes the nodes of a document. It goes through its pieces at the same
// time, for the comments between them and for what stands on a line of its own.
type printer struct {
	src    *source.Source
	text   string // of src
	pieces []piece
	at     int // the piece that is next
	lines  []line
	indent int    // of what is within the last line, without its `- `
	depth  int    // brackets around
	behind bool   // the next entry or value may stand in the last line
	keeps  bool   // the last line belongs to a block scalar to which empty lines below would belong too
	fault  string // why the text cannot be written
}

// line is a line of the output.
type line struct {
	indent    int
	level     int // indentation of what is within, without its `- `
	text      string
	comment   string
	quoted    string // the text if a comment comes behind it: its last value stays in quotes
	continued bool   // the comment goes on from the line above
	raw       bool   // the text is to stand as it is, and nothing behind it
}

func (p *printer) peek() *piece { return &p.pieces[p.at] }

func (p *printer) take() *piece {
	p.at++
	return &p.pieces[p.at-1]
}

func (p *printer) last() *line { return &p.lines[len(p.lines)-1] }

func (p *printer) put(text string) {
	p.last().text += text
	p.last().quoted = ""
}

// begin begins a line, below an empty one where the author left one before pc.
func (p *printer) begin(indent int, pc *piece) {
	if pc.blank && len(p.lines) > 0 && !p.keeps {
		p.lines = append(p.lines, line{raw: true})
	}
	p.keeps = false
	p.lines = append(p.lines, line{indent: indent, level: indent})
	p.indent, p.behind = indent, false
}

// takesComment says whether an end-of-line comment can stand in the last line.
func (p *printer) takesComment() bool {
	return len(p.lines) > 0 && p.last().comment == "" && !p.last().raw
}

// lineComment writes the end-of-line comment that is next, if there is one.
func (p *printer) lineComment() {
	pc := p.peek()
	if pc.kind != comment || pc.first || !p.takesComment() {
		return
	}
	l := p.last()
	l.comment = p.text[pc.from:pc.to]
	if l.quoted != "" {
		l.text = l.quoted
	}
	p.at++
	if !p.behind || !strings.HasSuffix(l.text, "-") { // behind a dash the entry's own comments begin in that column
		p.continued(pc.column)
	}
	p.behind = false
}

// continued writes the comments below an end-of-line comment that begin in its
// column: they go on with it.
func (p *printer) continued(column int) {
	for pc := p.peek(); pc.kind == comment && pc.first && !pc.blank && pc.column == column; pc = p.peek() {
		p.lines = append(p.lines, line{indent: p.last().indent, comment: p.text[pc.from:pc.to], continued: true})
		p.at++
	}
}

// comments writes the comments before the next piece.
func (p *printer) comments(indent int) { p.commentsWhile(indent, func(*piece) bool { return true }) }

func (p *printer) commentsWhile(indent int, belongs func(*piece) bool) {
	p.lineComment()
	for pc := p.peek(); pc.kind == comment && belongs(pc); pc = p.peek() {
		p.begin(indent, pc)
		p.last().comment = p.text[pc.from:pc.to]
		p.at++
	}
}

// closingComments writes the comments behind the last entry of a block whose
// entries begin in a column, as far as they are indented like these and deeper
// than what follows.
func (p *printer) closingComments(indent, column int) {
	next := p.at
	for p.pieces[next].kind == comment {
		next++
	}
	after := -1
	if p.pieces[next].kind != end {
		after = p.pieces[next].column
	}
	p.commentsWhile(indent, func(pc *piece) bool { return pc.first && pc.column >= column && column > after })
}

// document writes the file as a whole.
func (p *printer) document(root *yaml.Node) {
	p.prolog()
	if root != nil {
		p.node(root, 0, true)
	}
	p.comments(0)
}

// prolog writes what stands before the document's first node, if that begins with
// `---`.
func (p *printer) prolog() {
	begins := 0
	for i, pc := range p.pieces {
		if pc.kind == marker {
			begins = i + 1
		}
	}
	for p.at < begins {
		p.comments(0)
		pc := p.take()
		p.begin(0, pc)
		p.put(p.text[pc.from:pc.to])
	}
}

// node writes a value whose parts are indented. sameLine is whether a block list
// or mapping may begin in the line of the dash before it.
func (p *printer) node(n *yaml.Node, indent int, sameLine bool) {
	switch {
	case n.Kind == yaml.ScalarNode:
		p.scalar(n, indent)
	case n.Style&yaml.FlowStyle != 0:
		p.startValue(indent)
		p.flow(n)
	case n.Kind == yaml.SequenceNode:
		p.behind = p.behind && sameLine
		p.list(n, indent)
	default:
		p.behind = p.behind && sameLine
		p.mapping(n, indent)
	}
}

// startValue begins a value: behind its dash or colon, unless a comment stands
// there.
func (p *printer) startValue(indent int) {
	p.comments(indent)
	if p.behind {
		if text := p.last().text; text != "" && !strings.HasSuffix(text, "{") && !strings.HasSuffix(text, "[") {
			p.put(" ")
		}
		p.behind = false
		return
	}
	p.begin(indent, p.peek())
}

func (p *printer) list(n *yaml.Node, indent int) {
	column := 0
	for _, item := range n.Content {
		p.startValue(indent)
		column = p.take().column
		p.put("-")
		p.indent, p.behind = indent+step, true
		p.last().level = p.indent
		p.entryValue(item, indent, column, true)
	}
	p.closingComments(indent, column)
}

func (p *printer) mapping(n *yaml.Node, indent int) {
	column := n.Column - 1
	for i := 0; i+1 < len(n.Content); i += 2 {
		p.startValue(indent)
		p.put(p.key(n.Content[i]) + ":")
		p.behind = true
		p.entryValue(n.Content[i+1], indent, n.Content[i].Column-1, false)
	}
	p.closingComments(indent, column)
}

// entryValue writes the value of an entry that begins in a column. What is
// commented out in place of a value belongs to the entry.
func (p *printer) entryValue(n *yaml.Node, indent, column int, sameLine bool) {
	if !isNothing(n) {
		p.node(n, indent+step, sameLine)
		return
	}
	p.closingComments(indent+step, column+1)
	p.behind = false
}

func isNothing(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style == 0
}

func (p *printer) key(n *yaml.Node) string {
	if isNothing(n) {
		return ""
	}
	return p.keyText(n)
}

// scalar writes a scalar; further lines of it are indented.
func (p *printer) scalar(n *yaml.Node, indent int) {
	if isNothing(n) {
		return
	}
	p.comments(indent)
	pc := p.peek()
	text := p.text[pc.from:pc.to]
	isBlock := n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
	isLong := !isBlock && strings.ContainsAny(text, "\r\n")
	p.behind = p.behind && !(isLong && pc.first && p.last().text != "")
	p.startValue(indent)
	p.at++
	switch {
	case isBlock:
		p.block(n, pc, max(indent, step))
	case isLong:
		lines := flowLines(text, n.Style&yaml.DoubleQuotedStyle != 0)
		p.put(lines[0])
		for _, l := range lines[1:] {
			p.lines = append(p.lines, line{indent: indent, level: indent, text: l})
		}
	case n.Style == 0:
		p.put(text)
	default:
		before := p.last().text
		p.put(p.requoted(n, text))
		if isPrintable(n.Value) {
			p.last().quoted = before + singleQuoted(n.Value)
		}
	}
}

// block writes a block scalar.
func (p *printer) block(n *yaml.Node, pc *piece, indent int) {
	lines, _ := blockLines(p.text, pc.from, n.Value)
	header := blockHeader(n, blockHead(p.text[pc.from:pc.to]))
	p.put(header)
	p.last().comment = blockNote(p.text[pc.from:pc.to])
	for _, l := range lines {
		p.lines = append(p.lines, line{indent: indent, text: l, raw: true})
	}
	for range strings.Count(n.Value[len(strings.TrimRight(n.Value, "\n")):], "\n") - min(len(lines), 1) {
		p.lines = append(p.lines, line{raw: true})
	}
	p.keeps = strings.Contains(header, "+")
}

// blockHeader gives the header of a block scalar, of which head is written. What
// it says of the breaks at the end follows from the value: the last line of a file
// may have had none.
func blockHeader(n *yaml.Node, head string) string {
	style, chomp := head[:1], ""
	body := strings.TrimRight(n.Value, "\n")
	switch breaks := len(n.Value) - len(body); {
	case n.Value == "" && strings.Contains(head, "-"), n.Value != "" && breaks == 0:
		chomp = "-"
	case breaks > 1, breaks == 1 && body == "":
		chomp = "+"
	}
	if text := strings.TrimLeft(n.Value, "\n"); text != "" && (text[0] == ' ' || text[0] == '\t') {
		style += strconv.Itoa(step) // else YAML takes the text's own space for indentation
	}
	return style + chomp
}

// flow writes a collection in brackets.
func (p *printer) flow(n *yaml.Node) {
	brackets, per := "[]", 1
	if n.Kind == yaml.MappingNode {
		brackets, per = "{}", 2
	}
	outer, inner := p.indent, p.indent+step
	// A mapping of one entry within a list may have no brackets.
	isBare := p.text[p.src.Offset(n.Line, n.Column)] != brackets[0]
	if !isBare {
		p.at++
	}
	p.put(brackets[:1])
	p.depth++
	closesAlone := false
	for i := 0; i < len(n.Content); i += per {
		if i > 0 {
			p.put(",")
		}
		if p.flowBreak(inner, isBare) && i == 0 {
			closesAlone = true
		}
		p.flowEntry(n.Content[i : i+per])
	}
	p.depth--
	if !isBare {
		p.comments(inner)
		p.at++
	}
	if closesAlone || p.last().comment != "" {
		p.begin(outer, &piece{})
	}
	p.put(brackets[1:])
}

// flowBreak begins a line for the next entry of a collection if there it stood on
// a new one, or if a comment ends the last line.
func (p *printer) flowBreak(indent int, isBare bool) bool {
	p.comments(indent)
	isNew := p.peek().broken && p.peek().kind != closing && !isBare || p.last().comment != ""
	if isNew {
		p.begin(indent, p.peek())
	}
	p.behind = true
	return isNew
}

// flowEntry writes an entry of a list, or a key and its value.
func (p *printer) flowEntry(entry []*yaml.Node) {
	if len(entry) == 1 {
		p.node(entry[0], p.indent+step, false)
		return
	}
	key, value := entry[0], entry[1]
	p.startValue(p.indent)
	p.put(p.key(key))
	if isNothing(value) && !isNothing(key) {
		return
	}
	p.put(":")
	p.behind = true
	p.node(value, p.indent+step, false)
}

// String gives the lines, with aligned comments.
func (p *printer) String() string {
	var b strings.Builder
	for from := 0; from < len(p.lines); {
		to, column := p.aligned(from)
		for _, l := range p.lines[from:to] {
			l.write(&b, column)
		}
		from = to
	}
	return b.String()
}

// aligned gives the end of a run of lines whose end-of-line comments begin in one
// column.
func (p *printer) aligned(from int) (to, column int) {
	first := &p.lines[from]
	for to = from; to < len(p.lines); to++ {
		l := &p.lines[to]
		isNote := l.comment != "" && l.text != "" && l.level == first.level
		if to > from && !l.continued && !(isNote && first.comment != "" && first.text != "") {
			break
		}
		if l.text != "" {
			column = max(column, l.indent+utf8.RuneCountInString(l.text)+2)
		}
	}
	return to, column
}

func (l *line) write(b *strings.Builder, column int) {
	text := l.text
	switch {
	case l.comment != "" && (l.text != "" || l.continued):
		text += strings.Repeat(" ", column-l.indent-utf8.RuneCountInString(l.text)) + l.comment
	case l.comment != "":
		text = l.comment
	}
	if text != "" {
		b.WriteString(strings.Repeat(" ", l.indent))
	}
	b.WriteString(text)
	b.WriteByte('\n')
}
