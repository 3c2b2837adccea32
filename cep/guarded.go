package cep

import (
	"errors"
	"fmt"
)

// faulted is a panic of what is not stepping: it has no record that could be skipped.
type faulted struct{ what, reason, stack string }

func (f *faulted) Error() string { return f.what + " panicked: " + f.reason }

// guarded calls f, and gives a panic of it as an error.
func guarded(what string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			p := newPanicked(0, 0, false, v)
			err = &faulted{what, p.reason, p.stack}
		}
	}()
	return f()
}

// Unusable is an error of a checkpoint that a Loop cannot begin with, though it was read: an
// older one may do, or the log.
type Unusable struct {
	Position Position // of the checkpoint
	Err      error
	Stack    string // of a panic: where it was
}

func (u *Unusable) Error() string {
	return fmt.Sprintf("the state of the checkpoint as of %s cannot be used: %v", u.Position, u.Err)
}

func (u *Unusable) Unwrap() error { return u.Err }

// unusable says that a checkpoint is.
func unusable(c *Checkpoint, err error) error {
	u := &Unusable{Position: c.Mark.Position, Err: err}
	if f, ok := errors.AsType[*faulted](err); ok {
		u.Stack = f.stack
	}
	return u
}

// giveUp gives up a checkpoint that is being saved, as saving it has panicked. Stepping goes
// on; the next one saves all of the state.
func (l *Loop) giveUp(why error) {
	s := l.saving
	s.fault = why
	s.aborted.Store(true)
	s.rest, s.more = nil, false
	s.give(true)
}

// givenUp notes that a checkpoint was given up.
func (l *Loop) givenUp(of Position, frozen *Frozen, why error) error {
	l.unsaved++
	n := &Notice{Kind: NoticeCheckpoint, Position: of, Text: "the checkpoint is given up, stepping goes on: " + why.Error()}
	if f, ok := errors.AsType[*faulted](why); ok {
		n.Stack = f.stack
	}
	if l.o.Notify != nil {
		l.o.Notify(n)
	}
	if frozen == nil {
		return nil
	}
	return guarded("giving up a checkpoint", func() error { frozen.End(false); return nil })
}
