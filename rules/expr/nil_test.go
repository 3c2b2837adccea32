package expr

import (
	"testing"
)

// valueRow is an expression, what it gives in the scene, and how CEL spells it;
// empty if it has no form for it.
type valueRow struct {
	text, want, cel string
}

// checkRows runs every row in both languages on both executors, with aggregates
// and without, for each of the given worlds. A row must compile in all of them.
func checkRows(t *testing.T, rows []valueRow, worlds ...scene) {
	t.Helper()
	for _, r := range rows {
		for _, w := range worlds {
			for _, machine := range []bool{false, true} {
				for _, walk := range []bool{false, true} {
					w.machine, w.walk = machine, walk
					checkRow(t, r.text, r.want, w)
					if r.cel != "" {
						w.lang = LangCEL
						checkRow(t, r.cel, r.want, w)
						w.lang = LangExpr
					}
				}
			}
		}
	}
}

func checkRow(t *testing.T, text, want string, w scene) {
	t.Helper()
	f, err := CompileValue(text, w.env())
	if err != nil {
		t.Errorf("%s (%+v): %v", text, w, err)
		return
	}
	if got := show(f(w.scope())); got != want {
		t.Errorf("%s = %s, want %s (%+v)", text, got, want, w)
	}
	if len(w.faults) > 0 {
		t.Errorf("%s: %v", text, w.faults)
	}
}

var (
	declared   = scene{schema: true, current: true}
	undeclared = scene{current: true}
)

// nilRows hold with and without a schema: what is nil, and what nil does.
var nilRows = []valueRow{
	// lists
	{`in_list("vip", country)`, "true", `in_list("vip", country)`},
	{`in_list("vip", "kp")`, "false", `in_list("vip", "kp")`},
	{`in_list("vip", silent)`, "nil", `in_list("vip", silent)`},
	{`!in_list("vip", silent)`, "true", `!in_list("vip", silent)`},
	{`in_list("vip", string(amount))`, "true", `in_list("vip", string(amount))`},
	{`in_list("sizes", amount)`, "true", `in_list("sizes", amount)`},
	{`in_list("sizes", nothing)`, "nil", `in_list("sizes", nothing)`},
	{`in_list("gone", country)`, "false", `in_list("gone", country)`},
	{`in_list("nets", "10.1.2.3")`, "true", `in_list("nets", "10.1.2.3")`},
	{`in_list("nets", email)`, "false", `in_list("nets", email)`},
	{`list_value("rates", country) + 1`, "3", `list_value("rates", country) + 1`},
	{`list_value("rates", home)`, "nil", `list_value("rates", home)`},
	{`list_value("rates", home, amount)`, "100", `list_value("rates", home, amount)`},
	{`list_value("rates", silent, 1)`, "1", `list_value("rates", silent, 1)`},
	{`list_value("rates", "none", 1)`, "1", `list_value("rates", "none", 1)`},
	{`list_value("rates", silent, nothing)`, "nil", `list_value("rates", silent, nothing)`},
	{`list_value("nets", "10.1.2.3")`, "true", `list_value("nets", "10.1.2.3")`},
	{`list_value("nets", "10.2.2.3", true)`, "false", `list_value("nets", "10.2.2.3", true)`},
	{`any(["FR", "KP"], in_list("vip", #))`, "true", `["FR", "KP"].exists(c, in_list("vip", c))`},
	{`map(["FR", "KP"], list_value("rates", #, 0))`, "[0,2]", `["FR", "KP"].map(c, list_value("rates", c, 0))`},
	{`cidr_contains("10.0.0.0/8", "10.1.2.3")`, "true", `cidr_contains("10.0.0.0/8", "10.1.2.3")`},
	{`cidr_contains("10.0.0.0/8", "::ffff:11.1.2.3")`, "false", `cidr_contains("10.0.0.0/8", "::ffff:11.1.2.3")`},
	{`cidr_contains(country, "10.1.2.3")`, "nil", `cidr_contains(country, "10.1.2.3")`},
	{`cidr_contains("10.0.0.0/8", silent)`, "nil", `cidr_contains("10.0.0.0/8", silent)`},
	// features
	{`spend`, "250", `spend`},
	{`spend > 2 * amount`, "true", `spend > 2 * amount`},
	{`spend(country) + 1`, "8", `spend(country) + 1`},
	{`spend("KP")`, "7", `spend("KP")`},
	{`spend(event.home)`, "nil", `spend(event.home)`},
	{`spend(silent) == nil`, "true", `spend(silent) == null`},
	{`known && !known(event.home)`, "true", `known && !known(event.home)`},
	{`idle > duration("1h") && idle < params.span * 60`, "true", `idle > duration("1h") && idle < params.span * 60`},
	{`seconds(idle)`, "5400", `seconds(idle)`},
	{`latest == "DE"`, "true", `latest == "DE"`},
	{`pair`, "nil", `pair`},
	{`pair(country, event.home)`, "3", `pair(country, event.home)`},
	{`pair(country, upper(lower(event.home)))`, "3", `pair(country, upper(lower(event.home)))`},
	{`pair(split(country, "x")[0], take(["FR"], 1)[0])`, "3", `pair(split(country, "x")[0], take(["FR"], 1)[0])`},
	{`any(numbers, # * 100 > spend)`, "true", `numbers.exists(n, n * 100 > spend)`},
	// == and in
	{`nothing == nil`, "true", `!has(event.nothing)`},
	{`nil == nothing`, "true", `null == nothing`},
	{`amount == nil`, "false", `!has(event.amount)`},
	{`nil == nil`, "true", `null == null`},
	{`nothing != nil`, "false", `has(event.nothing)`},
	{`silent != "approved"`, "true", `silent != "approved"`},
	{`silent == "approved"`, "false", `silent == "approved"`},
	{`nothing == 0`, "false", `nothing == 0`},
	{`nothing != 0`, "true", `nothing != 0`},
	{`off == nil`, "false", `off == null`},
	{`silent == silent`, "true", `silent == silent`},
	{`nothing == amount`, "false", `nothing == amount`},
	{`silent in ["a", nil]`, "true", `silent in ["a", null]`},
	{`silent in ["a"]`, "false", `silent in ["a"]`},
	{`silent not in ["a"]`, "true", `!(silent in ["a"])`},
	{`silent in []`, "false", `silent in []`},
	{`nil in [nil]`, "true", `null in [null]`},
	{`nil in nil`, "false", `null in null`},
	{`status in nil`, "false", `status in null`},
	{`status not in nil`, "true", `!(status in null)`},
	{`silent in probe.country`, "false", `silent in probe.country`},
	{`status in others.country`, "false", `status in others.country`},
	{`nothing in probe.amount`, "true", `nothing in probe.amount`},
	{`nothing in cashout.rate`, "true", `nothing in cashout.rate`},
	{`nothing in extra.rate`, "false", `nothing in extra.rate`},
	{`nothing in others.rate`, "false", `nothing in others.rate`},
	// < and the like
	{`nothing < 5`, "false", `nothing < 5`},
	{`nothing <= 5`, "false", `nothing <= 5`},
	{`nothing > 5`, "false", `nothing > 5`},
	{`nothing >= 5`, "false", `nothing >= 5`},
	{`5 < nothing`, "false", `5 < nothing`},
	{`5 >= nothing`, "false", `5 >= nothing`},
	{`nothing < nil`, "false", `nothing < null`},
	{`nil <= nil`, "false", `null <= null`},
	{`not (nothing < 5)`, "true", `!(nothing < 5)`},
	{`nothing > 900 || country == "KP"`, "true", `nothing > 900 || country == "KP"`},
	{`nothing > 900 && country == "KP"`, "false", `nothing > 900 && country == "KP"`},
	{`silent < "b"`, "false", `silent < "b"`},
	{`nothing < amount`, "false", `nothing < amount`},
	{`nothing == nothing`, "true", `nothing == nothing`},
	{`1 < nothing < 5`, "false", `1 < nothing && nothing < 5`},
	// texts
	{`silent contains "a"`, "false", `silent.contains("a")`},
	{`silent startsWith "a"`, "false", `silent.startsWith("a")`},
	{`silent endsWith "a"`, "false", `silent.endsWith("a")`},
	{`silent matches "a"`, "false", `silent.matches("a")`},
	{`status contains silent`, "false", `status.contains(silent)`},
	{`not (silent contains "a")`, "true", `!(silent.contains("a"))`},
	{`silent not contains "a"`, "true", `!silent.contains("a")`},
	{`nil matches "a"`, "false", `null.matches("a")`},
	// fields, elements, slices
	{`extra.amount`, "nil", `extra.amount`},
	{`extra.amount == nil`, "true", `extra.amount == null`},
	{`last(others).amount`, "nil", `last(others).amount`},
	{`first(others).amount > 1`, "false", `first(others).amount > 1`},
	{`device.none`, "nil", `device.none`},
	{`device.none.deeper`, "nil", `device.none.deeper`},
	{`(nil).a`, "nil", `(null).a`},
	{`(nil)[0]`, "nil", `(null)[0]`},
	{`extra?.amount`, "nil", `has(extra.amount) ? extra.amount : null`},
	{`silent[0]`, "nil", `silent[0]`},
	{`silent[0:3]`, "nil", `silent.substring(0, 3)`},
	{`tags[7]`, "nil", `tags[7]`},
	{`tags[-4]`, "nil", `tags[-4]`},
	{`tags[2]`, "nil", `tags[2]`},
	{`tags[nothing]`, "nil", `tags[nothing]`},
	{`tags[0.5]`, "nil", `tags[0.5]`},
	{`tags[1:9]`, `["b",null]`, ""},
	{`tags[5:9]`, "[]", ""},
	{`status[0:3]`, `"app"`, `status.substring(0, 3)`},
	{`status[5:99]`, `"ved"`, `status.substring(5, 99)`},
	{`status[9:3]`, `""`, `status.substring(9, 3)`},
	{`status[nothing:3]`, "nil", `status.substring(nothing, 3)`},
	{`probe[7].amount`, "nil", `probe[7].amount`},
	{`probe[1].amount`, "nil", `probe[1].amount`},
	{`others[0].amount`, "nil", `others[0].amount`},
	{`email[9:2]`, `""`, `email.substring(9, 2)`},
	// arithmetic
	{`nothing + 1`, "nil", `nothing + 1`},
	{`1 - nothing`, "nil", `1 - nothing`},
	{`nothing * 0`, "nil", `nothing * 0`},
	{`nothing / 2`, "nil", `nothing / 2`},
	{`2 % nothing`, "nil", `2 % nothing`},
	{`nothing ** 2`, "nil", ""},
	{`-nothing`, "nil", `-nothing`},
	{`amount / 0`, "nil", `amount / 0`},
	{`0 / 0`, "nil", `0 / 0`},
	{`amount % 0`, "nil", `amount % 0`},
	{`big * big`, "nil", `big * big`},
	{`-big * big`, "nil", `-big * big`},
	{`(-8) ** 0.5`, "nil", ""},
	{`0 ** -1`, "nil", ""},
	{`big * big > 1`, "false", `big * big > 1`},
	{`amount / 0 == nil`, "true", `amount / 0 == null`},
	{`nil + nil`, "nil", `null + null`},
	{`silent + "a"`, "nil", `silent + "a"`},
	{`ts - nil`, "nil", `ts - null`},
	{`nothing + 1 > 0`, "false", `nothing + 1 > 0`},
	// functions
	{`abs(nothing)`, "nil", `abs(nothing)`},
	{`round(nil)`, "nil", `round(null)`},
	{`lower(silent)`, "nil", `lower(silent)`},
	{`trim(silent)`, "nil", `trim(silent)`},
	{`hour(nil)`, "nil", `null.getHours()`},
	{`hour(ts, silent)`, "nil", `ts.getHours(silent)`},
	{`weekday(nil)`, "nil", `weekday(null)`},
	{`date(nil)`, "nil", `date(null)`},
	{`seconds(nil)`, "nil", `seconds(null)`},
	{`duration(silent)`, "nil", `duration(silent)`},
	{`len(silent)`, "nil", `silent.size()`},
	{`len(nil)`, "nil", `size(null)`},
	{`distance_km(lat, lon, nothing, lon)`, "nil", `distance_km(lat, lon, nothing, lon)`},
	{`distance_km(91, lon, lat, lon)`, "nil", `distance_km(91, lon, lat, lon)`},
	{`distance_km(lat, 181, lat, lon)`, "nil", `distance_km(lat, 181, lat, lon)`},
	{`speed_kmh(lat, lon, ts, 1, 1, ts)`, "nil", `speed_kmh(lat, lon, ts, 1, 1, ts)`},
	{`speed_kmh(lat, lon, nil, 1, 1, ts)`, "nil", `speed_kmh(lat, lon, null, 1, 1, ts)`},
	{`edit_distance(silent, "a")`, "nil", `edit_distance(silent, "a")`},
	{`split(silent, ",")`, "nil", `split(silent, ",")`},
	{`join(nil)`, "nil", `join(null)`},
	{`reverse(nil)`, "nil", `reverse(null)`},
	{`sort(nil)`, "nil", `sort(null)`},
	{`string(nothing)`, "nil", `string(nothing)`},
	{`int(silent)`, "nil", `int(silent)`},
	{`replace(status, silent, "x")`, "nil", `replace(status, silent, "x")`},
	{`hasPrefix(silent, "a")`, "nil", `hasPrefix(silent, "a")`},
	{`int("x")`, "nil", `int("x")`},
	{`float("1e999")`, "nil", `double("1e999")`},
	{`fromJSON("{")`, "nil", `fromJSON("{")`},
	{`concat(nil, [1])`, "nil", `concat(null, [1])`},
	{`fromBase64("?")`, "nil", `fromBase64("?")`},
	{`bitand(1.5, 1)`, "nil", `bitand(1.5, 1)`},
	{`bitshl(1, -1)`, "nil", `bitshl(1, -1)`},
	{`repeat("a", -1)`, "nil", `repeat("a", -1)`},
	{`nothing..3`, "nil", ""},
	// lists of nothing
	{`count(others)`, "0", `count(others)`},
	{`count(others.amount)`, "0", `count(others.amount)`},
	{`sum(others.amount)`, "0", `sum(others.amount)`},
	{`distinct(others.country)`, "0", `distinct(others.country)`},
	{`mean(others.amount)`, "nil", `mean(others.amount)`},
	{`median(others.amount)`, "nil", `median(others.amount)`},
	{`min(others.amount)`, "nil", `min(others.amount)`},
	{`max(others.amount)`, "nil", `max(others.amount)`},
	{`stddev(others.amount)`, "nil", `stddev(others.amount)`},
	{`first(others.amount)`, "nil", `first(others.amount)`},
	{`last(others.amount)`, "nil", `last(others.amount)`},
	{`first(others) == nil`, "true", `first(others) == null`},
	{`count(nil)`, "0", `count(null)`},
	{`sum(nil)`, "0", `sum(null)`},
	{`distinct(nil)`, "0", `distinct(null)`},
	{`mean(nil)`, "nil", `mean(null)`},
	{`first(nil)`, "nil", `first(null)`},
	{`last(nil)`, "nil", `last(null)`},
	{`min(nil)`, "nil", `min(null)`},
	{`count(extra)`, "0", `count(extra)`},
	{`sum(extra.amount)`, "0", `sum(extra.amount)`},
	{`distinct(extra)`, "0", `distinct(extra)`},
	{`mean(extra.amount)`, "nil", `mean(extra.amount)`},
	{`extra == nil`, "true", `extra == null`},
	{`cashout != nil`, "true", `cashout != null`},
	{`any(others, .amount > 1)`, "false", `others.exists(p, p.amount > 1)`},
	{`all(others, .amount > 1)`, "true", `others.all(p, p.amount > 1)`},
	{`none(others, .amount > 1)`, "true", `!others.exists(p, p.amount > 1)`},
	{`any(nil, # > 1)`, "false", `null.exists(p, p > 1)`},
	{`any(extra, .amount > 1)`, "false", `extra.exists(p, p.amount > 1)`},
	{`len(filter(others, true))`, "0", `others.filter(p, true).size()`},
	{`sum(others, .amount)`, "0", `sum(others.map(p, p.amount))`},
	{`count(others, true)`, "0", `size(others.filter(p, true))`},
	{`find(others, true) == nil`, "true", `first(others.filter(p, true)) == null`},
	{`len(others)`, "0", `size(others)`},
	{`len(extra)`, "0", `size(extra)`},
	{`len([])`, "0", `size([])`},
	{`sum([])`, "0", `sum([])`},
	{`max([])`, "nil", `max([])`},
	// nil elements are passed over
	{`count(probe.amount)`, "2", `count(probe.amount)`},
	{`sum(probe.amount)`, "5", `sum(probe.amount)`},
	{`mean(probe.amount)`, "2.5", `mean(probe.amount)`},
	{`min(probe.amount)`, "1", `min(probe.amount)`},
	{`max(probe.amount)`, "4", `max(probe.amount)`},
	{`median(probe.amount)`, "2.5", `median(probe.amount)`},
	{`stddev(probe.amount)`, "1.5", `stddev(probe.amount)`},
	{`first(probe.flag)`, "true", `first(probe.flag)`},
	{`last(probe.flag)`, "true", `last(probe.flag)`},
	{`distinct(probe.flag)`, "1", `distinct(probe.flag)`},
	{`min(nothing, 3, 2)`, "2", `min(nothing, 3, 2)`},
	{`max(nothing, nil)`, "nil", `max(nothing, null)`},
	{`distinct([1, nil, 1, "1"])`, "2", `distinct([1, null, 1, "1"])`},
	{`count([1, nil])`, "1", `count([1, null])`},
	{`len([1, nil])`, "2", `[1, null].size()`},
	// nil as a condition
	{`!silent_flag`, "true", `!silent_flag`},
	{`not off`, "true", `!off`},
	{`nil && true`, "false", `null && true`},
	{`nil || flag`, "true", `null || flag`},
	{`true && nil`, "false", `true && null`},
	{`nil ? 1 : 2`, "2", `null ? 1 : 2`},
	{`(nothing ?? 5) + 1`, "6", `(nothing != null ? nothing : 5) + 1`},
	{`silent ?? "none"`, `"none"`, `silent != null ? silent : "none"`},
	{`status ?? "none"`, `"approved"`, `status != null ? status : "none"`},
	{`nothing ?? nil`, "nil", `nothing != null ? nothing : null`},
	{`!nil`, "true", `!null`},
	{`extra.flag ? "a" : "b"`, `"b"`, `extra.flag ? "a" : "b"`},
	{`flag && !extra.flag`, "true", `flag && !extra.flag`},
	{`extra.flag || off`, "false", `extra.flag || off`},
	{`any(probe, .flag)`, "true", `probe.exists(p, p.flag)`},
	{`all(probe, .flag)`, "false", `probe.all(p, p.flag)`},
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
		{`status < 5`, "false", `status < 5`},
		{`status > 5`, "false", `status > 5`},
		{`amount < "5"`, "false", `amount < "5"`},
		{`status == 5`, "false", `status == 5`},
		{`status != 5`, "true", `status != 5`},
		{`flag > 0`, "false", `flag > 0`},
		{`status + 1`, "nil", `status + 1`},
		{`amount + status`, "nil", `amount + status`},
		{`status - status`, "nil", `status - status`},
		{`flag * 2`, "nil", `flag * 2`},
		{`-status`, "nil", `-status`},
		{`amount && true`, "false", `amount && true`},
		{`!amount`, "true", `!amount`},
		{`status || flag`, "true", `status || flag`},
		{`amount ? 1 : 2`, "2", `amount ? 1 : 2`},
		{`amount contains "1"`, "false", `amount.contains("1")`},
		{`status contains amount`, "false", `status.contains(amount)`},
		{`amount matches "1"`, "false", `amount.matches("1")`},
		{`abs(status)`, "nil", `abs(status)`},
		{`lower(amount)`, "nil", `lower(amount)`},
		{`hour(status)`, "nil", `hour(status)`},
		{`amount in status`, "false", `amount in status`},
		{`status in amount`, "false", `status in amount`},
		{`amount.field`, "nil", `amount.field`},
		{`amount[0]`, "nil", `amount[0]`},
		{`flag[0:1]`, "nil", `flag.substring(0, 1)`},
		{`tags["a"]`, "nil", `tags["a"]`},
		{`sum(probe.country)`, "0", `sum(probe.country)`},
		{`mean(probe.country)`, "nil", `mean(probe.country)`},
		{`max(probe.country)`, "nil", `max(probe.country)`},
		{`count(probe.country)`, "3", `count(probe.country)`},
		{`tags + 1`, "nil", `tags + 1`},
		{`tags == "a"`, "false", `tags == "a"`},
		{`tags < 3`, "false", `tags < 3`},
		{`sum(status)`, "0", `sum(status)`},
		{`sum(tags)`, "0", `sum(tags)`},
		{`count(status)`, "1", `count(status)`},
		{`mean(amount)`, "100", `mean(amount)`},
		{`created - amount`, "nil", `created - amount`},
		{`duration(amount)`, "nil", `duration(amount)`},
		{`distance_km(status, lon, lat, lon)`, "nil", `distance_km(status, lon, lat, lon)`},
		{`any(amount, # > 5)`, "true", `amount.exists(p, p > 5)`},
		{`any(status, # > 5)`, "false", `status.exists(p, p > 5)`},
		{`device == "ios"`, "false", `device == "ios"`},
		{`status..3`, "nil", ""},
		{`join(status)`, "nil", `join(status)`},
	}, undeclared)
}
