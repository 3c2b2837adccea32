package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/cep"
)

// upRules alert on every n of 2 after one of 1, and on one after which none
// comes.
const upRules = `
rules:
  - {id: up, on: tick, key: k, within: 10m, pattern: a -> b, define: {a: n == 1, b: n == 2}}
  - {id: silent, on: tick, key: k, within: 10m, pattern: a -> !b, define: {a: n == 1, b: n == 2}}
`

func writeFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// ticks gives n events of one key, each second of which completes a match.
func ticks(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `{"type":"tick","ts":%d,"k":"x","n":%d}`+"\n", 1767312000000+i, 1+i%2)
	}
	return text.String()
}

// TestSignal checks that a signal ends a run that waits for more input: what
// was read is matched and out, and no window is closed for it.
func TestSignal(t *testing.T) {
	defer goleak.VerifyNone(t)
	rules := writeFile(t, "rules.yaml", upRules)
	in, events := io.Pipe()
	alerts, out := io.Pipe()
	var report bytes.Buffer
	code := make(chan int)
	go func() {
		code <- execute([]string{"run", rules, "--events", "-"}, &streams{in, out, &report})
		out.Close()
	}()

	// The first alert shows that the run is under way, and that it does not
	// wait for a block to be full.
	go io.WriteString(events, ticks(4))
	lines := bufio.NewReader(alerts)
	first, err := lines.ReadString('\n')
	if err != nil || !strings.Contains(first, `"id":"up"`) {
		t.Fatalf("got %q, %v", first, err)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest := make(chan string)
	go func() {
		text, _ := io.ReadAll(lines)
		rest <- string(text)
	}()
	if got := <-code; got != exitDone {
		t.Errorf("exit code %d", got)
	}
	if text := <-rest; strings.Count(text, `"id":"up"`) != 1 || strings.Contains(text, "silent") {
		t.Errorf("after the signal: %q", text)
	}
	if !strings.Contains(report.String(), "by a signal") {
		t.Errorf("summary: %s", &report)
	}
	in.Close() // the reader still waits
}

// TestReaderGone checks that a run ends quietly when nobody reads its alerts.
func TestReaderGone(t *testing.T) {
	defer goleak.VerifyNone(t)
	rules, events := writeFile(t, "rules.yaml", upRules), writeFile(t, "events.ndjson", ticks(20000))
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.Close()
	var report bytes.Buffer
	code := execute([]string{"run", rules, "--events", events}, &streams{strings.NewReader(""), w, &report})
	if code != exitDone || report.Len() > 0 {
		t.Errorf("exit code %d, stderr %q", code, &report)
	}
}

// TestCutOff checks that alerts of what came before a broken place are out.
func TestCutOff(t *testing.T) {
	defer goleak.VerifyNone(t)
	rules := writeFile(t, "rules.yaml", upRules)
	var packed bytes.Buffer
	events := filepath.Join(t.TempDir(), "events.ndjson.zst")
	z := newZstdWriter(&packed)
	io.WriteString(z, ticks(20000))
	z.Close()
	if err := os.WriteFile(events, packed.Bytes()[:packed.Len()-20], 0o644); err != nil {
		t.Fatal(err)
	}
	var alerts, report bytes.Buffer
	code := execute([]string{"run", rules, "--events", events}, &streams{strings.NewReader(""), &alerts, &report})
	if code != exitFailed || !strings.Contains(report.String(), events+": the file is cut off") {
		t.Errorf("exit code %d, stderr %q", code, &report)
	}
	if n := strings.Count(alerts.String(), `"id":"up"`); n == 0 || n >= 10000 {
		t.Errorf("%d alerts", n)
	}
	if strings.Contains(alerts.String(), "silent") {
		t.Error("a window was closed although the input broke off")
	}
	if s := report.String(); !strings.Contains(s, "up: ") || !strings.Contains(s, "stopped  by the failure below") {
		t.Errorf("the summary does not say how far it came: %q", s)
	}
}

// TestEvidence checks that blocks that are filled again leave the evidence of
// older events alone.
func TestEvidence(t *testing.T) {
	const first, last = `{"type":"tick","ts":0,"k":"x","n":1,"note":"first"}`, `{"type":"tick","ts":1,"k":"x","n":2,"note":"last"}`
	filler := strings.Repeat(`{"type":"tick","ts":0,"k":"a key of its own","n":3,"note":"filler"}`+"\n", 40000)
	rules := writeFile(t, "rules.yaml", upRules)
	var alerts, report bytes.Buffer
	execute([]string{"run", rules, "--events", writeFile(t, "events.ndjson", first+"\n"+filler+last+"\n")},
		&streams{strings.NewReader(""), &alerts, &report})
	if want := `"events":{"a":` + first + `,"b":` + last + `}`; !strings.Contains(alerts.String(), want) {
		t.Errorf("got %s, want %s", &alerts, want)
	}
}

// TestFeedStops checks that the reader ends when the run does, also if nobody
// takes what it has read.
func TestFeedStops(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan bool)
	f := startFeed(ctx, &lineReader{r: newlines{}}, cep.NewDecoder(&cep.Ruleset{}), func() { close(done) })
	if _, err := f.next(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("the reader goes on")
	}
}

// TestLongestLine checks that the reader and the engine agree on the longest
// line that is an event.
func TestLongestLine(t *testing.T) {
	event := func(size int) string {
		line := `{"type":"tick","ts":0,"k":""}`
		return strings.Replace(line, `""`, `"`+strings.Repeat("x", size-len(line))+`"`, 1) + "\n"
	}
	rules := writeFile(t, "rules.yaml", upRules)
	for _, tt := range []struct {
		size int
		want string
	}{
		{maxLine, " 1 in "},
		{maxLine + 1, "events.ndjson:1:1048577: "},
		{3 * maxLine, "events.ndjson:1:1048577: "},
	} {
		var alerts, report bytes.Buffer
		execute([]string{"run", rules, "--events", writeFile(t, "events.ndjson", event(tt.size))}, &streams{strings.NewReader(""), &alerts, &report})
		if !strings.Contains(report.String(), tt.want) {
			t.Errorf("a line of %d bytes: %s", tt.size, &report)
		}
	}
}

// newlines is an input of empty lines without an end.
type newlines struct{}

func (newlines) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '\n'
	}
	return len(p), nil
}
