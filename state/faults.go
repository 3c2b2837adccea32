package state

import (
	"sync"

	"weir/alerts"
)

// mostFaulty bounds how many items that cannot be read are told apart.
const mostFaulty = 10_000

// faulty is which items could not be read since the file was opened.
type faulty struct {
	mu     sync.Mutex
	orders map[uint64]struct{}
}

// Unreadable is how many stored versions of alerts were found that cannot be read, 10,000 at
// most. Check looks at all.
func (s *Store) Unreadable() int {
	s.unreadable.mu.Lock()
	defer s.unreadable.mu.Unlock()
	return len(s.unreadable.orders)
}

// faulty notes an item that cannot be read, or an alert of which a later version cannot be, and
// gives what is listed in its place.
func (s *Store) faulty(id string, order uint64, err error) alerts.Item {
	u := &s.unreadable
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.orders == nil {
		u.orders = map[uint64]struct{}{}
	}
	if len(u.orders) < mostFaulty && id == "" {
		u.orders[order] = struct{}{}
	}
	return alerts.Item{ID: id, Order: order, Fault: "a stored version cannot be read, " + err.Error()}
}
