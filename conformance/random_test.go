package conformance

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"weir/cep"
	"weir/nfa/oracle"
)

var (
	seed  = flag.Uint64("seed", 1, "seed of the generated rules")
	cases = flag.Int("cases", 2000, "number of generated rules to compare with the oracle")
)

// keyed is a generated case whose rule has a key: each event has the fields k1 and
// k2, and each name of the pattern reads the key from one of them.
type keyed struct {
	oracle.Case
	byName bool
	field  []int       // by name: 0 for k1, 1 for k2
	keys   [][2]string // by event; empty: it has no such field
}

func newKeyed(seed uint64) *keyed {
	k := &keyed{Case: oracle.Random(seed)}
	rng := oracle.Splitmix(seed ^ 0x6b657973)
	k.byName = rng.Below(3) > 0
	for range k.Rule.Pattern.Names {
		f := 0
		if k.byName {
			f = rng.Below(2)
		}
		k.field = append(k.field, f)
	}
	values := []string{"x", "x", "x", "x", "y", ""}
	for range k.Events {
		k.keys = append(k.keys, [2]string{values[rng.Below(len(values))], values[rng.Below(len(values))]})
	}
	return k
}

// text writes the rule as YAML.
func (k *keyed) text() string {
	var b strings.Builder
	names := k.Rule.Pattern.Names
	field := func(i int) string { return "k" + strconv.Itoa(k.field[i]+1) }
	fmt.Fprintf(&b, "rules:\n  - id: r\n    on: event\n    pattern: '%s'\n", k.Rule.Pattern)
	if k.byName {
		b.WriteString("    key:\n      key:\n")
		for i, n := range names {
			fmt.Fprintf(&b, "        %s: %s\n", n, field(i))
		}
	} else {
		b.WriteString("    key: k1\n")
	}
	if k.Rule.Within != 0 {
		fmt.Fprintf(&b, "    within: %s\n", oracle.Duration(k.Rule.Within))
	}
	if k.Rule.Gap != 0 {
		fmt.Fprintf(&b, "    gap: %s\n", oracle.Duration(k.Rule.Gap))
	}
	skip := []string{"none", "past_last", "to_next", "to_first", "to_last"}[k.Rule.Skip]
	if k.Rule.Skip >= oracle.ToFirst {
		skip += "(" + k.Rule.SkipVar + ")"
	}
	fmt.Fprintf(&b, "    skip: %s\n    define:\n", skip)
	for i, n := range names {
		fmt.Fprintf(&b, "      %s: '%s'\n", n, k.where(k.Conds[i]))
	}
	if k.Rule.Unless {
		fmt.Fprintf(&b, "    unless: '%s'\n", k.where(k.Unless))
	}
	if k.Rule.Having {
		having := "false"
		if k.captures(k.HavingVar) {
			having = fmt.Sprintf("count(%s) >= %d", names[k.HavingVar], k.HavingLeast)
		}
		fmt.Fprintf(&b, "    having: '%s'\n", having)
	}
	return b.String()
}

// where writes a condition.
func (k *keyed) where(c oracle.Cond) string {
	var kinds []string
	for i := range oracle.Kinds {
		if c.Kinds>>i&1 != 0 {
			kinds = append(kinds, strconv.Quote(oracle.Kinds[i:i+1]))
		}
	}
	text := "kind in [" + strings.Join(kinds, ", ") + "]"
	if len(kinds) == 1 {
		text = "kind == " + kinds[0]
	}
	if above := k.Rule.Pattern.Names[c.Above]; c.Rises && k.captures(c.Above) {
		text += fmt.Sprintf(" && (last(%[1]s).value == nil || value > last(%[1]s).value)", above)
	}
	return text
}

// captures reports whether a name is a variable: the generator calls negations n…
// and untils s….
func (k *keyed) captures(name int) bool { return k.Rule.Pattern.Names[name][0] == 'v' }

// want gives the alerts under one key as the oracle lists them.
func (k *keyed) want(key string) []string {
	var offered []int
	for i, has := range k.keys {
		for _, f := range k.field {
			if has[f] == key {
				offered = append(offered, i)
				break
			}
		}
	}
	var times []oracle.Event
	for _, i := range offered {
		times = append(times, oracle.Event{Time: k.Events[i].Time})
	}
	whole := make([][]int, len(k.Rule.Pattern.Names))
	holds := func(cond, event int, caps [][]int) bool {
		if event >= 0 {
			event = offered[event]
		}
		if cond >= 0 && k.keys[event][k.field[cond]] != key {
			return false
		}
		for v := range caps {
			whole[v] = whole[v][:0]
			for _, e := range caps[v] {
				whole[v] = append(whole[v], offered[e])
			}
		}
		return k.Holds(cond, event, whole)
	}
	var out []string
	for _, m := range oracle.Matches(k.Rule, times, k.End, holds) {
		vars := map[string][]string{}
		for _, p := range m.Word {
			name := k.Rule.Pattern.Names[p.Var]
			vars[name] = append(vars[name], strconv.Itoa(offered[p.Event]))
		}
		ms := m.At / 1e6
		out = append(out, (&match{Vars: vars, TS: &ms}).show(nil, true))
	}
	return out
}

// TestRandomRules writes generated rules as YAML, with keys by field and by
// variable, runs them like a user's and compares the alerts of each key with what
// the oracle lists.
func TestRandomRules(t *testing.T) {
	t.Logf("seed %d, %d rules", *seed, *cases)
	found, ran, failed := 0, 0, 0
	for i := range *cases {
		k := newKeyed(*seed<<32 + uint64(i))
		last := k.Events[len(k.Events)-1].Time
		close := cep.Record{Kind: cep.HaltRecord}
		switch k.End {
		case oracle.Forever:
			close.Kind = cep.EndRecord
		case last:
		default:
			continue
		}
		ran++
		text := k.text()
		engine := cep.NewEngine(compile(t, text), cep.Options{Shards: 1 + i%2})
		var lines strings.Builder
		for n, e := range k.Events {
			fmt.Fprintf(&lines, `{"id":"%d","ts":%d,"kind":%q,"value":%d`, n, e.Time/1e6, oracle.Kinds[e.Kind:e.Kind+1], e.Value)
			for f, value := range k.keys[n] {
				if value != "" {
					fmt.Fprintf(&lines, `,"k%d":%q`, f+1, value)
				}
			}
			lines.WriteString("}\n")
		}
		var fx cep.Effects
		engine.Step([]cep.Record{{Kind: cep.EventsRecord, Data: []byte(lines.String()), Line: 1}, close}, &fx)
		got := map[string][]string{}
		for a := range fx.Alerts {
			var out outcome
			out.add(&fx.Alerts[a])
			key := fx.Alerts[a].Key[0]
			got[key] = append(got[key], out.matches[0].show(nil, true))
		}
		for _, key := range []string{"x", "y"} {
			want := k.want(key)
			found += len(want)
			if !slices.Equal(got[key], want) {
				failed++
				t.Errorf("case %d, key %s:\n%s%s\ngot  %s\nwant %s", i, key, text, lines.String(), strings.Join(got[key], " | "), strings.Join(want, " | "))
			}
		}
		if failed > 3 {
			t.FailNow()
		}
	}
	t.Logf("%d ran, %d matches", ran, found)
}
