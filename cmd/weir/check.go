package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"

	"weir/rules"
	"weir/rules/source"
)

// checkCommand is `weir check`.
type checkCommand struct {
	Rules  []string `arg:"" name:"rules" help:"Rule files, or folders of them."`
	Strict bool     `help:"Make warnings errors."`
	JSON   bool     `name:"json" help:"Write the findings, and what features keep, as one JSON object."`
	View   viewer   `embed:""`
}

// Help is what `weir check --help` says beside the flags.
func (checkCommand) Help() string {
	return `Examples:

  weir check rules/
  weir check --strict rules/ && git push
  weir check rules/ --features
  weir check rules/ --graph dot --rule card-testing | dot -Tsvg > card-testing.svg
  weir check --json rules/ | jq -r '.diagnostics[] | "\(.file):\(.line): \(.message)"'

All findings come at once: errors, with which the rules cannot run, and warnings,
where they hardly mean what was meant. Each says where, what, and what to write
instead; notes say what is good to know. They go to stdout, a summary to stderr.
Exit codes: 0 no errors; 1 errors; 2 wrong use; 3 a file cannot be read.`
}

// Validate refuses what cannot be the name of a file.
func (c *checkCommand) Validate() error {
	if err := c.View.validate(c.JSON); err != nil {
		return err
	}
	return validRules(c.Rules)
}

// Run checks the rules and writes what it found.
func (c *checkCommand) Run(std *streams) error {
	// What a check allocates is small and soon over: collecting it as often as the
	// default does takes a third of its time.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	files, checked, err := checkRules(c.Rules)
	if err != nil {
		return err
	}
	if c.Strict {
		for i := range checked.Findings {
			checked.Findings[i].Severity = source.Error
		}
	}
	if c.View.on() {
		return c.view(std, files, checked)
	}
	all := slices.Concat(checked.Findings, checked.Notes)
	if c.JSON {
		err = writeFindingsJSON(std.out, all, checked.Features)
	} else {
		err = writeFindings(std.out, files, all)
	}
	if err != nil {
		return err
	}
	if !c.JSON {
		fmt.Fprintln(std.err, c.summary(files, checked))
	}
	return findingsError(checked.Findings)
}

// view shows what the rules are compiled to, if they have no errors.
func (c *checkCommand) view(std *streams, files []source.File, checked *rules.Checked) error {
	if err := writeFindings(std.err, files, checked.Findings); err != nil {
		return err
	}
	if err := findingsError(checked.Findings); err != nil {
		return err
	}
	return c.View.write(std.out, checked)
}

// summary says what there is and how much is wrong with it.
func (c *checkCommand) summary(files []source.File, checked *rules.Checked) string {
	in := " in " + amount(len(files), "file", "files")
	all := amount(len(checked.Rules), "rule", "rules") + in + ": "
	switch {
	case len(files) == 0:
		return countOf(checked.Findings)
	case source.ErrorsIn(checked.Findings) != nil:
		return countOf(checked.Findings) + in
	case len(checked.Findings) > 0:
		return all + countOf(checked.Findings)
	}
	return all + "no errors"
}

// validRules refuses what cannot be the names of rule files.
func validRules(paths []string) error {
	if slices.Contains(paths, "") {
		return errors.New("the name of a rule file is empty")
	}
	return nil
}

// checkRules reads and checks rules. Files that cannot be read are findings beside
// those in the others.
func checkRules(paths []string) ([]source.File, *rules.Checked, error) {
	files, err := source.Read(paths)
	var unread source.Errors
	switch {
	case errors.As(err, &unread):
		return files, rules.CheckRest(files, unread, rules.Given{ReadFile: os.ReadFile}), nil
	case err != nil:
		return nil, nil, err
	}
	return files, rules.CheckWith(files, rules.Given{ReadFile: os.ReadFile}), nil
}

// findingsError is what a command ends with that has written the findings: nil
// if there is no error among them.
func findingsError(found []source.Diagnostic) error {
	code := exitDone
	for _, d := range found {
		switch {
		case d.Severity == source.Error && d.Code == source.CodeFile:
			return &exitError{code: exitFailed} // what could not be read is no finding in the rules
		case d.Severity == source.Error:
			code = exitFindings
		}
	}
	if code == exitDone {
		return nil
	}
	return &exitError{code: code}
}
