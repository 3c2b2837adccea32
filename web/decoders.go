package web

import (
	"sync"
	"sync/atomic"

	"weir/cep"
)

// checker is the engine's own reader of events, with an event to read into.
type checker struct {
	*cep.Decoder
	event cep.Event
}

// decoders are the checkers of a ruleset that are not in use.
type decoders struct{ now atomic.Pointer[decoderPool] }

type decoderPool struct {
	rs   *cep.Ruleset
	free sync.Pool
}

// pool returns the pool of a ruleset. That of the ruleset before is left to requests that
// still use it.
func (d *decoders) pool(rs *cep.Ruleset) *decoderPool {
	p := d.now.Load()
	if p == nil || p.rs != rs {
		p = &decoderPool{rs: rs}
		d.now.Store(p)
	}
	return p
}

func (p *decoderPool) take() *checker {
	if c, ok := p.free.Get().(*checker); ok {
		return c
	}
	return &checker{Decoder: cep.NewDecoder(p.rs)}
}

// give takes back a checker, without the text that its event was read from.
func (p *decoderPool) give(c *checker) {
	c.event = cep.Event{}
	c.Brief(false)
	p.free.Put(c)
}
