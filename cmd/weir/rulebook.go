package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"weir/cep"
	"weir/cep/stream"
	"weir/failpoint"
	"weir/rules"
	"weir/rules/source"
	"weir/web"
)

// rulebook is web.Rulebook: it shows the rules that were published last, and publishes others.
//
// A change is made of what was published last, checked as a whole, tested, compiled, and put on the
// log only if no other control record has come meanwhile; else all of it is done again. The loop
// gets the rules that were compiled, and does not compile them once more.
type rulebook struct {
	v        *service
	last     atomic.Pointer[rulesEdition]
	history  history
	changing chan struct{} // has the token of who changes the rules
	waits    atomic.Int32  // who wants it
	checking chan struct{} // has the token of who checks or tests what is not to be published
	control  uint64        // the last control record that is known; for who has the token of changing
	compiled atomic.Pointer[compiled]
	runIns   runIns
	patience time.Duration // how long who publishes rules waits for their run-in
}

// compiled are rules that were compiled before the record that brings them was appended.
type compiled struct {
	body  [sha256.Size]byte // of the record, with the files of lists
	rules *cep.Rules
}

const (
	// mostWaiting is how many changes of the rules may wait for another one: then 429.
	mostWaiting = 32

	// publishTries is how often a change is made anew as another control record has come.
	publishTries = 10

	// inForceTime is how long who changes the rules waits until they are in force.
	inForceTime = 10 * time.Second
)

func newRulebook(v *service) *rulebook {
	b := &rulebook{v: v, changing: make(chan struct{}, 1), checking: make(chan struct{}, 1), patience: runInTime}
	b.last.Store(&rulesEdition{Published: new(rules.Published)})
	return b
}

// note takes in a control record.
func (b *rulebook) note(c *cep.Logged) error {
	b.control = max(b.control, c.Sequence)
	if c.Sequence <= b.last.Load().at {
		return nil
	}
	p, who, err := publishedIn(c)
	if errors.Is(err, errNotPublished) {
		return nil
	}
	if err != nil {
		return err
	}
	b.history.add(c, who, p)
	b.last.Store(&rulesEdition{Published: p, at: c.Sequence})
	return nil
}

// refresh reads the control records again.
func (b *rulebook) refresh(ctx context.Context) error {
	controls, err := b.v.stream.Controls(ctx)
	if err != nil {
		return err
	}
	for i := range controls {
		if err := b.note(&controls[i]); err != nil {
			return err
		}
	}
	return nil
}

// compile is the loop's Compile.
func (b *rulebook) compile(body []byte) (*cep.Rules, error) {
	if c := b.compiled.Load(); c != nil && c.body == sha256.Sum256(body) && b.compiled.CompareAndSwap(c, nil) {
		return c.rules, nil
	}
	return compilePublished(body)
}

// Rules is web.Rulebook.
func (b *rulebook) Rules(context.Context) ([]web.Rule, error) {
	e := b.last.Load()
	runs := b.running()
	var all []web.Rule
	for _, o := range e.outline() {
		all = append(all, b.rule(e, &o, runs))
	}
	return all, nil
}

// running is what the rules in force do.
type running struct {
	rules map[string]*cep.Rule
	stats map[string]*cep.RuleStats
	left  map[string]string
	lanes map[string]*cep.LaneStatus // of rules that are warming
}

func (b *rulebook) running() running {
	r := running{rules: map[string]*cep.Rule{}, stats: map[string]*cep.RuleStats{}, left: map[string]string{}, lanes: map[string]*cep.LaneStatus{}}
	status := b.v.loop.Status()
	stats := status.Stats.Rules
	for i := range status.Lanes {
		for _, id := range status.Lanes[i].Rules {
			r.lanes[id] = &status.Lanes[i]
		}
	}
	in := b.v.loop.Rules()
	if in == nil {
		return r
	}
	for i, rule := range in.Ruleset.Rules {
		r.rules[rule.ID] = rule
		if len(stats) == len(in.Ruleset.Rules) { // they may be those of the rules before
			r.stats[rule.ID] = &stats[i]
		}
	}
	for _, l := range in.Left {
		if id, ok := strings.CutPrefix(l.Part, "rule "); ok {
			r.left[id] = l.Why
		}
	}
	return r
}

// rule is what is shown of a rule.
func (b *rulebook) rule(e *rulesEdition, o *rules.Outline, runs running) web.Rule {
	r := web.Rule{
		ID: o.ID, Title: o.Title, Severity: o.Severity, Status: o.Status, Tags: o.Tags, On: o.On,
		Revision: e.Published.Rules[o.ID].Revision, Left: runs.left[o.ID],
	}
	lane := runs.lanes[o.ID]
	if r.Warming = lane != nil; r.Warming {
		r.RunIn = b.runIn(lane, false)
	}
	if all := b.history.revisions(o.ID); len(all) > 0 {
		at := all[len(all)-1].at
		if r.Position = b.v.position(at).String(); !r.Warming {
			r.RunIn = b.runIn(b.runIns.of(o.ID, at), true)
		}
	}
	rule := runs.rules[o.ID]
	r.InForce = rule != nil && rule.Revision == r.Revision && o.Status != "disabled" && !r.Warming
	if s := runs.stats[o.ID]; s != nil {
		h := &web.RuleHealth{
			Matches: s.Matches, Alerts: s.Alerts + s.Timeouts, Suppressed: s.Suppressed, NoKey: s.NoKey, Retracted: s.Retracted,
			Bounded: s.OpenBound + s.LoopBound, Refused: s.Refused,
		}
		h.Faults, h.Fault = rule.Faults.Snapshot()
		r.Health = h
	}
	return r
}

// Rule is web.Rulebook.
func (b *rulebook) Rule(_ context.Context, id string) (*web.RuleText, error) {
	e := b.last.Load()
	i := slices.IndexFunc(e.outline(), func(o rules.Outline) bool { return o.ID == id })
	if i < 0 {
		return nil, web.ErrNoPart
	}
	o := &e.outline()[i]
	text, path, _ := rules.TextOf(e.Sources(), rules.Part{Section: "rules", Name: id})
	r := &web.RuleText{Rule: b.rule(e, o, b.running()), Description: o.Description, File: path, Text: text}
	r.ETag = ruleTag(r.Revision, text)
	return r, nil
}

// ruleTag is the ETag of a rule: its revision, and a digest of its text, in which what tells people
// of it stands too.
func ruleTag(revision int, text string) string {
	return fmt.Sprintf("%q", fmt.Sprintf("%d-%s", revision, textDigest(text)))
}

func partTag(text string) string { return fmt.Sprintf("%q", textDigest(text)) }

func textDigest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// Versions is web.Rulebook.
func (b *rulebook) Versions(_ context.Context, id string) ([]web.RuleVersion, error) {
	all := b.history.revisions(id)
	if len(all) == 0 {
		return nil, web.ErrNoPart
	}
	var list []web.RuleVersion
	for i := range slices.Backward(all) {
		list = append(list, b.version(&all[i]))
	}
	return list, nil
}

func (b *rulebook) version(r *ruleRevision) web.RuleVersion {
	return web.RuleVersion{
		Revision: r.number, Position: b.v.position(r.at).String(), Time: cep.FormatTime(r.appended), Author: r.author, Reason: r.reason,
	}
}

// Version is web.Rulebook.
func (b *rulebook) Version(ctx context.Context, id string, number int) (*web.RuleVersion, error) {
	all := b.history.revisions(id)
	if len(all) == 0 {
		return nil, web.ErrNoPart
	}
	i := slices.IndexFunc(all, func(r ruleRevision) bool { return r.number == number })
	if i < 0 {
		return nil, web.ErrNoVersion
	}
	c, ok, err := b.v.stream.At(ctx, all[i].latest)
	if err != nil || !ok {
		return nil, errors.Join(doorError(err), fmt.Errorf("the record %d with the revision %d of the rule %s", all[i].latest, number, id))
	}
	p, _, err := publishedIn(&c)
	if err != nil {
		return nil, err
	}
	v := b.version(&all[i])
	v.Text, _, _ = rules.TextOf(p.Sources(), rules.Part{Section: "rules", Name: id})
	return &v, nil
}

// Parts is web.Rulebook.
func (b *rulebook) Parts(_ context.Context, kind web.PartKind) ([]web.Part, error) {
	var all []web.Part
	for _, p := range rules.Texts(b.last.Load().Sources(), string(kind)) {
		all = append(all, web.Part{Name: p.Name, Text: p.Text, File: p.Path, ETag: partTag(p.Text)})
	}
	slices.SortFunc(all, func(a, b web.Part) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// Part is web.Rulebook.
func (b *rulebook) Part(_ context.Context, kind web.PartKind, name string) (*web.Part, error) {
	text, path, ok := rules.TextOf(b.last.Load().Sources(), rules.Part{Section: string(kind), Name: name})
	if !ok {
		return nil, web.ErrNoPart
	}
	return &web.Part{Name: name, Text: text, File: path, ETag: partTag(text)}, nil
}

// Ruleset is web.Rulebook.
func (b *rulebook) Ruleset(ctx context.Context) (*web.RulesetFiles, error) {
	e := b.last.Load()
	whole, err := b.whole(ctx, e)
	if err != nil {
		return nil, doorError(err)
	}
	all := &web.RulesetFiles{Files: map[string]string{}, ETag: b.rulesetTag(e)}
	for _, f := range slices.Concat(e.Sources(), e.TestFiles()) {
		all.Files[f.Path] = f.Text
	}
	for path, data := range whole.Lists {
		all.Files[path] = string(data)
	}
	return all, nil
}

// rulesetTag is the ETag of all files.
func (b *rulebook) rulesetTag(e *rulesEdition) string {
	return fmt.Sprintf("%q", b.v.position(e.at).String())
}

// whole is an edition with the files of lists that lie in other records.
func (b *rulebook) whole(ctx context.Context, e *rulesEdition) (*rules.Published, error) {
	if len(e.Staged) == 0 {
		return e.Published, nil
	}
	body, err := gathered(ctx, b.v.stream, e.Bytes())
	if err != nil {
		return nil, err
	}
	return rules.ReadPublished(body)
}

// begin waits until nobody else changes the rules.
func (b *rulebook) begin(ctx context.Context) error {
	if b.waits.Add(1) > mostWaiting {
		b.waits.Add(-1)
		return web.ErrChanging
	}
	defer b.waits.Add(-1)
	select {
	case b.changing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ChangeRules is web.Rulebook.
func (b *rulebook) ChangeRules(ctx context.Context, c *web.RuleChange) (*web.RulesChanged, error) {
	done, err := b.change(ctx, c)
	if err != nil || done.at == 0 || !done.InForce {
		return &done.RulesChanged, err
	}
	done.RunIn = b.awaitRunIn(ctx, done.at)
	done.InForce = done.RunIn == nil || done.RunIn.Joined != ""
	return &done.RulesChanged, nil
}

// madeChange is what became of a change, and the record that brings it; 0: nothing is on the log.
type madeChange struct {
	web.RulesChanged
	at uint64
}

// change makes a change, when nobody else makes one.
func (b *rulebook) change(ctx context.Context, c *web.RuleChange) (*madeChange, error) {
	if err := b.begin(ctx); err != nil {
		return new(madeChange), err
	}
	defer func() { <-b.changing }()
	for range publishTries {
		done, err := b.try(ctx, c)
		if err == nil {
			return done, nil
		}
		if !errors.Is(err, stream.ErrChanged) {
			return new(madeChange), doorError(err)
		}
		if err := b.refresh(ctx); err != nil {
			return new(madeChange), doorError(err)
		}
	}
	return new(madeChange), web.ErrMoved
}

// try makes a change of what was published last.
func (b *rulebook) try(ctx context.Context, c *web.RuleChange) (*madeChange, error) {
	before := b.last.Load()
	d, err := b.draft(ctx, c, before)
	if err != nil {
		return nil, err
	}
	done := &madeChange{RulesChanged: web.RulesChanged{ID: c.Name, ETag: d.tag}}
	if d.same() {
		done.Unchanged, done.InForce, done.Plan.Rules = true, true, []web.PlannedRule{}
		done.Revision = before.Published.Rules[c.Name].Revision
		return done, nil
	}
	needed, err := b.needed(ctx, before)
	if err != nil {
		return nil, err
	}
	if err := d.publish(needed); err != nil {
		return nil, err
	}
	if done.Tests, err = d.test(); err != nil {
		return nil, err
	}
	made, body, err := compileWhole(d.now)
	if err != nil {
		return nil, err
	}
	if done.Plan, err = b.plan(ctx, d, made); err != nil {
		return nil, err
	}
	done.Warnings = d.warnings()
	if c.Kind == web.RulePart {
		done.Revision = d.now.Rules[c.Name].Revision
	}
	if c.DryRun {
		return done, nil
	}
	who := d.audit(&done.Plan)
	b.compiled.Store(&compiled{body, made})
	at, err := b.v.put(ctx, d.now, b.control, &who)
	if err != nil {
		b.compiled.Store(nil)
		return nil, err
	}
	b.control, done.at = at, at
	// It is done, whether or not somebody still waits: the next change is made of it.
	if err := b.published(context.WithoutCancel(ctx), at); err != nil {
		return nil, err
	}
	done.Position = b.v.position(at).String()
	done.InForce = b.v.inForce(ctx, at)
	done.ETag = b.tagNow(c)
	return done, nil
}

// published takes in what was put on the log.
func (b *rulebook) published(ctx context.Context, at uint64) error {
	c, ok, err := b.v.stream.At(ctx, at)
	if err != nil {
		return err
	}
	if !ok {
		return b.refresh(ctx)
	}
	return b.note(&c)
}

// tagNow is the ETag of what was changed.
func (b *rulebook) tagNow(c *web.RuleChange) string {
	e := b.last.Load()
	if c.Kind == "" {
		return b.rulesetTag(e)
	}
	text, _, ok := rules.TextOf(e.Sources(), rules.Part{Section: string(c.Kind), Name: c.Name})
	switch {
	case !ok:
		return ""
	case c.Kind == web.RulePart:
		return ruleTag(e.Published.Rules[c.Name].Revision, text)
	}
	return partTag(text)
}

// matches says whether what is there is what If-Match asks for.
func matches(match, tag string, revision int) bool {
	for part := range strings.SplitSeq(match, ",") {
		part = strings.TrimSpace(part)
		if part == "*" && tag != "" || part == tag && tag != "" || revision > 0 && strings.Trim(part, `"`) == strconv.Itoa(revision) {
			return true
		}
	}
	return false
}

// compileWhole compiles what is to be published, and gives the digest of the body that the loop is
// going to ask for: that with all files of lists.
func compileWhole(p *rules.Published) (*cep.Rules, [sha256.Size]byte, error) {
	whole := *p
	whole.Staged = nil
	made, err := whole.Compile()
	return made, sha256.Sum256(whole.Bytes()), err
}

// put puts rules on the log, if last is still the last control record there.
func (v *service) put(ctx context.Context, now *rules.Published, last uint64, who *cep.Audit) (uint64, error) {
	v.staging.Lock()
	defer v.staging.Unlock()
	if err := v.stage(ctx, now); err != nil {
		return 0, fmt.Errorf("the lists could not be put on the log: %w", err)
	}
	record := &cep.Packed{Kind: cep.PackedRules, Body: now.Bytes(), Audit: who}
	if n, most := len(record.Append(nil)), v.stream.MaxRecord(); n > most {
		return 0, &web.RulesRefused{Why: fmt.Sprintf("the rules take %d bytes as one record of the log, which may have %d: make them shorter", n, most)}
	}
	failpoint.Hit("rules")
	at, err := v.stream.PublishIf(ctx, record, last)
	if err != nil {
		return 0, fmt.Errorf("the rules could not be put on the log: %w", err)
	}
	failpoint.Hit("ruled")
	if err := v.dropLists(ctx); err != nil {
		v.log.Warn("versions of lists that are not needed could not be dropped", "error", err)
	}
	return at, nil
}

// inForce waits until a record is stepped; false: it takes too long.
func (v *service) inForce(ctx context.Context, at uint64) bool {
	ctx, cancel := context.WithTimeout(ctx, inForceTime)
	defer cancel()
	for v.loop.Status().Stepped.Sequence < at {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(time.Millisecond):
		}
	}
	return true
}

// Check is web.Rulebook.
func (b *rulebook) Check(ctx context.Context, texts map[string]string) (*web.Checked, error) {
	end, err := b.check(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	files, _, lists := filesIn(texts)
	found := rules.CheckWith(files, rules.Given{ReadFile: readOf(lists)})
	return &web.Checked{Diagnostics: diagnosticsOf(slices.Concat(found.Findings, found.Notes))}, nil
}

// check waits until nobody else checks or tests what is not to be published.
func (b *rulebook) check(ctx context.Context) (end func(), err error) {
	select {
	case b.checking <- struct{}{}:
		return func() { <-b.checking }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// readOf reads files that are given.
func readOf(lists map[string]string) func(path string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		if text, ok := lists[path]; ok {
			return []byte(text), nil
		}
		return nil, &fs.PathError{Op: "read", Path: path, Err: fs.ErrNotExist}
	}
}

// diagnosticsOf are findings as web has them.
func diagnosticsOf(found []source.Diagnostic) []web.Diagnostic {
	list := make([]web.Diagnostic, len(found))
	for i, d := range found {
		list[i] = web.Diagnostic{
			File: d.File, Line: d.Line, Column: d.Column, EndLine: d.EndLine, EndColumn: d.EndColumn,
			Severity: string(d.Severity), Code: d.Code, Message: d.Msg, Hint: d.Hint,
		}
	}
	return list
}
