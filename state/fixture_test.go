package state

import (
	"fmt"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"weir/alerts"
	"weir/cep"
)

// at is a moment that tests begin at.
const at = int64(1_767_323_045_000_000_000)

// clock is a wall clock that tests set.
type clock struct{ now int64 }

func (c *clock) read() time.Time { return time.Unix(0, c.now) }

// opened opens a directory and closes it when the test ends.
func opened(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	if o.Now == nil {
		o.Now = (&clock{at}).read
	}
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func ruleOf(id string) *cep.Rule {
	return &cep.Rule{
		ID: id, Revision: 3, Tags: []string{"card", "new"}, Severity: "high", Action: "block",
		Key: cep.Key{Names: []string{"card_id"}},
	}
}

// alertOf is a version of an alert, n names it.
func alertOf(rule *cep.Rule, n, version int, kind cep.AlertKind) cep.Alert {
	return cep.Alert{
		ID: fmt.Sprintf("a_%024d", n), Version: version, Kind: kind, Rule: rule, Key: []string{fmt.Sprint("c", n%10)},
		Time: at + int64(n)*1e9, Score: n % 100, Message: fmt.Sprint("seen ", n),
	}
}

// commitOf is a commit up to a position.
func commitOf(p cep.Position, list ...cep.Alert) *cep.Commit {
	c := &cep.Commit{Mark: cep.Mark{Position: p, Sum: uint32(p.Sequence)}, Effects: &cep.Effects{Alerts: list}}
	c.Mark.Digest[0] = byte(p.Sequence)
	for i := range list {
		c.Lines = append(c.Lines, cep.AppendJSON(nil, &list[i]))
	}
	return c
}

func commit(t testing.TB, s *Store, c *cep.Commit) {
	t.Helper()
	if err := s.Commit(c); err != nil {
		t.Fatal(err)
	}
}

// pages reads a list to its end, so many items at a time, and gives what names them.
func pages(t *testing.T, s *Store, f alerts.Filter, limit int) (names []string) {
	t.Helper()
	for after := ""; ; {
		list, next, err := s.List(f, limit, after)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) > limit {
			t.Fatalf("%d items, at most %d were asked for", len(list), limit)
		}
		for i := range list {
			names = append(names, nameOf(&list[i]))
		}
		if after = next; next == "" {
			return names
		}
	}
}

// nameOf names a version of an alert of alertOf.
func nameOf(it *alerts.Item) string {
	var n int
	fmt.Sscanf(it.ID, "a_%d", &n)
	return fmt.Sprintf("%d.%d", n, it.Version)
}

// putKey puts a key without a value into a bucket of the alerts file.
func putKey(t *testing.T, s *Store, bucket string, key []byte) {
	t.Helper()
	if err := s.alerts.update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte(bucket)).Put(key, nil) }); err != nil {
		t.Fatal(err)
	}
}

// commitNotices stores n notices in one transaction.
func commitNotices(t *testing.T, s *Store, n int) {
	t.Helper()
	if err := s.alerts.update(func(tx *bbolt.Tx) error {
		for i := range n {
			if err := addNotice(tx, &alerts.Notice{Kind: alerts.Damaged, Text: fmt.Sprint(i)}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
