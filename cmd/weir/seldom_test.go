package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestSeldom: what is said five times a second for two minutes is written three times, with how
// often it came; what says something else is written at once.
func TestSeldom(t *testing.T) {
	var out bytes.Buffer
	log := newSeldom(slog.NewTextHandler(&out, nil)).With("part", "log")
	begun := time.Unix(1_767_000_000, 0)
	say := func(level slog.Level, text string, at time.Duration) {
		r := slog.NewRecord(begun.Add(at), level, text, 0)
		if err := log.Handler().Handle(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for at := time.Duration(0); at <= 2*time.Minute; at += 200 * time.Millisecond {
		say(slog.LevelWarn, "write 7.blk: no such file "+at.String()[:1], at)
	}
	say(slog.LevelError, "the disk is full", time.Minute)
	count := func(text string) int { return strings.Count(out.String(), text) }
	if n := count("no such file"); n != 3 || count("times_since=299") != 2 {
		t.Errorf("written %d times:\n%s", n, &out)
	}
	if count("the disk is full") != 1 {
		t.Error("what says something else is left out")
	}
	for i := range 2 * mostSayings {
		say(slog.LevelWarn, strings.Repeat("x", i+1), 0)
	}
	if n := len(log.Handler().(*seldom).said.last); n > mostSayings {
		t.Errorf("%d texts are remembered", n)
	}
}
