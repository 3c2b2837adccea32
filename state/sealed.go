package state

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"weir/cep"
	"weir/cep/wire"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sumOf is CRC-32C of a key and a value.
func sumOf(key, value []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
}

// seal appends to a value the checksum of its key and itself.
func seal(key, value []byte) []byte {
	return binary.LittleEndian.AppendUint32(value, sumOf(key, value))
}

// unseal gives a reader of what was sealed under a key.
func unseal(key, value []byte) wire.Reader {
	n := len(value) - 4
	if n < 0 || binary.LittleEndian.Uint32(value[n:]) != sumOf(key, value[:n]) {
		r := wire.Reader{}
		r.Fail()
		return r
	}
	return wire.Reader{Src: value[:n:n]}
}

// done says whether a reader has come to its end and all was well.
func done(r *wire.Reader, bucket string, key []byte) error {
	if r.Bad || len(r.Src) > 0 {
		return fmt.Errorf("%s %x: %w", bucket, key, ErrDamaged)
	}
	return nil
}

// number is how a number stands in a key: eight bytes, so that keys are in its order.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func writePosition(w *wire.Writer, p cep.Position) {
	w.Uint(p.Incarnation)
	w.Uint(p.Sequence)
}

func readPosition(r *wire.Reader) cep.Position {
	return cep.Position{Incarnation: r.Uint(), Sequence: r.Uint()}
}

func writeMark(w *wire.Writer, m *cep.Mark) {
	writePosition(w, m.Position)
	w.Uint(uint64(m.Sum))
	w.B = append(w.B, m.Digest[:]...)
}

func readMark(r *wire.Reader) cep.Mark {
	m := cep.Mark{Position: readPosition(r), Sum: uint32(r.Below(1 << 32))}
	copy(m.Digest[:], r.Take(len(m.Digest)))
	return m
}

// before is the order of positions.
func before(a, b cep.Position) bool {
	return a.Incarnation < b.Incarnation || a.Incarnation == b.Incarnation && a.Sequence < b.Sequence
}
