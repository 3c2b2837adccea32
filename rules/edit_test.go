package rules

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"weir/rules/source"
)

// edited is a file in which there is something of every kind, as people write it.
const edited = `# All of it.
params: {eur: 1, usd: 1.1}   # rates

features:
  # a day
  day: {on: pay, key: card, value: sum(n), over: 24h}
  hour:
    on: pay
    key: card      # each by itself
    value: count()
    over: 1h
  # nothing else

rules:
  # the first one
  - id: one   # with a comment
    on: pay
    key: card
    when: n > 1
    message: |
      # no comment
      at all

    # of one
  # the second one
  - {id: two, on: pay, key: card, when: n > 2}
  -
    # of three
    id: three
    on: pay
    key: card
    when: n > 3   # the last

# The end.
`

func filesOf(texts ...string) []source.File {
	var files []source.File
	for i, text := range texts {
		files = append(files, source.File{Path: string(rune('a'+i)) + ".yaml", Text: text})
	}
	return files
}

func TestTextOf(t *testing.T) {
	files := filesOf("rules: [{id: zero, on: pay, key: card, when: n > 0}]\n", edited)
	tests := map[Part]string{
		{"rules", "zero"}:    "{id: zero, on: pay, key: card, when: n > 0}",
		{"rules", "one"}:     "id: one   # with a comment\non: pay\nkey: card\nwhen: n > 1\nmessage: |\n  # no comment\n  at all\n\n# of one",
		{"rules", "two"}:     "{id: two, on: pay, key: card, when: n > 2}",
		{"rules", "three"}:   "# of three\nid: three\non: pay\nkey: card\nwhen: n > 3   # the last",
		{"features", "day"}:  "{on: pay, key: card, value: sum(n), over: 24h}",
		{"features", "hour"}: "on: pay\nkey: card      # each by itself\nvalue: count()\nover: 1h",
		{"params", "eur"}:    "1",
		{"params", "usd"}:    "1.1",
	}
	for p, want := range tests {
		text, path, ok := TextOf(files, p)
		if !ok || strings.TrimLeft(text, "\n ") != want {
			t.Errorf("%s: %v %q\nwant %q", p, ok, text, want)
		}
		if file := "b.yaml"; ok && p.Name != "zero" && path != file {
			t.Errorf("%s stands in %s", p, path)
		}
	}
	for _, p := range []Part{{"rules", "four"}, {"features", "one"}, {"lists", "day"}, {"rules", "pay"}} {
		if text, _, ok := TextOf(files, p); ok {
			t.Errorf("%s: %q", p, text)
		}
	}
}

// TestPut puts texts in the places of others: all else stays byte for byte.
func TestPut(t *testing.T) {
	tests := []struct {
		part      Part
		text      string
		was, want string // a part of the file; was empty: want is a file of its own
	}{
		{Part{"params", "usd"}, "1.2", "usd: 1.1}   #", "usd: 1.2}   #"},
		{Part{"params", "usd"}, "[a, b]", "usd: 1.1}", "usd: [a, b]}"},
		{Part{"params", "gbp"}, "0.8\n", "", "params:\n  gbp: 0.8\n"},
		{Part{"features", "day"}, "{on: pay, key: card, value: sum(n), over: 25h}", "over: 24h}", "over: 25h}"},
		{Part{"features", "day"}, "on: pay\nkey: card", "day: {on: pay, key: card, value: sum(n), over: 24h}", "day:\n    on: pay\n    key: card"},
		{Part{"features", "week"}, "on: pay\nkey: card\n", "", "features:\n  week:\n    on: pay\n    key: card\n"},
		{Part{"rules", "two"}, "id: two\non: pay\n# why\nwhen: n > 9", "- {id: two, on: pay, key: card, when: n > 2}", "- id: two\n    on: pay\n    # why\n    when: n > 9"},
		{Part{"rules", "two"}, "- id: two\n  on: pay\n", "- {id: two, on: pay, key: card, when: n > 2}", "- id: two\n    on: pay"},
		{Part{"rules", "three"}, "{id: three}", "-\n    # of three\n    id: three\n    on: pay\n    key: card\n    when: n > 3   # the last", "- {id: three}"},
		{Part{"rules", "two"}, "# why\nid: two", "- {id: two, on: pay, key: card, when: n > 2}", "- # why\n    id: two"},
		{Part{"rules", "four"}, "id: four\nmessage: |\n  a\n\n  b", "", "rules:\n  - id: four\n    message: |\n      a\n\n      b\n"},
	}
	for _, tt := range tests {
		before := filesOf(edited)
		after, err := Put(before, tt.part, tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.part, err)
			continue
		}
		want := strings.Replace(edited, tt.was, tt.want, 1)
		if tt.was == "" {
			want = tt.want
			if after[0].Text != edited {
				t.Errorf("%s: the other file is changed:\n%s", tt.part, after[0].Text)
			}
		}
		if got := after[len(after)-1].Text; got != want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.part, got, want)
		}
		if before[0].Text != edited {
			t.Fatal("Put changes what it was given")
		}
	}
}

// TestPutElsewhere puts texts that cannot stand in the place of the others.
func TestPutElsewhere(t *testing.T) {
	files := filesOf("rules: [{id: one, on: a}, {id: two, on: b}]\n", "params: {eur: 1}\n")
	after, err := Put(files, Part{"rules", "one"}, "id: one\non: c # now")
	if err != nil {
		t.Fatal(err)
	}
	want := []source.File{{Path: "a.yaml", Text: "rules: [{id: two, on: b}]\n"}, files[1], {Path: "one.yaml", Text: "rules:\n  - id: one\n    on: c # now\n"}}
	if !slices.Equal(after, want) {
		t.Errorf("%q", after)
	}
	after, err = Put(files, Part{"params", "eur"}, "a, b")
	if err != nil {
		t.Fatal(err)
	}
	want = []source.File{files[0], {Path: "eur.params.yaml", Text: "params:\n  eur: a, b\n"}}
	if !slices.Equal(after, want) {
		t.Errorf("%q", after)
	}
}

func TestPutWrong(t *testing.T) {
	tests := []struct {
		text, want string
	}{
		{"", "is empty"},
		{"id: two", "the id of the rule is `two`, and the address says `one`"},
		{"id: ''", "the id of the rule is ``"},
		{"on: pay", "the rule has no id"},
		{"rules:\n  - {id: one, on: pay}", "this is a file of rules, not one rule"},
		{"[a]", "a rule is a mapping"},
		{"- id: one\n- id: two", "a rule is a mapping"},
		{"id: one\n  on: x", "one.yaml:"},
		{"id: one\nid: one", "stands twice"},
		{"id: !x one", "`!` begins a tag"},
	}
	for _, tt := range tests {
		_, err := Put(filesOf(edited), Part{"rules", "one"}, tt.text)
		if _, ok := errors.AsType[source.Errors](err); !ok || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v\nwant %q", tt.text, err, tt.want)
		}
	}
}

func TestRemove(t *testing.T) {
	tests := []struct {
		part Part
		cut  string
	}{
		{Part{"params", "eur"}, "eur: 1, "},
		{Part{"params", "usd"}, ", usd: 1.1"},
		{Part{"features", "day"}, "  day: {on: pay, key: card, value: sum(n), over: 24h}\n"},
		{Part{"features", "hour"}, "  hour:\n    on: pay\n    key: card      # each by itself\n    value: count()\n    over: 1h\n"},
		{Part{"rules", "two"}, "  - {id: two, on: pay, key: card, when: n > 2}\n"},
		{Part{"rules", "three"}, "  -\n    # of three\n    id: three\n    on: pay\n    key: card\n    when: n > 3   # the last\n"},
	}
	for _, tt := range tests {
		after, err := Remove(filesOf(edited), tt.part)
		if want := strings.Replace(edited, tt.cut, "", 1); err != nil || after[0].Text != want || want == edited {
			t.Errorf("%s: %v\n%s\nwant\n%s", tt.part, err, after[0].Text, want)
		}
	}
	if _, err := Remove(filesOf(edited), Part{"rules", "four"}); !errors.Is(err, ErrNoPart) {
		t.Error(err)
	}
	// The last of a section, and of a file.
	files := filesOf("params: {eur: 1}\nrules:\n  - id: one\n    on: x\n# end\n", "rules: [{id: two}]\n", "features: {f: {on: x}}\n")
	for _, tt := range []struct {
		part  Part
		texts []string
	}{
		{Part{"rules", "one"}, []string{"params: {eur: 1}\n# end\n", files[1].Text, files[2].Text}},
		{Part{"params", "eur"}, []string{"rules:\n  - id: one\n    on: x\n# end\n", files[1].Text, files[2].Text}},
		{Part{"rules", "two"}, []string{files[0].Text, files[2].Text}},
		{Part{"features", "f"}, []string{files[0].Text, files[1].Text}},
	} {
		after, err := Remove(files, tt.part)
		var texts []string
		for _, f := range after {
			texts = append(texts, f.Text)
		}
		if err != nil || !slices.Equal(texts, tt.texts) {
			t.Errorf("%s: %v %q\nwant %q", tt.part, err, texts, tt.texts)
		}
	}
}

func TestSetStatus(t *testing.T) {
	files := filesOf(edited)
	for _, tt := range []struct{ id, status, was, want string }{
		{"one", "disabled", "id: one   # with a comment\n", "id: one   # with a comment\n    status: disabled\n"},
		{"two", "shadow", "{id: two,", "{id: two, status: shadow,"},
		{"two", "active", "status: shadow", "status: active"},
	} {
		after, err := SetStatus(files, tt.id, tt.status)
		if want := strings.Replace(files[0].Text, tt.was, tt.want, 1); err != nil || after[0].Text != want {
			t.Fatalf("%s: %v\n%s\nwant\n%s", tt.id, err, after[0].Text, want)
		}
		files = after
	}
	if _, err := SetStatus(files, "four", "active"); !errors.Is(err, ErrNoPart) {
		t.Error(err)
	}
}

// TestParts says which parts differ: what people read does not count.
func TestParts(t *testing.T) {
	a := Parts(filesOf("params: {x: 1, y: 2}\npolicy: {review: 40}\nrules:\n  - id: r # why\n    on: [a, b]\n"))
	b := Parts(filesOf("# all\nrules: [{on: ['a', b], id: r}]\n", "params:\n  x: 1\n  y: 3\npolicy:\n  review: 40\n"))
	if len(a) != 4 || len(b) != 4 {
		t.Fatal(a, b)
	}
	for p := range a {
		if same := a[p] == b[p]; same != (p.Name != "y") {
			t.Errorf("%s: %v", p, same)
		}
	}
}

// TestEdits puts and removes parts of files at random: what is read of them is always that of a
// map that was treated alike.
func TestEdits(t *testing.T) {
	texts := map[string][]string{
		"rules":    {"id: %\non: a", "{id: %, on: b}", "# why\nid: %\non: [a, 'b # no']\nmessage: |-\n  x\n\n  # y", "- id: %\n  on: c", "id: %\ndefine:\n  # what\n  a: n > 1\n\nhaving: 'it''s'"},
		"features": {"{on: a}", "on: a\nkey: [b,\n  c]", "on: a\n# after"},
		"params":   {"1", "'a, b'", "[a, b]", "- a\n- b", "a, b", "x # y", "\"a\\n\\\"b\""},
	}
	begin := []string{"", edited, "rules: [{id: one, on: pay}, # first\n  {id: two}, ]\n", "{params: {eur: 1}, rules: [{id: three, on: x}]}\n", "features:\n    f: {on: x} # f\nparams:\n- x\n", "\ufeffrules:\n- id: one\n  on: x\r\n- id: two\r\n  on: y\r\n"}
	rapid.Check(t, func(t *rapid.T) {
		files := filesOf(rapid.SampledFrom(begin).Draw(t, "begin"))
		for i, f := range files {
			files[i].Text = strings.TrimPrefix(f.Text, "\ufeff")
		}
		want := Parts(files)
		for range rapid.IntRange(1, 12).Draw(t, "edits") {
			p := Part{Section: rapid.SampledFrom([]string{"rules", "features", "params"}).Draw(t, "section")}
			p.Name = rapid.SampledFrom([]string{"one", "two", "three", "f", "eur"}).Draw(t, "name")
			var next []source.File
			var err error
			if rapid.Bool().Draw(t, "remove") {
				next, err = Remove(files, p)
				if _, there := want[p]; there != !errors.Is(err, ErrNoPart) {
					t.Fatalf("%s: %v", p, err)
				}
				if err != nil { // it is not there, or between comments in brackets
					continue
				}
				delete(want, p)
			} else {
				text := strings.ReplaceAll(rapid.SampledFrom(texts[p.Section]).Draw(t, "text"), "%", p.Name)
				if next, err = Put(files, p, text); err != nil {
					t.Fatalf("%s: %v\n%q", p, err, files)
				}
				own := p.Section + ":\n  " + p.Name + ":" + below(text, 4)
				if p.Section == "rules" {
					own = "rules:\n  - " + indented(strings.TrimPrefix(text, "- "), 4)
					if strings.HasPrefix(text, "- ") {
						own = "rules:\n" + text
					}
				}
				want[p] = Parts(filesOf(own))[p]
				back, _, ok := TextOf(next, p)
				if again, err := Put(next, p, back); !ok || err != nil || !maps.Equal(Parts(again), want) {
					t.Fatalf("%s: %q does not go back into %q: %v", p, back, next, err)
				}
			}
			files = next
			if got := Parts(files); !maps.Equal(got, want) {
				t.Fatalf("%s: %v\nwant %v\n%q", p, got, want, files)
			}
		}
	})
}
