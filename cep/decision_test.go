package cep

import (
	"encoding/json"
	"testing"

	"weir/cep/outcome"
)

func TestAppendDecisionJSON(t *testing.T) {
	matched := &Rule{ID: "card-testing", Measures: []Measure{{Name: "probes"}, {Name: "none"}}}
	d := Decision{
		Event: Named{Type: "pay\"ment", Name: "e1"}, Time: 3_000_000_000, Place: 7, Score: 90, Action: outcome.Block,
		Reasons: []Reason{
			{
				Reason:  outcome.Reason{Rule: "card-testing", Revision: 3, Score: 70, Action: outcome.Block},
				Message: "3 \"probes\"", Measures: []Value{NumberValue(3), {}}, Of: matched, Alerts: []string{"a_1", "a_2"},
			},
			{Reason: outcome.Reason{Rule: "old", Revision: 1, Score: 55, Action: outcome.Challenge, Hold: true}, Of: &Rule{ID: "old"}},
			{Reason: outcome.Reason{Rule: "third", Revision: 1, Score: 20, Action: outcome.Allow}, Of: &Rule{ID: "third"}, Alerts: []string{"a_3"}},
		},
	}
	got := string(AppendDecisionJSON(nil, &d))
	want := `{"event_id":"e1","type":"pay\"ment","time":"1970-01-01T00:00:03.000Z","score":90,"action":"block","reasons":[` +
		`{"rule":"card-testing","revision":3,"score":70,"action":"block","message":"3 \"probes\"","measures":{"probes":3,"none":null}},` +
		`{"rule":"old","revision":1,"score":55,"action":"challenge","hold":true},` +
		`{"rule":"third","revision":1,"score":20,"action":"allow"}],"alerts":["a_1","a_2","a_3"]}`
	if got != want || !json.Valid([]byte(got)) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	d.Reasons = d.Reasons[1:2]
	if got, want := string(AppendDecisionJSON([]byte("> "), &d)), `> {"event_id":"e1","type":"pay\"ment","time":"1970-01-01T00:00:03.000Z","score":90,"action":"block","reasons":[`+
		`{"rule":"old","revision":1,"score":55,"action":"challenge","hold":true}],"alerts":[]}`; got != want {
		t.Errorf("a hold alone:\n%s\nwant:\n%s", got, want)
	}
}
