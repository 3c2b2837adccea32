package cep

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

// decodeRuleset has a type of every sort: with a schema, with another unit of time,
// with the time of arrival, and without a schema.
func decodeRuleset() *Ruleset {
	return &Ruleset{
		Fields: []string{"amount", "card", "device", "device.os", "device.os.name", "when", "flag", "tags", "note", "ts", "type", "a.b"},
		Types: []Type{
			{Name: "free"},
			{Name: "gauge", Schema: &Schema{Time: "created", TimeUnit: time.Second, Fields: map[string]Kind{"created": Time, "amount": Number}}},
			{Name: "inner", Schema: &Schema{Time: "device.at", ID: "device.id", Fields: map[string]Kind{"device": Map}}},
			{Name: "payment", Schema: &Schema{Time: "ts", ID: "id", Seq: "n", Fields: map[string]Kind{
				"ts": Time, "id": Text, "n": Number, "amount": Number, "card": Text, "device": Map, "when": Time, "flag": Bool, "tags": List,
				"unread": Number, "unreadText": Text, "unreadTime": Time,
			}}},
			{Name: "tick", Schema: &Schema{Arrival: true, Fields: map[string]Kind{"amount": Number}}},
		},
	}
}

func fieldID(rs *Ruleset, name string) FieldID {
	for i, f := range rs.Fields {
		if f == name {
			return FieldID(i)
		}
	}
	panic("no field " + name)
}

func numberOf(digits string) Value {
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		panic(err)
	}
	return Value{Kind: Number, bits: math.Float64bits(f), Text: digits}
}

func TestDecode(t *testing.T) {
	const second = 1e9
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixNano()
	tests := []struct {
		name string
		line string
		want Event // Time, Type, Name, ID, Seq; Raw if it is not the line
		row  map[string]Value
	}{
		{"no type", `{"ts":1000}`, Event{Time: second, Type: OtherType, Name: "event"}, map[string]Value{"ts": TimeValue(second), "type": TextValue("event")}},
		{"null type", `{"type":null,"ts":1000}`, Event{Time: second, Type: OtherType, Name: "event"}, nil},
		{"type last", `{"ts":1000,"type":"free"}`, Event{Time: second, Type: 0, Name: "free"}, map[string]Value{"type": TextValue("free")}},
		{"type that nobody knows", `{"ts":1000,"type":"A-b_9"}`, Event{Time: second, Type: OtherType, Name: "A-b_9"}, map[string]Value{"type": TextValue("A-b_9")}},
		{"type with an escape in its value", `{"ts":1000,"type":"fr\u0065e"}`, Event{Time: second, Type: 0, Name: "free"}, nil},
		{"white space", " \t\r\n{ \"ts\" :\n1000\t,\r\"amount\" : 1 } \n", Event{Time: second, Type: OtherType, Name: "event", Raw: "{ \"ts\" :\n1000\t,\r\"amount\" : 1 }"}, map[string]Value{"amount": numberOf("1")}},
		{"dynamic kinds", `{"ts":1000,"amount":-1.50e+2,"card":"c","flag":true,"tags":[1, 2],"device":{"a": 1},"note":null}`, Event{Time: second, Type: OtherType, Name: "event"}, map[string]Value{
			"amount": numberOf("-1.50e+2"), "card": TextValue("c"), "flag": BoolValue(true),
			"tags": {Kind: List, Text: "[1, 2]"}, "device": {Kind: Map, Text: `{"a": 1}`}, "note": {},
		}},
		{"dynamic kinds change", `{"ts":"2026-01-02T03:04:05Z","amount":"1","card":1,"flag":{},"when":"2026-01-02T03:04:05Z","device":7}`, Event{Time: at, Type: OtherType, Name: "event"}, map[string]Value{
			"amount": TextValue("1"), "card": numberOf("1"), "flag": {Kind: Map, Text: "{}"}, "when": TextValue("2026-01-02T03:04:05Z"), "device": numberOf("7"), "ts": TimeValue(at),
		}},
		{"path", `{"ts":1000,"device":{"x":[{"os":1}],"os":"ios"}}`, Event{Time: second, Type: OtherType, Name: "event"}, map[string]Value{
			"device": {Kind: Map, Text: `{"x":[{"os":1}],"os":"ios"}`}, "device.os": TextValue("ios"),
		}},
		{"path of three", `{"ts":1000,"device":{"os":{"name":"ios"}}}`, Event{Time: second, Type: OtherType, Name: "event"}, map[string]Value{
			"device.os": {Kind: Map, Text: `{"name":"ios"}`}, "device.os.name": TextValue("ios"),
		}},
		{"path through what is no object", `{"ts":1000,"device":[{"os":1}]}`, Event{Time: second, Type: OtherType, Name: "event"}, map[string]Value{
			"device.os": {}, "device": {Kind: List, Text: `[{"os":1}]`},
		}},
		{"name with a dot after the path", `{"ts":1000,"a":{"b":1},"a.b":2}`, Event{Time: second, Type: OtherType, Name: "event"}, map[string]Value{"a.b": numberOf("2")}},
		{"name with a dot before the path", `{"ts":1000,"a.b":null,"a":{"b":1}}`, Event{Time: second, Type: OtherType, Name: "event"}, map[string]Value{"a.b": {}}},
		{"escapes", `{"ts":1000,"card":"\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\uDE00x"}`, Event{Time: second, Type: OtherType, Name: "event"}, map[string]Value{"card": TextValue("\"\\/\b\f\n\r\tAé€😀x")}},
		{"UTF-8", `{"ts":1000,"card":"é€😀` + "\x7f" + `"}`, Event{Time: second, Type: OtherType, Name: "event"}, map[string]Value{"card": TextValue("é€😀\x7f")}},
		{"escaped name that nobody wants", `{"ts":1000,"\u0062":1,"c\"d":2}`, Event{Time: second, Type: OtherType, Name: "event"}, nil},
		{"names of fields inside other objects", `{"ts":1000,"x":{"amount":1,"\u0061mount2":2},"y":{"amount":3}}`, Event{Time: second, Type: OtherType, Name: "event"}, map[string]Value{"amount": {}}},
		{"the name of a field, escaped inside another object", `{"ts":1000,"x":{"\u0061mount":1}}`, Event{Time: second, Type: OtherType, Name: "event"}, nil},
		{"a great number that nobody reads", `{"ts":1000,"x":1e999}`, Event{Time: second, Type: OtherType, Name: "event"}, nil},
		{"a tiny number", `{"ts":1000,"amount":1e-999}`, Event{Time: second, Type: OtherType, Name: "event"}, map[string]Value{"amount": numberOf("1e-999")}},
		{"minus zero", `{"ts":-0,"amount":-0}`, Event{Time: 0, Type: OtherType, Name: "event"}, map[string]Value{"amount": {Kind: Number, bits: 1 << 63, Text: "-0"}}},
		{"empty names", `{"ts":1000,"":{"":{"":1}}}`, Event{Time: second, Type: OtherType, Name: "event"}, nil},

		{
			"schema", `{"type":"payment","ts":"2026-01-02T04:04:05+01:00","id":"p1","n":7,"amount":9.5,"card":"c","device":{"os":true},"when":1000,"flag":false,"tags":[]}`,
			Event{Time: at, Type: 3, Name: "payment", ID: "p1", Seq: 7},
			map[string]Value{
				"ts": TimeValue(at), "amount": numberOf("9.5"), "card": TextValue("c"), "device": {Kind: Map, Text: `{"os":true}`}, "device.os": BoolValue(true),
				"when": TimeValue(second), "flag": BoolValue(false), "tags": {Kind: List, Text: "[]"}, "type": TextValue("payment"),
			},
		},
		{
			"nulls", `{"type":"payment","ts":1000,"id":null,"n":null,"amount":null,"card":null,"device":null,"when":null,"flag":null,"tags":null,"unread":null}`,
			Event{Time: second, Type: 3, Name: "payment"},
			map[string]Value{"amount": {}, "card": {}, "device": {}, "device.os": {}, "when": {}, "flag": {}, "tags": {}},
		},
		{
			"digits as text", `{"type":"payment","ts":1000,"id":70.0,"card":12345678901234567890123}`,
			Event{Time: second, Type: 3, Name: "payment", ID: "70.0"},
			map[string]Value{"card": TextValue("12345678901234567890123")},
		},
		{"digits as text, too great for a number", `{"type":"payment","ts":1000,"card":1e999}`, Event{Time: second, Type: 3, Name: "payment"}, map[string]Value{"card": TextValue("1e999")}},
		{"empty id", `{"type":"payment","ts":1000,"id":""}`, Event{Time: second, Type: 3, Name: "payment"}, nil},
		{"whole numbers in sequence", `{"type":"payment","ts":1000,"n":-9223372036854775808}`, Event{Time: second, Type: 3, Name: "payment", Seq: math.MinInt64}, nil},
		{"a whole number written with an exponent", `{"type":"payment","ts":1000,"n":1.20e3}`, Event{Time: second, Type: 3, Name: "payment", Seq: 1200}, nil},
		{"outside the schema", `{"type":"payment","ts":1000,"note":"x","a.b":1,"a":{"b":1},"device.os":"y"}`, Event{Time: second, Type: 3, Name: "payment"}, map[string]Value{"note": {}, "a.b": {}, "device.os": {}}},
		{"unit", `{"type":"gauge","created":1767323045.123456789,"ts":"no time"}`, Event{Time: at + 123456789, Type: 1, Name: "gauge"}, map[string]Value{"ts": {}}},
		{"arrival", `{"type":"tick","ts":"no time","amount":1}`, Event{Type: 4, Name: "tick"}, map[string]Value{"amount": numberOf("1"), "ts": {}}},
		{"time and id inside an object", `{"type":"inner","device":{"at":1000,"id":5,"os":"x"}}`, Event{Time: second, Type: 2, Name: "inner", ID: "5"}, map[string]Value{"device.os": TextValue("x")}},
	}
	rs := decodeRuleset()
	d := NewDecoder(rs)
	var e Event
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if reject := d.Decode(test.line, &e); reject != nil {
				t.Fatalf("rejected: column %d: %s", reject.Column, reject.Reason)
			}
			if test.want.Raw == "" {
				test.want.Raw = test.line
			}
			same := func(e *Event) {
				t.Helper()
				if e.Time != test.want.Time || e.Type != test.want.Type || e.Name != test.want.Name || e.ID != test.want.ID || e.Seq != test.want.Seq || e.Raw != test.want.Raw {
					t.Errorf("got time %d type %d %q id %q seq %d raw %q\nwant time %d type %d %q id %q seq %d raw %q",
						e.Time, e.Type, e.Name, e.ID, e.Seq, e.Raw, test.want.Time, test.want.Type, test.want.Name, test.want.ID, test.want.Seq, test.want.Raw)
				}
				for name, want := range test.row {
					if got := bare(*e.Field(fieldID(rs, name))); got != want {
						t.Errorf("%s is %+v, want %+v", name, got, want)
					}
				}
			}
			same(&e)
			c := e.Clone()
			clear(e.row)
			e.Raw = "another"
			same(c)
			ns, ok, reject := d.Time(test.line)
			if reject != nil || ns != test.want.Time || ok == (test.want.Name == "tick") {
				t.Errorf("Time gives %d, %v, %v", ns, ok, reject)
			}
		})
	}
}

func TestReject(t *testing.T) {
	deep := strings.Repeat("[", maxDepth-1) + strings.Repeat("]", maxDepth-1)
	names := func(n int, last string) string {
		var b strings.Builder
		b.WriteString(`{"ts":1000`)
		for i := range n {
			b.WriteString(`,"k` + strconv.Itoa(i) + `":{}`)
		}
		return b.String() + `,"` + last + `":1}`
	}
	manyNames := func(last string) string { return names(3*manyKeys, last) }
	tests := []struct {
		name, line string
		column     int // 0: accepted
		reason     string
	}{
		// What a line is.
		{"empty", ``, 1, "expected an event, which is a JSON object on a line of its own, found the end of the line"},
		{"blank", "  ", 3, "expected an event, which is a JSON object on a line of its own, found the end of the line"},
		{"array", `[]`, 1, "expected an event, which is a JSON object on a line of its own, found `[`"},
		{"byte order mark", "\ufeff{}", 1, "expected an event, which is a JSON object on a line of its own, found a byte order mark"},
		{"two objects", `{"ts":1} {}`, 10, "expected nothing after the event, found `{`"},
		{"trailing comma", `{"ts":1},`, 9, "expected nothing after the event, found `,`"},
		{"zero byte at the end", "{\"ts\":1}\x00", 9, "expected nothing after the event, found the control character 0x00"},
		{"cut", `{`, 2, "expected a name in quotes, found the end of the line"},
		{"cut after a name", `{"ts"`, 6, "expected `:` after a name, found the end of the line"},
		{"cut after the colon", `{"ts":`, 7, "expected a value, found the end of the line"},
		{"cut after a value", `{"ts":1`, 8, "expected `,` or `}`, found the end of the line"},
		{"cut after a comma", `{"ts":1,`, 9, "expected a name in quotes, found the end of the line"},
		{"cut in a string", `{"ts":"1`, 9, "expected `\"` at the end of a string, found the end of the line"},
		{"cut in a list", `{"ts":[1`, 9, "expected `,` or `]`, found the end of the line"},
		{"comma before }", `{"ts":1,}`, 9, "expected a name in quotes, found `}`"},
		{"comma before ]", `{"ts":1,"x":[1,]}`, 16, "expected a value, found `]`"},
		{"only a comma", `{,}`, 2, "expected a name in quotes, found `,`"},
		{"no comma", `{"ts":1 "x":2}`, 9, "expected `,` or `}`, found `\"`"},
		{"no comma in a list", `{"ts":1,"x":[1 2]}`, 16, "expected `,` or `]`, found `2`"},
		{"no colon", `{"ts" 1}`, 7, "expected `:` after a name, found `1`"},
		{"name without quotes", `{ts:1}`, 2, "expected a name in quotes, found `t`"},
		{"single quotes", `{'ts':1}`, 2, "expected a name in quotes, found `'`"},
		{"comment", `{"ts":1/**/}`, 8, "expected `,` or `}`, found `/`"},
		{"form feed", "{\f}", 2, "expected a name in quotes, found the control character 0x0c"},
		{"no-break space", "{\u00a0}", 2, "expected a name in quotes, found `\u00a0`"},
		{"brackets that do not match", `{"ts":1,"x":[}]}`, 14, "expected a value, found `}`"},
		{"deepest", `{"ts":1,"x":` + deep + `}`, 0, ""},
		{"too deep", `{"ts":1,"x":[` + deep + `]}`, 12 + maxDepth, "expected at most 64 levels of objects and arrays"},
		{"too deep in objects", strings.Repeat(`{"a":`, maxDepth) + `{}`, 5*maxDepth + 1, "expected at most 64 levels of objects and arrays"},
		{"longest", `{"ts":1` + strings.Repeat(" ", maxLine-8) + `}`, 0, ""},
		{"too long", `{"ts":1` + strings.Repeat(" ", maxLine-7) + `}`, maxLine + 1, "expected at most 1048576 bytes in a line, found 1048577"},

		// Names.
		{"name twice", `{"ts":1,"ts":1}`, 9, `the name "ts" stands twice in one object`},
		{"name twice that nobody wants", `{"ts":1,"xyzzy":1,"a":2,"xyzzy":1}`, 25, `the name "xyzzy" stands twice in one object`},
		{"long name twice", `{"ts":1,"a name of some length":1,"a name 0f some length":1,"a name of some length":2}`, 61, `the name "a name of some length" stands twice in one object`},
		{"names that differ only in the middle", `{"ts":1,"begin of a 1 and the end":1,"begin of a 2 and the end":1}`, 0, ""},
		{"names that differ in length", `{"ts":1,"abcdefgh":1,"abcdefghabcdefgh":1,"abcdefghabcdefghabcdefgh":1,"abc":1,"abc\u0000":1}`, 0, ""},
		{"name of eight bytes twice", `{"ts":1,"abcdefgh":1,"abcdefgh":1}`, 22, `the name "abcdefgh" stands twice in one object`},
		{"short name twice at the end", `{"ts":1,"é":1,"é":2}`, 16, `the name "é" stands twice in one object`},
		{"name twice inside", `{"ts":1,"x":[{"y":{"a":1,"b":2,"a":3}}]}`, 32, `the name "a" stands twice in one object`},
		{"name twice after an inner object", `{"ts":1,"x":{"y":1},"x":2}`, 21, `the name "x" stands twice in one object`},
		{"same names in different objects", `{"ts":1,"x":{"x":{"x":1}},"y":{"x":1},"z":[{"x":1},{"x":2}]}`, 0, ""},
		{"name twice, once escaped", `{"ts":1,"x":{"ab":1,"\u0061b":2}}`, 21, `the name "ab" stands twice in one object`},
		{"name twice, escaped twice", `{"ts":1,"\u00e9":1,"é":2}`, 20, `the name "é" stands twice in one object`},
		{"empty name twice", `{"ts":1,"":1,"":2}`, 14, `the name "" stands twice in one object`},
		{"many names", manyNames("k"), 0, ""},
		{"many names, the first twice", manyNames("ts"), strings.Index(manyNames("ts"), `,"ts":1}`) + 2, `the name "ts" stands twice in one object`},
		{"many names, one twice", manyNames("k100"), strings.Index(manyNames("k100"), `,"k100":1}`) + 2, `the name "k100" stands twice in one object`},
		{"very many names", names(70_000, "k"), 0, ""},
		{"very many names, one twice", names(70_000, "k69999"), strings.Index(names(70_000, "k69999"), `,"k69999":1}`) + 2, `the name "k69999" stands twice in one object`},
		{"many names again", manyNames("k"), 0, ""},
		{"escaped name of a field", `{"ts":1,"\u0061mount":1}`, 9, `expected the field "amount" without escapes in its name`},
		{"escaped name of the type", `{"ts":1,"t\u0079pe":"x"}`, 9, `expected the field "type" without escapes in its name`},
		{"escaped name of an object with a field", `{"ts":1,"\u0061":{"b":1}}`, 9, `expected the field "a" without escapes in its name`},
		{"escaped name on a path", `{"ts":1,"device":{"o\u0073":1}}`, 19, `expected the field "os" without escapes in its name`},

		// Strings.
		{"bad escape", `{"ts":1,"x":"\x"}`, 15, "expected an escape, one of `\"\\/bfnrtu`, after `\\`, found `x`"},
		{"capital escape", `{"ts":1,"x":"\U0041"}`, 15, "expected an escape, one of `\"\\/bfnrtu`, after `\\`, found `U`"},
		{"cut escape", `{"ts":1,"x":"\`, 15, "expected an escape, one of `\"\\/bfnrtu`, after `\\`, found the end of the line"},
		{"short escape", `{"ts":1,"x":"\u12"}`, 14, "expected four hexadecimal digits after \\u"},
		{"escape with a sign", `{"ts":1,"x":"\u+123"}`, 14, "expected four hexadecimal digits after \\u"},
		{"lone high surrogate", `{"ts":1,"x":"\ud83d"}`, 14, "expected the second half of a surrogate pair after this one"},
		{"high surrogate and another escape", `{"ts":1,"x":"\ud83d\u0041"}`, 14, "expected the second half of a surrogate pair after this one"},
		{"high surrogate and text", `{"ts":1,"x":"\ud83dabcdef"}`, 14, "expected the second half of a surrogate pair after this one"},
		{"two high surrogates", `{"ts":1,"x":"\ud83d\ud83d\ude00"}`, 14, "expected the second half of a surrogate pair after this one"},
		{"high surrogate at the end", `{"ts":1,"x":"\ud83d`, 14, "expected the second half of a surrogate pair after this one"},
		{"low surrogate", `{"ts":1,"x":"\ude00"}`, 14, "expected the first half of a surrogate pair before this one"},
		{"tab in a string", "{\"ts\":1,\"x\":\"a\tb\"}", 15, "expected the control character 0x09 in a string as an escape"},
		{"zero byte in a string", "{\"ts\":1,\"x\":\"a\x00b\"}", 15, "expected the control character 0x00 in a string as an escape"},
		{"line break in a name", "{\"ts\":1,\"x\n\":1}", 11, "expected the control character 0x0a in a string as an escape"},
		{"lone continuation byte", "{\"ts\":1,\"x\":\"\x80\"}", 14, "expected UTF-8, found the byte 0x80"},
		{"cut UTF-8", "{\"ts\":1,\"x\":\"abcdefgh\xe2\x82\"}", 22, "expected UTF-8, found the byte 0xe2"},
		{"overlong UTF-8", "{\"ts\":1,\"x\":\"\xc0\xaf\"}", 14, "expected UTF-8, found the byte 0xc0"},
		{"surrogate in UTF-8", "{\"ts\":1,\"x\":\"\xed\xa0\x80\"}", 14, "expected UTF-8, found the byte 0xed"},
		{"beyond Unicode", "{\"ts\":1,\"x\":\"\xf4\x90\x80\x80\"}", 14, "expected UTF-8, found the byte 0xf4"},
		{"bad UTF-8 in a name", "{\"ts\":1,\"\xff\":1}", 10, "expected UTF-8, found the byte 0xff"},
		{"bad UTF-8 outside of strings", "{\"ts\":1,\xff}", 9, "expected a name in quotes, found the byte 0xff"},

		// Numbers and words, where nobody reads them.
		{"leading zero", `{"ts":1,"x":01}`, 13, "expected a number without a leading zero"},
		{"leading zero after a sign", `{"ts":1,"x":-01}`, 14, "expected a number without a leading zero"},
		{"no digit after the point", `{"ts":1,"x":1.}`, 15, "expected a digit after the decimal point, found `}`"},
		{"no digit before the point", `{"ts":1,"x":.5}`, 13, "expected a value, found `.`: a number begins with a digit or -"},
		{"no digit before the point, with a sign", `{"ts":1,"x":-.5}`, 14, "expected a digit after -, found `.`"},
		{"no digit in the exponent", `{"ts":1,"x":1e}`, 15, "expected a digit in the exponent, found `}`"},
		{"no digit after the sign of the exponent", `{"ts":1,"x":1e+}`, 16, "expected a digit in the exponent, found `}`"},
		{"plus", `{"ts":1,"x":+1}`, 13, "expected a value, found `+`: a number begins with a digit or -"},
		{"minus", `{"ts":1,"x":-}`, 14, "expected a digit after -, found `}`"},
		{"minus at the end", `{"ts":1,"x":-`, 14, "expected a digit after -, found the end of the line"},
		{"a difference", `{"ts":1,"x":1-2}`, 14, "expected `,` or `}`, found `-`"},
		{"hexadecimal", `{"ts":1,"x":0x1}`, 14, "expected `,` or `}`, found `x`"},
		{"NaN", `{"ts":1,"x":NaN}`, 13, "expected a value, found `N`"},
		{"cut word", `{"ts":1,"x":nul}`, 13, "expected null or another value, found a word that is not JSON"},
		{"long word", `{"ts":1,"x":trues}`, 17, "expected `,` or `}`, found `s`"},
		{"capital word", `{"ts":1,"x":False}`, 13, "expected a value, found `F`"},

		// Types and times.
		{"type is a number", `{"type":1,"ts":1}`, 9, `expected a string in field "type", found a number`},
		{"type is empty", `{"type":"","ts":1}`, 9, "expected the name of an event type (letters, digits, `_` and `-`) in field \"type\""},
		{"type with a dot", `{"type":"pay.ment","ts":1}`, 9, "expected the name of an event type (letters, digits, `_` and `-`) in field \"type\""},
		{"type of a rule's matches", `{"type":"alert.x","ts":1}`, 9, "expected the name of an event type in field \"type\": those that begin with `alert.` stand for the matches of rules, which come of themselves"},
		{"type with a letter that is not ASCII", `{"type":"é","ts":1}`, 9, "expected the name of an event type (letters, digits, `_` and `-`) in field \"type\""},
		{"no time", `{"type":"free","x":1}`, 1, `expected the event time in field "ts", which is missing`},
		{"no time, after white space", `  {}`, 3, `expected the event time in field "ts", which is missing`},
		{"no time in a type with a schema", `{"type":"gauge","ts":1}`, 1, `expected the event time in field "created", which is missing`},
		{"no time inside an object", `{"type":"inner","device":{}}`, 1, `expected the event time in field "device.at", which is missing`},
		{"null time", `{"type":"free","ts":null}`, 21, `expected the event time in field "ts", found null`},
		{"time is a bool", `{"ts":true}`, 7, `expected a time (RFC 3339 text, or a number) in field "ts", found true`},
		{"time is no time", `{"ts":"yesterday"}`, 7, `expected a time in field "ts": "yesterday" is not RFC 3339 text like 2026-01-02T03:04:05Z`},
		{"time is digits in text", `{"ts":"1000"}`, 7, `expected a time in field "ts": "1000" is not RFC 3339 text like 2026-01-02T03:04:05Z`},
		{"time of a far year", `{"ts":"9999-12-31T23:59:59Z"}`, 7, `expected a time in field "ts": "9999-12-31T23:59:59Z" lies outside the years 1700 to 2199`},
		{"time is far too great", `{"ts":1e30}`, 7, `expected a time in field "ts": 1e30 lies outside the years 1700 to 2199`},
		{"time is too fine", `{"ts":0.0000001}`, 7, `expected a time in field "ts": 0.0000001 is finer than a nanosecond`},

		// Kinds.
		{"a number too great", `{"ts":1,"amount":-1e999}`, 18, `expected a number that a float64 can hold in field "amount", found -1e999`},
		{"a text for a number", `{"type":"payment","ts":1,"amount":"9"}`, 35, `expected a number in field "amount", found a string`},
		{"a bool for a text", `{"type":"payment","ts":1,"card":true}`, 33, `expected a string in field "card", found true`},
		{"a list for a text", `{"type":"payment","ts":1,"card":[]}`, 33, `expected a string in field "card", found a list`},
		{"a number for a bool", `{"type":"payment","ts":1,"flag":0}`, 33, `expected true or false in field "flag", found a number`},
		{"an object for a list", `{"type":"payment","ts":1,"tags":{}}`, 33, `expected a list in field "tags", found an object`},
		{"a text for an object", `{"type":"payment","ts":1,"device":"x"}`, 35, `expected an object in field "device", found a string`},
		{"a bool for a time", `{"type":"payment","ts":1,"when":false}`, 33, `expected a time (RFC 3339 text, or a number) in field "when", found false`},
		{"no time for a time", `{"type":"payment","ts":1,"when":"2026-02-29T00:00:00Z"}`, 33, `expected a time in field "when": "2026-02-29T00:00:00Z" names a date or time of day that does not exist`},
		{"a wrong kind where no rule reads", `{"type":"payment","ts":1,"unread":"9"}`, 35, `expected a number in field "unread", found a string`},
		{"a number too great where no rule reads", `{"type":"payment","ts":1,"unread":1e400}`, 35, `expected a number that a float64 can hold in field "unread", found 1e400`},
		{"a wrong text where no rule reads", `{"type":"payment","ts":1,"unreadText":{}}`, 39, `expected a string in field "unreadText", found an object`},
		{"a wrong time where no rule reads", `{"type":"payment","ts":1,"unreadTime":"x"}`, 39, `expected a time in field "unreadTime": "x" is not RFC 3339 text like 2026-01-02T03:04:05Z`},
		{"the first of two wrong values", `{"type":"payment","unread":true,"amount":"x"}`, 28, `expected a number in field "unread", found true`},
		{"an id that is a list", `{"type":"inner","device":{"at":1,"id":[]}}`, 39, `expected a string or a number in field "device.id", found a list`},
		{"a fraction in sequence", `{"type":"payment","ts":1,"n":1.5}`, 30, `expected a whole number of at most 64 bits in field "n", which orders events of equal time, found 1.5`},
		{"too great in sequence", `{"type":"payment","ts":1,"n":9223372036854775808}`, 30, `expected a whole number of at most 64 bits in field "n", which orders events of equal time, found 9223372036854775808`},
		{"a long number", `{"ts":1` + strings.Repeat("0", 50) + `}`, 7, `expected a time in field "ts": 1` + strings.Repeat("0", 39) + `… lies outside the years 1700 to 2199`},
	}
	d := NewDecoder(decodeRuleset())
	var e Event
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reject := d.Decode(test.line, &e)
			switch {
			case reject == nil && test.column > 0:
				t.Fatalf("accepted, want column %d: %s", test.column, test.reason)
			case reject != nil && (reject.Column != test.column || reject.Reason != test.reason):
				t.Fatalf("got  column %d: %s\nwant column %d: %s", reject.Column, reject.Reason, test.column, test.reason)
			}
			if _, _, again := d.Time(test.line); (again == nil) != (reject == nil) {
				t.Errorf("Time gives %v", again)
			}
		})
	}
}

// Every cut of a line is rejected, and every byte that is changed into a quote, a
// bracket or a byte that is not UTF-8 leaves the decoder usable.
func TestDecodeDamaged(t *testing.T) {
	const line = `{"type":"payment","ts":"2026-01-02T03:04:05Z","card":"\ud83d\ude00é","device":{"os":[1,{"a":null}]},"amount":-1.5e1}`
	d := NewDecoder(decodeRuleset())
	var e Event
	for i := range line {
		if d.Decode(line[:i], &e) == nil {
			t.Errorf("accepted: %s", line[:i])
		}
		for _, c := range []string{`"`, `{`, `]`, `\`, "\xff", "\x00"} {
			d.Decode(line[:i]+c+line[i+1:], &e)
		}
		if reject := d.Decode(line, &e); reject != nil || e.Field(1).Text != "😀é" {
			t.Fatalf("after the damage at %d: %v", i, reject)
		}
	}
}

func TestDecodeAllocates(t *testing.T) {
	d := NewDecoder(benchmarkRuleset())
	for _, line := range []string{payment, login, `{"type":"declared"` + payment[len(`{"type":"payment"`):]} {
		var e Event
		n := testing.AllocsPerRun(100, func() {
			if reject := d.Decode(line, &e); reject != nil {
				t.Fatal(reject.Reason)
			}
		})
		if n != 0 {
			t.Errorf("%v allocations for %s", n, line)
		}
	}
}

// A clone takes three pieces of memory: the event, its line, and its row.
func TestCloneAllocates(t *testing.T) {
	d := NewDecoder(benchmarkRuleset())
	var e Event
	for _, line := range []string{payment, login, `{"type":"unknown","ts":1,"card_id":"c"}`} {
		if reject := d.Decode(line, &e); reject != nil {
			t.Fatal(reject.Reason)
		}
		if n := testing.AllocsPerRun(100, func() { e.Clone() }); n != 3 {
			t.Errorf("%v allocations for a clone of %s", n, line)
		}
	}
}

// bare is a value without where it stood.
func bare(v Value) Value {
	v.at = 0
	return v
}
