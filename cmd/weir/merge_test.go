package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// number reads the time of a line that is a number.
func number(line []byte) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(string(line)), 10, 64)
	return n, err == nil
}

func mergeAll(texts ...string) ([]numbered, error) {
	var readers []blockReader
	for i, text := range texts {
		readers = append(readers, &lineReader{r: strings.NewReader(text), source: i})
	}
	lines, _, err := readAll(newMerger(readers, number))
	return lines, err
}

func TestMerge(t *testing.T) {
	tests := []struct {
		name  string
		texts []string
		want  []string
	}{
		{"nothing", []string{"", ""}, nil},
		{"one after the other", []string{"1\n2\n", "3\n4\n"}, []string{"0:1:1", "0:2:2", "1:1:3", "1:2:4"}},
		{"in turn", []string{"1\n4\n5", "2\n3\n6"}, []string{"0:1:1", "1:1:2", "1:2:3", "0:2:4", "0:3:5", "1:3:6"}},
		{"equal times by file", []string{"2\n2\n", "2\n", "1\n2\n"}, []string{"2:1:1", "0:1:2", "0:2:2", "1:1:2", "2:2:2"}},
		{"what has no time at once", []string{"5\nx\n\n7\n", "y\n6\n"}, []string{"1:1:y", "0:1:5", "0:2:x", "0:3:", "1:2:6", "0:4:7"}},
		{"a file is not sorted in itself", []string{"5\n1\n", "3\n"}, []string{"1:1:3", "0:1:5", "0:2:1"}},
	}
	for _, tt := range tests {
		lines, err := mergeAll(tt.texts...)
		var got []string
		for _, l := range lines {
			got = append(got, l.String())
		}
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
}

// TestMergeSorted checks that sorted inputs, blocks long, give one sorted whole
// in which each input keeps its order and its line numbers.
func TestMergeSorted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var texts []string
		total := 0
		for range rapid.IntRange(1, 5).Draw(t, "files") {
			var text strings.Builder
			at := 0
			for range rapid.SampledFrom([]int{0, 1, 10, 20000}).Draw(t, "lines") {
				at += total % 3
				fmt.Fprintf(&text, "%d\n", at)
				total++
			}
			texts = append(texts, text.String())
		}
		lines, err := mergeAll(texts...)
		if err != nil || len(lines) != total {
			t.Fatalf("%d lines, want %d; %v", len(lines), total, err)
		}
		last := map[int]int{}
		before := int64(-1)
		for _, l := range lines {
			at, _ := number([]byte(l.text))
			if at < before || l.line != last[l.source]+1 {
				t.Fatalf("%v after %d, line %d", l, before, last[l.source])
			}
			before, last[l.source] = at, l.line
		}
	})
}

// TestMergeFails checks that what was read before a failure is handed on.
func TestMergeFails(t *testing.T) {
	broken := errors.New("broken")
	m := newMerger([]blockReader{
		&lineReader{r: strings.NewReader("1\n9\n")},
		&lineReader{r: io.MultiReader(strings.NewReader("2\n3\n"), iotest.ErrReader(broken)), source: 1},
	}, number)
	lines, _, err := readAll(m)
	if err != broken || len(lines) != 3 {
		t.Errorf("got %v, %v; want 3 lines and %v", lines, err, broken)
	}
}
