package nfa

// Fate is something that became of an open match (Machine.Collect). An open match that
// another has gone on from counts no more: of those that are left, and of those that
// have ended, each is one. So there are always as many that began or split off as have
// ended or are open.
type Fate struct {
	Kind   NoteKind // Began, Took or Ended
	Step   int      // index in Program.Steps
	Enters bool     // Took: the match that it went on from stood at another step
	Splits bool     // Took: another had gone on from that match before
	Why    Why      // Ended: Finished says that it was a match, whether that came out or not
	Time   Time     // Ended: when it happened; Expired: when all that it waited for had run out

	// Captures are those of the match, valid until its Runs are stepped again.
	Captures Captures

	live uint64 // Expired: what it still waited for
}

// Awaited appends to dst the names of what a match that expired waited for, each once:
// those that lead on in the pattern, or, if there were none, those of further rounds.
func (f *Fate) Awaited(dst []int32) []int32 {
	p := f.Captures.prog
	return p.awaited(dst, &p.places[f.Captures.runs.nodes[f.Captures.node-1].place], f.live)
}

// Start returns the first event of c, which is not empty, and its time.
func (c Captures) Start() (Event, Time) {
	n := &c.runs.nodes[c.node-1]
	return n.first, n.start
}

// Size returns how many events c holds, of all variables.
func (c Captures) Size() int {
	if c.node == 0 {
		return 0
	}
	return int(c.runs.nodes[c.node-1].length)
}

// ripe reports whether a group has to be looked through for what has run out.
func (m *Machine) ripe(g *group) bool {
	if m.Collect {
		return g.soonest <= m.now && g.soonest != Forever
	}
	return g.ripe(m.prog, m.now)
}

// fate adds a fate of the match that ends with a node.
func (m *Machine) fate(at int32, f Fate) {
	f.Step = int(m.prog.stepOf(&m.runs.nodes[at-1]))
	f.Captures = Captures{m.runs, m.prog, at}
	m.Fates = append(m.Fates, f)
}

// grew notes that a match began (at is 0), or went on from the node at, as the node id
// that waits for live edges. splits says that another had gone on from there before.
func (m *Machine) grew(at, id int32, splits bool, live uint64) {
	f := Fate{Kind: Began, Time: m.now}
	if at != 0 {
		f.Kind, f.Splits = Took, splits
		nodes := m.runs.nodes
		f.Enters = m.prog.stepOf(&nodes[at-1]) != m.prog.stepOf(&nodes[id-1])
	}
	if at == 0 || f.Enters || f.Splits {
		m.fate(id, f)
	}
	if live == 0 {
		m.lose(id, CaptureBound)
	}
}

// lose notes that an open match is no longer open.
func (m *Machine) lose(at int32, why Why) {
	if m.runs.nodes[at-1].parted {
		return
	}
	if m.runs.nodes[at-1].match {
		why = Finished
	}
	m.fate(at, Fate{Kind: Ended, Why: why, Time: m.now})
}

// lost wraps what drop removes.
func (m *Machine) lost(gone func(int32) bool, why Why) func(int32) bool {
	return func(at int32) bool {
		if !gone(at) {
			return false
		}
		m.lose(at, why)
		return true
	}
}

// runOutAt notes that all has run out that a match of a group waited for.
func (m *Machine) runOutAt(g *group, at int32) {
	if m.runs.nodes[at-1].parted {
		return
	}
	f := Fate{Kind: Ended, Why: Expired, Time: m.limitOf(at, g.live).latest, live: g.live}
	if m.runs.nodes[at-1].match {
		f.Why = Finished
	}
	m.fate(at, f)
}

// closes notes that the match that is tried no longer waits for an edge.
func (m *Machine) closes(fits bool) {
	if m.ending != NoReason {
		return
	}
	if m.ending = m.told.why; m.ending == NoReason && !fits {
		m.ending = Strict
	}
}
