package cep

import "time"

// LagBounds are the lags up to which Lags counts: ms, 10ms and so on up to a day.
var LagBounds = [...]time.Duration{
	time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond,
	time.Second, 10 * time.Second, time.Minute, 10 * time.Minute, time.Hour, 24 * time.Hour,
}

// Lags counts events by their lag: how far the event time lay before the time now, which
// is the highest so far, as the event came. A lateness as long as the lag takes it in.
type Lags struct {
	Counts [len(LagBounds) + 1]uint64 // by LagBounds: more than the bound before, up to this; the last are longer than all bounds
	Most   time.Duration              // the longest lag
}

// Events is how many events have been counted.
func (l *Lags) Events() uint64 {
	n := uint64(0)
	for _, c := range l.Counts {
		n += c
	}
	return n
}

// count counts an event with a lag.
func (l *Lags) count(lag int64) {
	d := time.Duration(lag)
	l.Most = max(l.Most, d)
	i := 0
	for i < len(LagBounds) && d > LagBounds[i] {
		i++
	}
	l.Counts[i]++
}

func (l *Lags) append(w *writer) {
	w.Uint(uint64(l.Most))
	for _, n := range l.Counts {
		w.Uint(n)
	}
}

func (l *Lags) read(r *reader) {
	l.Most = time.Duration(r.Below(1 << 63))
	for i := range l.Counts {
		l.Counts[i] = r.Uint()
	}
}
