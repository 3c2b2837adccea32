package trace

import (
	"slices"
	"strconv"
	"strings"

	"weir/cep"
	"weir/nfa"
)

// match is an open match since its last capture. The next capture makes another one of
// it, which has its number if it ended with that.
type match struct {
	number  int // for people; 0: not given yet
	node    int // for the engine
	place   int
	last    *capture
	missing []string // names of the fewest events that it lacks, in order
	unknown bool     // these were not found
	waits   []wait

	ended    bool
	heir     bool // the match that it became has its number
	complete bool // it is complete, and neither out nor refused
	busy     int  // the step at which it completed, came out or was refused last
	end      *Statement

	born    int    // step of its first capture
	until   int    // step of its end
	events  int    // offered to the rule up to its last capture
	after   int    // and up to its end
	before  []wait // for what it waited before its last capture
	nearest *Statement
	early   []early
	tooLate *Statement
	refused *Statement
	held    *Statement
	alerted bool
}

// wait is what a match waits for.
type wait struct {
	way    *way
	limit  int64
	span   int64
	since  int // the step since which it, or what it was before, has waited for that name
	bound  nfa.Bound
	closed bool // it waits for it no longer
}

// way is where an edge leads, and how.
type way struct {
	to   string // a name; of closing negations `!name`
	link string
	end  bool // no event is waited for
}

// awaited reports whether a match waits or waited for a name.
func (m *match) awaited(to string) bool {
	return slices.ContainsFunc(m.waits, func(w wait) bool { return w.way.to == to })
}

// awaits reports whether a match waits for a name, or did when it ended.
func (m *match) awaits(to string) bool {
	return slices.ContainsFunc(m.waits, func(w wait) bool { return w.way.to == to && (!w.closed || m.ended) })
}

// capture is an event that a match has captured, with those before it.
type capture struct {
	before *capture
	first  *capture
	as     string
	event  *event
	length int
}

func (c *capture) then(as string, e *event) *capture {
	n := &capture{before: c, as: as, event: e, length: 1}
	if n.first = n; c != nil {
		n.first, n.length = c.first, c.length+1
	}
	return n
}

// list gives the captures in order.
func (c *capture) list() []*capture {
	if c == nil {
		return nil
	}
	all := make([]*capture, c.length)
	for ; c != nil; c = c.before {
		all[c.length-1] = c
	}
	return all
}

// captures gives the captures of a match as JSON has them.
func (m *match) captures() []Capture {
	var all []Capture
	for _, c := range m.last.list() {
		all = append(all, Capture{As: c.as, Event: c.event.id, Time: cep.FormatTime(c.event.at)})
	}
	return all
}

// lacks gives what the match lacks.
func (m *match) lacks() []Run {
	var all []Run
	for _, name := range m.missing {
		if k := len(all) - 1; k >= 0 && all[k].Name == name {
			all[k].Count++
		} else {
			all = append(all, Run{name, 1})
		}
	}
	return all
}

// times are the time of the first capture, and that of the last.
func (m *match) times() (first, last int64) { return m.last.first.event.at, m.last.event.at }

// label names an open match, like `#3 (probe×2 since 10:00:00)`.
func (m *match) label() string {
	first, last := m.times()
	return number(m.number) + " (" + m.last.text() + " since " + clock(first, last) + ")"
}

func number(match int) string { return "#" + strconv.Itoa(match) }

// text writes which variables captured how often, in order.
func (c *capture) text() string {
	var runs []Run // from the last
	for ; c != nil; c = c.before {
		if k := len(runs) - 1; k >= 0 && runs[k].Name == c.as {
			runs[k].Count++
		} else {
			runs = append(runs, Run{c.as, 1})
		}
	}
	slices.Reverse(runs)
	return counts(runs)
}

// counts writes names that follow each other, like `probe×2, cashout`.
func counts(list []Run) string {
	var names []string
	for _, l := range list {
		text := l.Name
		if l.Count > 1 {
			text += "×" + strconv.Itoa(l.Count)
		}
		names = append(names, text)
	}
	return strings.Join(names, ", ")
}
