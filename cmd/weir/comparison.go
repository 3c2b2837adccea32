package main

import (
	"bytes"
	"cmp"
	"errors"
	"hash/fnv"
	"io"
	"iter"
	"maps"
	"slices"

	"weir/alerts"
	"weir/cep"
	"weir/state"
)

// difference is a version of an alert that is not the same in a replay as it is stored.
type difference struct {
	Kind     string `json:"kind"` // missing: the replay does not bring it; extra: it is not stored; changed
	ID       string `json:"id"`
	Version  int    `json:"version"`
	Rule     string `json:"rule"`
	Stored   string `json:"stored,omitempty"`   // the alert as it is stored
	Replayed string `json:"replayed,omitempty"` // and as the replay has it
}

// Kinds of differences.
const (
	missing = "missing"
	extra   = "extra"
	changed = "changed"
)

const (
	// mostShown is how many differences are kept to be shown.
	mostShown = 20

	// mostApart is how many versions are looked through to find out where a replay and
	// what is stored go on alike.
	mostApart = 1000
)

// edition is a version of an alert that waits for its like.
type edition struct {
	id, rule string
	number   int
	line     []byte
}

func editionOf(it *alerts.Item) edition {
	return edition{it.ID, it.Rule, it.Version, bytes.Clone(it.Line)}
}

func (v *edition) same(o *edition) bool {
	return v.id == o.id && v.number == o.number && bytes.Equal(v.line, o.line)
}

// comparison is the Sink of a replay: it takes alerts as a store would, writes those that
// are stored, and compares them in their order with those that a store has.
type comparison struct {
	out     io.Writer                         // gets the alerts; nil: nobody does
	limiter *alerts.Limiter                   // as that of the store was where the replay begins
	most    int                               // alerts of a rule and minute that are kept; less than 1: all
	kept    map[uint64]bool                   // hashes of the ids of alerts that it kept
	mark    cep.Mark                          // of the last commit
	lost    cep.Position                      // the log ends here: what is stored from after it was lost
	tail    bool                              // what comes is not stored yet: it is not compared
	next    func() (alerts.Item, error, bool) // of what is stored
	stop    func()
	head    *edition // of what is stored, the next one; nil: not read yet, or the end
	gone    uint64   // how many may be missing before the first one stored, as they were too old

	ahead    []edition // stored, read while it was looked where both go on alike
	replayed []edition // that were not found among those; none: both go on alike

	versionCounts
	Shown []difference // the first
}

// versionCounts counts versions of alerts.
type versionCounts struct {
	Alerts      uint64 `json:"alerts"`   // brought by the replay
	Counted     uint64 `json:"counted"`  // of them, beyond the limits: they are counted, not stored
	Same        uint64 `json:"same"`     // found as they are stored
	Unlogged    uint64 `json:"unlogged"` // stored, from parts of the log that were lost: they are left out
	Gone        uint64 `json:"gone"`     // brought by the replay, and not stored any more, as they were too old
	Later       uint64 `json:"later"`    // brought by records that the service had not stepped yet
	Differences uint64 `json:"differences"`
}

// newComparison begins to compare with what a store has from records after a position. The
// log ends at last.
func newComparison(store *state.Store, begin, last cep.Position, out io.Writer) (*comparison, error) {
	c := &comparison{out: out, lost: last, limiter: alerts.NewLimiter(), kept: map[uint64]bool{}}
	if err := c.seed(store, begin); err != nil {
		return nil, err
	}
	c.next, c.stop = iter.Pull2(func(yield func(alerts.Item, error) bool) {
		err := store.All(func(_ uint64, it *alerts.Item) error {
			if behind(it.Position, begin) && !yield(*it, nil) {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(alerts.Item{}, err)
		}
	})
	return c, nil
}

var errEnough = errors.New("no more is wanted")

// seed counts what is stored from records up to a position, as the limiter of the store did.
func (c *comparison) seed(store *state.Store, begin cep.Position) error {
	minutes := map[alerts.MinuteKey]int{}
	err := store.All(func(order uint64, it *alerts.Item) error {
		if behind(it.Position, begin) { // and so are all that follow
			if len(c.kept) == 0 {
				c.gone = order - 1
			}
			return errEnough
		}
		if it.Version == 1 {
			minutes[alerts.MinuteOf(it.Rule, it.Time)]++
		}
		c.kept[hashOf(it.ID)] = true
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	for _, key := range slices.SortedFunc(maps.Keys(minutes), compareMinutes) {
		c.limiter.Load(alerts.Minute{MinuteKey: key, Kept: minutes[key]})
	}
	return nil
}

func compareMinutes(a, b alerts.MinuteKey) int {
	return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Rule, b.Rule))
}

func hashOf(id string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(id))
	return h.Sum64()
}

// Commit is cep.Sink.
func (c *comparison) Commit(k *cep.Commit) error {
	if k.Rules != nil {
		c.most = k.Rules.PerRuleMinute
	}
	for i := range k.Effects.Alerts {
		it := alerts.Of(&k.Effects.Alerts[i], k.Lines[i])
		if err := c.take(&it); err != nil {
			return err
		}
	}
	c.mark = k.Mark
	return nil
}

// take takes a version of an alert that the replay brought.
func (c *comparison) take(it *alerts.Item) error {
	if err := c.peek(); err != nil { // those unlogged before it count in the limits
		return err
	}
	c.Alerts++
	if c.limiter.Judge(it, it.Version > 1 && c.kept[hashOf(it.ID)], c.most) != alerts.Keep {
		c.Counted++
		return nil
	}
	c.kept[hashOf(it.ID)] = true
	if c.out != nil {
		if _, err := c.out.Write(append(it.Line, '\n')); err != nil {
			return err
		}
	}
	if c.tail {
		c.Later++
		return nil
	}
	return c.compare(editionOf(it))
}

// peek sees to it that head is the next version stored, if there is one.
func (c *comparison) peek() error {
	for c.head == nil {
		it, err, ok := c.next()
		if !ok || err != nil {
			return err
		}
		if !it.Unlogged && !behind(it.Position, c.lost) {
			v := editionOf(&it)
			c.head = &v
			break
		}
		c.Unlogged++
		if it.Version == 1 {
			c.limiter.Judge(&it, false, c.most)
		}
		c.kept[hashOf(it.ID)] = true
	}
	return nil
}

// stored takes the next version stored; false: there are no more.
func (c *comparison) stored() (edition, bool, error) {
	if err := c.peek(); err != nil || c.head == nil {
		return edition{}, false, err
	}
	v := *c.head
	c.head = nil
	return v, true, nil
}

// compare compares a version with the next one stored. Where they differ, it is looked on
// both sides for the next ones that are alike; what lies before these are differences.
func (c *comparison) compare(r edition) error {
	if len(c.ahead) == 0 || len(c.replayed) > 0 {
		s, ok, err := c.stored()
		if err != nil {
			return err
		}
		if ok {
			c.ahead = append(c.ahead, s)
		}
	}
	c.replayed = append(c.replayed, r)
	if c.Same == 0 && c.gone > 0 && len(c.replayed) == 1 && (len(c.ahead) == 0 || !c.ahead[0].same(&r)) {
		c.gone--
		c.Gone++
		c.replayed = nil
		return nil
	}
	return c.meet()
}

// meet looks whether what came last on one side is there on the other.
func (c *comparison) meet() error {
	r := &c.replayed[len(c.replayed)-1]
	for j := range c.ahead {
		if c.ahead[j].same(r) {
			c.Same++
			c.tell(c.ahead[:j], c.replayed[:len(c.replayed)-1])
			c.ahead, c.replayed = c.ahead[j+1:], nil
			return nil
		}
	}
	if len(c.ahead) > 0 {
		last := len(c.ahead) - 1
		for i := range c.replayed {
			if !c.ahead[last].same(&c.replayed[i]) {
				continue
			}
			c.Same++
			c.tell(c.ahead[:last], c.replayed[:i])
			again := c.replayed[i+1:]
			c.ahead, c.replayed = nil, nil
			for _, v := range again {
				if err := c.compare(v); err != nil {
					return err
				}
			}
			return nil
		}
	}
	if max(len(c.replayed), len(c.ahead)) >= mostApart {
		c.differAll()
	}
	return nil
}

// tell takes down differences: versions of both sides that have no like on the other.
func (c *comparison) tell(stored, replayed []edition) {
	for i := range replayed {
		r := &replayed[i]
		d := difference{Kind: extra, ID: r.id, Version: r.number, Rule: r.rule, Replayed: string(r.line)}
		if j := slices.IndexFunc(stored, func(s edition) bool { return s.id == r.id && s.number == r.number }); j >= 0 {
			d.Kind, d.Stored = changed, string(stored[j].line)
		}
		c.differ(d)
	}
	for i := range stored {
		s := &stored[i]
		if !slices.ContainsFunc(replayed, func(r edition) bool { return r.id == s.id && r.number == s.number }) {
			c.differ(difference{Kind: missing, ID: s.id, Version: s.number, Rule: s.rule, Stored: string(s.line)})
		}
	}
}

func (c *comparison) differ(d difference) {
	c.Differences++
	if len(c.Shown) < mostShown {
		c.Shown = append(c.Shown, d)
	}
}

// end says that no more comes that is stored: what is left differs.
func (c *comparison) end() error {
	for {
		s, ok, err := c.stored()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if c.ahead = append(c.ahead, s); len(c.replayed) > 0 {
			if err := c.meet(); err != nil {
				return err
			}
		} else if len(c.ahead) >= mostApart {
			c.differAll()
		}
	}
	c.differAll()
	return nil
}

// differAll takes down as differences what was not found on the other side.
func (c *comparison) differAll() {
	c.tell(c.ahead, c.replayed)
	c.ahead, c.replayed = nil, nil
}
