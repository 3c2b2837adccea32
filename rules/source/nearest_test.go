package source

import "testing"

func TestNearest(t *testing.T) {
	names := []string{"within", "where", "on", "throttle", "title", "x"}
	tests := []struct{ name, want string }{
		{"witin", "within"},
		{"wihtin", "within"},
		{"wher", "where"},
		{"no", "on"},
		{"throtle", "throttle"},
		{"titel", "title"},
		{"o", "on"},
		{"zzzz", ""},
		{"a", ""},
		{"foo", ""},
		{"", ""},
		{"pattern_of_events", ""},
	}
	for _, tt := range tests {
		if got := Nearest(tt.name, names); got != tt.want {
			t.Errorf("%q is nearest to %q, want %q", tt.name, got, tt.want)
		}
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
	}
	for _, tt := range tests {
		if got := distance(tt.a, tt.b, 10); got != tt.want {
			t.Errorf("%q to %q: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
