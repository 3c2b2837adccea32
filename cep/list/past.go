package list

import (
	"math"
	"net/netip"
	"slices"
	"strings"
)

// Past is what changes of a List have replaced. It lets those look the List up as it was
// who came before a change and are asked after it. A Past belongs to one List; the zero
// Past has no changes, and the List is then what it was. It grows with every Note until
// Forget is called.
type Past struct {
	changes []change
	first   int              // number of changes[0]; those before it are forgotten
	of      map[string][]int // numbers of the changes of a key
	clears  []int            // numbers of the changes that removed all entries
	v4, v6  [3]uint64        // a bit for each length of a prefix that has changed
}

// Stamp is when a List is changed.
type Stamp struct {
	After uint64 // number of the last one that sees the List as it was before
	Time  int64  // the last moment for which it is looked up as it was before
}

// change is a change of a List.
type change struct {
	at  Stamp
	was Before
}

// Before is what a change replaces.
type Before struct {
	key    string
	prefix bool // it is the key of a prefix
	there  bool
	entry  Entry // if it was there; without its text
	all    *List // all entries were removed, which were these; else nil
}

// Before gives what a change of the entry that text names will replace. Text that can be
// no entry is an error.
func (l *List) Before(text string) (Before, error) {
	key, err := l.spec.appendKey(nil, text)
	if err != nil {
		return Before{}, err
	}
	b := Before{key: string(key), prefix: l.spec.Type == CIDR}
	if i := l.index(b.key); i >= 0 {
		b.there, b.entry = true, Entry{Value: l.value(i), Expires: l.entries[i].expires}
		b.entry.Value.Text = strings.Clone(b.entry.Value.Text) // it is a part of the slab
	}
	return b, nil
}

// BeforeAll gives what is replaced where another List takes the place of l. l must not be
// changed any more.
func (l *List) BeforeAll() Before { return Before{all: l} }

// Empty reports whether there are no changes.
func (p *Past) Empty() bool { return len(p.changes) == 0 }

// Len is the number of changes.
func (p *Past) Len() int { return len(p.changes) }

// Oldest is the Time of the first change. There must be one.
func (p *Past) Oldest() int64 { return p.changes[0].at.Time }

// Note notes a change that was made. Stamps do not go back.
func (p *Past) Note(was Before, at Stamp) {
	n := p.first + len(p.changes)
	p.changes = append(p.changes, change{at, was})
	if was.all != nil {
		p.clears = append(p.clears, n)
		return
	}
	if p.of == nil {
		p.of = map[string][]int{}
	}
	p.of[was.key] = append(p.of[was.key], n)
	if was.prefix {
		p.length(was.key)
	}
}

// length notes the length of a prefix.
func (p *Past) length(key string) {
	used, n := &p.v4, key[len(key)-1]
	if key[0] == 6 {
		used = &p.v6
	}
	used[n/64] |= 1 << (n % 64)
}

// Forget forgets the changes whose Time is before t.
func (p *Past) Forget(t int64) {
	n := 0
	for n < len(p.changes) && p.changes[n].at.Time < t {
		n++
	}
	if n == len(p.changes) {
		*p = Past{}
		return
	}
	for i := range p.changes[:n] {
		c := &p.changes[i]
		if c.was.all != nil {
			p.clears = p.clears[1:]
		} else if left := p.of[c.was.key][1:]; len(left) > 0 {
			p.of[c.was.key] = left
		} else {
			delete(p.of, c.was.key)
		}
	}
	clear(p.changes[:n])
	p.changes, p.first = p.changes[n:], p.first+n
}

// Find is Find of l as the one with a number sees it. It allocates nothing.
func (p *Past) Find(l *List, text string, t int64, number uint64) (Value, bool) {
	v := p.view(l, t, number)
	switch l.spec.Type {
	case String:
		return v.find(text)
	case CIDR:
		if a, ok := parseAddr(text); ok {
			return v.findAddr(a)
		}
	}
	return Value{}, false
}

// FindNumber is FindNumber of l as the one with a number sees it.
func (p *Past) FindNumber(l *List, f float64, t int64, number uint64) (Value, bool) {
	if l.spec.Type != Number {
		return Value{}, false
	}
	v := p.view(l, t, number)
	var buf [numberKey]byte
	return v.find(string(appendNumber(buf[:0], f)))
}

// view is a List as one sees it: what it was when all of its entries were removed, or is
// now, but for the entries that changed before that.
type view struct {
	*List
	past   *Past
	number uint64 // whose view it is
	t      int64  // the moment for which it is looked up
	until  int    // number of the change from which on none counts
}

func (p *Past) view(l *List, t int64, number uint64) view {
	v := view{l, p, number, t, math.MaxInt}
	if i := p.unseen(p.clears, number); i < len(p.clears) {
		v.until = p.clears[i]
		v.List = p.changes[v.until-p.first].was.all
	}
	return v
}

// unseen is the index of the first of some changes that the one with a number does not
// see.
func (p *Past) unseen(changes []int, number uint64) int {
	i, _ := slices.BinarySearchFunc(changes, number, func(n int, number uint64) int {
		if p.changes[n-p.first].at.After < number {
			return -1
		}
		return 1
	})
	return i
}

// before gives what the entry with a key was before the first change of it that is not
// seen; nil: it is as it stands in the List.
func (v *view) before(key string) *Before {
	changes := v.past.of[key]
	if i := v.past.unseen(changes, v.number); i < len(changes) && changes[i] < v.until {
		return &v.past.changes[changes[i]-v.past.first].was
	}
	return nil
}

// give returns the value of the entry if it was there at t.
func (b *Before) give(t int64) (Value, bool) {
	if !b.there || b.entry.Expires != Never && b.entry.Expires <= t {
		return Value{}, false
	}
	return b.entry.Value, true
}

func (v *view) find(key string) (Value, bool) {
	if b := v.before(key); b != nil {
		return b.give(v.t)
	}
	return v.give(v.index(key), v.t)
}

// findAddr returns the value of the longest prefix that contains a.
func (v *view) findAddr(a netip.Addr) (Value, bool) {
	if a.Is4() {
		var key [v4Key]byte
		b := a.As4()
		key[0] = 4
		copy(key[1:], b[:])
		return v.longest(&v.past.v4, &v.v4, key[:])
	}
	var key [v6Key]byte
	b := a.As16()
	key[0] = 6
	copy(key[1:], b[:])
	return v.longest(&v.past.v6, &v.v6, key[:])
}

// longest is findAddr for the address in key, which has room for a length behind it. A
// prefix of each length is looked up that is there or has changed.
func (v *view) longest(changed *[3]uint64, f *family, key []byte) (Value, bool) {
	last := len(key) - 1
	for length := 8 * (last - 1); length >= 0; length-- {
		w, bit := length/64, uint64(1)<<(length%64)
		if (changed[w]|f.used[w])&bit == 0 {
			continue
		}
		key[last] = byte(length)
		mask(key[1:last], length)
		if value, ok := v.find(string(key)); ok {
			return value, true
		}
	}
	return Value{}, false
}
