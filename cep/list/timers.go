package list

// The timers of a List are a binary heap of the entries that expire, the next one
// first. An entry knows its place in it, from 1.

// remind puts entry i, which has no timer, into the heap.
func (l *List) remind(i int) {
	l.timers = append(l.timers, 0)
	l.rise(len(l.timers)-1, uint32(i))
}

// forget takes entry i out of the heap, if it is there.
func (l *List) forget(i int) {
	at := int(l.entries[i].timer) - 1
	if at < 0 {
		return
	}
	l.entries[i].timer = 0
	last := l.timers[len(l.timers)-1]
	l.timers = l.timers[:len(l.timers)-1]
	if at < len(l.timers) {
		l.sink(at, last)
		l.rise(int(l.entries[last].timer)-1, last)
	}
}

// rise puts entry e at the place at or above.
func (l *List) rise(at int, e uint32) {
	for at > 0 {
		up := (at - 1) / 2
		if l.entries[l.timers[up]].expires <= l.entries[e].expires {
			break
		}
		l.setTimer(at, l.timers[up])
		at = up
	}
	l.setTimer(at, e)
}

// sink puts entry e at the place at or below.
func (l *List) sink(at int, e uint32) {
	for {
		down := 2*at + 1
		if down >= len(l.timers) {
			break
		}
		if r := down + 1; r < len(l.timers) && l.entries[l.timers[r]].expires < l.entries[l.timers[down]].expires {
			down = r
		}
		if l.entries[e].expires <= l.entries[l.timers[down]].expires {
			break
		}
		l.setTimer(at, l.timers[down])
		at = down
	}
	l.setTimer(at, e)
}

func (l *List) setTimer(at int, e uint32) {
	l.timers[at] = e
	l.entries[e].timer = uint32(at) + 1
}
