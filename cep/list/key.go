package list

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strconv"
)

// The key of an entry is what the slab holds of it: the text of a text, or bytes in
// whose order the entries of a List stand.
//
//   - A number is 8 bytes: its bits, most significant byte first, all of them turned
//     over where it is negative, else only the first.
//   - A prefix is its family (4 or 6), the 4 or 16 bytes of the address, and its
//     length in bits.
const (
	numberKey = 8
	v4Key     = 1 + 4 + 1
	v6Key     = 1 + 16 + 1
)

// Canonical returns the text under which an entry is kept: 12.0 is 12, and
// 2001:DB8::1 is 2001:db8::1/128. It says what is wrong with text that is no entry.
func (s Spec) Canonical(entry string) (string, error) {
	key, err := s.appendKey(nil, entry)
	if err != nil || s.Type == String {
		return entry, err
	}
	return s.text(string(key)), nil
}

// appendKey appends the key of an entry.
func (s Spec) appendKey(dst []byte, entry string) ([]byte, error) {
	switch s.Type {
	case Number:
		f, err := parseNumber(entry)
		if err != nil {
			return dst, err
		}
		return appendNumber(dst, f), nil
	case CIDR:
		p, err := ParsePrefix(entry)
		if err != nil {
			return dst, err
		}
		return appendPrefix(dst, p), nil
	}
	if err := checkText("entry", entry); err != nil {
		return dst, err
	}
	return append(dst, entry...), nil
}

// text is the canonical text of a key.
func (s Spec) text(key string) string {
	switch s.Type {
	case Number:
		return formatNumber(keyNumber(key))
	case CIDR:
		return keyPrefix(key).String()
	}
	return key
}

func appendNumber(dst []byte, f float64) []byte {
	if f == 0 {
		f = 0 // −0 too
	}
	bits := math.Float64bits(f)
	if bits>>63 == 1 {
		bits = ^bits
	} else {
		bits |= 1 << 63
	}
	return binary.BigEndian.AppendUint64(dst, bits)
}

func keyNumber(key string) float64 {
	bits := uint64(0)
	for i := range numberKey {
		bits = bits<<8 | uint64(key[i])
	}
	if bits>>63 == 1 {
		bits &^= 1 << 63
	} else {
		bits = ^bits
	}
	return math.Float64frombits(bits)
}

// formatNumber writes a number as JSON does.
func formatNumber(f float64) string {
	format := byte('f')
	if size := math.Abs(f); size != 0 && (size < 1e-6 || size >= 1e21) {
		format = 'e'
	}
	return strconv.FormatFloat(f, format, -1, 64)
}

// appendPrefix appends the key of a prefix that is masked and no IPv4 in IPv6 form.
func appendPrefix(dst []byte, p netip.Prefix) []byte {
	if p.Addr().Is4() {
		a := p.Addr().As4()
		dst = append(append(dst, 4), a[:]...)
	} else {
		a := p.Addr().As16()
		dst = append(append(dst, 6), a[:]...)
	}
	return append(dst, byte(p.Bits()))
}

func keyPrefix(key string) netip.Prefix {
	n := len(key) - 1
	a, _ := netip.AddrFromSlice([]byte(key[1:n]))
	return netip.PrefixFrom(a, int(key[n]))
}

// soundKey reports whether appendKey could have written key.
func (s Spec) soundKey(key string) bool {
	switch s.Type {
	case Number:
		if len(key) != numberKey {
			return false
		}
		f := keyNumber(key)
		return f == f && !math.IsInf(f, 0) && (f != 0 || !math.Signbit(f))
	case CIDR:
		if !(len(key) == v4Key && key[0] == 4 || len(key) == v6Key && key[0] == 6) {
			return false
		}
		p := keyPrefix(key)
		return p.IsValid() && p == p.Masked() && p == plain(p)
	}
	return checkText("entry", key) == nil
}
