package cep

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends v as JSON. A number that was read or computed has as few
// digits as give the same float64; a duration is its seconds, exactly; a time is
// RFC 3339 text in UTC; a list or map stands as it was written.
func (v *Value) AppendJSON(dst []byte) []byte {
	switch v.Kind {
	case Nil:
		return append(dst, "null"...)
	case Bool:
		return strconv.AppendBool(dst, v.Bool())
	case Number:
		return appendNumber(dst, v.Number())
	case Text:
		return AppendJSONString(dst, v.Text)
	case Time:
		dst = append(dst, '"')
		dst = appendTime(dst, v.Int())
		return append(dst, '"')
	case Duration:
		return appendSeconds(dst, v.Int())
	case List, Map:
		return append(dst, v.Text...)
	}
	panic("cep: unknown Kind")
}

// appendNumber writes a finite number as ECMAScript does: without an exponent from
// 1e-6 up to 1e21.
func appendNumber(dst []byte, f float64) []byte {
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, f, format, -1, 64)
	if n := len(dst); format == 'e' && dst[n-4] == 'e' && dst[n-2] == '0' { // e-09 is e-9
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// appendSeconds writes nanoseconds as seconds, with the decimals that they need.
func appendSeconds(dst []byte, ns int64) []byte {
	abs := uint64(ns)
	if ns < 0 {
		dst = append(dst, '-')
		abs = -abs
	}
	dst = strconv.AppendUint(dst, abs/1e9, 10)
	rest := abs % 1e9
	if rest == 0 {
		return dst
	}
	dst = append(dst, '.')
	for unit := uint64(1e8); rest > 0; unit /= 10 {
		dst = append(dst, '0'+byte(rest/unit))
		rest %= unit
	}
	return dst
}

// AppendJSONString appends s as a JSON string. Bytes that are not UTF-8 become
// U+FFFD.
func AppendJSONString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	plain := 0 // where the part not yet appended begins
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, s[plain:i]...)
				dst = append(dst, "\ufffd"...)
				plain = i + 1
			}
			i += size
			continue
		}
		dst = append(dst, s[plain:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		plain = i
	}
	dst = append(dst, s[plain:]...)
	return append(dst, '"')
}
