package source

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Bounds of one file. The worst file below them is read in about 100 ms and less
// than 64 MB (TestWorst); a file of 1,000 rules with comments has room.
const (
	maxFile  = 1536 << 10 // bytes
	maxWork  = 190_000    // work
	maxFlow  = 30_000     // marks between a bracket and the one that closes it
	maxDepth = 50         // lists and mappings within each other
	maxMends = 40         // readings of a file that is no YAML
	mendWork = 60_000     // work of all of them
)

// work estimates what it costs to read a text as YAML, in units of half a
// microsecond and 300 bytes at most. What begins a value costs more than its text.
func work(text string) int { return len(text)/16 + marks(text) }

// marks is the part of work that what begins values and comments costs.
func marks(text string) (n int) {
	for i := range len(text) {
		switch text[i] {
		case '[', '{':
			n += 3
		case ',':
			n++
		case ':', '?', '-':
			if i+1 == len(text) {
				n += 2
				break
			}
			switch text[i+1] {
			case ' ', '\t', '\n', '\r', ',', '[', ']', '{', '}', '-':
				n += 2
			}
		case '#':
			n += 3
		case '"', '\'', '!', '&', '*':
			if i == 0 || strings.IndexByte(" \t\n\r[{,\"'", text[i-1]) >= 0 {
				n++
			}
		}
	}
	return n
}

// meter gives a text to the YAML reader and stops it where lists and mappings
// stand too deep within each other, or where brackets hold too much: the reader
// keeps all that stands between brackets in mind at a time.
type meter struct {
	text string
	at   int  // bytes that were given
	open bool // a bracket was opened, and no list or mapping without brackets began since
	flow int  // marks since the last bracket that stands in no other

	deep, full bool // why the reader was stopped
}

var errBound = errors.New("a bound of the file")

func (m *meter) Read(p []byte) (int, error) {
	if m.flow > maxFlow {
		m.full = true
		return 0, errBound
	}
	n := copy(p, m.text[m.at:])
	if n == 0 {
		return 0, io.EOF
	}
	if m.open {
		m.flow += marks(m.text[m.at : m.at+n])
	}
	m.at += n
	return n, nil
}

// CheckDepth is called by the YAML reader where a list or mapping begins.
func (m *meter) CheckDepth(depth int, in *yaml.DepthContext) error {
	if depth > maxDepth {
		m.deep = true
		return errBound
	}
	if flow := in.Kind == yaml.DepthKindFlow; !flow || depth == 1 {
		m.open, m.flow = flow, 0
	}
	return nil
}

// CheckAlias is called by the YAML reader where it follows aliases: never.
func (m *meter) CheckAlias(_, _ int) error { return nil }

// tooLarge says that the file is too large, if it is.
func (s *Source) tooLarge() (msg, hint string) {
	const split = "split it: a ruleset may have any number of files"
	switch {
	case len(s.Text) > maxFile:
		return fmt.Sprintf("the file is larger than %d KiB", maxFile>>10), split
	case work(s.Text) > maxWork:
		return "the file has too many entries", split
	}
	return "", ""
}
