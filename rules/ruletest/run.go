package ruletest

import (
	"cmp"
	"fmt"
	"slices"

	"weir/cep"
	"weir/rules/source"
)

// Result is what came of a test.
type Result struct {
	Test     *Test
	Findings []source.Diagnostic // errors that kept it from being run
	Failures []Failure
	Alerts   []Alert // that came out, in order
}

// Passed says whether the test ran and all was as expected.
func (r *Result) Passed() bool { return len(r.Findings) == 0 && len(r.Failures) == 0 }

// Kind says how a test failed.
type Kind string

const (
	Rejected    Kind = "rejected"     // an event was rejected
	NotRejected Kind = "not_rejected" // an event was expected to be rejected, and was not
	Late        Kind = "late"         // an event came too late
	NotLate     Kind = "not_late"     // an event was expected to come too late, and did not
	Different   Kind = "different"    // an expected alert did not come, but one that is like it
	Missing     Kind = "missing"      // an expected alert did not come
	Unexpected  Kind = "unexpected"   // an alert came that was not expected
	Decided     Kind = "decided"      // something else was decided on an event than expected

	Duplicate    Kind = "duplicate"     // an event had the type and id of one before
	NotDuplicate Kind = "not_duplicate" // an event was expected to have the type and id of one before, and had not
)

// Failure is one way in which a test failed.
type Failure struct {
	Kind  Kind
	Line  int    // in the test file: of the event or the expected alert; 0: there is none
	Event int    // number of the event, from 1, or 0
	Alert int    // number of the expected alert in the test, from 1, or 0
	Msg   string // in a sentence
	Rows  []Row  // the alerts field by field; of Decided action and score, as far as they are compared
	Why   string // of the first that are Missing, or Decided too mildly: in a paragraph, why the alert or the match did not come; empty: it cannot be said
}

// Row is a field of an expected alert and of the one that came.
type Row struct {
	Field            string
	Expected, Actual string // empty in Missing, Unexpected: there is none
	Differs          bool
}

// run runs a test with an engine of its own. trace may be nil.
func (s *Subject) run(t *Test, trace *cep.Trace) Result {
	result := Result{Test: t}
	b := s.bind(t)
	if b.broken() || b.set.Ruleset == nil {
		result.Findings = errorsOf(t, b, s)
		return result
	}
	var fx cep.Effects
	trace, places := b.watch(trace)
	cep.NewEngine(b.set.Ruleset, cep.Options{Lateness: t.lateness, Trace: trace}).Step(b.records, &fx)
	result.Failures = b.rejects(&fx)
	for i := range fx.Alerts {
		result.Alerts = append(result.Alerts, b.alert(&fx.Alerts[i]))
	}
	result.Failures = append(result.Failures, b.compare(result.Alerts)...)
	result.Failures = append(result.Failures, b.decided(fx.Decisions, places)...)
	b.explain(result.Failures)
	return result
}

// errorsOf says why a test cannot run.
func errorsOf(t *Test, b *bound, s *Subject) []source.Diagnostic {
	var errs []source.Diagnostic
	for _, d := range slices.Concat(s.plain.Findings, t.findings, b.findings) {
		if d.Severity == source.Error {
			errs = append(errs, d)
		}
	}
	if len(errs) == 0 { // what is wrong is outside of the test
		errs = append(errs, source.Diagnostic{Severity: source.Error, File: t.File, Line: t.Line, Column: t.Column, Code: source.CodeYAML, Msg: "the test is not run: its file has errors"})
	}
	return errs
}

// alert finds the numbers of the events that an alert captured.
func (b *bound) alert(a *cep.Alert) Alert {
	numbers := make([][]int, len(a.Rule.Names))
	for _, e := range a.Events {
		if n, ok := b.numbers[e.Raw]; ok { // a match of another rule has none
			numbers[e.Var] = append(numbers[e.Var], n)
		}
	}
	for _, n := range numbers {
		slices.Sort(n)
	}
	var backed []int
	for _, e := range a.Backing.Events {
		backed = append(backed, b.numbers[e.Raw])
	}
	slices.Sort(backed)
	return Alert{a, numbers, backed}
}

// rejects compares which events were rejected, late or known by their id. Events that are
// written alike are told apart by blanks, so that for the engine all of these are in
// conflict; a test makes no difference.
func (b *bound) rejects(fx *cep.Effects) []Failure {
	var failures []Failure
	fail := func(kind Kind, event int, format string, args ...any) {
		failures = append(failures, Failure{Kind: kind, Event: event, Msg: fmt.Sprintf(format, args...)})
	}
	rejected, late, repeated := map[int]bool{}, map[int]bool{}, map[int]bool{}
	for _, r := range fx.Rejected {
		rejected[r.Line] = true
		if !b.test.rejected.has(r.Line) {
			fail(Rejected, r.Line, "event %d was rejected: %s", r.Line, r.Reason)
		}
	}
	for _, l := range fx.Late {
		late[l.Line] = true
		if !b.test.late.has(l.Line) {
			fail(Late, l.Line, "event %d came too late, by %s: set `lateness`, or say `late: [%d]` if that is what the test shows", l.Line, formatSpan(l.Behind), l.Line)
		}
	}
	for _, c := range fx.Conflicts {
		repeated[c.Line] = true
		if !b.test.repeated.has(c.Line) {
			fail(Duplicate, c.Line, "event %d has the id %s of another %s before it and was not matched: give it an id of its own, or say `duplicates: [%d]` if that is what the test shows", c.Line, source.Tick(c.ID), c.Type, c.Line)
		}
	}
	for _, n := range b.test.rejected.numbers {
		if !rejected[n] {
			fail(NotRejected, n, "event %d was to be rejected and was not", n)
		}
	}
	for _, n := range b.test.late.numbers {
		if !late[n] {
			fail(NotLate, n, "event %d was to come too late and did not", n)
		}
	}
	for _, n := range b.test.repeated.numbers {
		if !repeated[n] {
			fail(NotDuplicate, n, "event %d was to be a duplicate and was not", n)
		}
	}
	slices.SortStableFunc(failures, func(a, b Failure) int { return cmp.Compare(a.Event, b.Event) })
	entries := b.test.entries
	for i := range failures {
		f := &failures[i]
		for entries[0].number != f.Event {
			entries = entries[1:]
		}
		f.Line, _ = entries[0].at.Doc.Src.Position(entries[0].at.Place().From)
	}
	return failures
}

// compare finds for each expected alert one that came, and says what is left over.
func (b *bound) compare(came []Alert) []Failure {
	p := pair(b.alerts, came)
	var failures []Failure
	for i := range b.alerts {
		w := &b.alerts[i]
		if p.of[i] >= 0 {
			continue
		}
		if k := p.nearest[i]; k >= 0 {
			failures = append(failures, w.different(&came[k]))
			continue
		}
		f := Failure{Kind: Missing, Line: w.line, Alert: w.number, Msg: fmt.Sprintf("alert %d did not come", w.number)}
		if !slices.ContainsFunc(came, func(a Alert) bool { return a.Rule.ID == w.rule }) {
			f.Msg += ", and no other of its rule"
		}
		for _, q := range w.asked {
			f.Rows = append(f.Rows, Row{Field: q.field, Expected: q.want})
		}
		failures = append(failures, f)
	}
	for k := range came {
		if !p.taken[k] {
			failures = append(failures, Failure{Kind: Unexpected, Msg: "an alert came that is not expected", Rows: came[k].describe(b.times)})
		}
	}
	return failures
}

// different says how an alert that came differs from the expected one.
func (w *wanted) different(a *Alert) Failure {
	f := Failure{Kind: Different, Line: w.line, Alert: w.number, Msg: fmt.Sprintf("alert %d is not as expected", w.number)}
	for _, q := range w.asked {
		f.Rows = append(f.Rows, Row{q.field, q.want, q.have(a), !q.holds(a)})
	}
	return f
}
