package main

import (
	"strings"
	"testing"
)

// With durability interval the log may lose a second, and a state from before has to be
// there.
func TestIntervalNeedsOlderState(t *testing.T) {
	for every, refused := range map[string]bool{"100ms": true, "1999ms": true, "2s": false} {
		_, _, err := loadSettings("", nil, map[string]string{"log.durability": "interval", "state.checkpoint.every": every})
		if (err != nil) != refused || refused && !strings.Contains(err.Error(), "is shorter than 2s") {
			t.Errorf("%s: %v", every, err)
		}
		if _, _, err := loadSettings("", nil, map[string]string{"state.checkpoint.every": every}); err != nil {
			t.Errorf("%s with fsync: %v", every, err)
		}
	}
}

// TestSettingTwice gives a setting two values in one file: neither is taken.
func TestSettingTwice(t *testing.T) {
	for _, text := range []string{"listen: 127.0.0.1:9\nlisten: 127.0.0.1:8\n", "time: {idle: 2m}\ntime: {idle: 3m}\n"} {
		_, _, err := loadSettings(writeFile(t, "weir.yaml", text), nil, nil)
		if err == nil || !strings.Contains(err.Error(), "weir.yaml:1 already: expected each setting once") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
