package outcome

import (
	"bytes"
	"math"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const hour = int64(time.Hour)

var day = Risk{HalfLife: 24 * time.Hour}

func TestRisk(t *testing.T) {
	var l Level
	if day.Value(&l, 0) != 0 || !l.Empty() {
		t.Error("an empty level has a value")
	}
	if _, ok := day.Deadline(&l); ok {
		t.Error("an empty level has a deadline")
	}
	day.Add(&l, 0, 5)
	day.Add(&l, -7, 5)
	if !l.Empty() {
		t.Error("no score has been added")
	}
	day.Add(&l, 80, 0)
	for _, tt := range []struct {
		hours int64
		want  float64
	}{{0, 80}, {24, 40}, {48, 20}, {72, 10}, {12, 80 / math.Sqrt2}, {36, 40 / math.Sqrt2}} {
		if got := day.Value(&l, tt.hours*hour); math.Abs(got-tt.want) > 1e-13 {
			t.Errorf("after %d h: %v, want %v", tt.hours, got, tt.want)
		}
	}
	day.Add(&l, 10, 24*hour)
	if got := day.Value(&l, 48*hour); got != 25 {
		t.Errorf("with 10 more: %v, want 25", got)
	}
	day.Add(&l, 500, 24*hour) // counts as 100
	if got := day.Value(&l, 24*hour); got != 150 {
		t.Errorf("with the most: %v, want 150", got)
	}
	day.Add(&l, 40, 0) // late: 20 by now
	if got := day.Value(&l, 24*hour); got != 170 {
		t.Errorf("with a late one: %v, want 170", got)
	}
}

func TestRiskEnds(t *testing.T) {
	for _, tt := range []struct {
		score int
		lives int64
	}{{1, 9}, {2, 10}, {3, 10}, {4, 11}, {64, 15}, {100, 15}} {
		var l Level
		day.Add(&l, tt.score, 7)
		end, ok := day.Deadline(&l)
		if want := 7 + tt.lives*24*hour; !ok || end != want {
			t.Errorf("%d ends %d, want %d", tt.score, end, want)
		}
		before, at := day.Value(&l, end-1), math.Ldexp(float64(tt.score), int(-tt.lives))
		if !(before > 1./512) || at >= 1./256 || at < 1./512 {
			t.Errorf("%d: %v just before the end, %v would be left", tt.score, before, at)
		}
		if got := day.Value(&l, end); got != 0 {
			t.Errorf("%d: %v is left", tt.score, got)
		}
		var fresh Level
		day.Add(&l, 50, end)
		day.Add(&fresh, 50, end)
		if l != fresh {
			t.Errorf("%d: what had ended counts: %v, want %v", tt.score, l, fresh)
		}
	}
	for _, r := range []Risk{{HalfLife: math.MaxInt64}, {HalfLife: math.MaxInt64 / 4}, day} {
		var l Level
		r.Add(&l, 50, math.MaxInt64-5)
		if end, ok := r.Deadline(&l); !ok || end != math.MaxInt64 {
			t.Errorf("half-life %s: ends %d, want never", r.HalfLife, end)
		}
	}
}

// The whole range of times is more than an int64 of nanoseconds.
func TestRiskFar(t *testing.T) {
	r := Risk{HalfLife: 100 * 365 * 24 * time.Hour}
	var l Level
	r.Add(&l, 64, math.MinInt64)
	if got := half(64, age(math.MinInt64, math.MaxInt64), r.HalfLife); math.Abs(got-64*math.Pow(0.5, 584.942/100)) > 0.1 {
		t.Errorf("after 584 years: %v", got)
	}
	if got := half(64, math.MaxUint64, 1); got != 0 {
		t.Errorf("after an age: %v", got)
	}
}

// fade is checked against a power of many bits.
func TestFade(t *testing.T) {
	if fade(0) != 1 || fade(1) != 0.5 {
		t.Errorf("fade(0) = %v, fade(1) = %v", fade(0), fade(1))
	}
	worst := 0.0
	const steps = 4096
	root := new(big.Float).SetPrec(300).SetFloat64(0.5) // 0.5^(1/4096), by twelve square roots
	for range 12 {
		root.Sqrt(root)
	}
	want := new(big.Float).SetPrec(300).SetInt64(1)
	for i := range steps {
		got := fade(float64(i) / steps)
		off := new(big.Float).SetPrec(300).SetFloat64(got)
		off.Quo(off.Sub(off, want), want)
		share, _ := off.Float64()
		worst = max(worst, math.Abs(share)*(1<<52))
		want.Mul(want, root)
	}
	if worst > 2 {
		t.Errorf("off by %.2f units in the last place", worst)
	}
}

// The bits must be these on every machine.
func TestFadeBits(t *testing.T) {
	for _, tt := range []struct {
		part float64
		bits uint64
	}{
		{0.1, 0x3feddb680117ab12},
		{0.2, 0x3febdb8cdadbe120},
		{1.0 / 3, 0x3fe965fea53d6e3d},
		{0.5, 0x3fe6a09e667f3bcc},
		{0.51, 0x3fe6789b30a5458f},
		{0.7, 0x3fe3b2c47bff8329},
		{0.75, 0x3fe306fe0a31b715},
		{0.9, 0x3fe125fbee250664},
		{0.999999, 0x3fe00000ba10ba62},
	} {
		if got := math.Float64bits(fade(tt.part)); got != tt.bits {
			t.Errorf("fade(%v) = %#x, want %#x", tt.part, got, tt.bits)
		}
	}
	r, l := Risk{HalfLife: 7 * 24 * time.Hour}, Level{}
	for i := range int64(1000) {
		r.Add(&l, int(i%100), i*i*1_234_567_891)
	}
	if got := math.Float64bits(r.Value(&l, 1_000_000*1_234_567_891)); got != 0x40d54d4873b18213 {
		t.Errorf("after a thousand additions %#x", got)
	}
}

// brute is a risk worked out in many bits from all additions since it last ended.
type brute struct {
	life   int64
	scores []int
	times  []int64
}

func (b *brute) value(t int64) *big.Float {
	sum := new(big.Float).SetPrec(200)
	for i, s := range b.scores {
		x := power(uint64(t-b.times[i]), uint64(b.life))
		sum.Add(sum, x.Mul(x, new(big.Float).SetPrec(200).SetInt64(int64(s))))
	}
	return sum
}

// power is 0.5^(age/life): a square root for each binary digit of the exponent.
func power(age, life uint64) *big.Float {
	x := new(big.Float).SetPrec(200).SetMantExp(big.NewFloat(1), -int(age/life))
	root := new(big.Float).SetPrec(200).SetFloat64(0.5)
	for rest, digit := age%life, 0; rest != 0 && digit < 64; digit++ {
		root.Sqrt(root)
		if rest *= 2; rest >= life {
			rest -= life
			x.Mul(x, root)
		}
	}
	return x
}

// The value is that of the definition, however often it is read, in whatever order the
// scores of a moment are added, and through bytes and drops.
func TestRiskProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Risk{HalfLife: time.Duration(rapid.Int64Range(1, 30*24*hour).Draw(t, "half-life"))}
		life := int64(r.HalfLife)
		model := brute{life: life}
		var l, twin Level
		now := rapid.Int64Range(-1e18, 1e18).Draw(t, "start")
		for range rapid.IntRange(1, 12).Draw(t, "moments") {
			now += rapid.OneOf(rapid.Int64Range(1, 3*life), rapid.Int64Range(1, 20*life), rapid.SampledFrom([]int64{1, life, 9 * life, 15 * life})).Draw(t, "step")
			if end, ok := r.Deadline(&l); ok && now >= end && len(model.scores) > 0 {
				left, _ := model.value(end).Float64()
				if left >= 1./256*(1+1e-12) || left < 1./512*(1-1e-12) {
					t.Fatalf("ended at %v", left)
				}
				model.scores, model.times = nil, nil
				twin = Level{} // dropped
			}
			scores := rapid.SliceOfN(rapid.IntRange(0, 100), 0, 4).Draw(t, "scores")
			for _, s := range scores {
				r.Add(&l, s, now)
			}
			for _, s := range rapid.Permutation(scores).Draw(t, "order") {
				r.Add(&twin, s, now)
				r.Value(&twin, now+life/3)
			}
			for _, s := range scores {
				if s > 0 {
					model.scores, model.times = append(model.scores, s), append(model.times, now)
				}
			}
			written := twin.Append(nil)
			var rest []byte
			var err error
			if twin, rest, err = DecodeLevel(append(written, "rest"...)); err != nil || string(rest) != "rest" {
				t.Fatalf("%v, rest %q", err, rest)
			}
			if end, ok := r.Deadline(&l); ok && now < end && l != twin {
				t.Fatalf("%v in another order, read and written: %v", l, twin)
			}
			for _, later := range []int64{0, 1, life / 7, life, 5 * life} {
				got := r.Value(&l, now+later)
				end, ok := r.Deadline(&l)
				if !ok || now+later >= end {
					if got != 0 {
						t.Fatalf("%v after the end", got)
					}
					continue
				}
				want, _ := model.value(now + later).Float64()
				if math.Abs(got-want) > 1e-9*max(1, want) {
					t.Fatalf("%d later: %v, want %v", later, got, want)
				}
				if again := r.Value(&l, now+later); again != got || r.Value(&twin, now+later) != got {
					t.Fatalf("read again: %v, want %v", again, got)
				}
			}
		}
	})
}

// A hundred thousand additions leave it exact to a share of 1e-9.
func TestRiskMany(t *testing.T) {
	r := Risk{HalfLife: time.Hour}
	var l Level
	step := 7 * int64(time.Second)
	const n = 100_000
	for i := range int64(n) {
		r.Add(&l, 1, i*step)
	}
	// A geometric series: Σ q^i = (1 − q^n)/(1 − q).
	one, q := big.NewFloat(1).SetPrec(200), power(uint64(step), uint64(hour))
	want := new(big.Float).SetPrec(200).Quo(new(big.Float).Sub(one, power(n*uint64(step), uint64(hour))), new(big.Float).Sub(one, q))
	w, _ := want.Float64()
	if got := r.Value(&l, (n-1)*step); math.Abs(got-w) > 1e-9*w {
		t.Errorf("%v, want %v", got, w)
	}
}

func TestDecodeLevelRefuses(t *testing.T) {
	var l Level
	day.Add(&l, 80, 5)
	day.Add(&l, 3, hour)
	whole := l.Append(nil)
	for n := range whole {
		if _, _, err := DecodeLevel(whole[:n]); err == nil {
			t.Errorf("the first %d of %d bytes are taken for a level", n, len(whole))
		}
	}
	bits := func(f float64) []byte { return (&Level{base: f}).Append(nil)[2:] }
	for name, b := range map[string][]byte{
		"NaN":             append([]byte{2, 1}, bits(math.NaN())...),
		"infinite":        append([]byte{2, 1}, bits(math.Inf(1))...),
		"negative":        append([]byte{2, 1}, bits(-1)...),
		"-0":              append([]byte{2, 1}, bits(math.Copysign(0, -1))...),
		"none at moment":  append([]byte{2, 0}, bits(0)...),
		"a longer number": append([]byte{0x82, 0, 1}, bits(1)...),
		"too much":        append([]byte{2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, bits(1)...),
	} {
		if _, _, err := DecodeLevel(b); err == nil {
			t.Errorf("%s: taken for a level", name)
		}
	}
}

// Whatever the bytes, DecodeLevel gives an error or a Level that works and is written
// as it was read.
func FuzzDecodeLevel(f *testing.F) {
	var l Level
	f.Add(l.Append(nil))
	day.Add(&l, 80, 5)
	f.Add(l.Append(nil))
	day.Add(&l, 80, hour)
	f.Add(l.Append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, rest, err := DecodeLevel(data)
		if err != nil {
			return
		}
		if again := l.Append(nil); !bytes.Equal(again, data[:len(data)-len(rest)]) {
			t.Fatalf("%x is written as %x", data, again)
		}
		if l.at < -1<<62 || l.at > 1<<62 {
			return // beyond all times
		}
		day.Add(&l, 1, l.at)
		day.Add(&l, 1, l.at-1)
		if v := day.Value(&l, l.at); !(v >= 1) || math.IsInf(v, 0) {
			t.Fatalf("%x has the value %v", data, v)
		}
	})
}

func BenchmarkRiskValue(b *testing.B) {
	var l Level
	day.Add(&l, 80, 5)
	t := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		day.Value(&l, t)
		t += int64(time.Minute)
		if t > 24*hour {
			t = 0
		}
	}
}

func BenchmarkRiskAdd(b *testing.B) {
	var l Level
	t := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		day.Add(&l, 25, t)
		t += int64(time.Second)
	}
}
