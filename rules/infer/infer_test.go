package infer_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"weir/cep"
	"weir/rules/expr"
	"weir/rules/format"
	"weir/rules/infer"
	"weir/rules/ruletest"
	"weir/rules/source"
)

func survey(t testing.TB, lines []string) *infer.Survey {
	t.Helper()
	s := infer.New(false)
	for _, line := range lines {
		if reject := s.Add(line); reject != nil {
			t.Fatalf("%s\nno event: %s", line, reject.Reason)
		}
	}
	return s
}

// TestSchema infers schemas. A want is a line of the schema, without the spaces
// before it.
func TestSchema(t *testing.T) {
	tests := []struct {
		name   string
		events []string
		want   []string
		not    []string
	}{
		{
			"kinds",
			[]string{
				`{"ts":"2026-01-02T03:04:05Z","s":"x","n":1.5,"b":true,"l":[1],"m":{"a":1},"t":"2026-01-02T03:04:05+02:00"}`,
				`{"ts":"2026-01-02T03:04:06Z","s":"y","n":-2e3,"b":false,"l":[],"m":{},"t":"2026-01-02T03:04:05.123456789Z"}`,
			},
			[]string{"event:  # 2 events", "time: ts  # or t", "s: string", "n: number", "b: bool", "l: list", "m: map  # with a", "t: time"},
			[]string{"id:"},
		},
		{
			"missing and null",
			[]string{`{"ts":1767323045000,"a":1,"z":null}`, `{"ts":1767323046000,"a":null,"z":null}`, `{"ts":1767323047000,"a":3,"z":null}`},
			[]string{"a: number  # missing in 33 %", "# z is left out: it has no value in the sample"},
			[]string{"z:"},
		},
		{
			"conflicts",
			[]string{`{"ts":1767323045000,"a":1,"b":1,"c":"2026-01-02T03:04:05Z","d":1}`, `{"ts":1767323045000,"a":"x","b":true,"c":"soon","d":[]}`},
			[]string{"a: string  # text in 1 of 2, else a number", "# b is left out: its values are of several kinds, which no type of a field takes", "c: string", "# d is left out: its values are of several kinds, which no type of a field takes"},
			nil,
		},
		{
			"digits",
			[]string{`{"ts":1767323045000,"big":9007199254740993,"card_id":12,"zip":123,"huge":1e999,"n":12}`},
			[]string{"big: string", "card_id: string", "zip: string", "huge: string", "n: number"},
			nil,
		},
		{
			"epoch seconds",
			[]string{`{"created":1767323045,"a":1}`, `{"created":1767323046.5,"a":1}`},
			[]string{"time: {field: created, unit: s}", "created: time", "a: number"},
			nil,
		},
		{"epoch microseconds", []string{`{"time":1767323045000000}`}, []string{"time: {field: time, unit: us}", "time: time"}, nil},
		{"epoch nanoseconds", []string{`{"time":1767323045000000000}`}, []string{"time: {field: time, unit: ns}"}, nil},
		{"epoch milliseconds", []string{`{"time":1767323045000}`}, []string{"time: time"}, nil},
		{
			"a name wins over another",
			[]string{`{"updated_on":"2026-01-02T03:04:05Z","timestamp":"2026-01-02T03:04:05Z","first_seen":"2026-01-02T03:04:05Z"}`},
			[]string{"time: timestamp  # or updated_on, first_seen"},
			nil,
		},
		{
			"rising wins among vague names",
			[]string{`{"valid_date":"2026-01-03T00:00:00Z","load_date":"2026-01-02T00:00:00Z"}`, `{"valid_date":"2026-01-02T00:00:00Z","load_date":"2026-01-03T00:00:00Z"}`},
			[]string{"time: load_date  # or valid_date"},
			nil,
		},
		{
			"a time that some have not",
			[]string{`{"at":"2026-01-02T03:04:05Z"}`, `{"x":1}`},
			[]string{"time: arrival  # no field holds a time in every event: it is the highest time read so far", "at: time  # missing in 50 %"},
			nil,
		},
		{"a number that is no time", []string{`{"amount":1767323045000}`}, []string{"time: arrival  # no field holds a time in every event: it is the highest time read so far", "amount: number"}, nil},
		{"a number that keeps rising", []string{`{"c":1767323045,"n":2}`, `{"c":1767323046,"n":1}`, `{"c":1767323047,"n":0}`}, []string{"time: {field: c, unit: s}", "n: number"}, nil},
		{"a time beside the event time", []string{`{"ts":"2026-01-02T03:04:05Z","expiry_date":1767323045}`}, []string{"time: ts  # or expiry_date", "expiry_date: number  # a time in s since the epoch?"}, nil},
		{"ts that is no time", []string{`{"ts":"noon","time":"2026-01-02T03:04:05Z"}`}, []string{"time: time", "# ts is left out: a field called ts is a time, and its values are none: one is RFC 3339 text like 2026-01-02T10:00:00Z, or a number since 1970"}, nil},
		{
			"dates that are no times",
			[]string{`{"on":"2026-01-02 03:04:05","day":"02.01.2026","us":"1/2/2026 3:04 PM","dob":"1980-01-02","some":"2026-01-02"}`, `{"on":"2026-01-02 03:04:06","day":"03.01.2026","us":"1/2/2026 3:05 PM","dob":"1980-01-02","some":"soon"}`},
			[]string{"time: arrival  # no field holds a time in every event: it is the highest time read so far", "on: string  # dates; a time is RFC 3339 text like 2026-01-02T10:00:00Z, or a number since 1970", "us: string  # dates; a time is RFC 3339 text like 2026-01-02T10:00:00Z, or a number since 1970", "some: string"},
			nil,
		},
		{
			"what lies in maps",
			[]string{`{"meta":{"at":"2026-01-02T03:04:05Z","n":{"deep":1},"x y":1},"card":{"id":"c"},"l":[{"a":1}]}`, `{"meta":{"at":"2026-01-02T03:04:06Z","n":{"deep":null}},"card":{"id":"d"},"l":[]}`},
			[]string{"time: meta.at", "meta: map  # with at, n.deep", "card: map  # with id", "l: list"},
			[]string{"at:", "id:"},
		},
		{
			"a field called like a path",
			[]string{`{"meta":{"at":"2026-01-02T03:04:05Z"},"meta.at":"x"}`},
			[]string{"time: arrival  # no field holds a time in every event: it is the highest time read so far", "meta: map", "meta.at: string"},
			nil,
		},
		{
			"id",
			[]string{`{"ts":1,"type":"payment","payment_id":7,"order_id":1}`, `{"ts":2,"type":"payment","payment_id":8,"order_id":2}`},
			[]string{"payment:  # 2 events", "id: payment_id  # names one event: another with it is not matched"},
			nil,
		},
		{"an id that comes twice", []string{`{"ts":1,"id":"7"}`, `{"ts":2,"id":7}`}, nil, []string{"id: id"}},
		{
			"values",
			[]string{`{"ts":1,"s":"b","ok":true}`, `{"ts":1,"s":"a, or","ok":true}`, `{"ts":1,"s":"b","ok":true}`, `{"ts":1,"s":"b","ok":true}`},
			[]string{`s: string  # b 3, "a, or" 1`, "ok: bool  # true 4"},
			nil,
		},
		{"values of persons are not listed", []string{`{"ts":1,"email":"a@b"}`, `{"ts":2,"email":"a@b"}`}, []string{"email: string  # 1 value; personal data?"}, []string{"a@b"}},
		{
			"names that need quotes",
			[]string{`{"ts":1,"a b":1,"true":1,"x:y":1,"\u00e4":1,"":1,"no":1}`},
			[]string{`"a b": number`, `"true": number`, `"x:y": number`, `# "" is left out: it has no name`, "# ä is left out: its name is written with escapes", `no: string`, "time: ts  # its numbers are no dates: they are read as milliseconds"},
			nil,
		},
		{"nothing but its type", []string{`{"type":"t-1"}`}, []string{"t-1:  # 1 event", "fields: {}"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			schema := infer.Schema(survey(t, tt.events).Types())
			var lines []string
			for line := range strings.Lines(schema) {
				lines = append(lines, strings.TrimSpace(line))
			}
			all := "\n" + strings.Join(lines, "\n") + "\n"
			for _, w := range tt.want {
				if !strings.Contains(all, "\n"+w+"\n") {
					t.Errorf("no line %q in\n%s", w, schema)
				}
			}
			for _, w := range tt.not {
				if strings.Contains(all, "\n"+w) || strings.Contains(w, "@") && strings.Contains(all, w) {
					t.Errorf("%q is in\n%s", w, schema)
				}
			}
			hold(t, tt.events)
		})
	}
}

// TestExample checks what the rule is about.
func TestExample(t *testing.T) {
	events := func(format string, n int) []string {
		var lines []string
		for i := range n {
			lines = append(lines, strings.NewReplacer("I", fmt.Sprint(i), "K", fmt.Sprint(i%7)).Replace(format))
		}
		return lines
	}
	tests := []struct {
		name   string
		events []string
		want   []string
	}{
		{
			"an amount", events(`{"ts":I,"type":"pay","id":"I","card":"cK","mode":"K","quantity":I,"amount":I.5,"lat":I}`, 40),
			[]string{"on: pay\n", "key: card  # 7 values in 40 events\n", "small: amount <= params.low\n", "params: {low: 20, high: 38}"},
		},
		{"no amount", events(`{"ts":I,"type":"login","ip":"10.0.0.K","ok":true}`, 40), []string{"key: ip ", "pattern: hit{3}\n", "hit: {type: login}\n"}},
		{"nothing to be a key", events(`{"ts":I,"type":"tick"}`, 3), []string{"key: {kind: {hit: type}}\n"}},
		{"a field called like a variable", events(`{"ts":I,"type":"login","hit":"xK","user":"uK"}`, 40), []string{"key: user ", "pattern: hit_{3}\n"}},
		{"an amount, and nothing to be a key", events(`{"ts":I,"type":"m","amount":I}`, 40), []string{"key: {kind: {small: type, large: type}}\n"}},
		{
			"a key and an amount in maps", events(`{"ts":I,"type":"pay","card":{"id":"cK","holder":{"age":I}},"order":{"total":I.5},"x":1}`, 40),
			[]string{"key: card.id  # 7 values in 40 events\n", "small: order.total <= params.low\n", "{card.id}"},
		},
		{"both in one map", events(`{"ts":I,"type":"pay","data":{"card":{"id":"cK"},"amount":I.5}}`, 40), []string{"key: data.card.id ", "small: data.amount <= params.low\n"}},
		{"names that are words", events(`{"ts":I,"type":"m","count":I,"sum":"K","user":"K"}`, 40), []string{"key: user", "pattern: hit{3}"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := infer.NewExample(survey(t, tt.events).Types(), expr.Reserved)
			for _, w := range tt.want {
				if !strings.Contains(x.Rules, w) {
					t.Errorf("no %q in\n%s", w, x.Rules)
				}
			}
			hold(t, tt.events)
		})
	}
	x := infer.NewExample(survey(t, []string{`{"ts":1,"type":"login"}`}).Types(), func(name string) bool { return name == "hit" })
	if !strings.Contains(x.Rules, "pattern: hit_{3}\n") {
		t.Errorf("a variable is called like a word of the language:\n%s", x.Rules)
	}
	if infer.NewExample(nil, expr.Reserved) != nil {
		t.Error("an example of nothing")
	}
}

// TestNoEvents checks that lines which are no events leave no trace.
func TestNoEvents(t *testing.T) {
	s := infer.New(false)
	for _, line := range []string{"", "x", "[]", `{"a":1`, `{"a":1,"a":2}`, `{"type":7}`, `{"type":"a b"}`, "{\"a\":\"\xff\"}", `{"a":1} x`} {
		if s.Add(line) == nil {
			t.Errorf("%q is taken for an event", line)
		}
	}
	if types := s.Types(); len(types) > 0 {
		t.Errorf("types of nothing: %v", types)
	}
}

// TestAnyEvents checks that whatever the events are, what is inferred of them
// holds for them.
func TestAnyEvents(t *testing.T) {
	names := rapid.OneOf(
		rapid.SampledFrom([]string{"ts", "time", "created_at", "id", "type", "event", "count", "user", "card_id", "amount", "small", "large", "hit", "params", "low", "a.b", "a", "true", "null", "~", "x y", "#", "-", "kind", "email", "on", "1", "é", "\u2028", " "}),
		rapid.String(),
	)
	value := rapid.OneOf(
		rapid.SampledFrom([]string{"null", "true", "false", "0", "-0", "1", "2.5", "1e3", "1e999", "12345678901234567890", "1767323045", "1767323045000", "1767323045000000", "[]", `[1,"a"]`, "{}", `{"a":1}`, `{"a":{"b":"x"},"time":"2026-01-02T03:04:05Z"}`, `{"card":"1","amount":2.5,"type":"x","a b":1}`, `""`, `"a"`, `"2026-01-02T03:04:05Z"`, `"2026-02-30T03:04:05Z"`, `"2026-01-02T03:04:05.5+01:00"`, `"x: # y"`, "\"\\n\"", `"\u001b[1m"`}),
		rapid.Map(rapid.String(), func(s string) string { return string(must(json.Marshal(s))) }),
		rapid.Map(rapid.Float64(), func(x float64) string { return string(must(json.Marshal(x))) }),
		rapid.Map(rapid.Int64Range(1767323045000, 1767323945000), func(n int64) string { return fmt.Sprint(n) }),
	)
	kinds := rapid.SampledFrom([]string{"payment", "login", "true", "1", "event", ""})
	rapid.Check(t, func(t *rapid.T) {
		fields := rapid.SliceOfNDistinct(names, 0, 6, rapid.ID).Draw(t, "fields")
		tame := rapid.Bool().Draw(t, "tame") // each field keeps to one value or two
		some := map[string][]string{}
		var lines []string
		for i := range rapid.IntRange(1, 30).Draw(t, "events") {
			members := []string{}
			if kind := kinds.Draw(t, "type"); kind != "" {
				members = append(members, `"type":"`+kind+`"`)
			}
			for _, f := range fields {
				if f == "type" || rapid.IntRange(0, 9).Draw(t, "there") == 0 {
					continue
				}
				v := ""
				if tame && i > 1 {
					v = some[f][rapid.IntRange(0, len(some[f])-1).Draw(t, "which")]
				} else {
					v = value.Draw(t, "value")
				}
				some[f] = append(some[f], v)
				members = append(members, string(must(json.Marshal(f)))+":"+v)
			}
			if tame && i < 2 {
				for _, f := range fields {
					some[f] = append(some[f], "1")
				}
			}
			lines = append(lines, "{"+strings.Join(members, ",")+"}")
		}
		hold(t, lines)
	})
}

func must(text []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return text
}

type fataler interface {
	Fatalf(format string, args ...any)
}

// hold checks that the schema takes the events that it was inferred from, that
// nothing can be said against the ruleset, and that its tests pass.
func hold(t fataler, lines []string) {
	s := infer.New(false)
	for _, line := range lines {
		if reject := s.Add(line); reject != nil {
			t.Fatalf("%s\nno event: %s", line, reject.Reason)
		}
	}
	types := s.Types()
	x := infer.NewExample(types, expr.Reserved)
	files := []source.File{{Path: "events.yaml", Text: infer.Schema(types, "head")}, {Path: "rules.yaml", Text: x.Rules}}
	all := files[0].Text + files[1].Text + x.Tests
	subject := ruletest.NewSubject(files)
	for _, d := range subject.Findings() {
		t.Fatalf("%s\n%s\n%s", strings.Join(lines, "\n"), all, d)
	}
	d := cep.NewDecoder(subject.Checked().Ruleset)
	for _, line := range lines {
		var e cep.Event
		if reject := d.Decode(line, &e); reject != nil {
			t.Fatalf("%s\nis rejected: %s\n%s", line, reject.Reason, all)
		}
	}
	suite := ruletest.Parse([]source.File{{Path: "rules_test.yaml", Text: x.Tests}})
	for _, d := range suite.Check(subject) {
		t.Fatalf("%s\n%s", all, d)
	}
	for _, r := range suite.Run(subject) {
		if !r.Passed() {
			t.Fatalf("%s\n%s\nfailed: %v %v", strings.Join(lines, "\n"), all, r.Findings, r.Failures)
		}
	}
	for _, f := range append(files, source.File{Path: "rules_test.yaml", Text: x.Tests}) {
		if _, err := format.Format(f.Path, f.Text); err != nil {
			t.Fatalf("%s\n%v", f.Text, err)
		}
	}
}
