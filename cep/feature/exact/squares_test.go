package exact

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// deviation is the population's standard deviation to 300 bits.
func deviation(in []float64) float64 {
	n := int64(len(in))
	sum, squares := new(big.Rat), new(big.Rat)
	for _, x := range in {
		r := new(big.Rat).SetFloat64(x)
		sum.Add(sum, r)
		squares.Add(squares, r.Mul(r, r))
	}
	squares.Mul(squares, big.NewRat(n, 1))
	squares.Sub(squares, sum.Mul(sum, sum))
	squares.Quo(squares, big.NewRat(n*n, 1))
	f := new(big.Float).SetPrec(300).SetRat(squares)
	d, _ := f.Sqrt(f).Float64()
	return d
}

func TestDeviation(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 1500 {
		var sum Sum
		var squares Squares
		var in []float64
		kind := r.IntN(5)
		mean := 0.0
		if kind < 2 && r.IntN(2) == 0 {
			mean = math.Pow(10, float64(r.IntN(13)))
		}
		for range 1 + r.IntN(20) {
			if len(in) > 1 && r.IntN(3) == 0 {
				i := r.IntN(len(in))
				sum.Remove(in[i])
				squares.Remove(in[i])
				in = append(in[:i], in[i+1:]...)
			} else {
				x := draw(r, kind) + mean
				sum.Add(x)
				squares.Add(x)
				in = append(in, x)
			}
			want := deviation(in)
			if got := Deviation(len(in), &sum, &squares); math.Abs(got-want) > 1e-14*want {
				t.Fatalf("deviation of %v is %v, want %v", in, got, want)
			}
		}
	}
}

// TestUnmerge adds and takes out sums of sums: what is left is that of what is left.
func TestUnmerge(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 1000 {
		var sum Sum
		var squares Squares
		var parts [][]float64
		kind := r.IntN(5)
		of := func(in []float64) (Sum, Squares) {
			var s Sum
			var q Squares
			for _, x := range in {
				s.Add(x)
				q.Add(x)
			}
			return s, q
		}
		for range 1 + r.IntN(10) {
			var in []float64
			for range 1 + r.IntN(5) {
				in = append(in, draw(r, kind))
			}
			s, q := of(in)
			sum.Merge(&s)
			squares.Merge(&q)
			parts = append(parts, in)
			if r.IntN(2) == 0 && len(parts) > 1 {
				s, q := of(parts[0])
				sum.Unmerge(&s)
				squares.Unmerge(&q)
				parts = parts[1:]
			}
		}
		var all []float64
		for _, in := range parts {
			all = append(all, in...)
		}
		s, q := of(all)
		if sum.whole().Cmp(s.whole()) != 0 || squares.whole().Cmp(q.whole()) != 0 {
			t.Fatalf("the sums of %v differ after merging", all)
		}
		hi, lo, wide := sum.Parts()
		if again, ok := SumOf(hi, lo, wide); !ok || again.Float64() != s.Float64() {
			t.Fatalf("the parts of the sum of %v make another", all)
		}
	}
}

func BenchmarkDeviation(b *testing.B) {
	var s Sum
	var q Squares
	for i := range b.N {
		x := float64(i&1023) * 1.01
		s.Add(x)
		q.Add(x)
		if Deviation(i+1, &s, &q) < 0 {
			b.Fatal()
		}
	}
}
