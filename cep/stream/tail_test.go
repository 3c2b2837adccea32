package stream

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/cep"
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
		if err := checkFiles(Options{Dir: dir, Logger: slog.New(slog.DiscardHandler)}); err != nil {
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
	if err := checkFiles(Options{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Errorf("an empty directory: %v", err)
	}
}

// TestHole cuts a block in the middle of the log back, as a power cut may: the log then ends
// there, and goes on from there.
func TestHole(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Options{Dir: dir, Size: 16 << 20, Durability: Interval})
	appendTo(t, l, &cep.Packed{Kind: cep.PackedBoot})
	body := strings.Repeat("x", 64<<10) + "\n"
	for range 210 {
		appendTo(t, l, events(body))
	}
	if len(blockFiles(t, dir)) < 3 {
		t.Fatal("too few blocks")
	}
	crashed := copyDir(t, dir)
	n := len(blockFiles(t, crashed))
	for i := range n {
		for name, keep := range map[string]int64{"half": 2, "nothing": 0} {
			torn := copyDir(t, crashed)
			blocks, err := listBlocks(torn)
			if err != nil {
				t.Fatal(err)
			}
			b := blocks[i]
			info, err := os.Stat(b.path)
			if err != nil {
				t.Fatal(err)
			}
			size := int64(0)
			if keep > 0 {
				size = info.Size() / keep
			}
			if err := os.Truncate(b.path, size); err != nil {
				t.Fatal(err)
			}
			if err := b.read(); err != nil {
				t.Fatal(err)
			}
			l := open(t, Options{Dir: torn, Size: 16 << 20, Durability: Interval})
			got := all(t, l, 0)
			for j, r := range got {
				if r.Sequence != uint64(j+1) {
					t.Fatalf("%s of block %d: record %d stands at %d", name, i, r.Sequence, j)
				}
			}
			if b.last > 0 && uint64(len(got)) != b.last {
				t.Errorf("%s of block %d: the log ends at %d, the block at %d", name, i, len(got), b.last)
			}
			if len(got) >= 211 {
				t.Errorf("%s of block %d: nothing is lost", name, i)
			}
			if next := appendTo(t, l, events("{}\n")); next != uint64(len(got)+1) {
				t.Errorf("%s of block %d: %d follows %d", name, i, next, len(got))
			}
			shut(t, l)
		}
	}

	// What Release has dropped is no hole.
	last, err := l.Last(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Release(within(t), last-2); err != nil {
		t.Fatal(err)
	}
	want := all(t, l, 0)
	if len(want) > 170 || want[0].Sequence != 1 {
		t.Fatalf("%d records from %d after the release", len(want), want[0].Sequence)
	}
	again := open(t, Options{Dir: copyDir(t, dir), Size: 16 << 20, Durability: Interval})
	got := all(t, again, 0)
	if len(got) != len(want) || got[len(got)-1].Sequence != last {
		t.Errorf("%d records up to %d, expected %d up to %d", len(got), got[len(got)-1].Sequence, len(want), last)
	}
}
