package stream

import (
	"fmt"
	"time"
)

// errNotCompared is what appends fail with between Restart and Admit.
var errNotCompared = fmt.Errorf("%w: it was started again, and is being compared with the files that follow it", ErrUnavailable)

// Server is the number of the server that runs, or ran last, from 1: Restart starts another.
func (l *Log) Server() uint64 { return l.servers.Load() }

// Admit lets a server take records, after a Restart: what follows the log was compared with
// what this server found on the disk. It fails if it is not the one that runs. An external
// server takes none before the first Admit either, which takes the lease of the log: ErrTaken
// says who has it.
func (l *Log) Admit(server uint64) error {
	l.changing.Lock()
	defer l.changing.Unlock()
	if _, err := l.up(); err != nil {
		return err
	}
	if server != l.servers.Load() {
		return errNotCompared
	}
	if l.options.External != nil && !l.Admitted() {
		if err := l.take(); err != nil {
			return err
		}
	}
	l.admitted.Store(server)
	return nil
}

// Admitted says whether the server that runs takes records: see Admit.
func (l *Log) Admitted() bool { return l.admitted.Load() == l.servers.Load() }

// Silent returns for how long no record has been answered for though some wait; 0: none waits.
// It asks nobody.
func (l *Log) Silent() time.Duration {
	since := l.unsettled.oldest()
	if since.IsZero() {
		return 0
	}
	if answered := time.Unix(0, l.when.Load()); answered.After(since) {
		since = answered
	}
	return max(0, time.Since(since))
}

// clear forgets all requests: the log has lost its end.
func (p *posts) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready, p.known, p.order, p.head = false, map[[16]byte]*posted{}, nil, 0
}
