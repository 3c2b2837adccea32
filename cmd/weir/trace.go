package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"weir/cep"
	"weir/rules"
	"weir/rules/nearest"
	"weir/rules/source"
	"weir/rules/trace"
)

// traceCommand is `weir trace`.
type traceCommand struct {
	Rules    []string  `arg:"" name:"rules" help:"Rule files, or folders of them. They stand before --events."`
	Rule     string    `placeholder:"ID" help:"The rule to follow; needed if there are several."`
	Key      []string  `sep:"none" placeholder:"K" help:"The key to follow (needed): its text, or a=1,b=2 where the key has several fields; may be repeated."`
	Events   files     `placeholder:"FILE..." help:"Events (needed), as weir run reads them."`
	Params   overrides `name:"param" sep:"none" placeholder:"NAME=VALUE" help:"Give a param another value than the rules do, the ruleset's and any rule's own; may be repeated."`
	Lateness duration  `default:"0s" placeholder:"D" help:"By how much an event may be older than the highest event time before it, like 10s (${default})."`
	MaxAhead bound     `placeholder:"D" help:"Reject an event that is more than D ahead of the highest event time before it."`
	OpenEnd  bool      `help:"Leave the windows open that are open when the input ends. Without it time runs on and all of them close."`
	WhyNot   bool      `help:"Say in one paragraph why the key did not alert, and nothing else."`
	From     moment    `placeholder:"T" help:"Show, or ask about, nothing before this event time, like 2026-01-02T10:00:00Z or 2026-01-02."`
	To       moment    `placeholder:"T" help:"Show, or ask about, nothing from this event time on."`
	JSON     bool      `name:"json" help:"Write one JSON object a line for each statement; with --why-not one for the verdict."`
}

// Help is what `weir trace --help` says beside the flags.
func (traceCommand) Help() string {
	return `Examples:

  weir trace rules/ --rule card-testing --key card-42 --events payments.ndjson
  weir trace rules/ --rule card-testing --key card-42 --events payments.ndjson --why-not
  weir trace rules/ --rule card-testing --key card-42 --events payments.ndjson --param probe_max=5
  weir trace rules/ --rule shared-device --key device=d7,country=NL --events logins.csv --json

The rule runs as in weir run. For each event of the key it is shown what each open match did
and why: it took the event, let it pass, or ended; with what the features and risks were that the
rule reads. Of a rule with window_close it is shown for each window that ended. Times are UTC.
--from and --to choose what is shown; all events are matched. With --why-not they choose the
time that is asked about: the alerts made in it, its events, and the matches that were open
in it. What became of those is told to the end.
Exit codes: 0 done, alert or not, also if no event has the key; 1 errors in the rules; 2 wrong use,
as of a rule that there is not; 3 it could not be done.`
}

// Validate refuses what cannot be traced.
func (c *traceCommand) Validate() error {
	if err := validRules(c.Rules); err != nil {
		return err
	}
	switch {
	case len(c.Events) == 0:
		return errors.New("no events: name them, as in --events FILE")
	case len(c.Key) == 0:
		return errors.New("no key: name it, as in --key card-42")
	case c.From.set && c.To.set && c.To.ns <= c.From.ns:
		return errors.New("--to is not after --from")
	}
	return checkStdin(c.Events)
}

// Run traces and writes what it finds.
func (c *traceCommand) Run(std *streams) error {
	set, rule, err := c.load(std)
	if err != nil {
		return err
	}
	key, err := trace.ParseKey(rule.Key, c.Key)
	if err != nil {
		return usageError("--key: %v", err)
	}
	out := &traceOutput{command: c, out: std.out, text: trace.NewWriter(std.out, rule), judge: trace.NewJudge(rule, key)}
	t, err := trace.New(rule, set, key, out.step)
	if err != nil {
		return err
	}
	t.Apart = c.JSON && !c.WhyNot
	events, err := openInputs(c.Events, std)
	if err != nil {
		return err
	}
	defer events.close()
	read, err := events.reader(set)
	if err != nil {
		return err
	}
	p := &tracePass{
		engine: cep.NewEngine(set, cep.Options{Lateness: time.Duration(c.Lateness), MaxAhead: time.Duration(c.MaxAhead), Trace: t.Observer()}),
		trace:  t, events: events,
	}
	if err := p.all(read, c.OpenEnd); err != nil {
		return err
	}
	if out.err != nil {
		return out.err
	}
	return c.conclude(std, out, p, rule, key)
}

// load loads the rules and finds the one to follow.
func (c *traceCommand) load(std *streams) (*cep.Ruleset, *rules.Rule, error) {
	checked, _, err := loadRules(c.Rules, c.Params, std)
	if err != nil {
		return nil, nil, err
	}
	var ids []string
	for _, r := range checked.Rules {
		ids = append(ids, r.ID)
		if r.ID != c.Rule && (c.Rule != "" || len(checked.Rules) > 1) {
			continue
		}
		if r.Disabled {
			return nil, nil, usageError("the rule %s is disabled: it does not run", r.ID)
		}
		return checked.Ruleset, r, nil
	}
	switch {
	case len(ids) == 0:
		return nil, nil, usageError("there is no rule in %s", strings.Join(c.Rules, ", "))
	case c.Rule == "":
		return nil, nil, usageError("there are %d rules: name one, as in --rule %s", len(ids), ids[0])
	}
	return nil, nil, usageError("there is no rule %s; %s", source.Tick(c.Rule), nearest.DidYouMean(c.Rule, ids, "there are "+strings.Join(ids, ", ")))
}

// tracePass gives the events to an engine line by line, so that what is late or
// rejected is told at its place among the others.
type tracePass struct {
	engine  *cep.Engine
	trace   *trace.Trace
	events  inputs
	effects cep.Effects

	read     uint64 // lines
	rejected int    // of which the key is not in
	closed   bool
}

func (p *tracePass) all(read blockReader, openEnd bool) error {
	for {
		b := &block{}
		err := read.next(b)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		for i := range b.bad.first {
			p.reject(&b.bad.first[i])
		}
		p.rejected += b.bad.n - len(b.bad.first)
		for _, r := range b.records(nil) {
			p.record(r)
		}
	}
	end := cep.EndRecord
	if openEnd {
		end = cep.HaltRecord
	}
	p.closed = !openEnd
	p.step(cep.Record{Kind: end})
	if _, low, ok := p.engine.Clock(); ok && openEnd {
		p.trace.End(low)
	}
	p.trace.Flush()
	return nil
}

// record steps the lines of a record one by one.
func (p *tracePass) record(r cep.Record) {
	for rest := r.Data; len(rest) > 0; r.Line++ {
		n := bytes.IndexByte(rest, '\n') + 1
		p.read++
		p.step(cep.Record{Kind: cep.EventsRecord, Data: rest[:n], Source: r.Source, Line: r.Line})
		rest = rest[n:]
	}
}

func (p *tracePass) step(r cep.Record) {
	p.effects.Reset()
	p.engine.Step([]cep.Record{r}, &p.effects)
	for i := range p.effects.Rejected {
		p.reject(&p.effects.Rejected[i])
	}
}

func (p *tracePass) reject(r *cep.Rejected) {
	line := rejectedLine{p.events[r.Source].name, r.Line, r.Column, r.Reason}
	if p.events[r.Source].csv {
		line.Column = 0
	}
	where, _, _ := strings.Cut(line.String(), ": "+r.Reason)
	if !p.trace.Reject(where, r) {
		p.rejected++
	}
}

// traceOutput writes the steps that are asked for.
type traceOutput struct {
	command *traceCommand
	out     io.Writer
	text    *trace.Writer
	judge   *trace.Judge
	line    []byte
	shown   int
	err     error
}

func (o *traceOutput) step(s *trace.Step) {
	c := o.command
	asked := (!c.From.set || s.Time >= c.From.ns) && (!c.To.set || s.Time < c.To.ns)
	o.judge.Take(s, asked)
	switch {
	case o.err != nil || c.WhyNot || !asked:
	case c.JSON:
		o.shown++
		o.line = s.AppendJSON(o.line[:0])
		_, o.err = o.out.Write(o.line)
	default:
		o.shown++
		o.err = o.text.Write(s)
	}
}

// shownKeys bounds the keys that are named where the one asked for has no event.
const shownKeys = 5

// conclude writes the verdict where it is asked for, or where there was nothing to
// show.
func (c *traceCommand) conclude(std *streams, out *traceOutput, p *tracePass, rule *rules.Rule, key []string) error {
	end := trace.End{Read: p.read, Seen: p.trace.Seen(), Now: math.MaxInt64, Asked: c.period()}
	if now, _, ok := p.engine.Clock(); ok && !p.closed {
		end.Now = now
	}
	if !end.Seen {
		end.Nearest, end.Busiest = p.trace.OtherKeys(shownKeys)
	}
	v := out.judge.Verdict(end)
	switch {
	case c.WhyNot && c.JSON:
		_, err := std.out.Write(v.AppendJSON(nil))
		return err
	case c.WhyNot:
		_, err := io.WriteString(std.out, v.Lines())
		return err
	case out.shown == 0:
		fmt.Fprint(std.err, "weir: ", v.Lines())
	}
	if p.rejected > 0 {
		fmt.Fprintf(std.err, "weir: %s no event, without the key in it; weir run shows the first\n", amount(p.rejected, "other line is", "other lines are"))
	}
	return nil
}

// period puts --from and --to in words.
func (c *traceCommand) period() string {
	text := ""
	if c.From.set {
		text += " from " + trace.Moment(c.From.ns)
	}
	if c.To.set {
		text += " up to " + trace.Moment(c.To.ns)
	}
	return text
}

// moment is a flag that is an event time.
type moment struct {
	set bool
	ns  int64
}

// Decode reads the flag.
func (m *moment) Decode(ctx *kong.DecodeContext) error {
	const what = "a time, like 2026-01-02T10:00:00Z or 2026-01-02"
	text, err := flagValue(ctx, what)
	if err != nil {
		return err
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 1700 && t.Year() < 2200 {
			*m = moment{true, t.UnixNano()}
			return nil
		}
	}
	return fmt.Errorf("it needs %s, not %q", what, text)
}
