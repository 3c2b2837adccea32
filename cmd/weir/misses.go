package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"weir/cep"
	"weir/rules/source"
	"weir/rules/trace"
)

// ruleMisses says how far the open matches of a rule got.
type ruleMisses struct {
	Rule  string       `json:"rule"`
	Began uint64       `json:"began"` // open matches
	Split uint64       `json:"split"` // those that went on from one that another had gone on from
	Steps []stepMisses `json:"steps"`
}

// stepMisses says what became of those that got to a step and no further.
type stepMisses struct {
	Variable string            `json:"variable"`
	Captured int               `json:"captured"` // events that it has captured; of is that many or more
	OrFewer  bool              `json:"or_fewer,omitempty"`
	Of       int               `json:"of"`
	Reached  uint64            `json:"reached"`
	Open     uint64            `json:"open"`
	Ended    map[string]uint64 `json:"ended"` // by cep.Ending
	Latest   []missJSON        `json:"latest"`
}

// missJSON is an open match that ran out.
type missJSON struct {
	Key      map[string]string `json:"key"`
	Began    string            `json:"began"`
	RanOut   string            `json:"ran_out"`
	Events   int               `json:"events"`   // how many it had captured
	Captured []seenJSON        `json:"captured"` // the latest of them
	Waited   []string          `json:"waited_for"`
	Before   *seenJSON         `json:"before,omitempty"`
	After    *seenJSON         `json:"after,omitempty"`
}

// seenJSON is an event that a near miss names.
type seenJSON struct {
	Variable string   `json:"variable"`
	Event    string   `json:"event"`
	Time     string   `json:"time"`
	Left     *float64 `json:"left,omitempty"` // seconds, until it ran out
	Late     *float64 `json:"late,omitempty"` // seconds, since then
}

// missesOf makes what a summary says of near misses, of all rules that have open matches.
func missesOf(all []cep.RuleMisses) []ruleMisses {
	list := []ruleMisses{}
	for i := range all {
		x := &all[i]
		r := ruleMisses{Rule: x.Rule.ID}
		for k := range x.Steps {
			s := &x.Steps[k]
			r.Began += s.Began
			r.Split += s.Split
			step := stepMisses{
				Variable: x.Rule.Names[s.Name].Text, Captured: s.Count, OrFewer: s.Fewer, Of: s.Of,
				Reached: s.Reached, Open: s.Open, Ended: map[string]uint64{}, Latest: []missJSON{},
			}
			for e, n := range s.Ended {
				if n > 0 {
					step.Ended[cep.Ending(e).String()] = n
				}
			}
			for j := range s.Latest {
				step.Latest = append(step.Latest, missOf(x.Rule, &s.Latest[j]))
			}
			r.Steps = append(r.Steps, step)
		}
		list = append(list, r)
	}
	return list
}

func missOf(r *cep.Rule, m *cep.Miss) missJSON {
	x := missJSON{Key: map[string]string{}, Began: cep.FormatTime(m.Began), RanOut: cep.FormatTime(m.At), Events: m.Size}
	for i, name := range r.Key.Names {
		x.Key[name] = m.Key[i]
	}
	for _, c := range m.Captured {
		x.Captured = append(x.Captured, seenOf(r, c))
	}
	for _, name := range m.Waited {
		x.Waited = append(x.Waited, r.Names[name].Text)
	}
	if m.Before.Name != "" {
		s := seenOf(r, m.Before)
		left := time.Duration(m.At - m.Before.Time).Seconds()
		s.Left, x.Before = &left, &s
	}
	if m.After.Name != "" {
		s := seenOf(r, m.After)
		late := time.Duration(m.After.Time - m.At).Seconds()
		s.Late, x.After = &late, &s
	}
	return x
}

func seenOf(r *cep.Rule, s cep.Seen) seenJSON {
	return seenJSON{Variable: r.Names[s.Var].Text, Event: s.Name, Time: cep.FormatTime(s.Time)}
}

// endings are the words for how open matches ended.
var endings = [...]string{
	cep.EndMatched:  "matched",
	cep.EndRanOut:   "ran out",
	cep.EndInside:   "ran out inside another",
	cep.EndInput:    "waited when the input ended",
	cep.EndNegated:  "ended by a negation",
	cep.EndNotNext:  "ended as the next event was another",
	cep.EndUntil:    "ended by an until",
	cep.EndLoop:     "ended as their greedy loop took the event",
	cep.EndUnless:   "ended by unless",
	cep.EndConsumed: "consumed by another match",
	cep.EndBound:    "ended by a bound",
}

// shownMisses is the number of examples of a step that the text shows, the latest.
const shownMisses = 3

// writeMisses writes near misses for a person: of the rules with open matches those of
// which one began.
func writeMisses(w io.Writer, all []cep.RuleMisses) {
	fmt.Fprintln(w, "near misses")
	var none []string
	for i := range all {
		x := &all[i]
		r := missesOf(all[i : i+1])[0]
		if r.Began == 0 {
			none = append(none, r.Rule)
			continue
		}
		fmt.Fprintf(w, "  %s: %s began", r.Rule, amount(r.Began, "open match", "open matches"))
		if r.Split > 0 {
			fmt.Fprintf(w, ", %d split off", r.Split)
		}
		fmt.Fprintln(w)
		last := slices.IndexFunc(x.Steps, func(s cep.StepMisses) bool { return s.Reached == 0 })
		for k := range x.Steps {
			if s := &x.Steps[k]; s.Reached > 0 || k == last {
				writeStep(w, x.Rule, s)
			}
		}
	}
	switch {
	case len(all) == 0:
		fmt.Fprintln(w, "  no rule has a pattern that can be open")
	case len(none) > shownSilent:
		fmt.Fprintf(w, "  %d rules: no open match began\n", len(none))
	case len(none) > 0:
		fmt.Fprintf(w, "  %s: no open match began\n", strings.Join(none, ", "))
	}
}

// writeStep writes what became of the open matches that got to a step and no further.
func writeStep(w io.Writer, r *cep.Rule, s *cep.StepMisses) {
	fmt.Fprintf(w, "    %s%s: %d reached it", r.Names[s.Name].Text, progressOf(s), s.Reached)
	ended := func(e cep.Ending) {
		if n := s.Ended[e]; n > 0 {
			fmt.Fprintf(w, ", %d %s", n, endings[e])
		}
	}
	ended(cep.EndMatched)
	for e := range s.Ended {
		if cep.Ending(e) != cep.EndMatched {
			ended(cep.Ending(e))
		}
	}
	if s.Open > 0 {
		fmt.Fprintf(w, ", %d open", s.Open)
	}
	fmt.Fprintln(w)
	for i := range s.Latest[max(0, len(s.Latest)-shownMisses):] {
		writeMiss(w, r, &s.Latest[len(s.Latest)-1-i])
	}
	if n := s.Ended[cep.EndRanOut]; n > shownMisses {
		fmt.Fprintf(w, "      and %d before; --json shows the latest 20\n", n-shownMisses)
	}
}

// progressOf says how many events of a repeated variable there are at a step.
func progressOf(s *cep.StepMisses) string {
	switch {
	case s.Fewer:
		return fmt.Sprintf(" (%d or fewer of %d)", s.Count, s.Of)
	case s.Of > 1:
		return fmt.Sprintf(" (%d of %d)", s.Count, s.Of)
	}
	return ""
}

// writeMiss writes an open match that ran out.
func writeMiss(w io.Writer, r *cep.Rule, m *cep.Miss) {
	var waited []string
	for _, name := range m.Waited {
		waited = append(waited, r.Names[name].Text)
	}
	last := m.Captured[len(m.Captured)-1].Time
	fmt.Fprintf(w, "      %s: %s from %s", keyText(r, m.Key), amount(m.Size, "event", "events"), trace.Moment(m.Began))
	if last != m.Began {
		fmt.Fprintf(w, " to %s", trace.Moment(last))
	}
	fmt.Fprintf(w, "; ran out at %s", trace.Moment(m.At))
	if waited != nil {
		fmt.Fprintf(w, " waiting for %s", strings.Join(waited, " or "))
	}
	fmt.Fprintln(w)
	if b := m.Before; b.Name != "" {
		fmt.Fprintf(w, "        %s at %s came %s before that, but was not %s\n", source.Visible(b.Name), trace.Moment(b.Time), spanText(m.At-b.Time), r.Names[b.Var].Text)
	}
	if a := m.After; a.Name != "" {
		fmt.Fprintf(w, "        %s at %s would have been %s, but came %s\n", source.Visible(a.Name), trace.Moment(a.Time), r.Names[a.Var].Text, lateText(a.Time-m.At))
	}
}

// keyText writes a key with its names.
func keyText(r *cep.Rule, key []string) string {
	var parts []string
	for i, name := range r.Key.Names {
		parts = append(parts, source.Visible(name+"="+key[i]))
	}
	return strings.Join(parts, ",")
}

func lateText(ns int64) string {
	if ns == 0 {
		return "at that very moment"
	}
	return spanText(ns) + " too late"
}

// spanText writes a length of time without parts that are zero at its end, like 1h30m.
func spanText(ns int64) string {
	text := time.Duration(ns).String()
	for _, zero := range []string{"0s", "0m"} {
		if rest := strings.TrimSuffix(text, zero); rest != text && strings.HasSuffix(rest, map[string]string{"0s": "m", "0m": "h"}[zero]) {
			text = rest
		}
	}
	return text
}
