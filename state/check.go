package state

import (
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"weir/alerts"
)

// Check reads all that the files hold and says what is wrong with it: of each kind of thing
// the first that is damaged. Nothing: all is well. While it runs the files grow rather than
// using again what becomes free.
func (s *Store) Check() (faults []error) {
	for _, look := range []func() error{
		func() error { _, err := s.Mark(); return err },
		func() error { _, err := s.Leaving(); return err },
		func() error { return s.All(func(uint64, *alerts.Item) error { return nil }) },
		s.checkIDs,
		s.checkMinutes,
		s.checkCounted,
		func() error { _, err := s.Tallies(); return err },
		s.checkStrays,
		func() error { _, _, err := s.Notices(); return err },
		func() error { _, err := s.Losses(); return err },
		s.checkAudit,
		s.checkCheckpoints,
	} {
		if err := look(); err != nil {
			faults = append(faults, err)
		}
	}
	if faults != nil {
		return faults // what bbolt checks may rely on it
	}
	for _, f := range []*file{&s.alerts, &s.checkpoints} {
		if err := f.view(func(tx *bbolt.Tx) error {
			var all []error
			for err := range tx.Check() {
				all = append(all, fmt.Errorf("%w: %w", ErrDamaged, err))
			}
			return errors.Join(all...)
		}); err != nil {
			faults = append(faults, err)
		}
	}
	return faults
}

// checkIDs says whether ids and items are about the same.
func (s *Store) checkIDs() error {
	return s.alerts.view(func(tx *bbolt.Tx) error {
		items, ids := tx.Bucket([]byte(itemsBucket)), tx.Bucket([]byte(idsBucket))
		n := 0
		if err := items.ForEach(func(key, value []byte) error {
			n++
			it, err := readItem(key, value)
			if err == nil && ids.Get(idKey(it.ID, binary.BigEndian.Uint64(key))) == nil {
				err = fmt.Errorf("item %x is not among the ids: %w", key, ErrDamaged)
			}
			return err
		}); err != nil {
			return err
		}
		if k := ids.Stats().KeyN; k != n {
			return fmt.Errorf("%d ids, %d items: %w", k, n, ErrDamaged)
		}
		return nil
	})
}

func (s *Store) checkMinutes() error {
	return s.alerts.view(func(tx *bbolt.Tx) error { return eachMinute(tx, func(alerts.Minute) {}) })
}

func (s *Store) checkCounted() error {
	for after := ""; ; {
		_, next, err := s.Counted(1_000, after)
		if err != nil || next == "" {
			return err
		}
		after = next
	}
}

func (s *Store) checkStrays() error {
	for kind := range alerts.StrayKind(alerts.StrayKinds) {
		for before := uint64(0); ; {
			list, _, err := s.Strays(kind, 1_000, before)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				break
			}
			before = list[len(list)-1].Number
		}
	}
	return nil
}

func (s *Store) checkCheckpoints() error {
	heads, err := s.Checkpoints()
	if err != nil {
		return err
	}
	var all []error
	for _, h := range heads {
		if _, err := s.Load(h); err != nil {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}
