package cep

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"

	"weir/cep/wire"
)

// Entry is a piece of the state of an Engine, as Frozen.Next gives it: what is kept under
// one key of a section, or that nothing is. Of a base and the entries of later freezes the
// latest of each key are the state (Assemble). FORMAT.md says which sections there are.
type Entry struct {
	Section uint32
	Kind    EntryKind
	Key     []byte
	Value   []byte // PutKind: the bytes; GoneBeforeKind: a key
}

// EntryKind is what an Entry says.
type EntryKind uint8

const (
	PutKind        EntryKind = iota // Value is kept under Key
	GoneKind                        // nothing is kept under Key any more
	GoneBeforeKind                  // nothing is kept under keys before Value any more, nor will be; Key is empty
)

// Compare orders entries by section, then by key.
func (e *Entry) Compare(o *Entry) int {
	return cmp.Or(cmp.Compare(e.Section, o.Section), bytes.Compare(e.Key, o.Key))
}

// Append appends the bytes of the entry to dst.
func (e *Entry) Append(dst []byte) []byte {
	w := wire.Writer{B: dst}
	w.Uint(uint64(e.Section))
	w.Byte(byte(e.Kind))
	w.Bytes(e.Key)
	if e.Kind != GoneKind {
		w.Bytes(e.Value)
	}
	return w.B
}

var errEntry = errors.New("cep: the bytes are no entries of a state: they are damaged or cut off")

// ReadEntry reads the first entry of src and returns what follows it. Key and Value are
// parts of src.
func ReadEntry(src []byte) (e Entry, rest []byte, err error) {
	r := wire.Reader{Src: src}
	e.Section = uint32(r.Below(1 << 32))
	e.Kind = EntryKind(r.Byte(byte(GoneBeforeKind)))
	e.Key = r.Take(r.Count(1))
	if e.Kind != GoneKind {
		e.Value = r.Take(r.Count(1))
	}
	if r.Bad || e.Kind == GoneBeforeKind && len(e.Key) > 0 {
		return Entry{}, nil, errEntry
	}
	return e, r.Src, nil
}

// Run gives entries by section and key, each once.
type Run interface {
	// Next returns the next entry; false: there is none. It is valid until the next call.
	Next() (Entry, bool, error)
}

// running is a Run and its next entry.
type running struct {
	run    Run
	age    int // the higher the newer
	entry  Entry
	sorted Entry // Key is a copy of that of the one before
}

func (r *running) before(o *running) bool {
	c := r.entry.Compare(&o.entry)
	return c < 0 || c == 0 && r.age > o.age
}

// next goes on to the next entry.
func (r *running) next() (bool, error) {
	e, ok, err := r.run.Next()
	if err != nil || !ok {
		return false, err
	}
	if r.sorted.Key != nil && r.sorted.Compare(&e) >= 0 {
		return false, errEntry
	}
	r.sorted = Entry{Section: e.Section, Key: append(append(r.sorted.Key[:0], e.Key...), 0)[:len(e.Key)]}
	r.entry = e
	return true, nil
}

// Merge gives what is left of runs, the oldest first: of each key the newest entry, if
// something is kept. It gives them by section and key, and stops at the first error.
func Merge(runs []Run, give func(*Entry) error) error {
	var all heap[*running]
	for i, run := range runs {
		r := &running{run: run, age: i}
		ok, err := r.next()
		if err != nil {
			return err
		}
		if ok {
			all.push(r)
		}
	}
	var last, gone Entry // gone: keys of the section before Value are
	none := true
	for len(all) > 0 {
		r := all.pop()
		e := &r.entry
		switch {
		case e.Kind == GoneBeforeKind:
			if gone.Section != e.Section || bytes.Compare(gone.Value, e.Value) < 0 {
				gone = Entry{Section: e.Section, Value: bytes.Clone(e.Value)}
			}
		case !none && last.Compare(e) == 0: // there is a newer one
		default:
			none = false
			last.Section, last.Key = e.Section, append(last.Key[:0], e.Key...)
			if e.Kind == PutKind && (gone.Section != e.Section || bytes.Compare(e.Key, gone.Value) >= 0) {
				if err := give(e); err != nil {
					return err
				}
			}
		}
		ok, err := r.next()
		if err != nil {
			return err
		}
		if ok {
			all.push(r)
		}
	}
	return nil
}

// Kinds of sections: of one piece under the empty key, or of a list whose number of keys
// stands before them.
const (
	onePiece byte = iota
	keyedPieces
)

// Assemble makes the bytes that Restore reads of runs of entries, the oldest first.
func Assemble(runs []Run) ([]byte, error) {
	state, _, err := AssembleSections(runs, 0)
	return state, err
}

// AssembleSections is Assemble where about so many bytes are expected: memory for them is
// taken at once. It also says where the sections of the state begin, for RestoreSections.
func AssembleSections(runs []Run, size int) (state []byte, begins []int, err error) {
	a := assembly{bytes: make([]byte, 0, size)}
	if err := Merge(runs, a.take); err != nil {
		return nil, nil, err
	}
	if a.kinds == nil {
		return nil, nil, errEntry
	}
	if err := a.moveTo(len(a.kinds)); err != nil {
		return nil, nil, err
	}
	return binary.LittleEndian.AppendUint32(a.bytes, crc32.Checksum(a.bytes, castagnoli)), a.begins, nil
}

// assembly puts entries together. Section 0 says what the others are.
type assembly struct {
	bytes []byte
	kinds []byte // of sections from 0 on
	at    int    // the section
	begun int    // where it begins
	n     int    // its entries

	begins []int // of the sections before
}

func (a *assembly) take(e *Entry) error {
	if a.kinds == nil {
		if e.Section != 0 || len(e.Key) > 0 {
			return errEntry
		}
		a.kinds = append([]byte{onePiece}, e.Value...)
		a.n = 1
		return nil
	}
	if int(e.Section) >= len(a.kinds) {
		return errEntry
	}
	if err := a.moveTo(int(e.Section)); err != nil {
		return err
	}
	if a.kinds[a.at] == onePiece && len(e.Key) > 0 {
		return errEntry
	}
	a.n++
	a.bytes = append(a.bytes, e.Value...)
	return nil
}

// moveTo ends sections up to one.
func (a *assembly) moveTo(section int) error {
	if section < a.at || section > len(a.kinds) {
		return errEntry
	}
	for a.at < section {
		switch a.kinds[a.at] {
		case onePiece:
			if a.n != 1 {
				return errEntry
			}
		case keyedPieces: // their number goes before them
			var count [binary.MaxVarintLen64]byte
			a.bytes = slices.Insert(a.bytes, a.begun, count[:binary.PutUvarint(count[:], uint64(a.n))]...)
		default:
			return errEntry
		}
		a.at++
		a.begins = append(a.begins, a.begun)
		a.begun, a.n = len(a.bytes), 0
	}
	return nil
}

// RunOf is a Run of the entries in sorted bytes.
func RunOf(sorted []byte) Run { return &byteRun{sorted} }

type byteRun struct{ rest []byte }

func (b *byteRun) Next() (e Entry, ok bool, err error) {
	if len(b.rest) == 0 {
		return e, false, nil
	}
	e, b.rest, err = ReadEntry(b.rest)
	return e, err == nil, err
}
