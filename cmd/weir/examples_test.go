package main

import (
	"path/filepath"
	"testing"

	"weir/rules"
)

// TestExamples: the rules of docs/examples load, each file by itself.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../docs/examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no examples", err)
	}
	for _, f := range files {
		if set, err := rules.Load([]string{f}); err != nil {
			t.Error(err)
		} else if len(set.Rules) == 0 {
			t.Errorf("%s has no rules", f)
		}
	}
}
