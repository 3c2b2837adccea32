package nfa

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// graphPatterns are drawn in testdata/graphs.txt.
var graphPatterns = []string{
	"a",
	"probe{3,}+ -> cashout",
	"a, !n ->> b -[1m..5m]-> c",
	"fail{3,} -> !reset",
	"a+ until s -[<5m]-> b? -> c",
	"a++ until s -> b",
	"((fail{5,} -> ok) within 10m){2,3} -> pay",
	"a -> (b -> !n) within 5m | a -[<1m]-> !m",
	"a & b",
	"a{2,4}, !n -> b",
}

// TestGraphs compares drawings with testdata/graphs.txt; -rewrite writes it anew.
func TestGraphs(t *testing.T) {
	var fresh bytes.Buffer
	for _, text := range graphPatterns {
		d := Drawing{Title: text, Program: compile(t, text, listingOptions(text))}
		fresh.WriteString("== " + text + "\n" + DOT([]Drawing{d}) + Mermaid(d))
	}
	const file = "testdata/graphs.txt"
	if *rewrite {
		if err := os.WriteFile(file, fresh.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if fresh.String() != string(old) {
		t.Errorf("the drawings differ from %s; look at them, then run with -rewrite. Got:\n%s", file, fresh.String())
	}
}

// TestGraphText puts what means something to either language where text stands.
func TestGraphText(t *testing.T) {
	const nasty = "\"<b>&amp;|\\n`;#%[x]{y}\nend"
	d := Drawing{Title: nasty, Program: compile(t, "a -> b", Options{}), Notes: []string{nasty, ""}}
	dot, mermaid := DOT([]Drawing{d, d}), Mermaid(d)
	checkDOT(t, dot)
	checkMermaid(t, mermaid)
	if want := `r1_0 [label="a\n\"<b>&amp;|\\n` + "`;#%[x]{y} end\"]"; !strings.Contains(dot, want) {
		t.Errorf("DOT:\n%s\nwant %s", dot, want)
	}
	if want := `p0["a<br>#quot;#lt;b#gt;#amp;amp#59;#124;#92;n#96;#59;#35;#37;[x]{y} end"]`; !strings.Contains(mermaid, want) {
		t.Errorf("Mermaid:\n%s\nwant %s", mermaid, want)
	}
}

// TestGraphsOfPrograms checks the form of all drawings, and that each place and
// each way of a program is there.
func TestGraphsOfPrograms(t *testing.T) {
	listings, err := os.ReadFile("testdata/programs.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(listings), "== ")[1:] {
		text, _, _ := strings.Cut(part, "\n")
		p := compile(t, text, listingOptions(text))
		d := Drawing{Title: text, Program: p}
		nodes, edges := checkDOT(t, DOT([]Drawing{d}))
		checkMermaid(t, Mermaid(d))
		ways := len(p.starts)
		for i := range p.places {
			ways += len(p.places[i].ends) + len(p.places[i].edges)
		}
		if nodes != len(p.places)+2 || edges != ways || len(p.Arrows()) != ways {
			t.Errorf("%s: %d nodes and %d edges drawn, want %d and %d", text, nodes, edges, len(p.places)+2, ways)
		}
	}
}

// TestArrows checks the words for what an edge asks.
func TestArrows(t *testing.T) {
	tests := []struct {
		text    string
		options Options
		want    string // of all notes, joined
	}{
		{"a{2,4} -> b", Options{}, "after at most 3 a; after 2 or more a"},
		{"(a -> b){1,2} -> c", Options{}, "after at most 1 round from a"},
		{"(a? -> b){2} -> c", Options{}, "after at most 1 round from a or b; after at most 1 round from a or b; after 2 or more rounds from a or b"},
		{"a -> !n -> b", Options{}, "no n"},
		{"a -[2m..5m]-> !n -> b", Options{}, "no n [2m..5m]"},
		{"a,[<5m] !n -> b", Options{}, "next is not n [<5m]"},
		{"a -> !n", Options{Within: time.Hour}, "no n until 1h after the start"},
		{"a -> !n", Options{Within: time.Hour, Gap: time.Minute}, "no n until 1m later or 1h after the start"},
		{"a -[2m..5m]-> !n", Options{}, "no n from 2m later until 5m later"},
		{"a, !n", Options{}, "next is not n"},
		{"a -> !m, !n", Options{Within: time.Hour}, "no m; next is not n, before 1h after the start"},
		{"a++ until s -> b", Options{}, "until s; greedy: no a until s"},
		{"a+ within 5m -> b", Options{}, "less than 5m after the first a"},
	}
	for _, tt := range tests {
		var notes []string
		for _, a := range compile(t, tt.text, tt.options).Arrows() {
			notes = append(notes, a.Notes...)
		}
		if got := strings.Join(notes, "; "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

const quotedText = `"(?:[^"\\]|\\.)*"`

var (
	dotNode    = regexp.MustCompile(`^(r\d+_\w+) \[label=` + quotedText + `( shape=\w+)?\]$`)
	dotEdge    = regexp.MustCompile(`^(r\d+_\w+) -> (r\d+_\w+)( \[label=` + quotedText + `\])?$`)
	dotOther   = regexp.MustCompile(`^(digraph rules \{|subgraph cluster_\d+ \{|\}|rankdir=LR|fontname="sans-serif"|(node|edge) \[[\w ="-]+\]|label=` + quotedText + `)$`)
	mermaidOne = regexp.MustCompile(`^(start\(\(start\)\)|match\(\(\(match\)\)\)|p\d+\["[^"<>&|` + "`" + `\\]*(<br>[^"<>&|` + "`" + `\\]*)*"\])$`)
	mermaidTwo = regexp.MustCompile(`^(\w+) -->(\|"[^"&|` + "`" + `\\]*"\|)? (\w+)$`)
)

// checkDOT checks that each line of a graph is a statement of DOT, that braces are
// closed, and that edges join nodes that are there. It counts both.
func checkDOT(t *testing.T, text string) (nodes, edges int) {
	t.Helper()
	var names []string
	depth := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if m := dotEdge.FindStringSubmatch(line); m != nil {
			edges++
			if !slices.Contains(names, m[1]) || !slices.Contains(names, m[2]) {
				t.Errorf("an edge of nodes that are not there: %s", line)
			}
		} else if m := dotNode.FindStringSubmatch(line); m != nil {
			nodes++
			names = append(names, m[1])
		} else if !dotOther.MatchString(line) {
			t.Errorf("no statement of DOT: %s", line)
		}
		switch {
		case strings.HasSuffix(line, " {"):
			depth++
		case line == "}":
			depth--
		}
	}
	if depth != 0 {
		t.Errorf("%d braces are open", depth)
	}
	return nodes, edges
}

// checkMermaid checks the same of a flowchart.
func checkMermaid(t *testing.T, text string) {
	t.Helper()
	head, body, found := strings.Cut(text, "\n---\nflowchart LR\n")
	if !found || !regexp.MustCompile(`^---\ntitle: `+quotedText+`$`).MatchString(head) {
		t.Fatalf("no head of a flowchart:\n%s", text)
	}
	nodes := []string{}
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		if m := mermaidTwo.FindStringSubmatch(line); m != nil {
			if !slices.Contains(nodes, m[1]) || !slices.Contains(nodes, m[3]) {
				t.Errorf("an arrow between nodes that are not there: %s", line)
			}
		} else if mermaidOne.MatchString(line) {
			nodes = append(nodes, line[:strings.IndexAny(line, "([")])
		} else {
			t.Errorf("no line of a flowchart: %s", line)
		}
	}
}
