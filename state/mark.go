package state

import (
	"go.etcd.io/bbolt"

	"weir/cep"
	"weir/cep/wire"
)

const markBucket = "mark"

var markKey = []byte("mark")

// reached is how far the alerts have come.
type reached struct {
	mark cep.Mark
	at   int64 // wall clock of the last commit, nanoseconds since the epoch; 0: there was none
}

func readReached(tx *bbolt.Tx) (reached, error) {
	value := tx.Bucket([]byte(markBucket)).Get(markKey)
	if value == nil {
		return reached{}, nil
	}
	r := unseal(markKey, value)
	m := reached{readMark(&r), r.Int()}
	return m, done(&r, markBucket, markKey)
}

func writeReached(tx *bbolt.Tx, m reached) error {
	var w wire.Writer
	writeMark(&w, &m.mark)
	w.Int(m.at)
	return tx.Bucket([]byte(markBucket)).Put(markKey, seal(markKey, w.B))
}

// Mark is how far the alerts have come: effects up to there are stored. It is zero in a new
// directory.
func (s *Store) Mark() (mark cep.Mark, err error) {
	err = s.alerts.view(func(tx *bbolt.Tx) error {
		m, err := readReached(tx)
		mark = m.mark
		return err
	})
	return mark, err
}
