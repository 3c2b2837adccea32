package cep

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// entriesOf are entries that are written like 3+k=v (put), 3-k (gone) and 3<k (gone before).
func entriesOf(t *testing.T, text string) (all []byte) {
	t.Helper()
	for _, f := range strings.Fields(text) {
		e := Entry{Section: uint32(f[0] - '0')}
		key, value, _ := strings.Cut(f[2:], "=")
		switch f[1] {
		case '+':
			e.Key, e.Value = []byte(key), []byte(value)
		case '-':
			e.Kind, e.Key = GoneKind, []byte(key)
		case '<':
			e.Kind, e.Value = GoneBeforeKind, []byte(key)
		}
		all = e.Append(all)
	}
	return all
}

func runsOf(t *testing.T, texts ...string) (runs []Run) {
	t.Helper()
	for _, text := range texts {
		sorted, err := SortEntries(nil, entriesOf(t, text))
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, RunOf(sorted))
	}
	return runs
}

// Of each key the latest entry counts, in a run and among runs.
func TestMerge(t *testing.T) {
	for _, c := range []struct{ runs, want string }{
		{"", ""},
		{"1+b=1 1+a=1 1+b=2", "1a=1 1b=2"},
		{"1+a=1 1+b=1|1-a 1+c=3", "1b=1 1c=3"},
		{"1+a=1|1-a|1+a=2", "1a=2"},
		{"1-a 1+a=1", "1a=1"},
		{"1+a=1 1+b=1 1+c=1 2+a=1|1<c|1+d=1", "1c=1 1d=1 2a=1"},
		{"1+a=1 1+b=1|1<b|1<c", ""},
		{"2+=x|1+a=1|2+=y", "1a=1 2=y"},
	} {
		var got []string
		err := Merge(runsOf(t, strings.Split(c.runs, "|")...), func(e *Entry) error {
			got = append(got, string(rune('0'+e.Section))+string(e.Key)+"="+string(e.Value))
			return nil
		})
		if text := strings.Join(got, " "); err != nil || text != c.want {
			t.Errorf("%s: %s, %v; want %s", c.runs, text, err, c.want)
		}
	}
}

// What is no state is refused.
func TestAssembleRefuses(t *testing.T) {
	for _, c := range []struct {
		runs string
		ok   bool
	}{
		{"0+=\x00\x01 1+=head 2+a=1", true},
		{"0+=\x00\x01 1+=head", true},
		{"0+=\x00\x01 1+=head|1+=other 2+b=2", true},
		{"", false},
		{"1+=head", false},
		{"0+a=\x00 1+=head", false},
		{"0+=\x00\x01 2+a=1", false},          // a piece is missing
		{"0+=\x00\x01 1+=head 3+a=1", false},  // there is no such section
		{"0+=\x00\x01 1+a=head 2+a=1", false}, // a piece has a key
		{"0+=\x02 1+=head", false},            // no kind
	} {
		state, err := Assemble(runsOf(t, strings.Split(c.runs, "|")...))
		if (err == nil) != c.ok {
			t.Errorf("%q: %q, %v", c.runs, state, err)
		}
	}
	unsorted := RunOf(entriesOf(t, "0+=\x01 1+b=1 1+a=1"))
	if _, err := Assemble([]Run{unsorted}); err == nil {
		t.Error("entries that are not sorted are taken")
	}
}

// Whatever the bytes, reading entries gives an error or what is written as it was.
func FuzzReadEntry(f *testing.F) {
	f.Add([]byte("\x01\x00\x01a\x01b"))
	f.Add([]byte("\x01\x01\x01a\x02\x02\x00\x01k"))
	f.Add([]byte("\x01\x02\x01a\x01b"))
	f.Fuzz(func(t *testing.T, src []byte) {
		for rest := src; len(rest) > 0; {
			e, after, err := ReadEntry(rest)
			if err != nil {
				return
			}
			if got := e.Append(nil); !bytes.Equal(got, rest[:len(rest)-len(after)]) {
				t.Fatalf("%q is read as %+v and written as %q", rest, e, got)
			}
			rest = after
		}
	})
}

// Entries are sorted by section and key, whatever their keys share, and of equal ones the last
// is left.
func TestSortEntries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.StringOfN(rapid.RuneFrom([]rune{0, 'a', 'b'}), 0, 12, -1).Draw(t, "prefix")
		key := rapid.StringOfN(rapid.RuneFrom([]rune{0, 'a', 'b'}), 0, 12, -1)
		type place struct {
			section uint32
			key     string
		}
		last, src := map[place]string{}, []byte(nil)
		for i := range rapid.IntRange(0, 60).Draw(t, "entries") {
			p := place{uint32(rapid.IntRange(0, 2).Draw(t, "section")), prefix + key.Draw(t, "key")}
			last[p] = fmt.Sprint(i)
			src = (&Entry{Section: p.section, Key: []byte(p.key), Value: []byte(last[p])}).Append(src)
		}
		var want []byte
		places := slices.SortedFunc(maps.Keys(last), func(a, b place) int {
			return cmp.Or(cmp.Compare(a.section, b.section), strings.Compare(a.key, b.key))
		})
		for _, p := range places {
			want = (&Entry{Section: p.section, Key: []byte(p.key), Value: []byte(last[p])}).Append(want)
		}
		if got, err := SortEntries(nil, src); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("sorted %q, %v; want %q", got, err, want)
		}
	})
}
