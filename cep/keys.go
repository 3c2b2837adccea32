package cep

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"strings"
	"unsafe"

	"weir/nfa"
)

// never is the deadline of what time does not change.
const never = math.MaxInt64

// keyState is what is kept under one key: the open matches of the rules of its
// space, their throttles, and the events that they have captured.
type keyState struct {
	space  int32
	text   string   // the key in its table
	parts  []string // the key as rules see it
	rules  []ruleState
	events []captive // captured, by number
	count  uint64    // EagerOrder: the numbers given to events
	sweep  int       // number of events at which those without a reference go
	timer  int64     // its time in the shard's timers, or never
	dirty  dirty
	spot   uint32 // its place in the index of its table; 0: none
	same   *image // EagerOrder: what was saved of it, while it is the same; nil: it is not
}

// ruleState is what is kept for one rule under one key.
type ruleState struct {
	rule       int32
	throttled  bool
	quiet      int64 // throttled: until then matches make no alert
	suppressed int   // matches that made no alert since the last one
	edge       bool  // Rule.Edge: the last event that the rule saw was a match
	holds      []hold
	due        int64 // when time next changes it, or never
	runs       nfa.Runs
	most       int      // captures that runs has had room for, at least; 0: it has no memory
	sums       *sums    // nil until a condition asked for an aggregate
	near       *keyNear // Options.NearMisses; nil: nothing yet
}

// idle reports whether nothing needs to be kept.
func (st *ruleState) idle() bool {
	return !st.throttled && st.suppressed == 0 && !st.edge && len(st.holds) == 0 && st.runs.Empty()
}

// schedule works out when time next changes st. p is nil for a rule with WindowClose,
// whose windows are elsewhere.
func (st *ruleState) schedule(p *nfa.Program) {
	st.due = never
	if p != nil {
		if at, ok := p.Deadline(&st.runs); ok {
			st.due = at
		}
	}
	if st.throttled && st.suppressed == 0 {
		st.due = min(st.due, st.quiet)
	}
	if n := len(st.holds); n > 0 {
		st.due = min(st.due, st.holds[n-1].until)
	}
}

// state returns the state of a rule, nil if there is none.
func (ks *keyState) state(rule int32) *ruleState {
	if i, ok := ks.place(rule); ok {
		return &ks.rules[i]
	}
	return nil
}

func (ks *keyState) place(rule int32) (int, bool) {
	return slices.BinarySearchFunc(ks.rules, rule, func(st ruleState, r int32) int { return int(st.rule - r) })
}

// captive is an event that a rule of the key captured, under the number that open matches
// know it by: Event.Place, or, in EagerOrder, a number of the key's own, as an event that
// comes late has no place between its neighbours.
type captive struct {
	number uint64
	*Event
}

// keep stores an event that a rule of the key captured and that lasts. Events come
// in processing order; an event kept already is kept once.
func (ks *keyState) keep(number uint64, e *Event) {
	if n := len(ks.events); n > 0 && ks.events[n-1].number == number {
		return
	}
	ks.events = append(ks.events, captive{number, e})
}

// event returns a captured event by its number.
func (ks *keyState) event(n uint64) *Event {
	i, ok := ks.find(n)
	if !ok {
		panic("cep: an open match refers to an event that is not kept")
	}
	return ks.events[i].Event
}

// find returns where an event stands among those captured.
func (ks *keyState) find(n uint64) (int, bool) {
	return slices.BinarySearchFunc(ks.events, n, func(e captive, n uint64) int { return cmp.Compare(e.number, n) })
}

// leastSweep is the number of events under which a key is not swept.
const leastSweep = 8

// release drops the captured events that no open match refers to.
func (ks *keyState) release(rs *Ruleset) {
	used := make([]bool, len(ks.events))
	for i := range ks.rules {
		st := &ks.rules[i]
		if st.runs.Empty() {
			continue
		}
		st.runs.Captured(rs.Rules[st.rule].Program, func(n nfa.Event) {
			if j, ok := ks.find(uint64(n)); ok {
				used[j] = true
			}
		})
	}
	kept := ks.events[:0]
	for i, e := range ks.events {
		if used[i] {
			kept = append(kept, e)
		}
	}
	clear(ks.events[len(kept):])
	ks.events = kept
	ks.sweep = max(leastSweep, 2*len(kept))
}

// keyReader reads keys from events. A key is valid until the next is read.
type keyReader struct {
	text  string // of a key with one part
	bytes []byte // of a key with several: each with its length before it
	whole bool   // the key is in text
	parts []string
}

// read reads the key of e in a space whose keys have all fields as parts; it
// returns false if there is none.
func (k *keyReader) read(fields []FieldID, e *Event) bool {
	k.parts = k.parts[:0]
	for _, f := range fields {
		text, ok := e.Field(f).KeyText()
		if !ok {
			return false
		}
		k.parts = append(k.parts, text)
	}
	k.join()
	return true
}

// readOne reads the key that one field gives.
func (k *keyReader) readOne(f FieldID, e *Event) bool {
	text, ok := e.Field(f).KeyText()
	if !ok {
		return false
	}
	k.parts = append(k.parts[:0], text)
	k.join()
	return true
}

// join makes the text of the key from its parts.
func (k *keyReader) join() {
	if k.whole = len(k.parts) == 1; k.whole {
		k.text = k.parts[0]
		return
	}
	k.bytes = k.bytes[:0]
	for _, part := range k.parts {
		k.bytes = binary.AppendUvarint(k.bytes, uint64(len(part)))
		k.bytes = append(k.bytes, part...)
	}
}

// copied returns a copy of the key's text that lasts.
func (k *keyReader) copied() string {
	if k.whole {
		return strings.Clone(k.text)
	}
	return string(k.bytes)
}

// set lets k hold a key that has been read.
func (k *keyReader) set(parts []string) {
	k.parts = append(k.parts[:0], parts...)
	k.join()
}

// joined is the text of the key, the same for equal keys only. It is valid until the
// next is read.
func (k *keyReader) joined() string {
	if k.whole {
		return k.text
	}
	return unsafe.String(unsafe.SliceData(k.bytes), len(k.bytes))
}

// hash spreads the key over shards.
func (k *keyReader) hash() uint64 {
	var h uint64
	for _, part := range k.parts {
		h = mix(h, hashOf(part))
	}
	return h
}

// find returns the state of the key in a table, nil if there is none.
func (k *keyReader) find(table map[string]*keyState) *keyState {
	if k.whole {
		return table[k.text]
	}
	return table[string(k.bytes)]
}

// create makes ks, which is empty, the state of the key in a table.
func (k *keyReader) create(ks *keyState, table map[string]*keyState, space int32) {
	ks.space, ks.count, ks.sweep, ks.timer, ks.dirty, ks.spot = space, 0, leastSweep, never, 0, 0
	ks.parts = ks.parts[:0]
	if k.whole {
		ks.text = strings.Clone(k.text)
		ks.parts = append(ks.parts, ks.text)
	} else {
		ks.text = string(k.bytes)
		at := 0
		for _, part := range k.parts {
			_, n := binary.Uvarint(k.bytes[at:])
			at += n
			ks.parts = append(ks.parts, ks.text[at:at+len(part)])
			at += len(part)
		}
	}
	table[ks.text] = ks
}

// hashOf is a hash of text that is the same in every process: eight bytes at a
// time, multiplied and folded.
func hashOf(s string) uint64 { return hashFrom(uint64(len(s)), s) }

// hashFrom goes on from a hash.
func hashFrom(h uint64, s string) uint64 {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		h = mix(h, w)
	}
	var w uint64
	shift := 0
	if i+4 <= len(s) {
		w = uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24
		i, shift = i+4, 32
	}
	for ; i < len(s); i++ {
		w |= uint64(s[i]) << shift
		shift += 8
	}
	return mix(h, w)
}

// mix takes a word into a hash: the two halves of a product.
func mix(h, w uint64) uint64 {
	high, low := bits.Mul64(h^0x9e3779b97f4a7c15, w^0xd1b54a32d192ed03)
	return high ^ low
}
