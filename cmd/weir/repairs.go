package main

import "fmt"

// repairSummary says what --order eager put right.
type repairSummary struct {
	Applied   uint64 `json:"applied"`   // events matched again under a key
	Retracted uint64 `json:"retracted"` // alerts, as often as they were
	Restored  uint64 `json:"restored"`
	HeldBack  uint64 `json:"held_back"` // times that a key began to hold its events back
}

// rows writes what was repaired, if something was.
func (s *repairSummary) rows(row func(name, format string, args ...any)) {
	if *s == (repairSummary{}) {
		return
	}
	row("repaired", "%s an event was matched again, as something before it had changed", amount(s.Applied, "time", "times"))
	if s.Retracted > 0 {
		row("", "%s retracted, %d restored", amount(s.Retracted, "alert was", "alerts were"), s.Restored)
	}
	if s.HeldBack > 0 {
		row("held back", "%s a key had matched 10,000 events again, and waited for the watermark from then on, until no more came late", amount(s.HeldBack, "time", "times"))
	}
}

// standing says how many alerts were written, and how many of them stand in the end.
func standing(written, live uint64) string {
	if written == live {
		return fmt.Sprint(written)
	}
	return fmt.Sprintf("%d, of which %d %s", written, live, plural(live, "stands", "stand"))
}
