package main

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"weir/alerts"
	"weir/cep"
	"weir/cep/stream"
	"weir/failpoint"
	"weir/rules"
	"weir/rules/source"
	"weir/state"
	"weir/web"
)

// service is everything that `weir serve` runs, and how it is put together: events come in
// through web, lie on the log, are folded by the loop, and what comes of them is kept by the
// store, from which web reads.
type service struct {
	settings *settings
	log      *slog.Logger
	seldom   *slog.Logger // for what is said again and again while something does not work
	store    *state.Store
	stream   *stream.Log
	packer   *stream.Packer
	door     *stream.Door // nil: there is no port for producers
	loop     *cep.Loop
	rulebook *rulebook
	// incarnation of the log, as of when it was last compared with the files.
	incarnation atomic.Uint64
	server      *web.Server
	boot        start
	mending     sync.Mutex // held by who starts the log again
	staging     sync.Mutex // held by who puts parts of lists on the log, up to the record that names them, or drops some
	importing   sync.Mutex // held by who reads entries that are imported
	rulesAt     uint64     // the record of rules that is in force once all is stepped; later: it has been told

	unusable     []cep.Position // of checkpoints that the loop could not begin with
	recompilable []cep.Position // of them, those where nothing but the programs of rules differs

	stop    context.CancelFunc // of the loop and what runs beside it
	running sync.WaitGroup
	failed  chan error    // why the loop ended; closed when it has
	serving chan struct{} // closed when requests are answered
	health  health
	backlog backlog
	phases  phases
	loaded  *loaded // while it starts
	collect func()  // lets garbage be collected again
	news    news
	outlet  *outlet                // nil: nothing is published
	waiting atomic.Pointer[string] // for what it waits while it starts; nil: for nothing
}

// start is where the loop begins.
type start struct {
	checkpoint *cep.Checkpoint
	recovery   *cep.Recovery
	mark       cep.Mark
}

// folder is a folder of rules that was read and found right.
type folder struct {
	files []source.File // paths as they stand on the log
	tests []source.File // that stand beside them, likewise
	read  func(path string) ([]byte, error)
	wrong error  // the rules have errors; nil: they have none
	from  string // who decides where rules were changed elsewhere too: folder or api; empty: nobody
}

// drainTime is how long a service that is told to stop waits for what is on its way.
const drainTime = 10 * time.Second

// requestTime is how much of it requests get at most: a body that comes slowly is not to keep
// what has come from being stepped.
const requestTime = drainTime * 4 / 5

// newService takes the address, opens the files, puts them in agreement with each other, and
// publishes the rules of the folder if they are not those published from it last. Nothing
// runs yet: requests are answered that the service is starting.
func newService(ctx context.Context, s *settings, f *folder, log *slog.Logger) (_ *service, err error) {
	v := &service{settings: s, log: log, seldom: newSeldom(log.Handler()), failed: make(chan error, 1), serving: make(chan struct{}), phases: phases{began: time.Now()}}
	defer func() {
		if err != nil {
			v.close()
		}
	}()
	v.rulebook = newRulebook(v)
	if err = v.listen(); err != nil { // first: nothing is written where another one serves
		return nil, err
	}
	if v.store, err = state.Open(s.Data, state.Options{Retention: s.Retention}); err != nil {
		return nil, err
	}
	v.phases.end("files")
	v.collect = sync.OnceFunc(loadFreely())
	v.loaded = load(v.store)
	if v.stream, err = v.openLog(ctx); err != nil {
		return nil, err
	}
	v.phases.end("log")
	err = v.patient(ctx, func() error {
		server := v.stream.Server()
		if v.boot, err = v.agree(ctx); err != nil {
			return err
		}
		return v.stream.Admit(server)
	})
	if err != nil {
		return nil, err
	}
	v.loaded = nil
	v.phases.end("checkpoint")
	v.loop = cep.NewLoop(cep.LoopOptions{
		Log: compared{v.stream}, Sink: heralded{v.store, &v.news}, Checkpoints: v.store,
		Compile: v.rulebook.compile, Gather: rules.Gather,
		Restart: func() (*cep.Checkpoint, *cep.Recovery, error) {
			b, err := v.agree(context.Background())
			return b.checkpoint, b.recovery, err
		},
		Due:    time.Tick(s.Every),
		Slice:  new(saveSlices).next,
		Shards: shards(),
		Lanes:  &cep.LaneOptions{Pace: new(lanePace).begin, Scarce: func() bool { return scarceFor(v.stream.Stats()) }},
		Notify: v.notify,
	})
	if err := v.patient(ctx, func() error { return v.publish(ctx, f) }); err != nil {
		return nil, err
	}
	v.waiting.Store(nil)
	v.phases.end("rules")
	v.packer = stream.NewPacker(v.stream, v.packing())
	return v, nil
}

// listen takes the address, at which nothing but that the service starts is answered yet.
func (v *service) listen() (err error) {
	s := v.settings
	v.server, err = web.NewServer(web.Options{
		Listen: s.Listen, Insecure: s.InsecureListen, Version: version,
		Events: v, Alerts: v, Losses: v, Lists: v, Audit: v, Rulebook: v.rulebook, Compare: compareTexts, Feed: followed{v}, Status: v.status, Waiting: v.waitsFor, Log: v.log,
		Ruleset: func() *cep.Ruleset {
			if r := v.loop.Rules(); r != nil {
				return r.Ruleset
			}
			return nil
		},
	})
	if err != nil {
		return err
	}
	if err := v.server.Start(); err != nil {
		return err
	}
	v.log.Info("weir starts", "listen", v.server.Addr(), "data", s.Data)
	return nil
}

// shards is the loop's Shards: what comes in and goes out takes as much as matching does.
func shards() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// compilePublished is the loop's Compile.
func compilePublished(body []byte) (*cep.Rules, error) {
	p, err := rules.ReadPublished(body)
	if err != nil {
		return nil, err
	}
	return p.Compile()
}

// agree compares the files, brings them into agreement where the log has lost its end, and
// loads the checkpoint to begin with. A checkpoint that is damaged is passed over.
func (v *service) agree(ctx context.Context) (start, error) {
	heads, err := v.store.Checkpoints()
	if err != nil {
		return start{}, err
	}
	heads = slices.DeleteFunc(heads, func(h state.Head) bool { return slices.Contains(v.unusable, h.Mark.Position) })
	for {
		mark, err := v.store.Mark()
		if err != nil {
			return start{}, err
		}
		marks := make([]cep.Mark, len(heads))
		for i := range heads {
			marks[i] = heads[i].Mark
		}
		if err := v.stream.Reach(ctx, furthest(marks, mark)); err != nil {
			return start{}, err
		}
		r, err := cep.Recover(ctx, v.stream, marks, mark)
		a, apart := errors.AsType[*cep.Apart](err)
		rebuild := apart && a.NoState && len(v.unusable) > 0
		if err != nil && !rebuild {
			return start{}, err
		}
		if r.Lost != nil {
			if err := v.lose(ctx, r, heads, &mark); err != nil {
				return start{}, err
			}
		}
		v.incarnation.Store(r.Incarnation) // before records are taken in: see position
		if rebuild {
			c, err := v.recompiled(ctx, r, mark)
			if c == nil && err == nil {
				c, err = v.rebuild(ctx, r)
			}
			return start{c, r, mark}, err
		}
		if r.Compare, err = v.comparable(ctx, r, marks); err != nil {
			return start{}, err
		}
		if r.From < 0 {
			return start{recovery: r, mark: mark}, nil
		}
		c, err := v.load(heads[r.From])
		if err == nil {
			c.Latest, err = v.store.Newest(heads[r.From])
			return start{c, r, mark}, err
		}
		if !errors.Is(err, state.ErrDamaged) {
			return start{}, err
		}
		v.log.Warn("a checkpoint is damaged; an older one is taken", "position", heads[r.From].Mark.Position.String(), "error", err)
		heads = heads[r.From+1:]
	}
}

// comparable says whether the effects that are kept of records which are folded again must be
// the same: not if another engine revision brought them.
func (v *service) comparable(ctx context.Context, r *cep.Recovery, marks []cep.Mark) (bool, error) {
	if !r.Compare {
		return false, nil
	}
	controls, err := v.stream.Controls(ctx)
	if err != nil {
		return false, err
	}
	from := uint64(0)
	if r.From >= 0 {
		from = marks[r.From].Position.Sequence
	}
	if from >= r.Applied {
		return true, nil // the digest of the state itself
	}
	list := enginesOf(controls)
	for _, n := range engineNotices(list, from) {
		v.log.Info("what is folded again is not compared", "because", n)
	}
	return sameEngine(list, from), nil
}

// lose makes durable that the log has lost its end. What a commit brought that reaches
// beyond the end is unlogged as a whole; as some of it came from records that are still
// there, effects count as kept only up to the commit before, and those after it are
// committed again.
func (v *service) lose(ctx context.Context, r *cep.Recovery, heads []state.Head, mark *cep.Mark) error {
	v.log.Warn("the log has lost its end; alerts from there are kept and marked unlogged", "after", r.Lost.After, "until", r.Lost.Until)
	if _, err := v.store.DropAfter(r.Lost.After); err != nil {
		return err
	}
	if mark.Position.Sequence <= r.Lost.After {
		return nil // no effects came from there: only checkpoints lay beyond the end
	}
	from := cep.Position{Incarnation: mark.Position.Incarnation, Sequence: r.Lost.After}
	kept, err := v.store.Committed(from)
	if err != nil {
		return err
	}
	if r.From >= 0 {
		kept.Sequence = max(kept.Sequence, heads[r.From].Mark.Position.Sequence)
	}
	end, _, err := v.stream.At(ctx, from.Sequence)
	if err != nil {
		return err
	}
	*mark = cep.Mark{Position: cep.Position{Incarnation: r.Incarnation, Sequence: kept.Sequence}, Digest: cep.UnknownDigest}
	if last, found, err := v.stream.At(ctx, kept.Sequence); err != nil {
		return err
	} else if found {
		mark.Sum = last.Sum()
	}
	r.Applied = kept.Sequence
	_, err = v.store.Lost(*r.Lost, end.Appended, *mark)
	return err
}

// publish puts the rules of the folder on the log, unless they were published from it last,
// and notes that a process begins. It tells the loop what is not to be stepped.
func (v *service) publish(ctx context.Context, f *folder) error {
	controls, err := v.stream.Controls(ctx)
	if err != nil {
		return err
	}
	var before *rulesEdition
	var last uint64
	for _, c := range controls {
		last = c.Sequence
		p, err := cep.Unpack(c.Data)
		if err != nil {
			continue // the loop tells
		}
		switch p.Kind {
		case cep.PackedSkip:
			v.loop.Skip(p.Skipped)
		case cep.PackedJoin:
			v.loop.Joins(c.Sequence, p.Joined)
		case cep.PackedRules:
			v.rulesAt = c.Sequence
			if err := v.rulebook.note(&c); err != nil {
				return err
			}
			before = v.rulebook.last.Load()
		}
	}
	s := v.settings
	set := rules.Settings{
		Order: string(s.Order), Lateness: s.Lateness, Idle: s.Idle, MaxAhead: s.MaxAhead, Budget: s.Budget, PerRuleMinute: int(s.PerRuleMinute),
	}
	if err := v.apply(ctx, f, set, before, last); err != nil {
		return err
	}
	note := cep.Boot{Version: version, Engine: cep.EngineRevision}
	failpoint.Hit("boot")
	if _, err = v.stream.Append(ctx, &cep.Packed{Kind: cep.PackedBoot, Body: []byte(note.String())}); err != nil {
		return err
	}
	return v.rulebook.refresh(ctx)
}

// run runs the service until ctx ends or something fails that it cannot do without.
func (v *service) run(ctx context.Context) error {
	running, stop := context.WithCancel(context.Background())
	v.stop = stop
	seen := uint64(0) // before the loop lets go of the checkpoint
	if c := v.boot.checkpoint; c != nil {
		seen = c.Mark.Position.Sequence
	}
	v.running.Go(func() {
		defer close(v.failed)
		if err := v.fold(running); err != nil {
			v.failed <- err
		}
	})
	v.running.Go(func() {
		v.caughtUp(running)
		v.collect()
		keepGrowth(running)
	})
	v.running.Go(func() { v.tick(running) })
	v.running.Go(func() { v.watch(running) })
	v.running.Go(func() { v.watchLog(running) })
	v.running.Go(func() { v.forget(running) })
	v.running.Go(func() { v.lookForGaps(running, seen) })
	// What comes in is checked by the rules in force.
	for v.loop.Rules() == nil {
		select {
		case err := <-v.failed:
			return err
		case <-ctx.Done():
			return v.drain()
		case <-time.After(time.Millisecond):
			if v.lag(v.loop.Status()) == 0 && v.loop.Rules() == nil {
				return errors.New("this weir compiles none of the rules on the log: the notices above say why; serve rules that it compiles, or the weir before")
			}
		}
	}
	v.phases.end("state")
	// What lies on the log and is not stepped yet, as records are in the mean.
	if last, _ := v.stream.LastAppended(); last > 0 {
		v.backlog.add(last, uint64(v.stream.Stats().Bytes)/last*v.lag(v.loop.Status()))
	}
	if err := v.openDoor(); err != nil {
		return err
	}
	if v.openOutlet(); v.outlet != nil { // now that it is known what must not leave
		v.running.Go(func() { v.outlet.run(running) })
	}
	v.server.Open()
	close(v.serving)
	in := len(v.loop.Rules().Ruleset.Rules)
	v.log.Info("weir serves", append([]any{"address", "http://" + v.server.Addr(), "data", v.settings.Data, "rules", in}, v.phases.took...)...)
	if in == 0 {
		v.log.Warn(noRules)
	}
	select {
	case <-ctx.Done():
		v.log.Info("stopping")
		return v.drain()
	case err := <-v.failed:
		return err
	case err := <-v.server.Failed():
		return err
	}
}

// fold runs the loop, and again where what it stopped for has passed: the log did not answer,
// or the disk was full.
func (v *service) fold(ctx context.Context) error {
	for {
		boot := v.boot
		v.boot = start{} // the memory of the checkpoint is free once the state is made of it
		err := v.loop.Run(ctx, boot.checkpoint, boot.recovery, boot.mark)
		switch {
		case err == nil, ctx.Err() != nil:
			return err
		case errors.Is(err, state.ErrNoSpace), errors.Is(err, stream.ErrNoSpace):
			v.seldom.Error("the disk is full: nothing is stepped until there is space", "error", err)
		case v.passesOver(err):
		case errors.Is(err, stream.ErrUnavailable):
			v.seldom.Error("the log does not answer: it is started again", "error", err)
		default:
			return err
		}
		for {
			// What fails again at once must not keep the process busy with beginning.
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(retryEvery):
			}
			if v.boot, err = v.resume(ctx); err == nil {
				v.seldom.Info("going on")
				break
			}
			if _, ok := errors.AsType[*cep.Apart](err); ok || errors.Is(err, stream.ErrTaken) {
				return err // as at a start
			}
			v.seldom.Warn("not yet", "error", err)
		}
	}
}

// retryEvery is how often it is tried to go on after the disk was full or the log did not
// answer.
const retryEvery = time.Second

// resume makes what stopped the loop go on, if it can. A log that was started again takes
// records once the files agree with it.
func (v *service) resume(ctx context.Context) (start, error) {
	if err := v.mend(ctx); err != nil {
		return start{}, err
	}
	server := v.stream.Server()
	b, err := v.agree(ctx)
	if err != nil {
		return start{}, err
	}
	return b, v.stream.Admit(server)
}

// drain lets what is on its way arrive, within a bound: requests are answered, and what they
// brought is stepped and saved.
func (v *service) drain() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	asked, end := context.WithTimeout(ctx, requestTime)
	defer end()
	if err := v.server.Shutdown(asked); err != nil {
		v.log.Warn("some requests did not end in time", "error", err)
	}
	v.closeDoor(ctx)
	last, err := v.stream.Last(ctx)
	for err == nil && ctx.Err() == nil && v.loop.Status().Stepped.Sequence < last {
		select {
		case err = <-v.failed:
		case <-time.After(time.Millisecond):
		}
	}
	v.stop()
	if failed := <-v.failed; failed != nil {
		err = failed
	}
	return err
}

// close gives back what is open. What runs must have been stopped.
func (v *service) close() {
	if v.stop != nil {
		v.stop()
	}
	if v.collect != nil {
		v.collect()
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if v.server != nil {
		v.server.Shutdown(ctx)
	}
	v.closeDoor(ctx)
	if v.packer != nil {
		v.packer.Close(ctx)
	}
	v.running.Wait()
	if v.stream != nil {
		if err := v.stream.Close(ctx); err != nil {
			v.log.Warn("the log could not be closed", "error", err)
		}
	}
	if v.loaded != nil {
		<-v.loaded.done
	}
	if v.store != nil {
		if err := v.store.Close(); err != nil {
			v.log.Warn("the state could not be closed", "error", err)
		}
	}
}

// forget deletes alerts that are older than they are kept.
func (v *service) forget(ctx context.Context) {
	clock := time.NewTicker(forgetEvery)
	defer clock.Stop()
	for {
		if _, err := v.store.Retain(ctx); err != nil && ctx.Err() == nil {
			v.log.Warn("old alerts could not be deleted", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
		}
	}
}

// forgetEvery is how often it is looked for alerts that are too old.
const forgetEvery = time.Hour

// tickEvery is how often time is told to go on while no events come.
const tickEvery = time.Second

// tick appends ticks while no events come to a stream that is live.
func (v *service) tick(ctx context.Context) {
	clock := time.NewTicker(tickEvery)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-clock.C:
			s := v.loop.Status()
			if !s.Live || now.UnixNano()-s.LastEvent < int64(v.settings.Idle) || v.lag(s) > 0 {
				continue
			}
			if _, err := v.stream.Append(ctx, &cep.Packed{Kind: cep.PackedTick}); err != nil && ctx.Err() == nil {
				v.seldom.Warn("a tick could not be appended", "error", err)
			}
		}
	}
}

// lag is how many records the loop is behind the end of the log.
func (v *service) lag(s *cep.LoopStatus) uint64 {
	last, _ := v.stream.LastAppended()
	return last - min(last, s.Stepped.Sequence)
}

// notify is told by the loop what an operator should know.
func (v *service) notify(n *cep.Notice) {
	if n.Kind == cep.NoticeAdopted {
		// A log that is folded again has all rules that there ever were.
		if n.Position.Sequence >= v.rulesAt {
			v.log.Info("other rules are in force", "position", n.Position.String(), "text", n.Text)
			v.rulesAt = n.Position.Sequence + 1
		}
		return
	}
	if n.Kind == cep.NoticeJoined {
		v.rulebook.joined(n.Lane)
		v.log.Info("rules have joined", "position", n.Position.String(), "text", n.Text)
		return
	}
	v.log.Warn("loop", "position", n.Position.String(), "notice", n.Text)
	if n.Stack != "" {
		v.log.Warn("where it panicked", "stack", n.Stack)
	}
	if err := v.store.Notice(alerts.NoticeOf(n)); err != nil {
		v.log.Warn("a notice could not be kept", "error", err)
	}
}
