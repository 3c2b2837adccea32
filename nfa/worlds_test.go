package nfa_test

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/nfa"
	"weir/nfa/oracle"
)

var (
	worldsFull  = flag.Bool("worlds.full", false, "run the whole small world, not a sample")
	worldsState = flag.String("worlds.state", "", "file that keeps how far the whole run has come, to go on from there")
	worldsEnd   = flag.Int("worlds.end", oracle.SmallPatterns, "pattern number before which the whole run ends")
	worldsOne   = flag.Int("worlds.sample", 96, "one pattern in so many is drawn for the sample")
)

// TestWorlds compares the machine with the oracle on the small world: all
// patterns of up to three elements on all streams of up to five events, with
// skip none, past_last and to_next, all at_once. The short run draws patterns by
// the seed and runs each on all streams; -worlds.full runs them all, which takes
// an hour or more, and goes on where -worlds.state says.
//
// Where two kinds of events satisfy the same conditions of a pattern, the machine
// and the oracle are asked the same for both, so one stands for the other: the
// pairs that were run and those that they stand for are both counted.
func TestWorlds(t *testing.T) {
	first := worldsBegin(t)
	if *worldsFull {
		t.Logf("patterns %d to %d", first, *worldsEnd-1)
	} else {
		t.Logf("seed %d, one pattern in %d", *seed, *worldsOne)
	}
	patterns, pairs, covered, found := 0, 0, 0, 0
	began := time.Now()
	for i := first; i < *worldsEnd; i++ {
		if !*worldsFull && !oracle.Sampled(*seed, uint64(i), *worldsOne) {
			continue
		}
		c, ok := oracle.Small(i)
		if !ok {
			continue
		}
		patterns++
		n, k := world(t, i, &c)
		pairs += n
		covered += worldSkips * oracle.SmallStreams
		found += k
		if *worldsFull && patterns%100 == 0 {
			worldsSave(t, i+1)
			fmt.Fprintf(os.Stderr, "\rpattern %d of %d, %d pairs, %d matches, %v ", i+1, oracle.SmallPatterns, pairs, found, time.Since(began).Round(time.Second))
		}
	}
	t.Logf("%d patterns; %d cases of pattern, stream and skip strategy run, which stand for %d; %d matches", patterns, pairs, covered, found)
}

// worldSkips is how many of the oracle's skip strategies are run: none, past_last
// and to_next.
const worldSkips = 3

// world runs one pattern on all streams.
func world(t *testing.T, number int, c *oracle.Case) (pairs, found int) {
	type variant struct {
		skip oracle.Skip
		of   string
		j    *judge
		m    *nfa.Machine
	}
	var variants []variant
	for k := range worldSkips {
		v := variant{}
		v.skip, v.of = oracle.SmallSkip(c.Rule.Pattern, k)
		r := c.Rule
		r.Skip, r.SkipVar = v.skip, v.of
		prog := program(t, r)
		v.j, v.m = &judge{Case: c, prog: prog}, prog.NewMachine()
		variants = append(variants, v)
	}
	words := oracle.Read(c.Rule)
	var got []oracle.Match
	for s := range oracle.SmallStreams {
		c.Events = oracle.SmallStream(s)
		if !plain(c) {
			continue
		}
		all := words.All(c.Times(), c.End, c.Holds)
		for _, v := range variants {
			want := words.Cut(v.skip, v.of, all)
			got = step(t, v.m, v.j, false, got[:0])
			pairs++
			found += len(want)
			if !equal(got, want) {
				names := c.Rule.Pattern.Names
				t.Fatalf("pattern %d, stream %d, %v %s: %s on %s\ngot  %s\nwant %s\n%s", number, s, v.skip, v.of, c.Rule.Pattern, kinds(c.Events), show(got, names), show(want, names), v.j.prog)
			}
		}
	}
	return pairs, found
}

// plain reports whether no event of the stream could be of an earlier kind
// without a condition telling the difference.
func plain(c *oracle.Case) bool {
	for _, e := range c.Events {
		for k := range e.Kind {
			same := true
			for _, cond := range c.Conds {
				same = same && cond.Kinds>>k&1 == cond.Kinds>>e.Kind&1
			}
			if same {
				return false
			}
		}
	}
	return true
}

func kinds(events []oracle.Sample) string {
	var b strings.Builder
	for _, e := range events {
		b.WriteByte(oracle.Kinds[e.Kind])
	}
	return b.String()
}

func worldsBegin(t *testing.T) int {
	if *worldsState == "" {
		return 0
	}
	b, err := os.ReadFile(*worldsState)
	if os.IsNotExist(err) {
		return 0
	}
	n, convErr := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || convErr != nil {
		t.Fatalf("%s: %v %v", *worldsState, err, convErr)
	}
	return n
}

func worldsSave(t *testing.T, next int) {
	if *worldsState == "" {
		return
	}
	if err := os.WriteFile(*worldsState, []byte(strconv.Itoa(next)+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}
