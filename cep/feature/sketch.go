package feature

import (
	"math"
	"slices"
	"unsafe"
)

// sketch estimates quantiles by a DDSketch: it counts numbers in bins whose bounds
// grow with the number, each power of two in 64 equal parts. A number is told from the
// middle of its bin by 1/128 of its size at most. Counts can be taken away again, so
// the panes of a window leave without a trace.
type sketch struct {
	total bins
	n     uint64
	panes []sketchPane // from the oldest
}

type sketchPane struct {
	at   int64
	bins bins
}

// bins are the bins that have numbers, from the lowest. 16 bits are the bin, 48 bits
// are how many.
type bins []uint64

const (
	binCount = 1<<48 - 1
	binParts = 6                                     // 2^6 bins for a power of two
	binShift = 52 - binParts                         // of the bits of a float64
	leastBin = (1023 - 30) << binParts               // the bin of 2^-30: what is less counts as 0
	mostBin  = ((1023+100)<<binParts - 1) - leastBin // the last below 2^100: what is more counts as that
	zeroBin  = 1 << 15
)

// binOf is the bin of a number.
func binOf(x float64) uint64 {
	size := int(math.Float64bits(math.Abs(x))>>binShift) - leastBin
	size = min(max(size, -1), mostBin) + 1
	if x < 0 {
		size = -size
	}
	return uint64(zeroBin + size)
}

// middle is the number that stands for a bin.
func middle(bin uint64) float64 {
	size := int(bin) - zeroBin
	switch {
	case size == 0:
		return 0
	case size < 0:
		return -middle(uint64(zeroBin - size))
	}
	return math.Float64frombits(uint64(size-1+leastBin)<<binShift | 1<<(binShift-1))
}

// find is the place of a bin.
func (b bins) find(bin uint64) (int, bool) {
	i, j := 0, len(b)
	for i < j {
		mid := int(uint(i+j) / 2)
		if b[mid]>>48 < bin {
			i = mid + 1
		} else {
			j = mid
		}
	}
	return i, i < len(b) && b[i]>>48 == bin
}

func (b *bins) add(bin, n uint64) {
	i, ok := b.find(bin)
	if ok {
		(*b)[i] += n
		return
	}
	*b = slices.Insert(*b, i, bin<<48|n)
}

// subtract takes away what is in c.
func (b *bins) subtract(c bins) {
	kept, j := (*b)[:0], 0
	for _, x := range *b {
		if j < len(c) && c[j]>>48 == x>>48 {
			x -= c[j] & binCount
			j++
		}
		if x&binCount != 0 {
			kept = append(kept, x)
		}
	}
	*b = kept
}

// add counts a number; at does not fall.
func (s *sketch) add(x float64, at int64) {
	bin := binOf(x)
	if n := len(s.panes); n == 0 || s.panes[n-1].at != at {
		s.panes = append(s.panes, sketchPane{at: at})
	}
	s.panes[len(s.panes)-1].bins.add(bin, 1)
	s.total.add(bin, 1)
	s.n++
}

// drop forgets the panes before edge and reports whether none is left.
func (s *sketch) drop(edge int64) (empty bool) {
	gone := 0
	for gone < len(s.panes) && s.panes[gone].at < edge {
		s.total.subtract(s.panes[gone].bins)
		for _, x := range s.panes[gone].bins {
			s.n -= x & binCount
		}
		gone++
	}
	if gone > 0 {
		s.panes = slices.Delete(s.panes, 0, gone)
	}
	return len(s.panes) == 0
}

// rank is the number of a rank, from 0, and of the rank above it.
func (s *sketch) rank(k uint64) (at, above float64) {
	var n uint64
	for i, x := range s.total {
		if n += x & binCount; n > k {
			at = middle(x >> 48)
			if n == k+1 && i+1 < len(s.total) {
				return at, middle(s.total[i+1] >> 48)
			}
			return at, at
		}
	}
	return 0, 0
}

func (s *sketch) quantile(q float64) float64 {
	h := float64(s.n-1) * q
	low := math.Floor(h)
	a, b := s.rank(uint64(low))
	return between(a, b, h-low)
}

func (s *sketch) bytes() int {
	n := int(unsafe.Sizeof(*s)) + 8*cap(s.total) + cap(s.panes)*int(unsafe.Sizeof(sketchPane{}))
	for i := range s.panes {
		n += 8 * cap(s.panes[i].bins)
	}
	return n
}
