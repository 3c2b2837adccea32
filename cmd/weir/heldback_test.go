package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestHeldBack brings 200 events of a key before 200 others of it that have come: it holds
// events back then, also when a window of the key ends, and its alerts are those of the
// events in order.
func TestHeldBack(t *testing.T) {
	rules := writeFile(t, "rules.yaml", `
features: {in_30s: {on: tick, key: k, value: count(), tumbling: 30s}}
rules:
  - {id: up, on: tick, key: k, within: 1h, skip: past_last, pattern: a -> b, define: {a: n % 3 == 0, b: n % 3 == 1}}
  - {id: full, window_close: in_30s, having: in_30s >= 30}
`)
	begin := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	var in, late strings.Builder
	for i := range 400 {
		line := func(n int) string {
			return fmt.Sprintf(`{"type":"tick","ts":"%s","k":"x","n":%d}`+"\n", begin.Add(time.Duration(n)*time.Second).Format(time.RFC3339), n)
		}
		in.WriteString(line(i))
		late.WriteString(line((i + 200) % 400))
	}
	args := []string{"run", rules, "--events", writeFile(t, "in.ndjson", in.String()), "--lateness", "10m"}
	want, _ := liveAlerts(t, nil, args)
	args = []string{"run", rules, "--events", writeFile(t, "late.ndjson", late.String()), "--order", "eager", "--lateness", "10m"}
	got, taken := liveAlerts(t, nil, args)
	if len(want) < 100 || len(got) != len(want) || taken == 0 {
		t.Errorf("%d alerts are left, %d were taken back; want %d", len(got), taken, len(want))
	}
	for id, alert := range want {
		if got[id] != alert {
			t.Errorf("%s: %s, want %s", id, got[id], alert)
		}
	}
	var out, report bytes.Buffer
	execute(args, &streams{nil, &out, &report})
	// once for what the rules keep of the key, and once for what the feature does
	if !strings.Contains(report.String(), "held back     2 times a key had matched 10,000 events again") {
		t.Errorf("the summary says\n%s", &report)
	}
}
