package state

import (
	"go.etcd.io/bbolt"

	"weir/cep"
)

// Committed is the last position up to p, of its incarnation, that a commit is known to
// have reached: one that stored an alert or a stray which is still there. Its sequence
// number is 0 where there is none.
func (s *Store) Committed(p cep.Position) (cep.Position, error) {
	last := cep.Position{Incarnation: p.Incarnation}
	take := func(at cep.Position) (more bool) {
		if before(p, at) {
			return true
		}
		if at.Incarnation == p.Incarnation {
			last.Sequence = max(last.Sequence, at.Sequence)
		}
		return false
	}
	err := s.alerts.view(func(tx *bbolt.Tx) error {
		c := tx.Bucket([]byte(itemsBucket)).Cursor()
		for key, value := c.Last(); key != nil; key, value = c.Prev() {
			it, err := readItem(key, value)
			if err != nil {
				return err
			}
			if !take(it.Position) {
				break
			}
		}
		for _, name := range strayBuckets {
			c := tx.Bucket([]byte(name)).Cursor()
			for key, value := c.Last(); key != nil; key, value = c.Prev() {
				r := unseal(key, value)
				at := readPosition(&r)
				if r.Bad {
					return done(&r, name, key)
				}
				if !take(at) {
					break
				}
			}
		}
		return nil
	})
	return last, err
}
