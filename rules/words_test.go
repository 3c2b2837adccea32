package rules

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestWords(t *testing.T) {
	tests := []struct {
		before, after string
		want          []string
	}{
		{"id: a\nparams: {probe_max: 2}\nwithin: 30m", "id: a # now\nwithin: 1h\nparams: {probe_max: 3}", []string{"window 30 m → 1 h", "`probe_max` 2 → 3"}},
		{"id: a\nhaving: x > 1", "id: a\nscore: 70", []string{"`score` added: 70", "`having` removed"}},
		{"id: a\ntags: [a, b]", "id: a\ntags: [b, c]", []string{"`tags` +`c` −`a`"}},
		{"id: a\ntags: [a, b]", "id: a\ntags: [b, a]", []string{"`tags` changed"}},
		{"id: a\non: pay", "id: a\non: [pay, login]", []string{"event types changed"}},
		{"define: {p: n > 1, q: m}", "define:\n  p: n > 2\n  q: m\n  r: {where: k}", []string{"`define.p` `n > 1` → `n > 2`", "`define.r` added"}},
		{"message: " + strings.Repeat("a", 70), "message: b", []string{"`message` changed"}},
		{"id: a", "{id: 'a'} # as it was", nil},
		{"0.5", "0.75", []string{"the value 0.5 → 0.75"}},
	}
	for _, tt := range tests {
		if got := Words(tt.before, tt.after); !slices.Equal(got, tt.want) {
			t.Errorf("%q → %q: %q\nwant %q", tt.before, tt.after, got, tt.want)
		}
	}
}

func TestDiff(t *testing.T) {
	tests := []struct{ before, after, want string }{
		{"a\n", "a\n", ""},
		{"", "a\nb", "@@ -0,0 +1,2 @@\n+a\n+b\n"},
		{"a\nb", "", "@@ -1,2 +0,0 @@\n-a\n-b\n"},
		{"a\nb\nc", "a\nx\nc", "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n"},
		{"1\n2\n3\n4\n5\n6\n7\n8\n9", "1\n2\n3\n4\n5\n6\n7\n8\n", "@@ -6,4 +6,3 @@\n 6\n 7\n 8\n-9\n"},
		{"x\n2\n3\n4\n5\n6\n7\n8\n9\ny", "X\n2\n3\n4\n5\n6\n7\n8\n9\nY", "@@ -1,4 +1,4 @@\n-x\n+X\n 2\n 3\n 4\n@@ -7,4 +7,4 @@\n 7\n 8\n 9\n-y\n+Y\n"},
	}
	for _, tt := range tests {
		if got := Diff(tt.before, tt.after); got != tt.want {
			t.Errorf("%q → %q:\n%s\nwant\n%s", tt.before, tt.after, got, tt.want)
		}
	}
	many := strings.Repeat("a\n", 5000)
	if got := Diff("x\n"+many+"y\n", many+"z\n"); got != "@@ -1,4 +1,3 @@\n-x\n a\n a\n a\n@@ -4999,4 +4998,4 @@\n a\n a\n a\n-y\n+z\n" {
		t.Errorf("of too many lines: %q", got)
	}
}

// TestDiffPatches patches texts with how they differ: patch(1) is the judge.
func TestDiffPatches(t *testing.T) {
	patch, err := exec.LookPath("patch")
	if err != nil {
		t.Log("patch is not installed: TestDiff has to do")
		return
	}
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.SampledFrom([]string{"a", "b", "c", "d", "", "e f"})
		text := func(name string) string {
			return strings.Join(append(rapid.SliceOfN(line, 0, 30).Draw(t, name), "end"), "\n") + "\n"
		}
		before, after := text("before"), text("after")
		file := filepath.Join(dir, "f")
		if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		diff := Diff(before, after)
		c := exec.Command(patch, "-s", "-F0", file)
		c.Stdin = strings.NewReader("--- f\n+++ f\n" + diff)
		if diff != "" {
			if said, err := c.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s\n%s", err, said, diff)
			}
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != after {
			t.Fatalf("%v: %q → %q by\n%s", err, before, got, diff)
		}
	})
}
