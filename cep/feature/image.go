package feature

import "unsafe"

// An image is a Record as words, without its memory: its own words, then for each feature
// that leads to more what that is. It costs little to make, and is of use to the same Plan
// in the same process only; what is to last is written by Append.

// Save appends an image of r to dst.
func (p *Plan) Save(s *Scratch, dst []uint64, r *Record) []uint64 {
	dst = append(dst, r.words...)
	for _, f := range p.beside {
		dst = f.save(s, dst, r)
	}
	return dst
}

// Load makes r, which has words and holds nothing, the Record of which src is the image.
func (p *Plan) Load(r *Record, src []uint64) {
	src = src[copy(r.words, src):]
	for _, f := range p.beside {
		src = f.restore(r, src)
	}
}

// leads reports whether words of the feature can lead to more.
func (f *feature) leads() bool {
	switch f.form {
	case whole:
		return f.Value == First || f.Value == Last || f.Value == Sum || f.Value == Mean || f.Value == Stddev
	case newest:
		return f.Value == Last
	case slotted:
		return f.Value == Sum || f.Value == Mean
	}
	return true
}

// text is where a feature that keeps one value has it, nil for others.
func (f *feature) text(body []uint64) []uint64 {
	switch {
	case f.form == newest:
		return body[1:]
	case f.form == whole && (f.Value == First || f.Value == Last):
		return body
	}
	return nil
}

// rows is where a feature has its ring, nil if it has none.
func (f *feature) rows(body []uint64) []uint64 {
	switch f.form {
	case counted, summed, extreme, leading:
		return body
	case slotted:
		if f.spilled(body) {
			return body[1:]
		}
	}
	return nil
}

// heavy reports whether a feature keeps something beyond words.
func (f *feature) heavy(body []uint64) bool {
	switch f.form {
	case whole:
		return f.text(body) == nil && body[sideWord] != 0
	case summed:
		return body[ringWords+sideWord] != 0
	case slotted:
		return f.spilled(body) && body[1+ringWords+sideWord] != 0
	case tabled:
		return body[1]&manyBit != 0
	case sampled:
		return body[0] != 0
	}
	return false
}

func (f *feature) save(s *Scratch, dst []uint64, r *Record) []uint64 {
	body := r.words[f.body:f.end]
	switch {
	case f.heavy(body):
		s.w.B = s.w.B[:0]
		if _, kept := f.deadline(r); kept {
			s.encode(f, r)
		}
		return appendText(dst, unsafe.String(unsafe.SliceData(s.w.B), len(s.w.B)))
	case f.form == tabled:
		if used := uint32(body[1]); used > 0 {
			dst = append(dst, r.mem.Words(Ref(body[0]), int(body[0]>>32))[:used]...)
		}
		return dst
	}
	if words := f.rows(body); words != nil {
		return f.saveRows(dst, r, words)
	}
	if words := f.text(body); words != nil {
		return r.saveText(dst, words)
	}
	return dst
}

// saveRows appends the rows of a ring from the oldest, then their texts.
func (f *feature) saveRows(dst []uint64, r *Record, words []uint64) []uint64 {
	if int32(words[1]) == 0 {
		return dst
	}
	var k ring
	f.load(&k, r, words)
	at := len(dst)
	rows := r.mem.Words(k.block, int(k.room*k.width))
	first := min(k.n, k.room-k.head)
	dst = append(dst, rows[k.head*k.width:(k.head+first)*k.width]...)
	dst = append(dst, rows[:(k.n-first)*k.width]...)
	if f.form == leading {
		for n := len(dst); at < n; at += int(k.width) {
			dst = r.saveText(dst, dst[at+1:])
		}
	}
	return dst
}

// restore reads what save wrote and returns what follows it. The words of the feature are
// those that it had.
func (f *feature) restore(r *Record, src []uint64) []uint64 {
	body := r.words[f.body:f.end]
	if f.heavy(body) {
		text, rest := cutText(src)
		clear(r.words[f.head:f.end])
		if text == "" {
			return rest
		}
		from := reader{}
		from.Src = []byte(text)
		if f.decode(r, &from); from.Bad {
			panic("feature: an image that is none of this Plan")
		}
		return rest
	}
	if words := f.text(body); words != nil {
		return r.loadText(words, src)
	}
	if f.form == tabled {
		k := few{mem: r.mem, n: int(body[1] >> 32)}
		if k.room = int(uint32(body[1])); k.room == 0 {
			clear(body)
			return src
		}
		k.block = r.mem.Take(k.room)
		k.words = r.mem.Words(k.block, k.room)
		src = src[copy(k.words, src):]
		k.store(body)
		return src
	}
	words := f.rows(body)
	if words == nil {
		return src
	}
	k := f.ring(r, words)
	n := k.n
	k.block, k.room, k.head, k.n = 0, 0, 0, 0
	if n > 0 {
		k.resize(n)
		k.n = n
		src = src[copy(k.rows, src):]
	}
	if f.form == leading {
		for i := range k.len() {
			src = r.loadText(k.row(i)[1:], src)
		}
	}
	k.store(words)
	return src
}

// saveText appends the text that words lead to, if they do.
func (r *Record) saveText(dst, words []uint64) []uint64 {
	if !Kind(words[0]).textual() {
		return dst
	}
	return appendText(dst, r.mem.texts.all[words[1]-1])
}

func (r *Record) loadText(words, src []uint64) []uint64 {
	if !Kind(words[0]).textual() {
		return src
	}
	text, rest := cutText(src)
	words[1] = uint64(r.mem.texts.put(text))
	return rest
}

// appendText appends the length of a text, and its bytes in words.
func appendText(dst []uint64, s string) []uint64 {
	dst = append(dst, uint64(len(s)))
	at := len(dst)
	for n := (len(s) + 7) / 8; n > 0; n-- {
		dst = append(dst, 0)
	}
	if len(s) > 0 {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&dst[at])), len(s)), s)
	}
	return dst
}

// cutText reads what appendText wrote, as a copy, and returns what follows it.
func cutText(src []uint64) (string, []uint64) {
	n := int(src[0])
	words := src[1 : 1+(n+7)/8]
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), n)
	return string(b), src[1+len(words):]
}
