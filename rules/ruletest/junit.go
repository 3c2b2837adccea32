package ruletest

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"unicode"

	"weir/rules/source"
)

// WriteJUnit writes results as JUnit XML: a suite for each file of tests, a case for
// each test. findings are errors that kept tests from being run; each is a case that
// has an error. There are no times, so that equal results give equal bytes.
func WriteJUnit(w io.Writer, findings []source.Diagnostic, results []Result) error {
	root := junitRoot{Name: "weir test"}
	for _, d := range findings {
		if d.Severity == source.Error {
			s := root.suite(d.File)
			s.add(junitCase{Name: d.Code, Class: d.File, File: d.File, Line: d.Line, Error: newJunitText(d.Msg, d.String())})
			s.Errors++
			root.Errors++
		}
	}
	for i := range results {
		r := &results[i]
		s := root.suite(r.Test.File)
		c := junitCase{Name: r.Test.Name, Class: r.Test.File, File: r.Test.File, Line: r.Test.Line}
		if !r.Passed() {
			var text bytes.Buffer
			if err := r.WriteText(&text); err != nil {
				return err
			}
			c.Failure = newJunitText(r.reason(), text.String())
			s.Failures++
			root.Failures++
		}
		s.add(c)
	}
	for _, s := range root.Suites {
		root.Tests += s.Tests
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(root); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// reason gives the first thing that went wrong.
func (r *Result) reason() string {
	if len(r.Findings) > 0 {
		return r.Findings[0].String()
	}
	return r.Failures[0].Msg
}

type junitRoot struct {
	XMLName  xml.Name      `xml:"testsuites"`
	Name     string        `xml:"name,attr"`
	Tests    int           `xml:"tests,attr"`
	Failures int           `xml:"failures,attr"`
	Errors   int           `xml:"errors,attr"`
	Suites   []*junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string     `xml:"name,attr"`
	Class   string     `xml:"classname,attr"`
	File    string     `xml:"file,attr"`
	Line    int        `xml:"line,attr,omitempty"`
	Failure *junitText `xml:"failure"`
	Error   *junitText `xml:"error"`
}

type junitText struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",cdata"`
}

// newJunitText makes a text without characters that XML cannot hold: what is
// escaped elsewhere stands as it is in CDATA.
func newJunitText(message, text string) *junitText {
	return &junitText{message, strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || r == 0xfffe || r == 0xffff {
			return unicode.ReplacementChar
		}
		return r
	}, text)}
}

// suite gives the suite of a file; those of one file stand together.
func (r *junitRoot) suite(file string) *junitSuite {
	if n := len(r.Suites); n > 0 && r.Suites[n-1].Name == file {
		return r.Suites[n-1]
	}
	s := &junitSuite{Name: file}
	r.Suites = append(r.Suites, s)
	return s
}

func (s *junitSuite) add(c junitCase) {
	s.Tests++
	s.Cases = append(s.Cases, c)
}
