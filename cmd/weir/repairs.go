package main

import "fmt"

// repairSummary says what events that came late changed, with --order eager.
type repairSummary struct {
	Applied   uint64 `json:"applied"`   // events matched as one came late before them under a key, that one included
	Retracted uint64 `json:"retracted"` // alerts, as often as they were
	Restored  uint64 `json:"restored"`
}

// rows writes what was repaired, if something was.
func (s *repairSummary) rows(row func(name, format string, args ...any)) {
	if *s == (repairSummary{}) {
		return
	}
	row("repaired", "%s matched, late ones and those after them under their keys", amount(s.Applied, "event was", "events were"))
	if s.Retracted > 0 {
		row("", "%s retracted, %d restored", amount(s.Retracted, "alert was", "alerts were"), s.Restored)
	}
}

// standing says how many alerts were written, and how many of them stand in the end.
func standing(written, live uint64) string {
	if written == live {
		return fmt.Sprint(written)
	}
	return fmt.Sprintf("%d, of which %d %s", written, live, plural(live, "stands", "stand"))
}
