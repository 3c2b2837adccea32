package state

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"

	"weir/cep"
)

// TestNoSpace fills the disk: what is refused then changes nothing, and goes through when
// there is space again.
func TestNoSpace(t *testing.T) {
	if os.Getenv("WEIR_NO_MOUNT") == "1" {
		t.Log("not run: WEIR_NO_MOUNT=1 says that nothing can be mounted here")
		return
	}
	disk := t.TempDir()
	if err := syscall.Mount("weir-test", disk, "tmpfs", 0, "size=48m"); err != nil {
		t.Fatalf("a small disk cannot be mounted: %v; WEIR_NO_MOUNT=1 leaves this test out", err)
	}
	t.Cleanup(func() { syscall.Unmount(disk, syscall.MNT_DETACH) })
	s := opened(t, filepath.Join(disk, "data"), Options{})
	other := opened(t, t.TempDir(), Options{})
	list := crowd(3000)
	commits := []*cep.Commit{
		limited(commitOf(cep.Position{Incarnation: 1, Sequence: 1}, list[:500]...), 20),
		limited(commitOf(cep.Position{Incarnation: 1, Sequence: 2}, list[500:]...), 20),
	}
	points := []*cep.Checkpoint{checkpointOf(1, 5*chunkSize), checkpointOf(2, 30*chunkSize)}
	commit(t, s, commits[0])
	save(t, s, points[0])
	fill(t, filepath.Join(disk, "filler"))
	for range 3 {
		if err := s.Commit(commits[1]); !errors.Is(err, ErrNoSpace) {
			t.Fatalf("a commit on a full disk: %v", err)
		}
		if _, err := trySave(s, points[1]); !errors.Is(err, ErrNoSpace) {
			t.Fatalf("a checkpoint on a full disk: %v", err)
		}
	}
	if mark, err := s.Mark(); err != nil || mark != commits[0].Mark {
		t.Errorf("mark %v, %v", mark, err)
	}
	checkpointsAre(t, s, points[0])
	if err := os.Remove(filepath.Join(disk, "filler")); err != nil {
		t.Fatal(err)
	}
	commit(t, s, commits[1])
	save(t, s, points[1])
	checkpointsAre(t, s, points[1], points[0])
	for _, c := range commits {
		commit(t, other, c)
	}
	if got, want := kept(t, s), kept(t, other); got != want {
		t.Errorf("after the disk was full:\n%s\nwithout:\n%s", got, want)
	}
}

// checkpointsAre says which checkpoints there have to be, the newest first.
func checkpointsAre(t *testing.T, s *Store, want ...*cep.Checkpoint) {
	t.Helper()
	heads, err := s.Checkpoints()
	if err != nil || len(heads) != len(want) {
		t.Fatalf("%d checkpoints, %v; expected %d", len(heads), err, len(want))
	}
	for i, h := range heads {
		if got, err := s.Load(h); err != nil || !reflect.DeepEqual(got, want[i]) {
			t.Errorf("checkpoint %d: %v", h.Number, err)
		}
	}
}

// fill writes a file until there is no space.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4096} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
}
