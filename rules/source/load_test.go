package source

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRead(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{
		"b.yaml": "# b", "a.yml": "# a", "sub/c.yaml": "# c", "sub/c_test.yaml": "x", "d_test.yml": "x",
		".hidden.yaml": "x", ".git/e.yaml": "x", "f.json": "x", "yaml": "x",
	})
	files, err := Read([]string{filepath.Join(root, "sub", "c.yaml"), root, filepath.Join(root, ".hidden.yaml")})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		name, err := filepath.Rel(root, f.Path)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, filepath.ToSlash(name)+" "+f.Text)
	}
	if got, want := strings.Join(got, ", "), "sub/c.yaml # c, a.yml # a, b.yaml # b, .hidden.yaml x"; got != want {
		t.Errorf("read %s, want %s", got, want)
	}
}

func TestReadFaults(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{"empty/x.txt": "x"})
	_, err := Read([]string{filepath.Join(root, "none.yaml"), filepath.Join(root, "empty")})
	var findings Errors
	if !errors.As(err, &findings) || len(findings) != 2 {
		t.Fatalf("error %v, want two findings", err)
	}
	for i, want := range []string{"empty: the folder has no rules; ", "none.yaml: cannot be read: "} {
		if got := findings[i].String(); !strings.Contains(got, want) || findings[i].Code != CodeFile || findings[i].Line != 0 {
			t.Errorf("finding %q, want %q in it", got, want)
		}
	}
}
