package cep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"weir/nfa"
)

// heldLog is a log in memory. Its readers end when they have read all.
type heldLog struct {
	mu       sync.Mutex
	records  []Logged // from the first on; a nil Data stands for one that was dropped
	ended    func()   // all has been read, and stepped
	stepped  func() uint64
	most     int // records that a read brings
	released uint64
}

func (h *heldLog) Read(ctx context.Context, after uint64, dst []Logged) ([]Logged, error) {
	h.mu.Lock()
	for _, l := range h.records {
		if l.Sequence > after && len(dst) < h.most {
			dst = append(dst, l)
		}
	}
	h.mu.Unlock()
	if len(dst) == 0 {
		for last, _ := h.Last(ctx); ctx.Err() == nil && h.stepped() < last; {
			time.Sleep(10 * time.Microsecond)
		}
		if ctx.Err() == nil {
			h.ended()
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return dst, nil
}

func (h *heldLog) At(_ context.Context, sequence uint64) (Logged, bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.records {
		if l.Sequence == sequence {
			return l, true, nil
		}
	}
	return Logged{}, false, nil
}

func (h *heldLog) Last(context.Context) (uint64, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.records); n > 0 {
		return h.records[n-1].Sequence, nil
	}
	return 0, nil
}

func (h *heldLog) Append(_ context.Context, p *Packed) (uint64, error) {
	last, _ := h.Last(context.Background())
	h.mu.Lock()
	defer h.mu.Unlock()
	h.records = append(h.records, Logged{last + 1, int64(last+1) * second, p.Append(nil)})
	return last + 1, nil
}

// Release drops what may be dropped, but for what says something of the rules.
func (h *heldLog) Release(_ context.Context, sequence uint64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.released = sequence
	h.records = slices.DeleteFunc(h.records, func(l Logged) bool {
		p, err := Unpack(l.Data)
		return l.Sequence < sequence && (err != nil || p.Kind <= PackedTick)
	})
	return nil
}

// heldFiles are the files that follow a log, in memory.
type heldFiles struct {
	mark        Mark
	alerts      []string
	audited     []Audited
	checkpoints []*Checkpoint // newest first, two at most
	runs        [][]byte      // of the newest
	added       bool          // what changes after a restart is added to them
	wholes      int           // checkpoints that have all of the state
	crash       func(where string) bool
}

var errCrash = errors.New("crash")

func (f *heldFiles) Commit(c *Commit) error {
	if f.crash("before the commit") {
		return errCrash
	}
	for _, line := range c.Lines {
		f.alerts = append(f.alerts, string(line))
	}
	f.audited = append(f.audited, c.Effects.Audited...)
	f.mark = c.Mark
	if f.crash("after the commit") {
		return errCrash
	}
	return nil
}

func (f *heldFiles) Begin(c *Checkpoint, whole bool) (CheckpointWriter, error) {
	w := &heldWriter{files: f, checkpoint: *c}
	if whole {
		f.wholes++
	} else {
		w.runs = slices.Clone(f.runs)
	}
	return w, nil
}

// heldWriter puts checkpoints together in memory.
type heldWriter struct {
	files      *heldFiles
	checkpoint Checkpoint
	runs       [][]byte
}

func (w *heldWriter) Add(entries []byte) error {
	run, err := SortEntries(nil, entries)
	w.runs = append(w.runs, run)
	return err
}

func (w *heldWriter) Commit() (Position, error) {
	f := w.files
	if f.crash("before a checkpoint is saved") {
		return Position{}, errCrash
	}
	var runs []Run
	for _, r := range w.runs {
		runs = append(runs, RunOf(r))
	}
	var err error
	if w.checkpoint.State, w.checkpoint.Begins, err = AssembleSections(runs, 0); err != nil {
		return Position{}, err
	}
	f.runs = w.runs
	f.checkpoints = append([]*Checkpoint{&w.checkpoint}, f.checkpoints[:min(len(f.checkpoints), 1)]...)
	return f.checkpoints[len(f.checkpoints)-1].Mark.Position, nil
}

func (w *heldWriter) Abort() error { return nil }

func (f *heldFiles) marks() (marks []Mark) {
	for _, c := range f.checkpoints {
		marks = append(marks, c.Mark)
	}
	return marks
}

// fold runs a loop over what there is, from what the files say, until all of the log is
// folded or something crashes.
func fold(log *heldLog, files *heldFiles, compile func([]byte) (*Rules, error), due <-chan time.Time) (*Loop, []Notice, error) {
	return foldWith(log, files, LoopOptions{Compile: compile, Due: due})
}

// foldWith is fold with options of the loop beside the files.
func foldWith(log *heldLog, files *heldFiles, o LoopOptions) (*Loop, []Notice, error) {
	var notices []Notice
	restart := func() (*Checkpoint, *Recovery, error) {
		r, err := Recover(context.Background(), log, files.marks(), files.mark)
		if err != nil || r.From < 0 {
			return nil, r, err
		}
		c := *files.checkpoints[r.From]
		c.Latest = r.From == 0 && files.added
		return &c, r, nil
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	log.ended = stop
	o.Log, o.Sink, o.Checkpoints, o.Restart = log, files, files, restart
	o.Notify = func(n *Notice) { notices = append(notices, *n) }
	l := NewLoop(o)
	log.stepped = func() uint64 { return l.Status().Stepped.Sequence }
	c, r, err := restart()
	if err != nil {
		return l, notices, err
	}
	for _, logged := range log.records {
		if p, err := Unpack(logged.Data); err == nil && p.Kind == PackedSkip {
			l.Skip(p.Skipped)
		}
	}
	err = l.Run(ctx, c, r, files.mark)
	return l, notices, err
}

// drawLog draws a log of a stream, in records of any length, with ticks and advances.
func drawLog(t *rapid.T, events []Event) *heldLog {
	log := &heldLog{most: rapid.IntRange(1, 5).Draw(t, "most")}
	ctx := context.Background()
	log.Append(ctx, &Packed{Kind: PackedRules, Body: []byte("rules")})
	for len(events) > 0 {
		var p Packed
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			p = Packed{Kind: PackedTick}
		case 1:
			p = Packed{Kind: PackedBoot, Body: []byte("a note")}
		case 2:
			p = Packed{Kind: PackedAdvance, Time: events[0].Time}
		default:
			p = Packed{Kind: PackedEvents}
			for n := min(len(events), rapid.IntRange(1, 6).Draw(t, "events")); n > 0; n-- {
				p.Body = append(append(p.Body, events[0].Raw...), '\n')
				events = events[1:]
			}
		}
		log.Append(ctx, &p)
	}
	return log
}

// straight is what an engine brings that steps one record after the other.
func straight(log *heldLog, rs *Ruleset, o Options) string {
	fx := new(Effects)
	g := NewEngine(rs, o)
	l := NewLoop(LoopOptions{})
	for i := range log.records {
		p, _ := Unpack(log.records[i].Data)
		g.Step(l.appendSteps(nil, &log.records[i], &p), fx)
	}
	var b strings.Builder
	for i := range fx.Alerts {
		b.Write(AppendJSON(nil, &fx.Alerts[i]))
		b.WriteByte('\n')
	}
	return b.String()
}

// However often the loop crashes, and wherever, the alerts kept are those of one fold, and
// no replay brings others.
func TestLoopIsOneFold(t *testing.T) {
	defer goleak.VerifyNone(t)
	rs := zoo(t)
	rapid.Check(t, func(t *rapid.T) {
		o := Options{Lateness: 10 * time.Second, Order: rapid.SampledFrom([]Order{WatermarkOrder, EagerOrder}).Draw(t, "order")}
		log := drawLog(t, rapid.Permutation(stream(t)).Draw(t, "arrival"))
		want := straight(log, rs, o)
		last, _ := log.Last(context.Background())
		compile := func(body []byte) (*Rules, error) {
			if string(body) != "rules" {
				return nil, errors.New("these are no rules")
			}
			return &Rules{Ruleset: rs, Options: o}, nil
		}
		due := make(chan time.Time)
		close(due) // a checkpoint is always due
		files := &heldFiles{added: rapid.Bool().Draw(t, "added")}
		// Drawn ahead: a checkpoint is saved on a goroutine of its own.
		crashes := rapid.SliceOfN(rapid.IntRange(0, 3), 0, 32).Draw(t, "crashes")
		var asked atomic.Int64
		files.crash = func(string) bool {
			n := int(asked.Add(1)) - 1
			return n < len(crashes) && crashes[n] == 0
		}
		for {
			l, notices, err := fold(log, files, compile, due)
			for _, n := range notices {
				if n.Kind != NoticeCheckpoint {
					t.Fatal(n.Text)
				}
			}
			if err != nil && !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
			if s := l.Status(); err == nil {
				if s.Stepped.Sequence != last || files.mark.Position.Sequence != last && len(files.alerts) > 0 {
					t.Fatalf("stepped to %s of %d, effects kept to %s", s.Stepped, last, files.mark.Position)
				}
				break
			}
		}
		if got := strings.Join(append(files.alerts, ""), "\n"); got != want {
			t.Fatalf("alerts:\n%s\nwant:\n%s", got, want)
		}
	})
}

// What panics twice at one line is skipped by a record of the log, and everything else
// goes on; a replay skips it too.
func TestLoopSkipsWhatPanics(t *testing.T) {
	rs := rulesOf(makeRule(t, "bad", "a", nfa.Options{}, map[string]Cond{"a": {Event: func(s *Scope) bool {
		if s.Event.Field(fAmount).Number() == 13 {
			panic("thirteen")
		}
		return true
	}}}))
	log := &heldLog{most: 2}
	log.Append(context.Background(), &Packed{Kind: PackedRules})
	for i := range 4 {
		body := ""
		for j, amount := range []float64{1, 2, 3} {
			if i == 2 && j == 1 {
				amount = 13
			}
			body += pay(10*i+j, "c1", "m1", "a", amount).Raw + "\n"
		}
		log.Append(context.Background(), &Packed{Kind: PackedEvents, Body: []byte(body)})
	}
	files := &heldFiles{crash: func(string) bool { return false }}
	compile := func([]byte) (*Rules, error) { return &Rules{Ruleset: rs}, nil }
	_, notices, err := fold(log, files, compile, nil)
	if err != nil || len(files.alerts) != 11 {
		t.Fatalf("%d alerts, want 11; %v", len(files.alerts), err)
	}
	if len(notices) != 2 || notices[0].Kind != NoticePanic || notices[1].Kind != NoticeSkipped || !strings.Contains(notices[1].Text, "line 2 is not stepped") {
		t.Errorf("notices: %v", notices)
	}
	again := &heldFiles{crash: files.crash}
	if _, notices, err := fold(log, again, compile, nil); err != nil || len(notices) > 0 || !slices.Equal(again.alerts, files.alerts) {
		t.Errorf("a replay brings %d alerts, want %d; %v %v", len(again.alerts), len(files.alerts), notices, err)
	}
}

// A replay that brings something else than what is kept says so.
func TestLoopComparesReplays(t *testing.T) {
	rs := rulesOf(makeRule(t, "every", "a", nfa.Options{}, map[string]Cond{"a": {}}))
	log := &heldLog{most: 3}
	log.Append(context.Background(), &Packed{Kind: PackedRules})
	for i := range 3 {
		log.Append(context.Background(), &Packed{Kind: PackedEvents, Body: []byte(pay(i, "c1", "m1", "a", 1).Raw + "\n")})
	}
	files := &heldFiles{crash: func(string) bool { return false }}
	compile := func([]byte) (*Rules, error) { return &Rules{Ruleset: rs}, nil }
	if _, _, err := fold(log, files, compile, nil); err != nil {
		t.Fatal(err)
	}
	files.checkpoints = nil
	if l, notices, err := fold(log, files, compile, nil); err != nil || len(notices) > 0 || l.Status().Differs != 0 {
		t.Errorf("the same: %v %v", notices, err)
	}
	rs.Rules[0].Severity = "low"
	files.checkpoints = nil
	if l, notices, err := fold(log, files, compile, nil); err != nil || len(notices) != 1 || notices[0].Kind != NoticeDiffers || l.Status().Differs != 1 || len(files.alerts) != 3 {
		t.Errorf("another: %v %v", notices, err)
	}
	files.checkpoints, files.mark.Digest = nil, UnknownDigest
	if l, notices, err := fold(log, files, compile, nil); err != nil || len(notices) != 0 || l.Status().Differs != 0 {
		t.Errorf("nobody knows what: %v %v", notices, err)
	}
}

// Damaged records and rules that do not compile change nothing and are told; a hole in
// the log ends the loop.
func TestLoopRefuses(t *testing.T) {
	log := &heldLog{most: 3}
	log.Append(context.Background(), &Packed{Kind: PackedRules})
	log.records = append(log.records, Logged{2, 2, []byte{1, 0}})
	files := &heldFiles{crash: func(string) bool { return false }}
	compile := func([]byte) (*Rules, error) { return nil, errors.New("no rules") }
	_, notices, err := fold(log, files, compile, nil)
	if err != nil || len(notices) != 2 || notices[0].Kind != NoticeRules || notices[1].Kind != NoticeDamaged {
		t.Errorf("notices: %v; %v", notices, err)
	}
	log.records = append(log.records, Logged{4, 2, (&Packed{Kind: PackedTick}).Append(nil)})
	if _, _, err := fold(log, files, compile, nil); err == nil || !strings.Contains(err.Error(), "hole: record 2 is followed by record 4") {
		t.Errorf("a hole: %v", err)
	}
	for _, newer := range [][]byte{{auditedVersion + 1, 1}, {1, byte(PackedJoin) + 1}} {
		log.records[2] = Logged{3, 2, newer}
		if _, _, err := fold(log, files, compile, nil); !errors.Is(err, ErrNewer) || files.mark.Position.Sequence > 2 {
			t.Errorf("a record of a newer program: %v, kept up to %s", err, files.mark.Position)
		}
	}
}

// What Append writes Unpack reads; anything else is an error and no panic.
func FuzzPacked(f *testing.F) {
	for _, p := range []Packed{
		{Kind: PackedEvents, Body: []byte("{}\n"), Posts: []Post{{Key: [16]byte{1}, First: 3, Count: 4}}},
		{Kind: PackedEvents, Body: []byte("{}\n"), Posts: []Post{{[16]byte{1}, 3, 4, 500, [16]byte{7}}, {Key: [16]byte{2}, Count: 1}}},
		{Kind: PackedEvents, Body: []byte("{}\n1\n{}\n\n"), Typed: []Typed{{"b", 1}, {"", 1}, {"a", 1}, {"b", 1}}, Posts: []Post{{Key: [16]byte{2}, Count: 1}}},
		{Kind: PackedAdvance, Time: -5},
		{Kind: PackedTick},
		{Kind: PackedRules, Body: []byte("x")},
		{Kind: PackedBoot},
		{Kind: PackedSkip, Skipped: Skipped{7, 2, "why"}},
		{Kind: PackedList, Of: "abc", Body: []byte("c1\n")},
	} {
		f.Add(p.Append(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Unpack(data)
		if err != nil {
			return
		}
		if again := p.Append(nil); string(again) != string(data) {
			t.Errorf("%q is written as %q", data, again)
		}
	})
}

func TestPositions(t *testing.T) {
	for _, p := range []Position{{1, 0}, {3, 8812}} {
		if got, err := ParsePosition(p.String()); err != nil || got != p {
			t.Errorf("%v is read as %v, %v", p, got, err)
		}
	}
	for _, text := range []string{"", "1", "0-1", "1-", "-1", "1-01", "1-2-3", "+1-2"} {
		if p, err := ParsePosition(text); err == nil {
			t.Errorf("%q is read as %v", text, p)
		}
	}
}

// markAt is the mark of a file that has come to a record.
func (h *heldLog) markAt(incarnation, sequence uint64) Mark {
	l, _, _ := h.At(context.Background(), sequence)
	m := Mark{Position: Position{incarnation, sequence}}
	if sequence > 0 {
		m.Sum = l.Sum()
	}
	return m
}

// TestRecover holds every case of how the log and the two files may stand to each other.
func TestRecover(t *testing.T) {
	full := &heldLog{most: 2}
	for range 9 {
		full.Append(context.Background(), &Packed{Kind: PackedTick})
	}
	cut := func(from, to uint64) *heldLog {
		return &heldLog{most: 2, records: slices.DeleteFunc(slices.Clone(full.records), func(l Logged) bool { return l.Sequence < from || l.Sequence > to })}
	}
	purged := &heldLog{most: 2}
	purged.Append(context.Background(), &Packed{Kind: PackedRules})
	purged.Append(context.Background(), &Packed{Kind: PackedBoot})
	purged.records = append(purged.records, full.records[5:]...)
	other := func(n uint64) Mark { m := full.markAt(1, n); m.Sum++; return m }
	at := func(n uint64) Mark { return full.markAt(1, n) }
	for name, c := range map[string]struct {
		log         *heldLog
		checkpoints []Mark
		sink        Mark
		want        string
	}{
		"a new directory": {cut(1, 0), nil, Mark{}, "from -1, 1-, applied 0, compared"},
		"no state yet":    {full, nil, at(4), "from -1, 1-, applied 4, compared"},
		"all is well":     {full, []Mark{at(7), at(3)}, at(8), "from 0, 1-, applied 8, compared"},
		"the log was purged up to the oldest state":  {cut(3, 9), []Mark{at(7), at(3)}, at(8), "from 0, 1-, applied 8, compared"},
		"the alerts file is older":                   {full, []Mark{at(7), at(3)}, at(5), "from 1, 1-, applied 5, compared"},
		"the alerts file is older than any state":    {full, []Mark{at(7), at(6)}, at(5), "from -1, 1-, applied 5, compared"},
		"older than any state, and the log is short": {cut(6, 9), []Mark{at(7), at(6)}, at(6), "from 1, 1-, applied 6, compared"},
		"older, and nothing to build it from":        {cut(5, 9), []Mark{at(7), at(6)}, at(5), "error: the log begins after record 1, and there is no state as of a record up to 5"},
		"no state, and the log is short":             {cut(2, 9), nil, at(5), "error: the log begins after record 1"},
		"no state, and only the rules are left":      {purged, nil, at(8), "error: the log begins after record 1"},
		"the log's end is lost":                      {cut(1, 7), []Mark{at(6), at(3)}, at(8), "from 0, 2-, applied 7, lost 8..8"},
		"lost behind the newest state":               {cut(1, 5), []Mark{at(7), at(3)}, at(8), "from 1, 2-, applied 5, lost 6..8"},
		"lost behind every state":                    {cut(1, 2), []Mark{at(7), at(3)}, at(8), "error: the log ends at record 2, and the oldest state that is kept is as of record 3"},
		"lost, and no state yet":                     {cut(1, 2), nil, at(8), "from -1, 2-, applied 2, lost 3..8"},
		"the log is new":                             {cut(1, 0), []Mark{at(7), at(3)}, at(8), "error: the log ends at record 0"},
		"another record at the alerts":               {full, []Mark{at(7)}, other(8), "error: the alerts file is as of record 1-8 with the checksum"},
		"another record at the state":                {full, []Mark{other(7)}, at(8), "error: the state file is as of record 1-7 with the checksum"},
		"the record of the alerts is gone":           {cut(9, 9), []Mark{at(7)}, at(8), "error: the alerts file is as of record 1-8, which is not on the log"},
		"the record of the state is gone":            {cut(8, 9), []Mark{at(7)}, at(8), "error: the state file is as of record 1-7, which is not on the log"},
		"a later incarnation":                        {full, []Mark{at(3)}, full.markAt(4, 8), "from 0, 4-, applied 8, compared"},
	} {
		r, err := Recover(context.Background(), c.log, c.checkpoints, c.sink)
		got := ""
		if err != nil {
			got = "error: " + err.Error()
		} else {
			got = fmt.Sprintf("from %d, %d-, applied %d", r.From, r.Incarnation, r.Applied)
			if r.Compare {
				got += ", compared"
			}
			if r.Lost != nil {
				got += fmt.Sprintf(", lost %d..%d", r.Lost.After+1, r.Lost.Until)
			}
		}
		if !strings.HasPrefix(got, c.want) || err == nil && got != c.want {
			t.Errorf("%s: %s\nwant: %s", name, got, c.want)
		}
	}
}
