package cep

// dirty says in which of two epochs what is kept of a key has changed and not been saved.
type dirty uint8

// epoch is what a shard knows of freezes, if Options.Freezes asks for them. It is shared by
// all parts of the engine with the number of the shard, which work one after the other.
//
// What is kept of a key has a mark. Before it changes for the first time in an epoch, it is
// put on a list of its part; a freeze takes the lists and begins the next epoch. What has the
// mark of the epoch before is saved before it changes, or when Frozen.Next comes to it.
type epoch struct {
	now dirty // mark of what has changed since the last freeze
	was dirty // mark of what had changed before it and is not saved; 0: all is
	low int64 // the watermark of that freeze
	all bool  // the next freeze is of all of the state: it has nothing to say of keys that went

	out  []byte   // entries that were saved
	full [][]byte // and before them
	gone [][]byte // entries of keys that went since the last freeze: they come first in the next
	free [][]byte // memory for pieces
	w    writer   // the value that is made
	key  []byte   // and its key
}

// chunkBytes is about the length of what Frozen.Next gives at a time.
const chunkBytes = 256 << 10

// put saves the value in p.w under a key.
func (p *epoch) put(section int, key []byte) {
	e := Entry{Section: uint32(section), Kind: PutKind, Key: key, Value: p.w.B}
	p.save(&e)
	if p.w.B = p.w.B[:0]; cap(p.w.B) > chunkBytes {
		p.w.B = nil
	}
}

// none saves that nothing is kept under a key.
func (p *epoch) none(section int, key []byte) {
	p.save(&Entry{Section: uint32(section), Kind: GoneKind, Key: key})
}

func (p *epoch) save(e *Entry) {
	if p.out == nil {
		p.out = p.piece()
	}
	if p.out = e.Append(p.out); len(p.out) >= chunkBytes {
		p.full = append(p.full, p.out)
		p.out = nil
	}
}

// forget notes that a key went.
func (p *epoch) forget(section int, key []byte) {
	if p.all {
		return
	}
	n := len(p.gone)
	if n == 0 || len(p.gone[n-1]) >= chunkBytes {
		p.gone = append(p.gone, p.piece())
		n++
	}
	e := Entry{Section: uint32(section), Kind: GoneKind, Key: key}
	p.gone[n-1] = e.Append(p.gone[n-1])
}

// piece is memory for entries.
func (p *epoch) piece() []byte {
	if n := len(p.free); n > 0 {
		free := p.free[n-1]
		p.free = p.free[:n-1]
		return free
	}
	return make([]byte, 0, chunkBytes+chunkBytes/8)
}

// text is a key as bytes, until the next call.
func (p *epoch) text(key string) []byte {
	p.key = append(p.key[:0], key...)
	return p.key
}

// under is the key of a space among those of a layer.
func (p *epoch) under(space int32, key string) []byte {
	p.key = append(p.key[:0], byte(space>>24), byte(space>>16), byte(space>>8), byte(space))
	p.key = append(p.key, key...)
	return p.key
}

// number is a key that is a number.
func (p *epoch) number(n uint64) []byte {
	p.key = p.key[:0]
	for shift := 56; shift >= 0; shift -= 8 {
		p.key = append(p.key, byte(n>>shift))
	}
	return p.key
}

// changed is a list of things of a part: those that changed in an epoch.
type changed[T any] struct {
	now    blocks[T]
	saving blocks[T] // of the epoch before, still to be saved
}

// freeze begins the next epoch.
func (c *changed[T]) freeze() { c.saving, c.now = c.now, c.saving }

// add puts something on the list.
func (c *changed[T]) add(x T) { c.now.add(x) }

// more reports whether there is something to be saved.
func (c *changed[T]) more() bool { return c.saving.len() > 0 }

// next takes up to n of what is to be saved, one at least if there is any. They are valid
// until the next call.
func (c *changed[T]) next(n int) []T { return c.saving.take(n) }
