package state

import (
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"weir/alerts"
	"weir/cep"
)

// DropAfter deletes the checkpoints of positions after a sequence number, whatever their
// incarnation, and those with a damaged head, and says how many these were. 0 deletes all
// but that of the beginning.
func (s *Store) DropAfter(sequence uint64) (n int, err error) {
	list, err := s.Checkpoints()
	if err != nil {
		return 0, err
	}
	err = s.checkpoints.update(func(tx *bbolt.Tx) error {
		n = 0
		for _, h := range list {
			if h.Fault == nil && h.Mark.Position.Sequence <= sequence {
				continue
			}
			if err := tx.Bucket([]byte(headsBucket)).Delete(number(h.Number)); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, s.sweep(0)
}

// Rebase puts alerts and state on another place of the log, as an operator decided: the
// mark of the alerts becomes mark, and so does that of the newest checkpoint whose head is
// whole, which goes on with the state and the rules that it has; the others are deleted.
// RulesAt becomes rulesAt. A notice says so, and why. Where it is cut off, files that did
// not fit before do not fit still, and it may be repeated. who says who decided it, and why.
func (s *Store) Rebase(mark cep.Mark, rulesAt uint64, who cep.Audit) error {
	list, err := s.Checkpoints()
	if err != nil {
		return err
	}
	err = s.checkpoints.update(func(tx *bbolt.Tx) error {
		kept := false
		for i := range list {
			h := &list[i]
			if h.Fault == nil && !kept {
				kept = true
				h.Mark, h.RulesAt = mark, rulesAt
				if err := h.put(tx); err != nil {
					return err
				}
				continue
			}
			if err := tx.Bucket([]byte(headsBucket)).Delete(number(h.Number)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = s.sweep(0)
	}
	if err != nil {
		return err
	}
	return s.alerts.update(func(tx *bbolt.Tx) error {
		was, err := readReached(tx)
		if err != nil {
			return err
		}
		n := alerts.Notice{
			Kind: alerts.Rebased, At: s.now(), Position: mark.Position,
			Text: fmt.Sprintf("alerts and state go on at %v; alerts were stored up to %v: %s", mark.Position, was.mark.Position, who.Reason),
		}
		who.What, who.ID = "state.rebase", ""
		who.Before, who.After = was.mark.Position.String(), mark.Position.String()
		return errors.Join(addNotice(tx, &n), s.auditChange(tx, &who), writeReached(tx, reached{mark, was.at}))
	})
}
