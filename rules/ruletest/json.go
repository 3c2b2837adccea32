package ruletest

import (
	"bytes"
	"encoding/json"
)

// MarshalJSON gives {"name", "file", "line", "passed", "failures", "findings"}. A
// failure is {"kind", "message", "line", "event", "alert", "fields", "why"}, each
// field of its alerts {"field", "expected", "actual", "differs"}.
func (r *Result) MarshalJSON() ([]byte, error) {
	out := resultJSON{Name: r.Test.Name, File: r.Test.File, Line: r.Test.Line, Passed: r.Passed(), Failures: []failureJSON{}}
	for _, d := range r.Findings {
		out.Findings = append(out.Findings, d.String())
	}
	for _, f := range r.Failures {
		j := failureJSON{Kind: f.Kind, Message: f.Msg, Line: f.Line, Event: f.Event, Alert: f.Alert, Why: f.Why}
		for _, row := range f.Rows {
			field := fieldJSON{Field: row.Field, Differs: row.Differs}
			if f.Kind != Unexpected {
				field.Expected = &row.Expected
			}
			if f.Kind != Missing {
				field.Actual = &row.Actual
			}
			j.Fields = append(j.Fields, field)
		}
		out.Failures = append(out.Failures, j)
	}
	return marshal(out)
}

// MarshalJSON gives {"rule", "file", "line", "pattern", "points", "reached", "percent",
// "missed"}, and for each point that no test reached {"kind", "name", "from", "to",
// "message"}.
func (r *RuleCoverage) MarshalJSON() ([]byte, error) {
	out := coverageJSON{
		Rule: r.ID, File: r.File, Line: r.Line, Pattern: r.Pattern,
		Points: len(r.Points), Reached: r.Reached(), Percent: r.Percent(), Missed: []pointJSON{},
	}
	for i := range r.Points {
		if p := &r.Points[i]; !p.Reached {
			out.Missed = append(out.Missed, pointJSON{p.Kind, p.Name, p.From, p.To, p.Missed()})
		}
	}
	return marshal(out)
}

// marshal is json.Marshal, but leaves <, > and & as they are: patterns have them.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}

type coverageJSON struct {
	Rule    string      `json:"rule"`
	File    string      `json:"file"`
	Line    int         `json:"line"`
	Pattern string      `json:"pattern"`
	Points  int         `json:"points"`
	Reached int         `json:"reached"`
	Percent int         `json:"percent"`
	Missed  []pointJSON `json:"missed"`
}

type pointJSON struct {
	Kind    PointKind `json:"kind"`
	Name    string    `json:"name,omitempty"`
	From    int       `json:"from"` // bytes of the pattern; from and to are 0 where the point has no place in it
	To      int       `json:"to"`
	Message string    `json:"message"`
}

type resultJSON struct {
	Name     string        `json:"name"`
	File     string        `json:"file"`
	Line     int           `json:"line"`
	Passed   bool          `json:"passed"`
	Failures []failureJSON `json:"failures"`
	Findings []string      `json:"findings,omitempty"` // why it was not run
}

type failureJSON struct {
	Kind    Kind        `json:"kind"`
	Message string      `json:"message"`
	Line    int         `json:"line,omitempty"`
	Event   int         `json:"event,omitempty"`
	Alert   int         `json:"alert,omitempty"`
	Fields  []fieldJSON `json:"fields,omitempty"`
	Why     string      `json:"why,omitempty"`
}

type fieldJSON struct {
	Field    string  `json:"field"`
	Expected *string `json:"expected,omitempty"`
	Actual   *string `json:"actual,omitempty"`
	Differs  bool    `json:"differs"`
}
