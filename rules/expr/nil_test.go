package expr

import (
	"testing"
)

// valueRow is an expression and what it gives in the scene.
type valueRow struct {
	text, want string
}

// checkRows runs every row on both executors, with aggregates and without, for
// each of the given worlds. A row must compile in all of them.
func checkRows(t *testing.T, rows []valueRow, worlds ...scene) {
	t.Helper()
	for _, r := range rows {
		for _, w := range worlds {
			for _, machine := range []bool{false, true} {
				for _, walk := range []bool{false, true} {
					c := w
					c.machine, c.walk = machine, walk
					f, err := CompileValue(r.text, c.env())
					if err != nil {
						t.Errorf("%s (%+v): %v", r.text, w, err)
						continue
					}
					if got := show(f(c.scope())); got != r.want {
						t.Errorf("%s = %s, want %s (schema %v, machine %v, walk %v)", r.text, got, r.want, w.schema, machine, walk)
					}
					if len(c.faults) > 0 {
						t.Errorf("%s: %v", r.text, c.faults)
					}
				}
			}
		}
	}
}

var (
	declared   = scene{schema: true, current: true}
	undeclared = scene{current: true}
)

// nilRows hold with and without a schema: what is nil, and what nil does.
var nilRows = []valueRow{
	// == and in
	{`nothing == nil`, "true"},
	{`nil == nothing`, "true"},
	{`amount == nil`, "false"},
	{`nil == nil`, "true"},
	{`nothing != nil`, "false"},
	{`silent != "approved"`, "true"},
	{`silent == "approved"`, "false"},
	{`nothing == 0`, "false"},
	{`nothing != 0`, "true"},
	{`off == nil`, "false"},
	{`silent == silent`, "true"},
	{`nothing == amount`, "false"},
	{`silent in ["a", nil]`, "true"},
	{`silent in ["a"]`, "false"},
	{`silent not in ["a"]`, "true"},
	{`silent in []`, "false"},
	{`nil in [nil]`, "true"},
	{`nil in nil`, "false"},
	{`status in nil`, "false"},
	{`status not in nil`, "true"},
	{`silent in probe.country`, "false"},
	{`status in others.country`, "false"},
	{`nothing in probe.amount`, "true"},
	{`nothing in cashout.rate`, "true"},
	{`nothing in extra.rate`, "false"},
	{`nothing in others.rate`, "false"},
	// < and the like
	{`nothing < 5`, "false"},
	{`nothing <= 5`, "false"},
	{`nothing > 5`, "false"},
	{`nothing >= 5`, "false"},
	{`5 < nothing`, "false"},
	{`5 >= nothing`, "false"},
	{`nothing < nil`, "false"},
	{`nil <= nil`, "false"},
	{`not (nothing < 5)`, "true"},
	{`nothing > 900 || country == "KP"`, "true"},
	{`nothing > 900 && country == "KP"`, "false"},
	{`silent < "b"`, "false"},
	{`nothing < amount`, "false"},
	{`nothing == nothing`, "true"},
	{`1 < nothing < 5`, "false"},
	// texts
	{`silent contains "a"`, "false"},
	{`silent startsWith "a"`, "false"},
	{`silent endsWith "a"`, "false"},
	{`silent matches "a"`, "false"},
	{`status contains silent`, "false"},
	{`not (silent contains "a")`, "true"},
	{`silent not contains "a"`, "true"},
	{`nil matches "a"`, "false"},
	// fields, elements, slices
	{`extra.amount`, "nil"},
	{`extra.amount == nil`, "true"},
	{`last(others).amount`, "nil"},
	{`first(others).amount > 1`, "false"},
	{`device.none`, "nil"},
	{`device.none.deeper`, "nil"},
	{`(nil).a`, "nil"},
	{`(nil)[0]`, "nil"},
	{`extra?.amount`, "nil"},
	{`silent[0]`, "nil"},
	{`silent[0:3]`, "nil"},
	{`tags[7]`, "nil"},
	{`tags[-4]`, "nil"},
	{`tags[2]`, "nil"},
	{`tags[nothing]`, "nil"},
	{`tags[0.5]`, "nil"},
	{`tags[1:9]`, `["b",null]`},
	{`tags[5:9]`, "[]"},
	{`status[0:3]`, `"app"`},
	{`status[5:99]`, `"ved"`},
	{`status[9:3]`, `""`},
	{`status[nothing:3]`, "nil"},
	{`probe[7].amount`, "nil"},
	{`probe[1].amount`, "nil"},
	{`others[0].amount`, "nil"},
	{`email[9:2]`, `""`},
	// arithmetic
	{`nothing + 1`, "nil"},
	{`1 - nothing`, "nil"},
	{`nothing * 0`, "nil"},
	{`nothing / 2`, "nil"},
	{`2 % nothing`, "nil"},
	{`nothing ** 2`, "nil"},
	{`-nothing`, "nil"},
	{`amount / 0`, "nil"},
	{`0 / 0`, "nil"},
	{`amount % 0`, "nil"},
	{`big * big`, "nil"},
	{`-big * big`, "nil"},
	{`(-8) ** 0.5`, "nil"},
	{`0 ** -1`, "nil"},
	{`big * big > 1`, "false"},
	{`amount / 0 == nil`, "true"},
	{`nil + nil`, "nil"},
	{`silent + "a"`, "nil"},
	{`ts - nil`, "nil"},
	{`nothing + 1 > 0`, "false"},
	// functions
	{`abs(nothing)`, "nil"},
	{`round(nil)`, "nil"},
	{`lower(silent)`, "nil"},
	{`trim(silent)`, "nil"},
	{`hour(nil)`, "nil"},
	{`hour(ts, silent)`, "nil"},
	{`weekday(nil)`, "nil"},
	{`date(nil)`, "nil"},
	{`seconds(nil)`, "nil"},
	{`duration(silent)`, "nil"},
	{`len(silent)`, "nil"},
	{`len(nil)`, "nil"},
	{`distance_km(lat, lon, nothing, lon)`, "nil"},
	{`distance_km(91, lon, lat, lon)`, "nil"},
	{`distance_km(lat, 181, lat, lon)`, "nil"},
	{`speed_kmh(lat, lon, ts, 1, 1, ts)`, "nil"},
	{`speed_kmh(lat, lon, nil, 1, 1, ts)`, "nil"},
	{`edit_distance(silent, "a")`, "nil"},
	{`split(silent, ",")`, "nil"},
	{`join(nil)`, "nil"},
	{`reverse(nil)`, "nil"},
	{`sort(nil)`, "nil"},
	{`string(nothing)`, "nil"},
	{`int(silent)`, "nil"},
	{`replace(status, silent, "x")`, "nil"},
	{`hasPrefix(silent, "a")`, "nil"},
	{`int("x")`, "nil"},
	{`float("1e999")`, "nil"},
	{`fromJSON("{")`, "nil"},
	{`concat(nil, [1])`, "nil"},
	{`fromBase64("?")`, "nil"},
	{`bitand(1.5, 1)`, "nil"},
	{`bitshl(1, -1)`, "nil"},
	{`repeat("a", -1)`, "nil"},
	{`nothing..3`, "nil"},
	// lists of nothing
	{`count(others)`, "0"},
	{`count(others.amount)`, "0"},
	{`sum(others.amount)`, "0"},
	{`distinct(others.country)`, "0"},
	{`mean(others.amount)`, "nil"},
	{`median(others.amount)`, "nil"},
	{`min(others.amount)`, "nil"},
	{`max(others.amount)`, "nil"},
	{`stddev(others.amount)`, "nil"},
	{`first(others.amount)`, "nil"},
	{`last(others.amount)`, "nil"},
	{`first(others) == nil`, "true"},
	{`count(nil)`, "0"},
	{`sum(nil)`, "0"},
	{`distinct(nil)`, "0"},
	{`mean(nil)`, "nil"},
	{`first(nil)`, "nil"},
	{`last(nil)`, "nil"},
	{`min(nil)`, "nil"},
	{`count(extra)`, "0"},
	{`sum(extra.amount)`, "0"},
	{`distinct(extra)`, "0"},
	{`mean(extra.amount)`, "nil"},
	{`extra == nil`, "true"},
	{`cashout != nil`, "true"},
	{`any(others, .amount > 1)`, "false"},
	{`all(others, .amount > 1)`, "true"},
	{`none(others, .amount > 1)`, "true"},
	{`any(nil, # > 1)`, "false"},
	{`any(extra, .amount > 1)`, "false"},
	{`len(filter(others, true))`, "0"},
	{`sum(others, .amount)`, "0"},
	{`count(others, true)`, "0"},
	{`find(others, true) == nil`, "true"},
	{`len(others)`, "0"},
	{`len(extra)`, "0"},
	{`len([])`, "0"},
	{`sum([])`, "0"},
	{`max([])`, "nil"},
	// nil elements are passed over
	{`count(probe.amount)`, "2"},
	{`sum(probe.amount)`, "5"},
	{`mean(probe.amount)`, "2.5"},
	{`min(probe.amount)`, "1"},
	{`max(probe.amount)`, "4"},
	{`median(probe.amount)`, "2.5"},
	{`stddev(probe.amount)`, "1.5"},
	{`first(probe.flag)`, "true"},
	{`last(probe.flag)`, "true"},
	{`distinct(probe.flag)`, "1"},
	{`min(nothing, 3, 2)`, "2"},
	{`max(nothing, nil)`, "nil"},
	{`distinct([1, nil, 1, "1"])`, "2"},
	{`count([1, nil])`, "1"},
	{`len([1, nil])`, "2"},
	// nil as a condition
	{`!silent_flag`, "true"},
	{`not off`, "true"},
	{`nil && true`, "false"},
	{`nil || flag`, "true"},
	{`true && nil`, "false"},
	{`nil ? 1 : 2`, "2"},
	{`(nothing ?? 5) + 1`, "6"},
	{`silent ?? "none"`, `"none"`},
	{`status ?? "none"`, `"approved"`},
	{`nothing ?? nil`, "nil"},
	{`!nil`, "true"},
	{`extra.flag ? "a" : "b"`, `"b"`},
	{`flag && !extra.flag`, "true"},
	{`extra.flag || off`, "false"},
	{`any(probe, .flag)`, "true"},
	{`all(probe, .flag)`, "false"},
}

func TestNil(t *testing.T) {
	if len(nilRows) < 100 {
		t.Fatalf("%d rows", len(nilRows))
	}
	var both, dynamic []valueRow
	for _, r := range nilRows {
		// `silent_flag` and members of a map that the schema does not know are
		// names of undeclared events only.
		switch r.text {
		case `!silent_flag`, `device.none`, `device.none.deeper`:
			dynamic = append(dynamic, r)
		default:
			both = append(both, r)
		}
	}
	checkRows(t, both, declared, undeclared)
	checkRows(t, dynamic, undeclared)
}

// TestWrongKinds runs what a schema would refuse: an operand of the wrong kind
// counts as nil.
func TestWrongKinds(t *testing.T) {
	checkRows(t, []valueRow{
		{`status < 5`, "false"},
		{`status > 5`, "false"},
		{`amount < "5"`, "false"},
		{`status == 5`, "false"},
		{`status != 5`, "true"},
		{`flag > 0`, "false"},
		{`status + 1`, "nil"},
		{`amount + status`, "nil"},
		{`status - status`, "nil"},
		{`flag * 2`, "nil"},
		{`-status`, "nil"},
		{`amount && true`, "false"},
		{`!amount`, "true"},
		{`status || flag`, "true"},
		{`amount ? 1 : 2`, "2"},
		{`amount contains "1"`, "false"},
		{`status contains amount`, "false"},
		{`amount matches "1"`, "false"},
		{`abs(status)`, "nil"},
		{`lower(amount)`, "nil"},
		{`hour(status)`, "nil"},
		{`amount in status`, "false"},
		{`status in amount`, "false"},
		{`amount.field`, "nil"},
		{`amount[0]`, "nil"},
		{`flag[0:1]`, "nil"},
		{`tags["a"]`, "nil"},
		{`sum(probe.country)`, "0"},
		{`mean(probe.country)`, "nil"},
		{`max(probe.country)`, "nil"},
		{`count(probe.country)`, "3"},
		{`tags + 1`, "nil"},
		{`tags == "a"`, "false"},
		{`tags < 3`, "false"},
		{`sum(status)`, "0"},
		{`sum(tags)`, "0"},
		{`count(status)`, "1"},
		{`mean(amount)`, "100"},
		{`created - amount`, "nil"},
		{`duration(amount)`, "nil"},
		{`distance_km(status, lon, lat, lon)`, "nil"},
		{`any(amount, # > 5)`, "true"},
		{`any(status, # > 5)`, "false"},
		{`device == "ios"`, "false"},
		{`status..3`, "nil"},
		{`join(status)`, "nil"},
	}, undeclared)
}
