package expr

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// atoms are the leaves of made-up expressions: values of every kind, and nil.
var atoms = []string{
	"nil", "true", "1", "2.5", "0", `"a"`, `"approved"`, `duration("1m")`, "amount", "rate", "status", "country", "flag", "off", "tags", "device", "created",
	"nothing", "silent", "ts", "type", "card_id", "big", "numbers", "email", "params.limit", "params.countries", "probe.amount", "probe.country", "probe.ts", "probe.tags",
	"cashout.amount", "cashout.tags", "cashout.country", "extra.amount", "others.amount", "last(probe).amount", "first(probe).ts", "probe[1].country", "last(others).flag", "count(probe)", "[1, nil]",
}

// forms are what is made of them.
var forms = []string{
	"(%s + %s)", "(%s - %s)", "(%s * %s)", "(%s / %s)", "(%s %% %s)", "(%s ** %s)", "(%s == %s)", "(%s != %s)", "(%s < %s)", "(%s <= %s)", "(%s > %s)", "(%s >= %s)",
	"(%s && %s)", "(%s || %s)", "(%s in %s)", "(%s not in %s)", "(%s contains %s)", "(%s startsWith %s)", "(%s ?? %s)", "(%s)[%s]", "(%s)[%s:]", "(%s)[:%s]", "min(%s, %s)", "max(%s, %s)",
	"[%s, %s]", "(flag ? %s : %s)", "(%s ? off : %s)", "edit_distance(%s, %s)", "trim(%s, %s)", "hour(%s, %s)", "indexOf(%s, %s)", "(%s in [%s, 1])",
	"any(%s, # == %s)", "map(%s, %s)", "count(%s, # > %s)", "sum(%s, # * %s)", "concat(%s, [%s])", "repeat(%s, %s)",
	"(let x = %s; [x, %s])", "bitand(%s, %s)",
}

// singles are made of one.
var singles = []string{
	"!(%s)", "-(%s)", "count(%s)", "sum(%s)", "mean(%s)", "median(%s)", "stddev(%s)", "min(%s)", "max(%s)", "first(%s)", "last(%s)", "distinct(%s)", "len(%s)", "abs(%s)", "round(%s)", "lower(%s)", "string(%s)",
	"int(%s)", "seconds(%s)", "date(%s)", "weekday(%s)", "duration(%s)", "(%s).os", "(%s)[0]", "(%s)[-1]", "(%s)[1:2]", "(%s) matches \"a\"", "(%s) == nil", "(%s) in [nil, 1, \"a\"]", "reverse(%s)", "sort(%s)", "toJSON(%s)",
}

func madeUp(depth int) *rapid.Generator[string] {
	atom := rapid.SampledFrom(atoms)
	if depth == 0 {
		return atom
	}
	return rapid.Custom(func(t *rapid.T) string {
		part := func(label string) string { return madeUp(depth-1).Draw(t, label) }
		switch rapid.IntRange(0, 4).Draw(t, "form") {
		case 0:
			return atom.Draw(t, "atom")
		case 1:
			return fmt.Sprintf(rapid.SampledFrom(singles).Draw(t, "single"), part("x"))
		}
		return fmt.Sprintf(rapid.SampledFrom(forms).Draw(t, "double"), part("x"), part("y"))
	})
}

// TestExecutorsAgree compares the executors, aggregates with walks, and a
// schema with none, on made-up expressions. What a schema refuses is the only
// difference that it makes.
func TestExecutorsAgree(t *testing.T) {
	ran := 0
	rapid.Check(t, func(t *rapid.T) {
		text := madeUp(3).Draw(t, "text")
		first, got := "", ""
		for _, w := range []scene{
			{current: true},
			{current: true, machine: true},
			{current: true, machine: true, walk: true},
			{current: true, walk: true},
			{current: true, schema: true},
			{current: true, schema: true, machine: true},
			{current: true, schema: true, walk: true},
		} {
			f, err := CompileValue(text, w.env())
			if err != nil {
				if !w.schema && first != "" {
					t.Fatalf("%s compiles on one executor alone: %v", text, err)
				}
				continue
			}
			s := w.scope()
			v := show(f(s))
			if len(w.faults) > 0 {
				continue // what fails on the machine is nil there
			}
			ran++
			if first == "" {
				first, got = fmt.Sprintf("%+v", w), v
			}
			if v != got {
				t.Fatalf("%s = %s in %+v, %s in %s", text, v, w, got, first)
			}
		}
	})
	if ran == 0 {
		t.Fatal("no expression ran")
	}
}
