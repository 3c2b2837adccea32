package wire

import (
	"bytes"
	"math"
	"testing"
)

// TestRoundTrip writes values of each kind, at their bounds, and reads them back.
func TestRoundTrip(t *testing.T) {
	var w Writer
	for _, x := range []uint64{0, 127, 128, math.MaxUint64} {
		w.Uint(x)
		w.Int(int64(x))
		w.Fixed(x)
		w.Byte(byte(x))
	}
	w.Bool(true)
	w.Bool(false)
	w.Text("a\x00é")
	w.Bytes(nil)
	r := Reader{Src: append(w.B, "rest"...)}
	for _, x := range []uint64{0, 127, 128, math.MaxUint64} {
		if a, b, c, d := r.Uint(), r.Int(), r.Fixed(), r.Byte(255); a != x || b != int64(x) || c != x || d != byte(x) {
			t.Errorf("%d came back as %d, %d, %d, %d", x, a, b, c, d)
		}
	}
	if a, b, c, d := r.Bool(), r.Bool(), r.Text(), r.Text(); !a || b || c != "a\x00é" || d != "" {
		t.Errorf("read %v %v %q %q", a, b, c, d)
	}
	if r.Bad || string(r.Src) != "rest" {
		t.Errorf("bad: %v, left: %q", r.Bad, r.Src)
	}
}

// TestReaderRefuses holds what no Writer writes.
func TestReaderRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		src  string
		read func(*Reader)
	}{
		"nothing":                    {"", func(r *Reader) { r.Uint() }},
		"a varint that is cut":       {"\x80", func(r *Reader) { r.Uint() }},
		"a varint too long":          {"\x81\x00", func(r *Reader) { r.Uint() }},
		"a varint beyond 64 bits":    {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", func(r *Reader) { r.Uint() }},
		"seven bytes":                {"1234567", func(r *Reader) { r.Fixed() }},
		"a bool of 2":                {"\x02", func(r *Reader) { r.Bool() }},
		"a byte too great":           {"\x05", func(r *Reader) { r.Byte(4) }},
		"no byte":                    {"", func(r *Reader) { r.Byte(4) }},
		"a number not below":         {"\x05", func(r *Reader) { r.Below(5) }},
		"a text longer than what is": {"\x03ab", func(r *Reader) { r.Text() }},
		"more things than can be":    {"\x02abc", func(r *Reader) { r.Count(2) }},
	} {
		r := Reader{Src: []byte(c.src)}
		if c.read(&r); !r.Bad || len(r.Src) > 0 {
			t.Errorf("%s: bad: %v, left: %q", name, r.Bad, r.Src)
		}
		if r.Uint() != 0 || r.Fixed() != 0 || r.Bool() || r.Text() != "" {
			t.Errorf("%s: what is read after that is not zero", name)
		}
	}
}

// FuzzReader reads anything: what is read and written again is what was there.
func FuzzReader(f *testing.F) {
	f.Add([]byte("\x00\x01\x02"), []byte("\x05\x01\x03abc12345678"))
	f.Fuzz(func(t *testing.T, ops, src []byte) {
		r := Reader{Src: bytes.Clone(src)}
		var w Writer
		for _, op := range ops {
			before := w
			switch op % 5 {
			case 0:
				w.Uint(r.Uint())
			case 1:
				w.Int(r.Int())
			case 2:
				w.Fixed(r.Fixed())
			case 3:
				w.Bool(r.Bool())
			case 4:
				w.Text(r.Text())
			}
			if r.Bad {
				w = before
				break
			}
		}
		if !bytes.HasPrefix(src, w.B) || !r.Bad && string(r.Src) != string(src[len(w.B):]) {
			t.Fatalf("%q is read as %q, left %q", src, w.B, r.Src)
		}
	})
}
