package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"weir/cep"
	"weir/nfa"
	"weir/rules/expr"
	"weir/rules/format"
	"weir/rules/infer"
)

// newCommand is `weir new`.
type newCommand struct {
	Dir        string `arg:"" name:"dir" help:"The folder for the rules. It is made if it is not there."`
	FromEvents file   `placeholder:"FILE" help:"Infer the schema from events: NDJSON, or CSV if the name says .csv; .gz and .zst are decompressed; - is NDJSON from stdin."`
	Sample     count  `default:"10000" placeholder:"N" help:"Infer from the first N events (${default})."`
	Force      bool   `help:"Overwrite the files that are there."`
}

// Help is what `weir new --help` says beside the flags.
func (newCommand) Help() string {
	return `Examples:

  weir new rules
  weir new rules --from-events payments.ndjson.gz
  weir new rules --from-events logins.csv --sample 1000000

Writes three files into the folder: events.yaml, the schema of the events;
rules.yaml, an example rule; rules_test.yaml, its tests. Without --from-events the
events are payments. With it the schema takes every event of the sample, and what
was guessed (event time, id, personal data) and seen (values, what is missing) stands
in its comments, to be looked through.
Exit codes: 0 done; 2 wrong use; 3 it could not be done: a file is there already.`
}

// Validate refuses an empty name.
func (c *newCommand) Validate() error {
	if c.Dir == "" {
		return errors.New("the name of the folder is empty")
	}
	return nil
}

// ruleFile is a file of a new ruleset.
type ruleFile struct {
	name, text string
	about      string // what is in it
}

// Run writes the files.
func (c *newCommand) Run(std *streams) error {
	if err := c.vacant(); err != nil {
		return err // before a long sample is read
	}
	files, events := firstRules, "FILE"
	var notes []string
	if c.FromEvents != "" {
		s, err := c.survey(std)
		if err != nil {
			return err
		}
		types := s.found.Types()
		files, notes = s.files(types), s.notes(types)
		events = shellWord(string(c.FromEvents)) + runFlags(types)
	}
	if err := os.MkdirAll(c.Dir, 0o777); err != nil {
		return err
	}
	var out strings.Builder
	for _, f := range files {
		path := filepath.Join(c.Dir, f.name)
		if err := c.create(path, f.text); err != nil {
			return err
		}
		fmt.Fprintf(&out, "%-*s  %s\n", len(filepath.Join(c.Dir, "rules_test.yaml")), path, f.about)
	}
	dir := shellWord(c.Dir)
	fmt.Fprintf(&out, "\nNext:\n  weir check %s\n  weir test %s\n  weir run %s --events %s\n", dir, dir, dir, events)
	for _, n := range notes {
		fmt.Fprintf(&out, "\n%s\n", n)
	}
	_, err := io.WriteString(std.out, out.String())
	return err
}

// plainWord is what a shell takes as it stands.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./\\:@%+=,-]+$`)

// shellWord writes a name so that it can be copied into a command line.
func shellWord(name string) string {
	if plainWord.MatchString(name) {
		return name
	}
	return shellQuoted(name)
}

// vacant refuses a folder that has one of the files.
func (c *newCommand) vacant() error {
	if c.Force {
		return nil
	}
	var there []string
	for _, f := range firstRules {
		path := filepath.Join(c.Dir, f.name)
		if _, err := os.Lstat(path); err == nil {
			there = append(there, path)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if len(there) == 0 {
		return nil
	}
	return fmt.Errorf("%s: there already; name another folder, or overwrite with --force", strings.Join(there, ", "))
}

// create writes a file in its canonical form.
func (c *newCommand) create(path, text string) error {
	text, err := format.Format(path, text)
	if err != nil {
		return err
	}
	how := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if c.Force {
		how = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, how, 0o666)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// sampled is a sample of events.
type sampled struct {
	name   string
	found  *infer.Survey
	events int
	more   bool // the file has more than the sample
	bad    rejects
}

// survey reads the sample and says which of its lines are no events.
func (c *newCommand) survey(std *streams) (*sampled, error) {
	s, err := c.sample(std)
	if err != nil {
		return nil, err
	}
	if s.bad.n > 0 {
		fmt.Fprintf(std.err, "weir: %s:\n", amount(s.bad.n, "line is no event", "lines are no events"))
		for _, r := range s.bad.first {
			fmt.Fprintf(std.err, "  %s:%d:%d: %s\n", s.name, r.Line, r.Column, r.Reason)
		}
	}
	if s.events == 0 {
		return nil, fmt.Errorf("%s: there is no event", s.name)
	}
	return s, nil
}

func (c *newCommand) sample(std *streams) (*sampled, error) {
	in, err := openInput(string(c.FromEvents), std)
	if err != nil {
		return nil, err
	}
	defer in.close()
	read, err := in.reader(0, &cep.Ruleset{})
	if err != nil {
		return nil, err
	}
	s := &sampled{name: in.name, found: infer.New(in.csv)}
	for b := new(block); !s.more; b.reset() {
		err := read.next(b)
		if err == io.EOF {
			return s, nil
		}
		if err != nil {
			return nil, err
		}
		s.add(b, int(c.Sample))
	}
	return s, nil
}

// add takes in the events of a block, up to so many in all.
func (s *sampled) add(b *block, most int) {
	s.bad.addAll(&b.bad)
	for _, r := range b.records(nil) {
		number := r.Line
		for line := range bytes.Lines(r.Data) {
			text := strings.TrimRight(string(line), " \t\r\n")
			switch {
			case text == "":
			case s.events == most:
				s.more = true
				return
			default:
				s.line(text, number)
			}
			number++
		}
	}
}

func (s *sampled) line(text string, number int) {
	if reject := s.found.Add(text); reject != nil {
		s.bad.add(cep.Rejected{Line: number, Column: reject.Column, Reason: reject.Reason})
		return
	}
	s.events++
}

// files makes the files of a ruleset of the sample.
func (s *sampled) files(types []infer.Type) []ruleFile {
	sample := "all " + amount(s.events, "event", "events")
	if s.events == 1 {
		sample = "the one event"
	}
	if s.more {
		sample = "the first " + amount(s.events, "event", "events")
	}
	fields := 0
	for i := range types {
		fields += len(types[i].Fields)
	}
	schema := infer.Schema(types,
		"Inferred from "+sample+" of "+visible(filepath.Base(s.name))+".",
		"Look it through: what stands behind a field was seen there.")
	x := infer.NewExample(types, expr.Reserved)
	return []ruleFile{
		{"events.yaml", schema, fmt.Sprintf("%s, %s, from %s of %s", amount(len(types), "event type", "event types"), amount(fields, "field", "fields"), sample, s.name)},
		{"rules.yaml", x.Rules, "the example rule " + x.ID},
		{"rules_test.yaml", x.Tests, "its tests"},
	}
}

// notes says what a run over the same events has to know.
func (s *sampled) notes(types []infer.Type) []string {
	var notes []string
	if s.more {
		notes = append(notes, "The file has more events; what they have beside these is not in the schema.\nA larger sample: --sample N")
	}
	for i := range types {
		if types[i].Time == "" {
			notes = append(notes, fmt.Sprintf("No field holds a time in every event of type %s, so it has the time at which it\narrives: in a file that is the highest time before it, and without one it is rejected.\n%s", types[i].Name, timeHint(&types[i])))
		}
	}
	return notes
}

// timeHint says what to do where no field is the event time.
func timeHint(t *infer.Type) string {
	if len(t.Dates) == 0 {
		return "If there is a time, name its field in events.yaml."
	}
	return visible(strings.Join(t.Dates, ", ")) + " may be meant as one: write it as RFC 3339 does, like 2026-01-02T10:00:00Z, or as a\nnumber since 1970, and name the field in events.yaml."
}

// runFlags are those that a run over the events needs to take all of them.
func runFlags(types []infer.Type) string {
	var behind time.Duration
	for i := range types {
		behind = max(behind, types[i].Behind)
	}
	if behind == 0 {
		return ""
	}
	return " --lateness " + nfa.FormatDuration(upTo(behind)) // they are not in the order of their times
}

// upTo rounds d up to a length of time that is short to write.
func upTo(d time.Duration) time.Duration {
	for _, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		if d >= unit {
			return (d + unit - 1) / unit * unit
		}
	}
	return time.Second
}

// firstRules are the files of a new ruleset of which nothing is known.
var firstRules = []ruleFile{
	{"events.yaml", `# The types of events that the rules see, and the fields of each. Make them yours.
events:
  payment:
    time: ts # event time: RFC 3339 text, or epoch milliseconds
    id: payment_id # names one event: another with it is not matched
    fields:
      payment_id: string
      ts: time
      card_id: string
      merchant_id: string
      amount: number
      currency: string
      country: string
      status: string # approved | declined
`, "the event type payment"},
	{"rules.yaml", `rules:
  - id: card-testing
    title: Card testing, then a cash-out
    description: Tiny approvals probe a stolen card; a large purchase follows.
    severity: high
    on: payment
    key: card_id # each card is followed on its own
    within: 30m # first to last event
    params: {probe_max: 2, times: 50}
    # Three or more probes, all there are (the last + is greedy), then a cash-out.
    pattern: probe{3,}+ -> cashout
    define:
      probe: status == "approved" && amount < params.probe_max
      cashout: status == "approved" && amount > params.times * mean(probe.amount)
    # Small sums at one merchant again and again are a vending machine.
    having: distinct(probe.merchant_id) >= 2
    measures:
      probes: count(probe)
      total: sum(probe.amount) + cashout.amount
    score: min(100, 55 + 5 * probes)
    action: block
    message: "{probes} probes, then {cashout.amount} on card {card_id}"
    throttle: 1h # no second alert for the card within an hour
`, "the example rule card-testing"},
	{"rules_test.yaml", `tests:
  - name: three probes and a cash-out
    events:
      - {type: payment, ts: 0s, card_id: c1, merchant_id: m1, amount: 1, status: approved}
      - {type: payment, ts: 60s, card_id: c1, merchant_id: m2, amount: 1.5, status: approved}
      - {type: payment, ts: 2m, card_id: c1, merchant_id: m1, amount: 1, status: approved}
      - {type: payment, ts: 3m, card_id: c1, merchant_id: m3, amount: 90, status: approved}
    alerts:
      - rule: card-testing
        key: c1
        events: {probe: [1, 2, 3], cashout: 4}
        score: 70
        message: 3 probes, then 90 on card c1
  - name: probes at one merchant only
    events:
      - {type: payment, ts: 0s, card_id: c1, merchant_id: m1, amount: 1, status: approved}
      - {type: payment, ts: 60s, card_id: c1, merchant_id: m1, amount: 1, status: approved}
      - {type: payment, ts: 2m, card_id: c1, merchant_id: m1, amount: 1, status: approved}
      - {type: payment, ts: 3m, card_id: c1, merchant_id: m3, amount: 90, status: approved}
    alerts: []
`, "its tests"},
}
