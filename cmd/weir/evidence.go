package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"weir/rulesets"
)

// shownEvents are shown of a variable; of more the first and the last.
const shownEvents = 3

// demoAlert is an alert as the service gives it.
type demoAlert struct {
	Rule struct {
		ID string `json:"id"`
	} `json:"rule"`
	Severity string                     `json:"severity"`
	Score    int                        `json:"score"`
	Message  string                     `json:"message"`
	Events   map[string]json.RawMessage `json:"events"`
}

// captured is an event of an alert.
type captured struct {
	time     time.Time
	variable string
	raw      string
}

// captured lists the events of the alert in the order of time.
func (a *demoAlert) captured() ([]captured, error) {
	var all []captured
	for _, variable := range slices.Sorted(maps.Keys(a.Events)) {
		var list []json.RawMessage
		if text := a.Events[variable]; text[0] != '[' {
			list = append(list, text)
		} else if err := json.Unmarshal(text, &list); err != nil {
			return nil, err
		}
		for _, text := range list {
			var event struct {
				Time time.Time `json:"ts"`
			}
			if err := json.Unmarshal(text, &event); err != nil {
				return nil, err
			}
			all = append(all, captured{event.Time, variable, string(text)})
		}
	}
	slices.SortStableFunc(all, func(a, b captured) int { return a.time.Compare(b.time) })
	return all, nil
}

// fraud is the kind of fraud that the alert's rule is for.
func (a *demoAlert) fraud() (*fraud, error) {
	for i := range frauds {
		text, err := rulesets.Files.ReadFile(frauds[i].rules())
		if err != nil {
			return nil, err
		}
		if strings.Contains(string(text), "id: "+a.Rule.ID+"\n") {
			return &frauds[i], nil
		}
	}
	return nil, fmt.Errorf("rule %s is of no ruleset", a.Rule.ID)
}

// evidence lists the events of an alert: time, variable, and the fields shown.
func (a *demoAlert) evidence() (table, error) {
	f, err := a.fraud()
	if err != nil {
		return nil, err
	}
	rest, err := a.captured()
	if err != nil {
		return nil, err
	}
	var all table
	for len(rest) > 0 {
		n := 1
		for n < len(rest) && rest[n].variable == rest[0].variable {
			n++
		}
		for i := range rest[:n] {
			if n > shownEvents && 0 < i && i < n-1 {
				if i == 1 {
					all = append(all, []string{fmt.Sprintf("... %d more", n-2)})
				}
				continue
			}
			row, err := f.row(rest[i].variable, rest[i].raw)
			if err != nil {
				return nil, err
			}
			all = append(all, row)
		}
		rest = rest[n:]
	}
	return all, nil
}

// row is the line of one event. What an event has not is left out.
func (f *fraud) row(variable, raw string) ([]string, error) {
	var event struct {
		Time time.Time `json:"ts"`
	}
	fields := map[string]any{}
	if err := json.Unmarshal([]byte(raw), &event); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(strings.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil {
		return nil, err
	}
	row := []string{demoTime(event.Time), variable}
	for _, name := range f.shown {
		if value, ok := fields[name]; ok {
			row = append(row, fmt.Sprint(value))
		}
	}
	return row, nil
}

// table is text in columns; rows may have fewer cells than others.
type table [][]string

// write writes the table with each column as wide as its widest cell. Cells that
// are numbers stand on the right of it.
func (t table) write(out *bytes.Buffer, indent string) {
	var widths []int
	for _, row := range t {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if len(row) > 1 { // else it is a remark, not a cell
				widths[i] = max(widths[i], utf8.RuneCountInString(cell))
			}
		}
	}
	for _, row := range t {
		line := indent
		for i, cell := range row {
			pad := strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(cell)))
			if isDecimal(cell) {
				line += pad + cell + "  "
			} else {
				line += cell + pad + "  "
			}
		}
		out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// isDecimal says whether a cell is a number with a point, as amounts are.
func isDecimal(cell string) bool {
	return strings.Count(cell, ".") == 1 && strings.Trim(cell, "0123456789.") == ""
}

// ink writes with colours and weights, if it is true.
type ink bool

func (k ink) bold(text string) string { return k.in(bold, text) }

func (k ink) severity(text string) string {
	if text == "critical" || text == "high" {
		return k.in(red, text)
	}
	return k.in(yellow, text)
}

func (k ink) in(colour, text string) string {
	if !k {
		return text
	}
	return colour + text + noInk
}
