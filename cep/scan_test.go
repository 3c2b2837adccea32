package cep

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What a decoder makes of a line does not depend on the lines before, whose names it
// expects in their order.
func TestNamesInAnyOrder(t *testing.T) {
	rs := &Ruleset{
		Fields: []string{"a", "ab", "b.a", "b.b", `q"`, "é", "long_name_of_a_field"},
		Types:  []Type{{Name: "known", Schema: &Schema{Time: "ts", Fields: map[string]Kind{"a": Number, "ab": Text}}}},
	}
	names := []string{`"a"`, `"ab"`, `"a" `, `"\u0061"`, `"q\""`, `"q""`, `"é"`, `"other"`, `"long_name_of_a_field"`, `"long_name_of_a_fielD"`, `"type"`}
	values := []string{`1`, `"known"`, `null`, `[{"a":2,"a":3}]`}
	rapid.Check(t, func(t *rapid.T) {
		d := NewDecoder(rs)
		for range rapid.IntRange(1, 8).Draw(t, "lines") {
			members := func(names []string) string {
				var all []string
				for _, name := range rapid.SliceOfN(rapid.SampledFrom(names), 0, 5).Draw(t, "names") {
					all = append(all, name+":"+rapid.SampledFrom(values).Draw(t, "value"))
				}
				return strings.Join(all, ",")
			}
			line := `{"ts":0,"b":{` + members([]string{`"a"`, `"b"`, `"c"`}) + `}`
			if rest := members(names); rest != "" {
				line += "," + rest
			}
			line += "}"
			var got, want Event
			is, ought := d.Decode(line, &got), NewDecoder(rs).Decode(line, &want)
			switch {
			case (is == nil) != (ought == nil), is != nil && *is != *ought:
				t.Fatalf("%s is rejected with %v, want %v", line, is, ought)
			case is != nil:
				continue
			case got.Time != want.Time || got.Type != want.Type:
				t.Fatalf("%s has time %d and type %d, want %d and %d", line, got.Time, got.Type, want.Time, want.Type)
			}
			for f, name := range rs.Fields {
				if *got.Field(FieldID(f)) != *want.Field(FieldID(f)) {
					t.Fatalf("%s has %s %v, want %v", line, name, *got.Field(FieldID(f)), *want.Field(FieldID(f)))
				}
			}
		}
	})
}
