package main

import "sync"

// backlog is how many bytes lie on the log that have not been stepped.
type backlog struct {
	mu    sync.Mutex
	posts []posted // those that were not stepped when it was asked last, by sequence
	bytes uint64   // of them
}

// posted is an append: its last record, and its bytes.
type posted struct{ sequence, bytes uint64 }

// add says that bytes were appended, the last of them in a record.
func (b *backlog) add(sequence, bytes uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes += bytes
	// Requests that share records come in any order: one that comes late counts with those
	// that were there.
	if n := len(b.posts); n > 0 && b.posts[n-1].sequence >= sequence {
		b.posts[n-1].bytes += bytes
		return
	}
	b.posts = append(b.posts, posted{sequence, bytes})
}

// behind says how many bytes have not been stepped where everything up to a record has.
func (b *backlog) behind(stepped uint64) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for n < len(b.posts) && b.posts[n].sequence <= stepped {
		b.bytes -= b.posts[n].bytes
		n++
	}
	if n == 0 {
		return b.bytes
	}
	b.posts = append(b.posts[:0], b.posts[n:]...)
	return b.bytes
}
