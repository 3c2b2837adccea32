package source

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// Extent gives the bytes of what n is written of, from its first character to behind its last,
// without the comments that follow.
func (n Node) Extent() (from, to int) {
	from = n.start()
	if n.YAML.Kind == yaml.ScalarNode {
		return from, max(from, n.Place().To)
	}
	to = min(from+1, len(n.Doc.Src.Text))
	for _, c := range n.YAML.Content {
		_, end := Node{n.Doc, c}.Extent()
		to = max(to, end)
	}
	if n.Bracketed() {
		to = n.Doc.Src.closing(to)
	}
	return from, to
}

// Bracketed says whether n is a list or a mapping that stands between brackets.
func (n Node) Bracketed() bool {
	return n.YAML.Kind != yaml.ScalarNode && (n.byte() == '[' || n.byte() == '{')
}

// closing gives the byte behind the bracket that comes next, behind blanks, commas and comments.
func (s *Source) closing(at int) int {
	for at < len(s.Text) {
		switch c := s.Text[at]; {
		case c == ']' || c == '}':
			return at + 1
		case c == '#':
			end := strings.IndexByte(s.Text[at:], '\n')
			if end < 0 {
				return len(s.Text)
			}
			at += end
		default:
			at++
		}
	}
	return at
}
