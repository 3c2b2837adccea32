package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/state"
	"weir/web"
)

const changedRules = `
events:
  pay: {time: ts, id: id, fields: {ts: time, id: string, card: string, n: number, ip: string}}
lists:
  cards: {type: string, file: cards.csv}
  limits: {type: string, value: number}
  nets: {type: cidr, value: string}
rules:
  - {id: listed, on: pay, key: card, when: 'in_list("cards", card)'}
  - {id: above, on: pay, key: card, when: 'in_list("limits", card) && n > list_value("limits", card)'}
  - {id: net, on: pay, key: card, when: 'in_list("nets", ip)'}
`

// ask sends a request to a service and returns the answer.
func ask(t *testing.T, url, method, path, media, body string, headers ...string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
	must(t, err)
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	a, err := http.DefaultClient.Do(r)
	must(t, err)
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	must(t, err)
	return a.StatusCode, strings.TrimSpace(string(text))
}

// changes is a service whose lists are changed.
type changes struct {
	t   *testing.T
	url string
}

// ask is ask of an answer that is expected: its status, and a part of it.
func (c changes) ask(method, path, body string, status int, part string) string {
	c.t.Helper()
	media := "application/json"
	if strings.Contains(path, "/import") {
		media = "text/csv"
	}
	if method == http.MethodGet || method == http.MethodDelete {
		media = ""
	}
	got, answer := ask(c.t, c.url, method, path, media, body, "Weir-Author", "ann")
	if got != status || !strings.Contains(answer, part) {
		c.t.Errorf("%s %s: %d %s\nwant %d %s", method, path, got, answer, status, part)
	}
	return answer
}

// audited is what the audit log has, the oldest entry first: what, id, before, after.
func (c changes) audited() (list []string) {
	c.t.Helper()
	var page struct{ Items []web.AuditEntry }
	must(c.t, json.Unmarshal([]byte(c.ask("GET", "/v1/audit?limit=1000", "", 200, "")), &page))
	for _, e := range page.Items {
		list = append([]string{fmt.Sprintf("%s %s %s %s %s", e.Author, e.What, e.ID, e.Before, e.After)}, list...)
	}
	return list
}

// TestListsChange changes lists while the service runs: events before a change see the list as
// it was, those after it as it is then, also after a restart and in a replay, and each change
// stands once in the audit log.
func TestListsChange(t *testing.T) {
	dir, folder := t.TempDir(), t.TempDir()
	must(t, os.WriteFile(filepath.Join(folder, "rules.yaml"), []byte(changedRules), 0o600))
	must(t, os.WriteFile(filepath.Join(folder, "cards.csv"), []byte("filed\n"), 0o600))
	set := map[string]string{"state.checkpoint.every": "100ms"}
	s := startServe(t, dir, []string{folder}, set)
	c := changes{t, "http://" + s.server.Addr()}
	start := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	n := 0
	pay := func(card string, amount int) {
		t.Helper()
		n++
		line := fmt.Sprintf(`{"type":"pay","id":"%s-%d","ts":%q,"card":%q,"n":%d,"ip":"10.1.2.3"}`+"\n", card, n, start.Add(time.Duration(n)*time.Second).Format(time.RFC3339), card, amount)
		a, err := post(c.url, "", line)
		if err != nil || a.Accepted != 1 {
			t.Fatalf("%+v, %v", a, err)
		}
	}
	pay("filed", 1) // 1
	pay("new", 1)
	c.ask("PUT", "/v1/lists/cards/entries/new?reason=seen", `{}`, 200, `"stepped":true,"after":{}`)
	pay("new", 1) // 3
	c.ask("GET", "/v1/lists/cards/entries", "", 200, `{"items":[{"entry":"filed"},{"entry":"new"}]}`)
	c.ask("PUT", "/v1/lists/cards/entries/new", `{"expires":"2026-01-02T00:00:05Z"}`, 200, `"before":{},"after":{"expires":"2026-01-02T00:00:05.000Z"}`)
	pay("new", 1) // 4
	pay("new", 1)
	settledUp(s)
	c.ask("GET", "/v1/lists/cards/entries", "", 200, `{"items":[{"entry":"filed"}]}`)
	c.ask("GET", "/v1/lists/cards/entries/new", "", 404, `not_found`)
	c.ask("DELETE", "/v1/lists/cards/entries/filed", "", 200, `"before":{}`)
	c.ask("DELETE", "/v1/lists/cards/entries/filed", "", 404, `not_found`)
	pay("filed", 1)
	c.ask("PUT", "/v1/lists/limits/entries/rich", `{"value":100}`, 200, `"after":{"value":100}`)
	pay("rich", 99)
	pay("rich", 101) // 8
	c.ask("PUT", "/v1/lists/limits/entries/rich", `{"value":"much"}`, 422, `expected a value of type number`)
	c.ask("PUT", "/v1/lists/limits/entries/rich", `{"value":[1]}`, 422, `found an array`)
	c.ask("PUT", "/v1/lists/limits/entries/rich", `{"expires":"soon"}`, 422, `expected a time in expires`)
	c.ask("PUT", "/v1/lists/others/entries/rich", `{}`, 404, `GET /v1/lists`)
	c.ask("PUT", "/v1/lists/nets/entries/10.0.0.0%2F8", `{"value":"ours"}`, 200, `"after":{"value":"ours"}`)
	pay("any", 1) // 9
	c.ask("PUT", "/v1/lists/nets/entries/everywhere", `{}`, 422, `everywhere`)
	c.ask("POST", "/v1/lists/nets/import?mode=replace", "\n", 422, "the file is empty, and nothing was changed")
	c.ask("POST", "/v1/lists/nets/import?mode=replace", "entry\n", 200, `"before":{"entries":1},"after":{"put":0,"rows":0,"mode":"replace"}`)
	pay("any", 1)
	c.ask("POST", "/v1/lists/cards/import", "entry,expires\nfirst,\nsecond,2026-02-01\n", 200, `"after":{"put":2,"rows":2,"mode":"merge"}`)
	pay("first", 1) // 11
	c.ask("POST", "/v1/lists/cards/import", "entry,expires\nthird,\nfourth,soon\n", 422, `"rejected":[{"line":3,"column":8`)
	c.ask("GET", "/v1/lists/cards/entries/third", "", 404, "")
	var many strings.Builder
	for i := range 150_000 {
		fmt.Fprintf(&many, "many-%06d\n", i)
	}
	c.ask("POST", "/v1/lists/cards/import", many.String(), 200, `"put":150000`)
	pay("many-000077", 1) // 12
	c.ask("GET", "/v1/lists/cards/entries?q=many-149&limit=2", "", 200, `{"items":[{"entry":"many-149000"},{"entry":"many-149001"}],"next":"many-149001"}`)
	c.ask("GET", "/v1/lists/cards/entries?q=many-149&after=many-149998&limit=2", "", 200, `{"items":[{"entry":"many-149999"}]}`)
	c.ask("GET", "/v1/lists", "", 200, `{"name":"cards","type":"string","entries":150003}`)
	audited := c.audited()
	settledUp(s)
	s.shut(t)

	s = startServe(t, dir, []string{folder}, set)
	c.url = "http://" + s.server.Addr()
	c.ask("GET", "/v1/lists/cards/entries/second", "", 200, `"expires":"2026-02-01T00:00:00.000Z"`)
	pay("many-000078", 1) // 13
	pay("filed", 1)
	pay("rich", 200) // 15
	if got := c.audited(); fmt.Sprint(got) != fmt.Sprint(audited) {
		t.Errorf("audit log: %s\nbefore:    %s", got, audited)
	}
	settledUp(s)
	s.shut(t)
	want := []string{
		"ann list.entry.put cards/new  {}",
		`ann list.entry.put cards/new {} {"expires":"2026-01-02T00:00:05.000Z"}`,
		"ann list.entry.remove cards/filed {} ",
		`ann list.entry.put limits/rich  {"value":100}`,
		`ann list.entry.put nets/10.0.0.0/8  {"value":"ours"}`,
		`ann list.import nets {"entries":1} {"put":0,"rows":0,"mode":"replace"}`,
		`ann list.import cards {"entries":1} {"put":2,"rows":2,"mode":"merge"}`,
		`ann list.import cards {"entries":3} {"put":150000,"rows":150000,"mode":"merge"}`,
	}
	if strings.Join(audited, "\n") != strings.Join(want, "\n") {
		t.Errorf("audit log:\n%s\nwant:\n%s", strings.Join(audited, "\n"), strings.Join(want, "\n"))
	}
	got := storedLines(t, dir)
	for i, alert := range map[int]string{1: "filed", 3: "new", 4: "new", 8: "rich", 9: "any", 11: "first", 12: "many-000077", 13: "many-000078", 15: "rich"} {
		if strings.Count(got, fmt.Sprintf(`"id":"%s-%d"`, alert, i)) != 1 {
			t.Errorf("there is no alert of event %s-%d", alert, i)
		}
	}
	if n := strings.Count(got, `"kind":"match"`); n != 9 {
		t.Errorf("%d alerts, want 9:\n%s", n, got)
	}
	agrees(t, dir)
}

// TestListsKilled kills the process wherever a change of a list is on its way. What was answered
// is in force after the next start, what was not is there as a whole or not at all, and the audit
// log has each change that is there once.
func TestListsKilled(t *testing.T) {
	var many strings.Builder
	for i := range 90_000 {
		fmt.Fprintf(&many, "many-%06d\n", i)
	}
	type asked struct{ method, path, media, body, what string }
	all := []asked{
		{"PUT", "/v1/lists/cards/entries/one", "application/json", `{}`, "list.entry.put cards/one"},
		{"PUT", "/v1/lists/limits/entries/one", "application/json", `{"value":7}`, "list.entry.put limits/one"},
		{"POST", "/v1/lists/cards/import", "text/csv", many.String(), "list.import cards"},
		{"DELETE", "/v1/lists/cards/entries/one", "", "", "list.entry.remove cards/one"},
		{"PUT", "/v1/lists/cards/entries/two", "application/json", `{}`, "list.entry.put cards/two"},
	}
	for _, failpoint := range []string{"append:6", "step:4", "commit:1", "committed:2", "import:2"} {
		h := newHost(t, t.TempDir(), changedRules, "--set", "log.size=64MB", "--set", "state.reserve=0B", "--set", "state.checkpoint.every=100ms")
		must(t, os.WriteFile(filepath.Join(filepath.Dir(h.rules), "cards.csv"), []byte("filed\n"), 0o600))
		s := h.start("WEIR_FAILPOINT=" + failpoint)
		answered := map[string]int{}
		begun := map[string]int{}
		starts := 1
		for i := 0; i < len(all); {
			if !s.ready() {
				if !s.died() {
					t.Fatalf("%s: the service was not killed:\n%s", failpoint, s.said())
				}
				s, starts = h.start(), starts+1
				continue
			}
			begun[all[i].what]++
			status, err := tryAsk(t, s.url, all[i].method, all[i].path, all[i].media, all[i].body)
			switch {
			case err != nil:
				s.ended()
				if !s.died() {
					t.Fatalf("%s: %v:\n%s", failpoint, err, s.said())
				}
				s, starts = h.start(), starts+1
			case status == 404 && all[i].method == "DELETE" && begun[all[i].what] > 1:
				i++ // it had been done
			case status != 200:
				t.Fatalf("%s: %s: %d", failpoint, all[i].what, status)
			default:
				answered[all[i].what]++
				i++
			}
		}
		c := changes{t, s.url}
		c.ask("GET", "/v1/lists/cards/entries/one", "", 404, "")
		c.ask("GET", "/v1/lists/cards/entries/two", "", 200, `{"entry":"two"}`)
		c.ask("GET", "/v1/lists/cards/entries/filed", "", 200, `{"entry":"filed"}`)
		c.ask("GET", "/v1/lists/limits/entries/one", "", 200, `"value":7`)
		c.ask("GET", "/v1/lists", "", 200, `"entries":90002`)
		there := map[string]int{}
		for _, entry := range c.audited() {
			words := strings.Fields(entry)
			there[words[1]+" "+words[2]]++
		}
		for _, a := range all {
			if n := there[a.what]; n < max(1, answered[a.what]) || n > begun[a.what] {
				t.Errorf("%s: %s: begun %d times, answered %d times, %d times in the audit log", failpoint, a.what, begun[a.what], answered[a.what], n)
			}
		}
		if a, err := post(s.url, "", payment("p", time.Now(), "many-000007", 1)+payment("q", time.Now(), "one", 8)); err != nil || a.Accepted != 2 {
			t.Errorf("%s: %+v, %v", failpoint, a, err)
		}
		s.settled()
		s.stop()
		if n := strings.Count(storedLines(t, h.data), `"kind":"match"`); n != 2 {
			t.Errorf("%s: %d alerts, want 2", failpoint, n)
		}
		agrees(t, h.data)
		if starts == 1 {
			t.Errorf("%s: the service was not killed", failpoint)
		}
	}
}

// tryAsk is ask of a service that may end meanwhile.
func tryAsk(t *testing.T, url, method, path, media, body string) (status int, err error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
	must(t, err)
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	r.Header.Set("Weir-Author", "ann")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer a.Body.Close()
	_, err = io.Copy(io.Discard, a.Body)
	return a.StatusCode, err
}

// agrees checks that a replay of a directory brings what is stored, and that its files are whole.
func agrees(t *testing.T, dir string) {
	t.Helper()
	var told strings.Builder
	if err := (&replayCommand{Data: file(dir)}).Run(&streams{nil, &told, &told}); err != nil {
		t.Errorf("replay: %v\n%s", err, &told)
	}
	store, err := state.Open(dir, state.Options{})
	must(t, err)
	defer store.Close()
	for _, err := range store.Check() {
		t.Error(err)
	}
}
