package rules

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"weir/cep"
	"weir/rules/source"
)

const publishedRules = `
lists:
  vip: {type: string, file: vip.csv}
rules:
  - id: a
    on: pay
    key: card
    when: amount > 1 and not in_list("vip", card)
  - id: b
    on: pay
    key: card
    pattern: x -> y
    within: 5m
    define: {x: amount < 1, y: amount > 2}
`

// What is published means what the files mean, without the files.
func TestPublished(t *testing.T) {
	read := func(path string) ([]byte, error) {
		if path != "rules/vip.csv" {
			return nil, fs.ErrNotExist
		}
		return []byte("c1\n"), nil
	}
	files := []source.File{{Path: "rules/r.yaml", Text: publishedRules}}
	s := Settings{Order: "eager", Lateness: 10 * time.Second, Idle: time.Minute, MaxAhead: time.Minute, PerRuleMinute: 600}
	p, err := Publish(files, read, s, nil, Asked{})
	if err != nil {
		t.Fatal(err)
	}
	body := p.Bytes()
	again, err := ReadPublished(body)
	if err != nil || string(again.Bytes()) != string(body) {
		t.Fatalf("%s\nis read as\n%s, %v", body, again.Bytes(), err)
	}
	rs, err := again.Compile()
	if err != nil {
		t.Fatal(err)
	}
	if rs.Options != (cep.Options{Order: cep.EagerOrder, Lateness: 10 * time.Second, Idle: time.Minute, MaxAhead: time.Minute}) || rs.PerRuleMinute != 600 {
		t.Errorf("options %+v", rs)
	}
	fx := new(cep.Effects)
	g := cep.NewEngine(rs.Ruleset, rs.Options)
	g.Step([]cep.Record{{Data: []byte(`{"type":"pay","ts":1,"card":"c1","amount":5}` + "\n" + `{"type":"pay","ts":2,"card":"c2","amount":5}`), Line: 1}}, fx)
	if len(fx.Alerts) != 1 || fx.Alerts[0].Rule.ID != "a" || fx.Alerts[0].Key[0] != "c2" || fx.Alerts[0].Rule.Revision != 1 {
		t.Errorf("alerts %+v", fx.Alerts)
	}

	same, err := Publish(files, read, s, again, Asked{})
	if err != nil || same.Folder != p.Folder || fmt.Sprint(same.Rules) != fmt.Sprint(p.Rules) {
		t.Errorf("published again: %v, was %v; %v", same.Rules, p.Rules, err)
	}
}

// A rule that means something else gets the next revision, also one that was gone.
func TestPublishedRevisions(t *testing.T) {
	publish := func(before *Published, text string) *Published {
		t.Helper()
		p, err := Publish([]source.File{{Path: "r.yaml", Text: text}}, nil, Settings{Order: "watermark"}, before, Asked{})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	rule := func(id string, amount int) string {
		return fmt.Sprintf("  - {id: %s, on: pay, key: card, when: amount > %d}\n", id, amount)
	}
	one := publish(nil, "rules:\n"+rule("a", 1)+rule("b", 1))
	two := publish(one, "rules:\n"+rule("a", 2)+rule("b", 1))
	three := publish(two, "rules:\n"+rule("b", 1))
	four := publish(three, "rules:\n"+rule("a", 2)+rule("b", 1))
	for i, want := range []string{"a 1, b 1", "a 2, b 1", "a 2, b 1", "a 3, b 1"} {
		p := []*Published{one, two, three, four}[i]
		if got := fmt.Sprintf("a %d, b %d", p.Rules["a"].Revision, p.Rules["b"].Revision); got != want {
			t.Errorf("%d: %s, want %s", i+1, got, want)
		}
	}
	if three.Rules["a"].Digest != "" || four.Folder != two.Folder {
		t.Errorf("a rule that is gone: %v; folders %s, %s", three.Rules["a"], four.Folder, two.Folder)
	}
}

func TestPublishedRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"x":            "cannot be read",
		`{"format":2}`: "has format 2, this program reads format 1",
		`{"format":1}`: "neither eager nor watermark",
		`{"format":1,"settings":{"order":"eager","lateness":-1}}`:                                    "negative",
		`{"format":1,"settings":{"order":"eager"},"files":[{"path":"r","text":"rules: [{id: 1}]"}]}`: "r:1:",
	} {
		p, err := ReadPublished([]byte(text))
		if err == nil {
			_, err = p.Compile()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// What another program published, and this one does not compile, is left out, with what
// depends on it; the rest is in force. A fault outside of rules and features spoils all.
func TestLeftOut(t *testing.T) {
	const rest = `
features:
  total: {on: pay, key: card, value: sum(amount), over: 1h}
  odd: {on: pay, key: card, value: sum(amount), over: never}
rules:
  - {id: reads, on: pay, key: card, when: odd > 1}

  - {id: good, on: pay, key: card, when: total > 1}

  - {id: later, on: alert.reads, key: card, when: score > 1}
  - id: wrong
    on: pay
    key: card
    pattern: x ->
    define: {x: amount < 1}
`
	p := &Published{
		Format: 1, Settings: Settings{Order: "eager"}, Files: []PublishedFile{{"a.yaml", publishedRules}, {"b.yaml", rest}},
		Lists: map[string][]byte{"vip.csv": nil}, Rules: map[string]Issue{"good": {Revision: 4}},
	}
	rs, err := p.Compile()
	if err != nil {
		t.Fatal(err)
	}
	var ids, left []string
	for _, r := range rs.Ruleset.Rules {
		ids = append(ids, fmt.Sprint(r.ID, " ", r.Revision))
	}
	for _, x := range rs.Left {
		left = append(left, x.Part)
		if !strings.Contains(x.Why, "b.yaml:") {
			t.Errorf("%s: %s", x.Part, x.Why)
		}
	}
	if got := strings.Join(ids, ", "); got != "a 1, b 1, good 4" {
		t.Errorf("in force are %s", got)
	}
	if got := strings.Join(left, ", "); got != "feature odd, rule later, rule reads, rule wrong" {
		t.Errorf("left out are %s: %+v", got, rs.Left)
	}
	p.Files[1].Text = "events: {pay: 5}\n" + rest
	if rs, err := p.Compile(); err == nil {
		t.Errorf("with a fault in events %d rules are in force", len(rs.Ruleset.Rules))
	}
}

// Same knows files again that have errors by now.
func TestSame(t *testing.T) {
	read := func(path string) ([]byte, error) { return []byte(path), nil }
	files := []source.File{{Path: "b.yaml", Text: "rules: [1]"}, {Path: "a.yaml", Text: publishedRules}}
	p := &Published{Files: []PublishedFile{{"a.yaml", publishedRules}, {"b.yaml", "rules: [1]"}}, Lists: map[string][]byte{"vip.csv": []byte("vip.csv")}, Settings: Settings{Order: "eager"}}
	p.Folder = p.digest()
	if !p.Same(files, read, p.Settings) {
		t.Error("the same files are others")
	}
	other := func(string) ([]byte, error) { return []byte("c2\n"), nil }
	missing := func(string) ([]byte, error) { return nil, fs.ErrNotExist }
	if p.Same(files[:1], read, p.Settings) || p.Same(files, other, p.Settings) || p.Same(files, missing, p.Settings) || p.Same(files, read, Settings{Order: "watermark"}) {
		t.Error("other files are the same")
	}
}
