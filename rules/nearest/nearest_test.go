package nearest

import (
	"strings"
	"testing"
)

func TestName(t *testing.T) {
	names := []string{"within", "where", "on", "throttle", "title", "x", "len", "mean", "count", "größe", "größer", strings.Repeat("a", 100), strings.Repeat("a", 101)}
	tests := []struct{ name, want string }{
		{"witin", "within"},
		{"wihtin", "within"},
		{"wher", "where"},
		{"no", "on"},
		{"throtle", "throttle"},
		{"titel", "title"},
		{"o", "on"},
		{"maen", "mean"},
		{"mena", "mean"},
		{"cuont", "count"},
		{"lne", "len"},
		{"WITHIN", "within"},
		{"X", ""},
		{"größe", "größer"},
		{"grösse", "größe"},
		{"grüße", "größe"},
		{"öü", ""},
		{strings.Repeat("a", 99), strings.Repeat("a", 100)},
		{strings.Repeat("a", 102), ""},
		{"zzzz", ""},
		{"a", ""},
		{"foo", ""},
		{"", ""},
		{"pattern_of_events", ""},
	}
	for _, tt := range tests {
		if got := Name(tt.name, names); got != tt.want {
			t.Errorf("%q is nearest to %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	names := []string{"count", "mean"}
	if got, want := DidYouMean("maen", names, "other"), "did you mean `mean`?"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := DidYouMean("zzzz", names, "other"); got != "other" {
		t.Errorf("%s, want other", got)
	}
}

func TestDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"abc", "", 3},
		{"abc", "abc", 0},
		{"abc", "abd", 1},
		{"abc", "acb", 1},
		{"abc", "ab", 1},
		{"kitten", "sitting", 3},
		{"abcd", "badc", 2},
		{"é", "e", 1},
	}
	for _, tt := range tests {
		if got := distance([]rune(tt.a), []rune(tt.b), 10); got != tt.want {
			t.Errorf("%q to %q: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
