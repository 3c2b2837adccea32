package cep

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

// laneLog is a heldLog that lanes read and write while it is folded. Its reader ends when all has
// been stepped and nothing sleeps that could join.
type laneLog struct {
	*heldLog
	status func() *LoopStatus
	until  uint64 // records after this one are not there; 0: all are
	ended  func()
	tells  func(n *Notice) // is told of notices; nil: nobody is
	holds  func() bool     // says that a fold is not to end yet; nil: it may
}

func (h *laneLog) Read(ctx context.Context, after uint64, dst []Logged) ([]Logged, error) {
	for {
		dst, _ = h.Again(ctx, after, dst)
		if len(dst) > 0 || ctx.Err() != nil {
			return dst, ctx.Err()
		}
		last, _ := h.Last(ctx)
		if s := h.status(); (h.holds == nil || !h.holds()) && s.Stepped.Sequence == last && !slices.ContainsFunc(s.Lanes, func(l LaneStatus) bool { return l.Fault == "" && h.until == 0 }) {
			h.ended()
			<-ctx.Done()
			return nil, ctx.Err()
		}
		time.Sleep(10 * time.Microsecond)
	}
}

// Again reads what there is, and waits for more.
func (h *laneLog) Again(ctx context.Context, after uint64, dst []Logged) ([]Logged, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.records {
		if l.Sequence > after && len(dst) < h.most && (h.until == 0 || l.Sequence <= h.until) {
			dst = append(dst, l)
		}
	}
	return dst, ctx.Err()
}

func (h *laneLog) Last(ctx context.Context) (uint64, error) {
	last, err := h.heldLog.Last(ctx)
	if h.until > 0 {
		last = min(last, h.until)
	}
	return last, err
}

// foldLanes folds a log with lanes or, without, as a replay does.
func foldLanes(log *laneLog, files *heldFiles, compile func([]byte) (*Rules, error), due chan time.Time, lanes *LaneOptions) (*Loop, []Notice, error) {
	var notices []Notice
	restart := func() (*Checkpoint, *Recovery, error) {
		r, err := Recover(context.Background(), log, files.marks(), files.mark)
		if err != nil || r.From < 0 {
			return nil, r, err
		}
		c := *files.checkpoints[r.From]
		return &c, r, nil
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	log.ended = stop
	waiting := func(ctx context.Context, after uint64, dst []Logged) ([]Logged, error) {
		for {
			if dst, err := log.Again(ctx, after, dst); len(dst) > 0 || err != nil {
				return dst, err
			}
			time.Sleep(10 * time.Microsecond)
		}
	}
	l := NewLoop(LoopOptions{
		Log: log, Sink: files, Checkpoints: files, Restart: restart, Compile: compile, Due: due, Lanes: lanes, Again: waiting,
		Notify: func(n *Notice) {
			if notices = append(notices, *n); log.tells != nil {
				log.tells(n)
			}
		},
	})
	log.status = l.Status
	for _, r := range log.records {
		if p, err := Unpack(r.Data); err == nil && p.Kind == PackedJoin {
			l.Joins(r.Sequence, p.Joined)
		}
	}
	c, r, err := restart()
	if err != nil {
		return l, notices, err
	}
	err = l.Run(ctx, c, r, files.mark)
	return l, notices, err
}

// joinsOf are the records of a log that wake rules.
func joinsOf(log *heldLog) (list []uint64) {
	for _, r := range log.records {
		if p, err := Unpack(r.Data); err == nil && p.Kind == PackedJoin {
			list = append(list, r.Sequence)
		}
	}
	return list
}

// However often the loop crashes while rules are run in, and however fast that is, what comes out
// is what the log says: a replay that knows of no lane brings the same, from the first record
// and from any checkpoint.
func TestLoopRunsLanes(t *testing.T) {
	defer goleak.VerifyNone(t)
	rs := digested(zoo(t))
	var joined, late atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		o := Options{Lateness: 10 * time.Second, Order: rapid.SampledFrom([]Order{WatermarkOrder, EagerOrder}).Draw(t, "order")}
		log := drawLog(t, rapid.Permutation(stream(t)).Draw(t, "arrival"))
		var ids []string
		for _, r := range rs.Rules {
			if rapid.Bool().Draw(t, r.ID) {
				ids = append(ids, r.ID)
			}
		}
		if len(log.records) < 3 || len(ids) == 0 {
			return
		}
		// The rules that are run in are published somewhere on the log.
		at := rapid.IntRange(1, len(log.records)-1).Draw(t, "at")
		log.records = slices.Insert(log.records, at, Logged{0, log.records[at].Appended, (&Packed{Kind: PackedRules, Body: []byte("more")}).Append(nil)})
		for i := range log.records {
			log.records[i].Sequence = uint64(i + 1)
		}
		compile := func(body []byte) (*Rules, error) {
			switch string(body) {
			case "rules":
				return &Rules{Ruleset: rs.but(ids), Options: o}, nil
			case "more":
				return warming(rs, o, ids), nil
			}
			return nil, errors.New("these are no rules")
		}
		due := make(chan time.Time)
		close(due)
		files := &heldFiles{}
		crashes := rapid.SliceOfN(rapid.IntRange(0, 4), 0, 32).Draw(t, "crashes")
		var asked atomic.Int64
		files.crash = func(string) bool {
			n := int(asked.Add(1)) - 1
			return n < len(crashes) && crashes[n] == 0
		}
		for {
			l, notices, err := foldLanes(&laneLog{heldLog: log}, files, compile, due, &LaneOptions{})
			for _, n := range notices {
				if n.Kind != NoticeCheckpoint && n.Kind != NoticeAdopted && n.Kind != NoticeJoined {
					t.Fatal(n.Text)
				}
			}
			if err != nil && !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
			if err == nil {
				if len(l.engine.lanes.asleep) > 0 {
					t.Fatal("rules still sleep")
				}
				break
			}
		}
		joins := joinsOf(log)
		joined.Add(int64(len(joins)))
		last, _ := log.Last(context.Background())
		if joins[0] < last {
			late.Add(1)
		}
		want := strings.Join(files.alerts, "\n")
		begins := files.checkpoints
		if whole, _ := reachesBack(context.Background(), &laneLog{heldLog: log}, last); whole {
			begins = append([]*Checkpoint{nil}, begins...)
		}
		for _, from := range begins {
			again := &heldFiles{crash: func(string) bool { return false }}
			if from != nil {
				again.checkpoints, again.mark = []*Checkpoint{from}, from.Mark
			}
			_, notices, err := foldLanes(&laneLog{heldLog: log, until: last}, again, compile, due, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range notices {
				if n.Kind != NoticeAdopted && n.Kind != NoticeJoined {
					t.Fatal(n.Text)
				}
			}
			if got := strings.Join(again.alerts, "\n"); from == nil && got != want || !strings.HasSuffix(want, got) {
				t.Fatalf("a replay:\n%s\nwant:\n%s", got, want)
			}
			if again.mark.Digest != files.mark.Digest && again.mark.Position.Sequence == files.mark.Position.Sequence {
				t.Fatal("a replay has another digest")
			}
		}
	})
	if joined.Load() < 20 {
		t.Errorf("only %d joins", joined.Load())
	}
	t.Logf("%d joins, %d with records behind", joined.Load(), late.Load())
}

// Release drops nothing of a log that is replayed.
func (h *laneLog) Release(ctx context.Context, sequence uint64) error {
	if h.until > 0 {
		return nil
	}
	return h.heldLog.Release(ctx, sequence)
}
