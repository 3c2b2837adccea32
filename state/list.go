package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"weir/alerts"
)

const (
	// mostScanned bounds how many stored items a call of List looks at.
	mostScanned = 10_000

	// mostVersions bounds how many versions of an alert Get gives.
	mostVersions = 1_000
)

// ErrAfter: the text after which to go on is none that List gave.
var ErrAfter = errors.New("not a place in a list: expected what stood in next")

// List gives alerts that a filter asks for, the one stored last first: of each its latest
// version, which is the one that has to match. At most limit are given; next says how to
// go on, and is empty at the end. A call looks at 10,000 items and no more, so there may be
// fewer, or none, before the end. Pages go on as of the first: what is stored after that
// changes nothing in them. What cannot be read, and may be what the filter asks for, is given
// with its Fault.
func (s *Store) List(f alerts.Filter, limit int, after string) (list []alerts.Item, next string, err error) {
	var top, last uint64
	if after != "" {
		if n, err := fmt.Sscanf(after, "%d-%d", &top, &last); err != nil || n != 2 || placeText(top, last) != after || last > top {
			return nil, "", fmt.Errorf("%q is %w", after, ErrAfter)
		}
	}
	err = s.alerts.view(func(tx *bbolt.Tx) error {
		list, next = nil, ""
		items, ids := tx.Bucket([]byte(itemsBucket)), tx.Bucket([]byte(idsBucket))
		lost, err := lostOf(tx)
		if err != nil {
			return err
		}
		c := items.Cursor()
		if after == "" {
			top = items.Sequence()
			last = top + 1
		}
		key, value := seekBefore(c, last)
		for scanned := 0; key != nil; key, value = c.Prev() {
			if len(list) >= limit || scanned >= mostScanned {
				next = placeText(top, last)
				return nil
			}
			scanned++
			last = binary.BigEndian.Uint64(key)
			it, err := readItem(key, value)
			if err != nil {
				list = append(list, s.faulty("", last, err))
				continue
			}
			if !f.Match(&it) {
				continue
			}
			newest, err := latest(items, ids, it.ID, top)
			if err != nil {
				list = append(list, s.faulty(it.ID, last, err))
				continue
			}
			if newest != last {
				continue
			}
			own(&it)
			it.Unlogged = lost.has(last)
			list = append(list, it)
		}
		return nil
	})
	return list, next, err
}

// placeText is how a place in a list is written: the last item as of which it is listed,
// and the one that was looked at last.
func placeText(top, last uint64) string { return fmt.Sprintf("%d-%d", top, last) }

// seekBefore puts a cursor on the last key before a number.
func seekBefore(c *bbolt.Cursor, n uint64) (key, value []byte) {
	if key, _ := c.Seek(number(n)); key == nil {
		return c.Last()
	}
	return c.Prev()
}

// Get gives the versions of an alert, in the order in which they were stored; none, if it
// is not there. Of more than 1,000 the latest are given. One that cannot be read is given with
// its Fault.
func (s *Store) Get(id string) (versions []alerts.Item, err error) {
	err = s.alerts.view(func(tx *bbolt.Tx) error {
		versions = nil
		lost, err := lostOf(tx)
		if err != nil {
			return err
		}
		return orders(tx.Bucket([]byte(itemsBucket)), tx.Bucket([]byte(idsBucket)), id, ^uint64(0), func(at uint64, it *alerts.Item, err error) (bool, error) {
			if err != nil {
				versions = append(versions, s.faulty(id, at, err))
				return len(versions) < mostVersions, nil
			}
			own(it)
			it.Unlogged = lost.has(at)
			versions = append(versions, *it)
			return len(versions) < mostVersions, nil
		})
	})
	slices.Reverse(versions)
	return versions, err
}

// All calls f with each stored item, in the order of storing, until it gives an error. The
// item's line lasts only as long as the call. It is meant for comparing: while it runs
// the file grows rather than using again what becomes free.
func (s *Store) All(f func(order uint64, it *alerts.Item) error) error {
	return s.alerts.view(func(tx *bbolt.Tx) error {
		lost, err := lostOf(tx)
		if err != nil {
			return err
		}
		return tx.Bucket([]byte(itemsBucket)).ForEach(func(key, value []byte) error {
			it, err := readItem(key, value)
			if err != nil {
				return err
			}
			order := binary.BigEndian.Uint64(key)
			it.Unlogged = lost.has(order)
			return f(order, &it)
		})
	})
}
