package trace

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// mostKeys bounds the keys that are counted while the key that is traced has not come.
const mostKeys = 1 << 20

// census counts the events of each key, until the one that is looked for comes.
type census struct {
	events map[string]int // by the parts of the key, joined
	found  bool
	full   bool
}

// joiner stands between the parts of a key in census.
const joiner = "\x00"

func (c *census) count(key []string) {
	if c.found {
		return
	}
	text := key[0]
	if len(key) > 1 {
		text = strings.Join(key, joiner)
	}
	if _, ok := c.events[text]; !ok && len(c.events) >= mostKeys {
		c.full = true
		return
	}
	if c.events == nil {
		c.events = map[string]int{}
	}
	c.events[text]++
}

// stop ends the count: the key has come.
func (c *census) stop() { c.found, c.events = true, nil }

// OtherKey is a key that has events.
type OtherKey struct {
	Key    []string
	Events int
}

// near gives the keys that are closest to one that has no event, then those with the
// most events: at most n.
func (c *census) near(key []string, n int) (nearest, busiest []OtherKey) {
	want := strings.Join(key, joiner)
	list := slices.SortedFunc(maps.Keys(c.events), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.events[b], c.events[a]), strings.Compare(a, b))
	})
	distances := map[string]int{}
	most := (len(want) + 2) / 3
	for _, k := range list {
		if d := distance(want, k, most); d <= most {
			distances[k] = d
		}
	}
	close := slices.SortedFunc(maps.Keys(distances), func(a, b string) int {
		return cmp.Or(cmp.Compare(distances[a], distances[b]), cmp.Compare(c.events[b], c.events[a]), strings.Compare(a, b))
	})
	for _, k := range close[:min(n, len(close))] {
		nearest = append(nearest, OtherKey{strings.Split(k, joiner), c.events[k]})
	}
	for _, k := range list[:min(n, len(list))] {
		busiest = append(busiest, OtherKey{strings.Split(k, joiner), c.events[k]})
	}
	return nearest, busiest
}

// distance counts the letters to insert, leave out or change between a and b; above
// most it gives any number above it.
func distance(a, b string, most int) int {
	if len(a)-len(b) > most || len(b)-len(a) > most {
		return most + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		above := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := above
			if a[i] != b[j] {
				d++
			}
			above = row[j+1]
			row[j+1] = min(d, above+1, row[j]+1)
		}
	}
	return row[len(b)]
}
