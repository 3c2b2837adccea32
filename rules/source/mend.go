package source

import (
	"cmp"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// reading is what the YAML reader makes of a text.
type reading struct {
	src           *Source
	first, second *yaml.Node // documents; nil: there is none
	err           error
	meter         meter
}

// version12 finds the directive of YAML 1.2, which the reader refuses. Down to
// nodes it reads 1.2 like 1.1.
var version12 = regexp.MustCompile(`\A((?:[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r|\n))*%YAML[ \t]+1\.)2`)

func read(src *Source) reading {
	r := reading{src: src, meter: meter{text: src.Text}}
	if strings.Contains(src.Text[:min(len(src.Text), 1_000)], "%YAML") {
		r.meter.text = version12.ReplaceAllString(src.Text, "${1}1")
	}
	loader, err := yaml.NewLoader(&r.meter, yaml.WithUniqueKeys(false), yaml.WithPlugin(&r.meter))
	if err != nil {
		r.err = err
		return r
	}
	var docs [2]yaml.Node
	for i := range docs {
		switch err := loader.Load(&docs[i]); {
		case err == io.EOF:
			return r
		case err != nil:
			r.err = err
			return r
		case i == 0:
			r.first = &docs[i]
		default:
			r.second = &docs[i]
		}
	}
	return r
}

// reached gives the byte up to which the text was understood.
func (r *reading) reached() int {
	var e *yaml.LoadError
	switch {
	case r.err == nil:
		return len(r.src.Text) + 1
	case !errors.As(r.err, &e):
		return 0
	case e.ContextMark.Line > 0 && (strings.Contains(e.ContextMsg, "simple key") || strings.Contains(e.ContextMsg, "quoted scalar") && strings.Contains(e.Message, "end of stream")):
		return r.src.Offset(e.ContextMark.Line, e.ContextMark.Column)
	}
	return r.src.Offset(e.Mark.Line, e.Mark.Column)
}

// attempts bound the readings that mending a file may take.
type attempts struct{ left, each int }

func newAttempts(src *Source) *attempts {
	each := work(src.Text) + 1
	return &attempts{left: min(maxMends, mendWork/each), each: each}
}

// cause is what may be wrong with a text that is no YAML.
type cause struct {
	from, to  int // its place
	msg, hint string
	quote     bool     // quoting its place mends it
	certain   bool     // it is wrong, whether or not the reader comes to what else is
	mends     [][]Edit // ways to go on reading, best first
}

// broken reports why a text is no YAML. It gives the reading of the text as
// mended; false where no way was found.
func (f *Findings) broken(src *Source, r reading, left *attempts) (next reading, ok bool) {
	causes := src.causes(&r)
	reached := src.unmended(r.reached())
	for _, c := range causes {
		for _, edits := range c.mends {
			mended := src.mend(edits)
			if mended == nil || left.left == 0 {
				continue
			}
			left.left--
			next := read(mended)
			further := mended.unmended(next.reached()) - reached
			if next.err == nil || further > 0 || c.certain && further == 0 {
				f.cause(src, c)
				return next, true
			}
		}
	}
	c := causes[len(causes)-1]
	f.cause(src, c)
	if mended := src.without(c.from); mended != nil && left.left > 0 {
		left.left--
		next := read(mended)
		return next, next.err == nil || mended.unmended(next.reached()) > reached
	}
	return reading{}, false
}

func (f *Findings) cause(src *Source, c cause) {
	p := Place{src, c.from, c.to}
	if c.quote {
		f.quote(p, CodeYAML, c.msg, c.hint, c.from, c.to)
		return
	}
	f.Add(p, CodeYAML, c.msg, c.hint)
}

// mend makes edits of the text, in order and none within another; nil where they
// change what was mended before. An edit has as many line breaks as what it
// replaces.
func (s *Source) mend(edits []Edit) *Source {
	base, mends := s, slices.Clone(edits)
	if s.given != nil {
		base = s.given
		grown := 0
		for _, m := range s.mends {
			from, to := m.From+grown, m.From+grown+len(m.New)
			for _, e := range edits {
				if e.From < to && from < e.To || from < e.From && e.From < to {
					return nil
				}
			}
			grown += len(m.New) - (m.To - m.From)
		}
		for i, e := range edits {
			mends[i] = Edit{s.unmended(e.From), s.unmended(e.To), e.New}
		}
		mends = append(slices.Clone(s.mends), mends...)
		slices.SortStableFunc(mends, func(a, b Edit) int { return cmp.Compare(a.From, b.From) })
	}
	return base.mended(mends, s.lost)
}

// mended makes a source of one that was given with edits in order.
func (s *Source) mended(mends []Edit, lost []int) *Source {
	var b strings.Builder
	at := 0
	for _, m := range mends {
		if m.From < at {
			return nil
		}
		b.WriteString(s.Text[at:m.From])
		b.WriteString(m.New)
		at = m.To
	}
	b.WriteString(s.Text[at:])
	mended := New(s.Path, b.String())
	if len(mended.lines) != len(s.lines) {
		return nil
	}
	mended.mark, mended.given, mended.mends, mended.lost = s.mark, s, mends, lost
	return mended
}

// unmended gives the byte of the text as it was given that stands at a byte of
// the mended one.
func (s *Source) unmended(offset int) int {
	grown := 0
	for _, m := range s.mends {
		from := m.From + grown
		if offset < from {
			break
		}
		if offset < from+len(m.New) {
			return m.From + min(offset-from, m.To-m.From)
		}
		grown += len(m.New) - (m.To - m.From)
	}
	return offset - grown
}

// without takes the rule at a byte out of the text; nil where there is none.
func (s *Source) without(at int) *Source {
	at = s.unmended(at)
	base := s
	if s.given != nil {
		base = s.given
	}
	line, _ := base.Position(at)
	first, last, ok := base.item(line)
	if !ok {
		return nil
	}
	from, to := base.lines[first-1], base.LineEnd(last)
	dash := strings.IndexByte(base.Text[from:to], '-')
	blank := []byte(base.Text[from:to])
	for i, c := range blank {
		if c != '\n' && c != '\r' && i != dash {
			blank[i] = ' '
		}
	}
	if dash+2 < len(blank) {
		blank[dash+2] = 'x'
	}
	mends := slices.DeleteFunc(slices.Clone(s.mends), func(m Edit) bool { return m.From >= from && m.To <= to })
	mends = append(mends, Edit{from, to, string(blank)})
	slices.SortStableFunc(mends, func(a, b Edit) int { return cmp.Compare(a.From, b.From) })
	return base.mended(mends, append(slices.Clone(s.lost), first))
}

// item gives the lines of the entry of the list `rules` that holds a line.
func (s *Source) item(line int) (first, last int, ok bool) {
	top := line
	for top > 1 && !startsKey(s.line(top)) {
		top--
	}
	if !strings.HasPrefix(s.line(top), "rules:") {
		return 0, 0, false
	}
	indent := -1
	last = len(s.lines)
	for n := top + 1; n <= len(s.lines); n++ {
		text := s.line(n)
		blank := strings.TrimLeft(text, " ")
		switch {
		case startsKey(text) && n > line:
			return first, n - 1, first > 0
		case !strings.HasPrefix(blank, "- ") && blank != "-":
			continue
		case indent < 0:
			indent = len(text) - len(blank)
		}
		if len(text)-len(blank) != indent {
			continue
		}
		if n > line {
			return first, n - 1, first > 0
		}
		first = n
	}
	return first, last, first > 0
}

// startsKey says whether a line begins with a key of the file.
func startsKey(line string) bool {
	return line != "" && (line[0]|0x20 >= 'a' && line[0]|0x20 <= 'z') && strings.Contains(line, ":")
}
