package list

import (
	"bytes"
	"slices"
	"testing"
)

func samples(t testing.TB) []*List {
	return []*List{
		made(t, Spec{Type: String}),
		made(t, Spec{Type: String}, "b", "a@5", "abcdefghijk"),
		made(t, Spec{String, Number}, "EUR=1", "USD=0.92@7", "XAU"),
		made(t, Spec{Number, Bool}, "-1=true", "0=false", "12.5@9"),
		made(t, Spec{CIDR, String}, "10.0.0.0/8=x@-5", "2001:db8::/32", "::/0=y", "192.0.2.1=z"),
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, l := range samples(t) {
		whole := l.Append(nil)
		for n := range whole {
			if _, _, err := Decode(whole[:n]); err == nil {
				t.Errorf("%s: the first %d of %d bytes are taken for a list", text(l), n, len(whole))
			}
		}
	}
	two := made(t, Spec{Type: String}, "a", "b").Append(nil)
	swapped := bytes.Replace(bytes.Replace(bytes.Replace(two, []byte("a"), []byte("?"), 1), []byte("b"), []byte("a"), 1), []byte("?"), []byte("b"), 1)
	for name, b := range map[string][]byte{
		"another format":        append([]byte{format + 1}, two[1:]...),
		"an unknown type":       append([]byte{format, 9}, two[2:]...),
		"values of no type":     append([]byte{format, byte(String), 9}, two[3:]...),
		"entries out of order":  swapped,
		"an entry twice":        bytes.Replace(two, []byte("b"), []byte("a"), 1),
		"a number of more":      {format, byte(String), 0, 5, 0, 1, 'a'},
		"an empty entry":        {format, byte(String), 0, 1, 0, 0, 0},
		"unknown flags":         {format, byte(String), 0, 1, 4, 1, 'a'},
		"an undeclared value":   {format, byte(String), 0, 1, 1, 1, 'a', 1, 'x'},
		"an empty value":        {format, byte(String), byte(String), 1, 1, 1, 'a', 0},
		"half a truth":          {format, byte(String), byte(Bool), 1, 1, 1, 'a', 1, 2},
		"a value that is NaN":   {format, byte(String), byte(Number), 1, 1, 1, 'a', 8, 1, 0, 0, 0, 0, 0, 0xf8, 0x7f},
		"an expiry of never":    {format, byte(String), 0, 1, 2, 1, 'a', 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"an entry that is -0":   {format, byte(Number), 0, 1, 0, 8, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"an entry that is inf":  {format, byte(Number), 0, 1, 0, 8, 0xff, 0xf0, 0, 0, 0, 0, 0, 0},
		"bits behind a length":  {format, byte(CIDR), 0, 1, 0, 6, 4, 10, 0, 0, 1, 8},
		"a length of 33":        {format, byte(CIDR), 0, 1, 0, 6, 4, 10, 0, 0, 0, 33},
		"an IPv4 in IPv6 form":  {format, byte(CIDR), 0, 1, 0, 18, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1, 128},
		"an unknown family":     {format, byte(CIDR), 0, 1, 0, 6, 5, 10, 0, 0, 0, 8},
		"text that is no UTF-8": {format, byte(String), 0, 1, 0, 1, 0xff},
	} {
		if l, _, err := Decode(b); err == nil {
			t.Errorf("%s: taken for %s", name, text(l))
		}
	}
}

// Whatever the bytes, Decode gives an error or a List that works and is written as it
// was read.
func FuzzDecode(f *testing.F) {
	for _, l := range samples(f) {
		f.Add(l.Append(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, rest, err := Decode(slices.Clone(data))
		if err != nil {
			return
		}
		if again := l.Append(nil); !bytes.Equal(again, data[:len(data)-len(rest)]) {
			t.Fatalf("%x is written as %x", data, again)
		}
		for _, e := range slices.Collect(l.All()) {
			if got, ok := l.Get(e.Text); !ok || got != e {
				t.Fatalf("%v: %v %t", e, got, ok)
			}
			if err := l.Put(Entry{Text: e.Text, Expires: 7}); err != nil {
				t.Fatal(err)
			}
		}
		if l.Advance(7); l.Len() != 0 {
			t.Fatalf("%d entries are left", l.Len())
		}
	})
}
