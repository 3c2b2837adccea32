package main

import (
	"bytes"
	"os"
	"path"
	"strings"
	"testing"

	"weir/cep"
	"weir/rules"
	"weir/rules/source"
	"weir/rulesets"
)

// TestDemo checks what the demo says of its samples: what came close is there and
// makes no alert, and the change to try makes the alerts that it promises.
func TestDemo(t *testing.T) {
	for _, f := range frauds {
		text, err := rulesets.Files.ReadFile(f.rules())
		if err != nil {
			t.Fatal(err)
		}
		before := alertsByKey(t, &f, string(text))
		sample, err := rulesets.Samples.ReadFile("sample/" + f.sample + ".ndjson")
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range f.near {
			if !bytes.Contains(sample, []byte(`"`+n.key+`"`)) {
				t.Errorf("%s: the sample has no %s", f.folder, n.key)
			}
			if before[n.key] > 0 {
				t.Errorf("%s: %s is to come close, and alerts", f.folder, n.key)
			}
		}
		changed := strings.ReplaceAll(string(text), f.change.old, f.change.new)
		if changed == string(text) {
			t.Fatalf("%s: the rules have no %q", f.folder, f.change.old)
		}
		key, _, _ := strings.Cut(f.change.effect, " ")
		after := alertsByKey(t, &f, changed)
		for k, n := range after {
			if n != before[k] && k != key {
				t.Errorf("%s: with %s %s has %d alerts, and %d before", f.folder, f.change.say, k, n, before[k])
			}
		}
		want := 1
		if strings.Contains(f.change.effect, "twice") {
			want = 2
		}
		if after[key] != want {
			t.Errorf("%s: with %s %s has %d alerts, want %d", f.folder, f.change.say, key, after[key], want)
		}
	}
}

// run steps an engine with the rules over the sample. events is how many there
// were.
func (f *fraud) run(text string) (alerts []cep.Alert, events int, err error) {
	ruleset, err := rules.Compile([]source.File{{Path: f.rules(), Text: text}})
	if err != nil {
		return nil, 0, err
	}
	sample, err := rulesets.Samples.ReadFile(path.Join("sample", f.sample+".ndjson"))
	if err != nil {
		return nil, 0, err
	}
	var effects cep.Effects
	cep.NewEngine(ruleset, cep.Options{}).Step([]cep.Record{
		{Kind: cep.EventsRecord, Data: sample, Line: 1},
		{Kind: cep.EndRecord},
	}, &effects)
	return effects.Alerts, bytes.Count(sample, newline), nil
}

// alertsByKey counts the alerts of each key.
func alertsByKey(t *testing.T, f *fraud, text string) map[string]int {
	alerts, _, err := f.run(text)
	if err != nil {
		t.Fatal(f.folder, err)
	}
	count := map[string]int{}
	for _, a := range alerts {
		count[strings.Join(a.Key, " ")]++
	}
	return count
}

// TestDemoIsPlain: what is no terminal gets no escape sequences, and the demo is short.
func TestDemoIsPlain(t *testing.T) {
	var out bytes.Buffer
	if code := execute([]string{"demo"}, &streams{nil, &out, os.Stderr}); code != exitDone {
		t.Fatalf("exit code %d", code)
	}
	if bytes.Contains(out.Bytes(), []byte("\x1b")) {
		t.Error("escape sequences")
	}
	if lines := bytes.Count(out.Bytes(), newline); lines > 120 {
		t.Errorf("%d lines, more than fit", lines)
	}
}

func TestInk(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{ink(false).bold("a"), "a"},
		{ink(false).severity("critical"), "critical"},
		{ink(true).bold("a"), bold + "a" + noInk},
		{ink(true).severity("critical"), red + "critical" + noInk},
		{ink(true).severity("high"), red + "high" + noInk},
		{ink(true).severity("medium"), yellow + "medium" + noInk},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	table{{"a", "12.50", "x"}, {"... 7 more"}, {"longer", "3.00"}}.write(&out, "  ")
	want := "  a       12.50  x\n  ... 7 more\n  longer   3.00\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
