package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// formatFile runs `weir fmt` on a file.
func formatFile(t *testing.T, path string) {
	t.Helper()
	var out, errs strings.Builder
	if code := execute([]string{"fmt", path}, &streams{strings.NewReader(""), &out, &errs}); code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
}

func stat(t *testing.T, path string) os.FileInfo {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// TestFmtReplaces checks what becomes of the file itself: another takes its place,
// with its permissions, and nothing is left beside it.
func TestFmtReplaces(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "r.yaml"), filepath.Join(dir, "link.yaml")
	if err := os.WriteFile(path, []byte("a:   1\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("r.yaml", link); err != nil {
		t.Fatal(err)
	}
	before := stat(t, path)

	formatFile(t, link)
	after := stat(t, path)
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "a: 1\n" {
		t.Errorf("the text is %q, %v", text, err)
	}
	if os.SameFile(before, after) {
		t.Error("the file was written over, not replaced")
	}
	if after.Mode() != before.Mode() {
		t.Errorf("the mode is %v, was %v", after.Mode(), before.Mode())
	}
	if stat(t, link).Mode()&os.ModeSymlink == 0 {
		t.Error("the link is a file now")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}

	formatFile(t, link)
	if again := stat(t, path); !os.SameFile(after, again) || !again.ModTime().Equal(after.ModTime()) {
		t.Error("a file in its canonical form was touched")
	}
}
