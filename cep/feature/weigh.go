package feature

// Weigh appends to dst about how many bytes each feature keeps of r, the words that it has
// in any case included. It depends on what is kept alone, and not on the room that there
// happens to be for more: a Record read back weighs the same. What is no longer in a window
// has been forgotten before (Trim).
func (p *Plan) Weigh(dst []int64, r *Record) []int64 {
	for i := range p.features {
		f := &p.features[i]
		dst = append(dst, int64(8*(f.end-f.head)+f.weigh(p, r, i)))
	}
	return dst
}

// Holds reports whether feature i has something of r in its window at time t, which is not
// before any event added. It forgets what is not.
func (p *Plan) Holds(r *Record, i int, t int64) bool {
	return r.words != nil && !p.features[i].trim(r, t)
}

// sideBytes is about what a sum takes that words cannot hold.
const sideBytes = 300

// weigh is about the memory that the feature takes beyond its words.
func (f *feature) weigh(p *Plan, r *Record, i int) int {
	body := r.words[f.body:f.end]
	switch f.form {
	case whole, newest:
		n := 0
		if words := f.text(body); words != nil {
			n = r.textBytes(words)
		}
		if f.leads() && f.heavy(body) {
			n += sideBytes
		}
		return n
	case tabled:
		return f.weighTable(p, r, body, i)
	case sampled:
		if body[0] == 0 {
			return 0
		}
		k := r.sample(body)
		if k.sketch != nil {
			return 3 * len(p.AppendFeature(nil, r, i)) // numbers of bins are short there
		}
		return 104 + roomFor(8*len(k.sorted)) + roomFor(16*k.rows.len())
	}
	words := f.rows(body)
	if words == nil { // few panes, which stand in the words
		return 0
	}
	k := f.ring(r, words)
	n := int(8 * k.width * roomy(k.n))
	if f.form == leading {
		for i := range k.len() {
			n += r.textBytes(k.row(i)[1:])
		}
	}
	if f.heavy(body) {
		n += sideBytes
	}
	return n
}

func (f *feature) weighTable(p *Plan, r *Record, body []uint64, i int) int {
	t := r.many(body)
	switch {
	case t == nil:
		return roomFor(10 * int(uint32(body[1]))) // with blocks that it has grown out of
	case t.hyper != nil:
		return 2 * len(p.AppendFeature(nil, r, i))
	}
	return 150 + roomFor(44*t.n+len(t.text)-t.waste)
}

// roomy is about the rows that a ring of n has room for. A quarter comes on top: blocks that
// it has grown out of wait for other keys.
func roomy(n int32) int32 {
	if n <= 0 {
		return 0
	}
	room := int32(2)
	for room < n && room < 16 {
		room *= 2
	}
	return max(room, n+n/16) * 5 / 4
}

// roomFor is about what is taken for n bytes that grow by appending.
func roomFor(n int) int { return n + n/8 }
