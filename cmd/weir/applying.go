package main

import (
	"context"
	"fmt"
	"strings"

	"weir/cep"
	"weir/rules"
)

// apply puts the rules of the folder on the log, unless it is as it was when it was applied last:
// what was changed over the API since is not undone by a restart. Where the folder has changed
// too, it gets what was changed elsewhere, part by part. before is what was published last; nil:
// nothing. last is the last control record.
func (v *service) apply(ctx context.Context, f *folder, set rules.Settings, before *rulesEdition, last uint64) error {
	own := &rules.Folder{Files: f.files, Tests: f.tests, Read: f.read}
	// Rules that another weir has served are served as far as this one compiles them.
	if before != nil && before.Unchanged(own, set) {
		return nil
	}
	if f.wrong != nil {
		return f.wrong
	}
	merged, was := own, (*rules.Published)(nil)
	if before != nil {
		was = before.Published
		whole, err := v.rulebook.whole(ctx, before)
		if err != nil {
			return err
		}
		if merged, err = chosen(whole, own, f.from); err != nil {
			return err
		}
	}
	now, err := rules.Publish(merged.Files, merged.Read, set, was, rules.Asked{Others: cep.Change{Warm: was != nil}, Needed: v.boot.checkpoint.Needs(v.rulesAt)})
	if err != nil {
		return fmt.Errorf("the rules of the folder, with what was changed since it was applied last: %w", err)
	}
	now.Apply(own)
	now.SetTests(merged.Tests)
	plan := v.changesSince(before, now)
	var who *cep.Audit
	if before != nil { // a first start changes nothing that there was
		by := operator("weir serve, with a folder of rules that has changed")
		by.What, by.After = "ruleset.serve", cep.CutAudited(strings.Join(plan, "\n"))
		who = &by
	}
	at, err := v.put(ctx, now, last, who)
	if err != nil {
		return err
	}
	v.rulesAt = at
	v.log.Info("rules published", "files", len(now.Files), "record", at)
	for _, line := range plan {
		v.log.Info("rules published", "plan", line)
	}
	return nil
}

// chosen is what is to be published: of a folder that has changed, and of what is in force.
func chosen(p *rules.Published, own *rules.Folder, from string) (*rules.Folder, error) {
	switch from {
	case "folder":
		return own, nil
	case "api":
		return &rules.Folder{Files: p.Sources(), Tests: p.TestFiles(), Read: p.ReadList}, nil
	}
	merged, both, err := p.Merge(own)
	if err != nil {
		return nil, err
	}
	if len(both) == 0 {
		return merged, nil
	}
	var names []string
	for _, part := range both {
		name := part.String()
		if _, path, ok := rules.TextOf(own.Files, part); ok {
			name += " (in " + path + ")"
		}
		names = append(names, name)
	}
	return nil, &exitError{exitFindings, fmt.Errorf("changed in the folder, and over the API too since it was applied last: %s; make the folder what it is to be and add --rules-from folder, which takes all from there, or add --rules-from api, which leaves all as it is in force", strings.Join(names, ", "))}
}

// changesSince says what differs, a line for each part, when nothing runs yet: what becomes of
// open matches says the notice of the loop.
func (v *service) changesSince(before *rulesEdition, now *rules.Published) []string {
	if before == nil {
		return nil
	}
	a, b := rules.Parts(before.Sources()), rules.Parts(now.Sources())
	was, is := textsBy(before.Sources()), textsBy(now.Sources())
	var lines []string
	for _, p := range partsOf(a, b) {
		change := changeWordOf(a[p], b[p])
		if change == "" {
			continue
		}
		line := p.String() + ": " + change
		if words := rules.Words(was[p], is[p]); change == "changed" && len(words) > 0 {
			line += ": " + strings.Join(words, ", ")
		}
		lines = append(lines, line)
	}
	return lines
}
