package cep

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"

	"weir/cep/wire"
)

// Position is a place on the log: after the record with a sequence number, in one
// incarnation of the log.
type Position struct {
	Incarnation uint64 // from 1; it rises by one when the log has lost its end
	Sequence    uint64 // of a record, from 1; 0: before the first
}

// String is how users see a position: incarnation and sequence, like 1-8812.
func (p Position) String() string { return fmt.Sprintf("%d-%d", p.Incarnation, p.Sequence) }

// ParsePosition reads what String wrote.
func ParsePosition(text string) (Position, error) {
	before, after, ok := strings.Cut(text, "-")
	incarnation, err := strconv.ParseUint(before, 10, 64)
	sequence, err2 := strconv.ParseUint(after, 10, 64)
	p := Position{incarnation, sequence}
	if !ok || err != nil || err2 != nil || incarnation == 0 || p.String() != text {
		return Position{}, fmt.Errorf("%q is no position: expected incarnation and sequence, like 1-8812", text)
	}
	return p, nil
}

// Logged is a record as it lies on the log.
type Logged struct {
	Sequence uint64 // from 1, rising; purged records leave gaps
	Appended int64  // by the log's clock, nanoseconds since the epoch
	Data     []byte // what Packed.Append wrote. It is not changed any more
}

// Sum is a checksum of the record: CRC-32C of its sequence number, its time and its data.
// Files that were derived from the record keep it, to find out whether it is still there.
func (l *Logged) Sum() uint32 {
	var head [16]byte
	binary.LittleEndian.PutUint64(head[:], l.Sequence)
	binary.LittleEndian.PutUint64(head[8:], uint64(l.Appended))
	return crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, l.Data)
}

// PackedKind is the kind of a record of the log.
type PackedKind uint8

const (
	PackedEvents  PackedKind = iota + 1 // Body is NDJSON, one event a line
	PackedAdvance                       // time moves on to Time
	PackedTick                          // append time went on without events
	PackedRules                         // other rules are in force from here on; Body is for the Compiler
	PackedBoot                          // a process begins to fold; Body says which: a note for people
	PackedSkip                          // what Skipped says is not stepped: stepping it panicked twice
	PackedList                          // Body is a part of what a list begins with; it counts where a record of kind PackedRules or PackedEntries names it
	PackedEntries                       // a list changes: Change
	PackedJoin                          // what Joined says wakes: a lane has come to here for it
)

// Packed is the content of a record of the log. Its format, version 1, 2 where a post has a
// sum, 3 where lines have to be of a type, or 4 where it says who brings the change: u8
// version, u8 kind; in version 4 text author, reason, what, id, before, after; then by kind
//
//	events   list of post; in version 3 the types of the lines; the body
//	advance  int: time
//	tick     nothing
//	rules    the body
//	boot     the body
//	skip     uint sequence; uint line; text: why
//	list     text: of what it is a part; the body
//	entries  u8: the ListAction; text: the list; of an entry that is put: text, u8 the kind of
//	         its value, the value (text, u64 bits of a number, or bool), int expires; of one that
//	         is removed: text; of many: text SHA-256 in hex, list of uint sequence
//	join     uint at; uint from; list of text: rules
//
// A post: 16 bytes key; uint first; uint count; from version 2 on uint bytes; 16 bytes sum. The
// types: list of text; list of rows of lines, each uint number in that list, from 0; uint lines.
// The words are those of FORMAT.md.
type Packed struct {
	Kind    PackedKind
	Posts   []Post  // PackedEvents: which requests with a key its lines are of
	Typed   []Typed // PackedEvents: of which types its lines have to be, all lines in rows; nil: of any
	Body    []byte
	Time    int64 // PackedAdvance: nanoseconds since the epoch
	Skipped Skipped
	Of      string // PackedList: SHA-256 of the whole of which Body is a part, in hex; PackedEntries of many: of all parts

	Change *ListChange // PackedEntries; many entries stand in Parts
	Parts  []uint64    // PackedEntries of many: the records of kind PackedList that have what list.List.Append gives of them, in order

	Audit *Audit // but for PackedEvents: who brings the change; nil: nobody is named

	Joined Joined // PackedJoin
}

// Post says that a record has lines of a request that may be repeated.
type Post struct {
	Key   [16]byte // what names the request
	First uint64   // number of the first of these lines among those of the request that are events, from 0
	Count uint64   // lines, in a row

	// The body of the request up to the end of what had been read of it when these lines were
	// appended: its length, and the first half of its SHA-256. Length 0: not known.
	Bytes uint64
	Sum   [16]byte
}

// Skipped is what a record of kind PackedSkip names.
type Skipped struct {
	Sequence uint64 // of a record before it
	Line     uint64 // of it, from 1; 0: all of it
	Reason   string
}

// Joined is what a record of kind PackedJoin names.
type Joined struct {
	At    uint64   // sequence of the record that published the rules
	From  uint64   // of the first record that the lane has folded for them
	Rules []string // their ids, in order
}

// Versions of the format.
const (
	packedVersion = 1
	provenVersion = 2 // posts have a sum
)

// ErrNewer: a record of the log is of a newer program. Who passed over it would lose events.
var ErrNewer = errors.New("a newer weir has written to the log: start that one")

// Append appends the record's bytes to dst.
func (p *Packed) Append(dst []byte) []byte {
	w := wire.Writer{B: dst}
	proven := p.Kind == PackedEvents && slices.ContainsFunc(p.Posts, func(post Post) bool { return post.Bytes > 0 })
	typed := p.Kind == PackedEvents && isTyped(p.Typed)
	audited := p.Kind != PackedEvents && p.Audit != nil
	switch {
	case audited:
		w.Byte(auditedVersion)
	case typed:
		w.Byte(typedVersion)
	case proven:
		w.Byte(provenVersion)
	default:
		w.Byte(packedVersion)
	}
	proven = proven || typed
	w.Byte(byte(p.Kind))
	if audited {
		appendAudit(&w, p.Audit)
	}
	switch p.Kind {
	case PackedEvents:
		w.Uint(uint64(len(p.Posts)))
		for i := range p.Posts {
			w.B = append(w.B, p.Posts[i].Key[:]...)
			w.Uint(p.Posts[i].First)
			w.Uint(p.Posts[i].Count)
			if proven {
				w.Uint(p.Posts[i].Bytes)
				w.B = append(w.B, p.Posts[i].Sum[:]...)
			}
		}
		if typed {
			appendTyped(&w, p.Typed)
		}
		w.B = append(w.B, p.Body...)
	case PackedAdvance:
		w.Int(p.Time)
	case PackedRules, PackedBoot:
		w.B = append(w.B, p.Body...)
	case PackedSkip:
		w.Uint(p.Skipped.Sequence)
		w.Uint(p.Skipped.Line)
		w.Text(p.Skipped.Reason)
	case PackedList:
		w.Text(p.Of)
		w.B = append(w.B, p.Body...)
	case PackedEntries:
		appendEntries(&w, p)
	case PackedJoin:
		w.Uint(p.Joined.At)
		w.Uint(p.Joined.From)
		w.Uint(uint64(len(p.Joined.Rules)))
		for _, id := range p.Joined.Rules {
			w.Text(id)
		}
	}
	return w.B
}

// Unpack reads what Append wrote. Body is a part of data.
func Unpack(data []byte) (Packed, error) {
	r := wire.Reader{Src: data}
	version := r.Byte(255)
	if !r.Bad && (version < packedVersion || version > auditedVersion) {
		return Packed{}, fmt.Errorf("cep: a record of the log has format %d, this program reads formats up to %d: %w", version, auditedVersion, ErrNewer)
	}
	proven := version == packedVersion
	p := Packed{Kind: PackedKind(r.Byte(255))}
	if !r.Bad && p.Kind > PackedJoin {
		return Packed{}, fmt.Errorf("cep: a record of the log has kind %d, this program knows those up to %d: %w", p.Kind, PackedJoin, ErrNewer)
	}
	if version == auditedVersion {
		p.Audit, proven = readAudit(&r), p.Kind != PackedEvents
	}
	switch p.Kind {
	case PackedEvents:
		for n := r.Count(18); n > 0 && !r.Bad; n-- {
			var post Post
			copy(post.Key[:], r.Take(16))
			post.First, post.Count = r.Uint(), r.Uint()
			if version >= provenVersion {
				post.Bytes = r.Uint()
				copy(post.Sum[:], r.Take(16))
				proven = proven || post.Bytes > 0
			}
			p.Posts = append(p.Posts, post)
		}
		if version == typedVersion {
			p.Typed = readTyped(&r)
			proven = isTyped(p.Typed) && covers(p.Typed, r.Src)
		}
		p.Body, r.Src = r.Src, nil
	case PackedAdvance:
		p.Time = r.Int()
	case PackedTick:
	case PackedRules, PackedBoot:
		p.Body, r.Src = r.Src, nil
	case PackedSkip:
		p.Skipped = Skipped{r.Uint(), r.Uint(), r.Text()}
	case PackedList:
		p.Of = r.Text()
		p.Body, r.Src = r.Src, nil
	case PackedEntries:
		readEntries(&r, &p)
	case PackedJoin:
		p.Joined = Joined{At: r.Uint(), From: r.Uint()}
		for range r.Count(1) {
			p.Joined.Rules = append(p.Joined.Rules, r.Text())
		}
		r.Bad = r.Bad || p.Joined.At == 0 || p.Joined.From == 0 || p.Joined.From > p.Joined.At || len(p.Joined.Rules) == 0
	default:
		r.Fail()
	}
	if r.Bad || len(r.Src) > 0 || !proven {
		return Packed{}, fmt.Errorf("cep: a record of the log is damaged")
	}
	return p, nil
}
