package feature

import "time"

// grid says where windows begin: every step nanoseconds from an offset, or every
// few days of a calendar.
type grid struct {
	size, step, offset int64
	zone               *time.Location // nil: none of the calendar
}

// floor is the greatest multiple of step up to x; x itself if step is 0.
func floor(x, step int64) int64 {
	if step == 0 {
		return x
	}
	rest := x % step
	if rest < 0 {
		rest += step
	}
	return x - rest
}

// tumble gives the window that t is in.
func (g *grid) tumble(t int64) (from, to int64) {
	if g.zone == nil {
		from = floor(t-g.offset, g.step) + g.offset
		return from, from + g.step
	}
	d := floor(g.dayOf(t), g.step/day)
	return g.begin(d), g.begin(d + g.step/day)
}

// hop gives, for an event of time t, the time under which it is kept, and for a
// reader of time t the least such time that its window has: when the first of the
// windows begins that t is in. The answer holds for all times in [from, to).
func (g *grid) hop(t int64) (stamp, edge, from, to int64) {
	if g.zone == nil {
		stamp = floor(t-g.offset, g.step) + g.offset
		edge = floor(t-g.size-g.offset, g.step) + g.step + g.offset
		return stamp, edge, t, t + 1
	}
	d, step := g.dayOf(t), g.step/day
	edge = g.begin(floor(d-g.size/day, step) + step)
	return g.begin(floor(d, step)), edge, g.begin(d), g.begin(d + 1)
}

// outlives is the first time at which a reader no longer sees what is kept under
// stamp, by a grid of hopping windows.
func (g *grid) outlives(stamp int64) int64 {
	if g.zone == nil {
		return stamp + g.size
	}
	return g.begin(g.dayOf(stamp) + g.size/day)
}

// begin is the beginning of a day, counted from 1970-01-01: the first moment at
// which the clocks of the zone show the offset on that day or something later.
func (g *grid) begin(d int64) int64 {
	const second = int64(time.Second)
	shown := d*day + g.offset // what the clocks have to show, as if it were UTC
	// No zone was ever further from UTC than 26 hours.
	at := time.Unix(0, shown-26*3600*second).In(g.zone)
	for {
		_, offset := at.Zone()
		start, end := bounds(at)
		t := shown - int64(offset)*second
		if !start.IsZero() {
			t = max(t, nanos(start))
		}
		if end.IsZero() || t < nanos(end) {
			return t
		}
		at = end
	}
}

// bounds is t.ZoneBounds. On the last day of a leap year that says of a zone with a rule
// for the years to come (Go 1.26) that its offset ended when the day began, in UTC, which
// would never let begin get on; no zone changes its offset on that day.
func bounds(t time.Time) (start, end time.Time) {
	start, end = t.ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		end = t.Truncate(24 * time.Hour).Add(24 * time.Hour)
	}
	return start, end
}

// nanos is t, held within what an int64 reaches.
func nanos(t time.Time) int64 {
	const most = (1<<63-1)/1_000_000_000 - 1
	return min(max(t.Unix(), -most), most)*1e9 + int64(t.Nanosecond())
}

// dayOf is the day that t falls in.
func (g *grid) dayOf(t int64) int64 {
	_, offset := time.Unix(0, t).In(g.zone).Zone()
	d := floor(t+int64(offset)*int64(time.Second)-g.offset, day) / day
	for g.begin(d) > t { // clocks were set back over the beginning of a day, or a day was left out
		d--
	}
	for g.begin(d+1) <= t {
		d++
	}
	return d
}
