package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"weir/cep"
)

// summary is what a run says at its end. Its JSON is what scripts read.
type summary struct {
	Events       uint64           `json:"events"` // accepted: neither late nor rejected
	Seconds      float64          `json:"seconds"`
	PerSecond    float64          `json:"events_per_second"`
	Alerts       uint64           `json:"alerts"` // written as new: matches and time-outs
	Late         uint64           `json:"late"`
	Rejected     int              `json:"rejected"`
	Reasons      []rejectedLine   `json:"rejected_first"` // of the first few
	Duplicates   uint64           `json:"duplicates"`
	Conflicts    int              `json:"conflicts"`
	Conflicting  []rejectedLine   `json:"conflicts_first"` // the first few
	Unchecked    uint64           `json:"unchecked"`       // ids that were forgotten too early to know whether they came again
	OutOfOrder   lagSummary       `json:"out_of_order"`    // accepted events that came after a later one
	LateBy       lagSummary       `json:"late_by"`
	Live         uint64           `json:"live"`               // of Alerts: those that stand in the end
	Repairs      repairSummary    `json:"repairs"`            // of --order eager
	Rules        []ruleSummary    `json:"rules"`              // all, by id
	Features     []featureSummary `json:"features,omitempty"` // all, by name
	State        *stateSummary    `json:"state,omitempty"`    // of --budget
	Decisions    decisionCounts   `json:"decisions"`          // on events on which a rule matched, or holds
	Derived      []derivedFault   `json:"derived,omitempty"`  // fields whose expressions failed
	UnseenTypes  []string         `json:"unseen_types"`       // that the rules name and no event had
	UnseenFields []string         `json:"unseen_fields"`      // that the rules read and no event had
	Stopped      string           `json:"stopped,omitempty"`

	Misses           []ruleMisses `json:"near_misses,omitzero"` // of --near-misses, by rule
	decisionsWritten bool
	misses           []cep.RuleMisses // nil: nobody asks for them
}

// ruleSummary is what one rule did.
type ruleSummary struct {
	ID         string `json:"id"`
	Alerts     uint64 `json:"alerts"`    // written as new: matches and time-outs
	Live       uint64 `json:"live"`      // of Alerts: those that stand in the end
	Timeouts   uint64 `json:"timeouts"`  // of Live
	Retracted  uint64 `json:"retracted"` // alerts, as often as they were
	Restored   uint64 `json:"restored"`
	Suppressed uint64 `json:"suppressed"`
	NoKey      uint64 `json:"no_key"`
	OpenBound  uint64 `json:"open_bound"`      // times that the bound on open matches was reached
	LoopBound  uint64 `json:"loop_bound"`      // times that the bound on the captures of a variable was reached
	Faults     uint64 `json:"faults"`          // errors of its expressions while they ran; each gave nil
	Fault      string `json:"fault,omitempty"` // the text of one of them
}

// rejectedLine is a line that is no event.
type rejectedLine struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column,omitempty"` // in bytes, from 1; the cells of a CSV row have none
	Reason string `json:"reason"`
}

func (l rejectedLine) String() string {
	if l.Column == 0 {
		return fmt.Sprintf("%s:%d: %s", l.File, l.Line, l.Reason)
	}
	return fmt.Sprintf("%s:%d:%d: %s", l.File, l.Line, l.Column, l.Reason)
}

// summary says what the run has done so far.
func (r *run) summary(rules *cep.Ruleset, took time.Duration) *summary {
	stats := r.engine.Stats()
	s := &summary{
		Events: stats.Events, Seconds: took.Seconds(), PerSecond: float64(stats.Events) / took.Seconds(),
		Late: stats.Late, Rejected: r.rejected.n, Reasons: []rejectedLine{},
		Rules: []ruleSummary{}, UnseenTypes: []string{}, UnseenFields: []string{}, Stopped: r.stopped,
	}
	for _, line := range r.rejected.first {
		s.Reasons = append(s.Reasons, rejectedLine{r.events[line.Source].name, line.Line, line.Column, line.Reason})
	}
	s.Duplicates, s.Unchecked, s.Conflicts, s.Conflicting = stats.Duplicates, stats.Unchecked, r.conflicts.n, r.conflicts.lines(r.events)
	s.Repairs = repairSummary{stats.Repairs.Applied, stats.Repairs.Retracted, stats.Repairs.Restored, stats.Repairs.HeldBack}
	s.OutOfOrder, s.LateBy = newLagSummary(&stats.OutOfOrder), newLagSummary(&stats.LateBy)
	for i, c := range stats.Rules {
		live := c.Alerts + c.Timeouts
		alerts := live + c.Retracted - c.Restored
		s.Alerts += alerts
		s.Live += live
		faults, fault := rules.Rules[i].Faults.Snapshot()
		s.Rules = append(s.Rules, ruleSummary{
			ID: rules.Rules[i].ID, Alerts: alerts, Live: live, Timeouts: c.Timeouts, Retracted: c.Retracted, Restored: c.Restored, Suppressed: c.Suppressed,
			NoKey: c.NoKey, OpenBound: c.OpenBound, LoopBound: c.LoopBound, Faults: faults, Fault: fault,
		})
	}
	s.Decisions, s.decisionsWritten = r.decided, r.out.decisions != nil
	s.State = stateOf(rules, &stats)
	s.Features, s.Derived = featuresOf(rules, stats.Features), derivedFaults(rules)
	for i, seen := range stats.Fields {
		if !seen && !ofMatches(rules, rules.Fields[i]) {
			s.UnseenFields = append(s.UnseenFields, rules.Fields[i])
		}
	}
	for i, n := range stats.Types {
		if n == 0 && rules.Types[i].Alert == nil {
			s.UnseenTypes = append(s.UnseenTypes, rules.Types[i].Name)
		}
	}
	return s
}

func (s *summary) writeJSON(w io.Writer) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.Encode(s)
}

// writeText writes the summary for a person. What is as it should be (nothing
// late, nothing rejected) is left out.
func (s *summary) writeText(w io.Writer) {
	if s.misses != nil {
		defer writeMisses(w, s.misses)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer table.Flush()
	row := func(name, format string, args ...any) {
		fmt.Fprintf(table, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	row("events", "%d in %.2f s (%.0f/s)", s.Events, s.Seconds, s.PerSecond)
	row("alerts", "%s", standing(s.Alerts, s.Live))
	s.ruleRows(row)
	if s.decisionsWritten {
		row("decisions", "%s", &s.Decisions)
	}
	s.featureRows(row)
	s.State.rows(row)
	for _, d := range s.Derived {
		row("fault", "%s.%s: %s an expression failed and gave nil, as in %s", d.Type, d.Field, amount(d.Faults, "time", "times"), d.Fault)
	}
	if s.OutOfOrder.Events > 0 {
		row("out of order", "%s after a later one, %s", amount(s.OutOfOrder.Events, "event came", "events came"), s.OutOfOrder)
	}
	s.Repairs.rows(row)
	if s.Late > 0 {
		row("late", "%s later than --lateness allows and %s not matched: behind %s", amount(s.Late, "event came", "events came"), plural(s.Late, "was", "were"), s.LateBy)
		if s.LateBy.Most > farBehind.Seconds() {
			row("", "is one event far ahead of all others? --max-ahead D rejects it, so that those after it are not late")
		}
	}
	s.idRows(row)
	if s.Rejected > 0 {
		row("rejected", "%s no event", amount(s.Rejected, "line is", "lines are"))
	}
	for _, line := range s.Reasons {
		row("", "%s", line)
	}
	if n := s.Rejected - len(s.Reasons); n > 0 {
		row("", "and %d more", n)
	}
	if len(s.UnseenTypes) > 0 {
		row("unseen", "no event has the %s %s", plural(len(s.UnseenTypes), "type", "types"), strings.Join(s.UnseenTypes, ", "))
	}
	if len(s.UnseenFields) > 0 {
		row("unseen", "no event has the %s %s", plural(len(s.UnseenFields), "field", "fields"), strings.Join(s.UnseenFields, ", "))
	}
	switch s.Stopped {
	case stoppedBySignal:
		row("stopped", "by a signal, before the end of the input")
	case stoppedByErrors:
		row("stopped", "by --max-errors, before the end of the input")
	case stoppedByFailure:
		row("stopped", "by the failure below, before the end of the input")
	}
}

// farBehind is so late that an event with a wrong time before it is the likely cause.
const farBehind = 30 * 24 * time.Hour

// shownSilent bounds the rules without an alert that are named.
const shownSilent = 5

// ruleRows writes what the rules did that did something.
func (s *summary) ruleRows(row func(name, format string, args ...any)) {
	var silent []string
	for _, r := range s.Rules {
		if r.Alerts == 0 {
			silent = append(silent, r.ID)
		} else {
			row("", "%s: %s", r.ID, standing(r.Alerts, r.Live))
		}
	}
	switch {
	case s.Alerts == 0:
	case len(silent) > shownSilent:
		row("", "%d rules: none", len(silent))
	case len(silent) > 0:
		row("", "%s: none", strings.Join(silent, ", "))
	}
	for _, r := range s.Rules {
		if r.Suppressed > 0 {
			row("throttled", "%s: %s no alert", r.ID, amount(r.Suppressed, "match made", "matches made"))
		}
		if r.NoKey > 0 {
			row("no key", "%s: %s not seen, as the key is missing, empty, or no text, whole number or bool", r.ID, amount(r.NoKey, "event was", "events were"))
		}
		if r.OpenBound > 0 {
			row("bound", "%s: %s no match was opened, as too many of the key were open (limit: {open: N})", r.ID, amount(r.OpenBound, "time", "times"))
		}
		if r.LoopBound > 0 {
			row("bound", "%s: %s a variable could capture no more than 1,000 events", r.ID, amount(r.LoopBound, "time", "times"))
		}
		if r.Faults > 0 {
			row("fault", "%s: %s an expression failed and gave nil, as in %s", r.ID, amount(r.Faults, "time", "times"), r.Fault)
		}
	}
}

// amount is a number of things, in words.
func amount[N int | uint64](n N, one, many string) string {
	return fmt.Sprintf("%d %s", n, plural(n, one, many))
}

func plural[N int | uint64](n N, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
