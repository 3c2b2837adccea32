package cep

// blocks is a list in blocks: it grows without being copied, which would take long where there
// are millions, and the memory of what was taken is used again.
type blocks[T any] struct {
	all   [][]T // blockLen each, but for the last
	spare [][]T // empty
}

const blockLen = 1024

func (b *blocks[T]) len() int {
	n := len(b.all)
	if n == 0 {
		return 0
	}
	return (n-1)*blockLen + len(b.all[n-1])
}

// add puts something at the end.
func (b *blocks[T]) add(x T) {
	n := len(b.all)
	if n == 0 || len(b.all[n-1]) == blockLen {
		var next []T
		if k := len(b.spare); k > 0 {
			next, b.spare = b.spare[k-1], b.spare[:k-1]
		} else if n > 0 {
			next = make([]T, 0, blockLen)
		}
		b.all = append(b.all, next)
		n++
	}
	b.all[n-1] = append(b.all[n-1], x)
}

// at is the i-th.
func (b *blocks[T]) at(i int) *T { return &b.all[i/blockLen][i%blockLen] }

// take takes up to n from the end, all of one block. They are valid until the next call; the
// caller clears them.
func (b *blocks[T]) take(n int) []T {
	k := len(b.all) - 1
	for k >= 0 && len(b.all[k]) == 0 { // taken by the call before
		b.spare = append(b.spare, b.all[k])
		b.all = b.all[:k]
		k--
	}
	if k < 0 {
		return nil
	}
	rest := max(0, len(b.all[k])-n)
	some := b.all[k][rest:]
	b.all[k] = b.all[k][:rest]
	return some
}

// drop drops all.
func (b *blocks[T]) drop() { *b = blocks[T]{} }
