package cep

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// What is sent as a type is of it, and its text says so: as if it had been sent with it.
func TestDecodeAs(t *testing.T) {
	rs := decodeRuleset()
	d := NewDecoder(rs)
	for _, c := range []struct {
		name, line, sent string
		raw              string // as the event has it
		why              string // of the reject
	}{
		{"its type", `{"type":"payment","ts":1000,"card":"c"}`, "payment", `{"type":"payment","ts":1000,"card":"c"}`, ""},
		{"no type", `{"ts":1000,"card":"c","device":{"type":"x","os":"ios"}}`, "payment", `{"type":"payment","ts":1000,"card":"c","device":{"type":"x","os":"ios"}}`, ""},
		{"null", `{"type":null,"ts":1000,"card":"c"}`, "payment", "", `as the event was sent to the subject of that type, found null`},
		{"white space", " { \"ts\":1000,\"card\":\"c\"} ", "payment", `{"type":"payment", "ts":1000,"card":"c"}`, ""},
		{"a type that nobody knows", `{"ts":1000,"card":"c"}`, "other-1", `{"type":"other-1","ts":1000,"card":"c"}`, ""},
		{"nothing but arrival", ` { }`, "tick", `{"type":"tick" }`, ""},
		{"another type", `{"ts":1000,"type":"free"}`, "payment", "", `expected the type payment in field "type", or none, as the event was sent to the subject of that type, found free`},
		{"an alert", `{"ts":1000,"type":"alert.x"}`, "payment", "", "stand for the matches of rules"},
		{"no name", `{"ts":1000,"type":7}`, "payment", "", `expected a string in field "type"`},
		{"no event", `payment`, "payment", "", "expected an event, which is a JSON object"},
	} {
		var e Event
		why := d.DecodeAs(c.line, c.sent, &e)
		if c.why != "" {
			if why == nil || !strings.Contains(why.Reason, c.why) {
				t.Errorf("%s: %+v, expected %s", c.name, why, c.why)
			}
			continue
		}
		if why != nil || e.Raw != c.raw || e.Name != c.sent {
			t.Errorf("%s: %+v, %q of type %s, expected %q", c.name, why, e.Raw, e.Name, c.raw)
			continue
		}
		// A copy has its texts in its own text.
		var plain Event
		if why := d.Decode(c.raw, &plain); why != nil {
			t.Fatalf("%s: %+v", c.name, why)
		}
		if got, want := fmt.Sprint(e.Clone().row), fmt.Sprint(plain.Clone().row); got != want {
			t.Errorf("%s: fields %s, expected %s", c.name, got, want)
		}
	}
	// The next line may be of any type.
	var e Event
	if why := d.Decode(`{"ts":1000,"type":"free"}`, &e); why != nil || e.Name != "free" {
		t.Errorf("%+v, %s", why, e.Name)
	}
}

func TestAppendTyped(t *testing.T) {
	for line, want := range map[string]string{
		`{"a":1}`:            `{"type":"pay","a":1}`,
		" \t{ }":             `{"type":"pay" }`,
		`{}`:                 `{"type":"pay"}`,
		`{"type":"x"}`:       `{"type":"x"}`,
		`{"a":{"type":1}}`:   `{"a":{"type":1}}`,
		`[{"a":1}]`:          `[{"a":1}]`,
		`{`:                  `{`,
		``:                   ``,
		`{ `:                 `{"type":"pay", `,
		`{"\\u0074ype":"x"}`: `{"type":"pay","\\u0074ype":"x"}`,
	} {
		if got := AppendTyped([]byte("before "), []byte(line), "pay"); string(got) != "before "+want {
			t.Errorf("%q becomes %q, expected %q", line, got, want)
		}
	}
}

// Lines that were sent as a type are rejected with it, wherever the record is cut.
func TestTypedRecord(t *testing.T) {
	lines := []string{`{"ts":1000,"card":"a"}`, `{"type":"free","ts":1000}`, "", `{"type":"payment","ts":1000}`, `{"type":"payment","ts":1000}`, `{"ts":1000}`, `no`}
	typed := []Typed{{"payment", 2}, {"", 2}, {"free", 1}, {"other", 2}}
	var body bytes.Buffer
	for _, line := range lines {
		body.WriteString(line + "\n")
	}
	p := Packed{Kind: PackedEvents, Body: body.Bytes(), Typed: typed}
	read, err := Unpack(p.Append(nil))
	if err != nil || fmt.Sprint(read.Typed) != fmt.Sprint(typed) {
		t.Fatalf("%v, %v", read.Typed, err)
	}
	want := "2 free: payment 5 payment: free 7 no: other "
	for _, apart := range []bool{false, true} {
		l := &Loop{skips: map[uint64][]Skipped{}}
		if apart {
			l.careful = 1
		}
		g, fx := NewEngine(decodeRuleset(), Options{}), new(Effects)
		g.Step(l.appendSteps(nil, &Logged{Sequence: 1}, &read), fx)
		got := ""
		for _, r := range fx.Rejected {
			name := "no"
			for _, n := range []string{"free", "payment"} {
				if strings.Contains(r.Raw, `"type":"`+n) {
					name = n
				}
			}
			got += fmt.Sprintf("%d %s: %s ", r.Line, name, r.Sent)
		}
		if got != want {
			t.Errorf("one by one %t: rejected are %q, expected %q", apart, got, want)
		}
		if s := g.Stats(); s.Events != 3 || s.Other != 1 {
			t.Errorf("one by one %t: %d events, %d of no known type", apart, s.Events, s.Other)
		}
	}
}

// A record of which the rows of lines do not fit is damaged.
func TestTypedDamaged(t *testing.T) {
	whole := Packed{Kind: PackedEvents, Body: []byte("{}\n{}\n"), Typed: []Typed{{"a", 1}, {"b", 1}}}
	if _, err := Unpack(whole.Append(nil)); err != nil {
		t.Fatal(err)
	}
	for name, typed := range map[string][]Typed{
		"too few":       {{"a", 1}},
		"too many":      {{"a", 3}},
		"more than all": {{"a", 1}, {"b", 1 << 63}},
		"an empty row":  {{"a", 2}, {"b", 0}},
		"no type":       {{"a.b", 2}},
	} {
		p := whole
		p.Typed = typed
		if _, err := Unpack(p.Append(nil)); err == nil {
			t.Errorf("%s: it is read", name)
		}
	}
	p := whole
	p.Body = []byte("{}\n{}")
	p.Typed = []Typed{{"a", 1}}
	if _, err := Unpack(p.Append(nil)); err == nil {
		t.Error("no line end: it is read")
	}
}
