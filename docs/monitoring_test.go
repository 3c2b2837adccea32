package docs

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// TestMonitoring checks that the dashboard and the alert rules name metrics that there are,
// with labels that they have, and that the page has each alert.
func TestMonitoring(t *testing.T) {
	read := func(path string) string {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	metrics := read("metrics.md")
	known := map[string]string{} // their rows
	for _, m := range regexp.MustCompile("(?m)^\\| `(weir_\\w+)` \\| (\\w+) \\| (.*)$").FindAllStringSubmatch(metrics, -1) {
		known[m[1]] = m[3]
		if m[2] == "histogram" {
			known[m[1]+"_bucket"] = m[3] + " Label: `le`."
		}
	}
	check := func(where, expr string) (n int) {
		t.Helper()
		for _, m := range regexp.MustCompile(`(weir_\w+)(?:\{([^}]*)\})?`).FindAllStringSubmatch(expr, -1) {
			n++
			row, ok := known[m[1]]
			if !ok {
				t.Errorf("%s: there is no metric %s", where, m[1])
			}
			for _, l := range regexp.MustCompile(`(\w+)\s*[=!]~?"`).FindAllStringSubmatch(m[2], -1) {
				if l[1] != "instance" && !strings.Contains(row, "`"+l[1]+"`") {
					t.Errorf("%s: %s has no label %s", where, m[1], l[1])
				}
			}
		}
		return n
	}

	var board struct {
		Panels []struct {
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read("monitoring/dashboard.json")), &board); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, p := range board.Panels {
		if p.GridPos.W == 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %s: it lies at %+v", p.Title, p.GridPos)
		}
		for _, target := range p.Targets {
			n += check("panel "+p.Title, target.Expr)
		}
	}
	if n < 40 {
		t.Errorf("the dashboard names metrics %d times", n)
	}

	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Labels      map[string]string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read("monitoring/alerts.yml")), &rules); err != nil {
		t.Fatal(err)
	}
	page := read("monitoring/README.md")
	seen := map[string]bool{}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			seen[r.Alert] = true
			if check(r.Alert, r.Expr) == 0 && !strings.Contains(r.Expr, "up{") {
				t.Errorf("%s names no metric", r.Alert)
			}
			if r.Annotations["summary"] == "" || r.Annotations["description"] == "" || r.Labels["severity"] == "" {
				t.Errorf("%s says too little: %+v", r.Alert, r)
			}
			if !strings.Contains(page, "`"+r.Alert+"`") {
				t.Errorf("the page does not have %s", r.Alert)
			}
		}
	}
	for _, m := range regexp.MustCompile("`(Weir[A-Z]\\w+)`").FindAllStringSubmatch(page, -1) {
		if !seen[m[1]] {
			t.Errorf("the page has %s, which is no alert", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`alertname: (\w+)`).FindAllStringSubmatch(read("monitoring/alerts_test.yml"), -1) {
		if !seen[m[1]] {
			t.Errorf("a test is of %s, which is no alert", m[1])
		}
	}
}
