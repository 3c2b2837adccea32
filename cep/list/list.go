package list

import (
	"math"
	"slices"
	"strings"
)

// Never is the expiry of an entry that stays until it is removed.
const Never = math.MaxInt64

// Entry is an entry of a List.
type Entry struct {
	Text    string // in canonical form when a List gives it
	Value   Value
	Expires int64 // event time, nanoseconds since the epoch: from then on it is not there; Never (not 0): it stays
}

// List is a set of entries of one type. New makes one.
type List struct {
	spec    Spec
	slots   []uint64
	entries []entry
	timers  []uint32
	slab    strings.Builder // keys and values, one behind the other
	wasted  int             // bytes of the slab that no entry has any more
	v4, v6  family          // of the prefixes
	scratch []byte

	mostEntries, mostBytes int
}

// entry is what is kept of an entry beside its bytes in the slab.
type entry struct {
	expires int64
	at      uint32 // where its key begins in the slab; its value follows
	hash    uint32
	timer   uint32 // its place in the timers, from 1; 0: it never expires
	key     uint16 // bytes
	value   uint16 // bytes, and 1; 0: it has no value
}

func (e *entry) there(t int64) bool { return e.timer == 0 || e.expires > t }

func (e *entry) slot(i int) uint64 { return uint64(e.hash)<<32 | uint64(i+1) }

// size is the number of bytes that e has in the slab.
func (e *entry) size() int { return int(e.key) + max(int(e.value)-1, 0) }

// New returns an empty List, or what is wrong with its Spec.
func New(s Spec) (*List, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	return &List{spec: s, mostEntries: MaxEntries, mostBytes: MaxBytes}, nil
}

// Spec is what the List was made with.
func (l *List) Spec() Spec { return l.spec }

// Len is the number of entries, those that expired and are not freed included.
func (l *List) Len() int { return len(l.entries) }

// Size is about the number of bytes that the List takes.
func (l *List) Size() int {
	return 8*(cap(l.slots)+cap(l.v4.near)+cap(l.v6.near)) + 24*cap(l.entries) + 4*cap(l.timers) + l.slab.Cap()
}

// Find returns the value of the entry that text names at the moment t, and whether it
// is there: the text itself, or for prefixes the longest that contains the address
// text. Text that is no address is in no prefix, and none is in a list of numbers. It
// allocates nothing.
func (l *List) Find(text string, t int64) (Value, bool) {
	i := -1
	switch l.spec.Type {
	case String:
		i = l.index(text)
	case CIDR:
		if a, ok := parseAddr(text); ok {
			return l.give(l.findAddr(a, t), t)
		}
	}
	return l.give(i, t)
}

// FindNumber is Find for lists of numbers. No number is in another list.
func (l *List) FindNumber(f float64, t int64) (Value, bool) {
	if l.spec.Type != Number {
		return Value{}, false
	}
	var buf [numberKey]byte
	return l.give(l.index(string(appendNumber(buf[:0], f))), t)
}

// Get returns the entry itself, as it was put, whether it has expired or not.
func (l *List) Get(text string) (Entry, bool) {
	key, err := l.spec.appendKey(nil, text)
	if err != nil {
		return Entry{}, false
	}
	i := l.index(string(key))
	if i < 0 {
		return Entry{}, false
	}
	return l.entry(i), true
}

// give returns the value of entry i if it is there at t.
func (l *List) give(i int, t int64) (Value, bool) {
	if i < 0 || !l.entries[i].there(t) {
		return Value{}, false
	}
	return l.value(i), true
}

// Put adds an entry, or replaces its value and expiry. It says what is wrong with the
// text or the value; ErrFull means that the List takes no more. The text may be
// changed afterwards.
func (l *List) Put(e Entry) error {
	if err := l.spec.checkValue(e.Value); err != nil {
		return err
	}
	raw, err := l.spec.appendKey(l.scratch[:0], e.Text)
	if err != nil {
		return err
	}
	key := len(raw)
	raw = e.Value.append(raw)
	l.scratch = raw[:0]
	i := l.index(string(raw[:key]))
	if i < 0 {
		return l.add(raw, key, e)
	}
	value := 0
	if e.Value.Kind != None {
		value = len(raw) - key + 1
	}
	if int(l.entries[i].value) != value || l.raw(i) != string(raw[key:]) {
		old := l.entries[i].size()
		if l.live()-old+len(raw) > l.mostBytes {
			return ErrFull
		}
		l.wasted += old
		l.entries[i].at = uint32(l.slab.Len())
		l.entries[i].value = uint16(value)
		l.slab.Write(raw)
	}
	l.expire(i, e.Expires)
	l.tidy()
	return nil
}

// add adds an entry that is not there. Its key and value are raw.
func (l *List) add(raw []byte, key int, e Entry) error {
	if len(l.entries) >= l.mostEntries || l.live()+len(raw) > l.mostBytes {
		return ErrFull
	}
	i := len(l.entries)
	n := entry{expires: Never, at: uint32(l.slab.Len()), hash: hash(string(raw[:key])), key: uint16(key)}
	if e.Value.Kind != None {
		n.value = uint16(len(raw) - key + 1)
	}
	l.slab.Write(raw)
	l.entries = append(l.entries, n)
	if slotsFor(len(l.entries)) > len(l.slots) {
		l.rehash(len(l.entries))
	} else {
		l.occupy(i)
	}
	if l.spec.Type == CIDR {
		l.addPrefix(i)
	}
	l.expire(i, e.Expires)
	return nil
}

// Remove removes an entry and reports whether it was there. Text that can be no entry
// is an error.
func (l *List) Remove(text string) (bool, error) {
	i, err := l.lookup(text)
	if i < 0 {
		return false, err
	}
	l.drop(i)
	l.tidy()
	return true, nil
}

// Expire gives an entry a new expiry and reports whether it was there. Text that can
// be no entry is an error.
func (l *List) Expire(text string, at int64) (bool, error) {
	i, err := l.lookup(text)
	if i < 0 {
		return false, err
	}
	l.expire(i, at)
	return true, nil
}

// lookup returns the entry with a text, -1 if there is none.
func (l *List) lookup(text string) (int, error) {
	key, err := l.spec.appendKey(l.scratch[:0], text)
	if err != nil {
		return -1, err
	}
	l.scratch = key[:0]
	return l.index(string(key)), nil
}

// Advance frees the entries that have expired at t and returns their number.
func (l *List) Advance(t int64) int {
	n := 0
	for len(l.timers) > 0 && l.entries[l.timers[0]].expires <= t {
		l.drop(int(l.timers[0]))
		n++
	}
	if n > 0 {
		l.tidy()
	}
	return n
}

// Deadline is the moment at which the next entry expires, and false if none does.
func (l *List) Deadline() (int64, bool) {
	if len(l.timers) == 0 {
		return Never, false
	}
	return l.entries[l.timers[0]].expires, true
}

// expire sets the expiry of entry i.
func (l *List) expire(i int, at int64) {
	if at == l.entries[i].expires {
		return
	}
	l.forget(i)
	l.entries[i].expires = at
	if at != Never {
		l.remind(i)
	}
}

// drop frees entry i. The last one takes its number.
func (l *List) drop(i int) {
	if l.spec.Type == CIDR {
		l.removePrefix(i)
	}
	l.forget(i)
	l.wasted += l.entries[i].size()
	l.vacate(l.slot(i))
	last := len(l.entries) - 1
	if i != last {
		at := l.slot(last)
		e := l.entries[last]
		l.entries[i] = e
		l.slots[at] = e.slot(i)
		if e.timer > 0 {
			l.timers[e.timer-1] = uint32(i)
		}
	}
	l.entries = l.entries[:last]
}

// leastWaste is the number of bytes under which the slab is not written again.
const leastWaste = 4096

// tidy writes the slab again, and everything else in its size, once most of it is
// wasted.
func (l *List) tidy() {
	if l.wasted < leastWaste || l.wasted <= l.slab.Len()/2 {
		return
	}
	old := l.slab.String()
	live := l.live()
	l.slab.Reset()
	l.slab.Grow(live)
	for i := range l.entries {
		e := &l.entries[i]
		raw := old[e.at : int(e.at)+e.size()]
		e.at = uint32(l.slab.Len())
		l.slab.WriteString(raw)
	}
	l.wasted = 0
	l.entries = append(make([]entry, 0, len(l.entries)), l.entries...)
	l.timers = slices.Clone(l.timers)
	if slotsFor(len(l.entries)) < len(l.slots)/2 {
		l.rehash(len(l.entries))
	}
	if l.spec.Type == CIDR {
		l.survey(&l.v4, 4, l.v4.all)
		l.survey(&l.v6, 6, l.v6.all)
	}
}

// live is the number of bytes of the slab that entries have.
func (l *List) live() int { return l.slab.Len() - l.wasted }

// key returns the key of entry i.
func (l *List) key(i int) string {
	e := &l.entries[i]
	return l.slab.String()[e.at : e.at+uint32(e.key)]
}

// raw returns the bytes of the value of entry i.
func (l *List) raw(i int) string {
	e := &l.entries[i]
	return l.slab.String()[e.at+uint32(e.key) : int(e.at)+e.size()]
}

func (l *List) value(i int) Value {
	if l.entries[i].value == 0 {
		return Value{}
	}
	return l.spec.value(l.raw(i))
}

func (l *List) entry(i int) Entry {
	return Entry{Text: l.spec.text(l.key(i)), Value: l.value(i), Expires: l.entries[i].expires}
}
