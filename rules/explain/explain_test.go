package explain

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"weir/cep"
	"weir/nfa"
	"weir/nfa/oracle"
	"weir/rules"
	"weir/rules/source"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

func check(t *testing.T, path, text string) *rules.Checked {
	t.Helper()
	checked := rules.Check([]source.File{{Path: path, Text: text}})
	if err := source.ErrorsIn(checked.Findings); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return checked
}

// TestShapes compares what is said of rules of every shape with
// testdata/shapes.txt. What a person should read has to be read by one: look at
// the difference, then run with -rewrite.
func TestShapes(t *testing.T) {
	text, err := os.ReadFile("testdata/shapes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	checked := check(t, "shapes.yaml", string(text))
	var out strings.Builder
	for _, r := range checked.Rules {
		explained := Rule(r, nil)
		mentions(t, r, explained)
		fmt.Fprintf(&out, "%s\n%s\n", strings.Repeat("=", width), explained)
	}
	const golden = "testdata/shapes.txt"
	if *rewrite {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("the texts differ from %s; read them, then run with -rewrite. Got:\n%s", golden, out.String())
	}
}

// mentions checks that a text says what is in a rule: every name of the pattern,
// every duration and every count, and that no line is too long.
func mentions(t *testing.T, r *rules.Rule, text string) {
	t.Helper()
	steps, _, found := strings.Cut(text, "The pattern is ")
	if !found {
		t.Fatalf("%s: the pattern is not there:\n%s", r.ID, text)
	}
	steps = strings.Join(strings.Fields(steps), " ")
	flat := strings.Join(strings.Fields(text), " ")
	need := func(in, what string) {
		t.Helper()
		if !strings.Contains(in, what) {
			t.Errorf("%s: %q is not said of %s:\n%s", r.ID, what, r.Pattern, text)
		}
	}
	for _, n := range r.Pattern.Names() {
		need(steps, "`"+n.Text+"`")
	}
	needDuration := func(in string, d time.Duration) {
		if d > 0 {
			need(in, span(d))
		}
	}
	needLink := func(l nfa.Link) {
		if l.Least > 0 && l.Limit == 0 {
			l.Least-- // written as `>`
		}
		needDuration(steps, l.Least)
		needDuration(steps, l.Limit)
	}
	var walk func(n *nfa.Node)
	walk = func(n *nfa.Node) {
		needLink(n.Link)
		needLink(n.Round)
		needDuration(steps, n.Window)
		if n.Repeat.Max > 1 {
			need(steps, number(n.Repeat.Max))
		}
		if n.Repeat.Min > 1 {
			need(steps, number(n.Repeat.Min))
		}
		for _, sub := range n.Subs {
			walk(sub)
		}
	}
	walk(r.Pattern.Root)
	needDuration(flat, r.Options.Within)
	needDuration(flat, r.Options.Gap)
	needDuration(flat, r.Throttle)
	need(flat, r.Options.Skip.String())
	for _, name := range r.Key.Names {
		need(flat, "`"+name+"`")
	}
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width && strings.Contains(strings.TrimSpace(line), " ") {
			t.Errorf("%s: a line of %d columns: %s", r.ID, n, line)
		}
	}
}

// TestWarnings checks which findings belong to a rule, and how they are said.
func TestWarnings(t *testing.T) {
	const text = `rules:
  - title: The id comes last
    on: e
    key: k
    within: 1h
    pattern: a
    define: {a: x == 1}
    id: one
  - {id: two, on: e, key: k, within: 1h, pattern: a, define: {a: x == 1}}
  - {id: three, on: e, key: k, within: 1h, pattern: a, define: {a: x == 1}}
params: {n: 1}
`
	checked := check(t, "rules.yaml", text)
	at := func(file string, line, column int, severity source.Severity) source.Diagnostic {
		return source.Diagnostic{Severity: severity, File: file, Line: line, Column: column, Msg: fmt.Sprintf("said at %d:%d", line, column), Hint: "write\x1b[1m less"}
	}
	found := []source.Diagnostic{
		at("rules.yaml", 1, 1, source.Warning), at("rules.yaml", 2, 5, source.Warning), at("rules.yaml", 6, 14, source.Warning),
		at("rules.yaml", 6, 15, source.Error), at("other.yaml", 6, 15, source.Warning),
		at("rules.yaml", 9, 6, source.Warning), at("rules.yaml", 10, 40, source.Warning), at("rules.yaml", 11, 1, source.Warning),
	}
	want := map[string]string{
		"one":   "Warnings:\n  - rules.yaml:2:5: said at 2:5; write\\x1b[1m less\n  - rules.yaml:6:14: said at 6:14; write\\x1b[1m less\n",
		"two":   "Warnings:\n  - rules.yaml:9:6: said at 9:6; write\\x1b[1m less\n",
		"three": "Warnings:\n  - rules.yaml:10:40: said at 10:40; write\\x1b[1m less\n",
	}
	for _, r := range checked.Rules {
		if text := Rule(r, found); !strings.HasSuffix(text, "\n\n"+want[r.ID]) {
			t.Errorf("%s: got\n%s\nwant at its end\n%s", r.ID, text, want[r.ID])
		}
		if text := Rule(r, nil); strings.Contains(text, "Warnings") {
			t.Errorf("%s: warnings of nothing:\n%s", r.ID, text)
		}
	}
}

// TestSpell checks how expressions are written out.
func TestSpell(t *testing.T) {
	params := map[string]cep.Value{
		"n": {Kind: cep.Number, Text: "2"}, "d": cep.DurationValue(90 * time.Second), "s": cep.TextValue("a b"), "b": cep.BoolValue(true),
		"long": cep.TextValue(strings.Repeat("é", 100)),
	}
	tests := []struct{ text, want string }{
		{"a == 1 && b  ==\n 2||c", "a == 1 and b == 2 or c"},
		{`a == "x &&  y" && b == 'p  || q'`, `a == "x &&  y" and b == 'p  || q'`},
		{`a == "\" && b" && c`, `a == "\" && b" and c`},
		{"a < params.n && params.n2 > 1", "a < params.n (= 2) and params.n2 > 1"},
		{"a.params.n == 1", "a.params.n == 1"},
		{`"params.n" == params.s`, `"params.n" == params.s (= "a b")`},
		{"t < params.d || params.b", "t < params.d (= 90 seconds) or params.b (= true)"},
		{"a // why\n&& b /* and && */ || c", "a and b or c"},
		{"a == params.long", `a == params.long (= "` + strings.Repeat("é", 59) + "…)"},
		{"a ?? b | c ?: d", "a ?? b | c ?: d"},
		{"é == \"\u001b[1m\"", `é == "\x1b[1m"`},
		{`a == "open`, `a == "open`},
	}
	for _, tt := range tests {
		if got := strings.ReplaceAll(spell(tt.text, params), string(glued), " "); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.text, got, tt.want)
		}
	}
}

// TestRandom checks the same of generated patterns.
func TestRandom(t *testing.T) {
	const cases = 400
	explained := 0
	skips := [...]string{"none", "past_last", "to_next", "to_first", "to_last"}
	for seed := range uint64(cases) {
		c := oracle.Random(seed)
		var b strings.Builder
		fmt.Fprintf(&b, "rules:\n  - id: r%d\n    on: e\n    key: k\n    pattern: '%s'\n    define:\n", seed, c.Rule.Pattern)
		for i, name := range c.Rule.Pattern.Names {
			fmt.Fprintf(&b, "      %s: x == %d\n", name, i)
		}
		if c.Rule.Within > 0 {
			fmt.Fprintf(&b, "    within: %s\n", oracle.Duration(c.Rule.Within))
		}
		if c.Rule.Gap > 0 {
			fmt.Fprintf(&b, "    gap: %s\n", oracle.Duration(c.Rule.Gap))
		}
		if skip := skips[c.Rule.Skip]; c.Rule.SkipVar != "" {
			fmt.Fprintf(&b, "    skip: %s(%s)\n", skip, c.Rule.SkipVar)
		} else {
			fmt.Fprintf(&b, "    skip: %s\n", skip)
		}
		checked := rules.Check([]source.File{{Path: "rules.yaml", Text: b.String()}})
		for _, r := range checked.Rules { // none where the pattern can never match
			mentions(t, r, Rule(r, checked.Findings))
			explained++
		}
	}
	if explained < cases*3/4 {
		t.Errorf("only %d of %d generated rules are without errors", explained, cases)
	}
}

// TestSingle compares what is said of rules without a pattern with
// testdata/single.txt. It is read and written anew like that of TestShapes.
func TestSingle(t *testing.T) {
	text, err := os.ReadFile("testdata/single.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, r := range check(t, "single.yaml", string(text)).Rules {
		explained := Rule(r, nil)
		flat := strings.Join(strings.Fields(explained), " ")
		for _, what := range said(r) {
			if !strings.Contains(flat, what) {
				t.Errorf("%s: %q is not said:\n%s", r.ID, what, explained)
			}
		}
		for line := range strings.Lines(explained) {
			if n := utf8.RuneCountInString(line); n > width+1 {
				t.Errorf("%s: a line of %d columns: %s", r.ID, n, line)
			}
		}
		fmt.Fprintf(&out, "%s\n%s\n", strings.Repeat("=", width), explained)
	}
	const golden = "testdata/single.txt"
	if *rewrite {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("the texts differ from %s; read them, then run with -rewrite. Got:\n%s", golden, out.String())
	}
}

// said is what the words of a rule without a pattern must hold.
func said(r *rules.Rule) []string {
	all := []string{r.Severity, r.Action}
	for _, f := range r.Features {
		all = append(all, tick(f.Name)+" is ")
	}
	for _, name := range r.Key.Names {
		all = append(all, tick(name))
	}
	for _, d := range []time.Duration{r.Throttle, r.Hold} {
		if d > 0 {
			all = append(all, span(d))
		}
	}
	if r.Edge {
		all = append(all, "(edge)")
	}
	if r.Having != nil {
		all = append(all, expression(r.Having, r.Params))
	}
	return all
}
