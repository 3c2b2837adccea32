package stream

import (
	"strings"
	"testing"

	"weir/cep"
	"weir/cep/list"
)

// Changes of lists lie on the log by themselves: Controls has none of them, Entries has all, and
// they do not keep a change of rules from being published.
func TestEntries(t *testing.T) {
	l := open(t, Options{Dir: t.TempDir(), Size: MinSize})
	defer shut(t, l)
	holdsEntries(t, l)
}

// holdsEntries checks the above of an empty log, or one that has a lease.
func holdsEntries(t *testing.T, l *Log) {
	t.Helper()
	change := func(name, entry string) *cep.Packed {
		return &cep.Packed{Kind: cep.PackedEntries, Change: &cep.ListChange{List: name, Entry: list.Entry{Text: entry, Expires: list.Never}}}
	}
	for _, name := range []string{"", "a.b", "a*", ">", "a b", strings.Repeat("a", 256)} {
		if _, err := l.Append(within(t), change(name, "x")); err == nil {
			t.Errorf("a change of the list %q is taken", name)
		}
	}
	nobody := change("cards", "x")
	nobody.Audit = &cep.Audit{What: "test"}
	if _, err := l.Append(within(t), nobody); err == nil || !strings.Contains(err.Error(), "author") {
		t.Errorf("a change of nobody: %v", err)
	}
	appendTo(t, l, change("cards", "one"))
	rules := appendTo(t, l, &cep.Packed{Kind: cep.PackedRules, Body: []byte("rules")})
	appendTo(t, l, change("nets", "two"))
	appendTo(t, l, &cep.Packed{Kind: cep.PackedList, Of: "0f", Body: []byte("part")})
	last := appendTo(t, l, change("cards", "three"))
	controls, err := l.Controls(within(t))
	if err != nil || len(controls) == 0 || controls[len(controls)-1].Sequence != rules {
		t.Errorf("%d control records, %v", len(controls), err)
	}
	if _, err := l.PublishIf(within(t), &cep.Packed{Kind: cep.PackedRules}, rules); err != nil {
		t.Errorf("after a change of a list: %v", err)
	}
	changes, err := l.Entries(within(t))
	if err != nil || len(changes) != 3 || changes[2].Sequence != last {
		t.Errorf("%d changes, %v", len(changes), err)
	}
	said := ""
	for i := range changes {
		p, err := cep.Unpack(changes[i].Data)
		if err != nil {
			t.Fatal(err)
		}
		said += p.Change.List + " " + p.Change.Entry.Text + " "
	}
	if said != "cards one nets two cards three " {
		t.Errorf("changes: %s", said)
	}
}

// TestEntriesOutside is TestEntries of servers that run elsewhere.
func TestEntriesOutside(t *testing.T) {
	l := outside(t, servers(t, 1, nil), nil)
	holdsEntries(t, l)
}
