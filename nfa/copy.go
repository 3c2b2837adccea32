package nfa

// CopyTo makes dst, whose memory it uses again, what r is: who keeps copies can go back
// to what was before a step. A copy tells no Machine.Trace of what was before it.
func (r *Runs) CopyTo(dst *Runs) {
	dst.nodes = append(dst.nodes[:0], r.nodes...)
	dst.registers = append(dst.registers[:0], r.registers...)
	dst.held = append(dst.held[:0], r.held...)
	for i := range dst.groups {
		dst.groups[i].runs = dst.groups[i].runs[:0]
	}
	groups := dst.groups[:cap(dst.groups)]
	if len(groups) < len(r.groups) {
		groups = append(groups, make([]group, len(r.groups)-len(groups))...)
	}
	dst.groups = groups[:len(r.groups)]
	for i := range r.groups {
		runs := append(dst.groups[i].runs[:0], r.groups[i].runs...)
		dst.groups[i] = r.groups[i]
		dst.groups[i].runs = runs
	}
	dst.open, dst.lived, dst.atBound, dst.traced = r.open, r.lived, r.atBound, nil
	dst.compacted++
}
