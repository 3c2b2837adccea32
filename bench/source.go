// Package bench makes streams of events and rules on them by which the engine is
// measured. A stream is a function of its size and seed.
package bench

import "math"

// source gives numbers that a seed determines (splitmix64).
type source struct{ state uint64 }

func (s *source) next() uint64 {
	x := mix(s.state)
	s.state += step
	return x
}

// below gives a number from 0 to n-1.
func (s *source) below(n int) int { return int(s.next() % uint64(n)) }

// unit gives a number in [0, 1).
func (s *source) unit() float64 { return float64(s.next()>>11) / (1 << 53) }

const step = 0x9E3779B97F4A7C15

// mix is the output function of splitmix64 for the state x.
func mix(x uint64) uint64 {
	x += step
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// zipf draws ranks 0 to n-1, rank k with a weight of 1/(k+1)^exponent. Weights
// are whole numbers, so that the last digit of a power does not matter.
type zipf struct{ upto []uint64 }

func newZipf(n int, exponent float64) zipf {
	z := zipf{make([]uint64, n)}
	sum := uint64(0)
	for k := range z.upto {
		sum += uint64(math.Round(math.Pow(float64(k+1), -exponent) * (1 << 36)))
		z.upto[k] = sum
	}
	return z
}

func (z zipf) draw(s *source) int {
	x := s.next() % z.upto[len(z.upto)-1]
	low, high := 0, len(z.upto)-1
	for low < high {
		if mid := (low + high) / 2; z.upto[mid] > x {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}
