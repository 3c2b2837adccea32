package main

import "testing"

// TestGrowth: the memory may grow by more than Go's own share while what comes of it is
// less than half of the machine's, and by never less than that.
func TestGrowth(t *testing.T) {
	const gb = 1 << 30
	for _, test := range []struct {
		used, machine uint64
		want          int
	}{
		{0, 16 * gb, 200},
		{2 * gb, 16 * gb, 200},
		{3 * gb, 16 * gb, 160}, // 8 GB
		{4 * gb, 16 * gb, 100},
		{7 * gb, 16 * gb, 100},
		{20 * gb, 16 * gb, 100},
		{gb, 0, 100},
	} {
		if got := growth(test.used, test.machine); got != test.want {
			t.Errorf("%d bytes in use of %d: %d percent, want %d", test.used, test.machine, got, test.want)
		}
	}
	if machineMemory() > 0 && machineMemory() < 64<<20 {
		t.Errorf("the machine has %d bytes of memory", machineMemory())
	}
}
