package expr

import (
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/expr-lang/expr/builtin"

	"weir/cep"
)

var completed = scene{schema: true} // after the match: no current event

// valueRows are what expressions give, with and without a schema.
var valueRows = []valueRow{
	// literals, names
	{`1_000`, "1000"},
	{`0x1F`, "31"},
	{`1e3`, "1000"},
	{`"a\tb"`, `"a\tb"`},
	{"`raw`", `"raw"`},
	{`true`, "true"},
	{`amount`, "100"},
	{`event.amount`, "100"},
	{`event["package"]`, `"p1"`},
	{`event.count`, "7"},
	{`type`, `"payment"`},
	{`event.type`, `"payment"`},
	{`ts`, "@2026-01-02T03:04:05.678Z"},
	{`event.ts == ts`, "true"},
	{`device.os`, `"ios"`},
	{`event.device.os`, `"ios"`},
	{`device["os"]`, `"ios"`},
	{`device.extra.deep`, "1"},
	{`params.limit * 2`, "4"},
	{`params["limit"]`, "2"},
	{`params.name == status`, "true"},
	{`params.span`, "2m0s"},
	{`params.yes && flag`, "true"},
	{`card_id`, `"c1"`},
	{`probe.amount`, "[1,null,4]"},
	{`cashout.amount`, "50"},
	{`cashout.type`, `"payment"`},
	{`last(probe).type`, `"login"`},
	{`first(probe).ts < ts`, "true"},
	{`probe[0].country`, `"FR"`},
	{`probe[-1].country`, `"FR"`},
	{`probe[1].country`, `"DE"`},
	{`probe.type`, `["payment","payment","login"]`},
	{`last(cashout).amount`, "50"},
	{`first(cashout).amount`, "50"},
	{`cashout?.amount`, "50"},
	// comparisons
	{`amount == 100`, "true"},
	{`100 == amount`, "true"},
	{`amount != 100`, "false"},
	{`amount < 100`, "false"},
	{`amount <= 100`, "true"},
	// a field beside a value that is worked out: at the limit, below and above
	{`amount < 2 * cashout.amount`, "false"},
	{`amount <= 2 * cashout.amount`, "true"},
	{`amount > 2 * cashout.amount`, "false"},
	{`amount >= 2 * cashout.amount`, "true"},
	{`amount < 3 * cashout.amount`, "true"},
	{`amount > 3 * cashout.amount`, "false"},
	{`amount > cashout.amount`, "true"},
	{`amount <= cashout.amount`, "false"},
	{`amount >= 3 * cashout.amount`, "false"},
	{`amount > 2 * probe[1].amount`, "false"},
	{`amount <= 2 * probe[1].amount`, "false"},
	{`ts > cashout.ts`, "true"},
	{`ts <= cashout.ts`, "false"},
	{`99 < amount`, "true"},
	{`100 <= amount`, "true"},
	{`101 > amount`, "true"},
	{`amount >= 100`, "true"},
	{`100 >= amount`, "true"},
	{`100 < amount`, "false"},
	{`amount > 99.5`, "true"},
	{`status == "approved"`, "true"},
	{`"approved" != status`, "false"},
	{`country == home`, "false"},
	{`country != home`, "true"},
	{`status < "b"`, "true"},
	{`"b" <= status`, "false"},
	{`flag == true`, "true"},
	{`flag == off`, "false"},
	{`50 < amount < 200`, "true"},
	{`50 < amount < 60`, "false"},
	{`type == "payment"`, "true"},
	{`type != "payment"`, "false"},
	{`rate < amount`, "true"},
	{`tags == tags`, "true"},
	{`tags == ["a", "b", nil]`, "true"},
	{`tags == ["a"]`, "false"},
	{`device == {"os": "ios", "extra": {"deep": 1}}`, "true"},
	{`cashout == cashout`, "true"},
	{`first(probe) == last(probe)`, "false"},
	{`first(probe) == probe[0]`, "true"},
	{`"1" == string(1)`, "true"},
	// times
	{`ts - first(probe).ts`, "3m0s"},
	{`ts - created`, "1h0m0s"},
	{`ts - created < duration("2h")`, "true"},
	{`ts - created == duration("60m")`, "true"},
	{`ts + duration("1d")`, "@2026-01-03T03:04:05.678Z"},
	{`duration("1s") + ts`, "@2026-01-02T03:04:06.678Z"},
	{`ts - duration("1s")`, "@2026-01-02T03:04:04.678Z"},
	{`ts > created`, "true"},
	{`ts == 1767323045678`, "true"},
	{`1767323045678 == ts`, "true"},
	{`ts > 1767323045677`, "true"},
	{`1767323045678 < ts`, "false"},
	{`created < 1767323045678`, "true"},
	{`created >= 1767319445678`, "true"},
	{`created > 1767319445678`, "false"},
	{`created in [1767319445678]`, "true"},
	{`1767319445678 in [created]`, "true"},
	{`duration("90s") / 2`, "45s"},
	{`duration("1m") * 1.5`, "1m30s"},
	{`2 * duration("1m")`, "2m0s"},
	{`duration("1h") / duration("1m")`, "60"},
	{`-duration("1s")`, "-1s"},
	{`duration("1h") - duration("1m")`, "59m0s"},
	{`duration("2w") > duration("13d")`, "true"},
	{`seconds(ts - created)`, "3600"},
	{`abs(created - ts)`, "1h0m0s"},
	{`params.span > duration("119s")`, "true"},
	{`duration("1s") / 0`, "nil"},
	{`duration("15250w") * 2`, "nil"},
	{`ts + duration("15250w")`, "nil"},
	{`duration("1s") * big`, "nil"},
	{`duration("1s") * 0.5 * 2`, "1s"},
	{`duration("0s")`, "refused"},
	{`hour(ts)`, "3"},
	{`hour(ts, "Europe/Paris")`, "4"},
	{`hour(ts, zone)`, "4"},
	{`hour(ts, "America/New_York")`, "22"},
	{`weekday(ts)`, "5"},
	{`weekday(ts, "America/New_York")`, "4"},
	{`date(ts)`, `"2026-01-02"`},
	{`date(ts, "America/New_York")`, `"2026-01-01"`},
	{`hour(ts, status)`, "nil"},
	{`hour(ts, "UTC")`, "3"},
	{`date(ts, zone)`, `"2026-01-02"`},
	{`weekday(ts, zone)`, "5"},
	// arithmetic
	{`1 + 2 * 3`, "7"},
	{`amount / 8`, "12.5"},
	{`5 / 2 == 2.5`, "true"},
	{`-7 % 3`, "-1"},
	{`7 % -3`, "1"},
	{`7.5 % 2`, "1.5"},
	{`2 ** 10`, "1024"},
	{`2 ^ 3 ^ 2`, "512"},
	{`-amount`, "-100"},
	{`-0`, "0"},
	{`-(amount - 100)`, "0"},
	{`+amount`, "100"},
	{`amount - rate`, "99.5"},
	{`amount * rate`, "50"},
	{`status + "!"`, `"approved!"`},
	{`amount % 30`, "10"},
	{`0.1 + 0.2 == 0.3`, "false"},
	// logic
	{`flag && amount > 1`, "true"},
	{`flag and not off`, "true"},
	{`off or flag`, "true"},
	{`amount > 1 ? "big" : "small"`, `"big"`},
	{`off ?: flag`, "true"},
	{`if flag { 1 } else { 2 }`, "1"},
	// texts
	{`status contains "prov"`, "true"},
	{`status startsWith "app"`, "true"},
	{`status endsWith "ved"`, "true"},
	{`status not endsWith "ved"`, "false"},
	{`status matches "^a.*d$"`, "true"},
	{`status not matches "x"`, "true"},
	{`status matches params.name`, "true"},
	{`email[0:3]`, `"Ünï"`},
	{`email[-2:]`, `"de"`},
	{`email[1]`, `"n"`},
	{`email[0]`, `"Ü"`},
	{`len(email)`, "8"},
	{`lower(email)`, `"ünï@x.de"`},
	{`indexOf(email, "@")`, "3"},
	// in
	{`country in ["KP", "IR"]`, "true"},
	{`country not in ["KP", "IR"]`, "false"},
	{`country in params.countries`, "true"},
	{`home in params.countries`, "false"},
	{`country in params.many`, "true"},
	{`home in params.many`, "false"},
	{`2.5 in params.levels`, "true"},
	{`amount in [1, 100]`, "true"},
	{`amount in [rate, 100]`, "true"},
	{`event.home in probe.country`, "true"},
	{`country in probe.country`, "false"},
	{`country in cashout.country`, "true"},
	{`home not in cashout.country`, "true"},
	{`"a" in tags`, "true"},
	{`"c" in tags`, "false"},
	{`nil in tags`, "true"},
	{`"os" in device`, "true"},
	{`country in {"KP": 1}`, "true"},
	{`"z" in cashout.tags`, "true"},
	{`"q" in cashout.tags`, "false"},
	{`ts in [ts]`, "true"},
	{`duration("1s") in [duration("1s")]`, "true"},
	{`true in [flag]`, "true"},
	{`country in [home, "KP"]`, "true"},
	{`{"KP": 10, "FR": 1}[country]`, "10"},
	{`{"KP": 10}[home] ?? 5`, "5"},
	// lists
	{`count(probe)`, "3"},
	{`count(cashout)`, "1"},
	{`len(probe)`, "3"},
	{`distinct(probe)`, "3"},
	{`distinct(probe.country)`, "2"},
	{`count(probe.country)`, "3"},
	{`sum(probe.rate)`, "6"},
	{`mean(probe.rate)`, "2"},
	{`sum(cashout.amount)`, "50"},
	{`mean(cashout.amount)`, "50"},
	{`min(probe.rate)`, "1"},
	{`max(probe.rate, 9)`, "9"},
	{`min(probe.rate, cashout.amount)`, "1"},
	{`max(amount, rate)`, "100"},
	{`min(3, 1, 2)`, "1"},
	{`median(probe.rate)`, "2"},
	{`median([1, 2, 3, 10])`, "2.5"},
	{`stddev([2, 4, 4, 4, 5, 5, 7, 9])`, "2"},
	{`stddev([5])`, "0"},
	{`first(probe.country)`, `"FR"`},
	{`last(probe.amount)`, "4"},
	{`first([3, 4])`, "3"},
	{`max(first(probe).ts, ts) == ts`, "true"},
	{`min(probe.ts) == first(probe).ts`, "true"},
	{`sum(probe.amount) + cashout.amount`, "55"},
	{`sum(numbers)`, "6"},
	{`max(numbers)`, "3"},
	{`count(tags)`, "2"},
	{`len(tags)`, "3"},
	{`sum(1..4)`, "10"},
	{`amount > 20 * mean(probe.amount)`, "true"},
	{`min(ts - created, duration("1m"))`, "1m0s"},
	{`distinct(probe.tags)`, "1"},
	{`first(probe.tags)`, `["x"]`},
	{`numbers[0]`, "3"},
	{`numbers[1:]`, "[1,2]"},
	// predicates and what the machine alone knows
	{`any(probe, .amount > 3)`, "true"},
	{`any(probe, .amount > 5)`, "false"},
	{`all(probe, .rate >= 1)`, "true"},
	{`none(probe, .rate > 5)`, "true"},
	{`one(probe, .amount == 4)`, "true"},
	{`count(probe, .country == "FR")`, "2"},
	{`sum(probe, .amount * .rate)`, "6"},
	{`len(filter(probe, .country == "FR"))`, "2"},
	{`map(probe, .rate)`, "[2,3,1]"},
	{`sum(map(probe, .rate))`, "6"},
	{`probe | filter(.rate > 1) | map(.country)`, `["FR","DE"]`},
	{`probe | map(.rate) | sum()`, "6"},
	{`find(probe, .rate == 3).country`, `"DE"`},
	{`findIndex(probe, .rate == 3)`, "1"},
	{`findLast(probe, .country == "FR").rate`, "1"},
	{`findLastIndex(probe, .country == "FR")`, "2"},
	{`findIndex(probe, .rate == 9)`, "nil"},
	{`map(sortBy(probe, .rate), .country)`, `["FR","FR","DE"]`},
	{`map(sortBy(probe, .rate, "desc"), .rate)`, "[3,2,1]"},
	{`map(sortBy(probe, .amount), .rate)`, "[2,1,3]"},
	{`reduce(probe, #acc + .rate, 10)`, "16"},
	{`map(probe, #index)`, "[0,1,2]"},
	{`let m = mean(probe.rate); any(probe, .rate > m)`, "true"},
	{`any(probe, .country == cashout.country)`, "false"},
	{`any(probe, .ts > ts - duration("90s"))`, "true"},
	{`any(cashout, .amount > 10)`, "true"},
	{`map(cashout, .amount)`, "[50]"},
	{`reverse([1, 2])`, "[2,1]"},
	{`sort([3, 1, 2])`, "[1,2,3]"},
	{`sort([3, 1, nil, 2], "desc")`, "[3,2,1,null]"},
	{`uniq([1, 2, 1])`, "[1,2]"},
	{`concat([1], [2])`, "[1,2]"},
	{`flatten([[1], [2, [3]]])`, "[1,2,3]"},
	{`take([1, 2, 3], 2)`, "[1,2]"},
	{`1..3`, "[1,2,3]"},
	{`amount in 1..100`, "true"},
	{`params.limit..3`, "[2,3]"},
	{`1..rate * 4`, "[1,2]"},
	{`sum(1..amount)`, "5050"},
	{`3..1`, "[]"},
	{`split("a,b", ",")`, `["a","b"]`},
	{`split("a,b,c", ",", 2)`, `["a","b,c"]`},
	{`splitAfter("a,b", ",")`, `["a,","b"]`},
	{`splitAfter("a,b,c", ",", 2)`, `["a,","b,c"]`},
	{`join(["a", "b"], "-")`, `"a-b"`},
	{`join(split("a b", " "))`, `"ab"`},
	{`[amount, status, ts - created]`, `[100,"approved",3600]`},
	{`{"n": amount, "at": ts}`, `{"at":"2026-01-02T03:04:05.678Z","n":100}`},
	{`get({"a": 1}, "a")`, "1"},
	{`get([5], 0)`, "5"},
	{`toJSON([1, "<"])`, `"[1,\"<\"]"`},
	{`fromJSON("[1]")[0]`, "1"},
	{`any(probe, any(tags, # == "a") && .rate > 2)`, "true"},
	{`any([1, 2], # in [2])`, "true"},
	{`let x = first(probe); x.country`, `"FR"`},
	{`map(probe[0:2], .rate)`, "[2,3]"},
	{`any(concat(probe, [cashout]), .amount == 50)`, "true"},
	{`{"a": {"b": amount}}.a.b`, "100"},
	{`[[1, 2], [3]][0][1]`, "2"},
	{`len({"a": 1})`, "1"},
	{`any(tags, # startsWith "a")`, "true"},
	{`map(1..2, # * amount)`, "[100,200]"},
	// functions
	{`abs(-3)`, "3"},
	{`ceil(1.2)`, "2"},
	{`floor(-1.2)`, "-2"},
	{`round(2.5)`, "3"},
	{`int(-1.9)`, "-1"},
	{`int("12")`, "12"},
	{`float("1_000")`, "nil"},
	{`float("0x1p4")`, "nil"},
	{`int("-1e3")`, "-1000"},
	{`float("1.5")`, "1.5"},
	{`string(amount)`, `"100"`},
	{`string(true)`, `"true"`},
	{`string(ts - created)`, `"3600"`},
	{`upper("ab")`, `"AB"`},
	{`trim("  a ")`, `"a"`},
	{`trim("xax", "x")`, `"a"`},
	{`trimPrefix("abc", "a")`, `"bc"`},
	{`trimPrefix(" a")`, `"a"`},
	{`trimSuffix("abc", "c")`, `"ab"`},
	{`trimSuffix("a ")`, `"a"`},
	{`hasPrefix(status, "app")`, "true"},
	{`hasSuffix(status, "x")`, "false"},
	{`lastIndexOf("aba", "a")`, "2"},
	{`indexOf("aba", "x")`, "-1"},
	{`replace("aaa", "a", "b")`, `"bbb"`},
	{`replace("aaa", "a", "b", 2)`, `"bba"`},
	{`repeat("ab", 2)`, `"abab"`},
	{`toBase64("hi")`, `"aGk="`},
	{`fromBase64("aGk=")`, `"hi"`},
	{`edit_distance("kitten", "sitting")`, "3"},
	{`edit_distance("", "ab")`, "2"},
	{`edit_distance("Zoë", "Zoe")`, "1"},
	{`edit_distance(repeat("a", 257), "a")`, "nil"},
	{`edit_distance(status, "aproved")`, "1"},
	{`bitand(6, 3)`, "2"},
	{`bitor(6, 3)`, "7"},
	{`bitxor(6, 3)`, "5"},
	{`bitnand(6, 3)`, "4"},
	{`bitshl(1, 4)`, "16"},
	{`bitshr(16, 2)`, "4"},
	{`bitushr(16, 2)`, "4"},
	{`bitnot(0)`, "-1"},
	{`bitshl(1, 64)`, "0"},
	{`repeat("a", 70000)`, "nil"},
	{`replace(repeat("a", 60000), "a", "bb")`, "nil"},
	{`len(repeat("a", 60000) + repeat("a", 60000))`, "nil"},
}

func TestValues(t *testing.T) {
	var rows []valueRow
	for _, r := range valueRows {
		if r.want != "refused" {
			rows = append(rows, r)
			continue
		}
		c := declared
		if _, err := CompileValue(r.text, c.env()); err == nil {
			t.Errorf("%s: no error", r.text)
		}
	}
	checkRows(t, rows, declared, undeclared)
}

// TestNames checks which meaning a name has that could have several.
func TestNames(t *testing.T) {
	// `home` is a key and a field. With a schema the field is the field; without
	// one the declared name wins, and the field is event.home.
	checkRows(t, []valueRow{{`home`, `"FR"`}, {`event.home`, `"FR"`}}, declared)
	checkRows(t, []valueRow{{`home`, `"h1"`}, {`event.home`, `"FR"`}, {`anything`, "nil"}, {`any_thing.deep`, "nil"}}, undeclared)
	// After the match there are no bare fields: keys, measures, variables.
	checkRows(t, []valueRow{
		{`home`, `"h1"`},
		{`card_id + home`, `"c1h1"`},
		{`probes + 1`, "4"},
		{`missing`, "nil"},
		{`missing + 1`, "nil"},
		{`label == "card"`, "true"},
		{`sum(probe.amount) + cashout.amount`, "55"},
		{`distinct(probe.country) >= 2`, "true"},
		{`min(100, 55 + 5 * probes)`, "70"},
		{`last(probe).ts`, "@2026-01-02T03:03:05.678Z"},
		{`any(probe, .rate > probes)`, "false"},
		{`last(probe).type`, `"login"`},
	}, completed, scene{})
}

func TestKeyIsField(t *testing.T) {
	for _, byName := range []bool{false, true} {
		c := undeclared
		env := c.env()
		env.KeyByName, env.Keys = byName, []string{"amount", "device.os"}
		s := c.scope()
		s.Key = []string{"100", "key"}
		for text, want := range map[string][2]string{`amount`: {"100", `"100"`}, `device.os`: {`"ios"`, `"key"`}} {
			f, err := CompileValue(text, env)
			if err != nil {
				t.Fatal(err)
			}
			w := want[0]
			if byName {
				w = want[1]
			}
			if got := show(f(s)); got != w {
				t.Errorf("%s, by name %v: %s, want %s", text, byName, got, w)
			}
		}
	}
}

// TestAggregates checks that sums over captured events are not walked where the
// captures keep them.
func TestAggregates(t *testing.T) {
	for text, want := range map[string]int{
		`sum(probe.amount)`: 1, `mean(probe.amount) + sum(probe.amount)`: 1, `min(probe.rate) + max(probe.amount)`: 2, `count(probe.amount)`: 1,
		`count(probe.country)`: 0, `sum(cashout.amount)`: 0, `median(probe.amount)`: 0, `min(probe.ts)`: 0, `sum(probe, .amount)`: 0, `count(probe)`: 0,
		`any(probe, .amount > mean(probe.amount))`: 1,
	} {
		c := declared
		if _, err := CompileValue(text, c.env()); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if len(c.aggregates) != want {
			t.Errorf("%s registers %v, want %d", text, c.aggregates, want)
		}
	}
}

// TestDistance compares with published distances: on a sphere of the mean radius
// 6371 km, Nashville to Los Angeles is 2886.44 km (a common example of the
// haversine formula), and Land's End to John o' Groats 968.9 km.
func TestDistance(t *testing.T) {
	for _, c := range []struct{ lat1, lon1, lat2, lon2, km, within float64 }{
		{36.12, -86.67, 33.94, -118.40, 2886.44, 0.02},
		{50.0663888889, -5.7147222222, 58.6438888889, -3.07, 968.9, 0.05},
		{0, 0, 0, 180, math.Pi * earthRadius, 1e-5},
		{90, 0, -90, 77, math.Pi * earthRadius, 1e-5},
		{12, 34, 12, 34, 0, 0},
		{0, 179.5, 0, -179.5, math.Pi * earthRadius / 180, 1e-5},
	} {
		km, ok := distanceKM(c.lat1, c.lon1, c.lat2, c.lon2)
		if !ok || math.Abs(km-c.km) > c.within {
			t.Errorf("%+v: %v", c, km)
		}
		back, _ := distanceKM(c.lat2, c.lon2, c.lat1, c.lon1)
		if back != km {
			t.Errorf("%+v: %v there, %v back", c, km, back)
		}
	}
	checkRows(t, []valueRow{
		{`round(distance_km(lat, lon, 33.94, -118.40))`, "2886"},
		{`round(speed_kmh(lat, lon, ts, 33.94, -118.40, created))`, "2886"},
		{`round(speed_kmh(lat, lon, created, 33.94, -118.40, ts))`, "2886"},
		{`speed_kmh(lat, lon, created, lat, lon, ts)`, "0"},
		{`round(speed_kmh(first(probe).lat, first(probe).lon, first(probe).ts, lat, lon, ts))`, "57729"},
	}, declared, undeclared)
}

// TestBuiltins fails on a function of expr-lang that nobody has decided about.
func TestBuiltins(t *testing.T) {
	for _, b := range builtin.Builtins {
		_, known := functionNames[b.Name]
		_, no := refused[b.Name]
		if known == no {
			t.Errorf("%s: allowed %v, refused %v", b.Name, known, no)
		}
		if !Reserved(b.Name) {
			t.Errorf("%s is not reserved", b.Name)
		}
	}
	tested := ""
	for _, rows := range [][]valueRow{nilRows, valueRows} {
		for _, r := range rows {
			tested += r.text + "\n"
		}
	}
	for name := range functionNames {
		if name != ".." && name != "distance_km" && name != "speed_kmh" && !strings.Contains(tested, name+"(") {
			t.Errorf("%s has no row", name)
		}
	}
}

func TestReserved(t *testing.T) {
	for _, name := range []string{"count", "in", "event", "params", "type", "ts", "nil", "now", "distinct", "distance_km", "in_list", "let", "$env"} {
		if !Reserved(name) {
			t.Errorf("%s is not reserved", name)
		}
	}
	for _, name := range []string{"amount", "probe", "card_id", "counted", "Event"} {
		if Reserved(name) {
			t.Errorf("%s is reserved", name)
		}
	}
}

// TestExecutors checks which executor runs an expression: closures where they
// can, the machine for the rest.
func TestExecutors(t *testing.T) {
	for text, closures := range map[string]bool{
		`amount < 2 && type == "payment" && country != home`:   true,
		`amount > params.limit * mean(probe.amount)`:           true,
		`status == "approved" ? amount : probe.amount[0]`:      false,
		`country in probe.country || home in params.countries`: true,
		`distinct(probe.country) + count(probe) + len(status)`: true,
		`amount in 1..10`:          true,
		`{"KP": 10}[country] ?? 0`: true,
		`tags[0] == "a" && card_id[0:6] == "c1" && !extra.flag`: true,
		`any(probe, .amount > 5)`:                               false,
		`let x = amount; x + 1`:                                 false,
		`probe.amount`:                                          false,
	} {
		c := declared
		env := c.env()
		n, err := lower(text, &env)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if _, ok := closure(n); ok != closures {
			t.Errorf("%s: closures %v", text, ok)
		}
	}
}

// TestConcurrent runs the same functions in several goroutines.
func TestConcurrent(t *testing.T) {
	var rows []valueRow
	var fs []func(*cep.Scope) cep.Value
	c := declared
	for i, r := range valueRows {
		if i%5 != 0 || r.want == "refused" {
			continue
		}
		c.machine = i%2 == 0
		f, err := CompileValue(r.text, c.env())
		if err != nil {
			t.Fatal(err)
		}
		rows, fs = append(rows, r), append(fs, f)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				for i, f := range fs {
					if got := show(f(c.scope())); got != rows[i].want {
						t.Errorf("%s = %s, want %s", rows[i].text, got, rows[i].want)
					}
				}
			}
		})
	}
	wg.Wait()
}
