package cep

import (
	"fmt"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// maxLine is the length in bytes up to which a line is read. An event is a record
// of a few hundred bytes; what is longer is a mistake or an attack.
const maxLine = 1 << 20

// maxDepth is how deep objects and arrays may nest, the event itself included. Events
// in use stay below ten; the bound keeps hostile lines off the stack.
const maxDepth = 64

// manyKeys is the number of keys from which on an object's keys are looked up in
// a map instead of being compared one by one.
const manyKeys = 64

// scanner reads a line of strict JSON (RFC 8259): valid UTF-8, no name twice in
// any object, no lone surrogates. On the way it notes where the values stand that
// somebody wants. Its methods return the place after what they read, -1 if it is
// not valid.
type scanner struct {
	text    string
	found   []found // in the order of the line
	reject  *Reject
	keys    []key // of the objects that are open, outermost first
	many    map[manyKey]struct{}
	objects int32  // with so many keys that they are in many
	brief   bool   // of what is not valid, only where is said
	short   Reject // by this
}

// found is where a wanted value stands.
type found struct {
	want       int32 // its number
	start, end int32 // with the quotes of a string
	escaped    bool  // it is a string with escapes
}

// key is a name in an object, with its first and last eight bytes, so that most
// names are compared as numbers. If it has less than eight, first has them all.
type key struct {
	first, last uint64
	name        string
}

// keyOf returns the key for text[start:end].
func keyOf(text string, start, end int) key {
	k := key{name: text[start:end]}
	switch n := end - start; {
	case n >= 8:
		k.first, k.last = load(text, start), load(text, end-8)
	case start+8 <= len(text):
		k.first = load(text, start) << (64 - 8*uint(n))
	default:
		for i := end - 1; i >= start; i-- {
			k.first = k.first<<8 | uint64(text[i])
		}
		k.first <<= 64 - 8*uint(n)
	}
	return k
}

func (k *key) equal(o *key) bool {
	return k.first == o.first && k.last == o.last && len(k.name) == len(o.name) && (len(k.name) <= 16 || k.name == o.name)
}

// hash spreads the first and last bytes and the length. Names that have them in
// common are compared; manyKeys bounds how often.
func (k *key) hash() uint64 {
	h := (k.first ^ uint64(len(k.name))) * 0x9e3779b97f4a7c15
	h ^= bits.RotateLeft64(k.last, 32) * 0xd1b54a32d192ed03
	return h ^ h>>32
}

// manyKey is a name in one of the objects with many of them.
type manyKey struct {
	object int32
	name   string
}

// scan reads text, which must be one JSON object and at most maxLine long, and
// returns where it begins and ends without the white space around it.
func (s *scanner) scan(text string, wanted *names) (start, end int, reject *Reject) {
	s.text, s.reject = text, nil
	s.found, s.keys = s.found[:0], s.keys[:0]
	start = spaces(text, 0)
	if start == len(text) || text[start] != '{' {
		s.expected(start, "an event, which is a JSON object on a line of its own")
		return 0, 0, s.reject
	}
	end = s.object(start, 1, wanted)
	if s.objects > 0 {
		s.forget()
	}
	if end < 0 {
		return 0, 0, s.reject
	}
	if after := spaces(text, end); after != len(text) {
		s.expected(after, "nothing after the event")
		return 0, 0, s.reject
	}
	return start, end, nil
}

// forget empties the map of keys; one that has grown far is dropped, so that
// emptying it stays cheap.
func (s *scanner) forget() {
	if len(s.many) > 64*manyKeys {
		s.many = nil
	}
	clear(s.many)
	s.objects = 0
}

func (s *scanner) fail(at int, reason string) int {
	s.reject = &Reject{Column: at + 1, Reason: reason}
	return -1
}

func (s *scanner) expected(at int, what string) int {
	if s.brief {
		s.short = Reject{Column: at + 1}
		s.reject = &s.short
		return -1
	}
	return s.fail(at, "expected "+what+", found "+s.describe(at))
}

// describe names what stands at a place.
func (s *scanner) describe(at int) string {
	if at >= len(s.text) {
		return "the end of the line"
	}
	r, size := utf8.DecodeRuneInString(s.text[at:])
	switch {
	case r == utf8.RuneError && size == 1:
		return fmt.Sprintf("the byte 0x%02x", s.text[at])
	case r == '\ufeff':
		return "a byte order mark"
	case r < ' ' || r == 0x7f:
		return fmt.Sprintf("the control character 0x%02x", r)
	}
	return "`" + string(r) + "`"
}

// spaces passes over white space.
func spaces(text string, i int) int {
	for i < len(text) && text[i] <= ' ' {
		if c := text[i]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			break
		}
		i++
	}
	return i
}

// byteAt returns the byte at i, 0 at the end of the text.
func byteAt(text string, i int) byte {
	if i < len(text) {
		return text[i]
	}
	return 0
}

// value reads any value; escaped says that it is a string with escapes. within is
// what is wanted inside of an object.
func (s *scanner) value(i, depth int, within *names) (end int, escaped bool) {
	t := s.text
	switch byteAt(t, i) {
	case '"':
		if end = plain(t, i+1); byteAt(t, end) != '"' {
			if end, escaped = s.str(end); end < 0 {
				return -1, false
			}
		}
		return end + 1, escaped
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return s.number(i), false
	case '{':
		return s.object(i, depth+1, within), false
	case '[':
		return s.array(i, depth+1), false
	case 't':
		return s.literal(i, "true"), false
	case 'f':
		return s.literal(i, "false"), false
	case 'n':
		return s.literal(i, "null"), false
	case '+', '.':
		return s.fail(i, "expected a value, found `"+s.text[i:i+1]+"`: a number begins with a digit or -"), false
	}
	return s.expected(i, "a value"), false
}

func (s *scanner) literal(i int, word string) int {
	if strings.HasPrefix(s.text[i:], word) {
		return i + len(word)
	}
	return s.fail(i, "expected "+word+" or another value, found a word that is not JSON")
}

func (s *scanner) tooDeep(i int) int {
	return s.fail(i, fmt.Sprintf("expected at most %d levels of objects and arrays", maxDepth))
}

func (s *scanner) array(i, depth int) int {
	if depth > maxDepth {
		return s.tooDeep(i)
	}
	i = spaces(s.text, i+1)
	if byteAt(s.text, i) == ']' {
		return i + 1
	}
	for {
		if i, _ = s.value(i, depth, nil); i < 0 {
			return -1
		}
		switch i = spaces(s.text, i); byteAt(s.text, i) {
		case ',':
			i = spaces(s.text, i+1)
		case ']':
			return i + 1
		default:
			return s.expected(i, "`,` or `]`")
		}
	}
}

func (s *scanner) object(i, depth int, wanted *names) int {
	if depth > maxDepth {
		return s.tooDeep(i)
	}
	t := s.text
	o := object{first: len(s.keys)}
	if wanted != nil {
		o.next = &wanted.first
	}
	if i = spaces(t, i+1); byteAt(t, i) == '}' {
		return i + 1
	}
	for {
		want, start := s.name(i, &o, wanted)
		if start < 0 {
			return -1
		}
		if byteAt(t, start) != ':' {
			if start = spaces(t, start); byteAt(t, start) != ':' {
				return s.expected(start, "`:` after a name")
			}
		}
		if start++; byteAt(t, start) <= ' ' {
			start = spaces(t, start)
		}
		var within *names
		if want != nil {
			within = want.within
		}
		end, escaped := s.value(start, depth, within)
		if end < 0 {
			return -1
		}
		if want != nil && want.number >= 0 {
			s.found = append(s.found, found{want: want.number, start: int32(start), end: int32(end), escaped: escaped})
		}
		if i = end; byteAt(t, i) <= ' ' {
			i = spaces(t, i)
		}
		switch byteAt(t, i) {
		case ',':
			if i++; byteAt(t, i) <= ' ' {
				i = spaces(t, i)
			}
		case '}':
			s.keys = s.keys[:o.first]
			return i + 1
		default:
			return s.expected(i, "`,` or `}`")
		}
	}
}

// object is what is known of the names of an object that is being read.
type object struct {
	first  int       // of its names in scanner.keys
	seen   [4]uint64 // bits of the hashes of its names
	number int32     // in scanner.many; 0: its names are not there
	next   **want    // the name that came last time after the last that was wanted; nil: nothing is wanted
}

// name reads the name of a member and returns what is wanted of it, if anything,
// and the place after it.
func (s *scanner) name(i int, o *object, wanted *names) (*want, int) {
	t := s.text
	if byteAt(t, i) != '"' {
		return nil, s.expected(i, "a name in quotes")
	}
	start := i + 1
	if o.next != nil && *o.next != nil {
		// Objects mostly have their names in the order of the one before: decoding took
		// a tenth less.
		w := *o.next
		if end := start + len(w.name); end < len(t) && t[end] == '"' && t[start:end] == w.name {
			if !s.add(o, &w.key, w.hashed) {
				return nil, s.twice(i, w.name)
			}
			o.next = &w.next
			return w, end + 1
		}
	}
	end := plain(t, start)
	escaped := false
	if byteAt(t, end) != '"' {
		if end, escaped = s.str(end); end < 0 {
			return nil, -1
		}
	}
	k := keyOf(t, start, end)
	if escaped {
		name := unescape(k.name)
		k = keyOf(name, 0, len(name))
	}
	hash := k.hash()
	if !s.add(o, &k, hash) {
		return nil, s.twice(i, k.name)
	}
	if wanted == nil {
		return nil, end + 1
	}
	w := wanted.find(&k, hash)
	switch {
	case escaped && w != nil && w.wanted():
		return nil, s.fail(i, fmt.Sprintf("expected the field %q without escapes in its name", k.name))
	case escaped:
		return nil, end + 1
	case w == nil && wanted.others > 0 && len(k.name) <= longOther:
		w = wanted.learn(&k, hash)
	}
	if w != nil { // its name stands in lines as it is
		*o.next = w
		o.next = &w.next
	}
	return w, end + 1
}

func (s *scanner) twice(i int, name string) int {
	return s.fail(i, fmt.Sprintf("the name %q stands twice in one object", name))
}

// add adds a name to the object being read; it returns false if it is there.
func (s *scanner) add(o *object, k *key, hash uint64) bool {
	if o.number == 0 {
		word, bit := &o.seen[hash>>62], uint64(1)<<(hash>>56&63)
		if *word&bit != 0 {
			for j := o.first; j < len(s.keys); j++ {
				if k.equal(&s.keys[j]) {
					return false
				}
			}
		}
		*word |= bit
		s.keys = append(s.keys, *k)
		if len(s.keys)-o.first == manyKeys {
			s.spread(o)
		}
		return true
	}
	before := len(s.many)
	s.many[manyKey{o.number, k.name}] = struct{}{}
	return len(s.many) > before
}

// spread puts the names of an object into the map.
func (s *scanner) spread(o *object) {
	if s.many == nil {
		s.many = map[manyKey]struct{}{}
	}
	s.objects++
	o.number = s.objects
	for _, k := range s.keys[o.first:] {
		s.many[manyKey{o.number, k.name}] = struct{}{}
	}
}

// number reads a number.
func (s *scanner) number(i int) int {
	t := s.text
	if t[i] == '-' {
		i++
	}
	first := i
	for i < len(t) && t[i]-'0' <= 9 {
		i++
	}
	switch {
	case i == first:
		return s.expected(i, "a digit after -")
	case t[first] == '0' && i > first+1:
		return s.fail(first, "expected a number without a leading zero")
	}
	if i < len(t) && t[i] == '.' {
		i++
		first = i
		for i < len(t) && t[i]-'0' <= 9 {
			i++
		}
		if i == first {
			return s.expected(i, "a digit after the decimal point")
		}
	}
	if i < len(t) && t[i]|0x20 == 'e' {
		i++
		if c := byteAt(s.text, i); c == '+' || c == '-' {
			i++
		}
		first = i
		for i < len(t) && t[i]-'0' <= 9 {
			i++
		}
		if i == first {
			return s.expected(i, "a digit in the exponent")
		}
	}
	return i
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks the highest bit of the bytes of w that mean something in a string:
// quotes, backslashes, control characters, and all beyond ASCII. Marks above the
// lowest one may be false.
func special(w uint64) uint64 {
	quote, slash := w^ones*'"', w^ones*'\\'
	return ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*' ')&^w | w) & highs
}

// load returns eight bytes of s, the first one lowest.
func load(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// plain passes over what means nothing special in a string.
func plain(text string, i int) int {
	for ; i+8 <= len(text); i += 8 {
		if m := special(load(text, i)); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for i < len(text) && text[i] >= ' ' && text[i] != '"' && text[i] != '\\' && text[i] < utf8.RuneSelf {
		i++
	}
	return i
}

// str reads the rest of a string up to the quote that ends it, whose place it
// returns.
func (s *scanner) str(i int) (end int, escaped bool) {
	for {
		i = plain(s.text, i)
		switch c := byteAt(s.text, i); {
		case c == '"':
			return i, escaped
		case c == '\\':
			escaped = true
			i = s.escape(i)
		case c >= utf8.RuneSelf:
			i = s.rune(i)
		case i >= len(s.text):
			return s.fail(i, "expected `\"` at the end of a string, found the end of the line"), false
		default:
			return s.fail(i, fmt.Sprintf("expected the control character 0x%02x in a string as an escape", c)), false
		}
		if i < 0 {
			return -1, false
		}
	}
}

// rune reads characters that are not ASCII.
func (s *scanner) rune(i int) int {
	for i < len(s.text) && s.text[i] >= utf8.RuneSelf {
		r, size := utf8.DecodeRuneInString(s.text[i:])
		if r == utf8.RuneError && size == 1 {
			return s.fail(i, fmt.Sprintf("expected UTF-8, found the byte 0x%02x", s.text[i]))
		}
		i += size
	}
	return i
}

// escape reads an escape.
func (s *scanner) escape(i int) int {
	switch byteAt(s.text, i+1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		r, ok := hex4(s.text, i+2)
		switch {
		case !ok:
			return s.fail(i, "expected four hexadecimal digits after \\u")
		case r >= 0xdc00 && r < 0xe000:
			return s.fail(i, "expected the first half of a surrogate pair before this one")
		case r < 0xd800 || r >= 0xe000:
			return i + 6
		}
		low, ok := hex4(s.text, i+8)
		if !ok || s.text[i+6] != '\\' || s.text[i+7] != 'u' || low < 0xdc00 || low >= 0xe000 {
			return s.fail(i, "expected the second half of a surrogate pair after this one")
		}
		return i + 12
	}
	return s.expected(i+1, "an escape, one of `\"\\/bfnrtu`, after `\\`")
}

// hex4 reads four hexadecimal digits, if they are there.
func hex4(s string, i int) (rune, bool) {
	if i+4 > len(s) {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s[i : i+4]) {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// unescape returns the text of a valid string, given without quotes.
func unescape(s string) string {
	dst := make([]byte, 0, len(s))
	for {
		i := strings.IndexByte(s, '\\')
		if i < 0 {
			return string(append(dst, s...))
		}
		dst = append(dst, s[:i]...)
		c := s[i+1]
		s = s[i+2:]
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, _ := hex4(s, 0)
			s = s[4:]
			if r >= 0xd800 && r < 0xdc00 {
				low, _ := hex4(s, 2)
				r = (r-0xd800)<<10 + low - 0xdc00 + 0x10000
				s = s[6:]
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
	}
}

// names are the names that are wanted in an object: a hash table with open
// addressing, at most half full. The first names that come and are not wanted are in it too:
// then those that come next are known of them as well, and lines are decoded faster by a
// fifth.
type names struct {
	slots  []*want
	first  *want // that came first in the last object; nil: none did
	others int   // names that are not wanted for which there is room
}

const (
	manyOthers = 64 // names that are not wanted are learned; objects in use have fewer
	longOther  = 64 // bytes of the longest of them
)

// want is a name that is wanted, or known.
type want struct {
	key
	number int32  // of the value that is wanted, -1 if none is
	within *names // what is wanted inside, nil if nothing is
	hashed uint64 // hash of the name
	next   *want  // that came next in the last object that had both; nil: none did
}

// wanted reports whether a name is wanted, and not only known.
func (w *want) wanted() bool { return w.number >= 0 || w.within != nil }

// find returns what is known of a name, nil if nothing is.
func (n *names) find(k *key, hash uint64) *want {
	for i := hash; ; i++ {
		w := n.slots[i&uint64(len(n.slots)-1)]
		if w == nil || w.equal(k) {
			return w
		}
	}
}

// newNames makes a table; the names must differ.
func newNames(wants []*want) *names {
	n := &names{slots: make([]*want, 1<<bits.Len(uint(2*(len(wants)+manyOthers)))), others: manyOthers}
	for _, w := range wants {
		w.hashed = w.hash()
		n.put(w)
	}
	return n
}

// put puts in a name that is not there.
func (n *names) put(w *want) {
	i := w.hashed
	for n.slots[i&uint64(len(n.slots)-1)] != nil {
		i++
	}
	n.slots[i&uint64(len(n.slots)-1)] = w
}

// learn puts in a name that is not wanted.
func (n *names) learn(k *key, hash uint64) *want {
	n.others--
	w := &want{key: *k, number: -1, hashed: hash}
	w.name = strings.Clone(k.name) // without the line that it stands in
	n.put(w)
	return w
}
