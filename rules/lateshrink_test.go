package rules

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"weir/cep"
)

// smallest leaves out of a failing case what does not matter: rules, what rules say,
// events, and how late these come. The law that is broken stays the same.
func (c *lateCase) smallest(fault *lateFault) (*lateCase, *lateFault) {
	for {
		next, why := c.smaller(fault)
		if next == nil {
			return c, fault
		}
		c, fault = next, why
	}
}

// smaller is a smaller case that breaks the law too; nil: none was found.
func (c *lateCase) smaller(fault *lateFault) (*lateCase, *lateFault) {
	for _, smaller := range []func(*lateCase) func(func(*lateCase) bool){(*lateCase).withoutEvents, (*lateCase).withoutRules, (*lateCase).withLess} {
		var found *lateCase
		var why *lateFault
		smaller(c)(func(next *lateCase) bool {
			if f := next.breaks(fault.law); f != nil {
				found, why = next, f
			}
			return found == nil
		})
		if found != nil {
			return found, why
		}
	}
	return nil, nil
}

// breaks says how a case breaks a law, nil if it does not.
func (c *lateCase) breaks(law string) (fault *lateFault) {
	defer func() {
		if p := recover(); p != nil {
			fault = nil
			if law == panicked {
				fault = &lateFault{law, fmt.Sprint(p)}
			}
		}
	}()
	if len(c.arrival) == 0 {
		return nil
	}
	for seed := range uint64(3) {
		f := c.check(sortedAlerts(c.set, c.events, c.end), rand.New(rand.NewPCG(seed, 0)), true)
		if f != nil && f.law == law {
			return f
		}
	}
	return nil
}

// withoutEvents leaves out half of the events, a quarter, and so on.
func (c *lateCase) withoutEvents() func(func(*lateCase) bool) {
	return func(yield func(*lateCase) bool) {
		for n := (len(c.events) + 1) / 2; n > 0; n /= 2 {
			for at := 0; at < len(c.events); at += n {
				next := *c
				next.events = slices.Delete(slices.Clone(c.events), at, min(at+n, len(c.events)))
				next.arrival = nil
				for _, i := range c.arrival {
					switch {
					case i < at:
						next.arrival = append(next.arrival, i)
					case i >= at+n:
						next.arrival = append(next.arrival, i-n)
					}
				}
				left := func(after int) (left int) {
					for _, i := range c.arrival[:after] {
						if i < at || i >= at+n {
							left++
						}
					}
					return left
				}
				next.strays = nil
				for _, stray := range c.strays {
					left := left(stray.after)
					first := func(i int) bool { return bytes.Equal(next.events[i].line, stray.line) }
					if left > 0 && (!stray.again || slices.ContainsFunc(next.arrival[:left], first)) {
						next.strays = append(next.strays, lateStray{left, stray.line, stray.again})
					}
				}
				next.clocks = nil
				for _, k := range c.clocks { // each after the last event before it that is left
					left := left(k.after)
					if left > 0 && (at+n < len(c.events) || at > 0 && k.time <= c.events[at-1].time) {
						next.clocks = append(next.clocks, lateClock{left, k.time})
					}
				}
				if !yield(&next) {
					return
				}
			}
		}
	}
}

// withoutRules leaves out rules, and what they share.
func (c *lateCase) withoutRules() func(func(*lateCase) bool) {
	return func(yield func(*lateCase) bool) {
		for _, s := range c.set.smaller() {
			if next := *c; s.compile() {
				next.set = s
				if !yield(&next) {
					return
				}
			}
		}
	}
}

// smaller are the rulesets that say one thing less.
func (s *lateSet) smaller() []*lateSet {
	var all []*lateSet
	for i := range s.rules {
		next := *s
		next.rules = slices.Delete(slices.Clone(s.rules), i, i+1)
		if len(next.rules) > 0 {
			all = append(all, &next)
		}
	}
	for i := range s.features {
		next := *s
		next.features = slices.Delete(slices.Clone(s.features), i, i+1)
		all = append(all, &next)
	}
	for i := range s.risks {
		next := *s
		next.risks = slices.Delete(slices.Clone(s.risks), i, i+1)
		all = append(all, &next)
	}
	if s.policy != "" {
		next := *s
		next.policy = ""
		all = append(all, &next)
	}
	if s.schema && !s.seq && !s.ids {
		next := *s
		next.schema = false
		all = append(all, &next)
	}
	for i := range s.rules {
		for j, part := range s.rules[i].parts {
			parts := slices.Delete(slices.Clone(s.rules[i].parts), j, j+1)
			if part[0] == "within" { // needed, but a long one does
				parts = slices.Insert(parts, j, [2]string{"within", "100ms"})
				if part[1] == "100ms" || part[1] == "none" {
					continue
				}
			}
			next := *s
			next.rules = slices.Clone(s.rules)
			next.rules[i].parts = parts
			all = append(all, &next)
		}
	}
	return all
}

// withLess makes the arrival simpler.
func (c *lateCase) withLess() func(func(*lateCase) bool) {
	return func(yield func(*lateCase) bool) {
		if len(c.strays) > 0 {
			next := *c
			next.strays = nil
			if !yield(&next) {
				return
			}
		}
		if len(c.clocks) > 0 {
			next := *c
			next.clocks = nil
			if !yield(&next) {
				return
			}
		}
		if c.end != cep.EndRecord {
			next := *c
			next.end = cep.EndRecord
			if !yield(&next) {
				return
			}
		}
		for i := 1; i < len(c.arrival); i++ {
			if c.arrival[i-1] > c.arrival[i] {
				next := *c
				next.arrival = slices.Clone(c.arrival)
				next.arrival[i-1], next.arrival[i] = c.arrival[i], c.arrival[i-1]
				if !yield(&next) {
					return
				}
			}
		}
	}
}

// panicked is the law that a panic breaks.
const panicked = "no panic"

// report shows a failing case, and leaves its rules and events in a folder.
func (c *lateCase) report(fault *lateFault) string {
	folder, err := os.MkdirTemp("", "weir-late-")
	if err != nil {
		return err.Error()
	}
	var arrived, sorted strings.Builder
	for _, r := range c.records() {
		if r.Kind == cep.EventsRecord {
			arrived.Write(append(r.Data, '\n'))
		}
	}
	for i := range c.events {
		sorted.Write(append(c.events[i].line, '\n'))
	}
	for name, text := range map[string]string{"rules.yaml": c.set.text, "arrived.ndjson": arrived.String(), "sorted.ndjson": sorted.String()} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			return err.Error()
		}
	}
	openEnd := ""
	if c.end == cep.HaltRecord {
		openEnd = " --open-end"
	}
	return fmt.Sprintf("broken: %s\n%s\n%s\nas they come (lateness %dms, clocks %v):\n%s\nweir run%s --order eager --lateness %[4]dms %[8]s/rules.yaml --events %[8]s/arrived.ndjson\nweir run%[7]s %[8]s/rules.yaml --events %[8]s/sorted.ndjson",
		fault.law, fault.how, c.set.text, c.lateness, c.clocks, arrived.String(), openEnd, folder)
}
