package bench

import (
	"strconv"
	"time"

	"weir/cep"
)

// Synth is a stream of events of n types, each as likely as the others, one event
// a millisecond. Event i has the type splitmix64(seed + i) mod n.
type Synth struct {
	names []string // by type
	types []uint8
	seed  uint64
}

// NewSynth makes a stream of n types, at most 26·26 - 2 of them.
func NewSynth(types, n int, seed uint64) *Synth {
	s := &Synth{names: typeNames(types), types: make([]uint8, n), seed: seed}
	for i := range s.types {
		s.types[i] = uint8(mix(seed+uint64(i)) % uint64(types))
	}
	return s
}

// typeNames gives AA, AB, AC and so on, without AS and AT: they are words of
// other query languages.
func typeNames(n int) []string {
	var names []string
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			if name := string([]rune{a, b}); len(names) < n && name != "AS" && name != "AT" {
				names = append(names, name)
			}
		}
	}
	return names
}

func (s *Synth) Len() int { return len(s.types) }

func (s *Synth) Time(i int) int64 { return int64(i) * int64(time.Millisecond) }

func (s *Synth) Type(i int) string { return s.names[s.types[i]] }

func (s *Synth) Value(i int, field string) cep.Value {
	switch field {
	case "part":
		return cep.TextValue("1")
	case "id":
		return cep.NumberValue(float64(i))
	case "ts":
		return cep.TimeValue(s.Time(i))
	}
	return cep.Value{}
}

func (s *Synth) AppendJSON(dst []byte, i int) []byte {
	dst = appendHead(dst, s.Type(i), s.Time(i))
	dst = appendText(dst, "part", "1")
	dst = append(dst, `,"id":`...)
	dst = strconv.AppendInt(dst, int64(i), 10)
	return append(dst, "}\n"...)
}

// Sequence is a rule for the first steps types of a Synth in their order, with
// any events between, in 101 events. A burst opens far more matches than the
// usual bound.
func Sequence(steps int) string {
	names := typeNames(steps)
	on, pattern, define := "", "", ""
	for i, name := range names {
		if i > 0 {
			on += ", "
			pattern += " ->> "
		}
		on += name
		pattern += name
		define += "\n      " + name + ": {type: " + name + "}"
	}
	return `rules:
  - id: sequence
    on: [` + on + `]
    key: part
    within: 101ms
    pattern: ` + pattern + `
    define:` + define + `
    skip: none
    limit: {open: 1000000}
`
}

// Threes counts what Sequence(3) finds in s, and the events that complete a match.
func Threes(s *Synth) (completing, matches int) {
	for last := range s.types {
		if s.types[last] != 2 {
			continue
		}
		firsts, found := 0, 0
		for i := max(last-100, 0); i < last; i++ {
			switch s.types[i] {
			case 0:
				firsts++
			case 1:
				found += firsts
			}
		}
		if found > 0 {
			completing++
		}
		matches += found
	}
	return completing, matches
}
