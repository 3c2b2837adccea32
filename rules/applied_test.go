package rules

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"weir/rules/source"
)

// appliedFolder is a folder with rules of the params that are named, and the files of lists.
func appliedFolder(lists map[string]string, texts ...string) *Folder {
	return &Folder{Files: filesOf(texts...), Read: func(path string) ([]byte, error) {
		if text, ok := lists[path]; ok {
			return []byte(text), nil
		}
		return nil, &fs.PathError{Op: "read", Path: path, Err: fs.ErrNotExist}
	}}
}

func publishFolder(t *testing.T, f *Folder, before *Published) *Published {
	t.Helper()
	p, err := Publish(f.Files, f.Read, Settings{Order: "eager"}, before, Asked{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	appliedText = `# ours
rules:
  - {id: one, on: pay, key: card, when: n > 1}
  - {id: two, on: pay, key: card, when: 'n > 1 && in_list("bad", card)'}
`
	appliedLists = "lists: {bad: {type: string, file: bad.csv}}\n"
)

// TestApplied changes a folder and what is in force, in turns.
func TestApplied(t *testing.T) {
	s := Settings{Order: "eager"}
	lists := map[string]string{"bad.csv": "c1\n"}
	f := appliedFolder(lists, appliedText, appliedLists)
	f.Tests = []source.File{{Path: "a_test.yaml", Text: "tests: []"}}
	p := publishFolder(t, f, nil)
	if !p.Unchanged(f, s) { // as a record of another weir
		t.Error("a folder that was published is changed")
	}
	p.Apply(f)
	unchanged := func(why string, want bool) {
		t.Helper()
		if got := p.Unchanged(f, s); got != want {
			t.Errorf("%s: unchanged %v", why, got)
		}
	}
	unchanged("as it was", true)
	f.Files[0].Text += "# more\n"
	unchanged("a comment", false)
	f.Files[0].Text = appliedText
	f.Tests[0].Text += "\n"
	unchanged("a test", false)
	f.Tests[0].Text = "tests: []"
	lists["bad.csv"] = "c2\n"
	unchanged("a list", false)
	lists["bad.csv"] = "c1\n"
	if p.Unchanged(f, Settings{Order: "watermark"}) {
		t.Error("settings do not count")
	}

	// Elsewhere the rule one is changed, a rule comes, and a list gets other entries.
	files, err := Put(p.Sources(), Part{"rules", "one"}, "{id: one, on: pay, key: card, when: n > 7}")
	if err != nil {
		t.Fatal(err)
	}
	if files, err = Put(files, Part{"rules", "six"}, "{id: six, on: pay, key: card, when: n > 6}"); err != nil {
		t.Fatal(err)
	}
	elsewhere := publishFolder(t, &Folder{Files: files, Read: func(string) ([]byte, error) { return []byte("c9\n"), nil }}, p)
	elsewhere.Follow(p)
	p = elsewhere
	unchanged("what was changed elsewhere", true)

	// In the folder the rule two is changed.
	f.Files[0].Text = strings.ReplaceAll(strings.ReplaceAll(appliedText, "ours", "theirs"), "'n > 1 ", "'n > 2 ")
	unchanged("another rule", false)
	merged, both, err := p.Merge(f)
	if err != nil || len(both) > 0 {
		t.Fatal(both, err)
	}
	text := merged.Files[0].Text
	for _, want := range []string{"# theirs", "n > 7", "'n > 2 "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if len(merged.Files) != 3 || !strings.Contains(merged.Files[2].Text, "n > 6") {
		t.Errorf("%+v", merged.Files)
	}
	if data, err := merged.Read("bad.csv"); string(data) != "c9\n" || err != nil {
		t.Errorf("the list has %q, %v", data, err)
	}
	// Both change the rule one and the list: to the same, and to something else.
	f.Files[0].Text = strings.ReplaceAll(appliedText, "when: n > 1}", "when: n > 7}   # too")
	if _, both, err := p.Merge(f); err != nil || len(both) > 0 {
		t.Error(both, err)
	}
	f.Files[0].Text = strings.ReplaceAll(appliedText, "when: n > 1}", "when: n > 8}")
	lists["bad.csv"] = "c8\n"
	if _, both, err := p.Merge(f); err != nil || fmt.Sprint(both) != "[file bad.csv rule one]" {
		t.Error(both, err)
	}
}

// TestMerge merges changes at random: of each part the folder's change, or the one elsewhere.
func TestMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"a", "b", "c"}
		draw := func(what string) map[string]int {
			values := map[string]int{}
			for _, name := range names {
				if n := rapid.IntRange(0, 2).Draw(t, what+" "+name); n > 0 {
					values[name] = n
				}
			}
			return values
		}
		folder := func(values map[string]int, flow bool) *Folder {
			text := ""
			for _, name := range slices.Sorted(maps.Keys(values)) {
				if text += fmt.Sprintf("\n  %s: %d", name, values[name]); flow {
					text += ","
				}
			}
			switch {
			case text == "":
				text = "# nothing"
			case flow:
				text = "params: {" + text + "\n}"
			default:
				text = "params:" + text
			}
			return appliedFolder(nil, text+"\n")
		}
		base, ours, theirs := draw("base"), draw("ours"), draw("theirs")
		flow := rapid.Bool()
		p := &Published{Files: publishedFiles(folder(base, flow.Draw(t, "flow")).Files)}
		now := &Published{Files: publishedFiles(folder(theirs, flow.Draw(t, "flow")).Files), Applied: p.applied()}
		f := folder(ours, flow.Draw(t, "flow"))
		merged, both, err := now.Merge(f)
		want := map[string]int{}
		var clash []string
		for _, name := range names {
			switch {
			case ours[name] == theirs[name], theirs[name] == base[name]:
				want[name] = ours[name]
			case ours[name] == base[name]:
				want[name] = theirs[name]
			default:
				clash = append(clash, "param "+name)
			}
			if want[name] == 0 {
				delete(want, name)
			}
		}
		if err != nil || fmt.Sprint(both) != fmt.Sprint(clash) {
			t.Fatalf("%v %v, want %v", err, both, clash)
		}
		if clash == nil && !maps.Equal(Parts(merged.Files), Parts(folder(want, false).Files)) {
			t.Fatalf("%v %v %v: %q", base, ours, theirs, merged.Files)
		}
	})
}
