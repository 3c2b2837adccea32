package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"weir/cep"
	"weir/rules"
	"weir/rules/ruletest"
	"weir/rules/source"
	"weir/web"
)

// ruleDraft is a change of the rules on its way to the log.
type ruleDraft struct {
	c      *web.RuleChange
	before *rulesEdition
	whole  *rules.Published // before, with all files of lists
	set    rules.Settings

	tag   string // the ETag of what was
	was   string // the text of it
	is    string // and what it is to be
	files []source.File
	tests []source.File
	read  func(path string) ([]byte, error)

	subject *ruletest.Subject
	now     *rules.Published
}

const (
	mostFailures = 100 // tests that failed, in an answer
	mostWarnings = 100 // likewise
)

// sections are those of parts that have texts of their own.
var sections = []string{"rules", "features", "params", "lists", "events", "risk", "defaults"}

// draft makes the files that are to be.
func (b *rulebook) draft(ctx context.Context, c *web.RuleChange, before *rulesEdition) (*ruleDraft, error) {
	d := &ruleDraft{c: c, before: before, files: before.Sources(), tests: before.TestFiles(), set: before.Settings}
	var err error
	if d.whole, err = b.whole(ctx, before); err != nil {
		return nil, err
	}
	d.read = d.whole.ReadList
	if c.Kind == "" {
		return d, d.replace(b.rulesetTag(before))
	}
	p := rules.Part{Section: string(c.Kind), Name: c.Name}
	text, _, there := rules.TextOf(d.files, p)
	revision := 0
	if d.was = text; there {
		if d.tag = partTag(text); c.Kind == web.RulePart {
			revision = before.Published.Rules[c.Name].Revision
			d.tag = ruleTag(revision, text)
		}
	}
	if c.Match != "" && !matches(c.Match, d.tag, revision) {
		return nil, web.ErrMatch
	}
	if !there && (c.Remove || c.Status != "") {
		return nil, web.ErrNoPart
	}
	switch {
	case c.Remove:
		d.files, err = rules.Remove(d.files, p)
	case c.Status != "":
		if d.status() == c.Status {
			return d, nil
		}
		d.files, err = rules.SetStatus(d.files, c.Name, c.Status)
	case c.Revision > 0:
		var v *web.RuleVersion
		if v, err = b.Version(ctx, c.Name, c.Revision); err == nil {
			d.files, err = rules.Put(d.files, p, v.Text)
		}
	default:
		d.files, err = rules.Put(d.files, p, c.Text)
	}
	d.is, _, _ = rules.TextOf(d.files, p)
	switch {
	case err == nil, errors.Is(err, web.ErrNoPart), errors.Is(err, web.ErrNoVersion):
		return d, err
	case c.Revision > 0:
		return nil, err
	}
	return nil, refused("the text cannot be read", err)
}

// status is that of the rule before.
func (d *ruleDraft) status() string {
	for _, o := range d.before.outline() {
		if o.ID == d.c.Name {
			return o.Status
		}
	}
	return ""
}

// replace puts files in the place of all.
func (d *ruleDraft) replace(tag string) error {
	if d.tag = tag; d.c.Match != "" && !matches(d.c.Match, tag, 0) {
		return web.ErrMatch
	}
	files, tests, lists := filesIn(d.c.Files)
	if len(files) == 0 {
		return &web.RulesRefused{Why: "there are no rules among the files: they stand in files called *.yaml or *.yml"}
	}
	d.files, d.tests = files, tests
	kept, sent := d.whole.ReadList, readOf(lists)
	d.read = func(path string) ([]byte, error) {
		if _, ok := lists[path]; ok {
			return sent(path)
		}
		return kept(path)
	}
	return nil
}

// same says whether nothing is to be changed.
func (d *ruleDraft) same() bool {
	if !slices.Equal(byPath(d.files), byPath(d.before.Sources())) || !slices.Equal(byPath(d.tests), byPath(d.before.TestFiles())) {
		return false
	}
	for _, path := range d.whole.ListPaths() {
		was, _ := d.whole.ReadList(path)
		if is, err := d.read(path); err != nil || string(was) != string(is) {
			return false
		}
	}
	return true
}

func byPath(files []source.File) []source.File {
	return slices.SortedFunc(slices.Values(files), func(a, b source.File) int { return cmp.Compare(a.Path, b.Path) })
}

// publish checks the files and makes what is to be published of them. needed says which earlier
// meanings of rules can still be asked for; nil: all.
func (d *ruleDraft) publish(needed func(id string, revision int) bool) error {
	d.subject = ruletest.NewSubjectWith(d.files, rules.Given{ReadFile: d.read})
	if err := source.ErrorsIn(d.located(d.subject.Findings())); err != nil {
		if d.c.Remove {
			return refused("it cannot be taken away, as something reads it", err)
		}
		return refused("the rules have errors", err)
	}
	asked := cep.Change{Warm: !d.c.Cold}
	if d.c.OnChange != "" {
		var err error
		if asked.Mode, err = cep.ParseMode(d.c.OnChange); err != nil {
			return err
		}
	}
	var err error
	if d.now, err = rules.Publish(d.files, d.read, d.set, d.before.Published, rules.Asked{Others: asked, Needed: needed}); err != nil {
		return refused("the rules have errors", err)
	}
	d.now.Follow(d.before.Published)
	if d.c.Kind == "" {
		d.now.SetTests(d.tests)
	}
	return nil
}

// located gives findings with places in the text that was sent, for those that stand in it.
func (d *ruleDraft) located(found []source.Diagnostic) []source.Diagnostic {
	if d.c.Text == "" {
		return found
	}
	return rules.Located(d.files, rules.Part{Section: string(d.c.Kind), Name: d.c.Name}, found)
}

// refused says what is wrong with rules.
func refused(why string, err error) error {
	found, ok := errors.AsType[source.Errors](err)
	if !ok {
		return &web.RulesRefused{Why: why + ": " + err.Error()}
	}
	if len(found) > 0 {
		why += ": " + found[0].String()
	}
	if len(found) > 1 {
		why += fmt.Sprintf(" (and %d more)", len(found)-1)
	}
	return &web.RulesRefused{Why: why, Diagnostics: diagnosticsOf(found)}
}

// test runs the tests, unless the change only takes something away or switches it.
func (d *ruleDraft) test() (*web.TestRun, error) {
	if len(d.tests) == 0 || d.c.Remove || d.c.Status != "" {
		return nil, nil
	}
	suite := ruletest.Parse(d.tests)
	run := testRunOf(suite, d.subject, func(r *ruletest.Result) bool { return !r.Passed() })
	if run.Failed > 0 {
		before := ruletest.NewSubjectWith(d.before.Sources(), rules.Given{ReadFile: d.whole.ReadList})
		failed := map[string]bool{}
		for _, r := range suite.Run(d.subject) {
			if !r.Passed() {
				failed[r.Test.File+"\x00"+r.Test.Name] = true
			}
		}
		was := ruletest.Parse(d.tests)
		was.Tests = slices.DeleteFunc(was.Tests, func(t *ruletest.Test) bool { return !failed[t.File+"\x00"+t.Name] })
		for _, r := range was.Run(before) {
			if !r.Passed() {
				run.FailedBefore++
			}
		}
	}
	wrong := run.Failed - run.FailedBefore
	if d.c.Kind == "" { // the tests are new, too
		wrong = run.Failed
	}
	if wrong > 0 && !d.c.ReportTests {
		return nil, &web.RulesRefused{
			Why:   fmt.Sprintf("%d of %s would fail: mend the rules, change the tests with PUT /v1/ruleset, or say tests=report", wrong, amount(run.Tests, "test", "tests")),
			Tests: run,
		}
	}
	return run, nil
}

// testRunOf runs tests and tells of those that are wanted.
func testRunOf(suite *ruletest.Suite, subject *ruletest.Subject, wanted func(r *ruletest.Result) bool) *web.TestRun {
	run := &web.TestRun{Results: nil, Diagnostics: diagnosticsOf(suite.Check(subject))}
	for _, r := range suite.Run(subject) {
		if run.Tests++; r.Passed() {
			run.Passed++
		} else {
			run.Failed++
		}
		if wanted(&r) && len(run.Results) < mostFailures {
			run.Results = append(run.Results, raw(&r))
		}
	}
	return run
}

// Test is web.Rulebook.
func (b *rulebook) Test(ctx context.Context, texts map[string]string) (*web.TestRun, error) {
	end, err := b.check(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	files, tests, lists := filesIn(texts)
	if len(tests) == 0 {
		return nil, &web.RulesRefused{Why: "there are no tests among the files: they stand in files called *_test.yaml"}
	}
	subject := ruletest.NewSubjectWith(files, rules.Given{ReadFile: readOf(lists)})
	if err := source.ErrorsIn(subject.Findings()); err != nil {
		return nil, refused("the rules have errors", err)
	}
	return testRunOf(ruletest.Parse(tests), subject, func(*ruletest.Result) bool { return true }), nil
}

// warnings are what is doubtful in the file of what was changed; of all files in all.
func (d *ruleDraft) warnings() []web.Diagnostic {
	_, path, ok := rules.TextOf(d.files, rules.Part{Section: string(d.c.Kind), Name: d.c.Name})
	var found []source.Diagnostic
	for _, f := range d.subject.Findings() {
		if (!ok || f.File == path) && len(found) < mostWarnings {
			found = append(found, f)
		}
	}
	return diagnosticsOf(d.located(found))
}

// plan says what a change does to what is in force.
func (b *rulebook) plan(ctx context.Context, d *ruleDraft, made *cep.Rules) (web.Plan, error) {
	var told *cep.Adopted
	ctx, cancel := context.WithTimeout(ctx, inForceTime)
	defer cancel()
	var asleep []cep.Sleeping
	if err := b.v.loop.Look(ctx, func(g *cep.Engine) { told, asleep = g.Plan(made), g.Sleeping() }); err != nil {
		return web.Plan{}, fmt.Errorf("%w: the rules in force could not be looked at: %w", web.ErrUnavailable, err)
	}
	if err := d.awake(told, warmingOf(asleep, b.v.loop.Status().Lanes)); err != nil {
		return web.Plan{}, err
	}
	return planOf(d, told, made.Ruleset), nil
}

// warmingOf are the rules that sleep until a run-in is done that has not stopped.
func warmingOf(asleep []cep.Sleeping, lanes []cep.LaneStatus) []cep.Sleeping {
	return slices.DeleteFunc(asleep, func(s cep.Sleeping) bool {
		return slices.ContainsFunc(lanes, func(l cep.LaneStatus) bool { return l.At == s.At && l.Fault != "" })
	})
}

// awake refuses to change what a rule means while it is run in, unless that is asked for: what it
// has matched since it was published has not come out yet, and would not any more.
func (d *ruleDraft) awake(told *cep.Adopted, asleep []cep.Sleeping) error {
	if d.c.OnChange == cep.ModeReset.String() {
		return nil
	}
	for _, r := range told.Rules {
		sleeps := slices.ContainsFunc(asleep, func(s cep.Sleeping) bool { return slices.Contains(s.Rules, r.Name) })
		if r.Became == cep.Changed && sleeps {
			return &web.RulesRefused{Why: fmt.Sprintf("rule %s is being run in: what it has matched since it was published has not come out yet, and would be lost; wait until it is in force (run_in of GET /v1/rules/%s says how far it is), or say on_change=reset", r.Name, r.Name)}
		}
	}
	return nil
}

// planOf puts together what is told of open matches and what differs in the texts.
func planOf(d *ruleDraft, told *cep.Adopted, made *cep.Ruleset) web.Plan {
	before, after := rules.Parts(d.before.Sources()), rules.Parts(d.files)
	was, is := textsBy(d.before.Sources()), textsBy(d.files)
	plan := web.Plan{Rules: []web.PlannedRule{}}
	wordsOf := func(p rules.Part) []string {
		if before[p] == "" || after[p] == "" || before[p] == after[p] {
			return nil
		}
		return rules.Words(was[p], is[p])
	}
	done := map[rules.Part]bool{}
	for _, r := range told.Rules {
		p := rules.Part{Section: "rules", Name: r.Name}
		done[p] = true
		if r.Became == cep.Kept && before[p] == after[p] {
			continue
		}
		planned := web.PlannedRule{
			ID: r.Name, Change: changeWord(r.Became, "text"), Revision: d.now.Rules[r.Name].Revision, Words: wordsOf(p),
			Carried: r.Kept, Drained: r.Draining, Dropped: r.Dropped, Why: r.Why,
		}
		if r.Became == cep.Gone && after[p] != "" {
			planned.Change = "disabled"
		} else if r.Became == cep.New && before[p] != "" {
			planned.Change = "enabled"
		}
		switch r.Became {
		case cep.Changed, cep.Gone:
			planned.Asked, planned.Mode = r.Asked.String(), modeWord(&r)
		case cep.New:
			planned.Warm = d.now.Changes[r.Name].Warm
		}
		if planned.Mode == cep.ModeReset.String() && r.Became == cep.Changed {
			planned.Warm = d.now.Changes[r.Name].Warm
		}
		if planned.Warm {
			planned.Back = looksBack(made, r.Name)
		}
		plan.Loses += r.Dropped
		plan.Rules = append(plan.Rules, planned)
	}
	for _, f := range told.Features {
		p := rules.Part{Section: "features", Name: f.Name}
		done[p] = true
		if f.Became != cep.Kept || before[p] != after[p] {
			plan.Features = append(plan.Features, web.PlannedPart{Part: p.String(), Change: changeWord(f.Became, "kept"), Words: wordsOf(p)})
		}
	}
	for _, p := range partsOf(before, after) {
		change := changeWordOf(before[p], after[p])
		switch {
		case done[p] || change == "":
		case p.Section == "rules": // it is disabled, before and after
			plan.Rules = append(plan.Rules, web.PlannedRule{ID: p.Name, Change: change, Revision: d.now.Rules[p.Name].Revision, Words: wordsOf(p)})
		default:
			plan.Others = append(plan.Others, web.PlannedPart{Part: p.String(), Change: change, Words: wordsOf(p)})
		}
	}
	slices.SortFunc(plan.Rules, func(a, b web.PlannedRule) int { return strings.Compare(a.ID, b.ID) })
	for _, path := range d.whole.ListPaths() {
		a, _ := d.whole.ReadList(path)
		if b, err := d.read(path); err == nil && string(a) != string(b) {
			plan.Others = append(plan.Others, web.PlannedPart{Part: "file " + path, Change: "changed"})
		}
	}
	return plan
}

// partsOf are the parts of two rulesets, in order.
func partsOf(before, after map[rules.Part]string) []rules.Part {
	all := maps.Clone(before)
	maps.Copy(all, after)
	return slices.SortedFunc(maps.Keys(all), func(a, b rules.Part) int {
		return cmp.Or(strings.Compare(a.Section, b.Section), strings.Compare(a.Name, b.Name))
	})
}

func textsBy(files []source.File) map[rules.Part]string {
	all := map[rules.Part]string{}
	for _, p := range rules.Texts(files, sections...) {
		all[p.Part] = p.Text
	}
	return all
}

// changeWord is what became of a part, for a plan; kept is what one is called that goes on.
func changeWord(a cep.Adoption, kept string) string {
	switch a {
	case cep.New:
		return "added"
	case cep.Gone:
		return "removed"
	case cep.Changed:
		return "changed"
	}
	return kept
}

func changeWordOf(before, after string) string {
	switch {
	case before == after:
		return ""
	case before == "":
		return "added"
	case after == "":
		return "removed"
	}
	return "changed"
}

// modeWord is what becomes of the open matches of a rule.
func modeWord(r *cep.AdoptedPart) string {
	if r.Mode == cep.ModeDefault {
		return cep.ModeReset.String()
	}
	return r.Mode.String()
}

// audit is who makes the change, with what it does.
func (d *ruleDraft) audit(plan *web.Plan) cep.Audit {
	who := d.c.Who
	who.ID = d.c.Name
	who.Before, who.After = cep.CutAudited(d.was), cep.CutAudited(d.is)
	one := strings.TrimSuffix(string(d.c.Kind), "s")
	switch {
	case d.c.Kind == "":
		who.What, who.ID = "ruleset.put", ""
		who.After = cep.CutAudited(strings.Join(planLines(plan), "\n"))
	case d.c.Remove:
		who.What = one + ".delete"
	case d.c.Status != "":
		who.What = one + ".status"
	case d.c.Revision > 0:
		who.What = one + ".rollback"
	default:
		who.What = one + ".put"
	}
	return who
}

// planLines say what a plan does, a line for each part.
func planLines(plan *web.Plan) []string {
	var lines []string
	for _, r := range plan.Rules {
		lines = append(lines, plannedRule(&r))
	}
	for _, p := range slices.Concat(plan.Features, plan.Others) {
		line := p.Part + ": " + p.Change
		if len(p.Words) > 0 {
			line += ": " + strings.Join(p.Words, ", ")
		}
		lines = append(lines, line)
	}
	return lines
}

// plannedRule says what becomes of a rule.
func plannedRule(r *web.PlannedRule) string {
	line := "rule " + r.ID + ": " + r.Change
	if r.Change == "text" {
		line = "rule " + r.ID + ": goes on, as only its text has changed"
	} else if r.Revision > 0 && r.Change != "removed" && r.Change != "disabled" {
		line += fmt.Sprintf(", revision %d", r.Revision)
	}
	if len(r.Words) > 0 {
		line += ": " + strings.Join(r.Words, ", ")
	}
	var open []string
	for _, n := range []struct {
		of   int
		what string
	}{{r.Carried, "carried on"}, {r.Drained, "left to end"}, {r.Dropped, "dropped"}} {
		if n.of > 0 {
			open = append(open, fmt.Sprintf("%s %s", amount(n.of, "open match", "open matches"), n.what))
		}
	}
	if len(open) > 0 && r.Change != "text" {
		line += "; " + strings.Join(open, ", ")
	}
	if r.Why != "" {
		line += " (" + r.Why + ")"
	}
	if r.Warm {
		line += "; with a run-in"
		switch r.Back {
		case "":
		case "all":
			line += " over all that is on the log"
		default:
			line += ", looking back " + r.Back
		}
	}
	return line
}
