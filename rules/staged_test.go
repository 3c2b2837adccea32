package rules

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"weir/cep"
	"weir/rules/source"
)

// A file of a list that is large lies in records of its own; gathered, they mean what the files
// mean. What is unchanged is known by its digest.
func TestStaged(t *testing.T) {
	var large strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&large, "card-%07d\n", i)
	}
	lists := map[string]string{"vip.csv": large.String(), "few.csv": "m1\n"}
	read := func(path string) ([]byte, error) {
		if text, ok := lists[path]; ok {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}
	files := []source.File{{Path: "r.yaml", Text: `
lists:
  vip: {type: string, file: vip.csv}
  few: {type: string, file: few.csv}
rules:
  - {id: a, on: pay, key: card, when: 'in_list("vip", card) and not in_list("few", card)'}
`}}
	set := Settings{Order: "eager"}
	p, err := Publish(files, read, set, nil, Asked{})
	if err != nil {
		t.Fatal(err)
	}
	log := map[uint64][]byte{}
	if err := p.Stage(func(of string, parts [][]byte) (records []uint64, err error) {
		for _, part := range parts {
			n := uint64(len(log) + 7)
			log[n], records = part, append(records, n)
		}
		return records, nil
	}); err != nil {
		t.Fatal(err)
	}
	if body := p.Bytes(); len(log) != 3 || len(body) > 2000 || p.StagedBytes() != large.Len() {
		t.Fatalf("%d parts, a record of %d bytes, %d bytes staged", len(log), len(body), p.StagedBytes())
	}
	onLog, err := ReadPublished(p.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if !onLog.Same(files, read, set) {
		t.Error("what was published is not known again")
	}
	for _, c := range []string{"vip.csv", "few.csv"} {
		was := lists[c]
		lists[c] += "one more\n"
		if onLog.Same(files, read, set) {
			t.Errorf("a change of %s is not seen", c)
		}
		lists[c] = was
	}
	delete(lists, "vip.csv")
	if onLog.Same(files, read, set) {
		t.Error("a file that is gone is not missed")
	}
	if _, err := onLog.Compile(); err == nil || !strings.Contains(err.Error(), "records of their own") {
		t.Errorf("compiled without its lists: %v", err)
	}

	part := func(n uint64) ([]byte, error) { return log[n], nil }
	body, err := Gather(p.Bytes(), part)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := ReadPublished(body)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := whole.Compile()
	if err != nil {
		t.Fatal(err)
	}
	fx := new(cep.Effects)
	g := cep.NewEngine(rs.Ruleset, rs.Options)
	g.Step([]cep.Record{{Data: []byte(`{"type":"pay","ts":1,"card":"card-0199999"}` + "\n" + `{"type":"pay","ts":2,"card":"card-0200000"}`), Line: 1}}, fx)
	if len(fx.Alerts) != 1 || fx.Alerts[0].Key[0] != "card-0199999" {
		t.Errorf("alerts %+v", fx.Alerts)
	}

	again, err := Gather(body, func(uint64) ([]byte, error) { return nil, errors.New("nothing is to be read") })
	if err != nil || string(again) != string(body) {
		t.Errorf("what is whole is gathered again: %v", err)
	}
	if _, err := Gather(p.Bytes(), func(n uint64) ([]byte, error) { return log[max(n, 8)], nil }); err == nil || !strings.Contains(err.Error(), "vip.csv of a list has") {
		t.Errorf("parts that are not those published: %v", err)
	}
	gone := errors.New("gone")
	if _, err := Gather(p.Bytes(), func(uint64) ([]byte, error) { return nil, gone }); !errors.Is(err, gone) {
		t.Errorf("parts that are gone: %v", err)
	}
}

// Many small files are in the record as far as there is room.
func TestStagedMany(t *testing.T) {
	p := &Published{Lists: map[string][]byte{"large": make([]byte, inlineFile+1)}}
	for i := range 100 {
		p.Lists[fmt.Sprint(i)] = make([]byte, inlineFile)
	}
	p.stage()
	if n := len(p.Lists) - len(p.Staged); n != inlineAll/inlineFile || p.Staged["large"].Bytes == 0 {
		t.Errorf("%d files are in the record", n)
	}
}
