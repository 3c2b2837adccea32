package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/cep"
	"weir/cep/stream"
	"weir/rules"
	"weir/rules/source"
	"weir/state"
)

// servedBefore makes a directory as another weir has left it, which compiled the rules that lie
// in file to other programs: the state is of another shape. Where short is true the log has
// dropped its first events.
func servedBefore(t *testing.T, dir, file, text string, lines []string, short bool) {
	t.Helper()
	must(t, os.WriteFile(file, []byte(text), 0o600))
	ctx, stop := context.WithCancel(t.Context())
	store, err := state.Open(dir, state.Options{})
	must(t, err)
	l, err := stream.Open(ctx, stream.Options{Dir: filepath.Join(dir, "log"), Size: 1 << 20, Durability: stream.Interval})
	must(t, err)
	set := rules.Settings{Order: "eager", Lateness: 10 * time.Second, Idle: time.Minute, Budget: 4 << 30, PerRuleMinute: 600}
	good := strings.ReplaceAll(text, "x ->", "x -> y")
	p, err := rules.Publish([]source.File{{Path: filepath.Base(file), Text: good}}, os.ReadFile, set, nil, rules.Asked{})
	must(t, err)
	p.Files[0].Text = text
	p.Folder = digestOf(file, text, set)
	_, err = l.Append(ctx, &cep.Packed{Kind: cep.PackedRules, Body: p.Bytes()})
	must(t, err)
	_, err = l.Append(ctx, &cep.Packed{Kind: cep.PackedBoot, Body: []byte(cep.Boot{Version: "v0.1", Engine: cep.EngineRevision + 7}.String())})
	must(t, err)
	due := make(chan time.Time)
	loop := cep.NewLoop(cep.LoopOptions{
		Log: l, Sink: store, Checkpoints: store, Due: due,
		Compile: func([]byte) (*cep.Rules, error) {
			old := *p
			old.Files = []rules.PublishedFile{{Path: "old.yaml", Text: strings.ReplaceAll(good, "within: 3", "within: 4")}}
			return old.Compile()
		},
	})
	ended := make(chan error, 1)
	go func() {
		ended <- loop.Run(ctx, nil, &cep.Recovery{From: -1, Incarnation: 1, Compare: true}, cep.Mark{})
	}()
	for i, line := range lines {
		if short {
			pad := fmt.Sprintf(`{"type":"pad","ts":%q,"more":%q}`+"\n", time.Now().UTC().Format(time.RFC3339Nano), strings.Repeat("x", 200<<10))
			line = pad + line
		}
		last, err := l.Append(ctx, &cep.Packed{Kind: cep.PackedEvents, Body: []byte(line)})
		must(t, err)
		for loop.Status().Stepped.Sequence < last {
			time.Sleep(time.Millisecond)
		}
		due <- time.Time{}
		for loop.Status().Checkpoint.Sequence < last {
			time.Sleep(time.Millisecond)
		}
		if i == len(lines)-1 && short {
			must(t, l.Release(ctx, last))
		}
	}
	stop()
	must(t, <-ended)
	must(t, l.Close(context.Background()))
	must(t, store.Close())
}

// digestOf is the digest of a folder whose rules may have errors.
func digestOf(file, text string, set rules.Settings) string {
	h := sha256.New()
	for _, part := range []string{filepath.Base(file), text, fmt.Sprint(set)} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

const upgradedRules = `
events:
  pay: {time: ts, fields: {ts: time, card: string, n: number}}
  pad: {time: ts, fields: {ts: time}}
rules:
  - {id: next, on: pay, key: card, within: 3s, pattern: a -> b, define: {a: n == 1, b: n == 9}}
  - {id: strict, on: pay, key: card, within: 3s, pattern: "x ->", define: {x: n == 1, y: n == 9}}
`

// TestUpgrade starts a service on what another weir has left, whose programs had another shape
// and which compiled a rule that this one does not: it starts, says so, and goes on with the
// state that the log brings.
func TestUpgrade(t *testing.T) {
	for _, short := range []bool{false, true} {
		t.Run(fmt.Sprint("short=", short), func(t *testing.T) {
			dir, folder := t.TempDir(), filepath.Join(t.TempDir(), "rules.yaml")
			at := time.Now()
			servedBefore(t, dir, folder, upgradedRules, []string{
				payment("1", at, "gone", 1), payment("2", at, "c", 5), payment("3", at, "c", 5), payment("4", at, "c", 5), payment("5", at, "there", 1),
			}, short)
			s := startServe(t, dir, []string{folder}, nil)
			s.post(t, []byte(payment("6", at, "there", 9)+payment("7", at, "gone", 9)))
			last, _ := s.stream.LastAppended()
			for s.loop.Status().Stepped.Sequence < last {
				time.Sleep(time.Millisecond)
			}
			warned := strings.Join(s.status().Warnings, "\n")
			if !strings.Contains(warned, "1 rules and features are left out") || !strings.Contains(warned, "rule strict") {
				t.Errorf("/readyz warns of %q", warned)
			}
			notices, _, err := s.store.Notices()
			must(t, err)
			var said strings.Builder
			for _, n := range notices {
				fmt.Fprintln(&said, n.Kind, n.Text)
			}
			for _, want := range []string{"made with other rules", "the rule strict is left out"} {
				if !strings.Contains(said.String(), want) {
					t.Errorf("the notices do not say %q:\n%s", want, &said)
				}
			}
			if short != strings.Contains(said.String(), "from before are dropped: next") {
				t.Errorf("short is %t, and the notices say\n%s", short, &said)
			}
			if d := s.loop.Status().Differs; d != 0 {
				t.Errorf("effects of another engine revision were compared: %d differ", d)
			}
			s.shut(t)
			got := storedLines(t, dir)
			if !strings.Contains(got, `"key":{"card":"there"}`) || strings.Contains(got, `"key":{"card":"gone"}`) == short {
				t.Errorf("alerts:\n%s", got)
			}
			s = startServe(t, dir, []string{folder}, nil) // from a checkpoint of its own
			if n := len(s.unusable); n != 0 {
				t.Errorf("%d checkpoints cannot be used", n)
			}
			s.shut(t)
			var told strings.Builder
			(&replayCommand{Data: file(dir)}).Run(&streams{nil, &told, &told})
			if !strings.Contains(told.String(), "engine revision 8 (weir v0.1)") && !short {
				t.Errorf("replay says\n%s", &told)
			}
		})
	}
}

const recompiledRules = `
events:
  pay: {time: ts, fields: {ts: time, card: string, n: number}}
  pad: {time: ts, fields: {ts: time}}
features:
  seen: {on: pay, key: card, value: count(), over: 1h}
rules:
  - {id: kept, on: pay, key: card, within: 50s, pattern: a -> b, define: {a: n == 1, b: n == 9}}
  - {id: next, on: pay, key: card, within: 30s, pattern: a -> b, define: {a: n == 1, b: n == 9}}
  - {id: often, on: pay, key: card, when: "n == 9 && seen >= 2"}
`

// TestUpgradeOfOneRule starts a service on what another weir has left, which compiled one of the
// rules to another program, where the log has dropped its first records: this rule begins anew,
// which is told before anything is matched, and all others go on with their state.
func TestUpgradeOfOneRule(t *testing.T) {
	for _, short := range []bool{false, true} {
		t.Run(fmt.Sprint("short=", short), func(t *testing.T) {
			dir, folder := t.TempDir(), filepath.Join(t.TempDir(), "rules.yaml")
			at := time.Now()
			later := at.Add(20 * time.Second) // the watermark has passed the first event
			servedBefore(t, dir, folder, recompiledRules, []string{
				payment("1", at, "gone", 1), payment("2", later, "c", 5), payment("3", later, "c", 5), payment("4", later, "c", 5), payment("5", later, "c", 5),
			}, short)
			s := startServe(t, dir, []string{folder}, nil)
			s.post(t, []byte(payment("7", later, "gone", 9)))
			settledUp(s)
			notices, _, err := s.store.Notices()
			must(t, err)
			var said strings.Builder
			for _, n := range notices {
				fmt.Fprintln(&said, n.Kind, n.Text)
			}
			for _, c := range []struct {
				text string
				want bool
			}{
				{"made with other programs of next", true},
				{"the rule next is compiled to another program than the state was made with: its open matches are dropped, under 1 keys as of the watermark", short},
				{"from before are dropped", false},
			} {
				if strings.Contains(said.String(), c.text) != c.want {
					t.Errorf("the notices say %q: %t, want %t:\n%s", c.text, !c.want, c.want, &said)
				}
			}
			s.shut(t)
			got := storedLines(t, dir)
			for rule, want := range map[string]bool{"kept": true, "often": true, "next": !short} {
				if strings.Contains(got, fmt.Sprintf(`"rule":{"id":%q`, rule)) != want {
					t.Errorf("%s alerts: %t, want %t:\n%s", rule, !want, want, got)
				}
			}
			s = startServe(t, dir, []string{folder}, nil) // from a checkpoint of its own
			if n := len(s.unusable); n != 0 {
				t.Errorf("%d checkpoints cannot be used", n)
			}
			s.shut(t)
		})
	}
}

// settledUp waits until all that lies on the log is stepped.
func settledUp(s *tested) {
	for last, _ := s.stream.LastAppended(); s.loop.Status().Stepped.Sequence < last; {
		time.Sleep(time.Millisecond)
	}
}
