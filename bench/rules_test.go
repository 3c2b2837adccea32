package bench

import (
	"path/filepath"
	"testing"

	"weir/rules"
)

// TestRules: the rules that `weir run` is timed with load, each file by itself.
func TestRules(t *testing.T) {
	paths, err := filepath.Glob("rules/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatal("no rules", err)
	}
	for _, path := range paths {
		if set, err := rules.Load([]string{path}); err != nil || len(set.Rules) == 0 {
			t.Errorf("%s: %v", path, err)
		}
	}
}
