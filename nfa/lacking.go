package nfa

import (
	"encoding/binary"
	"slices"
)

// mostStates bounds what is looked through for what a match lacks.
const mostStates = 1 << 14

// lacking finds the fewest events that an open match has to capture before it can be
// complete.
type lacking struct {
	prog   *Program
	counts []int32          // registers that count rounds
	known  map[string][]int // by state
	key    []byte
}

func newLacking(p *Program) *lacking {
	l := &lacking{prog: p, known: map[string][]int{}}
	see := func(edges []edge) {
		for i := range edges {
			for _, s := range edges[i].sets {
				if s.op != setTime && !slices.Contains(l.counts, s.register) {
					l.counts = append(l.counts, s.register)
				}
			}
		}
	}
	see(p.starts)
	for i := range p.places {
		see(p.places[i].edges)
	}
	return l
}

// state is a place with the rounds counted so far.
type state struct {
	place  int32
	rounds []int32 // by lacking.counts
	from   int     // the state before it in a search
}

// of gives the names of these events, in order; false: they were not found.
func (l *lacking) of(r *Runs, at int32) (names []int, ok bool) {
	first := state{place: r.nodes[at-1].place, from: -1}
	for _, reg := range l.counts {
		first.rounds = append(first.rounds, int32(r.registers[int(at-1)*l.prog.registers+int(reg)]))
	}
	if names, ok = l.known[string(l.keyOf(&first))]; ok {
		return names, true
	}
	return l.search(first)
}

// keyOf writes a state as a key of known, valid until the next call.
func (l *lacking) keyOf(s *state) []byte {
	l.key = binary.LittleEndian.AppendUint32(l.key[:0], uint32(s.place))
	for _, n := range s.rounds {
		l.key = binary.LittleEndian.AppendUint32(l.key, uint32(n))
	}
	return l.key
}

// search looks for the nearest state in which the match is complete, or only a negation
// is waited for. What the states on the way lack is known then too.
func (l *lacking) search(first state) (names []int, ok bool) {
	queue, seen := []state{first}, map[string]bool{string(l.keyOf(&first)): true}
	for i := 0; i < len(queue) && len(queue) < mostStates; i++ {
		if l.complete(&queue[i]) {
			return l.remember(queue, i), true
		}
		edges := l.prog.places[queue[i].place].edges
		for k := range edges {
			e := &edges[k]
			if e.to == end || !l.counted(e.rounds, &queue[i]) {
				continue
			}
			next := l.after(&queue[i], e)
			if next.from = i; !seen[string(l.keyOf(&next))] {
				seen[string(l.key)] = true
				queue = append(queue, next)
			}
		}
	}
	return nil, false
}

// remember keeps what the states lack that lead to the one at i, and gives that of the
// first.
func (l *lacking) remember(queue []state, i int) []int {
	var way []int // from i back to the first
	for at := i; at >= 0; at = queue[at].from {
		way = append(way, at)
	}
	names := make([]int, 0, len(way)-1)
	for _, at := range slices.Backward(way[:len(way)-1]) {
		names = append(names, int(l.prog.places[queue[at].place].name))
	}
	for k, at := range slices.Backward(way) {
		l.known[string(l.keyOf(&queue[at]))] = names[len(way)-1-k:]
	}
	return names
}

func (l *lacking) complete(s *state) bool {
	pl := &l.prog.places[s.place]
	for _, rs := range pl.ends {
		if l.counted(rs, s) {
			return true
		}
	}
	for k := range pl.edges {
		if pl.edges[k].to == end && l.counted(pl.edges[k].rounds, s) {
			return true
		}
	}
	return false
}

func (l *lacking) counted(rs []rounds, s *state) bool {
	for _, r := range rs {
		n := s.rounds[slices.Index(l.counts, r.register)]
		if n < r.least || r.most >= 0 && n > r.most {
			return false
		}
	}
	return true
}

// after is the state of a match that takes e.
func (l *lacking) after(s *state, e *edge) state {
	next := state{place: e.to, rounds: slices.Clone(s.rounds)}
	for _, set := range e.sets {
		i := slices.Index(l.counts, set.register)
		switch set.op {
		case setOne:
			next.rounds[i] = 1
		case setMore:
			next.rounds[i]++
		}
	}
	return next
}
