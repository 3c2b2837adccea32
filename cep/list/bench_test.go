package list

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

const million = 1_000_000

// card is a card number: 16 digits.
func card(i int) string { return fmt.Sprintf("%016d", mix(uint64(i), 1)%1e16) }

// file is a CSV file of n entries.
func file(n int, full bool) string {
	var b strings.Builder
	if full {
		b.WriteString("entry,value,expires\n")
	}
	for i := range n {
		b.WriteString(card(i))
		if full {
			fmt.Fprintf(&b, ",%d.5,2026-%02d-%02dT%02d:00:00Z", i%100, 1+i%12, 1+i%28, i%24)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func load(t testing.TB, s Spec, csv string) *List {
	l, _, err := Load(s, Columns{}, csv)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// prefixes is a CSV file of n prefixes of one family.
func prefixes(n, version int) string {
	var b strings.Builder
	for i := range n {
		r := mix(uint64(i), 4)
		if version == 4 {
			fmt.Fprintf(&b, "%d.%d.%d.0/24\n", i>>16, i>>8&255, i&255)
		} else {
			fmt.Fprintf(&b, "2001:%x:%x:%x::/64\n", i>>8, i&255, r&0xffff)
		}
	}
	return b.String()
}

// An entry of a large list takes no more than 100 bytes of the heap, also where the
// table has just doubled.
func TestMemory(t *testing.T) {
	const many = 1<<18/4*3 + 1
	numbers := strings.ReplaceAll(file(many, false), "\n", ".5\n")
	for i, tt := range []struct {
		spec Spec
		csv  string
	}{
		{Spec{Type: String}, file(many, false)},
		{Spec{String, Number}, file(many, true)},
		{Spec{Type: Number}, strings.ReplaceAll("\n"+numbers, "\n0", "\n1")},
		{Spec{Type: CIDR}, prefixes(many, 4)},
		{Spec{Type: CIDR}, prefixes(many, 6)},
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		l := load(t, tt.spec, tt.csv)
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(tt.csv)
		each := float64(int64(after.HeapAlloc)-int64(before.HeapAlloc)) / float64(l.Len())
		t.Logf("%d entries of type %s, %.1f bytes each; Size says %.1f", l.Len(), tt.spec.Type, each, float64(l.Size())/float64(l.Len()))
		if each > 100 || l.Len() < many*9/10 {
			t.Errorf("list %d: %d entries of %.1f bytes", i, l.Len(), each)
		}
	}
}

func BenchmarkLoadMillion(b *testing.B) {
	csv := file(million, false)
	for b.Loop() {
		load(b, Spec{Type: String}, csv)
	}
}

func BenchmarkLoadMillionFull(b *testing.B) {
	csv := file(million, true)
	for b.Loop() {
		load(b, Spec{String, Number}, csv)
	}
}

func BenchmarkFind(b *testing.B) {
	l := load(b, Spec{String, Number}, file(million, true))
	const asked = 1 << 16
	var hits, misses [asked]string
	for i := range asked {
		hits[i], misses[i] = card(i*(million/asked)), card(million+i)
	}
	for name, texts := range map[string]*[asked]string{"hit": &hits, "miss": &misses} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				l.Find(texts[i%asked], 0)
			}
		})
	}
}

func BenchmarkFindPrefix(b *testing.B) {
	l := made(b, Spec{Type: CIDR})
	for i := 0; l.Len() < 100_000; i++ {
		r := mix(uint64(i), 2)
		length := []int{8, 12, 16, 18, 19, 20, 21, 22, 23, 24, 24, 24, 24, 24, 25, 26, 27, 28, 29, 30, 32, 32}[r>>40%22]
		a := uint32(r) &^ (1<<(32-length) - 1)
		if length < 16 && i > 100 {
			continue // few are wide
		}
		if err := l.Put(Entry{Text: fmt.Sprintf("%d.%d.%d.%d/%d", a>>24, a>>16&255, a>>8&255, a&255, length), Expires: Never}); err != nil {
			b.Fatal(err)
		}
	}
	const asked = 1 << 12
	var ips [asked]string
	for i := range ips {
		r := mix(uint64(i), 3)
		ips[i] = fmt.Sprintf("%d.%d.%d.%d", r>>24&255, r>>16&255, r>>8&255, r&255)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l.Find(ips[i%asked], 0)
	}
}

func BenchmarkAppendMillion(b *testing.B) {
	l := load(b, Spec{Type: String}, file(million, false))
	var buf []byte
	for b.Loop() {
		buf = l.Append(buf[:0])
	}
}

func BenchmarkDecodeMillion(b *testing.B) {
	buf := load(b, Spec{Type: String}, file(million, false)).Append(nil)
	for b.Loop() {
		if _, _, err := Decode(buf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSearchMillion(b *testing.B) {
	l := load(b, Spec{Type: String}, file(million, false))
	for b.Loop() {
		if _, err := l.Search("12", "", 0, 100); err != nil {
			b.Fatal(err)
		}
	}
}

// Entries that come and expire, a million of them at a time.
func BenchmarkChurn(b *testing.B) {
	l := made(b, Spec{Type: String})
	now := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		now++
		if err := l.Put(Entry{Text: card(int(now)), Expires: now + million}); err != nil {
			b.Fatal(err)
		}
		l.Advance(now)
	}
}
