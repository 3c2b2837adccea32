package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"weir/cep"
	"weir/cep/wire"
)

// TestOpenTwice refuses a directory that is open, and says who has it.
func TestOpenTwice(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Options{})
	_, err := Open(dir, Options{})
	if want := fmt.Sprintf("data directory %s is in use by another weir (pid %d)", dir, os.Getpid()); !errors.Is(err, ErrInUse) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := opened(t, dir, Options{}).Close(); err != nil {
		t.Errorf("after it was closed: %v", err)
	}
}

// TestOpenPrivate makes directories that nobody else may enter, and refuses others.
func TestOpenPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	opened(t, dir, Options{})
	for _, path := range []string{dir, filepath.Dir(dir)} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v, %v", path, info.Mode(), err)
		}
	}
	empty := t.TempDir()
	if err := os.Chmod(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	opened(t, empty, Options{})
	if info, err := os.Stat(empty); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("an empty directory has mode %v, %v", info.Mode(), err)
	}
	full := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(full, "x"), nil, 0o600), os.Chmod(full, 0o750)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(full, Options{}); err == nil || !strings.Contains(err.Error(), "chmod 700 "+full) {
		t.Errorf("a directory that others may enter: %v", err)
	}
	if _, err := Open(filepath.Join(full, "x"), Options{}); err == nil {
		t.Error("a file is taken for a directory")
	}
}

// headed writes other things into the head of a file.
func headed(t *testing.T, path, magic string, format uint64, home [16]byte) {
	t.Helper()
	db, err := bolt(path, false)
	if err != nil {
		t.Fatal(err)
	}
	var w wire.Writer
	w.B = append(w.B, magic...)
	w.Uint(format)
	w.B = append(w.B, home[:]...)
	err = db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(fileBucket)).Put([]byte(fileKey), seal([]byte(fileKey), w.B))
	})
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestOpenFormats refuses files of other formats and other directories, and says what to
// do about them.
func TestOpenFormats(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		do   func(path string, home [16]byte)
		kind error
		want string
	}{
		"a newer state":   {stateName, func(p string, home [16]byte) { headed(t, p, stateKind.magic, stateKind.format+1, home) }, ErrFormat, "of a newer weir"},
		"a newer alerts":  {alertsName, func(p string, home [16]byte) { headed(t, p, alertsKind.magic, 99, home) }, ErrFormat, "format 99, of a newer weir; this one reads format 2"},
		"format 0":        {stateName, func(p string, home [16]byte) { headed(t, p, stateKind.magic, 0, home) }, ErrFormat, "format 0, this weir reads format 2"},
		"an older state":  {stateName, func(p string, home [16]byte) { headed(t, p, stateKind.magic, 1, home) }, ErrFormat, "format 1, this weir reads format 2"},
		"the wrong file":  {stateName, func(p string, home [16]byte) { headed(t, p, alertsKind.magic, 1, home) }, ErrFormat, `expected "weir-sta"`},
		"another's":       {stateName, func(p string, _ [16]byte) { headed(t, p, stateKind.magic, stateKind.format, [16]byte{1}) }, ErrForeign, "move"},
		"an empty file":   {stateName, func(p string, _ [16]byte) { write(t, p, nil) }, ErrDamaged, "it is empty"},
		"a text":          {stateName, func(p string, _ [16]byte) { write(t, p, []byte(strings.Repeat("text\n", 10000))) }, ErrDamaged, "state.db"},
		"another bbolt":   {alertsName, func(p string, _ [16]byte) { foreign(t, p) }, ErrDamaged, "no file of weir"},
		"a missing space": {stateName, func(p string, _ [16]byte) { without(t, p, partsBucket) }, ErrDamaged, "bucket parts is not there"},
	} {
		dir := t.TempDir()
		s := opened(t, dir, Options{})
		home := s.Home()
		s.Close()
		c.do(filepath.Join(dir, c.file), home)
		_, err := Open(dir, Options{})
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), filepath.Join(dir, c.file)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// foreign puts a file of bbolt there that is another program's.
func foreign(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	db, err := bolt(path, false)
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func without(t *testing.T, path, bucket string) {
	t.Helper()
	db, err := bolt(path, false)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte(bucket)) })
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestOpenWithout makes a file anew that was taken away, of the same home.
func TestOpenWithout(t *testing.T) {
	for _, name := range []string{alertsName, stateName} {
		dir := t.TempDir()
		s := opened(t, dir, Options{})
		home := s.Home()
		commit(t, s, commitOf(cep.Position{Incarnation: 1, Sequence: 3}))
		save(t, s, checkpointOf(2, 10))
		s.Close()
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name+".new"), []byte("cut off while it was made"))
		s = opened(t, dir, Options{})
		mark, err := s.Mark()
		heads, err2 := s.Checkpoints()
		if s.Home() != home || errors.Join(err, err2) != nil || (mark.Position.Sequence == 3) != (name == stateName) || (len(heads) == 1) != (name == alertsName) {
			t.Errorf("without %s: home %x for %x, mark %v, %d checkpoints, %v, %v", name, s.Home(), home, mark, len(heads), err, err2)
		}
	}
}

// TestDropAfter deletes checkpoints of a lost tail.
func TestDropAfter(t *testing.T) {
	s := opened(t, t.TempDir(), Options{})
	for _, c := range []struct {
		after uint64
		want  int
	}{{30, 0}, {29, 1}, {9, 2}, {10, 1}} {
		save(t, s, checkpointOf(10, 25*chunkSize))
		save(t, s, checkpointOf(30, 100))
		n, err := s.DropAfter(c.after)
		heads, err2 := s.Checkpoints()
		if n != c.want || len(heads) != 2-n || errors.Join(err, err2) != nil {
			t.Errorf("after %d: %d dropped, %d left, %v, %v", c.after, n, len(heads), err, err2)
		}
		for _, h := range heads {
			if _, err := s.Load(h); err != nil || h.Mark.Position.Sequence > c.after {
				t.Errorf("after %d: %v is left, %v", c.after, h.Mark.Position, err)
			}
		}
	}
}

// TestRebase puts both files on another place.
func TestRebase(t *testing.T) {
	s := opened(t, t.TempDir(), Options{})
	commit(t, s, commitOf(cep.Position{Incarnation: 1, Sequence: 40}))
	save(t, s, checkpointOf(10, 100))
	newest := checkpointOf(30, 25*chunkSize)
	save(t, s, newest)
	to := cep.Mark{Position: cep.Position{Incarnation: 2, Sequence: 5}, Sum: 8}
	if err := s.Rebase(to, 3, cep.Audit{Author: "ann", Reason: "log restored"}); err != nil {
		t.Fatal(err)
	}
	heads, err := s.Checkpoints()
	if err != nil || len(heads) != 1 {
		t.Fatalf("%d checkpoints, %v", len(heads), err)
	}
	c, err := s.Load(heads[0])
	if err != nil || c.Mark != to || c.RulesAt != 3 || string(c.State) != string(newest.State) {
		t.Errorf("checkpoint as of %v, rules at %d, %v", c.Mark, c.RulesAt, err)
	}
	if mark, err := s.Mark(); err != nil || mark != to {
		t.Errorf("mark %v, %v", mark, err)
	}
	list, _, err := s.Notices()
	if err != nil || len(list) != 1 || !strings.Contains(list[0].Text, "go on at 2-5; alerts were stored up to 1-40: log restored") {
		t.Errorf("notices %v, %v", list, err)
	}
}
