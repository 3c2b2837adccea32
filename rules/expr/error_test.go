package expr

import (
	"strings"
	"testing"
)

// faultRow is a text that is refused: what is at fault in it is between « and »,
// and the message and hint must hold the given words.
type faultRow struct{ text, msg, hint string }

func TestErrors(t *testing.T) {
	checkFaults(t, LangExpr, []faultRow{
		// names
		{"«amuont» > 5", "unknown name `amuont`", "did you mean `amount`?"},
		{"«event.amuont» > 5", "unknown name `amuont`", "did you mean `amount`?"},
		{"«xyzzy» == 1", "unknown name `xyzzy`", ""},
		{"«prob».amount > 1", "unknown name `prob`", "`probe`"},
		{"«prob» == 1", "unknown name `prob`", "`probe`"},
		{"params.«limti» > 1", "unknown param `limti`", "`limit`"},
		{"«params» == 1", "no value", "params.limit"},
		{"«event» == nil", "`event` is no value", "event.amount"},
		{"last(probe).«amuont» > 1", "has no field `amuont`", "`amount`"},
		{"probe.«amuont» == [1]", "`probe` has no field `amuont`", "`amount`"},
		{"any(probe, .«amuont» > 1)", "has no field", "`amount`"},
		{"«count» > 1", "`count` is a function", "event.count"},
		{"«never».amount > 1", "captures nothing", ""},
		{"amount > 1 && «date» == 1", "`date` is a function", "event.date"},
		// functions
		{"«now»() > ts", "`now` is not available", "replay"},
		{"«now» > ts", "`now` is not available", "replay"},
		{"«keys»(device)", "`keys` is not available", "order"},
		{"«values»(device)", "`values` is not available", "order"},
		{"«toPairs»(device)", "`toPairs` is not available", "order"},
		{"«$env».amount", "`$env` is not available", ""},
		{"«groupBy»(probe, .country)", "not available", "distinct"},
		// lists
		{"in_list(«\"a\"», country)", "there is no list `a`", "declare it"},
		{"in_list(«\"vop\"», country)", "there is no list `vop`", "`vip`"},
		{"in_list(«country», country)", "the name of a list", "in_list(\"blocked\""},
		{"in_list(«params.name», country)", "the name of a list", ""},
		{"«in_list(\"vip\")»", "`in_list` takes 2 arguments, not 1", ""},
		{"«list_value(\"rates\", country, 1, 2)» > 1", "`list_value` takes 2 or 3 arguments, not 4", ""},
		{"in_list(\"vip\", «amount»)", "`amount` is a number; the list `vip` holds text", "string(amount)"},
		{"in_list(\"sizes\", «country»)", "the list `sizes` holds numbers", "float(country)"},
		{"in_list(\"nets\", «\"10.0.0.0/8\"»)", "is no IP address", ""},
		{"«list_value(\"vip\", country)» == 1", "the list `vip` has no values", "in_list"},
		{"list_value(\"rates\", country, «\"x\"») == 1", "`\"x\"` is a string; the values of the list `rates` are numbers", ""},
		{"«list_value(\"rates\", country) == \"x\"»", "== does not compare them", ""},
		{"cidr_contains(«\"10.1.0.0/8\"», country)", "bits behind its length", "10.0.0.0/8"},
		{"cidr_contains(«\"a\"», country)", "expected an IP address or prefix", ""},
		// features
		{"«spnd» > 1", "unknown name `spnd`", "`spend`"},
		{"«spnd»(country) > 1", "unknown function `spnd`", "`spend`"},
		{"«spend()» > 1", "`spend` takes 1 argument, not 0", "write `spend`"},
		{"«spend(country, home)» > 1", "`spend` takes 1 argument, not 2", "card_id"},
		{"«pair(country)» > 1", "`pair` takes 2 arguments, not 1", "payer, payee"},
		{"spend(«tags») > 1", "`tags` is a list; a key is", ""},
		{"spend(«last(probe).country») > 1", "is of captured events", ""},
		{"spend(«count(probe)») > 1", "is of captured events", ""},
		{"spend(«latest») > 1", "is of a feature", ""},
		{"spend(«card_id») > 1", "is of the rule's key", ""},
		{"any(probe, spend(«.country») > 1)", "is a name that the expression gives", ""},
		{"let x = country; spend(«x») > 1", "is a name that the expression gives", ""},
		{"«spend».amount > 1", "`spend` is a number and has no field `amount`", ""},
		{"«spend»", "a condition is true or false, this is a number", "spend != nil"},
		{"«known > 1»", "`known` is a bool, `1` is a number", ""},
		{"«summ»(probe.amount)", "unknown function `summ`", "`sum`"},
		{"«abs(1, 2)»", "`abs` takes 1 argument, not 2", ""},
		{"«abs()»", "takes 1 argument, not 0", ""},
		{"«distance_km(1, 2)»", "`distance_km` takes 4 arguments, not 2", ""},
		{"«hour(ts, \"UTC\", 1)»", "takes 1 or 2 arguments, not 3", ""},
		{"«mean()»", "takes 1 argument, not 0", ""},
		{"«mean(1, 2)»", "takes 1 argument, not 2", ""},
		{"«min()»", "at least 1", ""},
		{"ts.«Year»()", "methods are not available", "hour(t)"},
		{"«ts.year» == 1", "no field `year`", "hour"},
		{"hour(ts, «\"Local\"»)", "`Local` is no time zone", "IANA"},
		{"hour(ts, «\"localtime\"»)", "no time zone", ""},
		{"hour(ts, «\"Europe/Pariss\"»)", "no time zone", ""},
		{"hour(ts, «\"\"»)", "no time zone", ""},
		{"ts - created < duration(«\"2 days\"»)", "`2 days`", ""},
		{"duration(«\"1.5h\"») > params.span", "whole number", "90m"},
		{"sort([1], «\"up\"»)", "no such order", "asc"},
		{"sortBy(probe, .rate, «\"up\"»)", "no such order", "asc"},
		// types
		{"«status < 5»", "`status` is a string, `5` is a number: < does not compare them", ""},
		{"«status == 5»", "`status` is a string, `5` is a number: == does not compare them", ""},
		{"«amount != \"5\"»", "!= does not compare them", ""},
		{"«flag < off»", "`flag` is a bool", ""},
		{"«status - status»", "- does not take them", ""},
		{"«status + 1» == \"a\"", "+ does not take them", ""},
		{"«ts + ts» > ts", "+ does not take them", ""},
		{"«ts - created < 5»", "is a duration, `5` is a number", "seconds(d)"},
		{"«ts - created < \"5m\"»", "is a duration", "duration(\"5m\")"},
		{"«amount»", "a condition is true or false, this is a number", "amount != nil"},
		{"«amount» && flag", "`amount` is a number; what `&&` takes is a bool", ""},
		{"flag || «status»", "what `||` takes is a bool", ""},
		{"!«amount»", "what `!` takes is a bool", ""},
		{"«amount» ? flag : off", "a condition is a bool", ""},
		{"-«status» == 1", "what - takes is a number or duration", ""},
		{"«amount» contains \"1\"", "what contains takes is a string", ""},
		{"«tags» contains \"a\"", "`tags` is a list", "write \"a\" in tags"},
		{"status in «country»", "`country` is a string; `in` looks into a list", "country contains status"},
		{"«amount in [\"a\"]»", "never in it", ""},
		{"«amount in params.countries»", "never in it", ""},
		{"«amount in probe.country»", "never in it", ""},
		{"«amount» in {\"a\": 1}", "keys of a map are strings", ""},
		{"«probe.amount > 5»", "`probe.amount` is a list", "last(probe).amount"},
		{"«sum(probe.amount) > probe.amount»", "is a list", "any(probe, .amount"},
		{"«probe» == nil", "never nil", "count(probe) == 0"},
		{"sum(«probe») > 1", "`sum` takes numbers, `probe` holds events", "sum(probe.amount)"},
		{"sum(«probe.country») > 1", "`sum` takes numbers", ""},
		{"sum(probe, «.country») > 1", "`sum` takes numbers", ""},
		{"hour(«amount») > 1", "`amount` is a number; what hour takes is a time", ""},
		{"hour(ts, «amount») > 1", "argument 2 of hour is a string", ""},
		{"lower(«amount») == \"a\"", "is a number", ""},
		{"any(probe, «.amount»)", "the predicate of any is a bool", ""},
		{"«cashout»[0].amount == 1", "is an event, and has no elements", "it is one event"},
		{"«status.length» == 1", "`status` is a string and has no field `length`", ""},
		{"«tags[\"a\" ]» == 1", "`tags` is a list and has no field `a`", ""},
		{"tags[«flag»] == 1", "an index is a number", ""},
		{"status[«\"a\"»:] == \"a\"", "a bound of a slice is a number", ""},
		{"status matches «country»", "not a constant", ""},
		{"status matches «\"(\"»", "missing closing )", ""},
		{"«filter(probe, true)».amount == 1", "", "map(filter(probe, true), .amount)"},
		// syntax
		{"amount == «99999999999999999999»", "is too large", "1e20"},
		{"amount == «9_223_372_036_854_775_808» && flag", "is too large", "1e20"},
		{"amount == «0xfffffffffffffffffff» // all", "is too large", ""},
		{"amount > «1e400» ", "is too large", "1.8e308"},
		{"", "empty", ""},
		{"amount >«»", "ends too early", ""},
		{"amount «=» 5", "unexpected `=`", "write == to compare"},
		{"flag «&» off", "unexpected `&`", "&&"},
		{"amount > 5«)»", "unexpected `)`", "brackets"},
		{"«in» > 5", "unexpected `in`", "event.in"},
		{"amount > 5 «amount»", "unexpected `amount`", ""},
		{"status == «\"a»", "the string is not closed", "end it with"},
		{"amount > 5 «\\»", "unrecognized character", ""},
		{"«b\"x\"» == status", "byte strings", ""},
		{"flag; «off»", "one value", ""},
		{"{(«status»): 1}.a == 1", "not a constant", ""},
		{"{\"a\": 1, «\"a\"»: 2}.a == 1", "stands twice", ""},
		{"let «amount» = 1; amount > 1", "already means something", "another name"},
		{"let «count» = 1; flag", "already means something", ""},
		{"let x = 1; let «x» = 2; x > 1", "already means something", ""},
		{"any(probe, «#foo» > 1)", "`#foo`", "#index"},
		{"\"é\" == status && «amuont» > 1", "unknown name", ""},
		// cost
		{"amount in «1..1001»", "more than 1,000 elements", "ends"},
		{"«any(probe, any(probe, any(probe, .amount > 1)))»", "too many steps", "nest fewer"},
		{"«" + strings.Repeat("!", maxNodes+2) + "flag»", "too many parts", ""},
		{"«" + strings.Repeat("(", 60) + "flag" + strings.Repeat(" ?: flag)", 60) + "»", "too many parts", ""},
		{"«" + strings.Repeat(" ", maxLength) + "flag»", "16 KiB", ""},
	})
}

func checkFaults(t *testing.T, lang Lang, rows []faultRow) {
	t.Helper()
	for _, c := range rows {
		text := strings.NewReplacer("«", "", "»", "").Replace(c.text)
		w := declared
		w.lang = lang
		_, err := CompileBool(text, w.env())
		if c.msg == "" && c.hint == "" {
			if err == nil {
				t.Errorf("%s: no error", text)
			}
			continue
		}
		e, ok := err.(*Error)
		if !ok {
			t.Errorf("%.80s: %v, want %q", text, err, c.msg)
			continue
		}
		if !strings.Contains(e.Msg, c.msg) || !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%.80s: %v, want %q; %q", text, e, c.msg, c.hint)
		}
		if e.Pos < 0 || e.End > len(text) || e.Pos > e.End {
			t.Errorf("%.80s: place %d..%d", text, e.Pos, e.End)
			continue
		}
		if marked := text[:e.Pos] + "«" + text[e.Pos:e.End] + "»" + text[e.End:]; strings.Contains(c.text, "«") && marked != c.text {
			t.Errorf("marked  %.80s\nwant    %.80s", marked, c.text)
		}
	}
}

// TestNoCurrentEvent checks what is said of bare fields where there is no event.
func TestNoCurrentEvent(t *testing.T) {
	for text, hint := range map[string]string{
		`amount > 1`: "write cashout.amount", `event.amount > 1`: "last(v)", `ts > 1`: "write cashout.ts", `type == "a"`: "write cashout.type", `status == "a"`: "write cashout.status",
	} {
		c := completed
		_, err := CompileBool(text, c.env())
		e, ok := err.(*Error)
		if !ok || !strings.Contains(e.Msg, "no current event") || !strings.Contains(e.Hint, hint) {
			t.Errorf("%s: %v, want %q", text, err, hint)
		}
	}
	c := scene{}
	_, err := CompileBool(`amount > 1`, c.env())
	if e, ok := err.(*Error); !ok || !strings.Contains(e.Msg, "unknown name") {
		t.Errorf("without a schema: %v", err)
	}
}

func TestResultKinds(t *testing.T) {
	c := declared
	for _, text := range []string{`probe`, `cashout`, `first(probe)`, `filter(probe, true)`} {
		if _, err := CompileValue(text, c.env()); err == nil {
			t.Errorf("value %s: no error", text)
		}
	}
	for _, text := range []string{`status`, `flag`, `nil`, `ts`} {
		if _, err := CompileNumber(text, c.env()); err == nil {
			t.Errorf("number %s: no error", text)
		}
	}
	for _, text := range []string{`nil`, `5`, `"a"`} {
		if _, err := CompileCond(text, c.env()); err == nil {
			t.Errorf("condition %s: no error", text)
		}
	}
	f, err := CompileNumber(`flag ? amount : status`, c.env())
	if err != nil {
		t.Fatal(err)
	}
	if got := show(f(c.scope())); got != "100" {
		t.Errorf("got %s", got)
	}
}

// TestFaults checks that what fails while it runs is nil and is told.
func TestFaults(t *testing.T) {
	for _, text := range []string{
		`len(map(1..amount * 11, #))`, `reduce(others, #acc + 1)`, `len(map(1..1000, map(1..1000, #)))`, `len(concat(flatten(map(1..100, 1..100)), [1]))`,
		`len(filter(split(repeat(",", 2000), ","), true))`, `len(uniq(split(repeat(",", 2000), ",")))`, `split(repeat(",", 20000), ",")`,
	} {
		c := declared
		f, err := CompileValue(text, c.env())
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := show(f(c.scope())); got != "nil" || len(c.faults) != 1 {
			t.Errorf("%s = %s, faults %v", text, got, c.faults)
		}
		env := c.env()
		env.Fault = nil
		if f, err = CompileValue(text, env); err != nil || show(f(c.scope())) != "nil" {
			t.Errorf("%s without Fault: %v", text, err)
		}
	}
}
