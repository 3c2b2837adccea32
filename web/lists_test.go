package web

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"weir/cep"
)

// memoryLists has one list, in memory.
type memoryLists struct {
	entries map[string]Entry
	who     cep.Audit
	late    bool // changes take long
	refused string
	busy    bool
	text    string // of what was imported
	replace bool
}

func newMemoryLists() *memoryLists {
	return &memoryLists{entries: map[string]Entry{"a": {Entry: "a", Value: json.RawMessage("1")}, "b/c": {Entry: "b/c"}, "c": {Entry: "c"}}}
}

func (l *memoryLists) Lists(context.Context) ([]List, error) {
	return []List{{Name: "cards", Type: "string", Value: "number", Entries: len(l.entries)}}, nil
}

func (l *memoryLists) Entries(_ context.Context, name, prefix, after string, limit int) (items []Entry, next string, err error) {
	if name != "cards" {
		return nil, "", ErrNoList
	}
	for _, text := range slices.Sorted(func(yield func(string) bool) {
		for text := range l.entries {
			if strings.HasPrefix(text, prefix) && text > after && !yield(text) {
				return
			}
		}
	}) {
		if len(items) == limit {
			return items, items[limit-1].Entry, nil
		}
		items = append(items, l.entries[text])
	}
	return items, "", nil
}

func (l *memoryLists) Entry(_ context.Context, name, entry string) (Entry, bool, error) {
	if name != "cards" {
		return Entry{}, false, ErrNoList
	}
	e, ok := l.entries[entry]
	return e, ok, nil
}

func (l *memoryLists) changed(who cep.Audit) Change {
	l.who = who
	return Change{Position: "1-7", Stepped: !l.late, Refused: l.refused}
}

func (l *memoryLists) Put(_ context.Context, name string, e *Entry, who cep.Audit) (Change, error) {
	switch {
	case name != "cards":
		return Change{}, ErrNoList
	case e.Expires == "never":
		return Change{}, &WrongEntry{"expected a time in expires"}
	}
	l.entries[e.Entry] = *e
	return l.changed(who), nil
}

func (l *memoryLists) Remove(_ context.Context, _, entry string, who cep.Audit) (Change, error) {
	if _, ok := l.entries[entry]; !ok {
		return Change{}, ErrNoEntry
	}
	delete(l.entries, entry)
	return l.changed(who), nil
}

func (l *memoryLists) Import(_ context.Context, _, text string, replace bool, who cep.Audit) (Change, error) {
	switch {
	case l.busy:
		return Change{}, ErrImports
	case strings.Contains(text, "wrong"):
		return Change{}, &WrongRows{Rows: []Reject{{2, 1, "expected something else"}}, All: 101}
	}
	l.text, l.replace = strings.Clone(text), replace
	return l.changed(who), nil
}

// memoryAudit has entries of an audit log, the newest first.
type memoryAudit struct {
	asked  AuditFilter
	before uint64
	items  []AuditEntry
	next   uint64
}

func (a *memoryAudit) Audit(_ context.Context, f AuditFilter, limit int, before uint64) ([]AuditEntry, uint64, error) {
	a.asked, a.before = f, before
	return a.items[:min(limit, len(a.items))], a.next, nil
}

func TestLists(t *testing.T) {
	f := newFixture(t, Bounds{})
	get := func(path string) *http.Request { return request("GET", path, nil) }
	f.expect(f.do(get("/v1/lists")), 200, `{"items":[{"name":"cards","type":"string","value":"number","entries":3}]}`)
	f.expect(f.do(get("/v1/lists/cards/entries?limit=2")), 200, `{"items":[{"entry":"a","value":1},{"entry":"b/c"}],"next":"b/c"}`)
	f.expect(f.do(get("/v1/lists/cards/entries?limit=2&after=b/c")), 200, `{"items":[{"entry":"c"}]}`)
	f.expect(f.do(get("/v1/lists/cards/entries?q=b")), 200, `{"items":[{"entry":"b/c"}]}`)
	f.expect(f.do(get("/v1/lists/cards/entries?q=x")), 200, `{"items":[]}`)
	f.expect(f.do(get("/v1/lists/cards/entries/a")), 200, `{"entry":"a","value":1}`)
	f.expect(f.do(get("/v1/lists/cards/entries/b%2Fc")), 200, `{"entry":"b/c"}`)
	f.problem(f.do(get("/v1/lists/cards/entries/x")), 404, codeNotFound, `has no entry "x"`)
	f.problem(f.do(get("/v1/lists/others/entries/x")), 404, codeNotFound, `no list "others"`)
	f.problem(f.do(get("/v1/lists/others/entries")), 404, codeNotFound, `no list "others"`)
	f.problem(f.do(get("/v1/lists/cards/entries?limit=0")), 400, codeParameter, "from 1 to 1000")
	f.problem(f.do(get("/v1/lists/cards/entries?prefix=a")), 400, codeParameter, "no parameter")
	f.problem(f.do(get("/v1/lists/cards/entries/")), 404, codeNotFound, "")
	if w := f.do(request("POST", "/v1/lists/cards/entries/a", nil)); w.Header().Values("Allow") == nil || !slices.Equal(w.Header().Values("Allow"), []string{"GET", "PUT", "DELETE"}) {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestPutEntry(t *testing.T) {
	f := newFixture(t, Bounds{})
	put := func(path, body string, headers ...string) *http.Request {
		return request("PUT", path, strings.NewReader(body), append([]string{"Content-Type", mediaJSON}, headers...)...)
	}
	f.expect(f.do(put("/v1/lists/cards/entries/d%20e?reason=seen+twice", `{"value":2,"expires":"2026-01-02T00:00:00Z"}`, authorHeader, "Ann")), 200, `{"position":"1-7","stepped":true}`)
	if e := f.lists.entries["d e"]; string(e.Value) != "2" || e.Expires != "2026-01-02T00:00:00Z" || f.lists.who != (cep.Audit{Author: "Ann", Reason: "seen twice"}) {
		t.Errorf("%+v %+v", e, f.lists.who)
	}
	f.expect(f.do(put("/v1/lists/cards/entries/x", `{}`)), 200, `{"position":"1-7","stepped":true}`)
	if f.lists.who.Author != "anonymous@192.0.2.1" { // of httptest
		t.Errorf("%q", f.lists.who.Author)
	}
	f.problem(f.do(put("/v1/lists/cards/entries/x", `{"ttl":1}`)), 400, codeBody, "ttl")
	f.problem(f.do(put("/v1/lists/cards/entries/x", `{"expires":"never"}`)), 422, codeBody, "expires")
	f.problem(f.do(put("/v1/lists/others/entries/x", `{}`)), 404, codeNotFound, "others")
	f.problem(f.do(put("/v1/lists/cards/entries/x", `{}`, authorHeader, "a\tb")), 400, codeParameter, authorHeader)
	f.problem(f.do(put("/v1/lists/cards/entries/x", `{}`, authorHeader, strings.Repeat("a", 129))), 400, codeParameter, "found 129")
	f.problem(f.do(put("/v1/lists/cards/entries/x?reason="+strings.Repeat("a", 1001), `{}`)), 400, codeParameter, "found 1001")
	f.problem(f.do(put("/v1/lists/cards/entries/x?reason=%ff", `{}`)), 400, codeParameter, "UTF-8")
	f.problem(f.do(request("PUT", "/v1/lists/cards/entries/x", strings.NewReader("{}"), "Content-Type", "text/plain")), 415, codeMedia, mediaJSON)
	f.lists.late = true
	f.expect(f.do(put("/v1/lists/cards/entries/x", `{}`)), 202, `{"position":"1-7","stepped":false}`)
	f.lists.late, f.lists.refused = false, "the list is full"
	f.problem(f.do(put("/v1/lists/cards/entries/x", `{}`)), 409, codeRefused, "the list is full")
}

func TestDeleteEntry(t *testing.T) {
	f := newFixture(t, Bounds{})
	f.expect(f.do(request("DELETE", "/v1/lists/cards/entries/b%2Fc?reason=mistake", nil)), 200, `{"position":"1-7","stepped":true}`)
	if _, ok := f.lists.entries["b/c"]; ok || f.lists.who.Reason != "mistake" {
		t.Errorf("%+v", f.lists)
	}
	f.problem(f.do(request("DELETE", "/v1/lists/cards/entries/b%2Fc", nil)), 404, codeNotFound, "b/c")
}

func TestImport(t *testing.T) {
	f := newFixture(t, Bounds{Unpacked: 400_000, Memory: 1 << 20})
	post := func(query, body string) *http.Request {
		return request("POST", "/v1/lists/cards/import"+query, strings.NewReader(body), "Content-Type", mediaCSV)
	}
	large := strings.Repeat("card,1\n", 50_000)
	f.expect(f.do(post("", large)), 200, `{"position":"1-7","stepped":true}`)
	if f.lists.text != large || f.lists.replace {
		t.Errorf("%d bytes, %t", len(f.lists.text), f.lists.replace)
	}
	f.expect(f.do(post("?mode=replace&reason=r", "")), 200, `{"position":"1-7","stepped":true}`)
	if f.lists.text != "" || !f.lists.replace || f.lists.who.Reason != "r" {
		t.Errorf("%+v", f.lists)
	}
	f.problem(f.do(post("?mode=all", "")), 400, codeParameter, "merge, replace")
	f.problem(f.do(post("", large+large)), 413, codeLarge, "400000")
	f.problem(f.do(post("", "wrong")), 422, codeRejected, "101 rows")
	f.lists.busy = true
	f.problem(f.do(post("", "a")), 429, codeBusy, "another import")
	f.memory.take(1 << 20)
	f.problem(f.do(post("", "a")), 429, codeBusy, "large bodies")
	f.memory.give(1 << 20)
}

func TestAudit(t *testing.T) {
	f := newFixture(t, Bounds{})
	f.audit.items = []AuditEntry{{Number: 7, Author: "ann"}}
	f.audit.next = 7
	f.expect(f.do(request("GET", "/v1/audit?what=list&id=cards&author=ann&from=1970-01-01T00:00:01Z&to=1970-01-01T00:00:02Z&limit=1&after=9", nil)), 200,
		`{"items":[{"number":7,"time":"","author":"ann","reason":"","what":"","id":"","before":"","after":"","refused":"","position":"","previous":"","hash":""}],"next":"7"}`)
	if want := (AuditFilter{"list", "cards", "ann", 1e9, 2e9}); f.audit.asked != want || f.audit.before != 9 {
		t.Errorf("%+v before %d", f.audit.asked, f.audit.before)
	}
	f.audit.next, f.audit.items = 0, nil
	f.expect(f.do(request("GET", "/v1/audit", nil)), 200, `{"items":[]}`)
	for _, query := range []string{"after=0", "after=x", "after=01", "after=", "what=", "limit=1001", "from=now", "by=ann"} {
		f.problem(f.do(request("GET", "/v1/audit?"+query, nil)), 400, codeParameter, "")
	}
}

func init() {
	type tried = struct{ target, media, body, part string }
	maps.Copy(valid, map[string]tried{
		"GET /v1/lists":                           {"/v1/lists", "", "", `"name":"cards"`},
		"GET /v1/lists/{name}/entries":            {"/v1/lists/cards/entries?limit=2", "", "", `"entry":"a"`},
		"GET /v1/lists/{name}/entries/{entry}":    {"/v1/lists/cards/entries/a", "", "", `"entry":"a"`},
		"PUT /v1/lists/{name}/entries/{entry}":    {"/v1/lists/cards/entries/a?reason=x", mediaJSON, `{"value":1}`, `"position":"1-7"`},
		"DELETE /v1/lists/{name}/entries/{entry}": {"/v1/lists/cards/entries/a?reason=x", "", "", `"position":"1-7"`},
		"POST /v1/lists/{name}/import":            {"/v1/lists/cards/import?reason=x", mediaCSV, "entry,value\na,1\n", `"position":"1-7"`},
		"GET /v1/audit":                           {"/v1/audit?limit=5", "", "", `"items":[`},
		"GET /docs":                               {"/docs", "", "", "<html"},
	})
}
