package alerts

import (
	"strings"
	"testing"

	"weir/cep"
)

func maskRules() *cep.Ruleset {
	r := &cep.Rule{
		ID: "r", Revision: 2, Key: cep.Key{Names: []string{"card", "city"}}, Measures: []cep.Measure{{Name: "who"}, {Name: "n"}},
		Personal: cep.Personal{Key: []bool{true, false}, Measures: []bool{true, false}, Message: true},
	}
	other := &cep.Rule{ID: "plain", Revision: 1, Key: cep.Key{Names: []string{"city"}}}
	return &cep.Ruleset{
		Rules: []*cep.Rule{other, r},
		Types: []cep.Type{
			{Name: "pay", Schema: &cep.Schema{ID: "id", Personal: []string{"card", "device.ip", "id"}}},
			{Name: "open"},
			{Name: "alert.r", Alert: r},
		},
	}
}

// TestMask hides what is personal in alerts and events, and nothing else.
func TestMask(t *testing.T) {
	m := NewMask(maskRules())
	item := func(rule string, revision int, line string) *Item {
		return &Item{ID: "a", Version: 1, Rule: rule, Revision: revision, Severity: "low", Action: "allow", Key: []Part{{"card", "c1"}, {"city", "x"}}, Line: []byte(line)}
	}
	line := `{"id":"a","rule":{"id":"r","revision":2},"key":{"card":"c1","city":"x"},"score":5,"message":"c1","measures":{"who":"c1","n":2},` +
		`"events":{"a":{"type":"pay","card":"c1","n":[1,{"card":"kept"}],"device":{"ip":"1.2.3.4","os":"x"}},"b":[{"type":"open","card":"c1"},{"card":"c2"},{"type":"alert.r","card":"c1","who":"c1","n":2}]},` +
		`"cause":{"type":"pay","id":"p1","position":3}}`
	masked := `"key":{"card":"***","city":"x"},"score":5,"message":"***","measures":{"who":"***","n":2},` +
		`"events":{"a":{"type":"pay","card":"***","n":[1,{"card":"kept"}],"device":{"ip":"***","os":"x"}},"b":[{"type":"open","card":"c1"},{"card":"***"},{"type":"alert.r","card":"***","who":"***","n":2}]},` +
		`"cause":{"type":"pay","id":"***","position":3}}`
	got := m.Item(item("r", 2, line))
	if want := `{"id":"a","rule":{"id":"r","revision":2},` + masked; string(got.Line) != want {
		t.Errorf("got  %s\nwant %s", got.Line, want)
	}
	if got.Key[0].Value != "***" || got.Key[1].Value != "x" {
		t.Errorf("key %v", got.Key)
	}
	// Of another revision nothing is known.
	for _, it := range []*Item{item("r", 1, line), item("gone", 1, line)} {
		got := m.Item(it)
		if want := `"key":{"card":"***","city":"***"},"score":5,"message":"***","measures":{"who":"***","n":"***"},`; !strings.Contains(string(got.Line), want) {
			t.Errorf("got  %s\nwant %s", got.Line, want)
		}
		if got.Key[1].Value != "***" {
			t.Errorf("key %v", got.Key)
		}
	}
	plain := m.Item(item("plain", 1, `{"key":{"city":"x"},"message":"m","events":{"e":{"type":"open","card":"c1"}}}`))
	if want := `{"key":{"city":"x"},"message":"m","events":{"e":{"type":"open","card":"c1"}}}`; string(plain.Line) != want {
		t.Errorf("got %s", plain.Line)
	}
	if got := m.Event([]byte(`no object`)); string(got) != `"***"` {
		t.Errorf("got %s", got)
	}
	// An event whose type stands behind, and one that has it twice: the first counts, as in matching.
	if got := m.Event([]byte("{ \"card\" : \"c1\",\n\"type\":\"pay\" }")); string(got) != `{"card":"***","type":"pay"}` {
		t.Errorf("got %s", got)
	}
	if !m.Hides("pay") || m.Hides("open") {
		t.Error("pay hides something, and open does not")
	}
	nothing := NewMask(&cep.Ruleset{})
	if it := item("r", 1, line); string(nothing.Item(it).Line) != line || string(nothing.Event([]byte("{ }"))) != "{ }" {
		t.Error("without marks something is changed")
	}
}

// TestHead: what is too large for a message leaves without what makes it large.
func TestHead(t *testing.T) {
	it := &Item{ID: "a", Version: 2, Kind: cep.RetractedAlert, Rule: "r", Revision: 3, Severity: "high", Score: 7, Action: "block", Key: []Part{{"k", `"`}}, Time: 1e9, DetectedAt: 2e9, Unlogged: true, Line: []byte(`{"large":1}`)}
	want := `{"id":"a","version":2,"kind":"retracted","rule":{"id":"r","revision":3},"key":{"k":"\""},"time":"1970-01-01T00:00:01.000Z","score":7,"severity":"high","action":"block","cut":true,"detected_at":"1970-01-01T00:00:02.000Z","unlogged":true}`
	if got := string(it.AppendHead(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
