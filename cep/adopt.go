package cep

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"weir/cep/list"
)

// Adoption says what becomes of a rule or a feature when another Ruleset is adopted.
type Adoption uint8

const (
	Kept    Adoption = iota // it means the same: it goes on with its state
	New                     // it is new: it begins
	Changed                 // it means something else, or where it stands among the layers has changed: it begins anew
	Gone                    // it is no more
)

func (a Adoption) String() string { return [...]string{"kept", "new", "changed", "gone"}[a] }

// AdoptedPart is what became of a rule or a feature.
type AdoptedPart struct {
	Name   string // of a rule its id
	Became Adoption

	// Of a rule that has changed or is gone: what was asked for its open matches, what becomes of
	// them, and, where that is not what was asked, why.
	Asked, Mode Mode
	Why         string

	Kept     int // of a rule: matches that are open and stay so: under what it means now
	Draining int // of a rule: those that stay so under what it meant
	Dropped  int // of a rule: those that were open
}

// Adopted says what became of the rules and features of two Rulesets when one took the place
// of the other.
type Adopted struct {
	Rules    []AdoptedPart // of both, by id
	Features []AdoptedPart // of both, by name

	// Reordered says that Options.Order has changed: then nothing is kept of rules and
	// features, and events that waited to be matched are matched by none.
	Reordered bool

	// Refused are changes of lists that could not be made. Stats.Refused counts them.
	Refused []Refused
}

// String says in short what became of the rules and their open matches.
func (a *Adopted) String() string {
	var n [4]int
	kept, carried, draining, dropped := 0, 0, 0, 0
	for _, r := range a.Rules {
		n[r.Became]++
		if r.Became == Kept {
			kept += r.Kept
		} else {
			carried += r.Kept
		}
		draining += r.Draining
		dropped += r.Dropped
	}
	text := fmt.Sprintf("%d rules go on with %d open matches, %d are new, %d changed and %d gone, with %d open matches dropped",
		n[Kept], kept, n[New], n[Changed], n[Gone], dropped)
	if carried > 0 {
		text += fmt.Sprintf(", %d carried", carried)
	}
	if draining > 0 {
		text += fmt.Sprintf(", %d draining", draining)
	}
	return text
}

// Adopt returns an Engine that goes on from here with other Rules; g stays as it is. It is called
// between two calls of Step.
//
// Rules and features that mean the same in both (Digest, and of a rule Revision and Layer)
// go on with their state, as does a risk or a list that is declared alike; so do the clock,
// the ids that are known, and what is counted of them and of event types. What is new or
// changed begins here: it sees events that arrive from now on, and no other, also where a
// late event lets their keys go back behind what came before; a new risk is added to by
// matches that such events, or time, bring. A rule that reads a feature which goes on, or
// matches when its windows end, sees all that this has counted; what rules show of it
// (Evidence) begins here where none has shown it so far. Of a rule that is gone or changed,
// open matches, throttles and holds go, and what it added to a risk stays; alerts that are
// out stay as they are, and are not retracted any more.
//
// A rule that has changed goes on with its state where the Ruleset has what it was: among
// Rule.Formers of what it is, or as a rule that drains. Events that have arrived, and what time
// brings up to the highest event time, keep the meaning of then.
//
// Entries of a list that the Ruleset begins with, and that are not those of g's Ruleset, are
// put, changed and removed as by a ListRecord; other entries stay as records left them.
//
// Events that wait for earlier ones, may be matched again, or are captured keep the fields that
// were read of them when they came, and what the lists were then; fields that only the other
// Ruleset reads are read of them now. A new lateness acts from the next event on.
func (g *Engine) Adopt(r *Rules) (*Engine, *Adopted) {
	a := newAdoption(g, r)
	told := a.tell()
	a.begin()
	told.Refused = a.changeLists()
	a.refused = uint64(len(told.Refused))
	next, err := Restore(r.Ruleset, r.Options, a.state())
	if err != nil {
		panic("cep: a state cannot be carried on: " + err.Error())
	}
	return next, told
}

// Plan says what Adopt would do, but for changes of lists that it would refuse. It changes
// nothing, and looks at each key once.
func (g *Engine) Plan(r *Rules) *Adopted { return newAdoption(g, r).tell() }

// adoption carries the state of an engine on to another Ruleset. What there is no counterpart
// for has the number -1.
type adoption struct {
	from *Engine
	next *Rules
	to   *Engine // for the numbers that the parts have there, and as a place for some of them

	rules    []int32  // by rule of from: of to, if it goes on
	modes    []Mode   // by rule of from: how; ModeDefault: as it is
	why      []string // by rule of from: why it does not go on
	features []int32
	risks    []int32
	reads    []ReadID
	types    []TypeID // by TypeID+1
	fields   []FieldID
	unread   []FieldID // of to: that from has not

	oldRules    []int32 // by rule of to: of from, if it goes on
	oldFeatures []int32

	lanes   lanes
	refused uint64 // changes of lists
}

func newAdoption(g *Engine, next *Rules) *adoption {
	a := &adoption{from: g, next: next}
	a.match(next.Ruleset, a.sameOrder())
	return a
}

func (a *adoption) sameOrder() bool { return a.from.options.Order == a.next.Options.Order }

// begin makes the place for the state.
func (a *adoption) begin() {
	o := a.next.Options
	a.findSleeping()
	b := a.borders(a.next.Ruleset)
	a.to = NewEngine(a.lanes.behind(b.behind(a.next.Ruleset)), Options{Order: o.Order, Lateness: o.Lateness, NearMisses: a.from.options.NearMisses, Budget: o.Budget})
	a.to.lanes = a.lanes
}

// match finds out what goes on. Where the order changes, nothing does.
func (a *adoption) match(rs *Ruleset, sameOrder bool) {
	old := a.from.rs
	a.types, a.fields = []TypeID{OtherType}, nil
	for i := range old.Types {
		a.types = append(a.types, TypeID(slices.IndexFunc(rs.Types, func(t Type) bool { return t.Name == old.Types[i].Name })))
	}
	byPath := numbersOf(rs.Fields, func(path string) string { return path })
	for _, path := range old.Fields {
		a.fields = append(a.fields, FieldID(lookedUp(byPath, path)))
	}
	had := numbersOf(old.Fields, func(path string) string { return path })
	for f, path := range rs.Fields {
		if lookedUp(had, path) < 0 {
			a.unread = append(a.unread, FieldID(f))
		}
	}
	byFeature := numbersOf(rs.Features, func(f *Feature) string { return f.Name })
	for _, f := range old.Features {
		i := lookedUp(byFeature, f.Name)
		if i >= 0 && (!sameOrder || f.Digest == "" || f.Digest != rs.Features[i].Digest) {
			i = -1
		}
		a.features = append(a.features, i)
	}
	a.oldFeatures = backwards(a.features, len(rs.Features))
	for i := range old.Risks {
		a.risks = append(a.risks, int32(slices.IndexFunc(rs.Risks, func(r NamedRisk) bool { return sameOrder && r.same(&old.Risks[i]) })))
	}
	a.matchRules(rs, sameOrder)
	a.oldRules = backwards(a.rules, len(rs.Rules))
	a.reads = make([]ReadID, len(old.Reads))
	for i := range a.reads {
		a.reads[i] = -1
	}
	for i, r := range old.Rules {
		if n := a.rules[i]; n >= 0 {
			a.matchReads(r, rs.Rules[n])
		}
	}
}

// matchReads finds the reads of a rule that goes on as another: of what it is and was.
func (a *adoption) matchReads(old, next *Rule) {
	for was := range old.all {
		now := next
		if !was.same(next) {
			now = next.former(was.Revision, was.Digest)
		}
		if now == nil { // it is long ago
			continue
		}
		for k, id := range was.Reads {
			a.reads[id] = now.Reads[k]
		}
	}
}

// same reports whether two rules of one id mean the same and have the same numbers in a
// state. The alerts of another revision have other ids.
func (r *Rule) same(o *Rule) bool {
	return r.Digest != "" && r.Digest == o.Digest && r.Revision == o.Revision && r.Layer == o.Layer && len(r.Reads) == len(o.Reads)
}

// same reports whether two risks are declared alike.
func (r *NamedRisk) same(o *NamedRisk) bool {
	return r.Name == o.Name && slices.Equal(r.Key, o.Key) && r.Risk == o.Risk
}

// numbersOf numbers things by their names.
func numbersOf[T any](all []T, name func(T) string) map[string]int32 {
	numbers := make(map[string]int32, len(all))
	for i, x := range all {
		numbers[name(x)] = int32(i)
	}
	return numbers
}

func lookedUp(numbers map[string]int32, name string) int32 {
	if i, ok := numbers[name]; ok {
		return i
	}
	return -1
}

// backwards turns numbers around, of which there are n on the other side.
func backwards(numbers []int32, n int) []int32 {
	back := make([]int32, n)
	for i := range back {
		back[i] = -1
	}
	for i, to := range numbers {
		if to >= 0 {
			back[to] = int32(i)
		}
	}
	return back
}

// borders are those of the Ruleset that is adopted: what goes on keeps its own, what begins
// sees nothing of what has arrived.
func (a *adoption) borders(rs *Ruleset) borders {
	g, b := a.from, newBorders(rs)
	if g.order.arrived == 0 {
		return b
	}
	had := bordersOf(g.rs, g.order.low)
	here := &border{g.order.arrived, g.order.low, g.order.now}
	for i, old := range a.oldRules {
		if b.rules[i] = here; old >= 0 {
			b.rules[i], b.formers[i] = had.rules[old], a.ends(old, had.formers[old], here)
		}
	}
	for i, old := range a.oldFeatures {
		if b.features[i] = here; old >= 0 {
			b.features[i] = had.features[old]
		}
	}
	for i, old := range backwards(a.risks, len(rs.Risks)) {
		if b.risks[i] = here; old >= 0 {
			b.risks[i] = had.risks[old]
		}
	}
	return b
}

// tell says what becomes of rules and features.
func (a *adoption) tell() *Adopted {
	old, next := a.from.rs, a.next.Ruleset
	names := func(features []*Feature) []string {
		return namesOf(features, func(f *Feature) string { return f.Name })
	}
	return &Adopted{
		Reordered: !a.sameOrder(),
		Rules:     a.tellRules(),
		Features:  parts(names(old.Features), names(next.Features), a.oldFeatures),
	}
}

func namesOf[T any](all []T, name func(T) string) []string {
	names := make([]string, len(all))
	for i, x := range all {
		names[i] = name(x)
	}
	return names
}

// parts lists what became of things with names. from has, by the new ones, which of the old
// ones go on.
func parts(old, next []string, from []int32) []AdoptedPart {
	all := make([]AdoptedPart, 0, len(next))
	was := map[string]bool{}
	for _, name := range old {
		was[name] = true
	}
	for i, name := range next {
		p := AdoptedPart{Name: name, Became: New}
		switch {
		case from[i] >= 0:
			p.Became = Kept
		case was[name]:
			p.Became = Changed
		}
		all = append(all, p)
		delete(was, name)
	}
	for name := range was {
		all = append(all, AdoptedPart{Name: name, Became: Gone})
	}
	slices.SortFunc(all, func(a, b AdoptedPart) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// changeLists carries the lists on, and changes them to what the Ruleset has new.
func (a *adoption) changeLists() (refused []Refused) {
	g, from, to := a.from, a.from.lists, a.to.lists
	low := int64(math.MinInt64)
	if g.order.started {
		low = g.order.low
	}
	for i, n := range to.named {
		k := slices.IndexFunc(from.named, func(o NamedList) bool { return o.Name == n.Name && o.List.Spec() == n.List.Spec() })
		if k < 0 {
			continue
		}
		same := string(from.begun(k)) == string(to.begun(i))
		if same && !from.own[k] {
			continue
		}
		to.own[i] = true
		to.now[i], to.past[i] = from.copied(k, list.Stamp{After: g.order.arrived, Time: g.order.now})
		if p := &to.past[i]; !p.Empty() {
			to.oldest = min(to.oldest, p.Oldest())
		}
		if same {
			continue
		}
		for _, c := range listChanges(n.Name, from.named[k].List, n.List) {
			before := g.order.arrived > 0 && (g.eager() || len(g.order.held) > 0)
			if err := to.change(&c, low, low, before, list.Stamp{After: g.order.arrived, Time: g.order.now}); err != nil {
				refused = append(refused, Refused{Change: c, Reason: err.Error()})
			}
		}
	}
	return refused
}

// copied is a copy of a list and of what it was.
func (l *Lists) copied(i int, high list.Stamp) (*list.List, list.Past) {
	now, _, err := list.Decode(l.now[i].Append(nil))
	if err == nil {
		var past list.Past
		if past, _, err = list.DecodePast(now.Spec(), l.past[i].Append(nil), math.MinInt64, high); err == nil {
			return now, past
		}
	}
	panic("cep: a list cannot be read back: " + err.Error())
}

// listChanges are what makes the entries of one list those of another, in the order of its
// entries: first what is put, then what is removed.
func listChanges(name string, old, next *list.List) (changes []ListChange) {
	was := map[string]list.Entry{}
	for e := range old.All() {
		was[e.Text] = e
	}
	for e := range next.All() {
		if o, ok := was[e.Text]; !ok || o != e {
			changes = append(changes, ListChange{List: name, Action: PutEntry, Entry: e})
		}
		delete(was, e.Text)
	}
	for e := range old.All() {
		if _, ok := was[e.Text]; ok {
			changes = append(changes, ListChange{List: name, Action: RemoveEntry, Entry: e})
		}
	}
	return changes
}
