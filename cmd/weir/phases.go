package main

import "time"

// phases are how long the parts of a start took, as attributes of a line of the service's log.
type phases struct {
	began time.Time
	took  []any
}

// end notes that a part has ended, and the next begins.
func (p *phases) end(name string) {
	now := time.Now()
	p.took = append(p.took, name, now.Sub(p.began).Round(time.Millisecond))
	p.began = now
}
