package rules

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/cep"
)

var (
	lateSeed  = flag.Uint64("late.seed", 1, "seed of the rulesets and streams of TestLate; 0: the clock")
	lateCases = flag.Int("late.cases", 4000, "how many cases TestLate looks at")
	lateOnly  = flag.Int("late.case", -1, "the only case that TestLate runs")
	lateLess  = flag.String("late.without", "", "what TestLate leaves out: features, layers, restarts, risks, with commas between them; the cases are others then")
	lateMark  = flag.Bool("late.watermark", false, "look at the watermark order only")
)

// without says that TestLate leaves something out.
func without(what string) bool { return slices.Contains(strings.Split(*lateLess, ","), what) }

// A ruleset sees lateStreams streams, each in lateOrders orders of arrival.
const (
	lateStreams = 10
	lateOrders  = 6
)

// TestLate checks the laws of late events on random rulesets and streams: in any order
// of arrival within lateness, matched at once or by the watermark, the alerts that are
// live in the end are those of the stream in the order of time.
func TestLate(t *testing.T) {
	seed := *lateSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-late.seed %d", seed)
	l := lateness{seed: seed, set: -1}
	if *lateOnly >= 0 {
		l.check(t, *lateOnly)
		return
	}
	begin, told := time.Now(), time.Now()
	for i := range *lateCases {
		l.check(t, i)
		if time.Since(told) > 30*time.Second {
			told = time.Now()
			fmt.Printf("%d cases, %.0f a second\n", i+1, float64(i+1)/time.Since(begin).Seconds())
		}
	}
	t.Logf("%d cases, %v", *lateCases, l.had)
	if *lateCases >= 4000 {
		l.had.check(t)
	}
}

// lateness goes over the cases of a seed.
type lateness struct {
	seed   uint64
	set    int
	rules  *lateSet
	stream int
	maker  *lateMaker
	events []lateEvent
	end    cep.RecordKind
	sorted *cep.Effects
	had    lateTally
}

// check checks a case.
func (l *lateness) check(t *testing.T, number int) {
	t.Helper()
	c, sorted, r := l.at(number)
	watch := time.AfterFunc(2*time.Minute, func() { panic(fmt.Sprintf("-late.seed %d -late.case %d does not end", l.seed, number)) })
	defer watch.Stop()
	fault := c.tryCheck(sorted, r, number%16 == 0)
	if fault != nil {
		whole := fault.how
		small, fault := c.smallest(fault)
		t.Fatalf("-late.seed %d -late.case %d\n%s\nbefore it was made smaller:\n%s", l.seed, number, small.report(fault), whole)
	}
	l.had.add(c, sorted)
}

// tryCheck is check, with a panic as a fault.
func (c *lateCase) tryCheck(sorted *cep.Effects, r *rand.Rand, deep bool) (fault *lateFault) {
	defer func() {
		if p := recover(); p != nil {
			fault = &lateFault{panicked, fmt.Sprintf("%v\n%s", p, debug.Stack())}
		}
	}()
	return c.check(sorted, r, deep)
}

// at makes a case, its sorted alerts, and random numbers for it.
func (l *lateness) at(number int) (*lateCase, *cep.Effects, *rand.Rand) {
	stream := number / lateOrders
	if set := stream / lateStreams; set != l.set {
		l.set, l.stream, l.rules = set, -1, newLateSet(l.seed, set)
	}
	if l.stream != stream {
		l.stream = stream
		r := rand.New(rand.NewPCG(l.seed+1, uint64(stream)))
		l.maker = newLateMaker(r, l.rules)
		l.events = l.maker.events()
		l.end = pick(r, []cep.RecordKind{cep.EndRecord, cep.EndRecord, cep.HaltRecord})
		l.sorted = sortedAlerts(l.rules, l.events, l.end)
	}
	r := rand.New(rand.NewPCG(l.seed+2, uint64(number)))
	c := &lateCase{set: l.rules, events: l.events, end: l.end}
	c.arrive(r)
	if r.IntN(8) == 0 {
		m := *l.maker
		m.Rand = r
		c.stray(&m)
	}
	return c, l.sorted, r
}

// lateTally counts what cases had, so that nothing is tested in words only.
type lateTally struct {
	Alerts, Silent, Late, TooLate, Again, Clocks, Timeouts, Closings, Absences, Layers, Held, Suppressed, Truncated, Backed, Refused int
}

func (s *lateTally) add(c *lateCase, fx *cep.Effects) {
	s.Alerts += len(fx.Alerts)
	if len(fx.Alerts) == 0 {
		s.Silent++
	}
	if !c.inOrder() {
		s.Late++
	}
	s.TooLate += len(c.tooLate())
	s.Again += len(c.strays) - len(c.tooLate())
	s.Clocks += len(c.clocks)
	s.Refused += c.refused
	for i := range fx.Alerts {
		a, x := &fx.Alerts[i], c.set.rule(fx.Alerts[i].Rule.ID)
		for _, had := range []struct {
			n  *int
			is bool
		}{
			{&s.Timeouts, a.Kind == cep.TimeoutAlert},
			{&s.Closings, x.closes},
			{&s.Absences, x.byTime && !x.closes && a.Kind == cep.MatchAlert},
			{&s.Layers, len(x.sources) > 0},
			{&s.Held, x.held},
			{&s.Suppressed, a.Suppressed > 0},
			{&s.Truncated, a.Truncated},
			{&s.Backed, len(a.Backing.Events) > 0},
		} {
			if had.is {
				*had.n++
			}
		}
	}
}

func (s *lateTally) check(t *testing.T) {
	t.Helper()
	for name, n := range map[string]int{
		"alerts": s.Alerts / 100, "late events": s.Late / 10, "events that are too late": s.TooLate, "duplicates": s.Again, "clocks": s.Clocks, "time-outs": s.Timeouts, "closings": s.Closings, "absences": s.Absences,
		"rules on rules": s.Layers, "held matches": s.Held, "silenced matches": s.Suppressed, "bounds": s.Truncated, "evidence": s.Backed, "budgets that refuse": s.Refused,
	} {
		if n < 20 {
			t.Errorf("%s: only %d", name, n)
		}
	}
}
