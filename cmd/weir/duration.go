package main

import (
	"time"

	"weir/nfa"
)

// duration is a flag in Weir's units, from 0s.
type duration time.Duration

// UnmarshalText reads the flag. Unlike in rules, 0 is a duration here: no
// lateness.
func (d *duration) UnmarshalText(text []byte) error {
	switch string(text) {
	case "0", "0ms", "0s", "0m", "0h", "0d", "0w":
		*d = 0
		return nil
	}
	parsed, err := nfa.ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = duration(parsed)
	return nil
}
