package state

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"

	"go.etcd.io/bbolt"

	"weir/alerts"
	"weir/cep"
	"weir/cep/wire"
	"weir/failpoint"
)

const (
	itemsBucket   = "items"
	idsBucket     = "ids"
	talliesBucket = "tallies"
)

// mostSpare bounds the memory that is kept from one commit for the next.
const mostSpare = 8 << 20

// Commit stores effects and the mark that they reach, in one transaction. The mark has to
// be after the one before. Of alerts beyond the limit of their rule (Rules.PerRuleMinute)
// only counts and samples are stored. It is one goroutine's at a time.
func (s *Store) Commit(c *cep.Commit) error {
	if len(c.Lines) != len(c.Effects.Alerts) {
		return fmt.Errorf("%d alerts and %d lines of them", len(c.Effects.Alerts), len(c.Lines))
	}
	var w *writer
	err := s.alerts.update(func(tx *bbolt.Tx) error {
		was, err := readReached(tx)
		if err != nil {
			return err
		}
		if !before(was.mark.Position, c.Mark.Position) {
			return fmt.Errorf("effects up to %v are stored: those up to %v were stored before", was.mark.Position, c.Mark.Position)
		}
		w = s.writer(tx, c)
		if err := w.effects(c); err != nil {
			return err
		}
		if err := writeReached(tx, reached{c.Mark, w.now}); err != nil {
			return err
		}
		failpoint.Hit("commit")
		return nil
	})
	if err != nil {
		return s.undo(err)
	}
	if s.spare = w.buf[:0]; cap(w.buf) > mostSpare {
		s.spare = nil
	}
	failpoint.Hit("committed")
	return nil
}

// sizeOf is about how much the alerts of a commit take.
func sizeOf(c *cep.Commit) (n int) {
	for _, line := range c.Lines {
		n += len(line) + 256
	}
	return n
}

// undo takes back what the limiter counted for a commit that was not made.
func (s *Store) undo(err error) error {
	if again := s.loadLimiter(); again != nil {
		return fmt.Errorf("%w; and then %w", err, again)
	}
	return err
}

// writer writes what a commit brings.
type writer struct {
	tx       *bbolt.Tx
	limiter  *alerts.Limiter
	most     int // alerts of a rule and minute that are kept; less than 1: all
	position cep.Position
	now      int64
	strays   int
	items    *bbolt.Bucket
	ids      *bbolt.Bucket
	tallies  map[string]*alerts.Tally
	rules    []string // of tallies, as they came
	buf      []byte   // what is written lies here until the transaction ends
}

func (s *Store) writer(tx *bbolt.Tx, c *cep.Commit) *writer {
	w := &writer{
		tx: tx, limiter: s.limiter, position: c.Mark.Position, now: s.now(), strays: s.options.Strays,
		items: tx.Bucket([]byte(itemsBucket)), ids: tx.Bucket([]byte(idsBucket)),
		tallies: map[string]*alerts.Tally{},
		buf:     slices.Grow(s.spare, sizeOf(c)),
	}
	if c.Rules != nil {
		w.most = c.Rules.PerRuleMinute
	}
	return w
}

func (s *Store) now() int64 { return s.options.Now().UnixNano() }

func (w *writer) effects(c *cep.Commit) error {
	for i := range c.Effects.Alerts {
		it := alerts.Of(&c.Effects.Alerts[i], c.Lines[i])
		it.Position, it.DetectedAt = w.position, w.now
		if err := w.alert(&it); err != nil {
			return err
		}
	}
	if err := w.putTallies(); err != nil {
		return err
	}
	if err := w.putMinutes(); err != nil {
		return err
	}
	if err := w.putAudited(c.Effects.Audited); err != nil {
		return err
	}
	return w.putStrays(c.Effects)
}

// alert stores a version of an alert, or counts it.
func (w *writer) alert(it *alerts.Item) error {
	stored := false
	if it.Version > 1 {
		order, err := latest(w.items, w.ids, it.ID, ^uint64(0))
		if err != nil {
			return err
		}
		stored = order > 0
	}
	t, err := w.tally(it.Rule)
	if err != nil {
		return err
	}
	verdict := w.limiter.Judge(it, stored, w.most)
	if verdict == alerts.Keep {
		t.Stored[it.Kind]++
		return w.item(it)
	}
	t.Over[it.Kind]++
	if err := w.count(it); err != nil {
		return err
	}
	if verdict == alerts.Told {
		minute := cep.FormatTime(alerts.MinuteOf(it.Rule, it.Time).Start())
		return addNotice(w.tx, &alerts.Notice{
			Kind: alerts.OverLimit, At: w.now, Position: w.position, Rule: it.Rule,
			Text: fmt.Sprintf("rule %s makes more alerts than are kept of a minute, first in that of %s: the others are counted, with samples", it.Rule, minute),
		})
	}
	return nil
}

// item stores a version of an alert.
func (w *writer) item(it *alerts.Item) error {
	order, err := w.items.NextSequence()
	if err != nil {
		return err
	}
	key := number(order)
	begin := len(w.buf)
	out := wire.Writer{B: w.buf}
	writeItem(&out, it)
	out.B = binary.LittleEndian.AppendUint32(out.B, sumOf(key, out.B[begin:]))
	w.buf = out.B
	w.items.FillPercent = 1 // keys rise: pages are filled once
	if err := w.items.Put(key, w.buf[begin:len(w.buf):len(w.buf)]); err != nil {
		return err
	}
	return w.ids.Put(idKey(it.ID, order), nil)
}

// idKey is a hash of an id, which brings its versions together, and where one is stored.
func idKey(id string, order uint64) []byte {
	h := fnv.New64a()
	h.Write([]byte(id))
	return binary.BigEndian.AppendUint64(h.Sum(nil), order)
}

// orders calls f with where versions of an alert are stored, the latest first, until it
// says that it has enough, or fails. Alerts whose ids have the same hash are passed over, but
// for one that cannot be read: f gets the error, and its item is nil.
func orders(items, ids *bbolt.Bucket, id string, most uint64, f func(at uint64, it *alerts.Item, err error) (more bool, _ error)) error {
	c := ids.Cursor()
	top := idKey(id, most)
	key, _ := c.Seek(top)
	if string(key) != string(top) { // it stands on what follows, or at the end
		if key == nil {
			key, _ = c.Last()
		} else {
			key, _ = c.Prev()
		}
	}
	for ; key != nil && string(key[:8]) == string(top[:8]); key, _ = c.Prev() {
		at := key[8:]
		it, err := new(alerts.Item), fmt.Errorf("item %x: it is not there: %w", at, ErrDamaged)
		if value := items.Get(at); value != nil {
			*it, err = readItem(at, value)
		}
		switch {
		case err != nil:
			it = nil
		case it.ID != id:
			continue
		}
		if more, err := f(binary.BigEndian.Uint64(at), it, err); err != nil || !more {
			return err
		}
	}
	return nil
}

// latest is where the latest version of an alert is stored, at most at most; 0: nowhere.
func latest(items, ids *bbolt.Bucket, id string, most uint64) (order uint64, err error) {
	err = orders(items, ids, id, most, func(at uint64, _ *alerts.Item, err error) (bool, error) {
		order = at
		return false, err
	})
	return order, err
}

// tally is what counts for a rule, as it will be stored.
func (w *writer) tally(rule string) (*alerts.Tally, error) {
	if t := w.tallies[rule]; t != nil {
		return t, nil
	}
	t := alerts.Tally{Rule: rule}
	key := []byte(rule)
	if value := w.tx.Bucket([]byte(talliesBucket)).Get(key); value != nil {
		var err error
		if t, err = readTally(key, value); err != nil {
			return nil, err
		}
	}
	w.tallies[rule] = &t
	w.rules = append(w.rules, rule)
	return &t, nil
}

func (w *writer) putTallies() error {
	b := w.tx.Bucket([]byte(talliesBucket))
	for _, rule := range w.rules {
		var out wire.Writer
		t := w.tallies[rule]
		for _, counts := range [2][4]uint64{t.Stored, t.Over} {
			for _, n := range counts {
				out.Uint(n)
			}
		}
		if err := b.Put([]byte(rule), seal([]byte(rule), out.B)); err != nil {
			return err
		}
	}
	return nil
}

func readTally(key, value []byte) (alerts.Tally, error) {
	r := unseal(key, value)
	t := alerts.Tally{Rule: string(key)}
	for _, counts := range [2]*[4]uint64{&t.Stored, &t.Over} {
		for i := range counts {
			counts[i] = r.Uint()
		}
	}
	return t, done(&r, talliesBucket, key)
}

// Tallies counts the versions of alerts of each rule, by rule.
func (s *Store) Tallies() (list []alerts.Tally, err error) {
	err = s.alerts.view(func(tx *bbolt.Tx) error {
		list = nil
		return tx.Bucket([]byte(talliesBucket)).ForEach(func(key, value []byte) error {
			t, err := readTally(key, value)
			list = append(list, t)
			return err
		})
	})
	return list, err
}
