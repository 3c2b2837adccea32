package rules

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/cep"
	"weir/rules/source"
)

var (
	adoptSeed  = flag.Uint64("adopt.seed", 1, "seed of the rulesets and streams of TestAdopt; 0: the clock")
	adoptCases = flag.Int("adopt.cases", 600, "how many cases TestAdopt looks at")
	adoptOnly  = flag.Int("adopt.case", -1, "the only case that TestAdopt runs")
)

// share says in which of two rulesets something stands.
type share uint8

const (
	stays share = iota // in both
	comes
	goes
)

// adoptSets are two rulesets.
type adoptSets struct {
	set       *lateSet
	features  map[string]share
	rules     map[string]share // those that are in neither are not there
	whole     bool             // nothing goes
	old, next *cep.Ruleset
	all       *cep.Ruleset // next, with what comes as rules that look at no event before
	texts     [3]string
}

// adoptCase is a stream in which the second ruleset takes the place of the first.
type adoptCase struct {
	*adoptSets
	late *lateCase
	at   int // after so many records
	had  *adoptTally
}

// adoptStreams are seen by the same rulesets.
const adoptStreams = 8

// adoptTally counts what cases had.
type adoptTally struct {
	Cases, Whole, Comes, CameOut, Goes, Kept, Retracted, Risky, Backed, Misses int
}

// TestAdopt checks the laws of adopting rules on random rulesets and streams: what stays
// gives what it would give if nothing else had changed, what comes gives what rules give
// that see no event from before, and neither shards nor restarts change a byte.
func TestAdopt(t *testing.T) {
	seed := *adoptSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-adopt.seed %d", seed)
	var had adoptTally
	from, to := 0, *adoptCases
	if *adoptOnly >= 0 {
		from, to = *adoptOnly, *adoptOnly+1
	}
	var sets *adoptSets
	for i := from; i < to; i++ {
		if i == from || i%adoptStreams == 0 {
			sets = newAdoptSets(seed, i/adoptStreams)
		}
		r := rand.New(rand.NewPCG(seed+1, uint64(i)))
		c := newAdoptCase(r, sets)
		c.had = &had
		had.Cases++
		if fault := c.tryCheck(r); fault != nil {
			t.Fatalf("-adopt.seed %d -adopt.case %d\n%s\n%s\nadopted after record %d, lateness %d\n%s\nold:\n%s\nnext:\n%s\nall:\n%s", seed, i, fault.law, fault.how, c.at, c.late.lateness, c.lines(), c.texts[0], c.texts[1], c.texts[2])
		}
	}
	t.Logf("%+v", had)
	if *adoptOnly < 0 && *adoptCases >= 600 {
		for name, n := range map[string]int{"whole": had.Whole, "comes": had.Comes, "came out": had.CameOut, "goes": had.Goes, "kept": had.Kept, "retracted": had.Retracted, "risky": had.Risky, "backed": had.Backed, "misses": had.Misses} {
			if n < 20 {
				t.Errorf("%s: only %d", name, n)
			}
		}
	}
}

func (c *adoptCase) lines() string {
	var b strings.Builder
	for i, r := range c.records() {
		fmt.Fprintf(&b, "%d %d %s\n", i+1, r.Time, r.Data)
	}
	return b.String()
}

// newAdoptSets draws rulesets in which what stays does so in the same layer: else it begins
// anew.
func newAdoptSets(seed uint64, number int) *adoptSets {
	r := rand.New(rand.NewPCG(seed, uint64(number)<<1|1))
	for i := 0; ; i++ {
		s := &adoptSets{set: newLateSet(seed+uint64(i), number)}
		s.draw(r)
		ok := true
		for i, of := range []**cep.Ruleset{&s.old, &s.next, &s.all} {
			var sound bool
			s.texts[i], *of, sound = s.compile(func(p share) bool { return p == stays || (p == goes) == (i == 0) }, i == 2)
			ok = ok && sound
		}
		for id, p := range s.rules {
			ok = ok && (p != stays || s.sameLayer(id))
		}
		if ok {
			return s
		}
	}
}

func newAdoptCase(r *rand.Rand, s *adoptSets) *adoptCase {
	m := newLateMaker(r, s.set)
	c := &adoptCase{adoptSets: s, late: &lateCase{set: s.set, events: m.events(), end: pick(r, []cep.RecordKind{cep.EndRecord, cep.EndRecord, cep.HaltRecord})}}
	c.late.arrive(r)
	if r.IntN(6) == 0 {
		c.late.stray(m)
	}
	c.at = r.IntN(len(c.late.records()) + 1)
	return c
}

// draw draws what stays, comes and goes. What comes can be told by its events to look at none
// from before; so it reads no matches of what stays, and no window of that which ends; and what it shows of a
// feature that stays is shown already. A rule that matches when windows end cannot be told, and holds nothing.
func (c *adoptSets) draw(r *rand.Rand) {
	s := c.set
	c.whole = r.IntN(3) > 0
	c.rules, c.features = map[string]share{}, map[string]share{}
	for _, x := range s.rules {
		p := pick(r, []share{stays, stays, comes})
		if !c.whole {
			p = pick(r, []share{stays, stays, stays, comes, goes})
		}
		for _, id := range x.sources {
			if of := c.rules[id]; of != stays || p == comes {
				p = of
			}
		}
		c.rules[x.id] = p
		for _, id := range x.sources {
			if of, ok := c.rules[id]; !ok || of != p && of != stays {
				delete(c.rules, x.id)
			}
		}
	}
	for again := true; again; {
		again = false
		for _, f := range s.features {
			users := map[share]bool{}
			for i := range s.rules {
				if p, ok := c.rules[s.rules[i].id]; ok && s.rules[i].says(f.name) {
					users[p] = true
				}
			}
			switch {
			case users[stays] || len(users) > 1:
				c.features[f.name] = stays
			case users[comes]:
				c.features[f.name] = comes
			case users[goes]:
				c.features[f.name] = goes
			default:
				c.features[f.name] = stays
			}
			for i := range s.rules {
				x := &s.rules[i]
				if x.closes && x.part("hold") != "" && c.rules[x.id] == comes {
					c.rules[x.id], again = stays, true
				}
				looks := x.closes && x.says(f.name) || x.part("evidence") == f.name && !c.shown(f.name)
				if looks && c.rules[x.id] == comes && c.features[f.name] != comes {
					c.rules[x.id], again = stays, true
				}
			}
		}
		for i := range s.rules { // a rule above one that has just come to stay
			x := &s.rules[i]
			for _, id := range x.sources {
				if p, ok := c.rules[x.id]; ok && p == comes && c.rules[id] == stays {
					c.rules[x.id], again = stays, true
				}
			}
			if p, ok := c.rules[x.id]; ok && slices.ContainsFunc(x.sources, func(id string) bool {
				of, there := c.rules[id]
				return !there || of != p && of != stays
			}) {
				delete(c.rules, x.id)
				again = true
			}
		}
	}
}

// part is what a rule says under a key.
func (x *lateRule) part(key string) string {
	for _, p := range x.parts {
		if p[0] == key {
			return p[1]
		}
	}
	return ""
}

// shown reports whether a rule of the first ruleset shows the events of a feature.
func (c *adoptSets) shown(feature string) bool {
	return slices.ContainsFunc(c.set.rules, func(x lateRule) bool {
		p, ok := c.rules[x.id]
		return ok && p != comes && x.part("evidence") == feature
	})
}

// says reports whether a rule names something.
func (x *lateRule) says(name string) bool {
	return slices.ContainsFunc(x.parts, func(p [2]string) bool { return wordIn(p[1], name) >= 0 })
}

// compile makes a ruleset of what is in; apart tells what comes to look at later events only.
func (c *adoptSets) compile(in func(share) bool, apart bool) (string, *cep.Ruleset, bool) {
	s := *c.set
	s.features, s.rules = nil, nil
	for _, f := range c.set.features {
		p := c.features[f.name]
		if !in(p) {
			continue
		}
		if apart && p == comes {
			if head, rest, ok := strings.Cut(f.text, "where: '"); ok {
				f.text = head + "where: 'phase == 2 && " + rest
			} else {
				f.text = strings.TrimSuffix(f.text, "}\n") + ", where: 'phase == 2'}\n"
			}
		}
		s.features = append(s.features, f)
	}
	for _, x := range c.set.rules {
		p, ok := c.rules[x.id]
		if !ok || !in(p) {
			continue
		}
		if apart && p == comes {
			x.apart()
		}
		s.rules = append(s.rules, x)
	}
	text := strings.ReplaceAll(s.yaml(), "ts: time}", "ts: time, phase: number}")
	if len(s.rules) == 0 {
		text = strings.ReplaceAll(text, "rules:\n", "rules: []\n")
	}
	checked := Check([]source.File{{Path: "rules.yaml", Text: text}})
	return text, checked.Ruleset, source.ErrorsIn(checked.Findings) == nil
}

// apart lets a rule see later events only.
func (x *lateRule) apart() {
	on, where, cel := "", -1, false
	for i, p := range x.parts {
		switch p[0] {
		case "on":
			on = p[1]
		case "where":
			where = i
		case "lang":
			cel = true
		}
	}
	asks := "phase == 2"
	switch {
	case x.closes || len(x.sources) > 0 && !strings.Contains(on, "pay"):
		return
	case len(x.sources) > 0:
		asks = "(phase == nil || phase == 2)"
	case cel:
		asks = "phase == 2.0"
	}
	x.parts = slices.Clone(x.parts)
	if where < 0 {
		x.parts = append(x.parts, [2]string{"where", "'" + asks + "'"})
		return
	}
	x.parts[where][1] = "'" + asks + " && (" + strings.Trim(x.parts[where][1], "'") + ")'"
}

// records are those of the stream, each event with the phase in which it comes.
func (c *adoptCase) records() []cep.Record {
	records := c.late.records()
	for i := range records {
		if r := &records[i]; r.Kind == cep.EventsRecord {
			phase := 1
			if i >= c.at {
				phase = 2
			}
			r.Data = fmt.Appendf(bytes.TrimSuffix(slices.Clone(r.Data), []byte("}")), `,"phase":%d}`, phase)
		}
	}
	return records
}

func (c *adoptCase) tryCheck(r *rand.Rand) (fault *lateFault) {
	defer func() {
		if p := recover(); p != nil {
			fault = &lateFault{panicked, fmt.Sprintf("%v\n%s", p, debug.Stack())}
		}
	}()
	for _, order := range []cep.Order{cep.WatermarkOrder, cep.EagerOrder} {
		o := c.late.options(order)
		o.NearMisses = r.IntN(3) == 0
		if fault := c.check(r, o); fault != nil {
			return fault
		}
	}
	return c.chain(r)
}

// chain: however often rules, order and lateness change, restarts and shards change nothing.
func (c *adoptCase) chain(r *rand.Rand) *lateFault {
	records := c.records()
	o := c.late.options(pick(r, []cep.Order{cep.WatermarkOrder, cep.EagerOrder}))
	once, again := cep.NewEngine(c.old, o), cep.NewEngine(c.old, o)
	set := c.old
	var want, got cep.Effects
	how := fmt.Sprintf("order %d", o.Order)
	for i := range records {
		once.Step(records[i:i+1], &want)
		again.Step(records[i:i+1], &got)
		if r.IntN(4) == 0 {
			set = pick(r, []*cep.Ruleset{c.old, c.next, c.all})
			if r.IntN(6) == 0 {
				o.Order = 1 - o.Order
			}
			if r.IntN(4) == 0 {
				o.Lateness = time.Duration(r.IntN(20)) * time.Millisecond
			}
			o.NearMisses = r.IntN(3) == 0
			how += fmt.Sprintf("; after %d order %d, lateness %v, near misses %t, rules %p", i+1, o.Order, o.Lateness, o.NearMisses, set)
			o.Shards = 1
			once, _ = once.Adopt(&cep.Rules{Ruleset: set, Options: o})
			o.Shards = pick(r, []int{1, 2, 5})
			again, _ = again.Adopt(&cep.Rules{Ruleset: set, Options: o})
		}
		state := again.Append(nil)
		if !bytes.Equal(once.Append(nil), state) {
			return faultf("shards and restarts change no state", "%s, after %d", how, i+1)
		}
		if r.IntN(3) == 0 {
			var err error
			if again, err = cep.Restore(set, o, state); err != nil {
				return faultf("a state can be read", "%s, after %d: %v", how, i+1, err)
			}
			if !bytes.Equal(again.Append(nil), state) {
				return faultf("a state that was read is written as it was", "%s, after %d", how, i+1)
			}
		}
	}
	once.Step([]cep.Record{{Kind: c.late.end}}, &want)
	again.Step([]cep.Record{{Kind: c.late.end}}, &got)
	if got, want := effectBytes(&got), effectBytes(&want); !bytes.Equal(got, want) {
		return faultf("shards and restarts change nothing", "%s\n%s", how, firstDifferent(got, want))
	}
	return nil
}

// check compares a run in which rules are adopted with one that has had them always.
func (c *adoptCase) check(r *rand.Rand, o cep.Options) *lateFault {
	records := c.records()
	var want, got cep.Effects
	ref := cep.NewEngine(c.all, o)
	ref.Step(records, &want)
	ref.Step([]cep.Record{{Kind: c.late.end}}, &want)

	how := fmt.Sprintf("order %d", o.Order)
	o.Shards = pick(r, []int{1, 2, 5})
	g, set := cep.NewEngine(c.old, o), c.old
	adopted := false
	for at := 0; at < len(records) || !adopted; {
		if at == c.at && !adopted {
			o.Shards = pick(r, []int{1, 2, 5})
			how += fmt.Sprintf(", adopted after %d with %d shards", at, o.Shards)
			before := g.Append(nil)
			next, told := g.Adopt(&cep.Rules{Ruleset: c.next, Options: o})
			if !bytes.Equal(g.Append(nil), before) {
				return faultf("an engine whose rules others take the place of stays as it is", "%s", how)
			}
			if fault := c.told(told); fault != nil {
				return fault
			}
			g, set, adopted = next, c.next, true
			continue
		}
		n := 1 + r.IntN(len(records)-at)
		if at < c.at {
			n = min(n, c.at-at)
		}
		batch := records[at : at+n]
		if r.IntN(2) == 0 {
			batch = joined(batch)
		}
		g.Step(batch, &got)
		at += n
		if r.IntN(2) == 0 {
			o.Shards = pick(r, []int{1, 2, 5})
			state := g.Append(nil)
			var err error
			if r.IntN(2) == 0 {
				how += fmt.Sprintf(", restored after %d with %d shards", at, o.Shards)
				if g, err = cep.Restore(set, o, state); err != nil {
					return faultf("a state can be read", "%s: %v", how, err)
				}
			} else {
				how += fmt.Sprintf(", adopted again after %d with %d shards", at, o.Shards)
				g, _ = g.Adopt(&cep.Rules{Ruleset: set, Options: o})
			}
			if again := g.Append(nil); !bytes.Equal(again, state) {
				return faultf("what means the same changes nothing", "%s", how)
			}
		}
	}
	g.Step([]cep.Record{{Kind: c.late.end}}, &got)
	c.tally(&got)
	if o.Order == cep.EagerOrder && c.foresees() {
		if got, want := liveAlerts(&got), liveAlerts(&want); c.whole && !sameSet(got, want) {
			return faultf("what is live in the end is as if rules had been there always", "%s\n%s", how, differences(got, want))
		}
		return nil
	}
	if c.whole {
		c.had.Whole++
		if got, want := effectBytes(&got), effectBytes(&want); !bytes.Equal(got, want) {
			return faultf("what stays goes on, and what comes sees later events only", "%s\n%s", how, firstDifferent(got, want))
		}
		if o.NearMisses {
			c.had.Misses++
			if got, want := missText(g), missText(ref); got != want {
				return faultf("near misses of what stays go on", "%s\n%s", how, firstDifferent([]byte(got), []byte(want)))
			}
		}
		return nil
	}
	if got, want := c.calm(&got), c.calm(&want); !bytes.Equal(got, want) {
		return faultf("what goes changes nothing else but risks", "%s\n%s", how, firstDifferent(got, want))
	}
	return nil
}

// foresees reports whether a rule that comes may add to a risk at a moment that the watermark
// has not passed: it does so once its key has seen a later event. Those from before are none
// that it sees, while one that is told not to look at them sees that they are there.
func (c *adoptCase) foresees() bool {
	return len(c.set.risks) > 0 && slices.ContainsFunc(c.set.rules, func(x lateRule) bool {
		p, ok := c.rules[x.id]
		return ok && p == comes && x.timed
	})
}

// liveAlerts are those that are live in the end.
func liveAlerts(fx *cep.Effects) []string {
	last := map[string]*cep.Alert{}
	for i := range fx.Alerts {
		last[fx.Alerts[i].ID] = &fx.Alerts[i]
	}
	var live []string
	for _, a := range last {
		if a.Kind != cep.RetractedAlert {
			live = append(live, plainAlert(a))
		}
	}
	return live
}

// told compares what is told with what the parts are.
func (c *adoptCase) told(told *cep.Adopted) *lateFault {
	want := map[string]cep.Adoption{}
	for id, p := range c.rules {
		want[id] = []cep.Adoption{cep.Kept, cep.New, cep.Gone}[p]
	}
	for _, p := range told.Rules {
		if p.Became == cep.Kept {
			c.had.Kept += p.Kept
		}
		if p.Became != want[p.Name] {
			return faultf("rules become what they are", "%s is %s, want %s", p.Name, p.Became, want[p.Name])
		}
		delete(want, p.Name)
	}
	if len(want) > 0 {
		return faultf("rules become what they are", "nothing is told of %v", want)
	}
	for _, p := range told.Features {
		if want := []cep.Adoption{cep.Kept, cep.New, cep.Gone}[c.features[p.Name]]; p.Became != want {
			return faultf("features become what they are", "%s is %s, want %s", p.Name, p.Became, want)
		}
	}
	return nil
}

// sameLayer reports whether a rule stands in the same layer of both rulesets.
func (c *adoptSets) sameLayer(id string) bool {
	layer := func(rs *cep.Ruleset) int {
		for _, r := range rs.Rules {
			if r.ID == id {
				return r.Layer
			}
		}
		return -1
	}
	return layer(c.old) == layer(c.next)
}

// calm are the alerts of rules that read no risk, and no matches of those that do, of what
// does not go.
func (c *adoptCase) calm(fx *cep.Effects) []byte {
	s := c.set
	var b []byte
	for i := range fx.Alerts {
		a := &fx.Alerts[i]
		if c.rules[a.Rule.ID] != goes && !c.risky(s.rule(a.Rule.ID)) {
			b = append(cep.AppendJSON(b, a), '\n')
		}
	}
	return b
}

func (c *adoptSets) risky(x *lateRule) bool {
	return x.risky || slices.ContainsFunc(x.sources, func(id string) bool { return c.risky(c.set.rule(id)) })
}

func (c *adoptCase) tally(fx *cep.Effects) {
	for i := range fx.Alerts {
		a := &fx.Alerts[i]
		x := c.set.rule(a.Rule.ID)
		if a.Kind == cep.RetractedAlert {
			c.had.Retracted++
		}
		if x.risky {
			c.had.Risky++
		}
		if len(a.Backing.Events) > 0 {
			c.had.Backed++
		}
		if c.rules[x.id] == comes {
			c.had.CameOut++
		}
	}
	for _, p := range c.rules {
		switch p {
		case comes:
			c.had.Comes++
		case goes:
			c.had.Goes++
		}
	}
}
