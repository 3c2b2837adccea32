package state

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"weir/alerts"
	"weir/cep"
)

// change is what stepping a record has changed.
func change(sequence uint64, id string) cep.Audited {
	return cep.Audited{Audit: cep.Audit{Author: "ann", What: "list.entry.put", ID: id}, Sequence: sequence, Appended: at + int64(sequence)}
}

// audit stores the changes of a commit.
func audit(t *testing.T, s *Store, p cep.Position, list ...cep.Audited) {
	t.Helper()
	if err := s.Commit(&cep.Commit{Mark: cep.Mark{Position: p}, Effects: &cep.Effects{Audited: list}}); err != nil {
		t.Fatal(err)
	}
}

// ids are those of all entries, the oldest first.
func ids(t *testing.T, s *Store) string {
	t.Helper()
	list, next, err := s.Audit(alerts.AuditFilter{}, 1000, 0)
	if err != nil || next != 0 {
		t.Fatal(next, err)
	}
	var all []string
	for _, e := range list {
		all = append([]string{e.ID}, all...)
	}
	return strings.Join(all, " ")
}

// TestAuditOnce stores the changes of records once, also where the log has lost its end behind
// them and they come again.
func TestAuditOnce(t *testing.T) {
	s := opened(t, t.TempDir(), Options{})
	audit(t, s, cep.Position{Incarnation: 1, Sequence: 4}, change(2, "a"), change(4, "b"))
	audit(t, s, cep.Position{Incarnation: 1, Sequence: 9}, change(9, "lost"))
	if _, err := s.Lost(cep.Loss{After: 6, Until: 9}, 0, cep.Mark{Position: cep.Position{Incarnation: 2, Sequence: 1}}); err != nil {
		t.Fatal(err)
	}
	audit(t, s, cep.Position{Incarnation: 2, Sequence: 6}, change(2, "a"), change(4, "b"))
	audit(t, s, cep.Position{Incarnation: 2, Sequence: 9}, change(9, "other"))
	if n, err := s.AckLosses(cep.Audit{Author: "bob", Reason: "power"}, at); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	audit(t, s, cep.Position{Incarnation: 2, Sequence: 10}, change(10, "last"))
	if got := ids(t, s); got != "a b lost other  last" {
		t.Errorf("%q", got)
	}
	for _, err := range s.Check() {
		t.Error(err)
	}
	for p, want := range map[cep.Position]string{{Incarnation: 1, Sequence: 9}: "lost", {Incarnation: 2, Sequence: 9}: "other", {Incarnation: 2, Sequence: 10}: "last", {Incarnation: 2, Sequence: 8}: "", {Incarnation: 2, Sequence: 11}: ""} {
		if e, ok, err := s.AuditedAt(p); err != nil || ok != (want != "") || e.ID != want {
			t.Errorf("%v: %q %t %v", p, e.ID, ok, err)
		}
	}
	list, next, err := s.Audit(alerts.AuditFilter{What: "losses"}, 1, 0)
	if err != nil || len(list) != 1 || list[0].Author != "bob" || list[0].PositionText() != "" || next != 5 {
		t.Errorf("%+v %d %v", list, next, err)
	}
	if list, next, err = s.Audit(alerts.AuditFilter{Author: "ann"}, 2, 5); err != nil || len(list) != 2 || list[0].ID != "other" || next != 3 {
		t.Errorf("%+v %d %v", list, next, err)
	}
	if list, next, err = s.Audit(alerts.AuditFilter{From: at + 4, To: at + 5}, 10, 0); err != nil || len(list) != 1 || list[0].ID != "b" || next != 0 {
		t.Errorf("%+v %d %v", list, next, err)
	}
}

// TestAuditChain finds whatever was changed in the chain, though each value has its checksum.
func TestAuditChain(t *testing.T) {
	for name, spoil := range map[string]func(b *bbolt.Bucket) error{
		"taken out": func(b *bbolt.Bucket) error { return b.Delete(number(2)) },
		"changed": func(b *bbolt.Bucket) error {
			key := number(2)
			value := append([]byte(nil), b.Get(key)...)
			i := strings.Index(string(value), "ann")
			copy(value[i:], "eve")
			return b.Put(key, seal(key, value[:len(value)-4]))
		},
		"exchanged": func(b *bbolt.Bucket) error {
			one, two := append([]byte(nil), b.Get(number(1))...), append([]byte(nil), b.Get(number(2))...)
			return errors.Join(b.Put(number(1), seal(number(1), two[:len(two)-4])), b.Put(number(2), seal(number(2), one[:len(one)-4])))
		},
	} {
		s := opened(t, t.TempDir(), Options{})
		audit(t, s, cep.Position{Incarnation: 1, Sequence: 4}, change(2, "a"), change(3, "b"), change(4, "c"))
		if err := s.alerts.update(func(tx *bbolt.Tx) error { return spoil(tx.Bucket([]byte(auditBucket))) }); err != nil {
			t.Fatal(err)
		}
		faults := s.Check()
		if len(faults) != 1 || !errors.Is(faults[0], ErrDamaged) || !strings.Contains(faults[0].Error(), "audit") {
			t.Errorf("%s: %v", name, faults)
		}
	}
}

// TestFormatOne opens a file of alerts of the format that had no audit log.
func TestFormatOne(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Options{})
	home := s.Home()
	audit(t, s, cep.Position{Incarnation: 1, Sequence: 4})
	s.Close()
	path := filepath.Join(dir, alertsName)
	without(t, path, auditBucket)
	headed(t, path, alertsKind.magic, 1, home)
	for range 2 {
		s = opened(t, dir, Options{})
		mark, err := s.Mark()
		if err != nil || mark.Position.Sequence != 4 || s.Home() != home {
			t.Errorf("%+v, %v", mark, err)
		}
		s.Close()
	}
	s = opened(t, dir, Options{})
	audit(t, s, cep.Position{Incarnation: 1, Sequence: 5}, change(5, "a"))
	if got := ids(t, s); got != "a" {
		t.Errorf("%q", got)
	}
}
