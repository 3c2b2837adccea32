package cep

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strconv"
)

// lowerBase32 writes hashes so that they can be read aloud and stand in a URL.
var lowerBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// hashed is the number of bytes of a hash that a name shows.
const hashed = 15

// name is what an alert calls the event: its declared id, or a hash of its line,
// followed by "-" and its number among equal lines where it is not the first.
func (e *Event) name() string { return nameOf(e.ID, e.Raw, e.nth) }

// nameOf is the name of the event with a declared id, or none, that is the nth with its
// line.
func nameOf(id, raw string, nth uint64) string {
	if id != "" {
		return id
	}
	sum := sha256.Sum256([]byte(raw))
	text := lowerBase32.EncodeToString(sum[:hashed])
	if nth > 1 {
		text += "-" + strconv.FormatUint(nth, 10)
	}
	return text
}

// namer makes the ids of alerts.
type namer struct {
	buf   []byte
	equal map[[sha256.Size]byte]uint64 // alerts of this moment, rule and key
	many  bool
}

// begin starts a moment of a rule and key at which n matches come.
func (n *namer) begin(matches int) {
	if n.many = matches > 1; n.many {
		if n.equal == nil {
			n.equal = map[[sha256.Size]byte]uint64{}
		}
		clear(n.equal)
	}
}

// alertID returns "a_" and a hash of what the alert is: kind, rule, revision, key,
// the events by variable, time, and its number among those in which all this is
// equal, from 1.
func (n *namer) alertID(a *Alert, events [][]*Event) string {
	n.buf = n.buf[:0]
	n.text(a.Kind.String())
	n.text(a.Rule.ID)
	n.number(uint64(a.Rule.Revision))
	n.number(uint64(len(a.Key)))
	for _, part := range a.Key {
		n.text(part)
	}
	for v := range a.Rule.Names {
		n.number(uint64(len(events[v])))
		for _, e := range events[v] {
			n.text(e.Name)
			if e.ID != "" {
				n.text("id")
				n.text(e.ID)
				continue
			}
			n.text("line")
			n.text(e.Raw)
			n.number(e.nth)
		}
	}
	n.number(uint64(a.Time))
	ordinal := uint64(1)
	if n.many {
		sum := sha256.Sum256(n.buf)
		n.equal[sum]++
		ordinal = n.equal[sum]
	}
	n.number(ordinal)
	sum := sha256.Sum256(n.buf)
	return "a_" + lowerBase32.EncodeToString(sum[:hashed])
}

// text adds a part with its length before it.
func (n *namer) text(s string) {
	n.number(uint64(len(s)))
	n.buf = append(n.buf, s...)
}

// number adds a number as eight bytes.
func (n *namer) number(x uint64) { n.buf = binary.LittleEndian.AppendUint64(n.buf, x) }
