package state

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"weir/alerts"
	"weir/cep"
	"weir/cep/wire"
)

const (
	minutesBucket = "minutes"
	countedBucket = "counted"
	samplesBucket = "samples"
)

// signed is how a number that may be negative stands in a key.
func signed(n int64) []byte { return number(uint64(n) ^ 1<<63) }

// minuteKey is how a minute of a rule stands where minutes are in the order of time.
func minuteKey(k alerts.MinuteKey) []byte { return append(signed(k.Number), k.Rule...) }

// countedKey is how it stands where minutes are in the order of rules.
func countedKey(k alerts.MinuteKey) []byte {
	return append(append([]byte(k.Rule), 0), signed(k.Number)...)
}

// readCountedKey reads what countedKey wrote.
func readCountedKey(key []byte) (k alerts.MinuteKey, ok bool) {
	n := len(key) - 9
	if n < 0 || key[n] != 0 {
		return k, false
	}
	return alerts.MinuteKey{Number: int64(binary.BigEndian.Uint64(key[n+1:]) ^ 1<<63), Rule: string(key[:n])}, true
}

// loadLimiter makes the limiter as it was when the last commit was made.
func (s *Store) loadLimiter() error {
	l := alerts.NewLimiter()
	err := s.alerts.view(func(tx *bbolt.Tx) error { return eachMinute(tx, l.Load) })
	s.limiter = l
	return err
}

// eachMinute calls f with what is stored of each minute of a rule.
func eachMinute(tx *bbolt.Tx, f func(alerts.Minute)) error {
	return tx.Bucket([]byte(minutesBucket)).ForEach(func(key, value []byte) error {
		r := unseal(key, value)
		m := alerts.Minute{Kept: int(r.Below(1 << 31)), Over: r.Bool()}
		if len(key) < 8 {
			r.Fail()
		} else {
			m.Number, m.Rule = int64(binary.BigEndian.Uint64(key)^1<<63), string(key[8:])
		}
		f(m)
		return done(&r, minutesBucket, key)
	})
}

// putMinutes stores what the limiter has counted.
func (w *writer) putMinutes() error {
	b := w.tx.Bucket([]byte(minutesBucket))
	changed, gone := w.limiter.Changes()
	for _, k := range gone {
		if err := b.Delete(minuteKey(k)); err != nil {
			return err
		}
	}
	for i := range changed {
		key := minuteKey(changed[i].MinuteKey)
		var out wire.Writer
		out.Uint(uint64(changed[i].Kept))
		out.Bool(changed[i].Over)
		if err := b.Put(key, seal(key, out.B)); err != nil {
			return err
		}
	}
	return nil
}

// counted is what is stored of the alerts of a rule and minute beyond its limit.
type counted struct {
	came, stand uint64
	samples     uint64
	at          int64 // wall clock of the last change
}

func readCounted(key, value []byte) (counted, error) {
	r := unseal(key, value)
	c := counted{r.Uint(), r.Uint(), r.Below(alerts.Samples + 1), r.Int()}
	return c, done(&r, countedBucket, key)
}

func (c *counted) put(b *bbolt.Bucket, key []byte) error {
	var out wire.Writer
	out.Uint(c.came)
	out.Uint(c.stand)
	out.Uint(c.samples)
	out.Int(c.at)
	return b.Put(key, seal(key, out.B))
}

// count counts a version of an alert that is not stored.
func (w *writer) count(it *alerts.Item) error {
	b := w.tx.Bucket([]byte(countedBucket))
	key := countedKey(alerts.MinuteOf(it.Rule, it.Time))
	var c counted
	if value := b.Get(key); value != nil {
		var err error
		if c, err = readCounted(key, value); err != nil {
			return err
		}
	}
	c.at = w.now
	switch {
	case it.Kind == cep.RetractedAlert:
		c.stand -= min(c.stand, 1)
	case it.Kind == cep.RestoredAlert:
		c.stand++
	case it.Version == 1:
		c.came++
		c.stand++
		if c.samples < alerts.Samples {
			sample := sampleKey(key, c.samples)
			c.samples++
			if err := w.tx.Bucket([]byte(samplesBucket)).Put(sample, seal(sample, bytes.Clone(it.Line))); err != nil {
				return err
			}
		}
	}
	return c.put(b, key)
}

func sampleKey(key []byte, n uint64) []byte { return append(bytes.Clone(key), byte(n)) }

// Counted lists alerts beyond the limits, at most limit minutes of rules, by rule and time.
// next is empty at the end, else it is what to give as after to go on.
func (s *Store) Counted(limit int, after string) (list []alerts.Counted, next string, err error) {
	err = s.alerts.view(func(tx *bbolt.Tx) error {
		list, next = nil, ""
		c := tx.Bucket([]byte(countedBucket)).Cursor()
		key, value := c.Seek([]byte(after))
		if after != "" && string(key) == after {
			key, value = c.Next()
		}
		for ; key != nil; key, value = c.Next() {
			if len(list) >= limit {
				next = string(countedKey(alerts.MinuteOf(list[len(list)-1].Rule, list[len(list)-1].Minute)))
				return nil
			}
			found, err := readCounted(key, value)
			if err != nil {
				return err
			}
			k, ok := readCountedKey(key)
			if !ok {
				return fmt.Errorf("%s %x: %w", countedBucket, key, ErrDamaged)
			}
			item := alerts.Counted{Rule: k.Rule, Minute: k.Start(), Came: found.came, Stand: found.stand}
			for n := range found.samples {
				sample := sampleKey(key, n)
				r := unseal(sample, tx.Bucket([]byte(samplesBucket)).Get(sample))
				if r.Bad {
					return fmt.Errorf("%s %x: %w", samplesBucket, sample, ErrDamaged)
				}
				item.Samples = append(item.Samples, json.RawMessage(bytes.Clone(r.Src)))
			}
			list = append(list, item)
		}
		return nil
	})
	return list, next, err
}
