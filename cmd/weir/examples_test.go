package main

import (
	"path/filepath"
	"testing"

	"weir/rules"
)

// TestExamples: the rules of docs/examples and bench/rules load, each file by
// itself.
func TestExamples(t *testing.T) {
	var files []string
	for _, folder := range []string{"../../docs/examples", "../../bench/rules"} {
		some, err := filepath.Glob(folder + "/*.yaml")
		if err != nil || len(some) == 0 {
			t.Fatal("no rules in ", folder, err)
		}
		files = append(files, some...)
	}
	for _, f := range files {
		if set, err := rules.Load([]string{f}); err != nil {
			t.Error(err)
		} else if len(set.Rules) == 0 {
			t.Errorf("%s has no rules", f)
		}
	}
}
