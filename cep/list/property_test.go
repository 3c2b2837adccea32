package list

import (
	"bytes"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// naive is a list as a map, by canonical text.
type naive map[string]Entry

func (n naive) find(text string, t int64) (Value, bool) {
	e, ok := n[text]
	if !ok || e.Expires != Never && e.Expires <= t {
		return Value{}, false
	}
	return e.Value, true
}

func (n naive) contains(a netip.Addr, t int64) (Value, bool) {
	best, value := -1, Value{}
	for text := range n {
		p := netip.MustParsePrefix(text)
		if v, ok := n.find(text, t); ok && p.Contains(a.Unmap()) && p.Bits() > best {
			best, value = p.Bits(), v
		}
	}
	return value, best >= 0
}

func (n naive) advance(t int64) int {
	before := len(n)
	for text, e := range n {
		if e.Expires != Never && e.Expires <= t {
			delete(n, text)
		}
	}
	return before - len(n)
}

func (n naive) deadline() int64 {
	at := int64(Never)
	for _, e := range n {
		at = min(at, e.Expires)
	}
	return at
}

var numbers = []string{"0", "-1", "1", "0.5", "-2.25", "100000000000", "12", "1.5e+300", "1e-07"}

// drawPrefix draws a prefix of few bits that differ, so that many contain each other.
func drawPrefix(t *rapid.T) string {
	a := drawAddr(t)
	return netip.PrefixFrom(a, rapid.IntRange(0, a.BitLen()).Draw(t, "length")).Masked().String()
}

func drawAddr(t *rapid.T) netip.Addr {
	at := func(a []byte) {
		for range 3 {
			i := rapid.IntRange(0, 8*len(a)-1).Draw(t, "bit")
			a[i/8] ^= 0x80 >> (i % 8)
		}
	}
	if rapid.Bool().Draw(t, "v4") {
		a := [4]byte{10, 1, 2, 3}
		at(a[:])
		return netip.AddrFrom4(a)
	}
	a := [16]byte{0x20, 1, 0xd, 0xb8, 15: 1}
	at(a[:])
	return netip.AddrFrom16(a)
}

func drawText(t *rapid.T, k Kind) string {
	switch k {
	case Number:
		return rapid.SampledFrom(numbers).Draw(t, "number")
	case CIDR:
		return drawPrefix(t)
	}
	return rapid.StringMatching("[a-c]{1,3}|[a-c]{8,17}").Draw(t, "text")
}

func drawValue(t *rapid.T, k Kind) Value {
	if k == None || rapid.IntRange(0, 3).Draw(t, "none") == 0 {
		return Value{}
	}
	switch k {
	case Number:
		return NumberValue(rapid.Float64Range(-10, 10).Draw(t, "value"))
	case Bool:
		return BoolValue(rapid.Bool().Draw(t, "value"))
	}
	return StringValue(rapid.StringMatching("[x-z]{1,9}").Draw(t, "value"))
}

// A List does what a map does, through changes, time and bytes.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := Spec{
			Type:  rapid.SampledFrom([]Kind{String, Number, CIDR}).Draw(t, "type"),
			Value: rapid.SampledFrom([]Kind{None, String, Number, Bool}).Draw(t, "values"),
		}
		l, err := New(spec)
		if err != nil {
			t.Fatal(err)
		}
		model, now := naive{}, int64(0)
		for range rapid.IntRange(0, 80).Draw(t, "steps") {
			text := drawText(t, spec.Type)
			_, had := model[text]
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			default:
				e := Entry{text, drawValue(t, spec.Value), now + rapid.Int64Range(-5, 40).Draw(t, "expires")}
				if rapid.Bool().Draw(t, "for ever") {
					e.Expires = Never
				}
				if err := l.Put(e); err != nil {
					t.Fatal(err)
				}
				model[text] = e
			case 0, 1:
				if got, err := l.Remove(text); got != had || err != nil {
					t.Fatalf("%s removed: %t %v, want %t", text, got, err, had)
				}
				delete(model, text)
			case 2:
				at := now + rapid.Int64Range(-5, 40).Draw(t, "expires")
				if got, err := l.Expire(text, at); got != had || err != nil {
					t.Fatalf("%s expires: %t %v, want %t", text, got, err, had)
				}
				if had {
					model[text] = Entry{text, model[text].Value, at}
				}
			case 3:
				now += rapid.Int64Range(0, 20).Draw(t, "time")
				if got, want := l.Advance(now), model.advance(now); got != want {
					t.Fatalf("%d freed, want %d", got, want)
				}
			case 4:
				written := l.Append(nil)
				var rest []byte
				if l, rest, err = Decode(append(written, "rest"...)); err != nil || string(rest) != "rest" {
					t.Fatalf("%v, rest %q", err, rest)
				}
				if again := l.Append(nil); !bytes.Equal(again, written) {
					t.Fatal("written again it has other bytes")
				}
			case 5:
				l.wasted += leastWaste // more than there is, so that it is written again
				l.slab.WriteString(strings.Repeat("!", leastWaste))
				l.tidy()
			}
			compare(t, l, model, now)
		}
	})
}

func compare(t *rapid.T, l *List, model naive, now int64) {
	if l.Len() != len(model) {
		t.Fatalf("%d entries, want %d", l.Len(), len(model))
	}
	if at, ok := l.Deadline(); at != model.deadline() || ok != (at != Never) {
		t.Fatalf("the deadline is %d, want %d", at, model.deadline())
	}
	at := now + rapid.Int64Range(0, 40).Draw(t, "at")
	for range 3 {
		text := drawText(t, l.spec.Type)
		var got, want Value
		var in, wantIn bool
		switch l.spec.Type {
		case String:
			got, in = l.Find(text, at)
			want, wantIn = model.find(text, at)
		case Number:
			f, err := parseNumber(text)
			if err != nil {
				t.Fatal(err)
			}
			got, in = l.FindNumber(f, at)
			want, wantIn = model.find(text, at)
		case CIDR:
			a := drawAddr(t)
			text = a.String()
			if rapid.Bool().Draw(t, "mapped") && a.Is4() {
				text = "::ffff:" + text
			}
			got, in = l.Find(text, at)
			want, wantIn = model.contains(a, at)
		}
		if got != want || in != wantIn {
			t.Fatalf("%s at %d: %v %t, want %v %t", text, at, got, in, want, wantIn)
		}
	}
	all := slices.Collect(l.All())
	if len(all) != len(model) {
		t.Fatalf("%d of %d entries", len(all), len(model))
	}
	for i, e := range all {
		if e != model[e.Text] {
			t.Fatalf("%v, want %v", e, model[e.Text])
		}
		if l.spec.Type == String && i > 0 && all[i-1].Text >= e.Text {
			t.Fatalf("%s stands before %s", all[i-1].Text, e.Text)
		}
	}
	search(t, l, all, at)
}

// search compares Search with a walk over all entries.
func search(t *rapid.T, l *List, all []Entry, at int64) {
	prefix := rapid.SampledFrom([]string{"", "a", "b", "10.", "1", "2001:"}).Draw(t, "prefix")
	after, limit := "", rapid.IntRange(1, 4).Draw(t, "limit")
	from := 0
	if len(all) > 0 && rapid.Bool().Draw(t, "page") {
		from = rapid.IntRange(0, len(all)-1).Draw(t, "after")
		after = all[from].Text
		from++
	}
	want := []Entry{}
	for _, e := range all[from:] {
		if len(want) < limit && strings.HasPrefix(e.Text, prefix) && (e.Expires == Never || e.Expires > at) {
			want = append(want, e)
		}
	}
	if got, err := l.Search(prefix, after, at, limit); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("search %q after %q: %v %v, want %v", prefix, after, got, err, want)
	}
}

// A full table with many collisions: entries come and go, and all that are there are
// found.
func TestCollisions(t *testing.T) {
	l := made(t, Spec{Type: String})
	there := map[string]bool{}
	r := uint64(1)
	for n := range 200_000 {
		r = mix(r, uint64(n))
		text := fmt.Sprintf("%d", r%500)
		if r>>32%2 == 0 {
			if err := l.Put(Entry{Text: text, Expires: Never}); err != nil {
				t.Fatal(err)
			}
			there[text] = true
		} else {
			if ok, err := l.Remove(text); err != nil || ok != there[text] {
				t.Fatalf("%s: %t %v", text, ok, err)
			}
			delete(there, text)
		}
		if n%1000 > 0 {
			continue
		}
		for i := range 500 {
			text := fmt.Sprintf("%d", i)
			if _, ok := l.Find(text, 0); ok != there[text] {
				t.Fatalf("%s: %t", text, ok)
			}
		}
	}
}

// Many entries expire in the order of time, through removals and changes of expiry.
func TestTimers(t *testing.T) {
	const many = 300
	l, model := made(t, Spec{Type: String}), naive{}
	r, now := uint64(1), int64(0)
	for n := range 20_000 {
		r = mix(r, uint64(n))
		text := fmt.Sprintf("%d", r%many)
		switch r >> 32 % 8 {
		case 0, 1:
			if _, err := l.Remove(text); err != nil {
				t.Fatal(err)
			}
			delete(model, text)
		case 2:
			now += int64(r >> 40 % 20)
			if got, want := l.Advance(now), model.advance(now); got != want {
				t.Fatalf("%d freed at %d, want %d", got, now, want)
			}
		default:
			e := Entry{Text: text, Expires: now + int64(r>>40%5000)}
			if err := l.Put(e); err != nil {
				t.Fatal(err)
			}
			model[text] = e
		}
		if at, _ := l.Deadline(); at != model.deadline() {
			t.Fatalf("the deadline is %d, want %d", at, model.deadline())
		}
	}
}
