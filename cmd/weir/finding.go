package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"weir/rules"
	"weir/rules/source"
)

// findingJSON is a finding as scripts read it.
type findingJSON struct {
	File      string          `json:"file"`
	Line      int             `json:"line"` // from 1; 0: the file as a whole
	Column    int             `json:"column"`
	EndLine   int             `json:"end_line"`
	EndColumn int             `json:"end_column"`
	Severity  source.Severity `json:"severity"`
	Code      string          `json:"code"`
	Message   string          `json:"message"`
	Hint      string          `json:"hint"`
}

// writeFindingsJSON writes findings and features as one JSON object in one line.
func writeFindingsJSON(w io.Writer, found []source.Diagnostic, features []*rules.Feature) error {
	list := make([]findingJSON, len(found))
	for i, d := range found {
		list[i] = findingJSON{d.File, d.Line, d.Column, d.EndLine, d.EndColumn, d.Severity, d.Code, d.Msg, d.Hint}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		Diagnostics []findingJSON `json:"diagnostics"`
		Features    []featureJSON `json:"features,omitempty"`
	}{list, featuresJSON(features)})
}

// findingWriter writes findings for a person: each with the line that it is on
// and a caret under the text at fault.
type findingWriter struct {
	out     strings.Builder
	colours bool
	sources map[string]*source.Source
}

func newFindingWriter(files []source.File, colours bool) *findingWriter {
	w := &findingWriter{colours: colours, sources: map[string]*source.Source{}}
	for _, f := range files {
		w.sources[f.Path] = source.New(f.Path, f.Text)
	}
	return w
}

// writeFindings writes all that was found in files, with a blank line between
// one finding and the next. Notes take a line each: nothing there is to be mended.
func writeFindings(out io.Writer, files []source.File, found []source.Diagnostic) error {
	w := newFindingWriter(files, coloured(out))
	for i, d := range found {
		if i > 0 && !(d.Severity == source.Note && found[i-1].Severity == source.Note) {
			w.out.WriteByte('\n')
		}
		w.write(d)
	}
	_, err := io.WriteString(out, w.out.String())
	return err
}

// coloured says whether what is written to w may have colours.
func coloured(w io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && terminal(w)
}

// Colours of a terminal, as ECMA-48 has them.
const (
	noInk  = "\x1b[0m"
	bold   = "\x1b[1m"
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	cyan   = "\x1b[36m"
)

func (w *findingWriter) paint(colour, text string) string {
	if !w.colours || text == "" {
		return text
	}
	return colour + text + noInk
}

func (w *findingWriter) write(d source.Diagnostic) {
	place, colour := d.File, yellow
	if d.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", d.File, d.Line, d.Column)
	}
	if d.Severity == source.Error {
		colour = red
	}
	kind := fmt.Sprintf("%s[%s]", d.Severity, d.Code)
	fmt.Fprintf(&w.out, "%s: %s: %s\n", w.paint(bold, visible(place)), w.paint(colour, kind), visible(d.Msg))
	if d.Severity == source.Note {
		return
	}
	if src := w.sources[d.File]; src != nil && d.Line > 0 {
		w.excerpt(src, d, colour)
	}
	if d.Hint != "" {
		fmt.Fprintf(&w.out, "%s %s\n", w.paint(cyan, "help:"), visible(d.Hint))
	}
}

// excerpt writes the line of a finding and, below it, a caret under the first
// character at fault and tildes under those that follow it in the line.
func (w *findingWriter) excerpt(src *source.Source, d source.Diagnostic, colour string) {
	begin, end := src.Offset(d.Line, 1), src.LineEnd(d.Line)
	from, to := src.Offset(d.Line, d.Column), end
	if d.EndLine == d.Line {
		to = src.Offset(d.EndLine, d.EndColumn)
	}
	before, fault, after := clip(visible(src.Text[begin:from]), visible(src.Text[from:max(from, to)]), visible(src.Text[max(from, to):end]))
	fmt.Fprintf(&w.out, "  %s%s%s\n", before, fault, after)
	mark := "^" + strings.Repeat("~", max(0, uniseg.StringWidth(fault)-1))
	fmt.Fprintf(&w.out, "  %s%s\n", strings.Repeat(" ", uniseg.StringWidth(before)), w.paint(colour, mark))
}

// visible makes text of a file safe to print, each piece as wide as it is
// counted: a tab becomes four blanks, and what would move the cursor, reorder the
// text or show nothing becomes U+FFFD.
func visible(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		switch {
		case r == '\t':
			b.WriteString("    ")
		case r == utf8.RuneError && n == 1, unicode.IsControl(r), r >= 0x2028 && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0xfeff:
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteString(text[:n])
		}
		text = text[n:]
	}
	return b.String()
}

// What is shown of a long line, in columns.
const (
	mostBefore = 80
	mostFault  = 80
	mostAfter  = 40
)

// clip shortens the parts of a long line: what is before and behind the fault
// loses its far end.
func clip(before, fault, after string) (string, string, string) {
	if uniseg.StringWidth(before)+uniseg.StringWidth(fault)+uniseg.StringWidth(after) <= mostBefore+mostFault+mostAfter {
		return before, fault, after
	}
	if cut := last(before, mostBefore); cut != before {
		before = "…" + cut
	}
	if cut := first(fault, mostFault); cut != fault {
		return before, cut + "…", ""
	}
	if cut := first(after, mostAfter); cut != after {
		after = cut + "…"
	}
	return before, fault, after
}

// first gives what of the beginning of text is at most width columns wide.
func first(text string, width int) string {
	rest, state := text, -1
	for len(rest) > 0 {
		_, next, w, s := uniseg.FirstGraphemeClusterInString(rest, state)
		if width -= w; width < 0 {
			break
		}
		rest, state = next, s
	}
	return text[:len(text)-len(rest)]
}

// last gives what of the end of text is at most width columns wide.
func last(text string, width int) string {
	total, rest, state := uniseg.StringWidth(text), text, -1
	for total > width && len(rest) > 0 {
		_, next, w, s := uniseg.FirstGraphemeClusterInString(rest, state)
		total, rest, state = total-w, next, s
	}
	return rest
}

// countOf says how many findings of what severity there are, or nothing.
func countOf(found []source.Diagnostic) string {
	errors, warnings := 0, 0
	for _, d := range found {
		if d.Severity == source.Error {
			errors++
		} else {
			warnings++
		}
	}
	switch {
	case errors > 0 && warnings > 0:
		return amount(errors, "error", "errors") + ", " + amount(warnings, "warning", "warnings")
	case errors > 0:
		return amount(errors, "error", "errors")
	case warnings > 0:
		return amount(warnings, "warning", "warnings")
	}
	return ""
}
