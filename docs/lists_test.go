package docs

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"weir/cep"
	"weir/rules"
	"weir/rules/source"
)

// shown gives what reads the CSV files that a page shows, each under its name.
func shown(t *testing.T, page string) func(name string) ([]byte, error) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return func(name string) ([]byte, error) {
		_, table, ok := strings.Cut(string(text), "`"+name+"`:\n\n```csv\n")
		table, _, _ = strings.Cut(table, "```")
		if !ok {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		return []byte(table), nil
	}
}

// TestLists runs the lists of the reference, with their files, over a few payments.
func TestLists(t *testing.T) {
	var set *cep.Ruleset
	for _, b := range blocks(t, "reference.md") {
		if !b.begins("lists") {
			continue
		}
		checked := rules.CheckWith([]source.File{{Path: "reference.md", Text: b.text}}, rules.Given{ReadFile: shown(t, "reference.md")})
		if len(checked.Findings) > 0 {
			t.Fatal(checked.Findings)
		}
		set = checked.Ruleset
	}
	if set == nil {
		t.Fatal("the reference shows no lists")
	}
	change := func(name, entry string) cep.Record {
		c := &cep.ListChange{List: name}
		c.Entry.Text, c.Entry.Expires = entry, 1<<62
		return cep.Record{Kind: cep.ListRecord, Change: c}
	}
	records := []cep.Record{change("blocked_cards", "12"), change("amounts", "4.0")}
	for i, p := range []string{
		`"card_id":"a","amount":1500,"currency":"EUR","ip":"192.0.2.7"`,
		`"card_id":"b","amount":1500,"currency":"EUR","ip":"192.0.2.200"`,  // an office: the longest prefix
		`"card_id":"c","amount":1500,"currency":"USD","ip":"192.0.2.7"`,    // 750 euros
		`"card_id":"d","amount":1500,"currency":"USDT","ip":"2001:DB8::1"`, // expired: the default, 1
		`"card_id":"e","amount":1500,"currency":"EUR","ip":"2001:db8:1::7"`,
		`"card_id":"f","amount":1500,"currency":"EUR","ip":"::ffff:192.0.2.7"`,
		`"card_id":12,"amount":1,"currency":"EUR"`,
		`"card_id":"g","amount":4,"currency":"EUR"`,
		`"card_id":"h","amount":1500}`,
	} {
		line := fmt.Sprintf(`{"type":"payment","ts":"2026-01-02T12:00:0%dZ",%s}`, i, strings.TrimSuffix(p, "}"))
		records = append(records, cep.Record{Kind: cep.EventsRecord, Data: []byte(line), Line: i + 1})
	}
	var fx cep.Effects
	cep.NewEngine(set, cep.Options{}).Step(append(records, cep.Record{Kind: cep.EndRecord}), &fx)
	var got []string
	for _, a := range fx.Alerts {
		got = append(got, a.Key[0]+": "+a.Message)
	}
	want := []string{
		"a: 1500 EUR from data centre", "d: 1500 USDT from data centre", "f: 1500 EUR from data centre",
		"12: 1 EUR from elsewhere", "g: 4 EUR from elsewhere",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || len(fx.Rejected) > 0 {
		t.Errorf("got\n%s\nwant\n%s\n%v", strings.Join(got, "\n"), strings.Join(want, "\n"), fx.Rejected)
	}
}
