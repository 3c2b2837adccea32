package exact

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func draw(r *rand.Rand, kind int) float64 {
	switch kind {
	case 0:
		return math.Round(r.Float64()*1e6) / 100
	case 1:
		return (r.Float64() - 0.5) * math.Pow(10, float64(r.IntN(20)-10))
	case 2:
		return (r.Float64() - 0.5) * math.Pow(10, float64(r.IntN(600)-300))
	case 3:
		return math.Float64frombits(r.Uint64N(100))
	}
	for {
		if x := math.Float64frombits(r.Uint64()); !math.IsNaN(x) && !math.IsInf(x, 0) {
			return x
		}
	}
}

func TestSum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 30000 {
		var s Sum
		exact := new(big.Rat)
		var in []float64
		kind := r.IntN(5)
		for range 1 + r.IntN(20) {
			if len(in) > 0 && r.IntN(3) == 0 {
				i := r.IntN(len(in))
				s.Remove(in[i])
				exact.Sub(exact, new(big.Rat).SetFloat64(in[i]))
				in = append(in[:i], in[i+1:]...)
			} else {
				x := draw(r, kind)
				s.Add(x)
				exact.Add(exact, new(big.Rat).SetFloat64(x))
				in = append(in, x)
			}
			if want, _ := exact.Float64(); s.Float64() != want {
				t.Fatalf("sum of %v is %v, want %v", in, s.Float64(), want)
			}
			n := int64(r.IntN(1<<r.IntN(30)) + 1)
			if want, _ := new(big.Rat).Quo(exact, big.NewRat(n, 1)).Float64(); s.Mean(int(n)) != want {
				t.Fatalf("mean of %v by %d is %v, want %v", in, n, s.Mean(int(n)), want)
			}
		}
	}
}

// TestAddTo adds to parts alone what a Sum adds; where it says that this does not go, a Sum
// does not fit the parts either.
func TestAddTo(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	refused := 0
	for range 3000 {
		var s Sum
		var parts [2]uint64
		kind := r.IntN(5)
		for range 1 + r.IntN(20) {
			x := draw(r, kind)
			if r.IntN(4) == 0 {
				x = math.Ldexp(x, 60)
			}
			if math.IsInf(x, 0) {
				continue
			}
			before := parts
			s.Add(x)
			if !AddTo(&parts, x) {
				if refused++; s.Fits() || parts != before {
					t.Fatalf("%v does not go to %x, which is %x now", x, before, parts)
				}
				break
			}
			if hi, lo, wide := s.Parts(); wide != nil || parts != [2]uint64{hi, lo} {
				t.Fatalf("%x and %v make %x, want %x %x", before, x, parts, hi, lo)
			}
			n := 1 + r.IntN(1000)
			if got, want := MeanOf(parts[0], parts[1], n), s.Mean(n); got != want {
				t.Fatalf("the mean of %x by %d is %v, want %v", parts, n, got, want)
			}
			if !AddTo(&parts, -x) || parts != before {
				t.Fatalf("%x with and without %v is %x", before, x, parts)
			}
			AddTo(&parts, x)
		}
	}
	if refused < 100 {
		t.Fatalf("only %d sums do not fit: the draw is no test", refused)
	}
}

func BenchmarkSum(b *testing.B) {
	var s Sum
	for i := range b.N {
		x := float64(i&1023) * 1.01
		s.Add(x)
		if s.Mean(i+1) < 0 {
			b.Fatal()
		}
	}
}
