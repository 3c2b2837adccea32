package main

import (
	"weir/cep"
	"weir/state"
)

// loaded is the newest checkpoint, which is read, and the state restored of it, while the log
// is opened: nearly always the service begins with it.
type loaded struct {
	number     uint64 // 0: there is none
	checkpoint *cep.Checkpoint
	err        error
	done       chan struct{}
}

// load begins to read it.
func load(store *state.Store) *loaded {
	l := &loaded{done: make(chan struct{})}
	go func() {
		defer close(l.done)
		heads, err := store.Checkpoints()
		if err != nil || len(heads) == 0 || heads[0].Fault != nil {
			return // who asks for it is told
		}
		l.number = heads[0].Number
		if l.checkpoint, l.err = store.Load(heads[0]); l.err == nil {
			l.checkpoint.Latest = true
			l.checkpoint.Prepare(compilePublished, shards())
		}
	}()
	return l
}

// load gives a checkpoint.
func (v *service) load(h state.Head) (*cep.Checkpoint, error) {
	if l := v.loaded; l != nil {
		if <-l.done; l.number == h.Number && h.Number > 0 {
			return l.checkpoint, l.err
		}
	}
	return v.store.Load(h)
}
