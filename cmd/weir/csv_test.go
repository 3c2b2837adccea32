package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"weir/cep"
)

// payments is a ruleset with one schema, for the cells of CSV.
var payments = &cep.Ruleset{Types: []cep.Type{{
	Name: "payment",
	Schema: &cep.Schema{Time: "ts", Fields: map[string]cep.Kind{
		"ts": cep.Time, "id": cep.Text, "amount": cep.Number, "new": cep.Bool, "tags": cep.List,
	}},
}}}

func TestCSV(t *testing.T) {
	tests := []struct {
		name, text string
		want, bad  []string
	}{
		{"header alone", "a,b\n", nil, nil},
		{"numbers", "a,b\n1,x\n-2.5e3,y\n", []string{`0:2:{"a":1,"b":"x"}`, `0:3:{"a":-2.5e3,"b":"y"}`}, nil},
		{"no numbers", "a\n1\n01\n", []string{`0:2:{"a":"1"}`, `0:3:{"a":"01"}`}, nil},
		{"true is text", "a\ntrue\n", []string{`0:2:{"a":"true"}`}, nil},
		{"empty is missing", "a,b,c\n1,,2\n,,\n", []string{`0:2:{"a":1,"c":2}`, `0:3:{}`}, nil},
		{"a column of nothing is text", "a,b\n,1\n", []string{`0:2:{"b":1}`}, nil},
		{"the type is text", "type,a\n7,1\n", []string{`0:2:{"type":"7","a":1}`}, nil},
		{"byte order mark, CRLF", "\xef\xbb\xbfa,b\r\n1,2\r\n", []string{`0:2:{"a":1,"b":2}`}, nil},
		{"quotes", "a,b\n\"x \"\"y\"\"\",1\n\"two\nlines\",2\nz,3\n", []string{`0:2:{"a":"x \"y\"","b":1}`, `0:3:{"a":"two\nlines","b":2}`, `0:5:{"a":"z","b":3}`}, nil},
		{"bytes to escape", "a\n\"\\ \t\x01\"\n", []string{`0:2:{"a":"\\ \u0009\u0001"}`}, nil},
		{"too few, too many", "a,b\n1\n1,2,3\n1,2\n", []string{`0:4:{"a":1,"b":2}`}, []string{"2:1: 1 cells, the header has 2", "3:1: 3 cells, the header has 2"}},
		{"a quote inside", "a,b\n1\"2,3\n4,5\n", []string{`0:3:{"a":4,"b":5}`}, []string{"2:2: a quote inside a cell: write the cell in quotes and the quote twice"}},
		{"a quote not closed", "a,b\n1,2\n\"3,4\n5,6\n7,8\n", []string{`0:2:{"a":1,"b":2}`}, []string{"3:1: a quote is opened and not closed as it should be: lines 3 to 5 are lost"}},
		{
			"schema", "type,ts,id,amount,new,tags,other\n" +
				"payment,1767312000000,12,1.50,true,\"[\"\"x\"\"]\",3\n" +
				"payment,2026-01-02T00:00:00Z,13,many,yes,none,4\n" +
				"other,5,14,1.50,true,x,6\n",
			[]string{
				`0:2:{"type":"payment","ts":1767312000000,"id":"12","amount":1.50,"new":true,"tags":["x"],"other":"3"}`,
				`0:3:{"type":"payment","ts":"2026-01-02T00:00:00Z","id":"13","amount":"many","new":"yes","tags":"none","other":"4"}`,
				`0:4:{"type":"other","ts":"5","id":14,"amount":"1.50","new":"true","tags":"x","other":6}`,
			},
			nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := newCSVReader(strings.NewReader(tt.text), "f.csv", 0, payments)
			if err != nil {
				t.Fatal(err)
			}
			lines, bad, err := readAll(r)
			if err != nil {
				t.Fatal(err)
			}
			var got, gotBad []string
			for _, l := range lines {
				got = append(got, l.String())
				if !json.Valid([]byte(l.text)) {
					t.Errorf("no JSON: %s", l.text)
				}
			}
			for _, r := range bad {
				gotBad = append(gotBad, fmt.Sprintf("%d:%d: %s", r.Line, r.Column, r.Reason))
			}
			if !slices.Equal(got, tt.want) || !slices.Equal(gotBad, tt.bad) {
				t.Errorf("got  %q, rejected %q\nwant %q, rejected %q", got, gotBad, tt.want, tt.bad)
			}
		})
	}
}

func TestCSVHeader(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", "f.csv: no header line: the first line of a CSV file names its columns"},
		{"a,,b\n", "f.csv:1: column 2 has no name: the first line of a CSV file names its columns"},
		{"a,b,a\n", `f.csv:1: two columns are called "a"`},
		{"a,\"b\n", `f.csv: parse error on line 1, column 6: extraneous or missing " in quoted-field`},
	}
	for _, tt := range tests {
		if _, err := newCSVReader(strings.NewReader(tt.text), "f.csv", 0, payments); err == nil || err.Error() != tt.want {
			t.Errorf("%q: got %v, want %s", tt.text, err, tt.want)
		}
	}
}

// TestCSVGuess checks that the first 1,000 rows decide, and what becomes of the
// others.
func TestCSVGuess(t *testing.T) {
	text := "a\n" + strings.Repeat("1\n", sniffRows) + "x\n2\n"
	r, err := newCSVReader(strings.NewReader(text), "f.csv", 0, payments)
	if err != nil {
		t.Fatal(err)
	}
	lines, _, err := readAll(r)
	if err != nil || len(lines) != sniffRows+2 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	for i, want := range map[int]string{0: `{"a":1}`, sniffRows: `{"a":"x"}`, sniffRows + 1: `{"a":2}`} {
		if lines[i].text != want {
			t.Errorf("row %d: got %s, want %s", i, lines[i].text, want)
		}
	}
}

// TestCSVLongRow checks that a quote that is never closed does not make the
// reader hold the whole file.
func TestCSVLongRow(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("a\n1\n\""), zeros{})
	r, err := newCSVReader(endless, "f.csv", 0, payments)
	if err != nil {
		t.Fatal(err)
	}
	lines, _, err := readAll(r)
	if len(lines) != 1 || err == nil || !strings.HasPrefix(err.Error(), "f.csv: the row after line 2 is longer than") {
		t.Errorf("got %d lines, %v", len(lines), err)
	}
}

// zeros is a file without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

// FuzzIsNumber compares with what encoding/json takes for a number.
func FuzzIsNumber(f *testing.F) {
	for _, s := range []string{"", "0", "-0", "1", "01", "-", "1.", "1.5", ".5", "1e5", "1E+5", "1e", "1e-", "+1", "1 ", " 1", "0x1", "1_0", "NaN", "9007199254740993", "1.5.2", "-1e-7"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var n json.Number
		want := json.Unmarshal([]byte(s), &n) == nil && s == strings.TrimSpace(s) && s != "null" && s[0] != '"'
		if got := isNumber(s); got != want {
			t.Errorf("isNumber(%q) = %v", s, got)
		}
	})
}

// FuzzCSVText checks that a cell comes back from JSON as it was.
func FuzzCSVText(f *testing.F) {
	f.Add("plain")
	f.Add("\"quoted\" \\ \x00\x1f\x7f\r\n")
	f.Add("häß 😀 \u2028")
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "")
		var got string
		if err := json.Unmarshal(appendText(nil, s), &got); err != nil || got != s {
			t.Errorf("%q became %q, %v", s, got, err)
		}
	})
}
