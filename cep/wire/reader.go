package wire

import "encoding/binary"

// Reader reads what a Writer wrote from the beginning of Src, and leaves there what
// follows. Once something is wrong Bad stays true, Src is empty and all values are zero,
// so that a caller may look at Bad now and then only.
type Reader struct {
	Src []byte
	Bad bool
}

// Fail says that something is wrong.
func (r *Reader) Fail() { r.Bad, r.Src = true, nil }

// Uint reads a varint. It has to be in its shortest form.
func (r *Reader) Uint() uint64 {
	x, n := binary.Uvarint(r.Src)
	if n <= 0 || n > 1 && r.Src[n-1] == 0 {
		r.Fail()
		return 0
	}
	r.Src = r.Src[n:]
	return x
}

// Int reads a varint of the zigzag form.
func (r *Reader) Int() int64 {
	u := r.Uint()
	return int64(u>>1) ^ -int64(u&1)
}

// Fixed reads eight bytes, the least significant first.
func (r *Reader) Fixed() uint64 {
	b := r.Take(8)
	if r.Bad {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

// Byte reads one byte of at most most.
func (r *Reader) Byte(most byte) byte {
	b := r.Take(1)
	if r.Bad || b[0] > most {
		r.Fail()
		return 0
	}
	return b[0]
}

// Bool reads a byte, 0 or 1.
func (r *Reader) Bool() bool { return r.Byte(1) == 1 }

// Below reads a varint less than n.
func (r *Reader) Below(n uint64) uint64 {
	x := r.Uint()
	if x >= n {
		r.Fail()
		return 0
	}
	return x
}

// Count reads how many things follow, of at least size bytes each: as many as there can
// be in the rest.
func (r *Reader) Count(size int) int {
	x := r.Uint()
	if x > uint64(len(r.Src)/size) {
		r.Fail()
		return 0
	}
	return int(x)
}

// Text reads a length and so many bytes, which are copied.
func (r *Reader) Text() string { return string(r.Take(r.Count(1))) }

// Take reads n bytes, not negative. They are a part of Src.
func (r *Reader) Take(n int) []byte {
	if n > len(r.Src) {
		r.Fail()
		return nil
	}
	b := r.Src[:n:n]
	r.Src = r.Src[n:]
	return b
}
