package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/cep"
	"weir/cep/stream"
	"weir/state"
)

// versionsAt makes a commit of alerts: "3.1" is version 1 of alert 3, of minute 0 or the one
// behind "/". What is behind "!" makes it another one than that without.
func versionsAt(sequence uint64, most int, names ...string) *cep.Commit {
	rule := &cep.Rule{ID: "r", Revision: 1, Severity: "low", Key: cep.Key{Names: []string{"k"}}}
	c := &cep.Commit{
		Mark:    cep.Mark{Position: cep.Position{Incarnation: 1, Sequence: sequence}},
		Effects: &cep.Effects{}, Rules: &cep.Rules{Ruleset: &cep.Ruleset{}, PerRuleMinute: most},
	}
	for _, name := range names {
		var n, number, minute int
		rest, other, _ := strings.Cut(name, "!")
		rest, at, _ := strings.Cut(rest, "/")
		fmt.Sscanf(rest, "%d.%d", &n, &number)
		fmt.Sscan(at, &minute)
		a := cep.Alert{ID: fmt.Sprint("a_", n), Version: number, Kind: cep.MatchAlert, Rule: rule, Key: []string{"x"}, Time: int64(minute) * 60e9, Message: other}
		c.Effects.Alerts = append(c.Effects.Alerts, a)
		c.Lines = append(c.Lines, cep.AppendJSON(nil, &a))
	}
	return c
}

// TestComparison compares what is stored with what a replay brings.
func TestComparison(t *testing.T) {
	for _, tt := range []struct{ name, stored, replayed, want string }{
		{"the same", "1.1 2.1 1.2 3.1", "1.1 2.1 1.2 3.1", "same 4"},
		{"nothing", "", "", "same 0"},
		{"one less", "1.1 2.1 3.1 4.1", "1.1 3.1 4.1", "same 3, missing a_2.1"},
		{"one more", "1.1 3.1 4.1", "1.1 2.1 3.1 4.1", "same 3, extra a_2.1"},
		{"another", "1.1 2.1 3.1", "1.1 2.1!x 3.1", "same 2, changed a_2.1"},
		{"another order", "1.1 2.1 3.1 4.1", "1.1 3.1 2.1 4.1", "same 3, extra a_3.1, missing a_3.1"},
		{"the last are missing", "1.1 2.1 3.1", "1.1", "same 1, missing a_2.1, missing a_3.1"},
		{"the last are extra", "1.1", "1.1 2.1 2.2", "same 1, extra a_2.1, extra a_2.2"},
		{"several", "1.1 2.1 3.1 4.1 5.1 6.1", "1.1 7.1 8.1 4.1 6.1 9.1", "same 3, extra a_7.1, extra a_8.1, missing a_2.1, missing a_3.1, missing a_5.1, extra a_9.1"},
		{"none is the same", "1.1 2.1", "3.1 4.1", "same 0, extra a_3.1, extra a_4.1, missing a_1.1, missing a_2.1"},
	} {
		store := openStore(t)
		if err := store.Commit(versionsAt(5, 0, strings.Fields(tt.stored)...)); err != nil {
			t.Fatal(err)
		}
		got := compareWith(t, store, cep.Position{Incarnation: 1}, versionsAt(5, 0, strings.Fields(tt.replayed)...))
		if got != tt.want {
			t.Errorf("%s: %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func openStore(t *testing.T) *state.Store {
	t.Helper()
	store, err := state.Open(t.TempDir(), state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// compareWith compares what a store has from records after a position.
func compareWith(t *testing.T, store *state.Store, begin cep.Position, replayed ...*cep.Commit) string {
	t.Helper()
	c, err := newComparison(store, begin, cep.Position{Incarnation: 9}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.stop()
	for _, r := range replayed {
		if err := c.Commit(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint("same ", c.Same)
	for _, n := range []struct {
		n    uint64
		name string
	}{{c.Counted, "counted"}, {c.Unlogged, "unlogged"}, {c.Gone, "gone"}} {
		if n.n > 0 {
			text += fmt.Sprintf(", %s %d", n.name, n.n)
		}
	}
	if int(c.Differences) != len(c.Shown) {
		t.Errorf("%d differences, %d shown", c.Differences, len(c.Shown))
	}
	for _, d := range c.Shown {
		text += fmt.Sprintf(", %s %s.%d", d.Kind, d.ID, d.Version)
	}
	return text
}

// TestComparisonLimits: alerts of a minute beyond the limit are not stored, and a replay
// leaves the same ones out, also where it begins in the midst of a minute, and where some
// of the minute were lost.
func TestComparisonLimits(t *testing.T) {
	store := openStore(t)
	commits := []*cep.Commit{
		versionsAt(5, 3, "1.1", "2.1", "3.1/1"),
		versionsAt(6, 3, "4.1", "5.1", "5.2", "1.2", "6.1/1", "7.1/1", "8.1/1", "9.1/2"),
	}
	for _, c := range commits {
		if err := store.Commit(c); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := compareWith(t, store, cep.Position{Incarnation: 1}, commits...), "same 8, counted 3"; got != want {
		t.Errorf("from the beginning: %s, want %s", got, want)
	}
	if got, want := compareWith(t, store, cep.Position{Incarnation: 1, Sequence: 5}, commits[1]), "same 5, counted 3"; got != want {
		t.Errorf("from a checkpoint: %s, want %s", got, want)
	}
	if _, err := store.Lost(cep.Loss{After: 5, Until: 6}, 0, cep.Mark{Position: cep.Position{Incarnation: 2, Sequence: 5}}); err != nil {
		t.Fatal(err)
	}
	after := versionsAt(6, 3, "10.1", "11.1/1", "12.1/2")
	after.Mark.Position.Incarnation = 2
	if err := store.Commit(after); err != nil {
		t.Fatal(err)
	}
	if got, want := compareWith(t, store, cep.Position{Incarnation: 1}, commits[0], after), "same 4, counted 2, unlogged 5"; got != want {
		t.Errorf("after a loss: %s, want %s", got, want)
	}
}

// TestComparisonGone: alerts that were deleted as they were too old are no difference, and
// what stands behind them is compared.
func TestComparisonGone(t *testing.T) {
	now := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	store, err := state.Open(t.TempDir(), state.Options{Retention: time.Hour, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	commits := []*cep.Commit{versionsAt(5, 0, "1.1", "2.1"), versionsAt(6, 0, "3.1", "4.1", "5.1")}
	for _, c := range commits {
		if err := store.Commit(c); err != nil {
			t.Fatal(err)
		}
		now = now.Add(50 * time.Minute)
	}
	if n, err := store.Retain(context.Background()); n != 2 || err != nil {
		t.Fatalf("%d deleted, %v", n, err)
	}
	if got, want := compareWith(t, store, cep.Position{Incarnation: 1}, commits...), "same 3, gone 2"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := compareWith(t, store, cep.Position{Incarnation: 1}, commits[0], versionsAt(6, 0, "3.1", "5.1")), "same 2, gone 2, missing a_4.1"; got != want {
		t.Errorf("one less: %s, want %s", got, want)
	}
}

// errorSink takes nothing.
type errorSink struct{}

func (errorSink) Commit(*cep.Commit) error { return errNoSink }

var errNoSink = errors.New("it takes nothing")

// TestRefoldFails: what the last commit of a fold says is not taken for its end.
func TestRefoldFails(t *testing.T) {
	log, err := stream.Open(context.Background(), stream.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close(context.Background())
	if _, err := log.Append(context.Background(), &cep.Packed{Kind: cep.PackedTick}); err != nil {
		t.Fatal(err)
	}
	f := &refold{log: log, sink: errorSink{}}
	if err := f.fold(context.Background(), nil, 1, 1); !errors.Is(err, errNoSink) {
		t.Errorf("%v, want what the sink says", err)
	}
}

// TestReplayDiffers stores an alert that follows from nothing on the log: the replay names
// it, and ends with code 1; state check finds nothing damaged.
func TestReplayDiffers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := startServe(t, dir, []string{writeFile(t, "rules.yaml", "rules:\n  - {id: one, on: tick, key: k, when: n == 1}\n")}, nil)
	s.post(t, []byte(`{"type":"tick","ts":"2026-01-02T00:00:00Z","k":"x","n":1}`+"\n"))
	s.shut(t)
	log, err := stream.Open(context.Background(), stream.Options{Dir: filepath.Join(dir, logFolder)})
	if err != nil {
		t.Fatal(err)
	}
	n, err := log.Append(context.Background(), &cep.Packed{Kind: cep.PackedTick})
	if err != nil {
		t.Fatal(err)
	}
	record, _, err := log.At(context.Background(), n)
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	store, err := state.Open(dir, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := versionsAt(n, 0, "7.1")
	c.Mark.Sum, c.Mark.Digest[0] = record.Sum(), 1
	if err := store.Commit(c); err != nil {
		t.Fatal(err)
	}
	store.Close()
	var out, report bytes.Buffer
	code := execute([]string{"replay", "--data", dir}, &streams{nil, &out, &report})
	for _, want := range []string{"  a_7, version 1, rule r: stored, and the replay does not bring it\n    stored   {", "1 the same as stored", "digest       differs"} {
		if code != exitFindings || !strings.Contains(report.String(), want) {
			t.Errorf("exit code %d, want 1 and %q:\n%s", code, want, &report)
		}
	}
	if code := execute([]string{"state", "check", dir}, &streams{nil, &out, &report}); code != exitDone {
		t.Errorf("check: exit code %d: %s", code, &out)
	}
}

// TestReplayFromCheckpoint fills a small log until it drops its first records: a replay
// begins with the oldest checkpoint, limits of alerts included.
func TestReplayFromCheckpoint(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	rules := writeFile(t, "rules.yaml", "rules:\n  - {id: up, on: tick, key: k, within: 1h, skip: past_last, pattern: a -> b, define: {a: n % 50 == 0, b: n % 50 == 25}}\n")
	more := map[string]string{"log.size": "64MB", "alerts.per_rule_minute": "7", "state.checkpoint.every": "100ms"}
	s := startServe(t, dir, []string{rules}, more)
	pad := strings.Repeat("x", 900)
	for block := range 64 {
		var text bytes.Buffer
		for i := range 1000 {
			n := block*1000 + i
			fmt.Fprintf(&text, `{"type":"tick","ts":%d,"k":"k%d","n":%d,"pad":"%s"}`+"\n", 1_767_000_000_000+n*100, n%7, n, pad)
		}
		s.post(t, text.Bytes())
		if block == 57 { // from here on no checkpoint, until it ends
			s.shut(t)
			more["state.checkpoint.every"] = "1h"
			s = startServe(t, dir, []string{rules}, more)
		}
	}
	s.shut(t)
	var out, report bytes.Buffer
	if code := execute([]string{"replay", "--data", dir}, &streams{nil, &out, &report}); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{"the log has dropped records before", "counted only, as in the service", "the same as stored", "digest       same", "differences  none"} {
		if !strings.Contains(report.String(), want) {
			t.Errorf("no %q in\n%s", want, &report)
		}
	}
	if code := execute([]string{"state", "check", dir}, &streams{nil, &out, &report}); code != exitDone {
		t.Errorf("check: exit code %d: %s", code, &out)
	}
}
