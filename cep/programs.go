package cep

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// The open matches of a rule mean something only to the program that its pattern was compiled
// to. A state says which program each rule had. Where another one takes its place, everything
// else of the state can still be read.

// OtherPrograms is the error of Restore where nothing of a state differs but what the patterns
// of some rules are compiled to. Options.Drop lets the others go on.
type OtherPrograms struct {
	Rules []string // their ids, in order
}

func (o *OtherPrograms) Error() string {
	return fmt.Sprintf("cep: the state was made with other programs of %s", strings.Join(o.Rules, ", "))
}

// Dropped is a rule that has begun anew when a state was restored, as it has another program
// than in that state.
type Dropped struct {
	Rule string // id
	Keys int    // under which matches were open, as of the watermark: all are gone
}

// Dropped lists the rules that began anew when the Engine was restored, by id.
func (g *Engine) Dropped() []Dropped {
	var list []Dropped
	for i, keys := range g.dropped {
		if keys != nil {
			list = append(list, Dropped{g.rs.Rules[i].ID, *keys})
		}
	}
	return list
}

// programSum says which program a rule has; 0: none.
func (r *Rule) programSum() uint64 {
	if r.Program == nil {
		return 0
	}
	sum := sha256.Sum256([]byte(r.Program.String()))
	return max(1, binary.LittleEndian.Uint64(sum[:]))
}

// appendPrograms writes which program each rule has.
func (g *Engine) appendPrograms(w *writer) {
	if g.programs == nil {
		g.programs = make([]uint64, len(g.rs.Rules))
		for i, r := range g.rs.Rules {
			g.programs[i] = r.programSum()
		}
	}
	for _, sum := range g.programs {
		w.Fixed(sum)
	}
}

// programs reads which programs the rules had. It returns, by rule, where to count the keys
// under which matches are dropped; nil: the program is the same. If all are, there is no list.
func (r *reader) programs(rs *Ruleset) (dropped []*int) {
	for i, rule := range rs.Rules {
		sum := r.Fixed()
		if r.Bad || (sum == 0) != (rule.Program == nil) {
			r.Fail()
			return nil
		}
		if sum == rule.programSum() {
			continue
		}
		if dropped == nil {
			dropped = make([]*int, len(rs.Rules))
		}
		dropped[i] = new(int)
	}
	return dropped
}

// otherPrograms is the error that names the rules that are dropped.
func otherPrograms(rs *Ruleset, dropped []*int) error {
	o := new(OtherPrograms)
	for i, keys := range dropped {
		if keys != nil {
			o.Rules = append(o.Rules, rs.Rules[i].ID)
		}
	}
	slices.Sort(o.Rules)
	return o
}

// begin lets rules that are dropped begin where the state ends, like rules that Adopt puts in
// force there. The clock is read ahead.
func (b *borders) begin(dropped []*int, clock reader) {
	clock.Bool()
	x := &border{now: clock.Int(), low: clock.Int(), arrived: clock.Uint()}
	if clock.Bad || x.arrived == 0 {
		return
	}
	for i, keys := range dropped {
		if keys != nil {
			b.rules[i] = x
		}
	}
}

// sized writes the length of what was written after at, where a byte has been left for it.
func (w *writer) sized(at int) {
	n := len(w.B) - at - 1
	if n < 1<<7 {
		w.B[at] = byte(n)
		return
	}
	length := binary.AppendUvarint(nil, uint64(n))
	w.B = slices.Insert(w.B, at+1, length[1:]...)
	w.B[at] = length[0]
}
