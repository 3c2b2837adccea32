package trace

import "testing"

func TestDurationText(t *testing.T) {
	const second = int64(1e9)
	for ns, want := range map[int64]string{
		0: "0s", 1: "1ns", 1500: "1µs 500ns", 90 * second: "1m 30s", 86400 * second: "1d", 90000 * second: "1d 1h",
		3661 * second: "1h1m1s", 599998500000: "9m59.9985s", -90 * second: "-1m30s",
	} {
		if got := durationText(ns); got != want {
			t.Errorf("%d: %s, want %s", ns, got, want)
		}
	}
}
