package stream

import "sync"

// bell wakes all who wait for something to happen.
type bell struct {
	mu      sync.Mutex
	rung    chan struct{}
	waiting bool
}

func (b *bell) init() { b.rung = make(chan struct{}) }

// heard returns a channel that is closed at the next ring. Who waits takes it before
// looking whether there is anything to wait for.
func (b *bell) heard() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = true
	return b.rung
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting {
		close(b.rung)
		b.rung, b.waiting = make(chan struct{}), false
	}
}
