package wire

import "encoding/binary"

// Writer appends values to B.
type Writer struct{ B []byte }

// Byte writes one byte.
func (w *Writer) Byte(x byte) { w.B = append(w.B, x) }

// Uint writes a varint.
func (w *Writer) Uint(x uint64) { w.B = binary.AppendUvarint(w.B, x) }

// Int writes a varint of the zigzag form.
func (w *Writer) Int(x int64) { w.B = binary.AppendVarint(w.B, x) }

// Fixed writes eight bytes, the least significant first.
func (w *Writer) Fixed(x uint64) { w.B = binary.LittleEndian.AppendUint64(w.B, x) }

// Bool writes a byte, 0 or 1.
func (w *Writer) Bool(x bool) {
	if x {
		w.Byte(1)
	} else {
		w.Byte(0)
	}
}

// Text writes the length of s in bytes, then these.
func (w *Writer) Text(s string) {
	w.Uint(uint64(len(s)))
	w.B = append(w.B, s...)
}

// Bytes is Text for a slice.
func (w *Writer) Bytes(s []byte) {
	w.Uint(uint64(len(s)))
	w.B = append(w.B, s...)
}
