package source

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says what a finding means for the ruleset.
type Severity string

const (
	Error   Severity = "error"   // it cannot be used
	Warning Severity = "warning" // it can, but hardly means what was meant
)

// Diagnostic is a finding in a ruleset.
type Diagnostic struct {
	Severity           Severity
	File               string
	Line, Column       int // from 1; columns count characters; 0 where the finding is on the file as a whole
	EndLine, EndColumn int // just behind the text at fault
	Code               string
	Msg                string // what is wrong
	Hint               string // what was expected or what to write instead; may be empty
}

// The codes of diagnostics.
const (
	CodeFile        = "file"        // a file cannot be read
	CodeYAML        = "yaml"        // the text is no YAML, or YAML that reads as something else than it says
	CodeUnknown     = "unknown"     // a key that there is not
	CodeUnsupported = "unsupported" // a part of the language that is not built
	CodeMissing     = "missing"     // something that must be said
	CodeValue       = "value"       // a value that is not allowed
	CodeDuplicate   = "duplicate"   // said twice
	CodeName        = "name"        // a name that is not declared, or that means two things
	CodePattern     = "pattern"     // a pattern that is wrong
	CodeExpression  = "expression"  // an expression that is wrong
)

// String gives `file:line:column: message; hint`.
func (d Diagnostic) String() string {
	var b strings.Builder
	b.WriteString(d.File)
	if d.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", d.Line, d.Column)
	}
	b.WriteString(": ")
	b.WriteString(d.Msg)
	if d.Hint != "" {
		b.WriteString("; ")
		b.WriteString(d.Hint)
	}
	return b.String()
}

// Errors are the errors in a ruleset, by file and position.
type Errors []Diagnostic

// Error gives one line for each finding.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, d := range e {
		lines[i] = d.String()
	}
	return strings.Join(lines, "\n")
}

// Findings gathers diagnostics.
type Findings struct{ found []Diagnostic }

// Add adds an error.
func (f *Findings) Add(p Place, code, msg, hint string) {
	f.found = append(f.found, finding(Error, p, code, msg, hint))
}

// Warn adds a warning.
func (f *Findings) Warn(p Place, code, msg, hint string) {
	f.found = append(f.found, finding(Warning, p, code, msg, hint))
}

func finding(severity Severity, p Place, code, msg, hint string) Diagnostic {
	d := Diagnostic{Severity: severity, File: p.Src.Path, Code: code, Msg: msg, Hint: hint}
	d.Line, d.Column = p.Src.Position(p.From)
	d.EndLine, d.EndColumn = p.Src.Position(max(p.From, p.To))
	return d
}

// All gives the findings by file and position, each once.
func (f *Findings) All() []Diagnostic {
	slices.SortStableFunc(f.found, func(a, b Diagnostic) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	f.found = slices.Compact(f.found)
	return f.found
}

// Err gives the errors among the findings, in order, or nil.
func (f *Findings) Err() error { return ErrorsIn(f.All()) }

// ErrorsIn gives the errors among findings as an error of type Errors, or nil.
func ErrorsIn(found []Diagnostic) error {
	var e Errors
	for _, d := range found {
		if d.Severity == Error {
			e = append(e, d)
		}
	}
	if e == nil {
		return nil
	}
	return e
}

// Tick puts a name or text of the user between backticks, shortened if long.
func Tick(s string) string {
	const longest = 60
	if len(s) > longest {
		cut := longest
		for cut > 0 && s[cut]&0xc0 == 0x80 {
			cut--
		}
		s = s[:cut] + "…"
	}
	return "`" + strings.Join(strings.Fields(s), " ") + "`"
}
