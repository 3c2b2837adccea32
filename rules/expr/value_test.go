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
	{`1_000`, "1000", `1000`},
	{`0x1F`, "31", `0x1F`},
	{`1e3`, "1000", `1e3`},
	{`"a\tb"`, `"a\tb"`, `'''a\tb'''`},
	{"`raw`", `"raw"`, `r"raw"`},
	{`true`, "true", `true`},
	{`amount`, "100", `amount`},
	{`event.amount`, "100", `event.amount`},
	{`event["package"]`, `"p1"`, `event["package"]`},
	{`event.count`, "7", `event.count`},
	{`type`, `"payment"`, `type`},
	{`event.type`, `"payment"`, `event.type`},
	{`ts`, "@2026-01-02T03:04:05.678Z", `ts`},
	{`event.ts == ts`, "true", `event.ts == ts`},
	{`device.os`, `"ios"`, `device.os`},
	{`event.device.os`, `"ios"`, `event.device.os`},
	{`device["os"]`, `"ios"`, `device["os"]`},
	{`device.extra.deep`, "1", `device.extra.deep`},
	{`params.limit * 2`, "4", `params.limit * 2`},
	{`params["limit"]`, "2", `params["limit"]`},
	{`params.name == status`, "true", `params.name == status`},
	{`params.span`, "2m0s", `params.span`},
	{`params.yes && flag`, "true", `params.yes && flag`},
	{`card_id`, `"c1"`, `card_id`},
	{`probe.amount`, "[1,null,4]", `probe.amount`},
	{`cashout.amount`, "50", `cashout.amount`},
	{`cashout.type`, `"payment"`, `cashout.type`},
	{`last(probe).type`, `"login"`, `last(probe).type`},
	{`first(probe).ts < ts`, "true", `first(probe).ts < ts`},
	{`probe[0].country`, `"FR"`, `probe[0].country`},
	{`probe[-1].country`, `"FR"`, `probe[-1].country`},
	{`probe[1].country`, `"DE"`, `probe[1].country`},
	{`probe.type`, `["payment","payment","login"]`, `probe.type`},
	{`last(cashout).amount`, "50", `last(cashout).amount`},
	{`first(cashout).amount`, "50", `first(cashout).amount`},
	{`cashout?.amount`, "50", `cashout.amount`},
	// comparisons
	{`amount == 100`, "true", `100.0 == amount`},
	{`100 == amount`, "true", `100 == amount`},
	{`amount != 100`, "false", `!(amount == 100)`},
	{`amount < 100`, "false", `amount < 100`},
	{`amount <= 100`, "true", `amount <= 100`},
	// a field beside a value that is worked out: at the limit, below and above
	{`amount < 2 * cashout.amount`, "false", `amount < 2 * cashout.amount`},
	{`amount <= 2 * cashout.amount`, "true", `amount <= 2 * cashout.amount`},
	{`amount > 2 * cashout.amount`, "false", `amount > 2 * cashout.amount`},
	{`amount >= 2 * cashout.amount`, "true", `amount >= 2 * cashout.amount`},
	{`amount < 3 * cashout.amount`, "true", `amount < 3 * cashout.amount`},
	{`amount > 3 * cashout.amount`, "false", `amount > 3 * cashout.amount`},
	{`amount > cashout.amount`, "true", `amount > cashout.amount`},
	{`amount <= cashout.amount`, "false", `amount <= cashout.amount`},
	{`amount >= 3 * cashout.amount`, "false", `amount >= 3 * cashout.amount`},
	{`amount > 2 * probe[1].amount`, "false", `amount > 2 * probe[1].amount`},
	{`amount <= 2 * probe[1].amount`, "false", `amount <= 2 * probe[1].amount`},
	{`ts > cashout.ts`, "true", `ts > cashout.ts`},
	{`ts <= cashout.ts`, "false", `ts <= cashout.ts`},
	{`99 < amount`, "true", `99 < amount`},
	{`100 <= amount`, "true", `100 <= amount`},
	{`101 > amount`, "true", `101 > amount`},
	{`amount >= 100`, "true", `amount >= 100`},
	{`100 >= amount`, "true", `100 >= amount`},
	{`100 < amount`, "false", `100 < amount`},
	{`amount > 99.5`, "true", `amount > 99.5`},
	{`status == "approved"`, "true", `status == 'approved'`},
	{`"approved" != status`, "false", `"approved" != status`},
	{`country == home`, "false", `country == home`},
	{`country != home`, "true", `country != home`},
	{`status < "b"`, "true", `status < "b"`},
	{`"b" <= status`, "false", `"b" <= status`},
	{`flag == true`, "true", `flag == true`},
	{`flag == off`, "false", `flag == off`},
	{`50 < amount < 200`, "true", `50 < amount && amount < 200`},
	{`50 < amount < 60`, "false", `50 < amount && amount < 60`},
	{`type == "payment"`, "true", `type == "payment"`},
	{`type != "payment"`, "false", `type != "payment"`},
	{`rate < amount`, "true", `rate < amount`},
	{`tags == tags`, "true", `tags == tags`},
	{`tags == ["a", "b", nil]`, "true", `tags == ["a", "b", null]`},
	{`tags == ["a"]`, "false", `tags == ["a"]`},
	{`device == {"os": "ios", "extra": {"deep": 1}}`, "true", `device == {"os": "ios", "extra": {"deep": 1}}`},
	{`cashout == cashout`, "true", `cashout == cashout`},
	{`first(probe) == last(probe)`, "false", `first(probe) == last(probe)`},
	{`first(probe) == probe[0]`, "true", `first(probe) == probe[0]`},
	{`"1" == string(1)`, "true", `"1" == string(1)`},
	// times
	{`ts - first(probe).ts`, "3m0s", `ts - first(probe).ts`},
	{`ts - created`, "1h0m0s", `ts - created`},
	{`ts - created < duration("2h")`, "true", `ts - created < duration("2h")`},
	{`ts - created == duration("60m")`, "true", `ts - created == duration("60m")`},
	{`ts + duration("1d")`, "@2026-01-03T03:04:05.678Z", `ts + duration("1d")`},
	{`duration("1s") + ts`, "@2026-01-02T03:04:06.678Z", `duration("1s") + ts`},
	{`ts - duration("1s")`, "@2026-01-02T03:04:04.678Z", `ts - duration("1s")`},
	{`ts > created`, "true", `ts > created`},
	{`ts == 1767323045678`, "true", `ts == 1767323045678`},
	{`1767323045678 == ts`, "true", `1767323045678 == ts`},
	{`ts > 1767323045677`, "true", `ts > 1767323045677`},
	{`1767323045678 < ts`, "false", `1767323045678 < ts`},
	{`created < 1767323045678`, "true", `created < 1767323045678`},
	{`created >= 1767319445678`, "true", `created >= 1767319445678`},
	{`created > 1767319445678`, "false", `created > 1767319445678`},
	{`created in [1767319445678]`, "true", `created in [1767319445678]`},
	{`1767319445678 in [created]`, "true", `1767319445678 in [created]`},
	{`duration("90s") / 2`, "45s", `duration("90s") / 2`},
	{`duration("1m") * 1.5`, "1m30s", `duration("1m") * 1.5`},
	{`2 * duration("1m")`, "2m0s", `2 * duration("1m")`},
	{`duration("1h") / duration("1m")`, "60", `duration("1h") / duration("1m")`},
	{`-duration("1s")`, "-1s", `-duration("1s")`},
	{`duration("1h") - duration("1m")`, "59m0s", `duration("1h") - duration("1m")`},
	{`duration("2w") > duration("13d")`, "true", `duration("2w") > duration("13d")`},
	{`seconds(ts - created)`, "3600", `seconds(ts - created)`},
	{`abs(created - ts)`, "1h0m0s", `abs(created - ts)`},
	{`params.span > duration("119s")`, "true", `params.span > duration("119s")`},
	{`duration("1s") / 0`, "nil", `duration("1s") / 0`},
	{`duration("15250w") * 2`, "nil", `duration("15250w") * 2`},
	{`ts + duration("15250w")`, "nil", `ts + duration("15250w")`},
	{`duration("1s") * big`, "nil", `duration("1s") * big`},
	{`duration("1s") * 0.5 * 2`, "1s", `duration("1s") * 0.5 * 2`},
	{`duration("0s")`, "refused", `duration("0s")`},
	{`hour(ts)`, "3", `hour(ts)`},
	{`hour(ts, "Europe/Paris")`, "4", `ts.getHours("Europe/Paris")`},
	{`hour(ts, zone)`, "4", `ts.getHours(zone)`},
	{`hour(ts, "America/New_York")`, "22", `hour(ts, "America/New_York")`},
	{`weekday(ts)`, "5", `ts.getDayOfWeek()`},
	{`weekday(ts, "America/New_York")`, "4", `ts.getDayOfWeek("America/New_York")`},
	{`date(ts)`, `"2026-01-02"`, `date(ts)`},
	{`date(ts, "America/New_York")`, `"2026-01-01"`, `date(ts, "America/New_York")`},
	{`hour(ts, status)`, "nil", `ts.getHours(status)`},
	{`hour(ts, "UTC")`, "3", `hour(ts, "UTC")`},
	{`date(ts, zone)`, `"2026-01-02"`, `date(ts, zone)`},
	{`weekday(ts, zone)`, "5", `weekday(ts, zone)`},
	// arithmetic
	{`1 + 2 * 3`, "7", `1 + 2 * 3`},
	{`amount / 8`, "12.5", `amount / 8`},
	{`5 / 2 == 2.5`, "true", `5 / 2 == 2.5`},
	{`-7 % 3`, "-1", `-7 % 3`},
	{`7 % -3`, "1", `7 % -3`},
	{`7.5 % 2`, "1.5", `7.5 % 2`},
	{`2 ** 10`, "1024", ""},
	{`2 ^ 3 ^ 2`, "512", ""},
	{`-amount`, "-100", `-amount`},
	{`-0`, "0", `-0`},
	{`-(amount - 100)`, "0", `-(amount - 100)`},
	{`+amount`, "100", ""},
	{`amount - rate`, "99.5", `amount - rate`},
	{`amount * rate`, "50", `amount * rate`},
	{`status + "!"`, `"approved!"`, `status + "!"`},
	{`amount % 30`, "10", `amount % 30`},
	{`0.1 + 0.2 == 0.3`, "false", `0.1 + 0.2 == 0.3`},
	// logic
	{`flag && amount > 1`, "true", `flag && amount > 1`},
	{`flag and not off`, "true", `flag && !off`},
	{`off or flag`, "true", `off || flag`},
	{`amount > 1 ? "big" : "small"`, `"big"`, `amount > 1 ? "big" : "small"`},
	{`off ?: flag`, "true", `off ? off : flag`},
	{`if flag { 1 } else { 2 }`, "1", `flag ? 1 : 2`},
	// texts
	{`status contains "prov"`, "true", `status.contains("prov")`},
	{`status startsWith "app"`, "true", `status.startsWith("app")`},
	{`status endsWith "ved"`, "true", `status.endsWith("ved")`},
	{`status not endsWith "ved"`, "false", `!status.endsWith("ved")`},
	{`status matches "^a.*d$"`, "true", `status.matches(r"^a.*d$")`},
	{`status not matches "x"`, "true", `!status.matches("x")`},
	{`status matches params.name`, "true", `matches(status, params.name)`},
	{`email[0:3]`, `"Ünï"`, `email.substring(0, 3)`},
	{`email[-2:]`, `"de"`, `email.substring(-2)`},
	{`email[1]`, `"n"`, `email[1]`},
	{`email[0]`, `"Ü"`, `email[0]`},
	{`len(email)`, "8", `email.size()`},
	{`lower(email)`, `"ünï@x.de"`, `lower(email)`},
	{`indexOf(email, "@")`, "3", `indexOf(email, "@")`},
	// in
	{`country in ["KP", "IR"]`, "true", `country in ["KP", "IR"]`},
	{`country not in ["KP", "IR"]`, "false", `!(country in ["KP", "IR"])`},
	{`country in params.countries`, "true", `country in params.countries`},
	{`home in params.countries`, "false", `home in params.countries`},
	{`country in params.many`, "true", `country in params.many`},
	{`home in params.many`, "false", `home in params.many`},
	{`2.5 in params.levels`, "true", `2.5 in params.levels`},
	{`amount in [1, 100]`, "true", `amount in [1, 100]`},
	{`amount in [rate, 100]`, "true", `amount in [rate, 100]`},
	{`event.home in probe.country`, "true", `event.home in probe.country`},
	{`country in probe.country`, "false", `country in probe.country`},
	{`country in cashout.country`, "true", `country in cashout.country`},
	{`home not in cashout.country`, "true", `!(home in cashout.country)`},
	{`"a" in tags`, "true", `"a" in tags`},
	{`"c" in tags`, "false", `"c" in tags`},
	{`nil in tags`, "true", `null in tags`},
	{`"os" in device`, "true", `"os" in device`},
	{`country in {"KP": 1}`, "true", `country in {"KP": 1}`},
	{`"z" in cashout.tags`, "true", `"z" in cashout.tags`},
	{`"q" in cashout.tags`, "false", `"q" in cashout.tags`},
	{`ts in [ts]`, "true", `ts in [ts]`},
	{`duration("1s") in [duration("1s")]`, "true", `duration("1s") in [duration("1s")]`},
	{`true in [flag]`, "true", `true in [flag]`},
	{`country in [home, "KP"]`, "true", `country in [home, "KP"]`},
	{`{"KP": 10, "FR": 1}[country]`, "10", `{"KP": 10, "FR": 1}[country]`},
	{`{"KP": 10}[home] ?? 5`, "5", `{"KP": 10}[home] != null ? {"KP": 10}[home] : 5`},
	// lists
	{`count(probe)`, "3", `count(probe)`},
	{`count(cashout)`, "1", `count(cashout)`},
	{`len(probe)`, "3", `probe.size()`},
	{`distinct(probe)`, "3", `distinct(probe)`},
	{`distinct(probe.country)`, "2", `distinct(probe.country)`},
	{`count(probe.country)`, "3", `count(probe.country)`},
	{`sum(probe.rate)`, "6", `sum(probe.rate)`},
	{`mean(probe.rate)`, "2", `mean(probe.rate)`},
	{`sum(cashout.amount)`, "50", `sum(cashout.amount)`},
	{`mean(cashout.amount)`, "50", `mean(cashout.amount)`},
	{`min(probe.rate)`, "1", `min(probe.rate)`},
	{`max(probe.rate, 9)`, "9", `max(probe.rate, 9)`},
	{`min(probe.rate, cashout.amount)`, "1", `min(probe.rate, cashout.amount)`},
	{`max(amount, rate)`, "100", `max(amount, rate)`},
	{`min(3, 1, 2)`, "1", `min(3, 1, 2)`},
	{`median(probe.rate)`, "2", `median(probe.rate)`},
	{`median([1, 2, 3, 10])`, "2.5", `median([1, 2, 3, 10])`},
	{`stddev([2, 4, 4, 4, 5, 5, 7, 9])`, "2", `stddev([2, 4, 4, 4, 5, 5, 7, 9])`},
	{`stddev([5])`, "0", `stddev([5])`},
	{`first(probe.country)`, `"FR"`, `first(probe.country)`},
	{`last(probe.amount)`, "4", `last(probe.amount)`},
	{`first([3, 4])`, "3", `first([3, 4])`},
	{`max(first(probe).ts, ts) == ts`, "true", `max(first(probe).ts, ts) == ts`},
	{`min(probe.ts) == first(probe).ts`, "true", `min(probe.ts) == first(probe).ts`},
	{`sum(probe.amount) + cashout.amount`, "55", `sum(probe.amount) + cashout.amount`},
	{`sum(numbers)`, "6", `sum(numbers)`},
	{`max(numbers)`, "3", `max(numbers)`},
	{`count(tags)`, "2", `count(tags)`},
	{`len(tags)`, "3", `size(tags)`},
	{`sum(1..4)`, "10", ""},
	{`amount > 20 * mean(probe.amount)`, "true", `amount > 20 * mean(probe.amount)`},
	{`min(ts - created, duration("1m"))`, "1m0s", `min(ts - created, duration("1m"))`},
	{`distinct(probe.tags)`, "1", `distinct(probe.tags)`},
	{`first(probe.tags)`, `["x"]`, `first(probe.tags)`},
	{`numbers[0]`, "3", `numbers[0]`},
	{`numbers[1:]`, "[1,2]", ""},
	// predicates and what the machine alone knows
	{`any(probe, .amount > 3)`, "true", `probe.exists(p, p.amount > 3)`},
	{`any(probe, .amount > 5)`, "false", `probe.exists(p, p.amount > 5)`},
	{`all(probe, .rate >= 1)`, "true", `probe.all(p, p.rate >= 1)`},
	{`none(probe, .rate > 5)`, "true", `!probe.exists(p, p.rate > 5)`},
	{`one(probe, .amount == 4)`, "true", `probe.exists_one(p, p.amount == 4)`},
	{`count(probe, .country == "FR")`, "2", `size(probe.filter(p, p.country == "FR"))`},
	{`sum(probe, .amount * .rate)`, "6", `sum(probe.map(p, p.amount * p.rate))`},
	{`len(filter(probe, .country == "FR"))`, "2", `len(probe.filter(p, p.country == "FR"))`},
	{`map(probe, .rate)`, "[2,3,1]", `probe.map(p, p.rate)`},
	{`sum(map(probe, .rate))`, "6", `sum(probe.map(p, p.rate))`},
	{`probe | filter(.rate > 1) | map(.country)`, `["FR","DE"]`, `probe.map(p, p.rate > 1, p.country)`},
	{`probe | map(.rate) | sum()`, "6", `sum(probe.rate)`},
	{`find(probe, .rate == 3).country`, `"DE"`, `first(probe.filter(p, p.rate == 3)).country`},
	{`findIndex(probe, .rate == 3)`, "1", ""},
	{`findLast(probe, .country == "FR").rate`, "1", `last(probe.filter(p, p.country == "FR")).rate`},
	{`findLastIndex(probe, .country == "FR")`, "2", ""},
	{`findIndex(probe, .rate == 9)`, "nil", ""},
	{`map(sortBy(probe, .rate), .country)`, `["FR","FR","DE"]`, ""},
	{`map(sortBy(probe, .rate, "desc"), .rate)`, "[3,2,1]", ""},
	{`map(sortBy(probe, .amount), .rate)`, "[2,1,3]", ""},
	{`reduce(probe, #acc + .rate, 10)`, "16", ""},
	{`map(probe, #index)`, "[0,1,2]", ""},
	{`let m = mean(probe.rate); any(probe, .rate > m)`, "true", `probe.exists(p, p.rate > mean(probe.rate))`},
	{`any(probe, .country == cashout.country)`, "false", `probe.exists(p, p.country == cashout.country)`},
	{`any(probe, .ts > ts - duration("90s"))`, "true", `probe.exists(p, p.ts > ts - duration("90s"))`},
	{`any(cashout, .amount > 10)`, "true", `cashout.exists(p, p.amount > 10)`},
	{`map(cashout, .amount)`, "[50]", `cashout.map(p, p.amount)`},
	{`reverse([1, 2])`, "[2,1]", `reverse([1, 2])`},
	{`sort([3, 1, 2])`, "[1,2,3]", `sort([3, 1, 2])`},
	{`sort([3, 1, nil, 2], "desc")`, "[3,2,1,null]", `sort([3, 1, null, 2], "desc")`},
	{`uniq([1, 2, 1])`, "[1,2]", `uniq([1, 2, 1])`},
	{`concat([1], [2])`, "[1,2]", `concat([1], [2])`},
	{`flatten([[1], [2, [3]]])`, "[1,2,3]", `flatten([[1], [2, [3]]])`},
	{`take([1, 2, 3], 2)`, "[1,2]", `take([1, 2, 3], 2)`},
	{`1..3`, "[1,2,3]", ""},
	{`amount in 1..100`, "true", ""},
	{`params.limit..3`, "[2,3]", ""},
	{`1..rate * 4`, "[1,2]", ""},
	{`sum(1..amount)`, "5050", ""},
	{`3..1`, "[]", ""},
	{`split("a,b", ",")`, `["a","b"]`, `split("a,b", ",")`},
	{`split("a,b,c", ",", 2)`, `["a","b,c"]`, `split("a,b,c", ",", 2)`},
	{`splitAfter("a,b", ",")`, `["a,","b"]`, `splitAfter("a,b", ",")`},
	{`splitAfter("a,b,c", ",", 2)`, `["a,","b,c"]`, `splitAfter("a,b,c", ",", 2)`},
	{`join(["a", "b"], "-")`, `"a-b"`, `join(["a", "b"], "-")`},
	{`join(split("a b", " "))`, `"ab"`, `join(split("a b", " "))`},
	{`[amount, status, ts - created]`, `[100,"approved",3600]`, `[amount, status, ts - created]`},
	{`{"n": amount, "at": ts}`, `{"at":"2026-01-02T03:04:05.678Z","n":100}`, `{"n": amount, "at": ts}`},
	{`get({"a": 1}, "a")`, "1", `get({"a": 1}, "a")`},
	{`get([5], 0)`, "5", `get([5], 0)`},
	{`toJSON([1, "<"])`, `"[1,\"<\"]"`, `toJSON([1, "<"])`},
	{`fromJSON("[1]")[0]`, "1", `fromJSON("[1]")[0]`},
	{`any(probe, any(tags, # == "a") && .rate > 2)`, "true", `probe.exists(p, tags.exists(t, t == "a") && p.rate > 2)`},
	{`any([1, 2], # in [2])`, "true", `[1, 2].exists(x, x in [2])`},
	{`let x = first(probe); x.country`, `"FR"`, `[first(probe)].map(x, x.country)[0]`},
	{`map(probe[0:2], .rate)`, "[2,3]", `take(probe, 2).map(p, p.rate)`},
	{`any(concat(probe, [cashout]), .amount == 50)`, "true", `concat(probe, [cashout]).exists(p, p.amount == 50)`},
	{`{"a": {"b": amount}}.a.b`, "100", `{"a": {"b": amount}}.a.b`},
	{`[[1, 2], [3]][0][1]`, "2", `[[1, 2], [3]][0][1]`},
	{`len({"a": 1})`, "1", `{"a": 1}.size()`},
	{`any(tags, # startsWith "a")`, "true", `tags.exists(t, t.startsWith("a"))`},
	{`map(1..2, # * amount)`, "[100,200]", `[1, 2].map(x, x * amount)`},
	// functions
	{`abs(-3)`, "3", `abs(-3)`},
	{`ceil(1.2)`, "2", `ceil(1.2)`},
	{`floor(-1.2)`, "-2", `floor(-1.2)`},
	{`round(2.5)`, "3", `round(2.5)`},
	{`int(-1.9)`, "-1", `int(-1.9)`},
	{`int("12")`, "12", `int("12")`},
	{`float("1_000")`, "nil", `double("1_000")`},
	{`float("0x1p4")`, "nil", `double("0x1p4")`},
	{`int("-1e3")`, "-1000", `int("-1e3")`},
	{`float("1.5")`, "1.5", `double("1.5")`},
	{`string(amount)`, `"100"`, `string(amount)`},
	{`string(true)`, `"true"`, `string(true)`},
	{`string(ts - created)`, `"3600"`, `string(ts - created)`},
	{`upper("ab")`, `"AB"`, `upper("ab")`},
	{`trim("  a ")`, `"a"`, `trim("  a ")`},
	{`trim("xax", "x")`, `"a"`, `trim("xax", "x")`},
	{`trimPrefix("abc", "a")`, `"bc"`, `trimPrefix("abc", "a")`},
	{`trimPrefix(" a")`, `"a"`, `trimPrefix(" a")`},
	{`trimSuffix("abc", "c")`, `"ab"`, `trimSuffix("abc", "c")`},
	{`trimSuffix("a ")`, `"a"`, `trimSuffix("a ")`},
	{`hasPrefix(status, "app")`, "true", `hasPrefix(status, "app")`},
	{`hasSuffix(status, "x")`, "false", `hasSuffix(status, "x")`},
	{`lastIndexOf("aba", "a")`, "2", `lastIndexOf("aba", "a")`},
	{`indexOf("aba", "x")`, "-1", `indexOf("aba", "x")`},
	{`replace("aaa", "a", "b")`, `"bbb"`, `replace("aaa", "a", "b")`},
	{`replace("aaa", "a", "b", 2)`, `"bba"`, `replace("aaa", "a", "b", 2)`},
	{`repeat("ab", 2)`, `"abab"`, `repeat("ab", 2)`},
	{`toBase64("hi")`, `"aGk="`, `toBase64("hi")`},
	{`fromBase64("aGk=")`, `"hi"`, `fromBase64("aGk=")`},
	{`edit_distance("kitten", "sitting")`, "3", `edit_distance("kitten", "sitting")`},
	{`edit_distance("", "ab")`, "2", `edit_distance("", "ab")`},
	{`edit_distance("Zoë", "Zoe")`, "1", `edit_distance("Zoë", "Zoe")`},
	{`edit_distance(repeat("a", 257), "a")`, "nil", `edit_distance(repeat("a", 257), "a")`},
	{`edit_distance(status, "aproved")`, "1", `edit_distance(status, "aproved")`},
	{`bitand(6, 3)`, "2", `bitand(6, 3)`},
	{`bitor(6, 3)`, "7", `bitor(6, 3)`},
	{`bitxor(6, 3)`, "5", `bitxor(6, 3)`},
	{`bitnand(6, 3)`, "4", `bitnand(6, 3)`},
	{`bitshl(1, 4)`, "16", `bitshl(1, 4)`},
	{`bitshr(16, 2)`, "4", `bitshr(16, 2)`},
	{`bitushr(16, 2)`, "4", `bitushr(16, 2)`},
	{`bitnot(0)`, "-1", `bitnot(0)`},
	{`bitshl(1, 64)`, "0", `bitshl(1, 64)`},
	{`repeat("a", 70000)`, "nil", `repeat("a", 70000)`},
	{`replace(repeat("a", 60000), "a", "bb")`, "nil", `replace(repeat("a", 60000), "a", "bb")`},
	{`len(repeat("a", 60000) + repeat("a", 60000))`, "nil", `len(repeat("a", 60000) + repeat("a", 60000))`},
}

func TestValues(t *testing.T) {
	var rows []valueRow
	for _, r := range valueRows {
		if r.want != "refused" {
			rows = append(rows, r)
			continue
		}
		for lang, text := range map[Lang]string{LangExpr: r.text, LangCEL: r.cel} {
			c := declared
			c.lang = lang
			if _, err := CompileValue(text, c.env()); err == nil {
				t.Errorf("%s: no error", text)
			}
		}
	}
	checkRows(t, rows, declared, undeclared)
}

// TestNames checks which meaning a name has that could have several.
func TestNames(t *testing.T) {
	// `home` is a key and a field. With a schema the field is the field; without
	// one the declared name wins, and the field is event.home.
	checkRows(t, []valueRow{{`home`, `"FR"`, `home`}, {`event.home`, `"FR"`, `event.home`}}, declared)
	checkRows(t, []valueRow{
		{`home`, `"h1"`, `home`},
		{`event.home`, `"FR"`, `event.home`},
		{`anything`, "nil", `anything`},
		{`any_thing.deep`, "nil", `any_thing.deep`},
	}, undeclared)
	// After the match there are no bare fields: keys, measures, variables.
	checkRows(t, []valueRow{
		{`home`, `"h1"`, `home`},
		{`card_id + home`, `"c1h1"`, `card_id + home`},
		{`probes + 1`, "4", `probes + 1`},
		{`missing`, "nil", `missing`},
		{`missing + 1`, "nil", `missing + 1`},
		{`label == "card"`, "true", `label == "card"`},
		{`sum(probe.amount) + cashout.amount`, "55", `sum(probe.amount) + cashout.amount`},
		{`distinct(probe.country) >= 2`, "true", `distinct(probe.country) >= 2`},
		{`min(100, 55 + 5 * probes)`, "70", `min(100, 55 + 5 * probes)`},
		{`last(probe).ts`, "@2026-01-02T03:03:05.678Z", `last(probe).ts`},
		{`any(probe, .rate > probes)`, "false", `probe.exists(p, p.rate > probes)`},
		{`last(probe).type`, `"login"`, `last(probe).type`},
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
		{`round(distance_km(lat, lon, 33.94, -118.40))`, "2886", `round(distance_km(lat, lon, 33.94, -118.40))`},
		{`round(speed_kmh(lat, lon, ts, 33.94, -118.40, created))`, "2886", `round(speed_kmh(lat, lon, ts, 33.94, -118.40, created))`},
		{`round(speed_kmh(lat, lon, created, 33.94, -118.40, ts))`, "2886", `round(speed_kmh(lat, lon, created, 33.94, -118.40, ts))`},
		{`speed_kmh(lat, lon, created, lat, lon, ts)`, "0", `speed_kmh(lat, lon, created, lat, lon, ts)`},
		{`round(speed_kmh(first(probe).lat, first(probe).lon, first(probe).ts, lat, lon, ts))`, "57729", `round(speed_kmh(first(probe).lat, first(probe).lon, first(probe).ts, lat, lon, ts))`},
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

// TestCELBuiltins fails on a function that nobody has tried in CEL, and on one
// that is both allowed and refused.
func TestCELBuiltins(t *testing.T) {
	tested := ""
	for _, rows := range [][]valueRow{nilRows, valueRows, celRows} {
		for _, r := range rows {
			tested += r.cel + "\n"
		}
	}
	for _, name := range LangCEL.functionNames() {
		if name != ".." && name != "distance_km" && name != "speed_kmh" && !strings.Contains(tested, name+"(") {
			t.Errorf("%s has no row", name)
		}
	}
	for _, name := range methodNames {
		if !strings.Contains(tested, "."+name+"(") {
			t.Errorf("the method %s has no row", name)
		}
	}
	for name := range refusedCEL {
		if _, ok := celFunctions[name]; ok {
			t.Errorf("%s is allowed and refused", name)
		}
	}
	for name := range loops {
		if refusedCEL[name] == "" && name != "count" && name != "sum" {
			t.Errorf("%s takes a predicate, and CEL does not refuse it", name)
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

// TestConcurrentCEL compiles and runs in several goroutines, whose parsers share
// what they have learnt.
func TestConcurrentCEL(t *testing.T) {
	var wg sync.WaitGroup
	for k := range 4 {
		wg.Go(func() {
			for i, r := range celRows {
				if i%4 != k && i%7 != 0 {
					continue
				}
				c := undeclared
				c.lang = LangCEL
				f, err := CompileValue(r.cel, c.env())
				if err != nil {
					t.Errorf("%s: %v", r.cel, err)
					continue
				}
				if got := show(f(c.scope())); got != r.want {
					t.Errorf("%s = %s, want %s", r.cel, got, r.want)
				}
			}
		})
	}
	wg.Wait()
}
