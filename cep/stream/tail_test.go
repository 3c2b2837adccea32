package stream

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestIndex checks when the server's index is believed: after a Close, and if the blocks
// are as long as they were then.
func TestIndex(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Options{Dir: dir})
	appendTo(t, l, events("{}\n"))
	shut(t, l)
	there := func(dir string) bool {
		t.Helper()
		if err := checkIndex(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, closedMark)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the mark is still there: %v", err)
		}
		_, err := os.Stat(filepath.Join(blockDir(dir), indexFile))
		return err == nil
	}
	whole := copyDir(t, dir)
	if !there(whole) {
		t.Error("the index of a closed log is gone")
	}
	if there(whole) {
		t.Error("the index of a log that was opened since is believed")
	}
	longer := copyDir(t, dir)
	if err := os.Truncate(blockFiles(t, longer)[0], 1000); err != nil {
		t.Fatal(err)
	}
	if there(longer) {
		t.Error("the index of other blocks is believed")
	}
	if err := checkIndex(t.TempDir()); err != nil {
		t.Errorf("an empty directory: %v", err)
	}
}
