package state

import (
	"bytes"
	"context"
	"encoding/binary"

	"go.etcd.io/bbolt"
)

// retained is how many items or minutes a transaction of Retain looks at.
const retained = 500

// Retain deletes what was stored longer ago than Options.Retention: alerts, from the first
// stored on as far as they are that old, what was counted beyond limits, and losses that
// were acknowledged. It does so in small transactions, between which Commit has its turn,
// and says how many stored versions it has deleted.
func (s *Store) Retain(ctx context.Context) (deleted int, err error) {
	until := s.now() - s.options.Retention.Nanoseconds()
	for n := retained; n == retained && err == nil; deleted += n {
		n, err = s.retainItems(ctx, until)
	}
	var after []byte
	for more := true; more && err == nil; {
		after, err = s.retainCounted(ctx, until, after)
		more = after != nil
	}
	if err == nil {
		err = s.retainLosses(until)
	}
	return deleted, err
}

// retainItems deletes the first items that are old enough, some at a time.
func (s *Store) retainItems(ctx context.Context, until int64) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	err = s.alerts.update(func(tx *bbolt.Tx) error {
		n = 0
		items, ids := tx.Bucket([]byte(itemsBucket)), tx.Bucket([]byte(idsBucket))
		var keys [][]byte
		c := items.Cursor()
		for key, value := c.First(); key != nil && len(keys) < retained; key, value = c.Next() {
			it, err := readItem(key, value)
			if err != nil {
				return err
			}
			if it.DetectedAt > until {
				break
			}
			keys = append(keys, bytes.Clone(key))
			if err := ids.Delete(idKey(it.ID, binary.BigEndian.Uint64(key))); err != nil {
				return err
			}
		}
		n = len(keys)
		return deleteAll(items, keys)
	})
	return n, err
}

// retainCounted deletes minutes among the next ones that are old enough. next is where to
// go on; nil: there are no more.
func (s *Store) retainCounted(ctx context.Context, until int64, after []byte) (next []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = s.alerts.update(func(tx *bbolt.Tx) error {
		next = nil
		minutes, samples := tx.Bucket([]byte(countedBucket)), tx.Bucket([]byte(samplesBucket))
		var old, shown [][]byte
		c := minutes.Cursor()
		n := 0
		for key, value := c.Seek(after); key != nil; key, value = c.Next() {
			if n++; n > retained {
				next = bytes.Clone(key)
				break
			}
			found, err := readCounted(key, value)
			if err != nil {
				return err
			}
			if found.at > until {
				continue
			}
			old = append(old, bytes.Clone(key))
			for i := range found.samples {
				shown = append(shown, sampleKey(key, i))
			}
		}
		if err := deleteAll(minutes, old); err != nil {
			return err
		}
		return deleteAll(samples, shown)
	})
	return next, err
}

// retainLosses deletes losses that were acknowledged long ago, once none of their alerts is
// left.
func (s *Store) retainLosses(until int64) error {
	return s.alerts.update(func(tx *bbolt.Tx) error {
		all, err := lostOf(tx)
		if err != nil {
			return err
		}
		first := tx.Bucket([]byte(itemsBucket)).Sequence() + 1
		if key, _ := tx.Bucket([]byte(itemsBucket)).Cursor().First(); key != nil {
			first = binary.BigEndian.Uint64(key)
		}
		for _, l := range all {
			if l.AckedAt == 0 || l.AckedAt > until || l.last >= first {
				continue
			}
			if err := tx.Bucket([]byte(lossesBucket)).Delete(number(l.Number)); err != nil {
				return err
			}
		}
		return nil
	})
}

func deleteAll(b *bbolt.Bucket, keys [][]byte) error {
	for _, key := range keys {
		if err := b.Delete(key); err != nil {
			return err
		}
	}
	return nil
}
