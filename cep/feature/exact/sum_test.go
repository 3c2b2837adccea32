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
