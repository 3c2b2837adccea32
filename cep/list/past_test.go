package list

import (
	"bytes"
	"maps"
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// seer is one who came at a time, with the entries as they stood then.
type seer struct {
	at   int64
	sees naive
}

// changed is a List that changes, its Past, and what those who came saw.
type changed struct {
	list   *List
	past   Past
	stands naive
	seers  []seer // by number, from 1
	now    int64
	low    int64 // nobody looks at an earlier time
}

// change makes a change and notes it, as an engine does.
func (c *changed) change(t *rapid.T, text string) {
	at := Stamp{After: uint64(len(c.seers)), Time: c.now}
	c.list.Advance(c.low)
	spec := c.list.Spec()
	if rapid.IntRange(0, 9).Draw(t, "clear") == 0 {
		c.past.Note(c.list.BeforeAll(), at)
		c.list, _ = New(spec)
		c.stands = naive{}
		return
	}
	was, err := c.list.Before(text)
	if err != nil {
		t.Fatal(err)
	}
	canonical, _ := spec.Canonical(text)
	if rapid.IntRange(0, 2).Draw(t, "remove") == 0 {
		if _, err := c.list.Remove(text); err != nil {
			t.Fatal(err)
		}
		delete(c.stands, canonical)
	} else {
		e := Entry{text, drawValue(t, spec.Value), c.now + rapid.Int64Range(-2, 15).Draw(t, "expires")}
		if rapid.Bool().Draw(t, "never") {
			e.Expires = Never
		}
		if err := c.list.Put(e); err != nil {
			t.Fatal(err)
		}
		e.Text = canonical
		c.stands[canonical] = e
	}
	c.past.Note(was, at)
}

// look compares what one who came sees of an entry with what it saw.
func (c *changed) look(t *rapid.T, number int, text string, at int64) {
	s := c.seers[number-1]
	var got, want Value
	var ok, there bool
	switch canonical, _ := c.list.Spec().Canonical(text); c.list.Spec().Type {
	case CIDR:
		a := netip.MustParsePrefix(text).Addr()
		got, ok = c.past.Find(c.list, a.String(), at, uint64(number))
		want, there = s.sees.contains(a, at)
	case Number:
		f, _ := parseNumber(text)
		got, ok = c.past.FindNumber(c.list, f, at, uint64(number))
		want, there = s.sees.find(canonical, at)
	default:
		got, ok = c.past.Find(c.list, text, at, uint64(number))
		want, there = s.sees.find(canonical, at)
	}
	if got != want || ok != there {
		t.Fatalf("number %d sees %s at %d as %v, %t; want %v, %t", number, text, at, got, ok, want, there)
	}
}

// Who came before changes sees a List as it was, whatever has changed since, through time
// and bytes; nothing is kept for nobody.
func TestPastShowsWhatWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := Spec{
			Type:  rapid.SampledFrom([]Kind{String, Number, CIDR}).Draw(t, "type"),
			Value: rapid.SampledFrom([]Kind{None, String, Number}).Draw(t, "values"),
		}
		l, err := New(spec)
		if err != nil {
			t.Fatal(err)
		}
		c := changed{list: l, stands: naive{}}
		var texts []string
		for range 6 {
			texts = append(texts, drawText(t, spec.Type))
		}
		text := func() string { return rapid.SampledFrom(texts).Draw(t, "text") }
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 7).Draw(t, "step") {
			case 0, 1, 2:
				c.change(t, text())
			case 3, 4:
				c.now += rapid.Int64Range(0, 3).Draw(t, "time")
				c.seers = append(c.seers, seer{c.now - rapid.Int64Range(0, c.now-c.low).Draw(t, "behind"), maps.Clone(c.stands)})
			case 5:
				c.low = rapid.Int64Range(c.low, c.now).Draw(t, "low")
				c.past.Forget(c.low)
			case 6:
				c.list.Advance(c.low)
			default:
				b := c.past.AppendAt(nil, c.low)
				p, rest, err := DecodePast(spec, append(bytes.Clone(b), "rest"...), c.low, Stamp{uint64(len(c.seers)), c.now})
				if again := p.Append(nil); err != nil || string(rest) != "rest" || !bytes.Equal(again, b) {
					t.Fatalf("%x is read as %x, rest %q, %v", b, again, rest, err)
				}
				c.past = p
			}
			for i, s := range c.seers {
				if s.at >= c.low {
					c.look(t, i+1, text(), s.at)
				}
			}
			if !c.past.Empty() && c.past.Oldest() < c.low {
				t.Fatalf("a change of %d is kept at %d", c.past.Oldest(), c.low)
			}
		}
		if c.past.Forget(c.now + 1); !c.past.Empty() || c.past.Len() != 0 {
			t.Fatal("what nobody sees is not forgotten")
		}
	})
}

// pastOf is the Past of a list of prefixes: one was replaced, one was not there, and then
// all were removed.
func pastOf(t testing.TB) (l *List, p Past) {
	old := made(t, Spec{CIDR, String}, "10.0.0.0/8=x@9", "2001:db8::/32=y")
	for i, text := range []string{"10.0.0.0/8", "10.1.0.0/16"} {
		was, err := old.Before(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := old.Put(Entry{text, StringValue("z"), Never}); err != nil {
			t.Fatal(err)
		}
		p.Note(was, Stamp{uint64(1 + i), 5})
	}
	p.Note(old.BeforeAll(), Stamp{3, 6})
	return made(t, Spec{CIDR, String}), p
}

// A prefix that has come since hides no longer one that was there.
func TestPastOfPrefixes(t *testing.T) {
	l, p := pastOf(t)
	for number, want := range []string{"", "x", "z", "z", ""} {
		if number == 0 {
			continue
		}
		if v, _ := p.Find(l, "10.1.2.3", 5, uint64(number)); v.Text != want {
			t.Errorf("number %d sees %q, want %q", number, v.Text, want)
		}
	}
	if _, ok := p.Find(l, "10.1.2.3", 9, 1); ok {
		t.Error("what has expired is seen")
	}
	if _, ok := p.Find(l, "no address", 5, 1); ok {
		t.Error("what is no address is seen")
	}
	if n := testing.AllocsPerRun(100, func() { p.Find(l, "10.1.2.3", 5, 1) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestPastOfNumbersAllocatesNothing(t *testing.T) {
	l, p := made(t, Spec{Number, Bool}, "12=true"), Past{}
	was, err := l.Before("12.0")
	if err != nil {
		t.Fatal(err)
	}
	p.Note(was, Stamp{1, 1})
	if n := testing.AllocsPerRun(100, func() { p.FindNumber(l, 12, 1, 1) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	if _, err := l.Before("twelve"); err == nil {
		t.Error("what is no number can be an entry")
	}
}

func TestDecodePastRefuses(t *testing.T) {
	l, p := pastOf(t)
	whole, high := p.Append(nil), Stamp{3, 6}
	if _, _, err := DecodePast(l.Spec(), whole, 5, high); err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if _, _, err := DecodePast(l.Spec(), whole[:n], 5, high); err == nil {
			t.Errorf("the first %d of %d bytes are taken for a past", n, len(whole))
		}
	}
	for name, c := range map[string]struct {
		spec Spec
		src  []byte
		low  int64
		high Stamp
	}{
		"a change that nobody sees":      {l.Spec(), whole, 6, high},
		"a change in the time to come":   {l.Spec(), whole, 5, Stamp{3, 5}},
		"an event to come":               {l.Spec(), whole, 5, Stamp{2, 6}},
		"a list of other entries":        {Spec{CIDR, Number}, whole, 5, high},
		"an unknown kind of change":      {l.Spec(), []byte{1, 1, 10, 3, 6, 4, 10, 0, 0, 0, 8}, 5, high},
		"a key that is none":             {l.Spec(), []byte{1, 1, 10, 0, 6, 4, 10, 0, 0, 1, 8}, 5, high},
		"stamps that go back":            {l.Spec(), []byte{2, 2, 10, 0, 6, 4, 10, 0, 0, 0, 8, 1, 10, 0, 6, 4, 10, 0, 0, 0, 8}, 5, high},
		"times that go back":             {l.Spec(), []byte{2, 1, 12, 0, 6, 4, 10, 0, 0, 0, 8, 1, 10, 0, 6, 4, 10, 0, 0, 0, 8}, 5, high},
		"more changes than there can be": {l.Spec(), []byte{9, 1, 10, 0}, 5, high},
	} {
		if _, _, err := DecodePast(c.spec, c.src, c.low, c.high); err == nil {
			t.Errorf("%s: taken for a past", name)
		}
	}
}

// Whatever the bytes, DecodePast gives an error or what is written as it was read.
func FuzzDecodePast(f *testing.F) {
	l, p := pastOf(f)
	f.Add(p.Append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, rest, err := DecodePast(l.Spec(), bytes.Clone(data), 0, Stamp{1 << 40, 1 << 40})
		if err != nil {
			return
		}
		if again := p.Append(nil); !bytes.Equal(again, data[:len(data)-len(rest)]) {
			t.Fatalf("%x is written as %x", data, again)
		}
		p.Find(l, "10.1.2.3", 1, 1)
		if p.Forget(1 << 41); !p.Empty() {
			t.Fatal("not all is forgotten")
		}
	})
}
