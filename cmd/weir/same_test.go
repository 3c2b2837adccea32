package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// sameRules have what waits, counts and remembers: absence, time-outs, throttle,
// order, loops, several keys.
const sameRules = `
rules:
  - {id: rise, on: pay, key: card, within: 2m, pattern: a -> b -> c, define: {a: n > 2, b: n > a.n, c: n > b.n}, throttle: 5m}
  - {id: pairs, on: pay, key: [card, shop], within: 3m, pattern: a ->> b, skip: none, define: {a: n == 1, b: n == 9}}
  - {id: quiet, on: pay, key: card, within: 90s, pattern: big -> !more, define: {big: n > 7, more: n < 9}, throttle: 10m}
  - {id: half, on: pay, key: shop, within: 20s, timeout: true, pattern: 'x, y, z', define: {x: n == 5, y: n > 5, z: n > 5}}
  - {id: runs, on: pay, key: card, gap: 1m, within: 5m, emit: in_order, pattern: 'lo{2,}+ -> hi', define: {lo: n < 4, hi: n > 4}, measures: {total: sum(lo.n)}}
  - {id: moved, on: [pay, ship], key: {account: {sent: card, got: to}}, within: 5m, pattern: sent -> got, define: {sent: {type: pay, where: n > 6}, got: {type: ship}}}
  - {id: never, on: "*", key: card, within: 1m, pattern: a -> !b -> c, unless: n == 0, define: {a: n == 1, b: n == 2, c: n > 2}}
`

// tied are events with times in common, in the order of time.
func tied(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	lines := make([]string, n)
	for i := range lines {
		at = at.Add(time.Duration(r.IntN(4)) * 500 * time.Millisecond)
		where, typ := "card", "pay"
		if r.IntN(8) == 0 {
			where, typ = "to", "ship"
		}
		lines[i] = fmt.Sprintf(`{"type":%q,"ts":%d,%q:"c%d","shop":"s%d","n":%d}`, typ, at.UnixMilli(), where, r.IntN(40), r.IntN(9), r.IntN(10))
	}
	return lines
}

// timeOf reads what tied wrote.
func timeOf(line string) (ms int) {
	_, after, _ := strings.Cut(line, `"ts":`)
	fmt.Sscanf(after, "%d", &ms)
	return ms
}

// disorder puts events off by less than a minute; those of equal time stay
// together, and so in order.
func disorder(lines []string) []string {
	r := rand.New(rand.NewPCG(3, 4))
	off := map[int]int{}
	for _, l := range lines {
		if t := timeOf(l); off[t] == 0 {
			off[t] = t + r.IntN(60_000)
		}
	}
	lines = slices.Clone(lines)
	slices.SortStableFunc(lines, func(a, b string) int { return cmp.Compare(off[timeOf(a)], off[timeOf(b)]) })
	return lines
}

func unlines(lines []string) string { return strings.Join(lines, "\n") + "\n" }

// TestSameBytes checks that alerts are the same bytes however often, on however
// many cores, in whatever pieces and in whatever order within the lateness the
// events come.
func TestSameBytes(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	rules, lines := writeFile(t, "rules.yaml", sameRules), tied(30_000)
	whole := writeFile(t, "events.ndjson", unlines(lines))
	late := writeFile(t, "late.ndjson", unlines(disorder(lines)))

	// Events of equal time go to one file, else the merge would change their order.
	var parts [3][]string
	for _, l := range lines {
		i := timeOf(l) / 500 % 3
		parts[i] = append(parts[i], l)
	}
	split := []string{"run", rules, "--events"}
	for i, part := range parts {
		split = append(split, writeFile(t, fmt.Sprintf("part%d.ndjson", i), unlines(part)))
	}

	var want []byte
	for _, cores := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(cores)
		for _, tt := range []struct {
			name  string
			args  []string
			stdin io.Reader
		}{
			{"once", []string{"run", rules, "--events", whole}, nil},
			{"again", []string{"run", rules, "--events", whole}, nil},
			{"from a pipe", []string{"run", rules, "--events", "-"}, iotest.HalfReader(strings.NewReader(unlines(lines)))},
			{"out of order", []string{"run", rules, "--events", late, "--lateness", "1m"}, nil},
			{"from three files", split, nil},
		} {
			var alerts, report bytes.Buffer
			if code := execute(tt.args, &streams{tt.stdin, &alerts, &report}); code != exitDone {
				t.Fatalf("%s: exit code %d: %s", tt.name, code, &report)
			}
			if want == nil {
				want = alerts.Bytes()
				for _, id := range []string{"rise", "pairs", "quiet", "half", "runs", "moved", "never"} {
					if n := bytes.Count(want, []byte(`"rule":{"id":"`+id+`"`)); n < 20 {
						t.Errorf("only %d alerts of the rule %s", n, id)
					}
				}
			}
			if !bytes.Equal(alerts.Bytes(), want) {
				t.Errorf("%d cores, %s: %s", cores, tt.name, firstDifference(alerts.Bytes(), want))
			}
		}
	}
}

func firstDifference(got, want []byte) string {
	g, w := bytes.Split(got, newline), bytes.Split(want, newline)
	for i := range min(len(g), len(w)) {
		if !bytes.Equal(g[i], w[i]) {
			return fmt.Sprintf("line %d\ngot  %s\nwant %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}
