package nfa

import "unsafe"

// Weigh returns about how many bytes r takes, and calls visit as Captured does. It depends on
// the open matches alone, and not on the room that there happens to be for more.
func (r *Runs) Weigh(p *Program, visit func(Event)) int {
	r.Captured(p, visit)
	n := roomy(len(r.nodes))*(int(unsafe.Sizeof(node{}))+8*p.registers) + roomy(len(r.held))*int(unsafe.Sizeof(held{}))
	n += roomy(len(r.groups)) * int(unsafe.Sizeof(group{}))
	for i := range r.groups {
		n += max(8, 4*roomy(len(r.groups[i].runs)))
	}
	return n
}

// roomy is about the room that there is for n things that were appended one by one.
func roomy(n int) int {
	room := 0
	for room < n {
		room = max(1, 2*room)
		if room > 256 {
			return n + n/8
		}
	}
	return room
}
