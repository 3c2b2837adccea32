package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"weir/rules"
	"weir/web"
)

// applyCommand is `weir apply`.
type applyCommand struct {
	Rules []string `arg:"" name:"rules" help:"Rule files, or folders of them, with the tests and the files of lists beside them."`
	Yes   bool     `short:"y" help:"Do it without asking, whatever is lost."`
	publishFlags
}

// Help is what `weir apply --help` says beside the flags.
func (applyCommand) Help() string {
	return `Examples:

  weir apply rules/ --dry-run
  weir apply rules/ --reason 'ticket 4711'
  weir apply rules/ --on-change drain --yes

Puts rules in the place of all that a running service has. First the plan is printed: what
changes, what becomes of open matches, what the tests say. On a terminal it is asked then. In a
script it is done, unless rules or open matches would be lost: then it needs --yes, or
--on-change. If others change the rules between plan and change, nothing is done.
Exit codes: 0 done, or nothing to do; 1 errors in the rules, failed tests, or not done; 2 wrong
use; 3 the service cannot be reached, or a file not be read.`
}

// Validate refuses what cannot be applied.
func (c *applyCommand) Validate() error {
	if err := c.clientFlags.Validate(); err != nil {
		return err
	}
	return validRules(c.Rules)
}

// Run plans, asks and applies.
func (c *applyCommand) Run(std *streams) error {
	f, err := readFolder(c.Rules, std)
	if err != nil {
		return err
	}
	if f.wrong != nil {
		return f.wrong
	}
	body := raw(map[string]any{"files": f.texts()})
	ask := func(dry bool, match string) (done web.RulesChanged, err error) {
		q := c.change(http.MethodPut, dry, "application/json", body, "v1", "ruleset")
		q.match = match
		err = tell(std.err, c.ask(q, &done))
		return done, err
	}
	plan, err := ask(true, "")
	if err != nil {
		return err
	}
	out := std.out
	if c.JSON {
		out = std.err
	}
	if plan.Unchanged || c.DryRun {
		if c.JSON {
			return writeJSON(std, &plan)
		}
		return writeChanged(out, &plan, true)
	}
	if err := writePlan(out, &plan); err != nil {
		return err
	}
	if err := c.sure(std, &plan); err != nil {
		return err
	}
	done, err := ask(false, plan.ETag)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std, &done)
	}
	done.Plan, done.Tests, done.Warnings = web.Plan{}, nil, nil
	return writeChanged(out, &done, false)
}

// sure asks whether a plan is to be carried out, or refuses where nobody can be asked.
func (c *applyCommand) sure(std *streams, plan *web.RulesChanged) error {
	if c.Yes {
		return nil
	}
	removed := 0
	for _, r := range plan.Plan.Rules {
		if r.Change == "removed" {
			removed++
		}
	}
	lost := fmt.Sprintf("%s and %s", amount(removed, "rule", "rules"), amount(plan.Plan.Loses, "open match", "open matches"))
	in, ok := std.in.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		if removed+plan.Plan.Loses == 0 || c.OnChange != "" {
			return nil
		}
		return &exitError{exitFindings, fmt.Errorf("nothing was changed: %s would be lost; say --yes if that is meant, or --on-change what is to become of open matches", lost)}
	}
	if removed+plan.Plan.Loses > 0 {
		fmt.Fprintf(std.err, "%s are lost. ", lost)
	}
	fmt.Fprint(std.err, "Go on? [y/N] ")
	answer, err := bufio.NewReader(in).ReadString('\n')
	if word := strings.ToLower(strings.TrimSpace(answer)); err != nil || word != "y" && word != "yes" {
		return &exitError{exitFindings, fmt.Errorf("nothing was changed")}
	}
	return nil
}

// texts are the files of a folder by path: rules, tests, and those that lists name.
func (f *folder) texts() map[string]string {
	all := map[string]string{}
	for _, file := range slices.Concat(f.files, f.tests) {
		all[file.Path] = file.Text
	}
	rules.CheckWith(slices.Clone(f.files), rules.Given{ReadFile: func(path string) ([]byte, error) {
		data, err := f.read(path)
		if err == nil {
			all[path] = string(data)
		}
		return data, err
	}})
	return all
}
