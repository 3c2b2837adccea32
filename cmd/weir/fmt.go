package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"weir/rules/format"
	"weir/rules/source"
)

// fmtCommand is `weir fmt`.
type fmtCommand struct {
	Files []string `arg:"" optional:"" name:"files" help:"Rule files and test files, or folders of them. Without any, or with -, stdin is formatted to stdout."`
	Check bool     `help:"Write nothing; list the files that are not in the canonical form, and exit with code 1 if there is one."`
	Diff  bool     `help:"Write nothing; show what would change."`
}

// Help is what `weir fmt --help` says beside the flags.
func (fmtCommand) Help() string {
	return `Examples:

  weir fmt rules/
  weir fmt --diff rules/
  weir fmt --check rules/ && git push
  weir fmt < draft.yaml > rules.yaml

Writes rules and tests in their canonical form and prints the names of the files
that it changed. What a file means never changes, and no comment is lost:

  indentation  two spaces, lists below their key too; a: {b: 1, c: [2, 3]}
  lines        stay as long as they are; at most one empty line in a row
  quotes       where they are needed
  comments     where they were; at the end of a line two spaces behind the text,
               aligned in consecutive lines
  kept         the order of keys, expressions, patterns, the text of | and >

What YAML would misread, as in trusted: !blocked, is quoted first. A file with other
errors in its YAML is left alone; they are written to stderr.
Exit codes: 0 done; 1 errors in a file, or --check lists one; 2 wrong use; 3 a file
cannot be read or written.`
}

// Validate refuses what no run could do.
func (c *fmtCommand) Validate() error {
	if len(c.Files) > 1 && slices.Contains(c.Files, stdinName) {
		return errors.New("stdin (-) is formatted to stdout and goes with no file")
	}
	return validRules(c.Files)
}

// Run formats the files.
func (c *fmtCommand) Run(std *streams) error {
	f := &formatting{command: c, std: std}
	if len(c.Files) == 0 || c.Files[0] == stdinName {
		f.stdin()
	} else {
		f.paths(c.Files)
	}
	if f.written != nil {
		return f.written
	}
	if f.code != exitDone {
		return &exitError{code: f.code}
	}
	return nil
}

// formatting is a run over files. It goes on after a file that it cannot format.
type formatting struct {
	command *fmtCommand
	std     *streams
	code    int
	written error // of the output
}

func (f *formatting) stdin() {
	text, err := io.ReadAll(f.std.in)
	if err != nil {
		f.failed(fmt.Errorf("stdin: %w", err))
		return
	}
	const name = "stdin"
	formatted, ok := f.format(name, string(text))
	switch {
	case !ok:
	case f.command.Check || f.command.Diff:
		f.show(name, string(text), formatted)
	default:
		f.print(formatted)
	}
}

// paths formats files and the files of folders, each once.
func (f *formatting) paths(paths []string) {
	seen := map[string]bool{}
	for _, path := range paths {
		files, err := formatFiles(path)
		if err != nil {
			f.failed(err)
		}
		for _, name := range files {
			if name = filepath.Clean(name); !seen[name] {
				seen[name] = true
				f.file(name)
			}
		}
	}
}

// formatFiles lists what a path stands for: a file for itself, a folder for all
// *.yaml and *.yml in it and below that are not hidden.
func formatFiles(path string) (files []string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	err = filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		ext := filepath.Ext(name)
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(e.Name(), ".") && name != path:
			if e.IsDir() {
				return filepath.SkipDir
			}
		case !e.IsDir() && (ext == ".yaml" || ext == ".yml"):
			files = append(files, name)
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: the folder has no rules; rules are files called *.yaml or *.yml", path)
	}
	return files, err
}

func (f *formatting) file(name string) {
	text, err := os.ReadFile(name)
	if err != nil {
		f.failed(err)
		return
	}
	formatted, ok := f.format(filepath.ToSlash(name), string(text))
	switch {
	case !ok || formatted == string(text):
	case f.command.Check || f.command.Diff:
		f.show(name, string(text), formatted)
	default:
		if err := replaceFile(name, formatted); err != nil {
			f.failed(err)
			return
		}
		f.print(name + "\n")
	}
}

// format formats a text. What is wrong with it has been written if it is not ok.
func (f *formatting) format(name, text string) (formatted string, ok bool) {
	formatted, err := format.Format(name, text)
	if err == nil {
		return formatted, true
	}
	f.code = max(f.code, exitFindings)
	var found source.Errors
	if !errors.As(err, &found) {
		f.failed(err)
	} else if err := writeFindings(f.std.err, []source.File{{Path: name, Text: text}}, found); err != nil {
		f.written = err
	}
	return "", false
}

// show says what would change in a file.
func (f *formatting) show(name, text, formatted string) {
	switch {
	case text == formatted:
		return
	case f.command.Diff:
		f.print(string(diff.Diff(name+".orig", []byte(text), name, []byte(formatted))))
	default:
		f.print(name + "\n")
	}
	if f.command.Check {
		f.code = max(f.code, exitFindings)
	}
}

func (f *formatting) print(text string) {
	if _, err := io.WriteString(f.std.out, text); err != nil && f.written == nil {
		f.written = err
	}
}

// failed reports a file that could not be read or written.
func (f *formatting) failed(err error) {
	fmt.Fprintf(f.std.err, "weir: %v\n", err)
	f.code = exitFailed
}

// replaceFile gives a file another text at once: who reads it meanwhile sees the
// one or the other as a whole. A symbolic link stays one.
func replaceFile(name, text string) error {
	path, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file; give its text to stdin", name)
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".weir-fmt-*")
	if err != nil {
		return err
	}
	_, err = temp.WriteString(text)
	err = errors.Join(err, temp.Chmod(info.Mode().Perm()), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		os.Remove(temp.Name())
	}
	return err
}
