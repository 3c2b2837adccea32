package cep

import (
	"errors"
	"sync"
	"testing"
)

// TestFaultCount checks that the count and the sample are the same whatever
// goroutine comes first.
func TestFaultCount(t *testing.T) {
	var none *FaultCount
	if n, sample := none.Snapshot(); n != 0 || sample != "" {
		t.Errorf("nil: %d, %q", n, sample)
	}
	for range 20 {
		var c FaultCount
		var all sync.WaitGroup
		for _, text := range []string{"b", "a", "c", "a"} {
			all.Go(func() {
				for range 100 {
					c.Add(errors.New(text))
				}
			})
		}
		all.Wait()
		if n, sample := c.Snapshot(); n != 400 || sample != "a" {
			t.Fatalf("%d, %q", n, sample)
		}
	}
}
