package rules

import (
	"fmt"
	"slices"
	"strings"
)

const (
	// diffContext is how many lines that are the same stand around those that are not.
	diffContext = 3

	// mostCompared bounds the lines of one text times those of the other that Diff compares well; of
	// more it may say that lines differ which the other text has elsewhere.
	mostCompared = 16 << 20
)

// Diff gives how two texts differ, line by line, in the unified format of diff -u without its first
// two lines. It is empty where they are the same.
func Diff(before, after string) string {
	if before == after {
		return ""
	}
	a, b := linesOf(before), linesOf(after)
	steps := diffSteps(a, b)
	var out strings.Builder
	for from := 0; from < len(steps); {
		for from < len(steps) && steps[from].mark == ' ' {
			from++
		}
		if from == len(steps) {
			break
		}
		to, same := from, 0 // until more lines are the same than two contexts have
		for ; to < len(steps) && same <= 2*diffContext; to++ {
			if same++; steps[to].mark != ' ' {
				same = 0
			}
		}
		end := min(to-same+diffContext, len(steps))
		writeHunk(&out, steps, max(0, from-diffContext), end)
		from = end
	}
	return out.String()
}

// diffStep is a line of one text or of both.
type diffStep struct {
	mark byte // ' ', '-' or '+'
	line string
	a, b int // lines before it in either text
}

func linesOf(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// diffSteps goes from a to b by a longest common subsequence.
func diffSteps(a, b []string) []diffStep {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var steps []diffStep
	i, j := 0, 0
	step := func(mark byte) {
		s := diffStep{mark: mark, a: i, b: j}
		if mark != '+' {
			s.line = a[i]
			i++
		}
		if mark != '-' {
			s.line = b[j]
			j++
		}
		steps = append(steps, s)
	}
	for range head {
		step(' ')
	}
	x, y := a[head:len(a)-tail], b[head:len(b)-tail]
	common := commonLines(x, y)
	for i-head < len(x) || j-head < len(y) {
		p, q := i-head, j-head
		switch {
		case p < len(x) && q < len(y) && x[p] == y[q]:
			step(' ')
		case p < len(x) && (q == len(y) || common == nil || common[p+1][q] >= common[p][q+1]):
			step('-')
		default:
			step('+')
		}
	}
	for range tail {
		step(' ')
	}
	return steps
}

// commonLines counts the lines that the rests of two texts have in common, in order, by where they
// begin; nil: there are too many of them.
func commonLines(x, y []string) [][]int32 {
	if (len(x)+1)*(len(y)+1) > mostCompared {
		return nil
	}
	cells := make([]int32, (len(x)+1)*(len(y)+1))
	rows := slices.Collect(slices.Chunk(cells, len(y)+1))
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				rows[i][j] = rows[i+1][j+1] + 1
			} else {
				rows[i][j] = max(rows[i+1][j], rows[i][j+1])
			}
		}
	}
	return rows
}

func writeHunk(out *strings.Builder, steps []diffStep, from, to int) {
	var n, m int
	for _, s := range steps[from:to] {
		if s.mark != '+' {
			n++
		}
		if s.mark != '-' {
			m++
		}
	}
	fmt.Fprintf(out, "@@ -%s +%s @@\n", hunkRange(steps[from].a, n), hunkRange(steps[from].b, m))
	for _, s := range steps[from:to] {
		fmt.Fprintf(out, "%c%s\n", s.mark, s.line)
	}
}

func hunkRange(before, n int) string {
	switch n {
	case 0:
		return fmt.Sprintf("%d,0", before)
	case 1:
		return fmt.Sprint(before + 1)
	}
	return fmt.Sprintf("%d,%d", before+1, n)
}
