package outcome

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"weir/cep/wire"
)

// Risk is a sum of scores that fades: at a moment it is Σ score · 0.5^(age/HalfLife)
// over the scores added up to then.
type Risk struct {
	HalfLife time.Duration // positive
}

// Level is what is kept of the Risk of one key. The zero Level is none. Reading it
// changes nothing, so the value does not depend on when it was read. Adding rounds the
// scores added before once more: to a float64, so after n moments with additions the
// value is off by a share of at most n·2^-51.
type Level struct {
	at    int64   // of the latest addition
	base  float64 // of the additions before, as they have faded by then
	fresh int64   // of those at that moment: a whole number, so their order does not matter
}

// A Level ends, and counts as 0 from then on, after the least whole number of half-lives
// since its latest addition after which it is below 2^-floorBits, which is 0.004.
const floorBits = 8

// maxFresh bounds what is added at one moment: it is exact in a float64.
const maxFresh = 1 << 53

// Add adds a score, at most MaxScore, at the moment t. A score of 0 or less changes
// nothing. One that is older than the latest counts as it has faded by then.
func (r Risk) Add(l *Level, score int, t int64) {
	if score = min(score, MaxScore); score <= 0 {
		return
	}
	if l.Empty() || l.at < t {
		l.base, l.fresh, l.at = r.Value(l, t), 0, t
	}
	if t < l.at {
		l.base += half(float64(score), age(t, l.at), r.HalfLife)
		return
	}
	l.fresh = min(l.fresh+int64(score), maxFresh)
}

// Value is the Risk at the moment t. At a moment before the latest addition it is that
// after the addition.
func (r Risk) Value(l *Level, t int64) float64 {
	end, ok := r.Deadline(l)
	switch {
	case !ok || t >= end:
		return 0
	case t <= l.at:
		return l.sum()
	}
	return half(l.sum(), age(l.at, t), r.HalfLife)
}

// Deadline is the moment from which on the Level is 0 for good if nothing is added: it
// may then be dropped, which changes no value. It is false for a Level that is none.
func (r Risk) Deadline(l *Level) (int64, bool) {
	if l.Empty() {
		return 0, false
	}
	_, exp := math.Frexp(l.sum()) // the sum is less than 2^exp, and no less than half of it
	lives := uint64(max(exp+floorBits, 0))
	if lives > uint64(math.MaxInt64)/uint64(r.HalfLife) {
		return math.MaxInt64, true
	}
	end := l.at + int64(lives*uint64(r.HalfLife))
	if end < l.at {
		end = math.MaxInt64
	}
	return end, true
}

// Empty reports whether nothing needs to be kept.
func (l *Level) Empty() bool { return l.base == 0 && l.fresh == 0 }

func (l *Level) sum() float64 { return l.base + float64(l.fresh) }

// age is the time from a to b, which is no earlier: up to 2^64 ns.
func age(a, b int64) uint64 { return uint64(b) - uint64(a) }

// half is x · 0.5^(age/life).
func half(x float64, age uint64, life time.Duration) float64 {
	lives := age / uint64(life)
	if lives > 2200 { // nothing is left of any float64
		return 0
	}
	part := float64(age%uint64(life)) / float64(life)
	return math.Ldexp(float64(x*fade(part)), -int(lives))
}

// fade is 0.5^part, for part from 0 to 1: within 2 units in the last place, 1 at 0
// and 1/2 at 1.
//
// It is e^y for y = part·ln 0.5, or, nearer to 0, twice that for y = (1−part)·ln 2: the
// series of e^y up to y^14, which is less than 2^-53 off for y up to 0.35. Conversions
// keep products from being fused with what is added to them, as some machines would.
func fade(part float64) float64 {
	scale, y := 1.0, float64(-part*math.Ln2)
	if part > 0.5 {
		scale, y = 0.5, float64((1-part)*math.Ln2)
	}
	sum := series[0]
	for _, c := range series[1:] {
		sum = float64(sum*y) + c
	}
	return scale * sum
}

// series are the factors 1/n! of y^n, from n = 14 down to 0.
var series = [...]float64{
	1.0 / 87178291200, 1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800,
	1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2, 1, 1,
}

var errLevel = errors.New("outcome: the bytes are no level of a risk: they are damaged or cut off")

// Append appends the Level to dst: the moment and the additions at it as varints, the
// first in zigzag, and the 8 bytes of what faded, least significant first.
func (l *Level) Append(dst []byte) []byte {
	dst = binary.AppendVarint(dst, l.at)
	dst = binary.AppendUvarint(dst, uint64(l.fresh))
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(l.base))
}

// DecodeLevel reads the Level that src begins with and returns what follows it.
func DecodeLevel(src []byte) (l Level, rest []byte, err error) {
	r := wire.Reader{Src: src}
	l.at, l.fresh = r.Int(), int64(r.Below(maxFresh+1))
	bits := r.Fixed()
	l.base = math.Float64frombits(bits)
	// No NaN, infinity, −0 or less; a Level that is none has no moment.
	if r.Bad || bits >= math.Float64bits(math.Inf(1)) || l.Empty() && l.at != 0 {
		return Level{}, nil, errLevel
	}
	return l, r.Src, nil
}
