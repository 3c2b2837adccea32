package format

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"weir/rules"
	"weir/rules/source"
)

// formatted formats a text that has no errors and checks what holds for all of
// them.
func formatted(t *testing.T, text string) string {
	t.Helper()
	got, err := Format("r.yaml", text)
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, text)
	}
	checkForm(t, text, got)
	return got
}

// checkForm checks that got is the form of a text that needs no mending.
func checkForm(t *testing.T, text, got string) {
	t.Helper()
	if before, after := treeOf(text), treeOf(got); before != after {
		t.Errorf("another meaning:\n%s\nwas\n%s\nin\n%s\nof\n%s", after, before, got, text)
	}
	again, err := Format("r.yaml", got)
	if err != nil {
		t.Fatalf("%v\nin its own form\n%s\nof\n%s", err, got, text)
	}
	if again != got {
		t.Errorf("formatted twice:\n%s\nonce:\n%s\nof\n%s", again, got, text)
	}
	if strings.ContainsRune(got, '\r') || strings.HasPrefix(got, "\n") || got != "" && !strings.HasSuffix(got, "\n") {
		t.Errorf("its lines: %q", got)
	}
}

// treeOf writes out what the YAML reader makes of a text.
func treeOf(text string) string {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(strings.TrimPrefix(text, "\ufeff")), &doc); err != nil {
		return err.Error()
	}
	var b strings.Builder
	var write func(n *yaml.Node, indent string)
	write = func(n *yaml.Node, indent string) {
		b.WriteString(indent + n.ShortTag() + " " + strings.ReplaceAll(n.Value, "\n", "\n"+indent+"|") + "\n")
		for _, c := range n.Content {
			write(c, indent+"  ")
		}
	}
	for _, n := range doc.Content {
		write(n, "")
	}
	return b.String()
}

var forms = []struct{ name, text, want string }{
	{"nothing", "", ""},
	{"empty lines", "\n \n\n", ""},
	{"comments alone", "\n# a\n\n\n\n  # b\n", "# a\n\n# b\n"},
	{"space", "a:   1  \nb:\t2\nc : 3", "a: 1\nb: 2\nc: 3\n"},
	{"CRLF, byte order mark", "\ufeffa: 1\r\n# b\r\nc:\r\n  - d\r\n", "a: 1\n# b\nc:\n  - d\n"},
	{"lone carriage returns", "a: 1\rb: 2\r", "a: 1\nb: 2\n"},
	{"no ASCII", "ключ:  'значение' # é\nμ: 'π: r'\n", "ключ: 'значение'  # é\nμ: 'π: r'\n"},
	{"indentation", "a:\n     b:\n      c: 1\n      d: 2\n     e: 3\n", "a:\n  b:\n    c: 1\n    d: 2\n  e: 3\n"},
	{"lists", "a:\n- b\n-   c\n-\n  d\n", "a:\n  - b\n  - c\n  - d\n"},
	{"mappings in lists", "a:\n- b: 1\n  c: 2\n-\n    d: 3\n", "a:\n  - b: 1\n    c: 2\n  - d: 3\n"},
	{"lists in lists", "-\n    - a\n    -   - b\n- c\n", "- - a\n  - - b\n- c\n"},
	{"nothing as a value", "a:\nb:   # no\nc:\n  -\n  - d\n  -\n", "a:\nb:  # no\nc:\n  -\n  - d\n  -\n"},
	{"value below its key", "a:\n  b c\nd:\n  'e: f'\n", "a: b c\nd: 'e: f'\n"},
	{"explicit keys", "? a\n: b\n? 'c d'\n: - e\n  - f\n", "a: b\nc d:\n  - e\n  - f\n"},
	{"keys of several lines", "? |\n  a\n  b\n: 1\n? c\n  d\n: 2\n", "\"a\\nb\\n\": 1\nc d: 2\n"},
	{"empty lines between entries", "\n\na: 1\n\n\n\nb:\n\n\n  - c\n\n  - d\n\n\n", "a: 1\n\nb:\n\n  - c\n\n  - d\n"},

	{"quotes", "a: \"b c\"\nd: 'e'\nf: \"g: h\"\ni: 'j''k'\nl: \"m'n: o\"\n", "a: b c\nd: e\nf: \"g: h\"\ni: j'k\nl: \"m'n: o\"\n"},
	{"quoted keys", "\"a\": 1\n'b: c': 2\n\"d\\te\": 3\n'5': 4\n", "a: 1\n'b: c': 2\n\"d\\te\": 3\n'5': 4\n"},
	{
		"quotes that hold what is not text", "a: ['1', \"true\", 'null', '~', '', '1.5e3', '0x10', '2026-01-02', '1E400', 'no', 'Yes', '<<', '.5', '-1']\n",
		"a: ['1', \"true\", 'null', '~', '', '1.5e3', '0x10', '2026-01-02', '1E400', 'no', 'Yes', '<<', '.5', '-1']\n",
	},
	{
		"quotes that YAML needs", "a: \"!b\"\nc: \"*d\"\ne: \"&f\"\ng: \"{h}\"\ni: \"[j]\"\nk: \"l #m\"\nn: \"o:\"\np: \" q\"\nr: \"- s\"\nt: \"@u\"\nv: \"%w\"\nx: \"`y`\"\nz: \"? 1\"\n",
		"a: \"!b\"\nc: \"*d\"\ne: \"&f\"\ng: \"{h}\"\ni: \"[j]\"\nk: \"l #m\"\nn: \"o:\"\np: \" q\"\nr: \"- s\"\nt: \"@u\"\nv: \"%w\"\nx: \"`y`\"\nz: \"? 1\"\n",
	},
	{
		"quotes in brackets", "a: {b: \"c, d\", e: 'f[0]', g: \"h{i}\", j: 'k', l: 'm:n'}\nb: \"c, d\"\ne: 'f[0]'\ng: \"h{i}\"\n",
		"a: {b: \"c, d\", e: 'f[0]', g: \"h{i}\", j: k, l: m:n}\nb: c, d\ne: f[0]\ng: h{i}\n",
	},
	{"escapes", `a: "b\tc"` + "\n" + `d: "\u00e9"` + "\n" + `e: "f\"g"` + "\n" + `h: "\\d+"` + "\n" + `i: "\u00a0"` + "\n", `a: "b\tc"` + "\nd: é\ne: f\"g\nh: \\d+\n" + `i: "\u00a0"` + "\n"},
	{"quotes before a comment", "a: \"b\" # {c}\nd: {e: 'f'} # g\nh: 'i'\n", "a: 'b'     # {c}\nd: {e: f}  # g\nh: i\n"},
	{"expressions", "a: x  >   1 && y\nb: x in [1,2]\nc: f(a,b)\n", "a: x  >   1 && y\nb: x in [1,2]\nc: f(a,b)\n"},

	{"brackets", "a: { b: 1,c: [ x,y ,z ] , d: {  } , e: [ ] }\n", "a: {b: 1, c: [x, y, z], d: {}, e: []}\n"},
	{"brackets of several lines", "a: {b: 1,\n      c: 2,\n  d: 3\n   }\n", "a: {b: 1,\n  c: 2,\n  d: 3}\n"},
	{"brackets that begin a line", "a: [\n      b, c,\n\n\n      d]\n", "a: [\n  b, c,\n\n  d\n]\n"},
	{"brackets in lists", "- {\n  a: 1 }\n- b: {\n  c: 1,\n  }\n", "- {\n    a: 1\n  }\n- b: {\n    c: 1\n  }\n"},
	{"brackets in brackets", "a: [\n{\nb: 1 }, {c: [\n2\n]}]\n", "a: [\n  {\n    b: 1\n  }, {c: [\n    2\n  ]}\n]\n"},
	{"a comma at the end", "a: [b, c, ]\n", "a: [b, c]\n"},
	{"nothing in brackets", "a: {b: , c, d: 1}\n", "a: {b, c, d: 1}\n"},
	{"pairs in lists", "a: [b: 1, {c: 2}, ? d : 3]\n", "a: [{b: 1}, {c: 2}, {d: 3}]\n"},
	{"values below keys in brackets", "a: {b:\n  1,\n  c: d\n  e}\n", "a: {b: 1,\n  c: d\n    e}\n"},
	{
		"comments in brackets", "a: { # 1\n  # 2\n  b: 1, # 3\n  # 4\n  c: 2 # 5\n  , d: 3\n  # 6\n} # 7\n",
		"a: {  # 1\n  # 2\n  b: 1,  # 3\n  # 4\n  c: 2,  # 5\n  d: 3\n  # 6\n}  # 7\n",
	},
	{"nothing but comments in brackets", "a: [ # 1\n # 2\n]\nb: 1\n", "a: [  # 1\n  # 2\n]\nb: 1\n"},

	{"comments of their own lines", "#1\na:\n# 2\n  b: 1\n      # 3\n  c: 2\n# 4\nd: 3\n# 5\n", "#1\na:\n  # 2\n  b: 1\n  # 3\n  c: 2\n# 4\nd: 3\n# 5\n"},
	{
		"comments behind the last entry", "a:\n    - b\n    # 1\n\n    # 2\n # 3\n# 4\nc:\n    d:\n        e: 1\n        # 5\n    # 6\n# 7\n",
		"a:\n  - b\n  # 1\n\n  # 2\n# 3\n# 4\nc:\n  d:\n    e: 1\n    # 5\n  # 6\n# 7\n",
	},
	{"comments in place of a value", "a:\n    # b: 1\nc:\n  -\n    # d\n  - # e\n", "a:\n  # b: 1\nc:\n  -\n    # d\n  -  # e\n"},
	{
		"comments behind dashes and colons", "a: # 1\n  b: # 2\n   - # 3\n     c: 1\n   - # 4\n     # 5\n     d\ne: # 6\n  f g\n",
		"a:  # 1\n  b:  # 2\n    -  # 3\n      c: 1\n    -  # 4\n      # 5\n      d\ne:  # 6\n  f g\n",
	},
	{"comments between entries of a list without indentation", "a:\n- b: 1\n  # 1\n# 2\n- c: 2\n# 3\nd: 3\n", "a:\n  - b: 1\n    # 1\n  # 2\n  - c: 2\n# 3\nd: 3\n"},
	{"end-of-line comments in a row", "a: 1 # one\nbcd: 2    # two\nef:   # three\n  g: 3 # four\n", "a: 1    # one\nbcd: 2  # two\nef:     # three\n  g: 3  # four\n"},
	{"end-of-line comments apart", "a: 1 # one\nb: 2\ncde: 3 # three\n# own\nf: 4 # four\n", "a: 1  # one\nb: 2\ncde: 3  # three\n# own\nf: 4  # four\n"},
	{"a comment that goes on below", "a: 1    # one\n        # two\nbcdefghijk: 2\n", "a: 1  # one\n      # two\nbcdefghijk: 2\n"},
	{"a comment in its column behind no ASCII", "üéß:  # one\n     # two\n  - a\nüé:   # three\n      # four\n  b: 1\n", "üéß:  # one\n  # two\n  - a\nüé:  # three\n     # four\n  b: 1\n"},
	{"the first line of an entry", "- id: r # the id\n  on: pay # the type\n", "- id: r    # the id\n  on: pay  # the type\n"},

	{"block text", "a: |\n    b\n      c\n\n    # d\n    e: f\n\n\ng: 1\n", "a: |\n  b\n    c\n\n  # d\n  e: f\n\ng: 1\n"},
	{"folded text", "a: >-\n       b\n       c\n\n\n       d\n         e\n       f   \n# 1\n", "a: >-\n  b\n  c\n\n\n  d\n    e\n  f   \n# 1\n"},
	{"block text that keeps its end", "a: |+\n   b\n\n\n# 1\nc: >+\n   d\n\n", "a: |+\n  b\n\n\n# 1\nc: >+\n  d\n\n"},
	{"block text without an end", "a: |\n   b", "a: |-\n  b\n"},
	{"block text that begins with space", "a: |3\n      b\n    c\nd:\n- |1-\n   e\n", "a: |2\n     b\n   c\nd:\n  - |2-\n      e\n"},
	{"a comment in the head of block text", "a: | # 1\n    b\nc: >2-   # 2\n   d\n", "a: |  # 1\n  b\nc: >2-  # 2\n   d\n"},
	{"block text in lists", "- |\n b\n-   >\n     c\n- d: |\n     e\n  f: 1\n", "- |\n  b\n- >\n  c\n- d: |\n    e\n  f: 1\n"},
	{"block text of nothing", "a: |\nb: >-\n\nc: |+\n\n\nd: 1\n", "a: |\nb: >-\n\nc: |+\n\n\nd: 1\n"},
	{"block text below its key", "a:\n  |\n  b\n", "a: |\n  b\n"},
	{"block text with CRLF", "a: |\r\n    b\r\n\r\n    c\r\n", "a: |\n  b\n\n  c\n"},
	{"a comment less deep than block text", "a:\n  b: |\n     c\n    # 1\n", "a:\n  b: |\n    c\n  # 1\n"},
	{"tabs in block text", "a: |\n \tb\n  c\n", "a: |2\n  \tb\n   c\n"},

	{"plain text of several lines", "a: b\n     c   \n\n\n     d\ne:\n    f\n      && g\n", "a: b\n  c\n\n\n  d\ne:\n  f\n  && g\n"},
	{"quoted text of several lines", "a: 'b\n        c\n\n   d  e'\nf: \"g \\\n     \\ h\n  i\\ \n  j\"\n", "a: 'b\n  c\n\n  d  e'\nf: \"g \\\n  \\ h\n  i\\ \n  j\"\n"},
	{"a list of texts of several lines", "- a\n    b\n- 'c\n\n  d'\n", "- a\n  b\n- 'c\n\n  d'\n"},

	{"a document's begin and end", "# 1\n--- # 2\n\na: 1\n...\n# 3\n", "# 1\n---  # 2\n\na: 1\n# 3\n"},
	{"block text that keeps its end before the document's", "a: |+\n  b\n\n...\n\n# 1\n", "a: |+\n  b\n\n# 1\n"},
	{"directives", "%YAML 1.1   # 1\n---\na: 1\n", "%YAML 1.1  # 1\n---\na: 1\n"},
	{"brackets as a document", "--- {a: 1 }\n", "---\n{a: 1}\n"},
	{"text as a document", "a\n", "a\n"},
	{"block text as a document", "--- |\n  a\n", "---\n|\n  a\n"},
}

func TestForms(t *testing.T) {
	for _, tt := range forms {
		t.Run(tt.name, func(t *testing.T) {
			if got := formatted(t, tt.text); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s\nof\n%s", got, tt.want, tt.text)
			}
		})
	}
}

// TestLong formats what is long: it stays in one line.
func TestLong(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("a || b(1, 2) ", 2000))
	text := "where:  " + long + "\nlist: [" + strings.Repeat("x,", 500) + "x]\n"
	want := "where: " + long + "\nlist: [" + strings.Repeat("x, ", 500) + "x]\n"
	if got := formatted(t, text); got != want {
		t.Error("a long line is written otherwise")
	}
}

var mends = []struct{ name, text, want string }{
	{"a tag", "trusted: !blocked && amount > 1\n", "trusted: '!blocked && amount > 1'\n"},
	{"an alias", "a:  *x\n", "a: '*x'\n"},
	{"an anchor", "a: &x  # b\n", "a: '&x'  # b\n"},
	{"a colon", "a: b ? c : d\nx:   1\n", "a: 'b ? c : d'\nx: 1\n"},
	{"several", "a: b ? c : d\ne: !f\ng: h ? i : j\n", "a: 'b ? c : d'\ne: '!f'\ng: 'h ? i : j'\n"},
	{"a quote that does not end the text", "a: \"b\" in c\n", "a: '\"b\" in c'\n"},
	{"a list that is an expression", "rules:\n  - {id: r, on: p, key: k, within: 1h, pattern: a, define: {a: x > 1}, message: [x]}\n", "rules:\n  - {id: r, on: p, key: k, within: 1h, pattern: a, define: {a: x > 1}, message: '[x]'}\n"},
	{"an expression that a comment cuts", ruleHead + "      a: any(tags,  # == \"x\")\n", ruleHead + "      a: 'any(tags,  # == \"x\")'\n"},
	{"a wrong expression before a comment", ruleHead + "      a: amount >  # of the card\n", ruleHead + "      a: amount >  # of the card\n"},
	{"a message that a comment cuts", ruleHead + "      a: x > 1\n    message: card #{k}\n", ruleHead + "      a: x > 1\n    message: 'card #{k}'\n"},
	{"a message before a comment", ruleHead + "      a: x > 1\n    message: card  # of {\n", ruleHead + "      a: x > 1\n    message: card  # of {\n"},
}

const ruleHead = "rules:\n  - id: r\n    on: p\n    key: k\n    within: 1h\n    pattern: a\n    define:\n"

func TestMends(t *testing.T) {
	for _, tt := range mends {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Format("r.yaml", tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			checkForm(t, got, got)
		})
	}
}

// TestMendsMany mends a text with more errors than are found at once, and gives up
// on one with very many.
func TestMendsMany(t *testing.T) {
	text := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for _, tt := range []struct{ wrong, right string }{{"- a: x ? \"y\": %d\n", "- a: 'x ? \"y\": %d'\n"}, {"- !x%d && y\n", "- '!x%d && y'\n"}} {
		got, err := Format("r.yaml", text(100, tt.wrong))
		if want := text(100, tt.right); err != nil || got != want {
			t.Errorf("%q: %v, %s", tt.wrong, err, got)
		}
	}
	if got, err := Format("r.yaml", text(3000, "- a: x ? \"y\": %d\n")); err == nil || got != "" {
		t.Errorf("3000 errors are mended: %.100q", got)
	}
}

// TestErrorsLast checks that of errors that can be mended nothing is said where
// another keeps the file from being formatted.
func TestErrorsLast(t *testing.T) {
	_, err := Format("r.yaml", "a: !b\nc: x ? \"y\": z\nd: 1\nd: 2\n")
	found := source.Errors{}
	if !errors.As(err, &found) || len(found) != 1 || found[0].Code != source.CodeDuplicate || found[0].Line != 4 {
		t.Errorf("got %v", err)
	}
}

func TestErrors(t *testing.T) {
	for _, text := range []string{
		"a: 1\na: 2\n", "a: 1\n---\nb: 2\n", "a: &x {b: 1}\n", "<<: {a: 1}\n", "a:\n b: 1\n  c: 2\n", "a: {b: 1\n", "a: \"b\n", "\ta: 1\n", "? [a]\n: 1\n", "a: \x00", "a: \xff",
		"? " + strings.Repeat("a b ", 300) + "\n: 1\n",
	} {
		got, err := Format("r.yaml", text)
		if err == nil || got != "" {
			t.Errorf("%q becomes %q", text, got)
			continue
		}
		if found := (source.Errors{}); !errors.As(err, &found) || found[0].File != "r.yaml" || found[0].Severity != source.Error {
			t.Errorf("%q gives %#v", text, err)
		}
	}
}

// TestRepository formats the rules and tests of the repository.
func TestRepository(t *testing.T) {
	files := 0
	err := filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && strings.HasPrefix(e.Name(), ".") && path != "../..":
			return filepath.SkipDir
		case filepath.Ext(path) != ".yaml":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		if source.ErrorsIn(findings(path, string(text))) == nil || strings.HasSuffix(path, "_test.yaml") {
			t.Run(path, func(t *testing.T) { checkRules(t, string(text)) })
		}
		return nil
	})
	if err != nil || files < 10 {
		t.Errorf("%d files, %v", files, err)
	}
}

// TestDocs formats the examples of the documentation.
func TestDocs(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range strings.Split(string(text), "```yaml\n")[1:] {
			b, _, _ = strings.Cut(b, "```")
			if yamlErrors(page, b) == nil {
				blocks++
				checkRules(t, b)
			}
		}
	}
	if blocks < 6 {
		t.Errorf("%d examples", blocks)
	}
}

// checkRules checks that the form of a ruleset is the same ruleset, with the same
// findings.
func checkRules(t *testing.T, text string) {
	t.Helper()
	got := formatted(t, text)
	before, after := rulesOf(text), rulesOf(got)
	if !slices.Equal(before, after) {
		t.Errorf("another ruleset:\n%s\nwas\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
	}
}

func findings(path, text string) []source.Diagnostic {
	return rules.Check([]source.File{{Path: path, Text: text}}).Findings
}

// rulesOf writes out the rules of a text, and what is wrong with them.
func rulesOf(text string) []string {
	checked := rules.Check([]source.File{{Path: "r.yaml", Text: text}})
	var all []string
	for _, d := range checked.Findings {
		all = append(all, string(d.Severity)+" "+d.Code+" "+d.Msg)
	}
	slices.Sort(all)
	for _, r := range checked.Rules {
		all = append(all, r.ID, r.Title, r.Description, r.Severity, strings.Join(r.On, " "), fmt.Sprint(r.Edge, r.Hold))
		if r.Pattern != nil {
			all = append(all, r.Pattern.String())
		}
		for _, f := range []*rules.Feature{r.WindowClose, r.Evidence} {
			if f != nil {
				all = append(all, f.Name)
			}
		}
		for _, e := range append([]*rules.Expression{r.Where, r.Unless, r.Having, r.Score, r.Message}, definitions(r)...) {
			if e == nil {
				all = append(all, "-")
				continue
			}
			all = append(all, e.Value)
		}
	}
	return all
}

func definitions(r *rules.Rule) []*rules.Expression {
	var list []*rules.Expression
	for _, d := range r.Names {
		list = append(list, d.Where)
	}
	for i := range r.Measures {
		list = append(list, &r.Measures[i])
	}
	return list
}

// TestSame checks the net below the formatter: it notices what must not happen.
func TestSame(t *testing.T) {
	tests := []struct {
		before, after string
		want          string
	}{
		{"a: [1, b] # c\n", "a:\n  - 1\n  - 'b' # c\n", ""},
		{"a: 1\n", "a: 2\n", "it would mean something else"},
		{"a: 1\n", "a: '1'\n", "it would mean something else"},
		{"a: 1\n", "", "it would mean something else"},
		{"a: [1]\n", "a: [1, 2]\n", "it would mean something else"},
		{"a: {b: c}\n", "a: [b, c]\n", "it would mean something else"},
		{"a: 1 # b\n", "a: 1\n", "it would lose a comment"},
		{"a: | # b\n  c\n", "a: |\n  c\n", "it would lose a comment"},
		{"a: 1 # b\n# c\n", "a: 1 # c\n# b\n", "it would lose a comment"},
	}
	for _, tt := range tests {
		before, err := read("r.yaml", tt.before)
		if err != nil {
			t.Fatal(err)
		}
		after, err := read("r.yaml", tt.after)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := same(before, after); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%q and %q: %q, want %q", tt.before, tt.after, got, tt.want)
		}
	}
}
