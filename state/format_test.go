package state

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestFormatNames holds that FORMAT.md has each bucket.
func TestFormatNames(t *testing.T) {
	text, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, bucket := range slices.Concat([]string{fileBucket}, alertsKind.buckets, stateKind.buckets) {
		if !strings.Contains(string(text), "`"+bucket+"`") {
			t.Errorf("FORMAT.md has no bucket %s", bucket)
		}
	}
}
