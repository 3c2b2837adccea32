package stream

import (
	"fmt"
	"strings"
	"testing"

	"weir/cep"
)

// Parts of lists are records that say nothing by themselves: Controls has none of them, and they
// do not keep a change of rules from being published. Of versions that nobody needs all parts go.
func TestLists(t *testing.T) {
	l := open(t, Options{Dir: t.TempDir(), Size: MinSize})
	defer shut(t, l)
	part := func(of, text string) uint64 {
		return appendTo(t, l, &cep.Packed{Kind: cep.PackedList, Of: of, Body: []byte(text)})
	}
	for _, of := range []string{"", "a.b", "a*", ">"} {
		if _, err := l.Append(within(t), &cep.Packed{Kind: cep.PackedList, Of: of}); err == nil {
			t.Errorf("a list with the digest %q is taken", of)
		}
	}
	part("aa", "one")
	part("aa", "two")
	rules := appendTo(t, l, &cep.Packed{Kind: cep.PackedRules, Body: []byte("rules")})
	part("bb", "three")
	if _, err := l.PublishIf(within(t), &cep.Packed{Kind: cep.PackedRules}, rules); err != nil {
		t.Errorf("after a part of a list: %v", err)
	}
	controls, err := l.Controls(within(t))
	if err != nil || len(controls) != 2 {
		t.Errorf("%d control records, %v", len(controls), err)
	}
	texts := func(of string) string {
		t.Helper()
		parts, err := l.Parts(within(t), of)
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		for _, r := range parts {
			p, err := cep.Unpack(r.Data)
			if err != nil {
				t.Fatal(err)
			}
			said += fmt.Sprintf("%d %s ", r.Sequence, p.Body)
		}
		return said
	}
	if got := texts("aa") + texts("bb") + texts("cc"); got != "1 one 2 two 4 three " {
		t.Errorf("parts: %s", got)
	}
	if n, err := l.Begins(within(t)); n != 0 || err != nil {
		t.Errorf("the log begins at %d, %v", n, err)
	}

	body := []byte(strings.Repeat("x", 60<<10) + "\n")
	last := uint64(0)
	for range 14 {
		last = appendTo(t, l, &cep.Packed{Kind: cep.PackedEvents, Body: body})
	}
	later := part("cc", "four")
	if err := l.Release(within(t), last); err != nil {
		t.Fatal(err)
	}
	begins, err := l.Begins(within(t))
	if err != nil || begins <= 6 || begins >= last {
		t.Fatalf("the log begins at %d of %d, %v", begins, last, err)
	}
	n, err := l.DropLists(within(t), begins, func(of string) bool { return of == "bb" })
	if err != nil || n != 1 {
		t.Errorf("%d versions were dropped, %v", n, err)
	}
	if got, want := texts("aa")+texts("bb")+texts("cc"), fmt.Sprintf("4 three %d four ", later); got != want {
		t.Errorf("parts: %s, want %s", got, want)
	}
}
