package cep

import (
	"fmt"
	"strings"
	"testing"
)

// TestLearnedNames decodes lines with names that are not wanted, in any order, more than are
// learned and as often as they like: they are read as by a decoder that has seen no other
// line, and cost no memory once they are known.
func TestLearnedNames(t *testing.T) {
	rs := &Ruleset{Fields: []string{"a", "o.in"}, Types: []Type{{Name: "x", Schema: &Schema{Time: "ts", Fields: map[string]Kind{"ts": Time, "a": Number, "o.in": Text}}}}}
	var lines []string
	for i := range 100 {
		lines = append(lines, fmt.Sprintf(`{"type":"x","ts":%d,"n%d":1,"a":2,"o":{"in":"y","m%d":3,"%s%d":4}}`, i+1, i, i%70, strings.Repeat("l", 100), i))
	}
	lines = append(lines,
		`{"n1":1,"n0":1,"type":"x","a":2,"ts":5}`, `{"n1":1,"ts":5,"n1":1}`, `{"n1":1,"ts":5,"\u006e1":1}`, `{"\u006e1":1,"ts":5,"n1":1}`,
		`{"\u006e1":1,"type":"x","ts":5,"a":7}`, `{"type":"x","ts":5,"\u0061":7}`, `{"type":"x","ts":5,"o":{"\u006d1":7,"in":"z"}}`, `{"type":"x","ts":5,"o":{"m1":7,"in":"z","m1":7}}`,
		`{"n1":{"a":1,"in":2},"type":"x","ts":5,"a":8,"o":{"ts":1,"in":"w"}}`, `{"n2":1,"type":"x","ts":5,"n1"`, `{"type":"x","ts":5,"n1x":1,"n":2,"a":1}`,
	)
	known := NewDecoder(rs)
	decode := func(d *Decoder, line string) string {
		var e Event
		if why := d.Decode(line, &e); why != nil {
			return fmt.Sprintf("%+v", *why)
		}
		return fmt.Sprint(e.Type, e.Time, e.Raw, e.row)
	}
	for range 2 {
		for _, line := range lines {
			if got, want := decode(known, line), decode(NewDecoder(rs), line); got != want {
				t.Errorf("%s\n got %s\nwant %s", line, got, want)
			}
		}
	}
	if n := known.wanted.others; n != 0 {
		t.Errorf("there is room for %d more names after %d", n, len(lines))
	}
	var e Event
	if n := testing.AllocsPerRun(10, func() {
		for _, line := range lines[:100] {
			if why := known.Decode(line, &e); why != nil {
				t.Fatal(why)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
