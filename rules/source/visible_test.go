package source

import "testing"

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"Zürich 東京":          "Zürich 東京",
		"a\x1b[31mb":         `a\x1b[31mb`,
		"one\ntwo\t":         `one\ntwo\t`,
		"safe\u202etxt.exe":  `safe\u202etxt.exe`,
		"\ufeffx\u2028y":     `\ufeffx\u2028y`,
		"a\u2066b\u2069\x7f": `a\u2066b\u2069\x7f`,
	} {
		if got := Visible(text); got != want {
			t.Errorf("%q is shown as %s, want %s", text, got, want)
		}
	}
}
