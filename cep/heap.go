package cep

// ordered is an element of a heap.
type ordered[T any] interface {
	before(T) bool
}

// heap is a binary heap with its least element first.
type heap[T ordered[T]] []T

func (h *heap[T]) push(x T) {
	*h = append(*h, x)
	s := *h
	i := len(s) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !x.before(s[up]) {
			break
		}
		s[i] = s[up]
		i = up
	}
	s[i] = x
}

// pop removes the least element. The heap must not be empty.
func (h *heap[T]) pop() T {
	s := *h
	least, last := s[0], s[len(s)-1]
	var none T
	s[len(s)-1] = none
	s = s[:len(s)-1]
	*h = s
	if len(s) > 0 {
		s.sink(0, last)
	}
	return least
}

// sink puts x at i or below.
func (h heap[T]) sink(i int, x T) {
	for {
		down := 2*i + 1
		if down >= len(h) {
			break
		}
		if down+1 < len(h) && h[down+1].before(h[down]) {
			down++
		}
		if !h[down].before(x) {
			break
		}
		h[i] = h[down]
		i = down
	}
	h[i] = x
}

// order makes a heap of elements that stand anyhow.
func (h heap[T]) order() {
	for i := len(h)/2 - 1; i >= 0; i-- {
		h.sink(i, h[i])
	}
}
