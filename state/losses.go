package state

import (
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"

	"weir/alerts"
	"weir/cep"
	"weir/cep/wire"
)

const lossesBucket = "losses"

// loss is a Loss and the items that came from it.
type loss struct {
	alerts.Loss
	first, last uint64 // items; last < first: none
}

// lost are all losses.
type lost []loss

// has says whether an item came from a part of the log that was lost.
func (l lost) has(order uint64) bool {
	for i := range l {
		if order >= l[i].first && order <= l[i].last {
			return true
		}
	}
	return false
}

func lostOf(tx *bbolt.Tx) (list lost, err error) {
	err = tx.Bucket([]byte(lossesBucket)).ForEach(func(key, value []byte) error {
		l, err := readLoss(key, value)
		list = append(list, l)
		return err
	})
	return list, err
}

func readLoss(key, value []byte) (loss, error) {
	r := unseal(key, value)
	var l loss
	if len(key) == 8 {
		l.Number = binary.BigEndian.Uint64(key)
	}
	l.At = r.Int()
	l.From, l.To = readPosition(&r), readPosition(&r)
	l.Records, l.Since, l.Until = r.Uint(), r.Int(), r.Int()
	l.first, l.last = r.Uint(), r.Uint()
	l.Alerts, l.Reason, l.AckedAt = r.Uint(), r.Text(), r.Int()
	return l, done(&r, lossesBucket, key)
}

func (l *loss) put(b *bbolt.Bucket) error {
	var w wire.Writer
	w.Int(l.At)
	writePosition(&w, l.From)
	writePosition(&w, l.To)
	w.Uint(l.Records)
	w.Int(l.Since)
	w.Int(l.Until)
	w.Uint(l.first)
	w.Uint(l.last)
	w.Uint(l.Alerts)
	w.Text(l.Reason)
	w.Int(l.AckedAt)
	key := number(l.Number)
	return b.Put(key, seal(key, w.B))
}

// Lost says that the end of the log was lost. The alerts that were committed with any
// record of it are unlogged from then on, the loss is written down, and the alerts go on
// from another mark, of a later incarnation; all in one transaction. since is the append
// time of the last record that is there, in nanoseconds since the epoch; 0: not known.
func (s *Store) Lost(gone cep.Loss, since int64, mark cep.Mark) (alerts.Loss, error) {
	var l loss
	err := s.alerts.update(func(tx *bbolt.Tx) error {
		was, err := readReached(tx)
		if err != nil {
			return err
		}
		is := was.mark.Position
		if gone.Until <= gone.After || mark.Position.Sequence > gone.After || mark.Position.Incarnation <= is.Incarnation {
			return fmt.Errorf("effects are stored up to %v: a loss of records %d to %d cannot put them on %v", is, gone.After+1, gone.Until, mark.Position)
		}
		b := tx.Bucket([]byte(lossesBucket))
		l = loss{Loss: alerts.Loss{At: s.now(), Records: gone.Until - gone.After, Since: since, Until: was.at}}
		l.From, l.To = is, is
		l.From.Sequence, l.To.Sequence = gone.After, gone.Until
		if l.Number, err = b.NextSequence(); err != nil {
			return err
		}
		before, err := lostOf(tx)
		if err != nil {
			return err
		}
		if err := l.find(tx.Bucket([]byte(itemsBucket)), before); err != nil {
			return err
		}
		if err := l.put(b); err != nil {
			return err
		}
		return writeReached(tx, reached{mark, was.at})
	})
	return l.Loss, err
}

// find finds the items that were committed after the place where the log ends: the last
// ones, as positions rise. Those that went with losses before do not count again.
func (l *loss) find(items *bbolt.Bucket, before lost) error {
	l.first, l.last = items.Sequence()+1, items.Sequence()
	c := items.Cursor()
	for key, value := c.Last(); key != nil; key, value = c.Prev() {
		it, err := readItem(key, value)
		if err != nil {
			return err
		}
		// An incarnation goes on below where the one before it ended: what is left of that
		// may be lost now.
		if it.Position.Sequence <= l.From.Sequence {
			return nil
		}
		if order := binary.BigEndian.Uint64(key); !before.has(order) {
			l.first = order
			l.Alerts++
		}
	}
	return nil
}

// Losses lists the parts of the log that were lost, the first one first. Those that were
// acknowledged go when alerts of their age do.
func (s *Store) Losses() (list []alerts.Loss, err error) {
	err = s.alerts.view(func(tx *bbolt.Tx) error {
		list = nil
		all, err := lostOf(tx)
		for i := range all {
			list = append(list, all[i].Loss)
		}
		return err
	})
	return list, err
}

// AckLosses says who knows of all losses that nobody has acknowledged, and why they may be, at
// a wall-clock time in nanoseconds since the epoch, and how many these were. What is done and
// to what is filled in.
func (s *Store) AckLosses(who cep.Audit, at int64) (n int, err error) {
	if at == 0 {
		return 0, fmt.Errorf("a loss is acknowledged at some time, not 0")
	}
	err = s.alerts.update(func(tx *bbolt.Tx) error {
		n = 0
		all, err := lostOf(tx)
		if err != nil {
			return err
		}
		for i := range all {
			if all[i].AckedAt != 0 {
				continue
			}
			all[i].Reason, all[i].AckedAt = who.Reason, at
			if err := all[i].put(tx.Bucket([]byte(lossesBucket))); err != nil {
				return err
			}
			n++
		}
		if n == 0 {
			return nil
		}
		who.What, who.ID, who.Before, who.After = "losses.ack", "", fmt.Sprintf("%d not acknowledged", n), "acknowledged"
		return s.auditChange(tx, &who)
	})
	return n, err
}
