package state

import (
	"encoding/binary"

	"go.etcd.io/bbolt"

	"weir/alerts"
	"weir/cep/wire"
)

const noticesBucket = "notices"

// mostNotices is how many notices are kept: the latest.
const mostNotices = 1_000

// addNotice stores a notice and numbers it.
func addNotice(tx *bbolt.Tx, n *alerts.Notice) error {
	b := tx.Bucket([]byte(noticesBucket))
	var err error
	if n.Number, err = b.NextSequence(); err != nil {
		return err
	}
	var w wire.Writer
	w.Text(string(n.Kind))
	w.Int(n.At)
	writePosition(&w, n.Position)
	w.Text(n.Rule)
	w.Text(n.Text)
	key := number(n.Number)
	if err := b.Put(key, seal(key, w.B)); err != nil {
		return err
	}
	return trim(b, mostNotices)
}

// trim deletes the first keys of a bucket that numbers what comes, beyond the latest most.
func trim(b *bbolt.Bucket, most uint64) error {
	if b.Sequence() <= most {
		return nil
	}
	for key, _ := b.Cursor().First(); key != nil && binary.BigEndian.Uint64(key) <= b.Sequence()-most; key, _ = b.Cursor().First() {
		if err := b.Delete(key); err != nil {
			return err
		}
	}
	return nil
}

// Notice stores a notice to the operator, with the next number, as of now, unless one that
// says the same of the same position is kept: what is replayed is said once. Of more than
// 1,000 the latest are kept.
func (s *Store) Notice(n alerts.Notice) error {
	list, _, err := s.Notices()
	if err != nil {
		return err
	}
	for _, k := range list {
		if k.Kind == n.Kind && k.Position == n.Position && k.Rule == n.Rule && k.Text == n.Text {
			return nil
		}
	}
	return s.alerts.update(func(tx *bbolt.Tx) error {
		n.At = s.now()
		return addNotice(tx, &n)
	})
}

// Notices lists the notices to the operator, the first one first, and how many there have
// been.
func (s *Store) Notices() (list []alerts.Notice, ever uint64, err error) {
	err = s.alerts.view(func(tx *bbolt.Tx) error {
		list = nil
		b := tx.Bucket([]byte(noticesBucket))
		ever = b.Sequence()
		return b.ForEach(func(key, value []byte) error {
			r := unseal(key, value)
			n := alerts.Notice{Kind: alerts.NoticeKind(r.Text()), At: r.Int(), Position: readPosition(&r), Rule: r.Text(), Text: r.Text()}
			if len(key) == 8 {
				n.Number = binary.BigEndian.Uint64(key)
			}
			list = append(list, n)
			return done(&r, noticesBucket, key)
		})
	})
	return list, ever, err
}
