package cep

import (
	"slices"

	"weir/cep/feature"
)

// scheme says for each event type which features an event updates and which it looks
// at. It is made once and shared by the shards.
type scheme struct {
	rs     *Ruleset
	spaces []featureSpace
	places []featurePlace // by Ruleset.Features; space -1: it is none of the scheme's
	types  []sight        // TypeID+1

	closers   []*closer // by Ruleset.Features; nil: no rule waits for its windows to end
	closing   []*closer // the others
	witnesses []witness // features whose latest events rules show
	witness   []int32   // by Ruleset.Features: its number among them, or -1
}

// featureSpace is a set of keys: features that read their key in the same way keep one
// record of each.
type featureSpace struct {
	key      FeatureKey
	text     string
	features []int32 // index in Ruleset.Features; in the order of the plan
	plan     *feature.Plan
}

// featurePlace is where a feature is kept.
type featurePlace struct {
	space, number int32
	asks          bool // a reader has a value that is looked for
}

// sight is what an event of one type has to do with features, in this order.
type sight struct {
	before []ask   // looks at other keys before the event is counted
	visits []visit // to its own keys, one for each space
	after  []ask   // looks at other keys
	layout layout  // of the row: slots by ReadID
	size   int     // slots of the row
	shows  bool    // rules show the latest events of a window
}

// idle reports whether the event has nothing to do with features.
func (s *sight) idle() bool { return len(s.visits) == 0 && s.size == 0 }

// visit is what an event does under the key that it has in a space.
type visit struct {
	space  int32
	fields []FieldID // hold the key
	before []look
	adds   []int32 // features that count the event
	after  []look
	shows  []int32 // witnesses whose latest events rules show
}

// look is a feature to be read into a slot of the row.
type look struct {
	feature, slot int32
	own           bool // a late event of the key changes what is read
}

// ask is a look at a key that is worked out.
type ask struct {
	look
	args []func(*Scope) Value
}

// newScheme makes the scheme of those features that use says, with the reads of the
// rules if reads is true.
func newScheme(rs *Ruleset, use func(feature int) bool, reads bool) *scheme {
	waits := make([]*closer, len(rs.Features))
	if reads {
		waits = closers(rs)
	}
	return makeScheme(rs, use, reads, reads, waits)
}

// newEagerScheme makes the scheme of all features, for events that may come late: when
// windows end is no matter of the first phase then.
func newEagerScheme(rs *Ruleset) *scheme {
	return makeScheme(rs, func(int) bool { return true }, true, true, make([]*closer, len(rs.Features)))
}

// newSettledScheme makes the scheme of the features that ends of windows bring into play.
func newSettledScheme(rs *Ruleset) *scheme {
	waits := closers(rs)
	needed := make([]bool, len(rs.Features))
	for f, c := range waits {
		if c == nil {
			continue
		}
		needed[f] = true
		for _, x := range c.reads {
			needed[x.feature] = true
		}
		for _, r := range c.rules {
			if e := rs.Rules[r].Evidence; e > 0 {
				needed[e-1] = true
			}
		}
	}
	return makeScheme(rs, func(f int) bool { return needed[f] }, false, true, waits)
}

func makeScheme(rs *Ruleset, use func(feature int) bool, reads, shows bool, waits []*closer) *scheme {
	c := &scheme{rs: rs, types: make([]sight, len(rs.Types)+1), closers: waits}
	if shows {
		c.witnesses, c.witness = witnesses(rs, use)
	}
	for i, f := range rs.Features {
		place := featurePlace{space: -1, number: -1}
		if use(i) {
			place = c.join(int32(i), f)
		}
		c.places = append(c.places, place)
		if of := c.closers[i]; of != nil {
			of.place = place
			of.number = len(c.closing)
			c.closing = append(c.closing, of)
		}
	}
	for i := range c.spaces {
		s := &c.spaces[i]
		specs := make([]feature.Spec, len(s.features))
		for j, f := range s.features {
			specs[j] = rs.Features[f].Spec
			specs[j].Closes = c.closers[f] != nil
		}
		s.plan = feature.NewPlan(specs)
	}
	for t := range c.types {
		c.types[t].layout = layout{slot: make([]int32, len(rs.Reads))}
		for r := range rs.Reads {
			c.types[t].layout.slot[r] = -1
		}
		for s := range c.spaces {
			c.visit(int32(s), TypeID(t-1))
		}
		if reads {
			c.look(TypeID(t - 1))
			c.show(TypeID(t - 1))
		}
		c.types[t].visits = slices.DeleteFunc(c.types[t].visits, func(v visit) bool {
			return len(v.before)+len(v.adds)+len(v.after)+len(v.shows) == 0
		})
	}
	return c
}

// mostTogether is the number of features up to which they share the records of their
// key: a record is one block of a feature.Memory.
const mostTogether = 100

// join puts a feature into the space of its key.
func (c *scheme) join(i int32, f *Feature) featurePlace {
	text := f.Key.text()
	s := slices.IndexFunc(c.spaces, func(s featureSpace) bool { return s.text == text && len(s.features) < mostTogether })
	if s < 0 {
		s = len(c.spaces)
		c.spaces = append(c.spaces, featureSpace{key: f.Key, text: text})
	}
	sp := &c.spaces[s]
	sp.features = append(sp.features, i)
	return featurePlace{int32(s), int32(len(sp.features) - 1), f.Spec.Value == feature.Seen}
}

// visit finds the features of a space that count events of a type.
func (c *scheme) visit(s int32, t TypeID) {
	sp := &c.spaces[s]
	v := visit{space: s, fields: sp.key.fields(t)}
	if v.fields == nil || t >= 0 && c.rs.Types[t].Alert != nil {
		return
	}
	for _, i := range sp.features {
		if f := c.rs.Features[i]; f.Types == nil || slices.Contains(f.Types, t) {
			v.adds = append(v.adds, i)
		}
	}
	st := &c.types[t+1]
	st.visits = append(st.visits, v)
}

// look finds the reads that rules on a type make.
func (c *scheme) look(t TypeID) {
	st := &c.types[t+1]
	if t >= 0 && c.rs.Types[t].Alert != nil {
		return
	}
	for _, r := range c.rs.Rules {
		if r.WindowClose > 0 || r.Types != nil && !slices.Contains(r.Types, t) {
			continue
		}
		for was := range r.all {
			for _, id := range was.Reads {
				if st.layout.slot[id] < 0 {
					c.enter(st, id)
				}
			}
		}
	}
}

// enter gives a read a slot, if events of the type can have its key.
func (c *scheme) enter(st *sight, id ReadID) {
	read := &c.rs.Reads[id]
	place := c.places[read.Feature]
	early := c.spaces[place.space].plan.ReadsBefore(int(place.number))
	l := look{feature: int32(read.Feature), slot: int32(st.size), own: read.Own}
	if read.Args != nil {
		if a := (ask{l, read.Args}); early {
			st.before = append(st.before, a)
		} else {
			st.after = append(st.after, a)
		}
	} else {
		i := slices.IndexFunc(st.visits, func(v visit) bool { return v.space == place.space })
		if i < 0 {
			return
		}
		if v := &st.visits[i]; early {
			v.before = append(v.before, l)
		} else {
			v.after = append(v.after, l)
		}
	}
	st.layout.slot[id] = l.slot
	st.size++
}
