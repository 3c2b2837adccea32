package trace

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"weir/cep"
)

// digits is how many decimals of a number people are shown, and of one below 1 how
// many significant digits.
const digits = 6

// brief rounds a text that is a number with many decimals. Any other text stays as
// it is.
func brief(text string) string {
	if _, decimals, ok := strings.Cut(text, "."); !ok || len(decimals) <= digits {
		return text
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	format := byte('f')
	if math.Abs(x) < 1 {
		format = 'g'
	}
	if x, err = strconv.ParseFloat(strconv.FormatFloat(x, format, digits, 64), 64); err != nil {
		return text
	}
	v := cep.NumberValue(x)
	return string(v.AppendJSON(nil))
}

// values gives the values of a part for people. They are whole where rounding would
// hide what decided: two that differ would look alike, or one like a number of the
// condition.
func (p *Part) values() []string {
	whole := make([]string, len(p.Values))
	short := make([]string, len(p.Values))
	hides := false
	for i, v := range p.Values {
		whole[i], short[i] = v.Value, brief(v.Value)
		if short[i] != v.Value && strings.Contains(p.Text, short[i]) {
			hides = true
		}
		if k := slices.Index(short[:i], short[i]); k >= 0 && whole[k] != v.Value {
			hides = true
		}
	}
	if hides {
		return whole
	}
	return short
}
