package trace

import (
	"slices"
	"testing"
)

func TestBrief(t *testing.T) {
	for text, want := range map[string]string{
		"126.27000000000001":   "126.27",
		"278.6066666666667":    "278.606667",
		"-2.9400000000000004":  "-2.94",
		"0.30000000000000004":  "0.3",
		"0.0000123456789":      "0.0000123457",
		"1.23456789e-9":        "1.23457e-9",
		"12.345678":            "12.345678",
		"1234567890123":        "1234567890123",
		`"126.27000000000001"`: `"126.27000000000001"`,
		"1.2.300000000":        "1.2.300000000",
		"nil":                  "nil",
	} {
		if got := brief(text); got != want {
			t.Errorf("brief(%s) = %s, want %s", text, got, want)
		}
	}
}

func TestValuesOfPart(t *testing.T) {
	for _, c := range []struct {
		name string
		part Part
		want []string
	}{
		{"rounded", Part{Text: "a > 2 * b", Values: []Value{{"a", "126.27000000000001"}, {"2 * b", "278.6066666666667"}}}, []string{"126.27", "278.606667"}},
		{"two look alike", Part{Text: "a > b", Values: []Value{{"a", "0.30000000000000004"}, {"b", "0.3"}}}, []string{"0.30000000000000004", "0.3"}},
		{"two are alike", Part{Text: "a > b", Values: []Value{{"a", "0.30000000000000004"}, {"b", "0.30000000000000004"}}}, []string{"0.3", "0.3"}},
		{"looks like the threshold", Part{Text: "a > 0.3", Values: []Value{{"a", "0.30000000000000004"}}}, []string{"0.30000000000000004"}},
	} {
		if got := c.part.values(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
