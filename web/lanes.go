package web

import "weir/cep"

// lanesStopped is how many lanes go no further.
func lanesStopped(lanes []cep.LaneStatus) (n int) {
	for i := range lanes {
		if lanes[i].Fault != "" {
			n++
		}
	}
	return n
}

// lanesBehind is how many records lanes have still to fold.
func lanesBehind(lanes []cep.LaneStatus) (n uint64) {
	for i := range lanes {
		if l := &lanes[i]; l.Fault == "" && l.Target > l.Position {
			n += l.Target - l.Position
		}
	}
	return n
}
