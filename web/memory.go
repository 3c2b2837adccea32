package web

import "sync/atomic"

// memory counts the bytes of bodies that are held, of all requests.
type memory struct {
	held atomic.Int64
	most int64
}

// take takes n bytes; false: they are too many.
func (m *memory) take(n int) bool {
	if m.held.Add(int64(n)) > m.most {
		m.give(n)
		return false
	}
	return true
}

func (m *memory) give(n int) { m.held.Add(int64(-n)) }
