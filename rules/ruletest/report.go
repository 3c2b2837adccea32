package ruletest

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// WriteText writes why the test failed, for a person to read: a line with its name
// and place, then each failure with its alerts field by field, `*` before what
// differs. Of a test that passed it writes nothing.
func (r *Result) WriteText(w io.Writer) error {
	if r.Passed() {
		return nil
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "FAIL %s:%d: %s\n", r.Test.File, r.Test.Line, printable(r.Test.Name))
	for _, d := range r.Findings {
		fmt.Fprintf(&b, "  not run: %s\n", d)
	}
	for i := range r.Failures {
		r.Failures[i].writeText(&b)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (f *Failure) writeText(b *bytes.Buffer) {
	b.WriteString("  " + printable(f.Msg))
	if f.Line > 0 {
		fmt.Fprintf(b, " (line %d)", f.Line)
	}
	b.WriteByte('\n')
	switch f.Kind {
	case Different:
		f.writeSides(b)
	case Decided: // whose message says all of it
	default:
		f.writeRows(b)
	}
	if f.Why != "" {
		b.WriteString("    " + printable(f.Why) + "\n")
	}
}

// writeRows writes the fields of an alert.
func (f *Failure) writeRows(b *bytes.Buffer) {
	width := 0
	for _, row := range f.Rows {
		width = max(width, utf8.RuneCountInString(row.Field))
	}
	for _, row := range f.Rows {
		fmt.Fprintf(b, "    %s%s\n", padded(row.Field, width), printable(row.Expected+row.Actual))
	}
}

// widest is the number of characters up to which two values stand side by side.
const widest = 36

// writeSides writes the expected alert beside the one that came.
func (f *Failure) writeSides(b *bytes.Buffer) {
	field, side := 0, len("expected")
	for _, row := range f.Rows {
		field = max(field, utf8.RuneCountInString(row.Field))
		if n := utf8.RuneCountInString(printable(row.Expected)); n <= widest {
			side = max(side, n)
		}
	}
	fmt.Fprintf(b, "    %s%sactual\n", padded("", field), padded("expected", side))
	for _, row := range f.Rows {
		mark := "  "
		if row.Differs {
			mark = "* "
		}
		expected, actual := printable(row.Expected), printable(row.Actual)
		b.WriteString("  " + mark + padded(row.Field, field))
		switch {
		case utf8.RuneCountInString(expected) <= widest:
			b.WriteString(padded(expected, side) + actual + "\n")
		case !row.Differs:
			b.WriteString(expected + "\n")
		default:
			b.WriteString(expected + "\n    " + padded("", field+side+2) + actual + "\n")
		}
	}
}

// WriteText writes how much of the rule was reached, and what was not: with the line of
// the pattern that it is in and a caret under it.
func (r *RuleCoverage) WriteText(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%3d %%  %s  %d of %d  %s:%d\n", r.Percent(), r.ID, r.Reached(), len(r.Points), r.File, r.Line)
	matched := slices.ContainsFunc(r.Points, func(p Point) bool { return p.Kind == MatchPoint && p.Reached })
	for i := range r.Points {
		p := &r.Points[i]
		switch {
		case p.Reached:
		case !matched && p.Kind.ofMatches(): // it goes without saying
		case p.To == 0:
			fmt.Fprintf(&b, "    %s\n", p.Missed())
		default:
			line, before, under := lineOf(r.Pattern, p.From, p.To)
			fmt.Fprintf(&b, "    %s\n    %s^%s %s\n", line, strings.Repeat(" ", before), strings.Repeat("~", max(0, under-1)), p.Missed())
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// lineOf gives the line of a text that a part of it begins in, without the blanks
// before it, and how many characters are before the part and in it.
func lineOf(text string, from, to int) (line string, before, part int) {
	begin := strings.LastIndexByte(text[:from], '\n') + 1
	end := len(text)
	if i := strings.IndexByte(text[from:], '\n'); i >= 0 {
		end = from + i
	}
	for begin < from && (text[begin] == ' ' || text[begin] == '\t') {
		begin++
	}
	line = strings.ReplaceAll(text[begin:end], "\t", " ")
	return line, utf8.RuneCountInString(text[begin:from]), utf8.RuneCountInString(text[from:min(to, end)])
}

func padded(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s))+2)
}

// printable gives a text that stays in its line: one with a character that cannot
// be seen is quoted.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}
