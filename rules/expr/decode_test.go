package expr

import (
	"testing"

	"weir/cep"
)

// TestPlacesOfTexts checks that a text is the same wherever in its line it was read.
func TestPlacesOfTexts(t *testing.T) {
	d := cep.NewDecoder(&cep.Ruleset{Fields: []string{"country", "city", "tags"}})
	var events []*cep.Event
	for i, line := range []string{
		`{"ts":1,"country":"FR","city":"FR","tags":["FR"]}`,
		`{"ts":2,"amount":12345,"tags":[ "FR" ],"country":"FR","city":"Paris"}`,
		`{"ts":3,"country":"\u0046R","city":"FR"}`,
		`{"ts":4,"city":"Paris","country":"DE"}`,
	} {
		e := new(cep.Event)
		if reject := d.Decode(line, e); reject != nil {
			t.Fatal(line, reject)
		}
		e.Place = uint64(i + 1)
		events = append(events, e)
	}
	ids := map[string]cep.FieldID{"country": 0, "city": 1, "tags": 2}
	field := func(path string) (FieldInfo, bool) {
		id, ok := ids[path]
		return FieldInfo{ID: id, Dynamic: true}, ok
	}
	for _, machine := range []bool{false, true} {
		for _, lang := range []Lang{LangExpr, LangCEL} {
			env := Env{Lang: lang, Fields: field, Vars: []Var{{Name: "a", List: true, Fields: field}}, Current: true, machine: machine}
			scope := &cep.Scope{Event: events[1], Captures: &scene{captured: [][]*cep.Event{events}}}
			for text, want := range map[string]string{
				"distinct(a.country)": "2",
				"distinct(a.city)":    "2",
				"distinct(a.tags)":    "1",
				"distinct([country, city, last(a).country, \"FR\"])": "3",
				"country == \"FR\"":                   "true",
				"country in a.city":                   "true",
				"country in [\"DE\", \"FR\"]":         "true",
				"first(a).country == last(a).country": "false",
				"size(uniq(a.country))":               "2",
			} {
				if lang == LangExpr && text == "size(uniq(a.country))" {
					text = "len(uniq(a.country))"
				}
				f, err := CompileValue(text, env)
				if err != nil {
					t.Errorf("%s: %v", text, err)
				} else if got := show(f(scope)); got != want {
					t.Errorf("%s: %s, want %s; machine %v", text, got, want, machine)
				}
			}
			cond, err := CompileCond("country == \"FR\"", env)
			if err != nil || len(cond.Equals) != 1 || cond.Equals[0].Value != cep.TextValue("FR") {
				t.Errorf("%v, %v", cond.Equals, err)
			}
		}
	}
}
