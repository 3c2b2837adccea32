package trace

import (
	"math"
	"strconv"
	"strings"
)

// otherKind is more than the parts of any condition: the event is of another type or
// key, or it was not found out why it does not fit.
const otherKind = 1 << 20

// failed counts what would have to be otherwise for an event to fit.
func failed(s *Statement) int {
	if s.Types != nil || s.Key != nil || s.reads && s.Parts == nil {
		return otherKind
	}
	return len(s.Parts)
}

// unmeasured is the gap of a part that compares no numbers.
const unmeasured = 0.5

// gap says how far the parts that failed were from holding, from 0 to 1 each: of numbers
// that are compared how far they are apart, of all else the same.
func gap(s *Statement) float64 {
	sum := 0.0
	for i := range s.Parts {
		sum += s.Parts[i].gap()
	}
	return sum
}

func (p *Part) gap() float64 {
	left, right, ok := compared(p.Text)
	if !ok {
		return unmeasured
	}
	a, known := p.number(left)
	b, both := p.number(right)
	largest := max(math.Abs(a), math.Abs(b))
	if !known || !both || largest == 0 {
		return unmeasured
	}
	return min(math.Abs(a-b)/largest, 1)
}

// number gives a side of a comparison, if it is a number.
func (p *Part) number(text string) (float64, bool) {
	for _, v := range p.Values {
		if v.Text == text {
			text = v.Value
			break
		}
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
}

// compared gives the sides of a text that compares by `<`, `>`, `<=` or `>=` outside of
// brackets and quotes.
func compared(text string) (left, right string, ok bool) {
	depth, quote := 0, byte(0)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
		case depth == 0 && (c == '<' || c == '>'):
			return strings.TrimSpace(text[:i]), strings.TrimSpace(strings.TrimPrefix(text[i+1:], "=")), true
		}
	}
	return "", "", false
}
