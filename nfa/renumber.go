package nfa

// Renumber gives the events that r refers to other numbers. to must keep their order.
func (r *Runs) Renumber(p *Program, to func(Event) Event) {
	if len(r.nodes) > 0 {
		r.compact(p)
	}
	for i := range r.nodes {
		n := &r.nodes[i]
		n.event, n.first = to(n.event), to(n.first)
	}
	for i := range r.held {
		if r.held[i].last > 0 {
			r.held[i].last = to(r.held[i].last)
		}
	}
}
