package cep

import "math"

// pin is the watermark as of which events are still needed, so that keys which are to be saved
// can be taken back to it. Once it is not, what was kept for it is forgotten little by little:
// all at once would take long.
type pin struct {
	on  bool
	at  int64
	low int64 // the watermark when it was looked at last
}

// unpinning is how much faster than the watermark the pin follows it.
const unpinning = 4

// set keeps what is needed as of a watermark.
func (p *pin) set(low int64) {
	if !p.on || low < p.at {
		p.at = low
	}
	p.on, p.low = true, low
}

// follow lets go of some of what was kept, as the watermark moves on.
func (p *pin) follow(low int64) {
	moved := low - p.low
	p.low = low
	if p.at == math.MinInt64 || moved < 0 || moved > math.MaxInt64/unpinning || low-p.at <= unpinning*moved {
		p.on = false // there was no watermark, or it has come near
		return
	}
	p.at += unpinning * moved
}

// pinned is the watermark as of which events are still needed.
func (g *Engine) pinned(low int64) int64 {
	if g.pin.on {
		return min(low, g.pin.at)
	}
	return low
}

// unpin lets go of what no freeze needs any more.
func (g *Engine) unpin() {
	switch {
	case g.frozen != nil && g.frozen.pins:
		g.pin.low = g.order.low
	case g.pin.on:
		g.pin.follow(g.order.low)
	}
}
