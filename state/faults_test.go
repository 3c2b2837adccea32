package state

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weir/alerts"
	"weir/cep"
)

// TestListDamaged: one of a hundred stored alerts is damaged, and one of two versions of
// another. A page comes with all others, and says which cannot be read.
func TestListDamaged(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Options{})
	var list []cep.Alert
	for n := range 100 {
		list = append(list, alertOf(ruleOf("one"), n, 1, cep.MatchAlert))
	}
	c := commitOf(cep.Position{Incarnation: 1, Sequence: 1}, list...)
	commit(t, s, c)
	again := list[50]
	again.Version, again.Kind = 2, cep.RetractedAlert
	second := commitOf(cep.Position{Incarnation: 1, Sequence: 2}, again)
	commit(t, s, second)
	s.Close()
	name := filepath.Join(dir, alertsName)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range [][]byte{c.Lines[20], second.Lines[0]} {
		at := bytes.LastIndex(data, line)
		if at < 0 {
			t.Fatal("not found in the file")
		}
		for n := at; n >= 0; n = bytes.Index(data, line) { // older pages may have it too
			data[n+len(line)/2] ^= 4
		}
	}
	write(t, name, data)
	s = opened(t, dir, Options{})
	got, next, err := s.List(alerts.Filter{}, 1000, "")
	if err != nil || next != "" || len(got) != 101 {
		t.Fatalf("%d items, next %q, %v", len(got), next, err)
	}
	var faults []string
	for i := range got {
		if got[i].Fault != "" {
			faults = append(faults, fmt.Sprintf("%d %s", got[i].Order, got[i].ID))
			if text := string(got[i].AppendJSON(nil)); !strings.Contains(text, `"error":"a stored version cannot be read, items `) {
				t.Error(text)
			}
		}
	}
	// The last one stored, the alert of which it is the latest version, and the other one.
	if want := []string{"101 ", "51 " + list[50].ID, "21 "}; !slices.Equal(faults, want) {
		t.Errorf("cannot be read: %q, expected %q", faults, want)
	}
	if n := s.Unreadable(); n != 2 {
		t.Errorf("%d versions are counted", n)
	}
	versions, err := s.Get(list[50].ID)
	if err != nil || len(versions) != 2 || versions[0].Fault != "" || versions[1].Fault == "" || versions[1].ID != list[50].ID {
		t.Errorf("versions %+v, %v", versions, err)
	}
	if faults := s.Check(); len(faults) == 0 {
		t.Error("Check finds nothing")
	}
}

// TestNoFile: what is no file of bbolt at all is damaged, and the error says what to do.
func TestNoFile(t *testing.T) {
	for _, name := range []string{alertsName, stateName} {
		for what, spoil := range map[string]func(path string) error{
			"its end was cut off": func(path string) error { return os.Truncate(path, 4096) },
			"it is a directory": func(path string) error {
				return errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
			},
			"it is empty": func(path string) error { return os.Truncate(path, 0) },
		} {
			dir := t.TempDir()
			s := opened(t, dir, Options{})
			save(t, s, checkpointOf(1, 100))
			s.Close()
			if err := spoil(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			s, err := Open(dir, Options{})
			if err == nil {
				s.Close()
			}
			then := map[string]string{alertsName: "restore it from a backup, with the files", stateName: "move it away: it is made anew from the log, if"}[name]
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), then) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
