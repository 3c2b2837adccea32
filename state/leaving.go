package state

import (
	"go.etcd.io/bbolt"

	"weir/alerts"
	"weir/cep/wire"
)

// leavingKey is where in the bucket mark it stands how far what leaves has come.
var leavingKey = []byte("leaving")

// Leaving is how far what leaves the process had come when that was noted last.
func (s *Store) Leaving() (l alerts.Leaving, err error) {
	err = s.alerts.view(func(tx *bbolt.Tx) error {
		l = alerts.Leaving{}
		value := tx.Bucket([]byte(markBucket)).Get(leavingKey)
		if value == nil {
			return nil
		}
		r := unseal(leavingKey, value)
		l = alerts.Leaving{Alerts: r.Uint(), Started: true}
		for kind := range l.Strays {
			l.Strays[kind] = r.Uint()
		}
		return done(&r, markBucket, leavingKey)
	})
	return l, err
}

// Left notes how far what leaves the process has come.
func (s *Store) Left(l alerts.Leaving) error {
	return s.alerts.update(func(tx *bbolt.Tx) error {
		var w wire.Writer
		w.Uint(l.Alerts)
		for _, n := range l.Strays {
			w.Uint(n)
		}
		return tx.Bucket([]byte(markBucket)).Put(leavingKey, seal(leavingKey, w.B))
	})
}
