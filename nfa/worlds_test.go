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
	worldsOne   = flag.Int("worlds.sample", 96, "one pattern in so many is drawn for the sample")
)

// TestWorlds compares the machine with the oracle on the small world: all
// patterns of up to three elements on all streams of up to five events, with
// each skip strategy. The short run draws patterns by the seed and runs each on
// all streams; -worlds.full runs them all, which takes hours, and goes on where
// -worlds.state says.
func TestWorlds(t *testing.T) {
	first := worldsBegin(t)
	if *worldsFull {
		t.Logf("patterns %d to %d", first, oracle.SmallPatterns-1)
	} else {
		t.Logf("seed %d, one pattern in %d", *seed, *worldsOne)
	}
	patterns, pairs, found := 0, 0, 0
	began := time.Now()
	for i := first; i < oracle.SmallPatterns; i++ {
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
		found += k
		if *worldsFull && patterns%100 == 0 {
			worldsSave(t, i+1)
			fmt.Fprintf(os.Stderr, "\rpattern %d of %d, %d pairs, %d matches, %v ", i+1, oracle.SmallPatterns, pairs, found, time.Since(began).Round(time.Second))
		}
	}
	t.Logf("%d patterns, %d pairs of pattern and stream with skip strategy, %d matches", patterns, pairs, found)
}

// world runs one pattern on all streams.
func world(t *testing.T, number int, c *oracle.Case) (pairs, found int) {
	type variant struct {
		skip oracle.Skip
		of   string
		j    *judge
		m    *nfa.Machine
	}
	var variants []variant
	for k := range oracle.SmallSkips {
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
