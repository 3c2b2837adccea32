package main

import (
	"encoding/json"
	"io"
	"slices"
	"strings"

	"weir/rules"
	"weir/rules/explain"
	"weir/rules/nearest"
	"weir/rules/source"
)

// explainCommand is `weir explain`.
type explainCommand struct {
	Rules  []string  `arg:"" name:"rules" help:"Rule files, or folders of them."`
	Rule   ruleID    `placeholder:"ID" help:"Only the rule with this id; all without it."`
	Params overrides `name:"param" sep:"none" placeholder:"NAME=VALUE" help:"Give a param another value than the rules do, the ruleset's and any rule's own; may be repeated."`
	JSON   bool      `name:"json" help:"Write one JSON object a rule and line: rule, text, warnings."`
}

// Help is what `weir explain --help` says beside the flags.
func (explainCommand) Help() string {
	return `Examples:

  weir explain rules/
  weir explain rules/ --rule card-testing
  weir explain --json rules/ | jq -r .text

Says in plain English what each rule looks at, what it matches, within which time,
and what follows from a match, with the values of its params and its warnings.
Exit codes: 0 done; 1 errors in the rules; 2 wrong use; 3 a file cannot be read.`
}

// Validate refuses what cannot be the name of a file.
func (c *explainCommand) Validate() error { return validRules(c.Rules) }

// Run writes the rules in words.
func (c *explainCommand) Run(std *streams) error {
	checked, _, err := loadRules(c.Rules, c.Params, std)
	if err != nil {
		return err
	}
	chosen, err := c.Rule.of(checked.Rules)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeExplanationsJSON(std.out, chosen, checked.Findings)
	}
	var texts []string
	for _, r := range chosen {
		texts = append(texts, explain.Rule(r, checked.Findings))
	}
	_, err = io.WriteString(std.out, strings.Join(texts, "\n\n"))
	return err
}

// explanationJSON is a rule in words, as scripts read it.
type explanationJSON struct {
	Rule     string        `json:"rule"`
	Text     string        `json:"text"`
	Warnings []findingJSON `json:"warnings"`
}

func writeExplanationsJSON(w io.Writer, chosen []*rules.Rule, found []source.Diagnostic) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, r := range chosen {
		e := explanationJSON{Rule: r.ID, Text: explain.Rule(r, found), Warnings: []findingJSON{}}
		for _, d := range explain.Warnings(r, found) {
			e.Warnings = append(e.Warnings, findingJSON{d.File, d.Line, d.Column, d.EndLine, d.EndColumn, d.Severity, d.Code, d.Msg, d.Hint})
		}
		if err := enc.Encode(e); err != nil {
			return err
		}
	}
	return nil
}

// ruleID is a flag that chooses one rule by its id; empty: all.
type ruleID string

// of gives the rules that the flag chooses. An id that no rule has is wrong use.
func (id ruleID) of(all []*rules.Rule) ([]*rules.Rule, error) {
	if id == "" {
		return all, nil
	}
	var ids []string
	for _, r := range all {
		ids = append(ids, r.ID)
	}
	if i := slices.Index(ids, string(id)); i >= 0 {
		return all[i : i+1], nil
	}
	if len(ids) == 0 {
		return nil, usageError("--rule: there is no rule at all")
	}
	return nil, usageError("--rule: there is no rule %s; %s", source.Tick(string(id)), nearest.DidYouMean(string(id), ids, "there are "+strings.Join(ids, ", ")))
}
