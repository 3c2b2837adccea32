package exact

import (
	"math"
	"math/big"
	"math/bits"
)

// A value x of a float64 is kept as the whole number x · 2^unitBits, which is exact
// where x is a multiple of 2^-unitBits: every value of 4e-9 or more in size is, and
// many below. Sums up to 2^46 (7e13) fit 128 bits then. What does not fit, in size or
// in fineness, is kept in a wide sum.
const (
	unitBits = 80
	wideBits = 1074 // the least float64 is 2^-1074
)

// Sum is the exact sum of float64 values, which may be taken out again. Its value
// does not depend on the order of what went in nor on what has left. The zero Sum is
// empty. Infinities and NaN must not be put in. A copy of a Sum shares what is wide
// with it: only one of the two goes on.
type Sum struct {
	n    int128   // times 2^-unitBits
	wide *big.Int // times 2^-wideBits: what did not fit; nil: nothing
}

// SumOf makes the Sum of its parts: 128 bits in two's complement, and what does not
// fit them (nil: nothing), which the Sum takes over. Any parts make a Sum but those
// whose hi is 2^62 or more in size; false then.
func SumOf(hi, lo uint64, wide *big.Int) (Sum, bool) {
	s := Sum{int128{int64(hi), lo}, wide}
	return s, s.n.fits()
}

// Parts is the reverse of SumOf.
func (s *Sum) Parts() (hi, lo uint64, wide *big.Int) { return uint64(s.n.hi), s.n.lo, s.wide }

// Fits reports whether the 128 bits hold all of the sum.
func (s *Sum) Fits() bool { return s.wide == nil }

// AddTo puts x into the sum that the two parts make, hi and lo, of which nothing is wide;
// false: it does not fit them, and nothing has changed.
func AddTo(parts *[2]uint64, x float64) bool {
	n, ok := fixed(x)
	if !ok {
		return false
	}
	if n = n.plus(int128{int64(parts[0]), parts[1]}); !n.fits() {
		return false
	}
	parts[0], parts[1] = uint64(n.hi), n.lo
	return true
}

// Join puts the sum that hi and lo make, of which nothing is wide, into that of the two
// parts; false: it does not fit them, and nothing has changed.
func Join(parts *[2]uint64, hi, lo uint64) bool {
	n := int128{int64(parts[0]), parts[1]}.plus(int128{int64(hi), lo})
	if !n.fits() {
		return false
	}
	parts[0], parts[1] = uint64(n.hi), n.lo
	return true
}

// MeanOf is Sum.Mean of the sum that the parts hi and lo make, of which nothing is wide.
func MeanOf(hi, lo uint64, count int) float64 {
	negative, m := int128{int64(hi), lo}.split()
	return quotient(negative, m, uint64(count))
}

// Add puts x in.
func (s *Sum) Add(x float64) {
	n, ok := fixed(x)
	if !ok {
		s.widen().Add(s.wide, whole(x))
		s.narrow()
		return
	}
	s.n = s.n.plus(n)
	s.fit()
}

// Remove takes x out, which was put in before.
func (s *Sum) Remove(x float64) {
	n, ok := fixed(x)
	if !ok {
		s.widen().Sub(s.wide, whole(x))
		s.narrow()
		return
	}
	s.n = s.n.plus(n.negative())
	s.fit()
}

// Merge puts in what t has.
func (s *Sum) Merge(t *Sum) {
	s.n = s.n.plus(t.n)
	if t.wide != nil {
		s.widen().Add(s.wide, t.wide)
		s.narrow()
	}
	s.fit()
}

// Unmerge takes out what t has, which was put in before.
func (s *Sum) Unmerge(t *Sum) {
	s.n = s.n.plus(t.n.negative())
	if t.wide != nil {
		s.widen().Sub(s.wide, t.wide)
		s.narrow()
	}
	s.fit()
}

// Float64 is the sum, rounded to the nearest float64 (ties to even). Beyond the
// greatest it is an infinity.
func (s *Sum) Float64() float64 { return s.Mean(1) }

// Mean is the sum divided by count, which is positive, rounded once.
func (s *Sum) Mean(count int) float64 {
	if s.wide == nil {
		return MeanOf(uint64(s.n.hi), s.n.lo, count)
	}
	r := new(big.Rat).SetFrac(s.whole(), new(big.Int).Lsh(big.NewInt(int64(count)), wideBits))
	f, _ := r.Float64()
	return f
}

// whole is the sum times 2^wideBits.
func (s *Sum) whole() *big.Int {
	n := s.n.big()
	n.Lsh(n, wideBits-unitBits)
	if s.wide != nil {
		n.Add(n, s.wide)
	}
	return n
}

func (s *Sum) widen() *big.Int {
	if s.wide == nil {
		s.wide = new(big.Int)
	}
	return s.wide
}

// narrow forgets a wide sum that has come to nothing.
func (s *Sum) narrow() {
	if s.wide.Sign() == 0 {
		s.wide = nil
	}
}

// fit moves a sum that comes near the bounds of 128 bits to the wide one. A value put
// in is below 2^125, so it is noticed before it runs over.
func (s *Sum) fit() {
	if s.n.fits() {
		return
	}
	n := s.n.big()
	s.widen().Add(s.wide, n.Lsh(n, wideBits-unitBits))
	s.n = int128{}
	s.narrow()
}

// fixed gives x · 2^unitBits, if that is a whole number below 2^125 in size.
func fixed(x float64) (int128, bool) {
	m, exp := parts(x)
	shift := exp + unitBits
	var n int128
	switch {
	case m == 0:
		return n, true
	case shift < 0 && bits.TrailingZeros64(m) < -shift, bits.Len64(m)+shift > 125:
		return n, false
	case shift < 0:
		n.lo = m >> -shift
	case shift >= 64:
		n.hi = int64(m << (shift - 64))
	default:
		n.lo, n.hi = m<<shift, int64(m>>(64-shift))
	}
	if math.Signbit(x) {
		n = n.negative()
	}
	return n, true
}

// whole gives x · 2^wideBits.
func whole(x float64) *big.Int {
	m, exp := parts(x)
	n := new(big.Int).SetUint64(m)
	n.Lsh(n, uint(exp+wideBits))
	if math.Signbit(x) {
		n.Neg(n)
	}
	return n
}

// parts gives the size of x as m · 2^exp.
func parts(x float64) (m uint64, exp int) {
	b := math.Float64bits(x)
	m, exp = b&(1<<52-1), int(b>>52)&0x7ff
	switch exp {
	case 0x7ff:
		panic("exact: an infinity or NaN")
	case 0:
		return m, -1074
	}
	return m | 1<<52, exp - 1075
}

// quotient gives m / d · 2^-unitBits as a float64, rounded once to the nearest, ties to
// even. d is less than 2^63.
func quotient(negative bool, m uint128, d uint64) float64 {
	if m.hi == 0 && m.lo == 0 {
		return 0
	}
	// The dividend is shifted so far that the quotient has 64 bits or some more: the
	// rest then only says whether there is any.
	shift := max(0, 64+bits.Len64(d)-m.len())
	shift = min(shift, 128-m.len())
	m = m.shift(shift)
	qhi, qlo, r := m.hi, m.lo, uint64(0)
	if d > 1 {
		qhi, r = bits.Div64(0, m.hi, d)
		qlo, r = bits.Div64(r, m.lo, d)
	}
	// Keep 64 bits and fold what is below into the last: it decides ties only.
	over := bits.Len64(qhi)
	q := qlo
	sticky := r != 0
	if over > 0 {
		sticky = sticky || qlo<<(64-over) != 0
		q = qhi<<(64-over) | qlo>>over
	}
	if sticky {
		q |= 1
	}
	exp := over - shift - unitBits                               // from -207 to -16
	f := float64(q) * math.Float64frombits(uint64(exp+1023)<<52) // q is rounded, the product is exact
	if negative {
		f = -f
	}
	return f
}

// int128 is a whole number in two's complement.
type int128 struct {
	hi int64
	lo uint64
}

func (a int128) plus(b int128) int128 {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	return int128{a.hi + b.hi + int64(carry), lo}
}

func (a int128) negative() int128 {
	lo, carry := bits.Add64(^a.lo, 1, 0)
	return int128{^a.hi + int64(carry), lo}
}

// fits reports whether two such sums can be added.
func (a int128) fits() bool { return a.hi < 1<<62 && a.hi > -1<<62 }

// split gives the sign and the size.
func (a int128) split() (negative bool, size uint128) {
	if a.hi < 0 {
		a = a.negative()
		return true, uint128{uint64(a.hi), a.lo}
	}
	return false, uint128{uint64(a.hi), a.lo}
}

func (a int128) big() *big.Int {
	negative, size := a.split()
	n := new(big.Int).SetUint64(size.hi)
	n.Lsh(n, 64)
	n.Or(n, new(big.Int).SetUint64(size.lo))
	if negative {
		n.Neg(n)
	}
	return n
}

type uint128 struct{ hi, lo uint64 }

func (a uint128) len() int {
	if a.hi != 0 {
		return 64 + bits.Len64(a.hi)
	}
	return bits.Len64(a.lo)
}

func (a uint128) shift(n int) uint128 {
	if n == 0 {
		return a
	}
	if n >= 64 {
		return uint128{a.lo << (n - 64), 0}
	}
	return uint128{a.hi<<n | a.lo>>(64-n), a.lo << n}
}
