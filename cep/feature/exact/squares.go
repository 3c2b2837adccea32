package exact

import (
	"math"
	"math/big"
	"math/bits"
)

// Squares is the exact sum of the squares of float64 values, which may be taken out
// again. The zero Squares is empty. As with Sum, a copy shares what is wide.
type Squares struct {
	n    int256   // times 2^-(2·unitBits)
	wide *big.Int // times 2^-(2·wideBits): what did not fit; nil: nothing
}

// SquaresOf makes Squares of their parts: 256 bits in two's complement, the least
// first, and what does not fit them (nil: nothing), which the Squares take over. They
// are in order unless they are 2^254 or more in size; false then.
func SquaresOf(n [4]uint64, wide *big.Int) (Squares, bool) {
	s := Squares{n, wide}
	return s, s.n.fits()
}

// Parts is the reverse of SquaresOf.
func (s *Squares) Parts() (n [4]uint64, wide *big.Int) { return s.n, s.wide }

// Add puts the square of x in.
func (s *Squares) Add(x float64) {
	n, ok := fixed(x)
	if !ok {
		w := whole(x)
		s.widen().Add(s.wide, w.Mul(w, w))
		return
	}
	_, size := n.split()
	s.n = s.n.plus(size.square())
	s.fit()
}

// Remove takes the square of x out, which was put in before.
func (s *Squares) Remove(x float64) {
	n, ok := fixed(x)
	if !ok {
		w := whole(x)
		s.widen().Sub(s.wide, w.Mul(w, w))
		s.narrow()
		return
	}
	_, size := n.split()
	s.n = s.n.minus(size.square())
	s.fit()
}

// Merge puts in what t has.
func (s *Squares) Merge(t *Squares) {
	s.n = s.n.plus(t.n)
	if t.wide != nil {
		s.widen().Add(s.wide, t.wide)
		s.narrow()
	}
	s.fit()
}

// Unmerge takes out what t has, which was put in before.
func (s *Squares) Unmerge(t *Squares) {
	s.n = s.n.minus(t.n)
	if t.wide != nil {
		s.widen().Sub(s.wide, t.wide)
		s.narrow()
	}
	s.fit()
}

// Deviation is the standard deviation of a population of count values, which is
// positive, of their sum and the sum of their squares: √(count·Σx² − (Σx)²) / count.
// What is under the root is exact, so that a great mean takes nothing away.
func Deviation(count int, sum *Sum, squares *Squares) float64 {
	if sum.wide == nil && squares.wide == nil {
		negative, size := squares.n.split()
		if _, s := sum.n.split(); !negative {
			if spread, exp := size.spread(uint64(count), s); exp <= 0 {
				return math.Ldexp(math.Sqrt(float64(spread)), -unitBits) / float64(count)
			} else {
				// An even exponent comes out of the root whole.
				return math.Ldexp(math.Sqrt(float64(spread)), exp/2-unitBits) / float64(count)
			}
		}
	}
	return wideDeviation(count, sum.whole(), squares.whole())
}

// wideDeviation does the same for whole numbers times 2^-wideBits and
// 2^-(2·wideBits).
func wideDeviation(count int, sum, squares *big.Int) float64 {
	n := big.NewInt(int64(count))
	squares.Mul(squares, n)
	squares.Sub(squares, sum.Mul(sum, sum))
	if squares.Sign() <= 0 {
		return 0
	}
	root := new(big.Float).SetPrec(128).SetInt(squares)
	root.Sqrt(root)
	root.SetMantExp(root, -wideBits)
	f, _ := root.Quo(root, new(big.Float).SetInt(n)).Float64()
	return f
}

func (s *Squares) whole() *big.Int {
	n := s.n.big()
	n.Lsh(n, 2*(wideBits-unitBits))
	if s.wide != nil {
		n.Add(n, s.wide)
	}
	return n
}

func (s *Squares) widen() *big.Int {
	if s.wide == nil {
		s.wide = new(big.Int)
	}
	return s.wide
}

func (s *Squares) narrow() {
	if s.wide.Sign() == 0 {
		s.wide = nil
	}
}

// fit moves a sum that comes near the bounds of 256 bits to the wide one. A square
// is below 2^250.
func (s *Squares) fit() {
	if s.n.fits() {
		return
	}
	n := s.n.big()
	s.widen().Add(s.wide, n.Lsh(n, 2*(wideBits-unitBits)))
	s.n = int256{}
	s.narrow()
}

// int256 is a whole number in two's complement, its least 64 bits first.
type int256 [4]uint64

func (a int256) plus(b int256) int256 {
	var c uint64
	a[0], c = bits.Add64(a[0], b[0], 0)
	a[1], c = bits.Add64(a[1], b[1], c)
	a[2], c = bits.Add64(a[2], b[2], c)
	a[3], _ = bits.Add64(a[3], b[3], c)
	return a
}

func (a int256) minus(b int256) int256 {
	var c uint64
	a[0], c = bits.Sub64(a[0], b[0], 0)
	a[1], c = bits.Sub64(a[1], b[1], c)
	a[2], c = bits.Sub64(a[2], b[2], c)
	a[3], _ = bits.Sub64(a[3], b[3], c)
	return a
}

// fits reports whether two such sums can be added.
func (a int256) fits() bool { return int64(a[3]) < 1<<62 && int64(a[3]) > -1<<62 }

// split gives the sign and the size.
func (a int256) split() (negative bool, size int256) {
	if int64(a[3]) < 0 {
		return true, int256{}.minus(a)
	}
	return false, a
}

func (a int256) big() *big.Int {
	negative, size := a.split()
	n := new(big.Int)
	for i := 3; i >= 0; i-- {
		n.Lsh(n, 64)
		n.Or(n, new(big.Int).SetUint64(size[i]))
	}
	if negative {
		n.Neg(n)
	}
	return n
}

// spread gives count·a − sum² as m · 2^exp, with exp even and m as long as fits 64
// bits; nothing if that is negative.
func (a int256) spread(count uint64, sum uint128) (m uint64, exp int) {
	var p [5]uint64
	var carry, c uint64
	for i, x := range a {
		hi, lo := bits.Mul64(x, count)
		p[i], c = bits.Add64(lo, carry, 0)
		carry = hi + c
	}
	p[4] = carry
	s, c := sum.square(), 0
	for i, x := range s {
		p[i], c = bits.Sub64(p[i], x, c)
	}
	p[4], c = bits.Sub64(p[4], 0, c)
	top := 4
	for top > 0 && p[top] == 0 {
		top--
	}
	if c != 0 || top == 0 {
		return p[0] * (1 - c), 0
	}
	n := bits.Len64(p[top])
	if n%2 == 1 {
		n++
	}
	// The n bits of the highest word and 64 − n of the one below.
	m = p[top]<<(64-n) | p[top-1]>>n
	return m, 64*(top-1) + n
}

// square gives a², for a below 2^127.
func (a uint128) square() int256 {
	hh, hl := bits.Mul64(a.hi, a.hi)
	ch, cl := bits.Mul64(a.hi, a.lo)
	lh, ll := bits.Mul64(a.lo, a.lo)
	cross := int256{0, cl << 1, ch<<1 | cl>>63, ch >> 63}
	return int256{ll, lh, hl, hh}.plus(cross)
}
