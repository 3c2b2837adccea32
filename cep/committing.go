package cep

// committing is a Commit that is under way while stepping goes on. Effects of later batches
// gather meanwhile, and are the next: so what a commit takes is shared by as many batches as
// it lasts, and nobody waits for the disk but who has to know that effects are kept, as a
// checkpoint does.
type committing struct {
	of       Position
	appended int64
	fx       *Effects
	done     chan error // of Sink.Commit
}

// gathered is what waits for the commit that is under way at most: as many effects, or bytes
// of alerts. Beyond it stepping waits.
const (
	gatheredEffects = 4096
	gatheredBytes   = 8 << 20
)

// ends is ready when the commit is made, or failed.
func (c *committing) ends() <-chan error {
	if c == nil {
		return nil
	}
	return c.done
}

// effects is the number of effects that a Sink keeps.
func (e *Effects) effects() int {
	return len(e.Alerts) + len(e.Late) + len(e.Rejected) + len(e.Conflicts) + len(e.Refused) + len(e.Audited)
}

// digestNew works out the lines of alerts that have come since it did last, and takes all
// effects that have come since into the digest.
func (l *Loop) digestNew() {
	for i := len(l.lines); i < len(l.fx.Alerts); i++ {
		line := AppendJSON(nil, &l.fx.Alerts[i])
		l.lines = append(l.lines, line)
		l.lineBytes += len(line)
		l.digest.alert(line)
	}
	l.digest.restAfter(&l.fx, &l.digested)
	l.digested = l.fx.ends()
}

// ends says how many effects there are of each kind.
func (e *Effects) ends() effectEnds {
	return effectEnds{len(e.Late), len(e.Rejected), len(e.Conflicts), len(e.Refused)}
}

// effectEnds is how many effects there are, but alerts.
type effectEnds struct{ late, rejected, conflicts, refused int }

// restAfter is rest of the effects after some.
func (d *digest) restAfter(fx *Effects, from *effectEnds) {
	d.rest(&Effects{Late: fx.Late[from.late:], Rejected: fx.Rejected[from.rejected:], Conflicts: fx.Conflicts[from.conflicts:], Refused: fx.Refused[from.refused:]})
}

// dropEffects forgets the effects that have gathered.
func (l *Loop) dropEffects() {
	l.fx.Reset()
	clear(l.lines)
	l.lines, l.lineBytes, l.digested = l.lines[:0], 0, effectEnds{}
}

// gather begins to commit what has gathered, if something has. While a commit is under way
// that waits, but not too much of it.
func (l *Loop) gather() error {
	l.fx.Decisions = l.fx.Decisions[:0] // nobody keeps them
	if err := l.tryCommitted(); err != nil {
		return err
	}
	n := l.fx.effects()
	switch {
	case n == 0:
		return nil
	case l.committing == nil:
	case n < gatheredEffects && l.lineBytes < gatheredBytes:
		return nil
	default:
		if err := l.committed(); err != nil {
			return err
		}
	}
	l.beginCommit()
	return nil
}

// beginCommit begins to commit what has gathered, with the mark of what was stepped last.
func (l *Loop) beginCommit() {
	c := &committing{of: l.at, appended: l.appended, fx: l.spare, done: make(chan error, 1)}
	if l.spare = nil; c.fx == nil {
		c.fx = new(Effects)
	}
	*c.fx, l.fx = l.fx, *c.fx
	commit := &Commit{l.mark(), c.fx, l.lines, l.rules.Load()}
	l.lines, l.lineBytes, l.digested = nil, 0, effectEnds{}
	l.committing = c
	go func() { c.done <- l.o.Sink.Commit(commit) }()
}

// committed waits for the commit that is under way, if one is.
func (l *Loop) committed() error {
	if l.committing == nil {
		return nil
	}
	return l.commitEnds(<-l.committing.done)
}

// tryCommitted is committed that does not wait.
func (l *Loop) tryCommitted() error {
	select {
	case err := <-l.committing.ends():
		return l.commitEnds(err)
	default:
		return nil
	}
}

// commitEnds takes note of what became of the commit that was under way.
func (l *Loop) commitEnds(err error) error {
	c := l.committing
	if l.committing = nil; err != nil {
		return err
	}
	l.kept, l.shown, l.shownAt = c.of, c.of, c.appended
	c.fx.Reset()
	l.spare = c.fx
	return nil
}

// flush commits all that has gathered, and waits until it is kept.
func (l *Loop) flush() error {
	if err := l.committed(); err != nil || l.fx.effects() == 0 {
		return err
	}
	return l.keep()
}

// keep is flush that commits the position of what was stepped last in any case.
func (l *Loop) keep() error {
	if err := l.committed(); err != nil || l.kept == l.at {
		return err
	}
	l.beginCommit()
	return l.committed()
}

// show says up to where records are stepped and what they brought is kept.
func (l *Loop) show() {
	if l.committing == nil && l.fx.effects() == 0 {
		l.shown, l.shownAt = l.at, l.appended
	}
}
