package cep

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/cep/list"
)

// joinLog is a log of one card, in whose end some rules are published.
type joinLog struct {
	*laneLog
	t     *testing.T
	lanes LaneOptions
}

func newJoinLog(t *testing.T) *joinLog {
	l := &joinLog{laneLog: &laneLog{heldLog: &heldLog{most: 5}}, t: t}
	l.add(Packed{Kind: PackedRules, Body: []byte("rules")})
	return l
}

func (l *joinLog) add(p Packed) {
	if _, err := l.Append(context.Background(), &p); err != nil {
		l.t.Fatal(err)
	}
}

// pays adds n payments of card c1, from a time on and so many milliseconds apart.
func (l *joinLog) pays(n, from, apart int) {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"type":"pay","ts":%d,"card":"c1","merchant":"m1","kind":"a","amount":1,"to":"c2"}`+"\n", from+i*apart)
	}
	l.add(Packed{Kind: PackedEvents, Body: []byte(b.String())})
}

// fold folds the log, in whose record of kind "more" ids are published, with lanes, and then as
// a replay does, which has to bring the same.
func (l *joinLog) fold(rs *Ruleset, o Options, ids []string) (alerts, notices []string) {
	compile := func(body []byte) (*Rules, error) {
		if string(body) == "more" {
			return warming(rs, o, ids), nil
		}
		return &Rules{Ruleset: rs.but(ids), Options: o}, nil
	}
	never := func(string) bool { return false }
	live := &heldFiles{crash: never}
	if _, told, err := foldLanes(l.laneLog, live, compile, nil, &l.lanes); err != nil {
		l.t.Fatal(err)
	} else {
		for _, n := range told {
			notices = append(notices, n.Text)
		}
	}
	last, _ := l.Last(context.Background())
	again := &heldFiles{crash: never}
	if _, _, err := foldLanes(&laneLog{heldLog: l.heldLog, until: last}, again, compile, nil, nil); err != nil {
		l.t.Fatal(err)
	}
	if got, want := strings.Join(again.alerts, "\n"), strings.Join(live.alerts, "\n"); got != want || again.mark.Digest != live.mark.Digest {
		l.t.Errorf("a replay brings\n%s\nwant\n%s", got, want)
	}
	return live.alerts, notices
}

// A join is put off while a key holds events back, and made once it has come to rest.
func TestJoinIsPutOffWhileAKeyHoldsBack(t *testing.T) {
	rs := digested(zoo(t))
	log := newJoinLog(t)
	log.pays(150, 100_000, 1000)
	log.pays(80, 90_000, 1) // each has 150 matched again, of 10,000
	log.add(Packed{Kind: PackedRules, Body: []byte("more")})
	put := 0
	log.tells = func(n *Notice) {
		if n.Kind == NoticeLane {
			put++
			log.pays(3, 100_000_000*put, 1_000_000) // the watermark passes all that has come
		}
	}
	_, notices := log.fold(rs, Options{Order: EagerOrder, Lateness: 900 * time.Second}, []string{"any", "pair", "rising"})
	all := strings.Join(notices, "\n")
	if put != 1 || !strings.Contains(all, "sleep on") || len(joinsOf(log.heldLog)) != 2 || !strings.Contains(notices[len(notices)-1], "are in force") {
		t.Errorf("put off %d times, %d joins, notices\n%s", put, len(joinsOf(log.heldLog)), all)
	}
}

// A lane that the log has no room for is given up: its rules sleep on.
func TestLaneIsGivenUpWhereTheLogIsAlmostFull(t *testing.T) {
	log := newJoinLog(t)
	log.pays(5, 100_000, 1000)
	log.add(Packed{Kind: PackedRules, Body: []byte("more")})
	log.pays(5, 110_000, 1000)
	log.lanes.Scarce = func() bool { return true }
	var told atomic.Bool
	log.tells = func(n *Notice) { told.Store(told.Load() || n.Kind == NoticeLane) }
	log.holds = func() bool { return log.until == 0 && !told.Load() }
	_, notices := log.fold(digested(zoo(t)), Options{}, []string{"any"})
	if last := notices[len(notices)-1]; !strings.Contains(last, "almost full") || len(joinsOf(log.heldLog)) > 0 {
		t.Errorf("%d joins, %s", len(joinsOf(log.heldLog)), last)
	}
}

// A lane sees lists as they were changed, entry by entry, while events came.
func TestLanesStepListRecords(t *testing.T) {
	rs := digested(listed(t))
	for _, f := range rs.Features {
		f.Digest = f.Name
	}
	log := newJoinLog(t)
	put := func(text string) {
		log.add(Packed{Kind: PackedEntries, Change: &ListChange{List: "blocked", Entry: list.Entry{Text: text, Expires: list.Never}}})
	}
	log.pays(2, 100_000, 1000)
	log.add(Packed{Kind: PackedRules, Body: []byte("more")})
	log.pays(2, 110_000, 1000)
	put("c1")
	log.pays(2, 120_000, 1000)
	log.add(Packed{Kind: PackedEntries, Change: &ListChange{List: "blocked", Action: RemoveEntry, Entry: list.Entry{Text: "c1"}}})
	log.pays(2, 130_000, 1000)
	put("c1")
	log.pays(2, 140_000, 1000)
	alerts, _ := log.fold(rs, Options{}, []string{"blocked"})
	var of []string
	for _, a := range alerts {
		if strings.Contains(a, `"rule":{"id":"blocked"`) {
			_, at, _ := strings.Cut(a, `"time":"1970-01-01T00:`)
			of = append(of, at[:5])
		}
	}
	if got := strings.Join(of, " "); got != "02:00 02:01 02:20 02:21" {
		t.Errorf("the rule that was run in matches at %q", got)
	}
}
