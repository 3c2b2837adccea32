package main

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/cep"
)

var (
	lateData  = flag.String("late.data", "", "a folder for TestLateData: rules.yaml, or other rules in it, and events in .ndjson or .ndjson.gz")
	lateRules = flag.String("late.rules", "", "rules for TestLateData in place of those in the folder")
	lateSeed  = flag.Uint64("late.seed", 1, "seed of how late the events of TestLateData come")
	lateShare = flag.Float64("late.share", 1, "the share of the events of TestLateData that come late")
)

// lateBy is how late events come at most in TestLateData.
const lateBy = 10 * time.Minute

// lateness is the flag for it.
const lateness = "10m"

// TestLateData brings events late and compares the alerts that are live in the end with
// those of the events in their order. Rules that read features of other keys see them as
// of arrival, and are left out, as are rules on their matches.
func TestLateData(t *testing.T) {
	if *lateData != "" {
		rules := *lateData
		if *lateRules != "" {
			rules = *lateRules
		}
		var events []string
		for _, pattern := range []string{"*.ndjson", "*.ndjson.gz"} {
			found, _ := filepath.Glob(filepath.Join(*lateData, pattern))
			events = append(events, found...)
		}
		if len(events) == 0 {
			t.Fatalf("%s has no .ndjson or .ndjson.gz", *lateData)
		}
		compareLate(t, rules, events, 1)
		return
	}
	t.Run("tied", func(t *testing.T) {
		events := writeFile(t, "events.ndjson", unlines(tied(10_000)))
		compareLate(t, writeFile(t, "rules.yaml", sameRules), []string{events}, 20)
	})
	for rules, sample := range map[string]string{
		"card-testing": "payments", "account-takeover": "accounts", "brute-force": "logins", "impossible-travel": "sightings", "structuring": "deposits",
	} {
		t.Run(rules, func(t *testing.T) {
			compareLate(t, filepath.Join("../../rulesets", rules), []string{filepath.Join("../../rulesets/sample", sample+".ndjson")}, 1)
		})
	}
}

// compareLate runs rules over events as they are and as they come late. There must be at
// least so many alerts.
func compareLate(t *testing.T, rules string, events []string, least int) {
	t.Helper()
	checked, _, err := loadRules([]string{rules}, overrides{}, &streams{out: io.Discard, err: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	others := readOthers(checked.Ruleset)
	folder := t.TempDir()
	moved, plain := filepath.Join(folder, "late.ndjson"), filepath.Join(folder, "sorted.ndjson")
	lines := timedLines(t, checked.Ruleset, events)
	writeLines(t, plain, lines, func(a, b timedLine) int { return cmp.Compare(a.time, b.time) })
	late := writeLines(t, moved, lines, func(a, b timedLine) int { return cmp.Compare(a.comes(), b.comes()) })
	want, _ := liveAlerts(t, others, []string{"run", rules, "--events", plain, "--lateness", lateness})
	got, taken := liveAlerts(t, others, []string{"run", rules, "--events", moved, "--order", "eager", "--lateness", lateness})
	t.Logf("%d events, %d of them out of order; %d alerts, %d taken back in between", len(lines), late, len(want), taken)
	if len(want) < least {
		t.Errorf("only %d alerts", len(want))
	}
	wrong := 0
	tell := func(what, id, alert string) {
		if wrong++; wrong <= 10 {
			t.Errorf("%s: %s %s", what, id, alert)
		}
	}
	for id, alert := range got {
		if sure, ok := want[id]; !ok {
			tell("too many", id, alert)
		} else if sure != alert {
			tell("wrong", id, alert+"\nwant "+sure)
		}
	}
	for id, alert := range want {
		if _, ok := got[id]; !ok {
			tell("missing", id, alert)
		}
	}
	if wrong > 10 {
		t.Errorf("%d alerts are wrong", wrong)
	}
}

// timedLine is an event and its time in nanoseconds.
type timedLine struct {
	time int64
	text []byte
}

// comes is when an event comes: all of one time at once, so in their order.
func (l timedLine) comes() int64 {
	h := fnv.New64a()
	h.Write(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, *lateSeed), uint64(l.time)))
	n := h.Sum64()
	n ^= n >> 33 // the lower bits of the hash of numbers that differ little do so too
	n *= 0xff51afd7ed558ccd
	n ^= n >> 29
	if float64(n>>44)/(1<<20) >= *lateShare {
		return l.time
	}
	return l.time + int64(n%uint64(lateBy))
}

// timedLines reads events. Lines that are none are left out.
func timedLines(t *testing.T, rs *cep.Ruleset, names []string) []timedLine {
	t.Helper()
	decoder := cep.NewDecoder(rs)
	var lines []timedLine
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var r io.Reader = f
		if strings.HasSuffix(name, ".gz") {
			if r, err = gzip.NewReader(f); err != nil {
				t.Fatal(err)
			}
		}
		scanner := bufio.NewScanner(r)
		scanner.Buffer(nil, 1<<24)
		var e cep.Event
		for scanner.Scan() {
			if decoder.Decode(scanner.Text(), &e) == nil {
				lines = append(lines, timedLine{e.Time, bytes.Clone(scanner.Bytes())})
			}
		}
		if err := scanner.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return lines
}

// writeLines writes lines in an order, and says how many come after a later one.
func writeLines(t *testing.T, name string, lines []timedLine, order func(a, b timedLine) int) (late int) {
	t.Helper()
	lines = slices.Clone(lines)
	// Events of one time that several files have stay as they were merged by name.
	slices.SortStableFunc(lines, func(a, b timedLine) int { return cmp.Or(order(a, b), cmp.Compare(a.time, b.time)) })
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	highest := int64(-1 << 63)
	for _, l := range lines {
		if l.time < highest {
			late++
		}
		highest = max(highest, l.time)
		w.Write(l.text)
		w.WriteByte('\n')
	}
	if err := cmp.Or(w.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return late
}

var alertHead = regexp.MustCompile(`^\{"id":"([^"]+)","version":\d+,"kind":"([a-z]+)","rule":\{"id":"([^"]+)"`)

// liveAlerts runs the command and gives its alerts that have not been retracted, by id,
// without what says how they came; and how many retractions there were.
func liveAlerts(t *testing.T, others map[string]bool, args []string) (live map[string]string, retracted int) {
	t.Helper()
	var alerts, report bytes.Buffer
	begin := time.Now()
	if code := execute(append(args, "--json"), &streams{nil, &alerts, &report}); code != exitDone {
		t.Fatalf("weir %s: exit code %d: %s", strings.Join(args, " "), code, &report)
	}
	var sum summary
	if err := json.Unmarshal(report.Bytes(), &sum); err != nil {
		t.Fatal(err)
	}
	t.Logf("weir %s: %.1f s; %d events, %d out of order; %d alerts, %d live; %d events matched again, %d alerts retracted, %d restored, %d times a key held back", strings.Join(args[4:], " "),
		time.Since(begin).Seconds(), sum.Events, sum.OutOfOrder.Events, sum.Alerts, sum.Live, sum.Repairs.Applied, sum.Repairs.Retracted, sum.Repairs.Restored, sum.Repairs.HeldBack)
	if sum.Late > 0 || sum.Rejected > 0 || sum.Conflicts > 0 || sum.Duplicates > 0 {
		t.Errorf("not all are matched: %d late, %d rejected, %d in conflict, %d duplicates", sum.Late, sum.Rejected, sum.Conflicts, sum.Duplicates)
	}
	live, stands := map[string]string{}, map[string]bool{}
	for line := range strings.Lines(alerts.String()) {
		head := alertHead.FindStringSubmatchIndex(line)
		if head == nil {
			t.Fatalf("no alert: %s", line)
		}
		id, kind, rule := line[head[2]:head[3]], line[head[4]:head[5]], line[head[6]:head[7]]
		stands[id] = kind != cep.RetractedAlert.String()
		if others[rule] {
			continue
		}
		if kind == cep.RetractedAlert.String() {
			retracted++
			delete(live, id)
			continue
		}
		rest := line[head[5]:]
		if i := strings.LastIndex(rest, `,"cause":{`); i >= 0 {
			rest = rest[:i] + "}\n"
		}
		if kind == cep.RestoredAlert.String() {
			kind = cep.MatchAlert.String()
		}
		live[id] = kind + rest
	}
	n := uint64(0)
	for _, stands := range stands {
		if stands {
			n++
		}
	}
	if n != sum.Live || uint64(len(stands)) != sum.Alerts {
		t.Errorf("the summary says that of %d alerts %d are live; of %d written %d are", sum.Alerts, sum.Live, len(stands), n)
	}
	return live, retracted
}

// readOthers are the rules that read features of a key that is not theirs, and those on
// their matches.
func readOthers(rs *cep.Ruleset) map[string]bool {
	others := map[string]bool{}
	for range rs.Rules {
		for _, r := range rs.Rules {
			for _, id := range r.Reads {
				read := &rs.Reads[id]
				if read.Args != nil || !slices.Equal(rs.Features[read.Feature].Key.Names, r.Key.Names) {
					others[r.ID] = true
				}
			}
			for _, typ := range r.Types {
				if typ >= 0 && rs.Types[typ].Alert != nil && others[rs.Types[typ].Alert.ID] {
					others[r.ID] = true
				}
			}
		}
	}
	return others
}

// TestLateComes: the times of the test above spread over all of the lateness.
func TestLateComes(t *testing.T) {
	var tenths [10]int
	for i := range 10_000 {
		l := timedLine{time: int64(i) * int64(time.Second)}
		tenths[(l.comes()-l.time)*10/int64(lateBy)]++
	}
	for _, n := range tenths {
		if n < 800 || n > 1200 {
			t.Fatal(fmt.Sprint("they do not spread: ", tenths))
		}
	}
}
