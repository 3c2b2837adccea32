package feature

import (
	"testing"
	"time"
)

func at(s string) int64 {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t.UnixNano()
}

// TestDays holds the beginnings of days where clocks are set.
func TestDays(t *testing.T) {
	hour := int64(time.Hour)
	for _, c := range []struct {
		zone        string
		days        int64
		offset      int64
		t, from, to string
	}{
		{"UTC", 1, 0, "1969-12-31T23:00:00Z", "1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z"},
		{"Europe/Berlin", 1, 0, "2024-03-31T12:00:00Z", "2024-03-30T23:00:00Z", "2024-03-31T22:00:00Z"},            // 23 hours
		{"Europe/Berlin", 1, 0, "2024-10-27T12:00:00Z", "2024-10-26T22:00:00Z", "2024-10-27T23:00:00Z"},            // 25 hours
		{"Europe/Berlin", 1, 5 * hour / 2, "2024-03-31T00:59:59Z", "2024-03-30T01:30:00Z", "2024-03-31T01:00:00Z"}, // no 02:30: from 03:00 on
		{"Europe/Berlin", 1, 5 * hour / 2, "2024-10-27T01:29:00Z", "2024-10-27T00:30:00Z", "2024-10-28T01:30:00Z"}, // 02:30 twice: from the first on
		{"America/Sao_Paulo", 1, 0, "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"},        // no midnight: from 01:00 on
		{"America/Sao_Paulo", 1, 0, "2018-02-18T02:30:00Z", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"},        // 23:00 twice
		{"America/Havana", 1, 0, "2024-11-03T04:30:00Z", "2024-11-03T04:00:00Z", "2024-11-04T05:00:00Z"},           // midnight twice
		{"Pacific/Apia", 1, 0, "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"},             // the 30th is left out
		{"Pacific/Apia", 1, 0, "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"},
		{"Europe/Berlin", 7, 0, "2024-04-01T12:00:00Z", "2024-03-27T23:00:00Z", "2024-04-03T22:00:00Z"},    // weeks begin on Thursday, as 1970 did
		{"America/New_York", 1, 0, "2040-12-31T23:00:00Z", "2040-12-31T05:00:00Z", "2041-01-01T05:00:00Z"}, // the end of a leap year
	} {
		w := Window{Shape: Tumbling, Size: c.days * day, Offset: c.offset, Zone: zoneOf(c.zone)}
		g := grid{size: w.Size, step: w.Size, offset: w.Offset, zone: w.Zone}
		from, to := g.tumble(at(c.t))
		if from != at(c.from) || to != at(c.to) {
			t.Errorf("%s, %d days from %v on, %s: from %v to %v, want %s and %s", c.zone, c.days, time.Duration(c.offset), c.t,
				time.Unix(0, from).UTC(), time.Unix(0, to).UTC(), c.from, c.to)
		}
	}
}

// TestDaysInOrder goes through 60 years of zones: days follow each other without a gap,
// and each of their moments is in them.
func TestDaysInOrder(t *testing.T) {
	for _, z := range zones[1:] {
		g := grid{size: day, step: day, offset: int64(90 * time.Minute), zone: z}
		end := at("2045-01-01T00:00:00Z")
		for from, to := g.tumble(at("1985-01-01T00:00:00Z")); from < end; {
			if to <= from || to-from > 2*day {
				t.Fatalf("%s: a day from %d to %d", z, from, to)
			}
			for _, at := range []int64{from, (from + to) / 2, to - 1} {
				if f, u := g.tumble(at); f != from || u != to {
					t.Fatalf("%s: %d is in the day from %d to %d, not from %d to %d", z, at, f, u, from, to)
				}
			}
			next, last := g.tumble(to)
			if next != to {
				t.Fatalf("%s: the day after %d begins at %d", z, to, next)
			}
			from, to = next, last
		}
	}
}
