package source

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// File is a file of a ruleset.
type File struct {
	Path string // as it stands in diagnostics
	Text string
}

// Read reads the files of a ruleset. Of a folder these are all *.yaml and *.yml
// in it and below, in order of their paths, except *_test.yaml and *_test.yml;
// hidden files and folders are passed over. A file that stands twice is read
// once. The error is of type Errors.
func Read(paths []string) ([]File, error) {
	var f Findings
	var files []File
	seen := map[string]bool{}
	read := func(path string) {
		path = filepath.Clean(path)
		if seen[path] {
			return
		}
		seen[path] = true
		text, err := os.ReadFile(path)
		if err != nil {
			f.file(path, err)
			return
		}
		files = append(files, File{Path: filepath.ToSlash(path), Text: string(text)})
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			f.file(path, err)
		case !info.IsDir():
			read(path)
		default:
			found := f.folder(path)
			for _, p := range found {
				read(p)
			}
		}
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	return files, nil
}

// folder lists the files of a ruleset in a folder.
func (f *Findings) folder(root string) []string {
	var paths []string
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			f.file(path, err)
		case strings.HasPrefix(e.Name(), ".") && path != root:
			if e.IsDir() {
				return filepath.SkipDir
			}
		case !e.IsDir() && isRuleFile(e.Name()):
			paths = append(paths, path)
		}
		return nil
	})
	switch {
	case err != nil:
		f.file(root, err)
	case len(paths) == 0:
		f.whole(root, "the folder has no rules", "rules are files called *.yaml or *.yml")
	}
	slices.Sort(paths)
	return paths
}

func isRuleFile(name string) bool {
	ext := filepath.Ext(name)
	return (ext == ".yaml" || ext == ".yml") && !strings.HasSuffix(strings.TrimSuffix(name, ext), "_test")
}

// file reports that a file cannot be read.
func (f *Findings) file(path string, err error) {
	var e *fs.PathError
	if errors.As(err, &e) {
		err = e.Err
	}
	f.whole(path, "cannot be read: "+err.Error(), "name a file or folder of rules")
}

// whole reports what is wrong with a file as a whole.
func (f *Findings) whole(file, msg, hint string) {
	if f.room(Error, file) {
		f.found = append(f.found, Diagnostic{Severity: Error, File: file, Code: CodeFile, Msg: msg, Hint: hint})
	}
}
