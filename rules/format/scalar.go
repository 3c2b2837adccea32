package format

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// longestKey bounds the text of a key, in bytes: YAML looks no farther for the
// colon.
const longestKey = 1000

// keyText gives a scalar as a key, in one line.
func (p *printer) keyText(n *yaml.Node) string {
	pc := p.take()
	text := p.text[pc.from:pc.to]
	if n.Style != 0 || n.Value != text {
		text = p.requoted(n, text)
	}
	if len(text) > longestKey {
		p.fault = fmt.Sprintf("the key %.20s… is longer than %d bytes", text, longestKey)
	}
	return text
}

// requoted gives a text in its canonical form, in one line. written is how it
// stands in the file.
func (p *printer) requoted(n *yaml.Node, written string) string {
	switch {
	case isPrintable(n.Value) && p.meansItself(n.Value):
		return n.Value
	case isPrintable(n.Value) && n.Style&yaml.DoubleQuotedStyle != 0 && !strings.ContainsAny(n.Value, `"\\`):
		return doubleQuoted(n.Value) // as it was: no quote needs an escape
	case isPrintable(n.Value):
		return singleQuoted(n.Value)
	case n.Style&yaml.DoubleQuotedStyle != 0 && !strings.ContainsAny(written, "\r\n"):
		return written
	}
	return doubleQuoted(n.Value)
}

func singleQuoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func isPrintable(text string) bool {
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

func doubleQuoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// yamlWords are texts that other readers of YAML take for true and false. In
// quotes they keep these.
var yamlWords = map[string]bool{"y": true, "n": true, "yes": true, "no": true, "on": true, "off": true}

// meansItself says whether a text of printable characters is that text without
// quotes too, where the printer is.
func (p *printer) meansItself(text string) bool {
	const begins = "-?:,[]{}#&*!|>'\"%@`=~. "
	switch {
	case text == "", strings.ContainsRune(begins, rune(text[0])), text[len(text)-1] == ' ', text[len(text)-1] == ':':
		return false
	case strings.Contains(text, ": "), strings.Contains(text, " #"), p.depth > 0 && strings.ContainsAny(text, ",[]{}"):
		return false
	case yamlWords[strings.ToLower(text)], json.Valid([]byte(text)):
		return false
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil || len(doc.Content) != 1 {
		return false
	}
	n := doc.Content[0]
	return n.Kind == yaml.ScalarNode && n.Value == text && n.ShortTag() == "!!str"
}

// flowLines gives the lines of a plain or quoted text, without their indentation
// and the space behind them. escapes is whether a backslash escapes.
func flowLines(text string, escapes bool) []string {
	lines := splitLines(text)
	for i, line := range lines {
		if i > 0 {
			line = strings.TrimLeft(line, " \t")
		}
		cut := strings.TrimRight(line, " \t")
		if slashes := len(cut) - len(strings.TrimRight(cut, `\`)); escapes && slashes%2 == 1 && len(cut) < len(line) {
			cut = line[:len(cut)+1] // an escaped space
		}
		if i == len(lines)-1 {
			cut = line
		}
		lines[i] = cut
	}
	return lines
}

// splitLines gives the lines of a text without their breaks.
func splitLines(text string) []string {
	return strings.Split(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n"), "\n")
}

// blockLines gives the lines of a block scalar whose header begins at from,
// without their indentation and without the empty lines at its end, and where it
// ends in the text. value is its value.
func blockLines(text string, from int, value string) (lines []string, to int) {
	head, at := lineAt(text, from)
	to = from + len(head)
	keep := strings.Contains(blockHead(head), "+")
	indent := blockIndent(text, at, value)
	var empty []string
	for at < len(text) {
		line, next := lineAt(text, at)
		depth := spaces(line)
		switch {
		case depth >= indent && len(line) > indent:
			lines = append(append(lines, empty...), line[indent:])
			empty, to = nil, at+len(line)
		case depth < len(line):
			return lines, to
		default:
			empty = append(empty, "")
			if keep {
				to = at + len(line)
			}
		}
		at = next
	}
	return lines, to
}

// blockIndent gives the indentation of the text of a block scalar in the file. at
// is where the line below its header begins. Its first line that is not empty is
// as much longer than that of the value.
func blockIndent(text string, at int, value string) int {
	body := strings.TrimLeft(value, "\n")
	if body == "" {
		return len(text) // no line is indented that deep
	}
	for range len(value) - len(body) {
		_, at = lineAt(text, at)
	}
	line, _ := lineAt(text, at)
	return spaces(line) - spaces(body)
}

// spaces counts the spaces at the begin of a line.
func spaces(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// blockHead gives the header of a block scalar from the line that it ends.
func blockHead(line string) string {
	return line[:len(line)-len(strings.TrimLeft(line[1:], "+-0123456789"))]
}

// blockNote gives the comment behind the header of a block scalar.
func blockNote(text string) string {
	line, _ := lineAt(text, 0)
	return strings.Trim(line[len(blockHead(line)):], " \t")
}

// lineAt gives what stands from a place to the end of its line, and where the
// next line begins.
func lineAt(text string, at int) (line string, next int) {
	i := strings.IndexAny(text[at:], "\r\n")
	if i < 0 {
		return text[at:], len(text)
	}
	next = at + i + 1
	if strings.HasPrefix(text[at+i:], "\r\n") {
		next++
	}
	return text[at : at+i], next
}
