package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"weir/cep"
)

// shownEvents are shown of a variable; of more the first and the last.
const shownEvents = 3

// evidence lists the events of an alert: time, variable, and the fields shown.
func (f *fraud) evidence(a *cep.Alert) (table, error) {
	var all table
	for rest := a.Events; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Var == rest[0].Var {
			n++
		}
		for i := range rest[:n] {
			if n > shownEvents && 0 < i && i < n-1 {
				if i == 1 {
					all = append(all, []string{fmt.Sprintf("... %d more", n-2)})
				}
				continue
			}
			row, err := f.row(a.Rule.Names[rest[i].Var].Text, rest[i].Raw)
			if err != nil {
				return nil, fmt.Errorf("event %s of the sample: %w", rest[i].Name, err)
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
