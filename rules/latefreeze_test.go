package rules

import (
	"bytes"
	"fmt"
	"math/rand/v2"

	"weir/cep"
)

// lateSaver saves an engine bit by bit while it steps, as a Loop does.
type lateSaver struct {
	*rand.Rand
	g      *cep.Engine
	frozen *cep.Frozen
	at     int         // records as of the freeze,
	fx     cep.Effects // what they brought,
	want   []byte      // and the state
	now    [][]byte    // entries since then
	runs   [][]byte    // sorted, of the freezes before
	base   []byte      // what it was restored from last; nil: it was not
	from   int         // records as of then
	begins []int       // where the sections of the state begin that was put together last
	told   string
}

// slice lets some of the state be saved; all says all that is left.
func (s *lateSaver) slice(all bool) (more bool, err error) {
	n := s.IntN(6)
	pieces, more := s.frozen.Next(func() bool { n--; return n < 0 && !all })
	s.now = append(s.now, pieces...)
	if more {
		return true, nil
	}
	s.frozen.End(true)
	if s.frozen.Full {
		s.runs = nil
	}
	for _, p := range s.now {
		run, err := cep.SortEntries(nil, p)
		if err != nil {
			return false, err
		}
		s.runs = append(s.runs, run)
	}
	s.frozen, s.now = nil, nil
	return false, nil
}

// assembled is the state that was saved.
func (s *lateSaver) assembled() ([]byte, error) {
	var runs []cep.Run
	for _, r := range s.runs {
		runs = append(runs, cep.RunOf(r))
	}
	state, begins, err := cep.AssembleSections(runs, 0)
	s.begins = begins
	return state, err
}

// freezes: what is saved bit by bit while an engine goes on is the state as of the freeze, of
// however many freezes it is put together, and saving it changes no effect.
func (c *lateCase) freezes(r *rand.Rand, order cep.Order, records []cep.Record, once *course) *lateFault {
	o := c.options(order)
	o.Shards = pick(r, []int{1, 2, 5})
	o.Freezes, o.NearMisses = true, r.IntN(4) == 0 && c.budget == 0
	s := lateSaver{Rand: r, g: cep.NewEngine(c.set.set, o), told: fmt.Sprintf("order %d, shards %d", order, o.Shards)}
	var fx cep.Effects
	for at := 0; at < len(records); {
		n := min(1+r.IntN(1+len(records)/8), len(records)-at)
		part := records[at : at+n]
		if r.IntN(2) == 0 {
			part = joined(part)
		}
		s.g.Step(part, &fx)
		at += n
		switch {
		case s.frozen == nil && r.IntN(2) == 0:
			alone := o
			alone.Shards, alone.Freezes = pick(r, []int{1, 2, 5}), false
			twin := cep.NewEngine(c.set.set, alone)
			if s.base != nil { // captured events have lost what rules do not ask of them
				var err error
				if twin, err = cep.Restore(c.set.set, alone, s.base); err != nil {
					return faultf("what is saved can be restored", "%s: %v", s.told, err)
				}
			}
			twin.Step(records[s.from:at], new(cep.Effects))
			s.at, s.fx, s.want, s.frozen = at, fx, twin.Append(nil), s.g.Freeze()
			s.told += fmt.Sprintf(", frozen after %d records", at)
		case s.frozen != nil && r.IntN(12) == 0:
			s.frozen.End(false)
			s.frozen, s.now = nil, nil
			s.told += fmt.Sprintf(", given up after %d", at)
		}
		if s.frozen == nil {
			continue
		}
		if more, err := s.slice(at == len(records)); err != nil {
			return faultf("what is saved can be read", "%s: %v", s.told, err)
		} else if more {
			continue
		}
		state, err := s.assembled()
		if err != nil {
			return faultf("what is saved can be put together", "%s: %v", s.told, err)
		}
		o.Shards = pick(r, []int{1, 2, 5})
		restored, err := cep.Restore(c.set.set, o, state)
		if err != nil {
			return faultf("what is saved can be restored", "%s, saved after %d: %v", s.told, at, err)
		}
		if got := restored.Append(nil); !bytes.Equal(got, s.want) {
			return faultf("what is saved is the state as of the freeze", "%s, saved after %d: %s", s.told, at, firstDifferent(got, s.want))
		}
		if r.IntN(3) == 0 { // go on with it where it was frozen, as after a crash
			if o.Saved = r.IntN(3) > 0; o.Saved { // what changes is added to what it was put together of
				if restored, err = cep.RestoreSections(c.set.set, o, state, s.begins); err != nil {
					return faultf("what is saved can be restored", "%s: %v", s.told, err)
				}
			} else {
				s.runs = nil
			}
			s.g, at, fx = restored, s.at, s.fx
			s.base, s.from = state, at
			s.told += fmt.Sprintf(", restored with %d as of %d records, saved %v", o.Shards, at, o.Saved)
			o.Saved = false
		}
	}
	s.g.Step([]cep.Record{{Kind: c.end}}, &fx)
	if got, want := effectBytes(&fx), effectBytes(&once.fx); !bytes.Equal(got, want) {
		return faultf("freezes change nothing", "%s\n%s", s.told, firstDifferent(got, want))
	}
	return nil
}
