package state

import (
	"encoding/binary"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"weir/alerts"
	"weir/cep"
	"weir/cep/wire"
)

// strayBuckets are by alerts.StrayKind.
var strayBuckets = [alerts.StrayKinds]string{"late", "rejected", "conflicts", "refused"}

// mostRaw is how much is kept of the text of a stray.
const mostRaw = 16 << 10

// putStrays stores what was not matched: of each kind the latest.
func (w *writer) putStrays(e *cep.Effects) error {
	put := [alerts.StrayKinds]func(int) alerts.Stray{
		alerts.LateStray: func(i int) alerts.Stray {
			l := &e.Late[i]
			reason := fmt.Sprintf("%v older than lateness allows", time.Duration(l.Behind))
			return alerts.Stray{Source: l.Source, Line: l.Line, Reason: reason, Type: l.Sent, Raw: l.Raw}
		},
		alerts.RejectedStray: func(i int) alerts.Stray {
			r := &e.Rejected[i]
			return alerts.Stray{Source: r.Source, Line: r.Line, Column: r.Column, Reason: r.Reason, Type: r.Sent, Raw: r.Raw}
		},
		alerts.ConflictStray: func(i int) alerts.Stray {
			c := &e.Conflicts[i]
			reason := fmt.Sprintf("another event had this type and id, %d accepted ids before", c.Since)
			return alerts.Stray{Source: c.Source, Line: c.Line, Reason: reason, Type: c.Type, ID: c.ID, Raw: c.Raw}
		},
		alerts.RefusedStray: func(i int) alerts.Stray {
			r := &e.Refused[i]
			return alerts.Stray{Source: r.Source, Line: r.Line, Reason: r.Reason, Raw: r.Change.List}
		},
	}
	counts := [alerts.StrayKinds]int{len(e.Late), len(e.Rejected), len(e.Conflicts), len(e.Refused)}
	for kind, n := range counts {
		if err := w.putKind(alerts.StrayKind(kind), n, put[kind]); err != nil {
			return err
		}
	}
	return nil
}

// putKind stores n strays of a kind.
func (w *writer) putKind(kind alerts.StrayKind, n int, get func(int) alerts.Stray) error {
	if n == 0 {
		return nil
	}
	b := w.tx.Bucket([]byte(strayBuckets[kind]))
	b.FillPercent = 1
	first := b.Sequence() + 1
	if err := b.SetSequence(first + uint64(n) - 1); err != nil {
		return err
	}
	for i := max(0, n-w.strays); i < n; i++ {
		s := get(i)
		var out wire.Writer
		writePosition(&out, w.position)
		out.Uint(uint64(s.Source))
		out.Uint(uint64(s.Line))
		out.Uint(uint64(s.Column))
		out.Text(s.Reason)
		out.Text(s.Type)
		out.Text(s.ID)
		out.Text(s.Raw[:min(len(s.Raw), mostRaw)])
		out.Uint(uint64(len(s.Raw)))
		out.Int(w.now)
		key := number(first + uint64(i))
		if err := b.Put(key, seal(key, out.B)); err != nil {
			return err
		}
	}
	return trim(b, uint64(w.strays))
}

// Strays lists the latest events of a kind that were not matched, the last one first, at
// most limit, and how many there have been. before is a Number: those before it are given;
// 0: all. Of each kind the latest 10,000 are kept (Options.Strays), of each the first 16 KB.
func (s *Store) Strays(kind alerts.StrayKind, limit int, before uint64) (list []alerts.Stray, ever uint64, err error) {
	err = s.alerts.view(func(tx *bbolt.Tx) error {
		list = nil
		b := tx.Bucket([]byte(strayBuckets[kind]))
		ever = b.Sequence()
		if before == 0 {
			before = ever + 1
		}
		c := b.Cursor()
		for key, value := seekBefore(c, before); key != nil && len(list) < limit; key, value = c.Prev() {
			found, err := readStray(kind, key, value)
			if err != nil {
				return err
			}
			list = append(list, found)
		}
		return nil
	})
	return list, ever, err
}

// readStray reads what putKind stored.
func readStray(kind alerts.StrayKind, key, value []byte) (alerts.Stray, error) {
	r := unseal(key, value)
	found := alerts.Stray{
		Kind: kind, Position: readPosition(&r), Source: int(r.Uint()), Line: int(r.Uint()), Column: int(r.Uint()),
		Reason: r.Text(), Type: r.Text(), ID: r.Text(), Raw: r.Text(), Length: int(r.Uint()), DetectedAt: r.Int(),
	}
	if err := done(&r, strayBuckets[kind], key); err != nil {
		return found, err
	}
	found.Number = binary.BigEndian.Uint64(key)
	return found, nil
}
