package list

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

// made returns a List of entries written "text", "text=value" or "text@expiry".
func made(t testing.TB, s Spec, entries ...string) *List {
	t.Helper()
	l, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range entries {
		e := Entry{Expires: Never}
		if before, after, ok := strings.Cut(text, "@"); ok {
			text = before
			fmt.Sscan(after, &e.Expires)
		}
		text, value, _ := strings.Cut(text, "=")
		e.Text = text
		if e.Value, err = s.ParseValue(value); err != nil {
			t.Fatal(err)
		}
		if err := l.Put(e); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// text shows a List on one line.
func text(l *List) string {
	var all []string
	for e := range l.All() {
		all = append(all, entryText(e))
	}
	return strings.Join(all, " ")
}

func entryText(e Entry) string {
	s := e.Text
	switch e.Value.Kind {
	case String:
		s += "=" + e.Value.Text
	case Number:
		s += fmt.Sprintf("=%g", e.Value.Number)
	case Bool:
		s += fmt.Sprintf("=%t", e.Value.Bool)
	}
	if e.Expires != Never {
		s += fmt.Sprintf("@%d", e.Expires)
	}
	return s
}

func TestFind(t *testing.T) {
	cards := made(t, Spec{Type: String}, "a", "b@10", "B")
	rates := made(t, Spec{String, Number}, "EUR=1", "USD=0.92@10", "XAU")
	names := made(t, Spec{String, String}, "a=one", "b=two")
	flags := made(t, Spec{String, Bool}, "a=true", "b=false")
	nets := made(t, Spec{CIDR, String}, "10.0.0.0/8=wide", "10.1.0.0/16=site@10", "10.1.2.3=host", "::/0=six", "2001:db8::/32=doc", "2001:db8::1=one", "::ffff:192.0.2.0/120=mapped")
	tests := []struct {
		list *List
		text string
		at   int64
		want string // its value, "-" for none, empty if it is not there
	}{
		{cards, "a", 0, "-"},
		{cards, "A", 0, ""},
		{cards, "B", 0, "-"},
		{cards, "", 0, ""},
		{cards, "b", 9, "-"},
		{cards, "b", 10, ""},
		{rates, "EUR", 1 << 60, "=1"},
		{rates, "USD", 9, "=0.92"},
		{rates, "USD", 10, ""},
		{rates, "XAU", 0, "-"},
		{names, "b", 0, "=two"},
		{flags, "a", 0, "=true"},
		{flags, "b", 0, "=false"},
		{nets, "10.9.9.9", 0, "=wide"},
		{nets, "10.1.9.9", 0, "=site"},
		{nets, "10.1.9.9", 10, "=wide"},
		{nets, "10.1.2.3", 0, "=host"},
		{nets, "::ffff:10.1.2.3", 0, "=host"},
		{nets, "11.0.0.1", 0, ""},
		{nets, "192.0.2.77", 0, "=mapped"},
		{nets, "::1", 0, "=six"},
		{nets, "2001:db8::1", 0, "=one"},
		{nets, "2001:DB8:0::2", 0, "=doc"},
		{nets, "10.1.2.3/32", 0, ""},
		{nets, "fe80::1%eth0", 0, ""},
		{nets, "10.1.2", 0, ""},
		{nets, "010.1.2.3", 0, ""},
		{nets, "", 0, ""},
	}
	for _, tt := range tests {
		v, ok := tt.list.Find(tt.text, tt.at)
		got := ""
		if ok {
			if got = entryText(Entry{Value: v, Expires: Never}); got == "" {
				got = "-"
			}
		}
		if got != tt.want {
			t.Errorf("%s list: %q at %d: %q, want %q", tt.list.Spec().Type, tt.text, tt.at, got, tt.want)
		}
		if _, ok := tt.list.FindNumber(1, 0); ok {
			t.Errorf("a number in a list of %s", tt.list.Spec().Type)
		}
	}
}

func TestFindNumber(t *testing.T) {
	l := made(t, Spec{Number, String}, "12.0=dozen", "0=nought", "-3.5=below@10", "1e300")
	for _, tt := range []struct {
		n    float64
		at   int64
		want string
	}{{12, 0, "dozen"}, {0, 0, "nought"}, {math.Copysign(0, -1), 0, "nought"}, {-3.5, 9, "below"}, {-3.5, 10, "gone"}, {1e300, 0, ""}, {3.5, 0, "gone"}} {
		v, ok := l.FindNumber(tt.n, tt.at)
		got := v.Text
		if !ok {
			got = "gone"
		}
		if got != tt.want {
			t.Errorf("%g at %d: %q, want %q", tt.n, tt.at, got, tt.want)
		}
	}
	if _, ok := l.Find("12", 0); ok {
		t.Error("a text in a list of numbers")
	}
	if got, want := text(l), "-3.5=below@10 0=nought 12=dozen 1e+300"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestChange(t *testing.T) {
	l := made(t, Spec{String, Number}, "a=1@10", "b=2", "c@30", "d@20")
	put := func(e Entry) {
		t.Helper()
		if err := l.Put(e); err != nil {
			t.Fatal(err)
		}
	}
	is := func(want string) {
		t.Helper()
		if got := text(l); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	deadline := func(want int64, wantOK bool) {
		t.Helper()
		if got, ok := l.Deadline(); got != want || ok != wantOK {
			t.Errorf("the deadline is %d %t, want %d %t", got, ok, want, wantOK)
		}
	}
	deadline(10, true)
	put(Entry{"a", NumberValue(1), 40})
	deadline(20, true)
	put(Entry{"b", NumberValue(3), 25})
	put(Entry{"c", NumberValue(5), Never})
	is("a=1@40 b=3@25 c=5 d@20")
	if n := l.Advance(19); n != 0 {
		t.Errorf("%d freed before the deadline", n)
	}
	if n := l.Advance(25); n != 2 {
		t.Errorf("%d freed, want 2", n)
	}
	is("a=1@40 c=5")
	put(Entry{"c", Value{}, Never})
	is("a=1@40 c")
	if ok, err := l.Remove("x"); ok || err != nil {
		t.Errorf("x was removed: %t %v", ok, err)
	}
	if ok, err := l.Expire("x", 5); ok || err != nil {
		t.Errorf("x got an expiry: %t %v", ok, err)
	}
	if ok, err := l.Remove("a"); !ok || err != nil {
		t.Errorf("a: %t %v", ok, err)
	}
	deadline(Never, false)
	if ok, err := l.Expire("c", 50); !ok || err != nil {
		t.Errorf("c: %t %v", ok, err)
	}
	is("c@50")
	if e, ok := l.Get("c"); !ok || entryText(e) != "c@50" {
		t.Errorf("c is %v %t", e, ok)
	}
	if n := l.Advance(50); n != 1 || l.Len() != 0 {
		t.Errorf("%d freed, %d left", n, l.Len())
	}
	if e, ok := l.Get("c"); ok {
		t.Errorf("c is %v", e)
	}
}

func TestPutRefuses(t *testing.T) {
	long := strings.Repeat("x", MaxText+1)
	inf := NumberValue(math.Inf(1))
	tests := []struct {
		spec Spec
		e    Entry
		want string
	}{
		{Spec{Type: String}, Entry{Text: ""}, "the entry is empty"},
		{Spec{Type: String}, Entry{Text: long}, "the entry has 1025 bytes, 1024 are the most"},
		{Spec{Type: String}, Entry{Text: "\xff"}, `the entry "\xff" is not valid UTF-8`},
		{Spec{Type: String}, Entry{Text: "a", Value: NumberValue(1)}, "the list has no values"},
		{Spec{String, Number}, Entry{Text: "a", Value: StringValue("1")}, "expected a value of type number, found one of type string"},
		{Spec{String, Number}, Entry{Text: "a", Value: inf}, "expected a finite number as the value"},
		{Spec{String, String}, Entry{Text: "a", Value: StringValue("")}, "the value is empty"},
		{Spec{String, String}, Entry{Text: "a", Value: StringValue(long)}, "the value has 1025 bytes, 1024 are the most"},
		{Spec{Type: Number}, Entry{Text: "0x1"}, `expected a number like 12 or 0.5, found "0x1"`},
		{Spec{Type: Number}, Entry{Text: "1e999"}, `the number "1e999" is too large`},
		{Spec{Type: CIDR}, Entry{Text: "10.0.0.1/8"}, `the prefix "10.0.0.1/8" has bits behind its length: write 10.0.0.0/8 for the network or 10.0.0.1 for the address`},
		{Spec{Type: CIDR}, Entry{Text: "10.0.0.0/33"}, `expected an IP prefix like 192.0.2.0/24, found "10.0.0.0/33"`},
		{Spec{Type: CIDR}, Entry{Text: "host"}, `expected an IP address or prefix like 192.0.2.0/24, found "host"`},
		{Spec{Type: CIDR}, Entry{Text: "fe80::1%eth0"}, `expected an IP address or prefix like 192.0.2.0/24, found "fe80::1%eth0"`},
	}
	for _, tt := range tests {
		l := made(t, tt.spec)
		if err := l.Put(tt.e); err == nil || err.Error() != tt.want {
			t.Errorf("%v\n got %v\nwant %s", tt.e, err, tt.want)
		}
		if l.Len() != 0 {
			t.Errorf("%v was put", tt.e)
		}
	}
	l := made(t, Spec{Type: Number})
	if _, err := l.Remove("x"); err == nil {
		t.Error("x may be an entry of a list of numbers")
	}
	if _, err := l.Expire("x", 1); err == nil {
		t.Error("x may be an entry of a list of numbers")
	}
}

func TestFull(t *testing.T) {
	l := made(t, Spec{String, String}, "a=1@5", "b=2")
	l.mostEntries = 2
	if err := l.Put(Entry{Text: "c"}); !errors.Is(err, ErrFull) {
		t.Errorf("a third of two entries: %v", err)
	}
	if err := l.Put(Entry{Text: "b", Value: StringValue("3"), Expires: Never}); err != nil {
		t.Errorf("an entry that is there: %v", err)
	}
	l.Advance(5)
	if err := l.Put(Entry{Text: "c", Expires: Never}); err != nil {
		t.Errorf("one that has room again: %v", err)
	}
	l.mostBytes = 5 // b3, c: two are left
	if err := l.Put(Entry{Text: "b", Value: StringValue("12345"), Expires: Never}); !errors.Is(err, ErrFull) {
		t.Errorf("seven bytes of five: %v", err)
	}
	if err := l.Put(Entry{Text: "b", Value: StringValue("123"), Expires: Never}); err != nil {
		t.Errorf("five bytes of five: %v", err)
	}
	if got, want := text(l), "b=123 c"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSpec(t *testing.T) {
	for _, s := range []Spec{{}, {Type: Bool}, {Type: 9}, {String, CIDR}, {String, 9}} {
		if _, err := New(s); err == nil {
			t.Errorf("a list of %s with values %s", s.Type, s.Value)
		}
	}
	for k := String; k <= CIDR; k++ {
		if got, ok := ParseKind(k.String()); !ok || got != k {
			t.Errorf("%s: %v %t", k, got, ok)
		}
	}
	for _, name := range []string{"none", "text", ""} {
		if _, ok := ParseKind(name); ok {
			t.Errorf("%q is a kind", name)
		}
	}
}

func TestCanonical(t *testing.T) {
	for _, tt := range []struct {
		kind       Kind
		text, want string
	}{
		{String, " a ", " a "},
		{Number, "12.50", "12.5"},
		{Number, "-0", "0"},
		{Number, "1E3", "1000"},
		{Number, "1e-7", "1e-07"},
		{CIDR, "2001:DB8:0:0::/32", "2001:db8::/32"},
		{CIDR, "192.0.2.1", "192.0.2.1/32"},
		{CIDR, "::ffff:192.0.2.1", "192.0.2.1/32"},
		{CIDR, "::ffff:192.0.2.0/120", "192.0.2.0/24"},
		{CIDR, "::ffff:0:0/95", "error"},
		{CIDR, "::fffe:0:0/95", "::fffe:0:0/95"},
		{CIDR, "0.0.0.0/0", "0.0.0.0/0"},
	} {
		got, err := Spec{Type: tt.kind}.Canonical(tt.text)
		if err != nil {
			got = "error"
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestCIDRContains(t *testing.T) {
	for _, tt := range []struct {
		cidr, ip string
		in, ok   bool
	}{
		{"10.0.0.0/8", "10.255.0.1", true, true},
		{"10.0.0.0/8", "11.0.0.1", false, true},
		{"10.0.0.99/8", "10.255.0.1", true, true},
		{"10.0.0.1", "10.0.0.1", true, true},
		{"10.0.0.1", "10.0.0.2", false, true},
		{"0.0.0.0/0", "255.255.255.255", true, true},
		{"10.0.0.0/8", "::ffff:10.1.1.1", true, true},
		{"::ffff:10.0.0.0/104", "10.1.1.1", true, true},
		{"::/0", "10.1.1.1", false, true},
		{"::/0", "2001:db8::1", true, true},
		{"2001:db8::/32", "2001:db9::1", false, true},
		{"2001:db8::/129", "2001:db8::1", false, false},
		{"10.0.0.0/8", "10.0.0.0/8", false, false},
		{"10.0.0.0/8", "fe80::1%eth0", false, false},
		{"fe80::%eth0/10", "fe80::1", false, false},
		{"10.0.0.0/8", "", false, false},
		{"", "10.0.0.1", false, false},
		{"10/8", "10.0.0.1", false, false},
	} {
		if in, ok := CIDRContains(tt.cidr, tt.ip); in != tt.in || ok != tt.ok {
			t.Errorf("%s in %s: %t %t, want %t %t", tt.ip, tt.cidr, in, ok, tt.in, tt.ok)
		}
	}
}

func TestSearch(t *testing.T) {
	l := made(t, Spec{Type: String}, "b2", "a", "b1", "c", "b", "b3@10", "ä")
	for _, tt := range []struct {
		prefix, after string
		at            int64
		limit         int
		want          string
	}{
		{"", "", 0, 3, "a b b1"},
		{"", "b1", 0, 3, "b2 b3@10 c"},
		{"", "b1", 10, 3, "b2 c ä"},
		{"b", "", 0, 10, "b b1 b2 b3@10"},
		{"b", "b", 0, 1, "b1"},
		{"b", "b2x", 0, 9, "b3@10"},
		{"x", "", 0, 9, ""},
		{"", "", 0, 0, ""},
	} {
		found, err := l.Search(tt.prefix, tt.after, tt.at, tt.limit)
		var all []string
		for _, e := range found {
			all = append(all, entryText(e))
		}
		if got := strings.Join(all, " "); err != nil || got != tt.want {
			t.Errorf("%v: %s %v, want %s", tt, got, err, tt.want)
		}
	}
	nets := made(t, Spec{Type: CIDR}, "10.2.0.0/16", "10.0.0.0/8", "10.0.0.0/16", "9.0.0.0/8", "2001:db8::/32")
	if got, want := text(nets), "9.0.0.0/8 10.0.0.0/8 10.0.0.0/16 10.2.0.0/16 2001:db8::/32"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if found, err := nets.Search("10.", "10.0.0.0/8", 0, 9); err != nil || len(found) != 2 || found[0].Text != "10.0.0.0/16" {
		t.Errorf("%v %v", found, err)
	}
	if _, err := nets.Search("", "x", 0, 9); err == nil {
		t.Error("x may be a prefix")
	}
}

// A list that had many entries gives their memory back.
func TestShrink(t *testing.T) {
	l := made(t, Spec{Type: String})
	for i := range 20_000 {
		if err := l.Put(Entry{Text: fmt.Sprintf("entry %06d", i), Expires: int64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	most := l.Size()
	l.Advance(19_900)
	if l.Len() != 99 || l.Size() > most/10 {
		t.Errorf("%d entries take %d bytes of %d", l.Len(), l.Size(), most)
	}
	for i := range 20_000 {
		if _, ok := l.Find(fmt.Sprintf("entry %06d", i), 0); ok != (i > 19_900) {
			t.Fatalf("entry %d: %t", i, ok)
		}
	}
	for i := range 100_000 {
		if err := l.Put(Entry{Text: "one", Expires: int64(i)}); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Remove("one"); err != nil {
			t.Fatal(err)
		}
	}
	if l.Size() > most/10 {
		t.Errorf("a hundred entries take %d bytes", l.Size())
	}
}

func TestFindAllocatesNothing(t *testing.T) {
	text := made(t, Spec{String, String}, "a=one")
	number := made(t, Spec{Number, Number}, "1=2")
	nets := made(t, Spec{CIDR, String}, "10.0.0.0/8=a", "2001:db8::/32=b")
	if n := testing.AllocsPerRun(100, func() {
		text.Find("a", 0)
		text.Find("absent", 0)
		number.FindNumber(1, 0)
		nets.Find("10.1.2.3", 0)
		nets.Find("2001:db8::1", 0)
		nets.Find("::ffff:10.1.2.3", 0)
		CIDRContains("10.0.0.0/8", "10.1.2.3")
	}); n != 0 {
		t.Errorf("%g allocations", n)
	}
}
