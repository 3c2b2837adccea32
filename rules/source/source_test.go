package source

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// TestPositions goes from places to bytes and back, in any order.
func TestPositions(t *testing.T) {
	src := New("x", "\ufeffab\ncé→d\r\n\r\n\n😀\rx")
	random := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		at := random.IntN(len(src.Text) + 1)
		if at < len(src.Text) && !utf8.RuneStart(src.Text[at]) || at > 0 && src.Text[at-1] == '\r' && breakAt(src.Text, at-1) == 2 {
			continue
		}
		line, column := src.Position(at)
		before := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(src.Text[:at])
		wantLine := strings.Count(before, "\n") + 1
		wantColumn := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
		if line != wantLine || column != wantColumn {
			t.Fatalf("byte %d is at %d:%d, want %d:%d", at, line, column, wantLine, wantColumn)
		}
		if got := src.Offset(line, column); got != at {
			t.Fatalf("%d:%d is byte %d, want %d", line, column, got, at)
		}
	}
	for _, tt := range [][3]int{{0, 0, 0}, {1, 99, 2}, {99, 99, len(src.Text)}, {2, -1, 3}} {
		if got := src.Offset(tt[0], tt[1]); got != tt[2] {
			t.Errorf("%d:%d is byte %d, want %d", tt[0], tt[1], got, tt[2])
		}
	}
}

// TestLongLine: a ruleset in one line takes time in proportion to its length.
func TestLongLine(t *testing.T) {
	line := "{params: {" + strings.Repeat("x: 1, ", 5_000) + "y: 2}}"
	begin := time.Now()
	var f Findings
	f.Parse("r.yaml", line)
	findings, _ := f.Err().(Errors)
	if len(findings) != maxFound+1 || findings[0].Code != CodeDuplicate || findings[0].Column != 17 {
		t.Errorf("%d findings, want %d", len(findings), maxFound+1)
	}
	if last := findings[len(findings)-1].String(); last != "r.yaml: there are 3999 more findings of severity error; mend the others first" {
		t.Errorf("the last finding is %q", last)
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}
