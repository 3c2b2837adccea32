package state

import (
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"

	"weir/alerts"
	"weir/cep"
	"weir/cep/wire"
)

const auditBucket = "audit"

// mostAudited bounds how many entries a call of Audit looks at.
const mostAudited = 10_000

// auditChange adds the entry of a change that is no matter of the log, as of now, in the
// transaction that makes the change.
func (s *Store) auditChange(tx *bbolt.Tx, a *cep.Audit) error {
	if err := a.Check(); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return addAudit(tx, &alerts.AuditEntry{Audit: *a, At: s.now()})
}

// addAudit numbers an entry, chains it to the one before, and stores it.
func addAudit(tx *bbolt.Tx, e *alerts.AuditEntry) error {
	b := tx.Bucket([]byte(auditBucket))
	last, err := lastAudit(b)
	if err != nil {
		return err
	}
	e.Chain(last.Number, last.Hash)
	key := number(e.Number)
	var w wire.Writer
	w.Int(e.At)
	for _, text := range []string{e.Author, e.Reason, e.What, e.ID, e.Before, e.After, e.Refused} {
		w.Text(text)
	}
	writePosition(&w, e.Position)
	w.B = append(w.B, e.Previous[:]...)
	w.B = append(w.B, e.Hash[:]...)
	return b.Put(key, seal(key, w.B))
}

// lastAudit is the last entry; without a number: there is none.
func lastAudit(b *bbolt.Bucket) (alerts.AuditEntry, error) {
	key, value := b.Cursor().Last()
	if key == nil {
		return alerts.AuditEntry{}, nil
	}
	return readAudit(key, value)
}

func readAudit(key, value []byte) (alerts.AuditEntry, error) {
	r := unseal(key, value)
	e := alerts.AuditEntry{At: r.Int()}
	for _, text := range []*string{&e.Author, &e.Reason, &e.What, &e.ID, &e.Before, &e.After, &e.Refused} {
		*text = r.Text()
	}
	e.Position = readPosition(&r)
	copy(e.Previous[:], r.Take(len(e.Previous)))
	copy(e.Hash[:], r.Take(len(e.Hash)))
	if len(key) == 8 {
		e.Number = binary.BigEndian.Uint64(key)
	}
	return e, done(&r, auditBucket, key)
}

// putAudited stores what stepping records has changed for people, but for what is stored: the
// effects of a record come once more where the log has lost its end behind it.
func (w *writer) putAudited(list []cep.Audited) error {
	for i := range list {
		e := alerts.Audited(&list[i], w.position.Incarnation)
		known, err := knownAudit(w.tx.Bucket([]byte(auditBucket)), &e)
		if err != nil {
			return err
		}
		if known {
			continue
		}
		if err := addAudit(w.tx, &e); err != nil {
			return err
		}
	}
	return nil
}

// knownAudit says whether an entry tells of a change that is stored. Of one incarnation of the
// log the entries rise, so that few are looked at.
func knownAudit(b *bbolt.Bucket, e *alerts.AuditEntry) (bool, error) {
	c := b.Cursor()
	for key, value := c.Last(); key != nil; key, value = c.Prev() {
		was, err := readAudit(key, value)
		if err != nil {
			return false, err
		}
		at := was.Position
		switch {
		case at.Sequence == 0: // no matter of the log
		case was.Same(e):
			return true, nil
		case at.Incarnation <= e.Position.Incarnation && at.Sequence < e.Position.Sequence:
			return false, nil
		}
	}
	return false, nil
}

// Audit gives entries of the audit log that a filter asks for, the newest first: those before a
// number, 0: from the last on, and at most limit. next is the number to go on before, 0 at the
// end. A call looks at 10,000 entries and no more, so there may be fewer, or none, before the
// end.
func (s *Store) Audit(f alerts.AuditFilter, limit int, before uint64) (list []alerts.AuditEntry, next uint64, err error) {
	err = s.alerts.view(func(tx *bbolt.Tx) error {
		list, next = nil, 0
		c := tx.Bucket([]byte(auditBucket)).Cursor()
		key, value := c.Last()
		if before > 0 {
			key, value = seekBefore(c, before)
		}
		for scanned := 0; key != nil; key, value = c.Prev() {
			e, err := readAudit(key, value)
			if err != nil {
				return err
			}
			if len(list) == limit || scanned == mostAudited {
				next = e.Number + 1
				return nil
			}
			scanned++
			if f.Match(&e) {
				list = append(list, e)
			}
		}
		return nil
	})
	return list, next, err
}

// AuditedAt gives the entry of the change that a record of the log has brought; false: there is
// none, or none yet.
func (s *Store) AuditedAt(p cep.Position) (found alerts.AuditEntry, ok bool, err error) {
	err = s.alerts.view(func(tx *bbolt.Tx) error {
		found, ok = alerts.AuditEntry{}, false
		c := tx.Bucket([]byte(auditBucket)).Cursor()
		for key, value := c.Last(); key != nil; key, value = c.Prev() {
			e, err := readAudit(key, value)
			if err != nil {
				return err
			}
			if e.Position == p {
				found, ok = e, true
				return nil
			}
			if e.Position.Sequence > 0 && before(e.Position, p) {
				return nil
			}
		}
		return nil
	})
	return found, ok, err
}

// checkAudit says whether the entries are those that were written, in their order and all: their
// numbers and hashes follow each other from the first on.
func (s *Store) checkAudit() error {
	return s.alerts.view(func(tx *bbolt.Tx) error {
		var last alerts.AuditEntry
		return tx.Bucket([]byte(auditBucket)).ForEach(func(key, value []byte) error {
			e, err := readAudit(key, value)
			if err != nil {
				return err
			}
			if !e.Chained(last.Number, last.Hash) {
				return fmt.Errorf("audit %x: it does not follow the entry before it, number %d, by number and hash: entries were changed, taken out or put in: %w", key, last.Number, ErrDamaged)
			}
			last = e
			return nil
		})
	})
}
