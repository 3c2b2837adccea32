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
	Fix                *Edit  // the change that Hint proposes, where it is to quote a text; nil: none
}

// Edit replaces the bytes From up to To of a file's text as it was given to
// Parse by New.
type Edit struct {
	From, To int
	New      string
}

// In makes the edit in the text of the file.
func (e Edit) In(text string) string { return text[:e.From] + e.New + text[e.To:] }

// The codes of diagnostics; Codes says what each means.
const (
	CodeFile        = "file"
	CodeYAML        = "yaml"
	CodeUnknown     = "unknown"
	CodeUnsupported = "unsupported"
	CodeMissing     = "missing"
	CodeValue       = "value"
	CodeDuplicate   = "duplicate"
	CodeName        = "name"
	CodePattern     = "pattern"
	CodeExpression  = "expression"
	CodeMore        = "more"

	CodeLooseEnd    = "W1"
	CodeGreedyBound = "W2"
	CodeIdleNot     = "W3"
	CodeOpenJoin    = "W4"
	CodePairs       = "W5"
	CodeNoWindow    = "W6"
	CodeManyOpen    = "W7"
	CodeMayMiss     = "W8"
	CodeNever       = "never"
	CodeUnusedParam = "unused-param"
	CodeUndeclared  = "undeclared"
	CodeResolution  = "resolution"
	CodeUnusedName  = "unused"
	CodeTwice       = "twice"
	CodeSilent      = "silent"
	CodeRowless     = "nil-feature"
	CodeIdle        = "idle"

	CodeForever  = "forever"
	CodeOtherKey = "other-key"
)

// Code is a code of diagnostics with its meaning in one sentence.
type Code struct {
	Code    string
	Meaning string
}

// Codes are all codes of diagnostics: errors, then warnings, then notes.
var Codes = []Code{
	{CodeFile, "A file cannot be read, or holds no rules."},
	{CodeYAML, "The text is no YAML, or YAML reads it as something else than it says."},
	{CodeUnknown, "There is no key of this name here."},
	{CodeUnsupported, "This part of the language is not built yet."},
	{CodeMissing, "Something is missing that must be said."},
	{CodeValue, "A value is not one of those that are allowed."},
	{CodeDuplicate, "The same thing is said twice."},
	{CodeName, "A name is not declared, cannot be used, or means two things."},
	{CodePattern, "The pattern is wrong."},
	{CodeExpression, "The expression is wrong."},
	{CodeMore, "There are more findings than are listed."},

	{CodeLooseEnd, "The last element of the pattern may be left out or go on, and the alert does not wait for that."},
	{CodeGreedyBound, "A greedy repeat with an upper count stands before another element: one event too many, and nothing matches."},
	{CodeIdleNot, "A negation stands before a last element that may be left out, and restrains nothing."},
	{CodeOpenJoin, "A field that all events of a match share is not in the key: a match of one value drops open matches of another."},
	{CodePairs, "Of neighbours the second cannot begin the next pair, because a match consumes it."},
	{CodeNoWindow, "Without `within` open or held matches may wait for ever."},
	{CodeManyOpen, "A repeat that is not greedy and has no upper count stands before another element: every event of it leaves one more match open."},
	{CodeMayMiss, "A `!=` or `not in` also holds for events that do not have the field."},
	{CodeNever, "A condition can never be true, or the least times of a pattern leave it no time to match."},
	{CodeUnusedParam, "Nothing reads the param."},
	{CodeUndeclared, "No schema declares the event type, and a declared one is called almost so, or a rule."},
	{CodeResolution, "A feature keeps every event of a window of more than 7 days."},
	{CodeUnusedName, "Nothing reads the feature, list or risk, or no rule adds to the risk."},
	{CodeTwice, "An entry stands in several rows of the file of a list: the last one counts."},
	{CodeIdle, "A part of the rule does nothing."},
	{CodeSilent, "A rule is on the matches of a rule that is disabled, or active on those of a shadow rule: none ever comes."},
	{CodeRowless, "A feature is read where it is nil: the event is a match of another rule, which has no features, or does not have the key of the feature."},

	{CodeForever, "A feature or risk looks back for ever: a run that begins later has other values."},
	{CodeOtherKey, "The rule reads a feature of another key than its own: with `--order eager` the value is the one of when the event arrived, whatever comes late."},
}

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

// maxFound bounds the errors and the warnings that Findings keeps: the others are
// counted.
const maxFound = 1_000

// Findings gathers diagnostics.
type Findings struct {
	found []Diagnostic
	kept  map[Severity]int
	more  []more
}

// more are findings of a severity that were not kept.
type more struct {
	Severity
	file  string // that the first is in
	count int
}

// Count gives how many errors there are so far.
func (f *Findings) Count() int {
	n := f.kept[Error]
	for _, m := range f.more {
		if m.Severity == Error {
			n += m.count
		}
	}
	return n
}

// Add adds an error.
func (f *Findings) Add(p Place, code, msg, hint string) {
	if f.room(Error, p.Src.Path) {
		f.found = append(f.found, finding(Error, p, code, msg, hint))
	}
}

// quote adds an error that quoting the bytes from up to to mends.
func (f *Findings) quote(p Place, code, msg, hint string, from, to int) {
	if !f.room(Error, p.Src.Path) {
		return
	}
	d := finding(Error, p, code, msg, hint+Quoted(p.Src.Text[from:to]))
	d.Fix = p.Src.quoting(from, to)
	f.found = append(f.found, d)
}

// Warn adds a warning.
func (f *Findings) Warn(p Place, code, msg, hint string) {
	if f.room(Warning, p.Src.Path) {
		f.found = append(f.found, finding(Warning, p, code, msg, hint))
	}
}

// full says whether no more findings of a severity are kept.
func (f *Findings) full(severity Severity) bool { return f.kept[severity] >= maxFound }

// room says whether one more finding is kept, and counts it.
func (f *Findings) room(severity Severity, file string) bool {
	if !f.full(severity) {
		if f.kept == nil {
			f.kept = map[Severity]int{}
		}
		f.kept[severity]++
		return true
	}
	i := slices.IndexFunc(f.more, func(m more) bool { return m.Severity == severity })
	if i < 0 {
		i, f.more = len(f.more), append(f.more, more{severity, file, 0})
	}
	f.more[i].count++
	return false
}

func finding(severity Severity, p Place, code, msg, hint string) Diagnostic {
	p = p.given()
	d := Diagnostic{Severity: severity, File: p.Src.Path, Code: code, Msg: msg, Hint: hint}
	d.Line, d.Column = p.Src.Position(p.From)
	d.EndLine, d.EndColumn = p.Src.Position(max(p.From, p.To))
	return d
}

// All gives the findings by file and position, each once. Of very many the last
// ones say how many more there are.
func (f *Findings) All() []Diagnostic {
	slices.SortStableFunc(f.found, func(a, b Diagnostic) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	f.found = slices.CompactFunc(f.found, func(d, before Diagnostic) bool {
		return d.same(before) || d.follows(before)
	})
	all := slices.Clip(f.found)
	for _, m := range f.more {
		all = append(all, Diagnostic{Severity: m.Severity, File: m.file, Code: CodeMore, Msg: fmt.Sprintf("there are %d more findings of severity %s", m.count, m.Severity), Hint: "mend the others first"})
	}
	return all
}

func (d Diagnostic) same(as Diagnostic) bool {
	d.Fix, as.Fix = nil, nil // what is wrong at one place has one fix
	return d == as
}

// follows says whether another reader stumbles over what YAML stumbled over, or
// misses what YAML did not find.
func (d Diagnostic) follows(before Diagnostic) bool {
	return before.Code == CodeYAML && (d.Code == CodeExpression || d.Code == CodePattern || d.Code == CodeMissing || d.Code == CodeValue) &&
		before.File == d.File && before.Line == d.Line && before.Column == d.Column
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
