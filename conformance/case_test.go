// Package conformance runs the pattern vectors of testdata against the engine,
// with each case written as rule text.
package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// vector is a case of the pattern vectors: a pattern, a stream and what comes
// out of it.
type vector struct {
	ID      string
	Events  []event
	Pattern pattern

	KeyBy      names        `json:"key_by"`
	OrderBy    names        `json:"order_by"`
	Watermarks *[]watermark // nil: none are given, which is not the same as an empty list
	Flush      bool
	AdvanceTo  *int64   `json:"advance_to"`
	Restore    []string `json:"restore_after"`

	Asserts     []string
	Expect      []match
	ExpectFlat  [][]string `json:"expect_flat"`
	ExpectAlt   []match    `json:"expect_alt"`
	Count       *int       `json:"expect_count"`
	Timeouts    []match    `json:"expect_timeouts"`
	Late        []string   `json:"expect_late"`
	LateAlt     []string   `json:"expect_late_alt"`
	Open        *int       `json:"expect_open"`
	ExpectError string     `json:"expect_error"`
	Ordered     bool
	Quirk       string
}

// event is an event of a vector with its fields as they are written.
type event struct {
	ID     string
	TS     int64 // milliseconds
	SameAs string
	Fields map[string]json.RawMessage // all but same_as
}

func (e *event) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &e.Fields); err != nil {
		return err
	}
	if err := json.Unmarshal(e.Fields["id"], &e.ID); err != nil {
		return err
	}
	if err := json.Unmarshal(e.Fields["ts"], &e.TS); err != nil {
		return err
	}
	if same, ok := e.Fields["same_as"]; ok {
		delete(e.Fields, "same_as")
		return json.Unmarshal(same, &e.SameAs)
	}
	return nil
}

type watermark struct {
	After *string // nil: before the first event
	TS    int64   // milliseconds
}

// names is a list that is written as one text where it has one element.
type names []string

func (n *names) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		*n = make(names, 1)
		return json.Unmarshal(data, &(*n)[0])
	}
	return json.Unmarshal(data, (*[]string)(n))
}

type pattern struct {
	Steps      []step
	WithinMS   *int64 `json:"within_ms"`
	WithinKind string `json:"within_kind"`
	Skip       string
	SkipOnMiss string `json:"skip_on_miss"`
}

type step struct {
	Var        string
	Group      []step
	Link       string
	Where      string
	Times      *times
	Inner      string
	Optional   bool
	Greedy     bool
	Until      string
	GapMS      int64 `json:"gap_ms"`
	RoundGapMS int64 `json:"round_gap_ms"`
}

// times is how often a step repeats; Max is nil where there is no end.
type times struct {
	Min int
	Max *int
}

func (t *times) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&t.Min, &t.Max})
}

// match is what a match captured, in the order of capture.
type match struct {
	Vars map[string][]string
	TS   *int64 // milliseconds; nil: not given
}

func (m *match) UnmarshalJSON(data []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	m.Vars = map[string][]string{}
	for name, text := range raw {
		if name == "_ts" {
			if err := json.Unmarshal(text, &m.TS); err != nil {
				return err
			}
			continue
		}
		var ids []string
		if err := json.Unmarshal(text, &ids); err != nil {
			return err
		}
		m.Vars[word(name)] = ids
	}
	return nil
}

// show writes m on one line, equal for equal matches; fold gives the id that
// stands for an event.
func (m *match) show(fold map[string]string, withTime bool) string {
	var vars []string
	for name, ids := range m.Vars {
		if len(ids) == 0 {
			continue
		}
		vars = append(vars, name+"="+strings.Join(folded(ids, fold), ","))
	}
	slices.Sort(vars)
	if withTime && m.TS != nil {
		vars = append(vars, fmt.Sprintf("@%d", *m.TS))
	}
	return strings.Join(vars, " ")
}

// flat writes the set of events of m, whatever captured them.
func (m *match) flat(fold map[string]string) string {
	var ids []string
	for _, of := range m.Vars {
		ids = append(ids, of...)
	}
	return flat(ids, fold)
}

func flat(ids []string, fold map[string]string) string {
	ids = folded(ids, fold)
	slices.Sort(ids)
	return strings.Join(ids, ",")
}

func folded(ids []string, fold map[string]string) []string {
	out := slices.Clone(ids)
	for i, id := range out {
		if same, ok := fold[id]; ok {
			out[i] = same
		}
	}
	return out
}

// fold maps the id of an event with the same values as an earlier one to the
// id of that.
func (v *vector) fold() map[string]string {
	fold := map[string]string{}
	for _, e := range v.Events {
		if e.SameAs != "" {
			fold[e.ID] = e.SameAs
			if first, ok := fold[e.SameAs]; ok {
				fold[e.ID] = first
			}
		}
	}
	return fold
}

// special are the files of testdata that are not streams with matches.
var special = []string{"malformed.json", "empty_match.json", "sql_pattern.json"}

func vectors(t *testing.T) []vector {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	for _, file := range files {
		if slices.Contains(special, filepath.Base(file)) {
			continue
		}
		all = append(all, load[vector](t, file)...)
	}
	if len(all) == 0 {
		t.Fatal("testdata holds no vectors")
	}
	return all
}

func load[T any](t *testing.T, file string) []T {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []T
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&all); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return all
}
