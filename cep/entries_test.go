package cep

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"weir/cep/list"
)

// TestEntriesPacked checks that changes of lists are read back from records, and that damaged
// ones are found out.
func TestEntriesPacked(t *testing.T) {
	who := &Audit{Author: "ann", What: "list.entry.put"}
	for _, p := range []Packed{
		{Change: &ListChange{List: "a", Entry: list.Entry{Text: "x", Expires: list.Never}}},
		{Change: &ListChange{List: "a", Entry: list.Entry{Text: "x", Value: list.StringValue("v"), Expires: -5}}, Audit: who},
		{Change: &ListChange{List: "a", Entry: list.Entry{Text: "x", Value: list.NumberValue(-2.5), Expires: 7}}},
		{Change: &ListChange{List: "a", Entry: list.Entry{Text: "x", Value: list.BoolValue(true), Expires: 7}}},
		{Change: &ListChange{List: "a", Action: RemoveEntry, Entry: list.Entry{Text: "x"}}},
		{Change: &ListChange{List: "a", Action: ExpireAll}},
		{Change: &ListChange{List: "a", Action: MergeEntries}, Of: "0f", Parts: []uint64{3, 900}},
		{Change: &ListChange{List: "a", Action: ReplaceEntries}, Of: "0f", Parts: []uint64{3}, Audit: who},
	} {
		p.Kind = PackedEntries
		data := p.Append(nil)
		got, err := Unpack(data)
		if err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("%+v %+v, %v", got, got.Change, err)
		}
		for n := range len(data) {
			if _, err := Unpack(data[:n]); err == nil {
				t.Errorf("%d bytes of %d are taken for a record", n, len(data))
			}
		}
	}
}

// TestLoopLists folds changes of lists, of one entry and of many, and tells what each was and why
// those changed nothing that could not be made.
func TestLoopLists(t *testing.T) {
	rs := listed(t)
	many := emptyOf(t, list.Entry{Text: "c1", Value: list.NumberValue(5), Expires: list.Never}, list.Entry{Text: "c2", Value: list.NumberValue(6), Expires: list.Never})
	data := many.Append(nil)
	sum := sha256.Sum256(data)
	of := hex.EncodeToString(sum[:])
	log := &heldLog{most: 3}
	add := func(p Packed) {
		if p.Kind == PackedEntries {
			p.Audit = &Audit{Author: "ann", What: "test"}
		}
		if _, err := log.Append(context.Background(), &p); err != nil {
			t.Fatal(err)
		}
	}
	change := func(c ListChange, of string, parts ...uint64) {
		add(Packed{Kind: PackedEntries, Change: &c, Of: of, Parts: parts})
	}
	add(Packed{Kind: PackedRules})                                                              // 1
	add(Packed{Kind: PackedList, Of: of, Body: data[:7]})                                       // 2
	add(Packed{Kind: PackedList, Of: of, Body: data[7:]})                                       // 3
	change(ListChange{List: "blocked", Action: MergeEntries}, of, 2, 3)                         // 4
	change(ListChange{List: "blocked", Action: MergeEntries}, of, 3, 2)                         // 5: not what was sent
	change(ListChange{List: "blocked", Action: MergeEntries}, of, 2, 99)                        // 6: it does not lie before
	change(ListChange{List: "blocked", Action: MergeEntries}, of, 1)                            // 7: no part
	change(ListChange{List: "others", Action: ReplaceEntries}, of, 2, 3)                        // 8
	change(ListChange{List: "blocked", Action: ExpireAll}, "")                                  // 9
	change(ListChange{List: "blocked", Action: ReplaceEntries}, of, 2, 3)                       // 10
	change(ListChange{List: "blocked", Entry: list.Entry{Text: "c1", Expires: list.Never}}, "") // 11
	change(ListChange{List: "blocked", Action: RemoveEntry, Entry: list.Entry{Text: "c2"}}, "") // 12
	files := &heldFiles{crash: func(string) bool { return false }}
	compile := func([]byte) (*Rules, error) { return &Rules{Ruleset: rs}, nil }
	if _, _, err := fold(log, files, compile, nil); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`4 {"entries":0} `,
		`5 {"entries":2} the entries on the log are not those that were sent`,
		`6 {"entries":2} a part of a list is not on the log`,
		`7 {"entries":2} a part of a list is not on the log`,
		`8  there is no list "others"`,
		`9 {"entries":2} `,
		`10 {"entries":0} `,
		`11 {"value":5} `,
		`12 {"value":6} `,
	}
	var got []string
	for _, a := range files.audited {
		why, _, _ := strings.Cut(a.Refused, ": ")
		got = append(got, Position{1, a.Sequence}.String()[2:]+" "+a.Before+" "+why)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestEntriesRoom refuses entries that a list has no room for, and leaves it as it was.
func TestEntriesRoom(t *testing.T) {
	other, err := list.New(list.Spec{Type: list.Number})
	if err != nil {
		t.Fatal(err)
	}
	l := NewLists(listed(t))
	if err := l.change(&ListChange{List: "blocked", Action: ReplaceEntries, Entries: other}, 0, 0, false, list.Stamp{}); err == nil || !strings.Contains(err.Error(), "another type") {
		t.Error(err)
	}
	if err := l.change(&ListChange{List: "blocked", Fault: "no"}, 0, 0, false, list.Stamp{}); err == nil || errors.Is(err, list.ErrFull) {
		t.Error(err)
	}
}
