package feature

import "math"

// Since is the least time of an event that a reader of time t sees in the window of
// feature i. It does not serve sessions, which begin where their events say.
func (p *Plan) Since(i int, t int64) int64 {
	f := &p.features[i]
	switch f.Window.Shape {
	case Sliding:
		return floor(t-f.grid.size+1, f.Resolution)
	case Tumbling:
		from, _ := f.grid.tumble(t)
		return from
	case Hopping:
		_, edge, _, _ := f.grid.hop(t)
		return edge
	case Forever:
		return math.MinInt64
	}
	panic("feature: where a session begins depends on its events")
}

// Gone is the first time at which no reader sees an event of time t in the window of
// feature i any more, be it the last of all; false: it is seen forever.
func (p *Plan) Gone(i int, t int64) (at int64, ok bool) {
	f := &p.features[i]
	switch f.Window.Shape {
	case Sliding:
		return floor(t, f.Resolution) + max(f.Resolution, 1) + f.grid.size - 1, true
	case Tumbling:
		_, to := f.grid.tumble(t)
		return to, true
	case Hopping:
		stamp, _, _, _ := f.grid.hop(t)
		return f.grid.outlives(stamp), true
	case Session:
		return t + f.grid.size, true
	}
	return 0, false
}
