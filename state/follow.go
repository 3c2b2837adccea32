package state

import (
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"

	"weir/alerts"
)

// After lists versions of alerts in the order of storing, from the first one after a place
// on: at most most, and no more of them once their lines have bytes bytes. Those that were
// deleted by age are passed over, and those that cannot be read, which Unreadable counts.
func (s *Store) After(order uint64, most, bytes int) (list []alerts.Placed, err error) {
	err = s.alerts.view(func(tx *bbolt.Tx) error {
		list = nil
		lost, err := lostOf(tx)
		if err != nil {
			return err
		}
		size := 0
		c := tx.Bucket([]byte(itemsBucket)).Cursor()
		for key, value := seekAfter(c, order); key != nil && len(list) < most && size < bytes; key, value = c.Next() {
			it, err := readItem(key, value)
			if err != nil {
				if len(key) != 8 {
					return err
				}
				s.faulty("", binary.BigEndian.Uint64(key), err)
				continue
			}
			own(&it)
			size += len(it.Line)
			at := binary.BigEndian.Uint64(key)
			it.Unlogged = lost.has(at)
			list = append(list, alerts.Placed{Item: it, Order: at})
		}
		return nil
	})
	return list, err
}

// seekAfter puts a cursor on the first key after a number.
func seekAfter(c *bbolt.Cursor, n uint64) (key, value []byte) {
	if n == ^uint64(0) {
		return nil, nil
	}
	return c.Seek(number(n + 1))
}

// Span is the place of the first version of an alert that is kept and that of the last one
// that was stored. first is last + 1 where none is kept.
func (s *Store) Span() (first, last uint64, err error) {
	err = s.alerts.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(itemsBucket))
		last = b.Sequence()
		first = last + 1
		if key, _ := b.Cursor().First(); key != nil {
			if len(key) != 8 {
				return fmt.Errorf("%s %x: %w", itemsBucket, key, ErrDamaged)
			}
			first = binary.BigEndian.Uint64(key)
		}
		return nil
	})
	return first, last, err
}

// Since is the place after which the versions lie that were stored at a wall-clock time, in
// nanoseconds since the epoch, or later. Where the clock was put back in between it is one
// of those places.
func (s *Store) Since(at int64) (order uint64, err error) {
	err = s.alerts.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(itemsBucket))
		c := b.Cursor()
		key, _ := c.First()
		if key == nil {
			order = b.Sequence()
			return nil
		}
		// What lies before low is older, what lies from high on is not.
		low, high := binary.BigEndian.Uint64(key), b.Sequence()+1
		for low < high {
			middle := low + (high-low)/2
			key, value := c.Seek(number(middle))
			if key == nil {
				high = middle
				continue
			}
			it, err := readItem(key, value)
			if err != nil {
				return err
			}
			if it.DetectedAt >= at {
				high = middle
			} else {
				low = binary.BigEndian.Uint64(key) + 1
			}
		}
		order = low - 1
		return nil
	})
	return order, err
}

// StraysAfter lists what was not matched of a kind, in order, from the first one after a
// number on, at most most. Those of which only later ones are kept are passed over.
func (s *Store) StraysAfter(kind alerts.StrayKind, after uint64, most int) (list []alerts.Stray, err error) {
	err = s.alerts.view(func(tx *bbolt.Tx) error {
		list = nil
		c := tx.Bucket([]byte(strayBuckets[kind])).Cursor()
		for key, value := seekAfter(c, after); key != nil && len(list) < most; key, value = c.Next() {
			found, err := readStray(kind, key, value)
			if err != nil {
				return err
			}
			list = append(list, found)
		}
		return nil
	})
	return list, err
}
