package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/cep"
	"weir/cep/stream"
	"weir/web"
)

// living is a service in this process whose rules are changed.
type living struct {
	*service
	t     *testing.T
	stop  context.CancelFunc
	ended chan error
}

const livingRules = `# of payments
params: {least: 5}
events:
  pay:
    time: ts
    id: id
    fields: {id: string, ts: time, card: string, n: number}
features:
  total: {on: pay, key: card, value: sum(n), over: 1h}
lists:
  bad: {type: string, file: bad.csv}
rules:
  # the first
  - id: big
    title: Large
    on: pay
    key: card
    when: n > params.least   # by itself
  - {id: pair, on: pay, key: card, within: 1h, pattern: a -> b, define: {a: n == 1, b: n == 9}}
  - {id: sum, on: pay, key: card, when: 'total > 100 || in_list("bad", card)', severity: high, tags: [x]}
`

const livingTests = `tests:
  - name: big
    events:
      - {type: pay, ts: 0s, id: a, card: c, n: 6}
    alerts:
      - {rule: big, key: c}
`

// livingFolder writes rules with a list and tests into a folder.
func livingFolder(t *testing.T) string {
	dir := t.TempDir()
	for name, text := range map[string]string{"rules.yaml": livingRules, "rules_test.yaml": livingTests, "bad.csv": "entry\nc7\n"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

// live starts a service.
func live(t *testing.T, data, dir, from string) (*living, error) {
	t.Helper()
	s, _, err := loadSettings(os.DevNull, nil, map[string]string{"data": data, "listen": "127.0.0.1:0", "state.reserve": "0B"})
	must(t, err)
	f, err := readFolder([]string{dir}, &streams{nil, io.Discard, io.Discard})
	must(t, err)
	f.from = from
	ctx, cancel := context.WithCancel(t.Context())
	v, err := newService(ctx, s, f, slog.New(slog.DiscardHandler))
	if err != nil {
		cancel()
		return nil, err
	}
	l := &living{v, t, cancel, make(chan error, 1)}
	v.rulebook.patience = time.Minute // so that no answer depends on how busy the machine is
	go func() { l.ended <- v.run(ctx) }()
	select {
	case <-v.serving:
	case err := <-l.ended:
		t.Fatal("it has ended: ", err)
	}
	t.Cleanup(l.end)
	return l, nil
}

func liveOn(t *testing.T, data, dir string) *living {
	t.Helper()
	l, err := live(t, data, dir, "")
	must(t, err)
	return l
}

// end stops the service, once.
func (l *living) end() {
	if l.stop == nil {
		return
	}
	l.stop()
	l.stop = nil
	if err := <-l.ended; err != nil {
		l.t.Error(err)
	}
	l.close()
}

// ask sends a request and gives the answer. headers are NAME, VALUE, and so on.
func (l *living) ask(method, route, media, body string, headers ...string) (*http.Response, string) {
	l.t.Helper()
	q, err := http.NewRequest(method, "http://"+l.server.Addr()+route, strings.NewReader(body))
	must(l.t, err)
	if media != "" {
		q.Header.Set("Content-Type", media)
	}
	for i := 0; i < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	r, err := http.DefaultClient.Do(q)
	must(l.t, err)
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	must(l.t, err)
	return r, string(text)
}

// expect asks, and checks the status and parts of the answer.
func (l *living) expect(method, route, media, body string, status int, parts ...string) string {
	l.t.Helper()
	r, text := l.ask(method, route, media, body)
	missing := slices.DeleteFunc(slices.Clone(parts), func(part string) bool { return strings.Contains(text, part) })
	if r.StatusCode != status || len(missing) > 0 {
		l.t.Errorf("%s %s: %s, without %q:\n%s", method, route, r.Status, missing, text)
	}
	return text
}

const (
	yamlMedia = "application/yaml"
	jsonMedia = "application/json"
)

// changed reads the answer to a change.
func (l *living) changed(text string) (c web.RulesChanged) {
	l.t.Helper()
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		l.t.Errorf("%v: %s", err, text)
	}
	return c
}

// pay posts a payment and waits until it is stepped.
func (l *living) pay(id, card string, at, n int) {
	l.t.Helper()
	text := l.expect("POST", "/v1/events", jsonMedia, fmt.Sprintf(`{"type":"pay","id":%q,"ts":%d,"card":%q,"n":%d}`, id, at, card, n), 200, `"accepted":1`)
	var a web.Answer
	must(l.t, json.Unmarshal([]byte(text), &a))
	last, err := cep.ParsePosition(a.Position)
	must(l.t, err)
	if !l.inForce(l.t.Context(), last.Sequence) {
		l.t.Fatal("an event is not stepped")
	}
}

// alerts counts the alerts of a rule by revision.
func (l *living) alerts(rule string) map[int]int {
	l.t.Helper()
	var page struct {
		Items []struct{ Rule struct{ Revision int } }
	}
	must(l.t, json.Unmarshal([]byte(l.expect("GET", "/v1/alerts?rule="+rule, "", "", 200)), &page))
	n := map[int]int{}
	for _, item := range page.Items {
		n[item.Rule.Revision]++
	}
	return n
}

// TestRulesOverAPI shows, changes, switches, rolls back and removes rules while events come.
func TestRulesOverAPI(t *testing.T) {
	l := liveOn(t, filepath.Join(t.TempDir(), "data"), livingFolder(t))
	l.expect("GET", "/v1/rules", "", "", 200, `"id":"big"`, `"title":"Large"`, `"severity":"high"`, `"revision":1`, `"in_force":true`, `"health":{"matches":0`)
	l.expect("GET", "/v1/rules/big", "", "", 200, `"file":"rules.yaml"`, `"text":"id: big\ntitle: Large\non: pay\nkey: card\nwhen: n > params.least   # by itself"`)
	if r, text := l.ask("GET", "/v1/rules/big", "", "", "Accept", yamlMedia); r.Header.Get("Content-Type") != yamlMedia || !strings.HasPrefix(text, "id: big\n") || !strings.HasPrefix(r.Header.Get("ETag"), `"1-`) {
		t.Errorf("%v %q", r.Header, text)
	}
	l.pay("1", "c1", 1000, 6)
	if got := l.alerts("big"); got[1] != 1 {
		t.Errorf("alerts %v", got)
	}

	// A change, first without doing it.
	text := "id: big\ntitle: Larger\non: pay\nkey: card\nwhen: n > 2 * params.least\n"
	dry := l.changed(l.expect("PUT", "/v1/rules/big?dry_run=true&tests=report", yamlMedia, text, 200, `"failed":1`, "revision"))
	if dry.Position != "" || dry.InForce || len(dry.Plan.Rules) != 1 || dry.Plan.Rules[0].Change != "changed" || dry.Revision != 2 ||
		!slices.Equal(dry.Plan.Rules[0].Words, []string{"`title` Large → Larger", "`when` `n > params.least` → `n > 2 * params.least`"}) {
		t.Errorf("%+v", dry)
	}
	l.expect("PUT", "/v1/rules/big", yamlMedia, text, 422, `"code":"tests_failed"`, "1 of 1 test would fail", `"kind":"missing"`)
	l.expect("GET", "/v1/rules/big", "", "", 200, `"revision":1`)
	done := l.changed(l.expect("PUT", "/v1/rules/big?tests=report&reason=too+many", yamlMedia, text, 200, `"in_force":true`))
	if done.Position == "" || done.Revision != 2 || done.Tests == nil || done.Tests.Failed != 1 {
		t.Errorf("%+v", done)
	}
	l.pay("2", "c1", 2000, 6)
	l.pay("3", "c1", 3000, 11)
	if got := l.alerts("big"); got[1] != 1 || got[2] != 1 {
		t.Errorf("alerts %v", got)
	}
	l.expect("GET", "/v1/ruleset", "", "", 200, `# the first\n  - id: big\n    title: Larger`, `"bad.csv":"entry\nc7\n"`, `"rules_test.yaml":"tests:`)
	l.expect("GET", "/v1/rules/big/versions", "", "", 200, `"revision":2`, `"reason":"too many"`, `"author":"anonymous@127.0.0.1"`, `"revision":1`)
	l.expect("GET", "/v1/rules/big/versions/1", "", "", 200, "n > params.least   # by itself")
	l.expect("GET", "/v1/rules/big/diff", "", "", 200, `"from":1,"to":2`, `+title: Larger\n`, "`title` Large → Larger")
	if same := l.changed(l.expect("PUT", "/v1/rules/big", yamlMedia, text, 200)); !same.Unchanged || same.Position != "" || !same.InForce {
		t.Errorf("%+v", same)
	}

	// The other test fails before and after: it keeps nothing back.
	l.expect("PUT", "/v1/rules/new", yamlMedia, "id: new\non: pay\nkey: card\nwhen: n == 77\n", 200, `"change":"added"`, `"failed_before":1`)
	l.expect("GET", "/v1/rules/new", "", "", 200, `"file":"new.yaml"`, `"revision":1`)
	l.pay("4", "c1", 4000, 77)
	if got := l.alerts("new"); got[1] != 1 {
		t.Errorf("alerts %v", got)
	}

	// A text alone, features and params.
	l.expect("PUT", "/v1/rules/new", yamlMedia, "id: new\ntitle: Named\non: pay\nkey: card\nwhen: n == 77\n", 200, `"change":"text"`, `"revision":1`)
	l.expect("PUT", "/v1/features/total", yamlMedia, "{on: pay, key: card, value: sum(n), over: 2h}", 200, `"part":"feature total"`, "`over` 1 h → 2 h", `"id":"sum","change":"changed","revision":2`)
	l.expect("GET", "/v1/features", "", "", 200, `"name":"total"`, "over: 2h")
	l.expect("PUT", "/v1/params/least", yamlMedia, "50", 200, `"id":"big","change":"changed","revision":3`, "param least", "the value 5 → 50")
	l.expect("GET", "/v1/params/least", "", "", 200, `"text":"50"`)
	l.expect("PUT", "/v1/params/most", yamlMedia, "50", 200, "param most", "unused")
	l.expect("DELETE", "/v1/params/most", "", "", 200, `"change":"removed"`)
	l.expect("DELETE", "/v1/features/total", "", "", 422, `"code":"invalid_rules"`, "total", `"file":"rules.yaml","line":`)
	l.expect("GET", "/v1/features/totals", "", "", 404, "no feature")

	// Off, shadow and on.
	l.expect("POST", "/v1/rules/new/status", jsonMedia, `{"status":"disabled"}`, 200, `"in_force":true`)
	l.expect("GET", "/v1/rules/new", "", "", 200, `"status":"disabled"`, `"in_force":false`)
	l.pay("5", "c1", 5000, 77)
	l.expect("POST", "/v1/rules/new/status", jsonMedia, `{"status":"active"}`, 200, `"revision":2`)
	l.pay("6", "c1", 6000, 77)
	if got := l.alerts("new"); got[1] != 1 || got[2] != 1 {
		t.Errorf("alerts %v", got)
	}
	l.expect("POST", "/v1/rules/new/status", jsonMedia, `{"status":"off"}`, 422, "active, shadow, disabled")

	// Back to a revision, and gone.
	l.expect("POST", "/v1/rules/big/rollback", jsonMedia, `{"revision":1}`, 200, `"revision":4`)
	l.expect("GET", "/v1/rules/big", "", "", 200, "title: Large\\n")
	l.expect("POST", "/v1/rules/big/rollback", jsonMedia, `{"revision":9}`, 404, "no such revision")
	l.expect("POST", "/v1/rules/huge/rollback", jsonMedia, `{"revision":1}`, 404, "no rule")
	l.pay("7", "c2", 7000, 1)
	l.expect("DELETE", "/v1/rules/pair?dry_run=true", "", "", 200, `"loses":1`, `"dropped":1`)
	l.expect("DELETE", "/v1/rules/pair", "", "", 200, `"change":"removed"`)
	l.expect("GET", "/v1/rules/pair", "", "", 404, `"code":"not_found"`)
	l.expect("DELETE", "/v1/rules/pair", "", "", 404, "no rule")
	l.expect("GET", "/v1/rules/pair/versions", "", "", 200, `"revision":1`)
	l.expect("POST", "/v1/rules/pair/rollback", jsonMedia, `{"revision":1}`, 200, `"change":"added"`)
}

// TestRulesRefused asks for what is refused: nothing changes.
func TestRulesRefused(t *testing.T) {
	l := liveOn(t, filepath.Join(t.TempDir(), "data"), livingFolder(t))
	before := l.rulebook.last.Load().at
	for _, tt := range []struct {
		method, route, media, body string
		status                     int
		part                       string
	}{
		{"PUT", "/v1/rules/big", yamlMedia, "id: big\non: pay\nkey: card\nwhen: m > 1\n", 422, `"file":"big.yaml","line":4,"column":7,"end_line":4,"end_column":8,"severity":"error","code":"expression"`},
		{"PUT", "/v1/rules/big", yamlMedia, "id: other\non: pay\nkey: card\nwhen: n > 1\n", 422, "the address says `big`"},
		{"PUT", "/v1/rules/big", yamlMedia, "", 422, "is empty"},
		{"PUT", "/v1/rules/big", yamlMedia, "id: [", 422, `"code":"invalid_rules"`},
		{"PUT", "/v1/rules/big", jsonMedia, "{}", 415, "application/yaml"},
		{"PUT", "/v1/rules/big", yamlMedia, "id: big\n#" + strings.Repeat("x", 1<<20), 413, "body_too_large"},
		{"PUT", "/v1/rules/Big", yamlMedia, "id: Big\non: pay\nkey: card\nwhen: n > 1\n", 422, "lower-case letters"},
		{"PUT", "/v1/rules/big?on_change=keep", yamlMedia, "id: big", 400, "carry, drain, reset"},
		{"PUT", "/v1/rules/big?dry_run=1", yamlMedia, "id: big", 400, "true, false"},
		{"PUT", "/v1/rules/big?tests=no", yamlMedia, "id: big", 400, "require, report"},
		{"PUT", "/v1/rules/big?force=true", yamlMedia, "id: big", 400, "no parameter"},
		{"PATCH", "/v1/rules/big", yamlMedia, "id: big", 405, "PUT"},
		{"PUT", "/v1/params/least", yamlMedia, "{a: 1}", 422, "a mapping"},
		{"DELETE", "/v1/params/least", "", "", 422, "it cannot be taken away, as something reads it: rules.yaml:"},
		{"PUT", "/v1/ruleset", jsonMedia, `{"files":{}}`, 422, "expected files"},
		{"PUT", "/v1/ruleset", jsonMedia, `{"files":{"../a.yaml":"x"}}`, 422, "a path below"},
		{"PUT", "/v1/ruleset", jsonMedia, `{"file":{}}`, 400, "invalid_body"},
		{"PUT", "/v1/ruleset", jsonMedia, `{"files":{"a.csv":"x"}}`, 422, "no rules among the files"},
		{"PUT", "/v1/ruleset", jsonMedia, `{"files":{"a.yaml":"rules: 1"}}`, 422, `"file":"a.yaml"`},
		{"POST", "/v1/rules/big/rollback", jsonMedia, `{"revision":0}`, 422, "from 1"},
		{"GET", "/v1/rules/big/versions/x", "", "", 400, "a number from 1"},
		{"GET", "/v1/rules/big/versions/7", "", "", 404, "no such revision"},
		{"GET", "/v1/rules/big/diff?from=x", "", "", 400, "a number from 1"},
		{"GET", "/v1/rules/none", "", "", 404, "no rule"},
		{"GET", "/v1/rules/none/versions", "", "", 404, "no rule"},
		{"DELETE", "/v1/params/none", "", "", 404, "no param"},
		{"POST", "/v1/rules/none/status", jsonMedia, `{"status":"active"}`, 404, "no rule"},
		{"POST", "/v1/test", jsonMedia, `{"files":{"a.yaml":"rules: []"}}`, 422, "no tests"},
	} {
		l.expect(tt.method, tt.route, tt.media, tt.body, tt.status, tt.part)
	}
	must(t, l.rulebook.refresh(t.Context()))
	if after := l.rulebook.last.Load().at; after != before {
		t.Errorf("a refused change was published: record %d, was %d", after, before)
	}
	l.expect("POST", "/v1/check", yamlMedia, "rules: [{id: a, on: pay, key: k, when: n > 1, wen: 2}]", 200, `"code":"unknown"`, "did you mean")
	l.expect("POST", "/v1/check", jsonMedia, `{"files":{"a.yaml":"rules: [{id: a, on: pay, key: k, when: n > 1}]"}}`, 200, `"diagnostics":[]`)
	files := string(raw(map[string]any{"files": map[string]string{"r.yaml": livingRules, "r_test.yaml": livingTests, "bad.csv": "entry\n"}}))
	l.expect("POST", "/v1/test", jsonMedia, files, 200, `"tests":1,"passed":1`, `"name":"big"`)
}

// TestRulesMatch changes a rule that others change too.
func TestRulesMatch(t *testing.T) {
	l := liveOn(t, filepath.Join(t.TempDir(), "data"), livingFolder(t))
	r, _ := l.ask("GET", "/v1/rules/big", "", "")
	tag := r.Header.Get("ETag")
	text := func(n int) string { return fmt.Sprintf("id: big\non: pay\nkey: card\nwhen: n > %d\n", n) }
	put := func(n int, match string) int {
		r, _ := l.ask("PUT", "/v1/rules/big?tests=report", yamlMedia, text(n), "If-Match", match)
		return r.StatusCode
	}
	if got := put(10, `"9-0123456789abcdef"`); got != 412 {
		t.Error(got)
	}
	if got := put(11, tag); got != 200 {
		t.Error(got)
	}
	if got := put(12, tag); got != 412 {
		t.Error(got)
	}
	if got := put(12, `"2"`); got != 200 {
		t.Error(got)
	}
	if got := put(13, "*"); got != 200 {
		t.Error(got)
	}
	if r, _ := l.ask("PUT", "/v1/rules/none", yamlMedia, "id: none\non: pay\nkey: card\nwhen: n > 1\n", "If-Match", "*"); r.StatusCode != 412 {
		t.Error(r.Status)
	}
	// Of those that race with one tag, one wins.
	r, _ = l.ask("GET", "/v1/rules/big", "", "")
	tag = r.Header.Get("ETag")
	var wg sync.WaitGroup
	codes := make([]int, 6)
	for i := range codes {
		wg.Go(func() { codes[i] = put(20+i, tag) })
	}
	wg.Wait()
	slices.Sort(codes)
	if !slices.Equal(codes, []int{200, 412, 412, 412, 412, 412}) {
		t.Error(codes)
	}
	// Without one all of them come, one after the other.
	for i := range codes {
		wg.Go(func() {
			r, _ := l.ask("PUT", fmt.Sprintf("/v1/rules/r%d", i), yamlMedia, fmt.Sprintf("id: r%d\non: pay\nkey: card\nwhen: n == %d\n", i, i), "Weir-Author", "ann")
			codes[i] = r.StatusCode
		})
	}
	wg.Wait()
	for i := range codes {
		l.expect("GET", fmt.Sprintf("/v1/rules/r%d", i), "", "", 200, `"revision":1`)
	}
}

// TestRulesMoved changes rules while another control record comes: the change is made again.
func TestRulesMoved(t *testing.T) {
	l := liveOn(t, filepath.Join(t.TempDir(), "data"), livingFolder(t))
	note := cep.Boot{Version: "other", Engine: cep.EngineRevision}
	_, err := l.stream.Append(t.Context(), &cep.Packed{Kind: cep.PackedBoot, Body: []byte(note.String())})
	must(t, err)
	if _, err := l.stream.PublishIf(t.Context(), &cep.Packed{Kind: cep.PackedBoot, Body: []byte(note.String())}, l.rulebook.control); !errors.Is(err, stream.ErrChanged) {
		t.Fatal("the record that is known is the last one: ", err)
	}
	l.expect("POST", "/v1/rules/big/status", jsonMedia, `{"status":"shadow"}`, 200, `"in_force":true`)
}

// TestRulesRestart starts a service again: what was changed over the API stays, and what was changed
// in the folder comes.
func TestRulesRestart(t *testing.T) {
	data, dir := filepath.Join(t.TempDir(), "data"), livingFolder(t)
	file := filepath.Join(dir, "rules.yaml")
	l := liveOn(t, data, dir)
	l.expect("POST", "/v1/rules/sum/status", jsonMedia, `{"status":"disabled"}`, 200)
	l.expect("PUT", "/v1/params/least?tests=report", yamlMedia, "6", 200)
	at := l.rulebook.last.Load().at
	l.end()

	l = liveOn(t, data, dir) // the folder is as it was
	if now := l.rulebook.last.Load().at; now != at {
		t.Errorf("a start with the same folder has published record %d, was %d", now, at)
	}
	l.expect("GET", "/v1/rules/sum", "", "", 200, `"status":"disabled"`)
	l.expect("GET", "/v1/rules/sum/versions", "", "", 200, `"revision":1`)
	l.end()

	edit := func(was, is string) {
		t.Helper()
		text, err := os.ReadFile(file)
		must(t, err)
		if !bytes.Contains(text, []byte(was)) {
			t.Fatalf("no %s in %s", was, text)
		}
		must(t, os.WriteFile(file, bytes.ReplaceAll(text, []byte(was), []byte(is)), 0o600))
	}
	edit("b: n == 9", "b: n == 8") // another rule
	l = liveOn(t, data, dir)
	l.expect("GET", "/v1/rules/sum", "", "", 200, `"status":"disabled"`)
	l.expect("GET", "/v1/rules/pair", "", "", 200, `b: n == 8`, `"revision":2`)
	l.expect("GET", "/v1/params/least", "", "", 200, `"text":"6"`)
	at = l.rulebook.last.Load().at
	l.end()
	l = liveOn(t, data, dir)
	if now := l.rulebook.last.Load().at; now != at {
		t.Errorf("a start with the same folder has published record %d, was %d", now, at)
	}
	l.end()

	edit("least: 5", "least: 7") // what was changed over the API too
	edit("total > 100", "total > 200")
	_, err := live(t, data, dir, "")
	var exit *exitError
	if !errors.As(err, &exit) || exit.code != exitFindings || !strings.Contains(err.Error(), "param least (in rules.yaml), rule sum (in rules.yaml); ") {
		t.Fatalf("a conflict: %v", err)
	}
	l, err = live(t, data, dir, "api")
	must(t, err)
	l.expect("GET", "/v1/params/least", "", "", 200, `"text":"6"`)
	l.expect("GET", "/v1/rules/sum", "", "", 200, `"status":"disabled"`, "total > 100")
	l.end()
	l = liveOn(t, data, dir) // it is settled
	l.expect("GET", "/v1/params/least", "", "", 200, `"text":"6"`)
	l.end()
	edit("least: 7", "least: 8")
	l, err = live(t, data, dir, "folder")
	must(t, err)
	l.expect("GET", "/v1/params/least", "", "", 200, `"text":"8"`)
	l.expect("GET", "/v1/rules/sum", "", "", 200, `"status":"active"`, "total > 200")
}

// TestRuleset puts a whole folder in the place of another.
func TestRuleset(t *testing.T) {
	data, dir := filepath.Join(t.TempDir(), "data"), livingFolder(t)
	l := liveOn(t, data, dir)
	r, text := l.ask("GET", "/v1/ruleset", "", "")
	var all web.RulesetFiles
	must(t, json.Unmarshal([]byte(text), &all))
	if all.ETag != r.Header.Get("ETag") || len(all.Files) != 3 {
		t.Errorf("%+v %v", all, r.Header)
	}
	put := func(query, match string, status int, parts ...string) string {
		t.Helper()
		r, text := l.ask("PUT", "/v1/ruleset"+query, jsonMedia, string(raw(map[string]any{"files": all.Files})), "If-Match", match)
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("no %s in %s", part, text)
			}
		}
		if r.StatusCode != status {
			t.Errorf("%s: %s", r.Status, text)
		}
		return r.Header.Get("ETag")
	}
	put("", all.ETag, 200, `"unchanged":true`)
	all.Files["rules.yaml"] = strings.ReplaceAll(all.Files["rules.yaml"], "within: 1h", "within: 2h")
	all.Files["more.yaml"] = "rules: [{id: more, on: pay, key: card, when: n == 3}]\n"
	all.Files["bad.csv"] = "entry\nc8\n"
	tag := put("?dry_run=true", "", 200, `"id":"more","change":"added"`, "window 1 h → 2 h", "file bad.csv", `"passed":1`)
	if tag != all.ETag {
		t.Errorf("the tag of a dry run is %s, not %s", tag, all.ETag)
	}
	put("", tag, 200, `"in_force":true`)
	put("", tag, 412, "precondition_failed")
	l.pay("1", "c8", 1000, 3)
	if n := len(l.alerts("sum")) + len(l.alerts("more")); n != 2 {
		t.Errorf("alerts of %d rules", n)
	}
	delete(all.Files, "bad.csv") // stays as it is
	delete(all.Files, "more.yaml")
	put("", "", 200, `"id":"more","change":"removed"`)
	l.expect("GET", "/v1/ruleset", "", "", 200, `"bad.csv":"entry\nc8\n"`)
	l.end()
	l = liveOn(t, data, dir) // the folder that is served has not changed
	l.expect("GET", "/v1/ruleset", "", "", 200, "within: 2h")
}
