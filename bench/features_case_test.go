package bench

import "testing"

// TestVelocities compares what ten rules find by ten features with what is counted
// without them.
func TestVelocities(t *testing.T) {
	set := compile(t, Velocity())
	for _, exponent := range []float64{0, 1.1} {
		s := NewSwipes(60_000, 6_000, exponent)
		want := Velocities(s)
		if want < 50 {
			t.Fatalf("only %d matches are to be found: the stream is no test", want)
		}
		if got := throughJSON(t, set, s); got.alerts != want {
			t.Errorf("JSON: got %d alerts, want %d", got.alerts, want)
		}
		if got := through(t, set, s); got.alerts != want {
			t.Errorf("decoded: got %d alerts, want %d", got.alerts, want)
		}
	}
}
