package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const catchRule = "id: catch\non: pay\nkey: card\nwithin: 1h\npattern: a -> b\ndefine: {a: n == 2, b: n == %d}\n"

// replays folds the log of a service that has ended again: the alerts are those stored.
func (l *living) replays(data string) {
	l.t.Helper()
	var out, report bytes.Buffer
	if code := execute([]string{"replay", "--data", data}, &streams{nil, &out, &report}); code != exitDone || !strings.Contains(report.String(), "differences  none") {
		l.t.Errorf("exit code %d:\n%s", code, &report)
	}
}

// TestRunInOverAPI publishes a rule after the fraud has begun that it is about, edits it while it
// has open matches, switches it off, and takes it in again.
func TestRunInOverAPI(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	l := liveOn(t, data, livingFolder(t))
	l.pay("1", "c1", 1000, 2) // has begun
	l.pay("2", "c2", 2000, 2)
	l.pay("3", "c2", 3000, 3) // is over
	text := fmt.Sprintf(catchRule, 3)
	plan := l.changed(l.expect("PUT", "/v1/rules/catch?dry_run=true", yamlMedia, text, 200, `"warm":true`, `"looks_back":"1h"`))
	if plan.RunIn != nil {
		t.Errorf("%+v", plan)
	}
	done := l.changed(l.expect("PUT", "/v1/rules/catch", yamlMedia, text, 200, `"in_force":true`))
	if r := done.RunIn; r == nil || r.Position != done.Position || r.Joined == "" || r.Before != 1 || r.Left != 0 || r.Done != 1 || r.From == "" || r.Since == "" || r.Fault != "" || len(r.Rules) != 1 {
		t.Fatalf("%+v", r)
	}
	l.expect("GET", "/v1/rules/catch", "", "", 200, `"in_force":true`, `"matches_before":1`, `"joined":"`+done.RunIn.Joined)
	check := func(want string) {
		t.Helper()
		if got := fmt.Sprint(l.alerts("catch")); got != want {
			t.Errorf("alerts by revision %s, want %s", got, want)
		}
	}
	check("map[]")
	l.pay("4", "c1", 4000, 3)
	check("map[1:1]")
	l.pay("5", "c1", 5000, 3)
	check("map[1:1]")

	// An edit of a threshold: what is open goes on, and nothing is run in.
	l.pay("6", "c3", 6000, 2)
	done = l.changed(l.expect("PUT", "/v1/rules/catch", yamlMedia, fmt.Sprintf(catchRule, 4), 200, `"mode":"carry","carried":1`, `"warm":false`))
	if done.RunIn != nil || !done.InForce {
		t.Errorf("%+v", done)
	}
	l.pay("7", "c3", 7000, 3)
	check("map[1:1]")
	l.pay("8", "c3", 8000, 4)
	check("map[1:1 2:1]")

	// What drains ends under the revision before; the next one sees nothing of it.
	l.pay("9", "c4", 9000, 2)
	done = l.changed(l.expect("PUT", "/v1/rules/catch?on_change=drain", yamlMedia, fmt.Sprintf(catchRule, 5), 200, `"mode":"drain"`, `"drained":1`, `"warm":false`))
	if done.RunIn != nil || !done.InForce {
		t.Errorf("%+v", done)
	}
	l.pay("10", "c4", 10_000, 5)
	check("map[1:1 2:1]")
	l.pay("11", "c4", 11_000, 4)
	check("map[1:1 2:2]")

	// Off works at once; on again, it has seen what came meanwhile.
	l.pay("12", "c5", 12_000, 2)
	done = l.changed(l.expect("POST", "/v1/rules/catch/status", jsonMedia, `{"status":"disabled"}`, 200, `"in_force":true`, `"loses":1`))
	if done.RunIn != nil {
		t.Errorf("%+v", done)
	}
	l.pay("13", "c5", 13_000, 5)
	check("map[1:1 2:2]")
	l.pay("14", "c6", 14_000, 2)
	done = l.changed(l.expect("POST", "/v1/rules/catch/status", jsonMedia, `{"status":"active"}`, 200, `"warm":true`))
	if done.RunIn == nil || done.RunIn.Before == 0 {
		t.Errorf("%+v", done.RunIn)
	}
	check("map[1:1 2:2]")
	l.pay("15", "c6", 15_000, 5)
	revision := fmt.Sprint(done.Revision)
	check("map[1:1 2:2 " + revision + ":1]")

	// Without a run-in it has seen nothing.
	l.pay("16", "c7", 16_000, 6)
	done = l.changed(l.expect("PUT", "/v1/rules/cold?warm=false", yamlMedia, "id: cold\non: pay\nkey: card\nwithin: 1h\npattern: a -> b\ndefine: {a: n == 6, b: n == 7}\n", 200, `"in_force":true`, `"warm":false`))
	if done.RunIn != nil {
		t.Errorf("%+v", done.RunIn)
	}
	l.pay("17", "c7", 17_000, 7)
	if got := l.alerts("cold"); len(got) != 0 {
		t.Errorf("alerts %v", got)
	}
	l.end()
	l.replays(data)
}

// TestRunInIsShown asks before a run-in has ended: the answer says so, and the rule is warming
// until it has joined.
func TestRunInIsShown(t *testing.T) {
	l := liveOn(t, filepath.Join(t.TempDir(), "data"), livingFolder(t))
	l.rulebook.patience = 0
	l.pay("1", "c1", 1000, 2)
	r, text := l.ask("PUT", "/v1/rules/catch", yamlMedia, fmt.Sprintf(catchRule, 3))
	done := l.changed(text)
	if done.RunIn == nil || r.StatusCode == 202 != (done.RunIn.Joined == "") || done.InForce != (done.RunIn.Joined != "") {
		t.Fatalf("%s %s", r.Status, text)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		_, text := l.ask("GET", "/v1/rules/catch", "", "")
		warming, joined := strings.Contains(text, `"warming":true`), strings.Contains(text, `"joined":`)
		if warming == joined || warming == strings.Contains(text, `"in_force":true`) {
			t.Fatal(text)
		}
		if joined {
			return
		}
		if time.Now().After(end) {
			t.Fatal("it has not joined: ", text)
		}
	}
}
