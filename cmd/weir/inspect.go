package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"weir/alerts"
	"weir/cep"
	"weir/rules"
	"weir/state"
)

// stateInspectCommand is `weir state inspect`.
type stateInspectCommand struct {
	Dir  string `arg:"" help:"Data directory of a service that does not run."`
	JSON bool   `name:"json" help:"Write one JSON object."`
	natsFlags
}

// Help is what `weir state inspect --help` says beside the flags.
func (stateInspectCommand) Help() string {
	return `Examples:

  weir state inspect weir-data
  weir state inspect weir-data --json

Shows how far the files have come, the checkpoints, the log, the rules in force with their
revisions, the starts of the service, notices and losses. Nothing is changed: the log is
copied to the folder for temporary files (TMPDIR) and read there.
Exit codes: 0 done; 2 wrong use; 3 it could not be done.`
}

// inspected is what `weir state inspect` shows.
type inspected struct {
	Home        string             `json:"home"`   // names the directory
	Stored      string             `json:"stored"` // position up to which effects are stored
	Digest      string             `json:"digest"` // of them
	Files       inspectedFiles     `json:"files"`
	Log         inspectedLog       `json:"log"`
	Checkpoints []inspectedState   `json:"checkpoints"` // the newest first
	Settings    *inspectedSettings `json:"settings,omitempty"`
	Rules       []inspectedRule    `json:"rules"`
	Boots       []inspectedBoot    `json:"boots"`
	Skipped     []cep.Skipped      `json:"skipped"`
	Notices     []inspectedNotice  `json:"notices"`
	NoticesEver uint64             `json:"notices_ever"`
	Losses      []inspectedLoss    `json:"losses"`
	Strays      map[string]uint64  `json:"strays"` // how many there were, by kind
}

type inspectedSettings struct {
	Order         string `json:"order"`
	Lateness      string `json:"lateness"`
	Idle          string `json:"idle"`
	MaxAhead      string `json:"max_ahead"`
	Budget        string `json:"budget"`
	PerRuleMinute int    `json:"per_rule_minute"`
}

func newInspectedSettings(s *rules.Settings) *inspectedSettings {
	return &inspectedSettings{s.Order, formatSpan(s.Lateness), formatSpan(s.Idle), formatSpan(s.MaxAhead), formatSize(s.Budget), s.PerRuleMinute}
}

type inspectedFiles struct {
	Alerts int64 `json:"alerts"` // bytes, with what is free in it
	State  int64 `json:"state"`
}

type inspectedLog struct {
	First   uint64 `json:"first"` // record
	Whole   uint64 `json:"whole"` // from this one on none is missing
	Lost    uint64 `json:"lost"`  // records that are missing, and were not dropped
	Last    uint64 `json:"last"`
	Records uint64 `json:"records"`
	Events  uint64 `json:"events"`
	Bytes   uint64 `json:"bytes"`
	Begin   string `json:"begin,omitempty"` // append time of the first
	End     string `json:"end,omitempty"`
}

type inspectedState struct {
	Number   uint64 `json:"number"`
	Position string `json:"position,omitempty"`
	SavedAt  string `json:"saved_at,omitempty"`
	RulesAt  uint64 `json:"rules_at"`
	Bytes    uint64 `json:"bytes"` // of the state and the rules
	Fault    string `json:"fault,omitempty"`
}

type inspectedRule struct {
	ID       string `json:"id"`
	Revision int    `json:"revision"`
	Stored   uint64 `json:"stored"`  // versions of alerts
	Counted  uint64 `json:"counted"` // likewise, beyond the limit of a minute
	Gone     bool   `json:"gone,omitempty"`
}

type inspectedBoot struct {
	Record uint64 `json:"record"`
	At     string `json:"at"`
	Note   string `json:"note"`
}

type inspectedNotice struct {
	At       string `json:"at"`
	Position string `json:"position"`
	Kind     string `json:"kind"`
	Rule     string `json:"rule,omitempty"`
	Text     string `json:"text"`
}

type inspectedLoss struct {
	At      string `json:"at"`
	From    string `json:"from"`
	To      string `json:"to"`
	Records uint64 `json:"records"`
	Alerts  uint64 `json:"alerts"`
	Reason  string `json:"reason,omitempty"`
	AckedAt string `json:"acked_at,omitempty"`
}

// Run shows what there is.
func (c *stateInspectCommand) Run(std *streams) error {
	data, ctx, end, err := whole(c.Dir, c.natsFlags)
	if err != nil {
		return err
	}
	defer end()
	i, err := data.inspect(ctx)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(std.out)
	if c.JSON {
		text, _ := json.Marshal(i) // texts and numbers
		fmt.Fprintf(w, "%s\n", text)
	} else {
		i.writeText(w)
	}
	return w.Flush()
}

func formatMoment(ns int64) string {
	if ns == 0 {
		return ""
	}
	return cep.FormatTime(ns)
}

// inspect collects what there is.
func (o *offline) inspect(ctx context.Context) (*inspected, error) {
	mark, err := o.reached()
	if err != nil {
		return nil, err
	}
	i := &inspected{
		Home: fmt.Sprintf("%x", o.store.Home()), Stored: mark.Position.String(), Digest: fmt.Sprintf("%x", mark.Digest),
		Checkpoints: []inspectedState{}, Rules: []inspectedRule{}, Boots: []inspectedBoot{}, Skipped: []cep.Skipped{},
		Notices: []inspectedNotice{}, Losses: []inspectedLoss{}, Strays: map[string]uint64{},
	}
	i.Files.Alerts, i.Files.State = o.store.Sizes()
	rebased, err := rebasedAt(o.store)
	if err != nil {
		return nil, err
	}
	e, err := extentOf(ctx, o.log, rebased.Sequence)
	if err != nil {
		return nil, err
	}
	i.Log = inspectedLog{First: e.first, Whole: e.whole, Last: e.last, Lost: e.gaps.records, Records: e.records, Events: e.events, Bytes: e.bytes, Begin: formatMoment(e.begin), End: formatMoment(e.end)}
	if err := i.stored(o.store); err != nil {
		return nil, err
	}
	tallies, err := o.store.Tallies()
	if err != nil {
		return nil, err
	}
	controls, err := o.log.Controls(ctx)
	if err != nil {
		return nil, err
	}
	return i, i.control(controls, tallies)
}

// stored takes in what the files have.
func (i *inspected) stored(s *state.Store) error {
	heads, err := s.Checkpoints()
	if err != nil {
		return err
	}
	for _, h := range heads {
		if h.Fault != nil {
			i.Checkpoints = append(i.Checkpoints, inspectedState{Number: h.Number, Fault: h.Fault.Error()})
			continue
		}
		i.Checkpoints = append(i.Checkpoints, inspectedState{
			Number: h.Number, Position: h.Mark.Position.String(), SavedAt: formatMoment(h.SavedAt), RulesAt: h.RulesAt, Bytes: h.Bytes(),
		})
	}
	notices, ever, err := s.Notices()
	if err != nil {
		return err
	}
	i.NoticesEver = ever
	for _, n := range notices {
		i.Notices = append(i.Notices, inspectedNotice{formatMoment(n.At), n.Position.String(), string(n.Kind), n.Rule, n.Text})
	}
	losses, err := s.Losses()
	if err != nil {
		return err
	}
	for _, l := range losses {
		i.Losses = append(i.Losses, inspectedLoss{formatMoment(l.At), l.From.String(), l.To.String(), l.Records, l.Alerts, l.Reason, formatMoment(l.AckedAt)})
	}
	for kind := range alerts.StrayKind(alerts.StrayKinds) {
		_, ever, err := s.Strays(kind, 0, 0)
		if err != nil {
			return err
		}
		i.Strays[kind.String()] = ever
	}
	return nil
}

// control takes in what the log says of rules and processes.
func (i *inspected) control(controls []cep.Logged, tallies []alerts.Tally) error {
	for _, r := range controls {
		p, err := cep.Unpack(r.Data)
		if err != nil {
			return fmt.Errorf("record %d of the log: %w", r.Sequence, err)
		}
		switch p.Kind {
		case cep.PackedBoot:
			i.Boots = append(i.Boots, inspectedBoot{r.Sequence, cep.FormatTime(r.Appended), string(p.Body)})
		case cep.PackedSkip:
			i.Skipped = append(i.Skipped, p.Skipped)
		case cep.PackedRules:
			published, err := rules.ReadPublished(p.Body)
			if err != nil {
				return fmt.Errorf("record %d of the log: %w", r.Sequence, err)
			}
			i.Settings, i.Rules = newInspectedSettings(&published.Settings), []inspectedRule{}
			for id, is := range published.Rules {
				i.Rules = append(i.Rules, inspectedRule{ID: id, Revision: is.Revision, Gone: is.Digest == ""})
			}
		}
	}
	slices.SortFunc(i.Rules, func(a, b inspectedRule) int { return strings.Compare(a.ID, b.ID) })
	for n := range i.Rules {
		for _, t := range tallies {
			if t.Rule == i.Rules[n].ID {
				i.Rules[n].Stored, i.Rules[n].Counted = sum(t.Stored), sum(t.Over)
			}
		}
	}
	return nil
}

func sum(counts [4]uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// lastShown is how many of the latest starts and notices the text shows.
const lastShown = 10

// writeText writes what there is for people.
func (i *inspected) writeText(w io.Writer) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("directory", "%s", i.Home)
	line("stored", "effects up to %s; digest %s", i.Stored, i.Digest)
	line("files", "alerts.db %s, state.db %s", bytesText(uint64(i.Files.Alerts)), bytesText(uint64(i.Files.State)))
	if i.Log.Records == 0 {
		line("log", "empty")
	} else {
		line("log", "records %d to %d, whole from %d on: %s, %s, %s", i.Log.First, i.Log.Last, i.Log.Whole,
			amount(i.Log.Records, "record", "records"), amount(i.Log.Events, "event", "events"), bytesText(i.Log.Bytes))
		line("", "%s to %s", i.Log.Begin, i.Log.End)
		if i.Log.Lost > 0 {
			line("", "%s lost, as files of the log were damaged: weir state check", amount(i.Log.Lost, "record", "records"))
		}
	}
	for _, c := range i.Checkpoints {
		if c.Fault != "" {
			line("checkpoint", "%d: %s", c.Number, c.Fault)
			continue
		}
		line("checkpoint", "%d: as of %s, saved at %s, rules of record %d, %s", c.Number, c.Position, c.SavedAt, c.RulesAt, bytesText(c.Bytes))
	}
	if s := i.Settings; s != nil {
		line("settings", "order %s, lateness %s, idle %s, max_ahead %s, budget %s, %d alerts of a rule and minute", s.Order, s.Lateness, s.Idle, s.MaxAhead, s.Budget, s.PerRuleMinute)
	}
	for _, r := range i.Rules {
		gone := ""
		if r.Gone {
			gone = ", not in force any more"
		}
		line("rule", "%s: revision %d, %s stored, %d counted only%s", r.ID, r.Revision, amount(r.Stored, "version of an alert", "versions of alerts"), r.Counted, gone)
	}
	for _, b := range i.Boots[max(0, len(i.Boots)-lastShown):] {
		line("start", "%s, record %d: %s", b.At, b.Record, b.Note)
	}
	for _, s := range i.Skipped {
		reason, _, _ := strings.Cut(s.Reason, "\n")
		line("skipped", "record %d, line %d: %s", s.Sequence, s.Line, reason)
	}
	for _, n := range i.Notices[max(0, len(i.Notices)-lastShown):] {
		line("notice", "%s, at %s: %s", n.At, n.Position, n.Text)
	}
	for _, l := range i.Losses {
		acked := "nobody has acknowledged it"
		if l.AckedAt != "" {
			acked = "acknowledged at " + l.AckedAt + ": " + l.Reason
		}
		line("loss", "%s, %s after %s, with %s; %s", l.At, amount(l.Records, "record", "records"), l.From, amount(l.Alerts, "alert", "alerts"), acked)
	}
	for kind := range alerts.StrayKind(alerts.StrayKinds) {
		if n := i.Strays[kind.String()]; n > 0 {
			line(kind.String(), "%d", n)
		}
	}
}

// bytesText writes a number of bytes shortly.
func bytesText(n uint64) string {
	for _, s := range sizes {
		if n >= uint64(s.bytes) && s.bytes > 1 {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(s.bytes), s.unit)
		}
	}
	return fmt.Sprintf("%d B", n)
}
