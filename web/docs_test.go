package web

import (
	"html"
	"regexp"
	"strings"
	"testing"
)

// TestDocs checks that the page has each route with its parameters and what it takes and gives,
// and names nothing of another host.
func TestDocs(t *testing.T) {
	f := newFixture(t, Bounds{})
	w := f.do(request("GET", "/docs", nil))
	page := w.Body.String()
	if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'none'") || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	for _, rt := range f.routes() {
		if !strings.Contains(page, `<h2 id="`+rt.OperationID+`"><b>`+rt.Method+`</b>`+html.EscapeString(rt.Path)+"</h2>") {
			t.Errorf("%s %s is missing", rt.Method, rt.Path)
		}
		for _, p := range rt.Parameters {
			if !strings.Contains(page, "<code>"+p.Name+"</code>") {
				t.Errorf("%s %s: %s is missing", rt.Method, rt.Path, p.Name)
			}
		}
	}
	for _, part := range []string{"<code>expires</code>", "<code>stepped</code>", "text/csv", "list of object", "<code>\u00a0\u00a0author</code>"} {
		if !strings.Contains(page, part) {
			t.Errorf("%s is missing", part)
		}
	}
	for _, found := range regexp.MustCompile(`(?i)(?:src|href)\s*=\s*"([^"]*)"|url\(|@import|<script`).FindAllStringSubmatch(page, -1) {
		if to := found[1]; !strings.HasPrefix(to, "#") && to != "/openapi.json" {
			t.Errorf("the page has %s", found[0])
		}
	}
}
