package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"weir/cep"
)

// numbered is a line as the engine gets it.
type numbered struct {
	source, line int
	text         string
}

func (n numbered) String() string { return fmt.Sprintf("%d:%d:%s", n.source, n.line, n.text) }

// readAll collects what a reader gives, blocks recycled as in a run.
func readAll(r blockReader) (lines []numbered, bad []cep.Rejected, err error) {
	b := &block{}
	for {
		b.reset()
		if err := r.next(b); err != nil {
			if err == io.EOF {
				err = nil
			}
			return lines, bad, err
		}
		if b.empty() {
			return lines, bad, errors.New("an empty block")
		}
		bad = append(bad, b.bad.first...)
		for _, rec := range b.records(nil) {
			if !bytes.HasSuffix(rec.Data, newline) {
				return lines, bad, fmt.Errorf("record without a line end: %q", rec.Data)
			}
			for i, text := range strings.Split(strings.TrimSuffix(string(rec.Data), "\n"), "\n") {
				lines = append(lines, numbered{rec.Source, rec.Line + i, text})
			}
		}
	}
}

func TestLineReader(t *testing.T) {
	long := strings.Repeat("x", maxLine+1)
	longer := strings.Repeat("x", maxLine+3*blockSize)
	tests := []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", nil},
		{"one line", "a\n", []string{"a"}},
		{"no end", "a\nb", []string{"a", "b"}},
		{"empty lines", "\n\na\n\n", []string{"", "", "a", ""}},
		{"carriage returns", "a\r\nb\r\n", []string{"a\r", "b\r"}},
		{"byte order mark", "\xef\xbb\xbfa\nb\n", []string{"a", "b"}},
		{"only a byte order mark", "\xef\xbb\xbf", []string{""}},
		{"a mark further on is no mark", "a\n\xef\xbb\xbfb\n", []string{"a", "\xef\xbb\xbfb"}},
		{"too long", "a\n" + longer + "\nb\n", []string{"a", long, "b"}},
		{"too long at the end", "a\n" + longer, []string{"a", long}},
		{"too long twice", longer + "\n" + longer + "\nb", []string{long, long, "b"}},
		{"as long as can be", long[1:] + "\nb\n", []string{long[1:], "b"}},
	}
	readers := map[string]func(io.Reader) io.Reader{
		"whole":     func(r io.Reader) io.Reader { return r },
		"half":      iotest.HalfReader,
		"data, EOF": iotest.DataErrReader,
	}
	for _, tt := range tests {
		for name, wrap := range readers {
			for _, live := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/%v", tt.name, name, live), func(t *testing.T) {
					lines, _, err := readAll(&lineReader{r: wrap(strings.NewReader(tt.text)), source: 3, live: live})
					if err != nil {
						t.Fatal(err)
					}
					var want []numbered
					for i, text := range tt.want {
						want = append(want, numbered{3, i + 1, text})
					}
					if !slices.Equal(lines, want) {
						t.Errorf("got %.200q, want %.200q", lines, want)
					}
				})
			}
		}
	}
}

// TestLineReaderSplits checks that cutting into blocks loses and moves nothing.
func TestLineReaderSplits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var text bytes.Buffer
		for range rapid.IntRange(0, 40).Draw(t, "lines") {
			text.Write(bytes.Repeat([]byte{'a'}, rapid.SampledFrom([]int{0, 1, 7, 1000, blockSize - 1, blockSize, blockSize + 1}).Draw(t, "length")))
			text.WriteByte('\n')
		}
		var want []string
		if text.Len() > 0 {
			want = strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
		}
		lines, _, err := readAll(&lineReader{r: iotest.HalfReader(&text), live: rapid.Bool().Draw(t, "live")})
		if err != nil {
			t.Fatal(err)
		}
		if len(lines) != len(want) {
			t.Fatalf("%d lines, want %d", len(lines), len(want))
		}
		for i, l := range lines {
			if l.line != i+1 || l.text != want[i] {
				t.Fatalf("line %d: number %d, %d bytes, want %d bytes", i+1, l.line, len(l.text), len(want[i]))
			}
		}
	})
}

// TestLineReaderFails checks that whole lines before a failure are handed on.
func TestLineReaderFails(t *testing.T) {
	broken := errors.New("broken")
	r := &lineReader{r: io.MultiReader(strings.NewReader("a\nb\nc"), iotest.ErrReader(broken))}
	lines, _, err := readAll(r)
	if err != broken || len(lines) != 2 {
		t.Errorf("got %v, %v; want 2 lines and %v", lines, err, broken)
	}
}

// TestLiveLines checks that a line from a pipe does not wait for more to fill a
// block.
func TestLiveLines(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	go w.Write([]byte("a\nb"))
	b := &block{}
	if err := (&lineReader{r: r, live: true}).next(b); err != nil {
		t.Fatal(err)
	}
	if string(b.data) != "a\n" {
		t.Errorf("got %q", b.data)
	}
}
