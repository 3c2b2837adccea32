package cep

// room is memory for events and their rows, taken many at a time: where hundreds of thousands
// are kept, the garbage collector has that many fewer things to mark. What is taken is not
// given back; who has an event uses it again.
type room struct {
	events []Event
	values []Value
}

// A block of either takes about 8 KB. It stays while one of its events is in use: what is
// kept of many blocks is few seconds old, and mostEvents bounds what waits to be used.
const (
	roomEvents = 32
	roomValues = 256
)

// event is memory for an event, empty.
func (m *room) event() *Event {
	if len(m.events) == 0 {
		m.events = make([]Event, roomEvents)
	}
	e := &m.events[0]
	m.events = m.events[1:]
	return e
}

// row is memory for n values, all nil.
func (m *room) row(n int) []Value {
	if n > roomValues/8 {
		return make([]Value, n)
	}
	if len(m.values) < n {
		m.values = make([]Value, roomValues)
	}
	row := m.values[:n:n]
	m.values = m.values[n:]
	return row
}
