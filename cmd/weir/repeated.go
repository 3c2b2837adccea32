package main

import (
	"fmt"

	"weir/cep"
)

// conflicts counts the events that have the id of another one and keeps the first few.
type conflicts struct {
	n     int
	first []cep.Conflict // at most shownRejects
}

func (c *conflicts) add(list []cep.Conflict) {
	c.n += len(list)
	c.first = append(c.first, list[:min(len(list), shownRejects-len(c.first))]...)
}

// lines says where the first few stand and what is wrong with them.
func (c *conflicts) lines(events inputs) []rejectedLine {
	list := []rejectedLine{}
	for _, x := range c.first {
		reason := fmt.Sprintf("the %s %q has come already, with another line, %s ago", x.Type, x.ID, amount(x.Since, "id", "ids"))
		list = append(list, rejectedLine{File: events[x.Source].name, Line: x.Line, Reason: reason})
	}
	return list
}

// faulty says how many lines were rejected, or in conflict.
func (r *run) faulty() string {
	rejected, conflicting := amount(r.rejected.n, "rejected line", "rejected lines"), amount(r.conflicts.n, "line in conflict", "lines in conflict")
	switch {
	case r.conflicts.n == 0:
		return rejected
	case r.rejected.n == 0:
		return conflicting
	}
	return rejected + " and " + conflicting
}

// idRows writes what came of events whose id had come before.
func (s *summary) idRows(row func(name, format string, args ...any)) {
	if s.Duplicates > 0 {
		row("duplicates", "%s once more, with the same id and line, and %s not matched", amount(s.Duplicates, "event came", "events came"), plural(s.Duplicates, "was", "were"))
	}
	if s.Conflicts > 0 {
		row("conflicts", "%s the id of another and %s not matched", amount(s.Conflicts, "event has", "events have"), plural(s.Conflicts, "was", "were"))
	}
	for _, line := range s.Conflicting {
		row("", "%s", line)
	}
	if n := s.Conflicts - len(s.Conflicting); n > 0 {
		row("", "and %d more", n)
	}
	if s.Unchecked > 0 {
		row("unchecked", "%s forgotten within --lateness, as there were too many: events with them would be matched again", amount(s.Unchecked, "id was", "ids were"))
	}
}
