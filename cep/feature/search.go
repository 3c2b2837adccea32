package feature

// Searches are values that will be looked for in tables. Entries, texts and indexes of
// popular keys lie far away in memory, and one leads to the other: Touch goes one step at
// a time for all of them, so that a processor waits for them together. Nothing changes.
// The zero Searches is empty.
type Searches struct {
	all []search
	sum uint64 // of what was touched, so that it is
}

type search struct {
	table *table
	hash  uint64
	found int32 // the entry, or another with the same tag; -1: there is none
}

// Searched reports whether feature i can have so many values that it is worth to touch
// them ahead.
func (p *Plan) Searched(i int) bool { return p.features[i].form == tabled }

// Reset forgets all.
func (s *Searches) Reset() {
	clear(s.all)
	s.all = s.all[:0]
}

// Add notes that r will take in x for feature i, which is Searched. Nothing is noted where
// values are few.
func (s *Searches) Add(p *Plan, r *Record, i int, x Item) {
	f := &p.features[i]
	k := r.many(r.words[f.body:f.end])
	if k == nil {
		return
	}
	if x, ok := f.admit(x); ok {
		s.all = append(s.all, search{table: k, hash: x.hash()})
	}
}

// Touch touches what will be looked at.
func (s *Searches) Touch() {
	if len(s.all) == 0 {
		return
	}
	sum := s.sum
	for i := range s.all {
		k := s.all[i].table
		sum += uint64(k.waste) + uint64(k.least) // in each half
	}
	for i := range s.all {
		sum += s.all[i].home()
	}
	for i := range s.all {
		sum += s.all[i].meet()
	}
	for i := range s.all {
		sum += s.all[i].read()
	}
	s.sum = sum
}

// home touches where the value is looked for first, and what leaves next.
func (x *search) home() (sum uint64) {
	k := x.table
	if h := k.hyper; h != nil {
		return uint64(len(h.stamps)) + uint64(len(h.top)) + uint64(h.hist[0]) + uint64(h.hist[hyperRanks/2])
	}
	if len(k.index) > 0 {
		sum = uint64(k.index[uint32(x.hash)&uint32(len(k.index)-1)])
	}
	if k.oldest >= 0 {
		sum += uint64(k.entries[k.oldest].last)
	}
	if k.newer >= 0 {
		sum += uint64(k.entries[k.newer].last)
	}
	return sum
}

// meet touches the entry of the value, or where it will come, and where the oldest stands.
func (x *search) meet() (sum uint64) {
	k := x.table
	x.found = -1
	if h := k.hyper; h != nil {
		i := x.hash >> (64 - hyperBits)
		if sum = uint64(h.top[i]); h.current != nil {
			sum += uint64(h.current[i])
		}
		return sum
	}
	if len(k.index) == 0 {
		return 0
	}
	tag, mask := uint16(x.hash), uint32(len(k.index)-1)
	for i := uint32(tag) & mask; k.index[i] != 0; i = (i + 1) & mask {
		if uint16(k.index[i]>>16) == tag {
			x.found = numberOf(k.index[i])
			break
		}
	}
	if x.found >= 0 {
		sum = uint64(k.entries[x.found].last)
	} else {
		if k.free >= 0 {
			sum = uint64(k.entries[k.free].next)
		}
		if n := len(k.text); n > 0 {
			sum += uint64(k.text[n-1])
		}
	}
	if k.oldest >= 0 {
		n := &k.entries[k.oldest]
		if sum += uint64(k.index[uint32(n.tag)&mask]); n.next >= 0 {
			sum += uint64(k.entries[n.next].last)
		}
	}
	return sum
}

// read touches the text of the entry that was found, and those beside it in time.
func (x *search) read() (sum uint64) {
	k := x.table
	if x.found < 0 {
		return 0
	}
	n := &k.entries[x.found]
	if n.kind.textual() && n.size > 0 {
		sum = uint64(k.text[n.bits])
	}
	if n.prev >= 0 {
		sum += uint64(k.entries[n.prev].last)
	}
	if n.next >= 0 {
		sum += uint64(k.entries[n.next].last)
	}
	return sum
}
