package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/schollz/progressbar/v3"

	"weir/cep"
	"weir/cep/stream"
	"weir/state"
)

// replayCommand is `weir replay`.
type replayCommand struct {
	Data   file `required:"" placeholder:"DIR" help:"Data directory of a service that does not run (needed)."`
	Alerts file `placeholder:"FILE" help:"Where the alerts go that the replay brings, as NDJSON; - is stdout."`
	JSON   bool `name:"json" help:"Write the summary as one JSON object."`
	natsFlags
}

// Help is what `weir replay --help` says beside the flags.
func (replayCommand) Help() string {
	return `Examples:

  weir replay --data weir-data
  weir replay --data weir-data --alerts alerts.ndjson
  weir replay --data weir-data --json 2> summary.json

Folds the log of a data directory again, with the rules and settings that are on it, and
compares the alerts with those stored: each version, in order, byte for byte. It begins
with the first record of the log, or, where that is not there any more, with the oldest
state that is kept. Alerts of a part of the log that was lost (unlogged) are left out.

Nothing is changed: the log is copied to the folder for temporary files (TMPDIR), which
needs as much space, and read there. The file lock gets the number of this process; while
a service has the directory, replay is refused.
Exit codes: 0 all is the same; 1 there is a difference, or the log has lost records; 2 wrong use; 3 it could not be done.`
}

// replayed is the outcome of a replay.
type replayed struct {
	From    string  `json:"from"` // position after which it begins
	To      string  `json:"to"`   // up to here effects are stored
	End     string  `json:"end"`  // of the log
	Records uint64  `json:"records"`
	Events  uint64  `json:"events"` // lines, with those that were rejected
	Seconds float64 `json:"seconds"`
	versionCounts
	Digest  string       `json:"digest"` // same, differs, or unknown: of all effects, also of late and rejected events
	Shown   []difference `json:"shown"`  // the first differences
	Notices []string     `json:"notices"`
	Engines []engine     `json:"engines"`           // starts of the service at which the engine revision became another one; the first one too
	Why     string       `json:"why,omitempty"`     // it does not begin with the first record
	Missing string       `json:"missing,omitempty"` // records that the log has lost
}

// Words for a digest.
const (
	digestSame    = "same"
	digestDiffers = "differs"
	digestUnknown = "unknown"
)

// Run folds the log again.
func (c *replayCommand) Run(std *streams) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // so that a second signal ends the process at once
	data, err := openOffline(string(c.Data))
	if err != nil {
		return err
	}
	defer data.close()
	if err := data.openLog(ctx, c.natsFlags); err != nil {
		return err
	}
	var out *output
	var alerts io.Writer
	if c.Alerts != "" {
		if out, err = openOutput(string(c.Alerts), std); err != nil {
			return err
		}
		alerts = out
	}
	r, err := data.replay(ctx, alerts, c.watch(data, std))
	if out != nil {
		if closed := out.close(); err == nil {
			err = closed
		}
	}
	if err != nil {
		return err
	}
	if c.JSON {
		text, _ := json.Marshal(r) // texts and numbers
		fmt.Fprintf(std.err, "%s\n", text)
	} else {
		r.writeText(std.err)
	}
	if r.found() {
		return &exitError{code: exitFindings}
	}
	return nil
}

// watch gives a function that shows how far a replay has come, and one that ends that; nil,
// if nobody sees it.
func (c *replayCommand) watch(data *offline, std *streams) func(s *stretch) (done func()) {
	if c.JSON || !terminal(std.err) || c.Alerts == stdoutName && terminal(std.out) {
		return nil
	}
	return func(s *stretch) func() {
		bar := newBar(int64(s.end), "folding", std, progressbar.OptionShowCount())
		ended, gone := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(gone)
			clock := time.NewTicker(200 * time.Millisecond)
			defer clock.Stop()
			for {
				select {
				case <-clock.C:
					bar.Set64(int64(s.read.Load()))
				case <-ended:
					bar.Finish()
					return
				}
			}
		}()
		return func() { close(ended); <-gone }
	}
}

// replay folds the log again and compares.
func (o *offline) replay(ctx context.Context, out io.Writer, watch func(*stretch) func()) (*replayed, error) {
	begin := time.Now()
	mark, err := o.reached()
	if err != nil {
		return nil, err
	}
	controls, err := o.log.Controls(ctx)
	if err != nil {
		return nil, err
	}
	g, err := o.origin(ctx, mark)
	if err != nil {
		return nil, err
	}
	last := cep.Position{Incarnation: mark.Position.Incarnation, Sequence: g.last}
	if g.last < mark.Position.Sequence {
		// As a service does when it starts: see lose.
		if mark, err = o.shortened(last, g); err != nil {
			return nil, err
		}
	}
	c, err := newComparison(o.store, g.mark.Position, last, out)
	if err != nil {
		return nil, err
	}
	defer c.stop()
	c.mark = g.mark
	f := &refold{log: o.log, skips: skipped(controls), sink: c, watch: watch}
	if err := f.fold(ctx, g.from, mark.Position.Incarnation, mark.Position.Sequence); err != nil {
		return nil, err
	}
	if err := c.end(); err != nil {
		return nil, err
	}
	r := &replayed{
		From: g.mark.Position.String(), To: mark.Position.String(), End: last.String(), Why: g.why, Missing: g.missing,
		Digest: c.digest(mark), Shown: []difference{}, Notices: []string{}, Engines: enginesOf(controls),
	}
	r.Notices = append(r.Notices, engineNotices(r.Engines, g.mark.Position.Sequence)...)
	if g.last > mark.Position.Sequence {
		c.tail = true
		if f.state != nil {
			g.from = f.state
		}
		if err := f.fold(ctx, g.from, mark.Position.Incarnation, g.last); err != nil {
			return nil, err
		}
	}
	r.Records, r.Events, r.Seconds = f.records, f.lines, time.Since(begin).Seconds()
	r.versionCounts = c.versionCounts
	if g.lost != "" {
		r.Notices = append(r.Notices, g.lost)
	}
	r.Shown, r.Notices = append(r.Shown, c.Shown...), append(r.Notices, f.notices...)
	return r, nil
}

// shortened is up to where what is stored came from records that are on the log, where it
// has lost its end, and no service has started since. What a commit brought that reaches
// beyond the end is lost as a whole.
func (o *offline) shortened(last cep.Position, g *origin) (cep.Mark, error) {
	kept, err := o.store.Committed(last)
	kept.Sequence = max(kept.Sequence, g.mark.Position.Sequence)
	g.lost = fmt.Sprintf("the log ends at %s, and alerts were stored from records after that: they are left out; the next start of the service marks them unlogged", last)
	return cep.Mark{Position: kept, Digest: cep.UnknownDigest}, err
}

// digest compares the digest of all effects with that of the alerts that are stored.
func (c *comparison) digest(stored cep.Mark) string {
	switch {
	case stored.Digest == cep.UnknownDigest || c.mark.Position.Sequence != stored.Position.Sequence:
		return digestUnknown
	case stored.Digest != c.mark.Digest:
		return digestDiffers
	}
	return digestSame
}

// origin is where a replay begins.
type origin struct {
	from *cep.Checkpoint // nil: with the first record
	mark cep.Mark        // of it
	last uint64          // record of the log
	why  string          // not with the first record; empty: with it
	lost string          // the end of the log was lost; empty: it was not

	missing string // records that the log has lost; empty: none
}

// origin finds out where a replay can begin: with the first record, if all are there, and
// else with the oldest checkpoint.
func (o *offline) origin(ctx context.Context, mark cep.Mark) (*origin, error) {
	heads, err := o.store.Checkpoints()
	if err != nil {
		return nil, err
	}
	heads = slices.DeleteFunc(heads, func(h state.Head) bool { return h.Fault != nil })
	marks := make([]cep.Mark, len(heads))
	for i := range heads {
		marks[i] = heads[i].Mark
	}
	if _, err := cep.Recover(ctx, o.log, marks, mark); err != nil {
		return nil, err
	}
	rebased, err := rebasedAt(o.store)
	if err != nil {
		return nil, err
	}
	e, err := extentOf(ctx, o.log, rebased.Sequence)
	if err != nil {
		return nil, err
	}
	g := &origin{mark: cep.Mark{Position: cep.Position{Incarnation: 1}}, last: e.last}
	if e.gaps.runs > 0 {
		g.missing = e.gaps.missing()
	}
	switch {
	case rebased != cep.Position{}:
		g.why = fmt.Sprintf("an operator has put the state on another place, %s, with weir state rebase", rebased)
	case g.missing != "":
		g.why = g.missing
	case e.whole > 1:
		g.why = fmt.Sprintf("the log has dropped records before %d, which were not needed any more", e.whole)
	default:
		return g, nil
	}
	for _, h := range slices.Backward(heads) {
		p := h.Mark.Position
		if p.Sequence+1 < e.whole || p.Sequence > e.last || behind(rebased, p) || behind(p, mark.Position) {
			continue
		}
		if g.from, err = o.store.Load(h); err == nil {
			g.from.Drop = true // as in a service that has nothing else to begin with; its notices say so
			g.mark = h.Mark
			return g, nil
		}
		if !errors.Is(err, state.ErrDamaged) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("nothing can be folded again: %s, and no state is kept from which it could begin; weir state inspect shows what there is", g.why)
}

// extent is what a log has.
type extent struct {
	first, last uint64 // records; 0: there are none
	whole       uint64 // from this one on none is missing; 0: there are none
	since       int64  // append time of that one
	records     uint64
	events      uint64 // lines
	bytes       uint64
	begin, end  int64 // append times of the first and the last, nanoseconds since the epoch
	gaps        gaps
}

// extentOf reads a log. What is missing up to known was dropped, or somebody knows of it.
func extentOf(ctx context.Context, log *stream.Log, known uint64) (*extent, error) {
	e := &extent{}
	last, err := log.Last(ctx)
	if err != nil {
		return nil, err
	}
	var records []cep.Logged
	for e.last < last {
		if records, err = log.Read(ctx, e.last, records[:0]); err != nil {
			return nil, err
		}
		if err := e.gaps.look(log, e.last, records, known); err != nil {
			return nil, err
		}
		for i := range records {
			e.add(&records[i])
		}
	}
	return e, nil
}

func (e *extent) add(r *cep.Logged) {
	if e.records == 0 {
		e.first, e.begin = r.Sequence, r.Appended
	}
	if r.Sequence != e.last+1 || e.records == 0 {
		e.whole, e.since = r.Sequence, r.Appended
	}
	e.last, e.end = r.Sequence, r.Appended
	e.records++
	e.bytes += uint64(len(r.Data))
	e.events += linesOf(r.Data)
}

func (r *replayed) differs() bool { return r.Differences > 0 || r.Digest == digestDiffers }

// found says whether there is something that a person should know.
func (r *replayed) found() bool { return r.differs() || r.Missing != "" }

// textShown is how many differences the text shows.
const textShown = 5

// writeText writes the outcome for people.
func (r *replayed) writeText(w io.Writer) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	if r.Why == "" {
		line("from", "the first record")
	} else {
		line("from", "%s: %s", r.From, r.Why)
	}
	line("to", "%s; alerts are stored up to %s", r.End, r.To)
	line("records", "%d, with %s", r.Records, amount(int(r.Events), "event", "events"))
	line("alerts", "%s, counting each version", amount(int(r.Alerts), "alert", "alerts"))
	for _, n := range []struct {
		n    uint64
		what string
	}{
		{r.Counted, "beyond the limit of a rule and minute: counted only, as in the service"},
		{r.Later, "from records that the service had not stepped yet: not compared"},
		{r.Gone, "not stored any more, as they are older than alerts are kept: not compared"},
		{r.Unlogged, "stored, from a part of the log that was lost (unlogged): left out"},
		{r.Same, "the same as stored"},
	} {
		if n.n > 0 {
			line("", "%d %s", n.n, n.what)
		}
	}
	if r.Missing != "" {
		line("missing", "%s", r.Missing)
	}
	line("digest", "%s: of all effects, those of late and rejected events too", r.Digest)
	for _, n := range r.Notices {
		line("notice", "%s", n)
	}
	if !r.differs() {
		line("differences", "none")
		return
	}
	line("differences", "%d", r.Differences)
	for i := range r.Shown[:min(len(r.Shown), textShown)] {
		r.Shown[i].writeText(w)
	}
	if n := r.Differences - min(r.Differences, textShown); n > 0 {
		fmt.Fprintf(w, "  and %d more\n", n)
	}
}

func (d *difference) writeText(w io.Writer) {
	fmt.Fprintf(w, "  %s, version %d, rule %s: %s\n", d.ID, d.Version, d.Rule, map[string]string{
		missing: "stored, and the replay does not bring it", extra: "the replay brings it, and it is not stored", changed: "not the same",
	}[d.Kind])
	if d.Stored != "" {
		fmt.Fprintf(w, "    stored   %s\n", d.Stored)
	}
	if d.Replayed != "" {
		fmt.Fprintf(w, "    replayed %s\n", d.Replayed)
	}
}
