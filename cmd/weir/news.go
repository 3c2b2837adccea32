package main

import (
	"sync"

	"weir/cep"
	"weir/state"
)

// news wakes all who wait for effects to be stored.
type news struct {
	mu      sync.Mutex
	rung    chan struct{}
	waiting bool
}

// heard returns a channel that is closed when effects are stored next. Who waits takes it
// before looking at what is stored.
func (n *news) heard() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.rung == nil {
		n.rung = make(chan struct{})
	}
	n.waiting = true
	return n.rung
}

func (n *news) ring() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.waiting {
		close(n.rung)
		n.rung, n.waiting = nil, false
	}
}

// heralded is the store as the loop's Sink: those who follow it are told of each commit, and
// nobody waits for them.
type heralded struct {
	*state.Store
	news *news
}

// Commit is cep.Sink.
func (h heralded) Commit(c *cep.Commit) error {
	err := h.Store.Commit(c)
	if err == nil {
		h.news.ring()
	}
	return err
}
