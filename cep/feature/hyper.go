package feature

import (
	"math"
	"math/bits"
	"slices"
	"unsafe"
)

// hyper estimates how many different values a window has, by HyperLogLog: of the
// values whose hash falls to a register it keeps the greatest rank, the number of
// zeros that the rest of the hash begins with, and 1. So that old panes can leave, a
// register keeps for each pane of the window the ranks that no later pane exceeds.
type hyper struct {
	stamps  []int64           // of the panes that had a value, from the oldest
	first   uint8             // number of the oldest; the others follow it, modulo 256
	current []uint8           // ranks in the newest pane; nil: it is the only one
	touched []uint16          // registers that have a rank in current
	top     []uint8           // greatest ranks in all panes
	older   []uint32          // ranks in older panes, by register, then from the oldest pane: register, pane, rank
	spare   []uint32          // memory for the next older
	hist    [hyperRanks]int32 // how many registers have a greatest rank
}

const (
	hyperBits  = 13 // the standard error is 1.04/√2^13, 1.15 %
	hyperSize  = 1 << hyperBits
	hyperRanks = 64 - hyperBits + 2
)

func newHyper() *hyper {
	h := &hyper{top: make([]uint8, hyperSize)}
	h.hist[0] = hyperSize
	return h
}

// add takes in a hash; stamp does not fall.
func (h *hyper) add(x uint64, stamp int64) {
	if n := len(h.stamps); n == 0 || h.stamps[n-1] != stamp {
		if n > 0 {
			h.fold()
		}
		h.stamps = append(h.stamps, stamp)
	}
	i := x >> (64 - hyperBits)
	rank := uint8(bits.LeadingZeros64(x<<hyperBits|1<<(hyperBits-1))) + 1
	if h.current != nil && rank > h.current[i] {
		if h.current[i] == 0 {
			h.touched = append(h.touched, uint16(i))
		}
		h.current[i] = rank
	}
	if old := h.top[i]; rank > old {
		h.top[i] = rank
		h.hist[old]--
		h.hist[rank]++
	}
}

// fold puts the newest pane to the older ones, so that another can begin.
func (h *hyper) fold() {
	pane := uint32(h.first+uint8(len(h.stamps)-1)) << 8
	ranks := h.current
	if ranks == nil {
		ranks, h.current = h.top, make([]uint8, hyperSize)
		for i, rank := range ranks {
			if rank > 0 {
				h.touched = append(h.touched, uint16(i))
			}
		}
	}
	slices.Sort(h.touched)
	to, from := h.spare[:0], h.older
	for _, i := range h.touched {
		rank := ranks[i]
		for len(from) > 0 && from[0]>>16 < uint32(i) {
			to = append(to, from[0])
			from = from[1:]
		}
		for len(from) > 0 && from[0]>>16 == uint32(i) {
			if uint8(from[0]) > rank {
				to = append(to, from[0])
			}
			from = from[1:]
		}
		to = append(to, uint32(i)<<16|pane|uint32(rank))
	}
	h.older, h.spare = append(to, from...), h.older
	clear(h.current)
	h.touched = h.touched[:0]
}

// drop forgets the panes before edge and reports whether none is left.
func (h *hyper) drop(edge int64) (empty bool) {
	gone := 0
	for gone < len(h.stamps) && h.stamps[gone] < edge {
		gone++
	}
	switch gone {
	case 0:
		return false
	case len(h.stamps):
		return true
	}
	kept := h.older[:0]
	for i := 0; i < len(h.older); {
		register, before := h.older[i]>>16, len(kept)
		first := h.older[i]
		for ; i < len(h.older) && h.older[i]>>16 == register; i++ {
			if int(uint8(h.older[i]>>8)-h.first) >= gone {
				kept = append(kept, h.older[i])
			}
		}
		switch {
		case len(kept) == before: // none is left
			h.lower(register, h.current[register])
		case kept[before] != first:
			h.lower(register, max(h.current[register], uint8(kept[before])))
		}
	}
	h.older = kept
	h.first += uint8(gone)
	h.stamps = append(h.stamps[:0], h.stamps[gone:]...)
	return false
}

// lower gives a register another greatest rank.
func (h *hyper) lower(register uint32, rank uint8) {
	h.hist[h.top[register]]--
	h.top[register] = rank
	h.hist[rank]++
}

// summit works out what follows from the ranks of the panes; top holds those of the
// newest.
func (h *hyper) summit() {
	for i, rank := range h.current {
		if rank > 0 {
			h.touched = append(h.touched, uint16(i))
		}
	}
	for _, o := range h.older {
		h.top[o>>16] = max(h.top[o>>16], uint8(o))
	}
	h.hist = [hyperRanks]int32{}
	for _, rank := range h.top {
		h.hist[rank]++
	}
}

// estimate is the number of different values, by the estimator of O. Ertl (New
// cardinality estimation algorithms for HyperLogLog sketches, 2017), which needs no
// correction for few or many.
func (h *hyper) estimate() int64 {
	const m = float64(hyperSize)
	z := float64(m * tau(1-float64(h.hist[hyperRanks-1])/m))
	for rank := hyperRanks - 2; rank >= 1; rank-- {
		z = 0.5 * (z + float64(h.hist[rank]))
	}
	z += float64(m * sigma(float64(h.hist[0])/m))
	return int64(math.Round(m * m / (2 * math.Ln2 * z)))
}

// sigma is x + Σ x^(2^k) · 2^(k−1) over k from 1.
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for {
		x *= x
		before := z
		z += float64(x * y)
		y *= 2
		if z == before {
			return z
		}
	}
}

// tau is (1 − x − Σ (1 − x^(2^−k))² · 2^−k) / 3 over k from 1.
func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for {
		x = math.Sqrt(x)
		before := z
		y *= 0.5
		z -= float64(float64((1-x)*(1-x)) * y)
		if z == before {
			return z / 3
		}
	}
}

func (h *hyper) bytes() int {
	return int(unsafe.Sizeof(*h)) + cap(h.current) + cap(h.top) + 2*cap(h.touched) + 8*cap(h.stamps) + 4*(cap(h.older)+cap(h.spare))
}
