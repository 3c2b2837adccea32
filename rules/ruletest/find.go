package ruletest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"weir/rules/source"
)

// found is where the rules and the tests are that paths stand for.
type found struct {
	rules []string // as source.Read takes them
	tests []string // files, in order
}

// find looks for tests beside rules: in a folder every *_test.yaml and *_test.yml
// (hidden files and folders are passed over), for a file NAME.yaml NAME_test.yaml and
// NAME_test.yml beside it. A path that is a test file itself stands for its tests.
func find(paths []string) (*found, []source.Diagnostic) {
	var f found
	var bad []source.Diagnostic
	seen := map[string]bool{}
	add := func(path string) {
		path = filepath.Clean(path)
		if !seen[path] {
			seen[path] = true
			f.tests = append(f.tests, path)
		}
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			bad = append(bad, unreadable(path, err))
		case info.IsDir():
			f.rules = append(f.rules, path)
			tests, err := inFolder(path)
			if err != nil {
				bad = append(bad, unreadable(path, err))
			}
			for _, t := range tests {
				add(t)
			}
		case isTestFile(path):
			add(path)
		default:
			f.rules = append(f.rules, path)
			stem := strings.TrimSuffix(path, filepath.Ext(path))
			for _, t := range []string{stem + "_test.yaml", stem + "_test.yml"} {
				if info, err := os.Stat(t); err == nil && !info.IsDir() {
					add(t)
				}
			}
		}
	}
	return &f, bad
}

// inFolder lists the test files in a folder and below.
func inFolder(root string) ([]string, error) {
	var tests []string
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(e.Name(), ".") && path != root:
			if e.IsDir() {
				return filepath.SkipDir
			}
		case !e.IsDir() && isTestFile(e.Name()):
			tests = append(tests, path)
		}
		return nil
	})
	slices.Sort(tests)
	return tests, err
}

func isTestFile(name string) bool {
	return strings.HasSuffix(name, "_test.yaml") || strings.HasSuffix(name, "_test.yml")
}

// unreadable says that a file cannot be read.
func unreadable(path string, err error) source.Diagnostic {
	var e *fs.PathError
	if errors.As(err, &e) {
		err = e.Err
	}
	return source.Diagnostic{Severity: source.Error, File: filepath.ToSlash(path), Code: source.CodeFile, Msg: "cannot be read: " + err.Error(), Hint: "name a file or folder of rules"}
}
