package cep

import (
	"encoding/json"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

func TestValueJSON(t *testing.T) {
	tests := []struct {
		value Value
		want  string
	}{
		{Value{}, `null`},
		{BoolValue(true), `true`},
		{BoolValue(false), `false`},
		{NumberValue(math.NaN()), `null`},
		{NumberValue(0), `0`},
		{NumberValue(math.Copysign(0, -1)), `-0`},
		{NumberValue(100), `100`},
		{NumberValue(0.1), `0.1`},
		{NumberValue(1e-6), `0.000001`},
		{NumberValue(1e-7), `1e-7`},
		{NumberValue(1.5e-10), `1.5e-10`},
		{NumberValue(1e20), `100000000000000000000`},
		{NumberValue(1e21), `1e+21`},
		{NumberValue(1e100), `1e+100`},
		{NumberValue(-math.MaxFloat64), `-1.7976931348623157e+308`},
		{numberOf("1.50"), `1.5`},
		{numberOf("12345678901234567890"), `12345678901234567000`},
		{TextValue(""), `""`},
		{TextValue("a\"\\/\b\f\n\r\t\x01\x1f\x7f<>&é€😀\u2028"), `"a\"\\/\b\f\n\r\t\u0001\u001f` + "\x7f<>&é€😀\u2028" + `"`},
		{TextValue("a\xffb\xe2\x82"), "\"a\ufffdb\ufffd\ufffd\""},
		{TimeValue(0), `"1970-01-01T00:00:00.000Z"`},
		{TimeValue(1500), `"1970-01-01T00:00:00.000001500Z"`},
		{DurationValue(0), `0`},
		{DurationValue(90 * time.Minute), `5400`},
		{DurationValue(1500 * time.Millisecond), `1.5`},
		{DurationValue(-time.Nanosecond), `-0.000000001`},
		{DurationValue(math.MinInt64), `-9223372036.854775808`},
		{Value{Kind: List, Text: `[1, "a"]`}, `[1, "a"]`},
		{Value{Kind: Map, Text: `{"a": 1}`}, `{"a": 1}`},
	}
	for _, test := range tests {
		if got := string(test.value.AppendJSON([]byte("x"))); got != "x"+test.want {
			t.Errorf("%+v is written as %s, want %s", test.value, got[1:], test.want)
		}
	}
}

// Numbers are written as encoding/json writes them, and text is read back as it was.
func TestValueJSONAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := math.Float64frombits(rapid.Uint64().Draw(t, "bits"))
		if !math.IsNaN(f) && !math.IsInf(f, 0) {
			want, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			v := NumberValue(f)
			if got := v.AppendJSON(nil); string(got) != string(want) {
				t.Fatalf("%v is written as %s, want %s", f, got, want)
			}
		}
		s := rapid.String().Draw(t, "text")
		quoted := AppendJSONString(nil, s)
		back, err := jsontext.AppendUnquote(nil, quoted)
		if err != nil || string(back) != s {
			t.Fatalf("%q is written as %s and read as %q, %v", s, quoted, back, err)
		}
	})
}

func TestKeyText(t *testing.T) {
	tests := []struct {
		value Value
		want  string // empty: no key
	}{
		{Value{}, ""},
		{TextValue(""), ""},
		{TextValue(" "), " "},
		{TextValue("c1"), "c1"},
		{TextValue("1.5"), "1.5"},
		{BoolValue(true), "true"},
		{BoolValue(false), "false"},
		{numberOf("12"), "12"},
		{numberOf("-12"), "-12"},
		{numberOf("-0"), "-0"},
		{numberOf("123456789012345678901234567890"), "123456789012345678901234567890"},
		{numberOf("1.0"), ""},
		{numberOf("1e3"), ""},
		{numberOf("1E3"), ""},
		{NumberValue(12), "12"},
		{NumberValue(-1 << 53), "-9007199254740992"},
		{NumberValue(1 << 54), ""},
		{NumberValue(0.5), ""},
		{TimeValue(0), ""},
		{DurationValue(1), ""},
		{Value{Kind: List, Text: "[1]"}, ""},
		{Value{Kind: Map, Text: "{}"}, ""},
	}
	for _, test := range tests {
		got, ok := test.value.KeyText()
		if ok != (test.want != "") || ok && got != test.want {
			t.Errorf("the key of %+v is %q, %v, want %q", test.value, got, ok, test.want)
		}
	}
}

// The short way of reading a number gives the float64 that the long way gives.
func TestParseNumber(t *testing.T) {
	agree := func(digits string) bool {
		f, err := strconv.ParseFloat(digits, 64)
		got, ok := parseNumber(digits)
		return ok == (err == nil) && (!ok || math.Float64bits(got) == math.Float64bits(f))
	}
	for _, digits := range []string{
		"0", "-0", "0.0", "-0.0", "0.1", "999999999999999", "9999999999999999", "0.00000000000001",
		"1234567.12345678", "9007199254740993", "1e22", "1e23", "1e308", "1e309", "-1e309", "5e-324", "1e-400",
	} {
		if !agree(digits) {
			t.Errorf("%s differs", digits)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`-?(0|[1-9][0-9]{0,16})(\.[0-9]{1,16})?([eE][+-]?[0-9]{1,3})?`).Draw(t, "digits")
		if !agree(digits) {
			t.Fatalf("%s differs", digits)
		}
	})
}

func TestInteger(t *testing.T) {
	for digits, want := range map[string]int64{
		"0": 0, "-0": 0, "0.0": 0, "12": 12, "-12": -12, "1e3": 1000, "1.0": 1, "120e-1": 12,
		"9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64, "-9223372036854775808.0": math.MinInt64, "922337203685477580.7e1": math.MaxInt64,
	} {
		if got, ok := integer(digits); !ok || got != want {
			t.Errorf("%s gives %d, %v", digits, got, ok)
		}
	}
	for _, digits := range []string{"1.5", "1e-1", "9223372036854775808", "-9223372036854775809", "1e19", "1e99999999999", "18446744073709551617"} {
		if got, ok := integer(digits); ok {
			t.Errorf("%s gives %d", digits, got)
		}
	}
}
