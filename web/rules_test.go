package web

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
)

// memoryRules are rules in memory; they remember what they were asked.
type memoryRules struct {
	asked *RuleChange
	done  RulesChanged
	err   error
}

func (m *memoryRules) Rules(context.Context) ([]Rule, error) { return []Rule{{ID: "r"}}, m.err }

func (m *memoryRules) Rule(_ context.Context, id string) (*RuleText, error) {
	if id != "r" {
		return nil, ErrNoPart
	}
	return &RuleText{Rule: Rule{ID: id, Revision: 2}, Text: "id: r\nwhen: n > 1", ETag: `"2-x"`}, m.err
}

func (m *memoryRules) Versions(_ context.Context, id string) ([]RuleVersion, error) {
	if id != "r" {
		return nil, ErrNoPart
	}
	return []RuleVersion{{Revision: 2}, {Revision: 1}}, m.err
}

func (m *memoryRules) Version(_ context.Context, id string, n int) (*RuleVersion, error) {
	if id != "r" || n > 2 {
		return nil, ErrNoVersion
	}
	return &RuleVersion{Revision: n, Text: fmt.Sprintf("text %d", n)}, m.err
}

func (m *memoryRules) Parts(context.Context, PartKind) ([]Part, error) {
	return []Part{{Name: "p"}}, m.err
}

func (m *memoryRules) Part(_ context.Context, _ PartKind, name string) (*Part, error) {
	if name != "p" {
		return nil, ErrNoPart
	}
	return &Part{Name: name, Text: "1", ETag: `"t"`}, m.err
}

func (m *memoryRules) Ruleset(context.Context) (*RulesetFiles, error) {
	return &RulesetFiles{Files: map[string]string{"r.yaml": "rules: []"}, ETag: `"1-7"`}, m.err
}

func (m *memoryRules) ChangeRules(_ context.Context, c *RuleChange) (*RulesChanged, error) {
	m.asked = c
	done := m.done
	return &done, m.err
}

func (m *memoryRules) Check(_ context.Context, files map[string]string) (*Checked, error) {
	return &Checked{Diagnostics: []Diagnostic{{File: fmt.Sprint(files)}}}, m.err
}

func (m *memoryRules) Test(context.Context, map[string]string) (*TestRun, error) {
	return &TestRun{Tests: 1, Passed: 1}, m.err
}

const someFiles = `{"files":{"r.yaml":"rules: []"}}`

func init() {
	type tried = struct{ target, media, body, part string }
	maps.Copy(valid, map[string]tried{
		"GET /v1/rules":                          {"/v1/rules", "", "", `"id":"r"`},
		"GET /v1/rules/{id}":                     {"/v1/rules/r", "", "", `"revision":2`},
		"PUT /v1/rules/{id}":                     {"/v1/rules/r?reason=x", mediaYAML, "id: r", `"plan":`},
		"DELETE /v1/rules/{id}":                  {"/v1/rules/r", "", "", `"plan":`},
		"POST /v1/rules/{id}/status":             {"/v1/rules/r/status", mediaJSON, `{"status":"shadow"}`, `"plan":`},
		"GET /v1/rules/{id}/versions":            {"/v1/rules/r/versions", "", "", `"revision":2`},
		"GET /v1/rules/{id}/versions/{revision}": {"/v1/rules/r/versions/1", "", "", `"text 1"`},
		"GET /v1/rules/{id}/diff":                {"/v1/rules/r/diff", "", "", `"from":1,"to":2,"text":"text 1|text 2"`},
		"POST /v1/rules/{id}/rollback":           {"/v1/rules/r/rollback", mediaJSON, `{"revision":1}`, `"plan":`},
		"GET /v1/ruleset":                        {"/v1/ruleset", "", "", `"r.yaml"`},
		"PUT /v1/ruleset":                        {"/v1/ruleset", mediaJSON, someFiles, `"plan":`},
		"POST /v1/check":                         {"/v1/check", mediaJSON, someFiles, `map[r.yaml:rules: []]`},
		"POST /v1/test":                          {"/v1/test", mediaJSON, someFiles, `"passed":1`},
		"GET /v1/features":                       {"/v1/features", "", "", `"name":"p"`},
		"GET /v1/features/{name}":                {"/v1/features/p", "", "", `"text":"1"`},
		"PUT /v1/features/{name}":                {"/v1/features/p", mediaYAML, "1", `"plan":`},
		"DELETE /v1/features/{name}":             {"/v1/features/p", "", "", `"plan":`},
		"GET /v1/params":                         {"/v1/params", "", "", `"name":"p"`},
		"GET /v1/params/{name}":                  {"/v1/params/p", "", "", `"text":"1"`},
		"PUT /v1/params/{name}":                  {"/v1/params/p", mediaYAML, "1", `"plan":`},
		"DELETE /v1/params/{name}":               {"/v1/params/p", "", "", `"plan":`},
	})
}

// TestRuleChanges reads what is asked of a change.
func TestRuleChanges(t *testing.T) {
	f := newFixture(t, Bounds{})
	rules := f.service.options.Rulebook.(*memoryRules)
	rules.done = RulesChanged{ETag: `"3-y"`, Position: "1-8", InForce: true}
	w := f.do(request("PUT", "/v1/rules/r?dry_run=true&on_change=drain&warm=false&tests=report&reason=why", strings.NewReader("id: r"), "Content-Type", mediaYAML, "If-Match", `"2"`, "Weir-Author", "ann"))
	if c := rules.asked; w.Code != 200 || w.Header().Get("ETag") != `"3-y"` || c.Kind != RulePart || c.Name != "r" || c.Text != "id: r" || !c.DryRun || c.OnChange != "drain" ||
		!c.Cold || !c.ReportTests || c.Match != `"2"` || c.Who.Author != "ann" || c.Who.Reason != "why" {
		t.Errorf("%d %v: %+v", w.Code, w.Header(), c)
	}
	f.do(request("DELETE", "/v1/params/p", nil))
	if c := rules.asked; c.Kind != ParamPart || !c.Remove || c.DryRun || c.Cold || c.Text != "" {
		t.Errorf("%+v", c)
	}
	rules.done.InForce = false // it is on the log, and not stepped yet
	if w := f.do(request("DELETE", "/v1/rules/r", nil)); w.Code != http.StatusAccepted || w.Header().Get("Location") != "/v1/rules/r" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	rules.done.RunIn = &RunIn{Rules: []string{"r"}, Left: 5}
	if w := f.do(request("DELETE", "/v1/features/p", nil)); w.Code != http.StatusAccepted || w.Header().Get("Location") != "/v1/rules" || !strings.Contains(w.Body.String(), `"records_left":5`) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	rules.done.RunIn, rules.done.InForce = &RunIn{Joined: "1-9"}, true // it has ended
	if w := f.do(request("DELETE", "/v1/features/p", nil)); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = f.do(request("GET", "/v1/rules/r", nil, "Accept", mediaYAML))
	f.expect(w, 200, "id: r\nwhen: n > 1")
	if w.Header().Get("ETag") != `"2-x"` || w.Header().Get("Content-Type") != mediaYAML {
		t.Errorf("%v", w.Header())
	}
}

// TestRuleProblems answers what a change was refused for.
func TestRuleProblems(t *testing.T) {
	f := newFixture(t, Bounds{})
	rules := f.service.options.Rulebook.(*memoryRules)
	for _, tt := range []struct {
		err    error
		status int
		code   string
		part   string
	}{
		{ErrNoPart, 404, codeNotFound, `no rule "r"`},
		{ErrNoVersion, 404, codeNotFound, "no such revision"},
		{fmt.Errorf("of it: %w", ErrMatch), 412, codePrecondition, "If-Match"},
		{ErrMoved, 412, codePrecondition, "somebody else"},
		{ErrChanging, 429, codeBusy, "after a second"},
		{&RulesRefused{Why: "it is wrong", Diagnostics: []Diagnostic{{Code: "name"}}}, 422, codeRules, "it is wrong"},
		{&RulesRefused{Why: "they fail", Tests: &TestRun{Failed: 1}}, 422, codeTests, "they fail"},
		{ErrUnavailable, 503, codeUnavailable, ""},
		{errors.New("secret"), 503, codeUnavailable, "log of the service"},
	} {
		rules.err = tt.err
		w := f.do(request("POST", "/v1/rules/r/rollback", strings.NewReader(`{"revision":1}`), "Content-Type", mediaJSON))
		f.problem(w, tt.status, tt.code, tt.part)
		if refused, ok := errors.AsType[*RulesRefused](tt.err); ok {
			if got := w.Body.String(); strings.Contains(got, `"diagnostics"`) != (refused.Diagnostics != nil) || strings.Contains(got, `"tests"`) != (refused.Tests != nil) {
				t.Error(got)
			}
		}
	}
}
