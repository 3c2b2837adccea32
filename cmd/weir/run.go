package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"weir/cep"
	"weir/rules"
	"weir/rules/source"
)

// runCommand is `weir run`.
type runCommand struct {
	Rules     []string  `arg:"" name:"rules" help:"Rule files, or folders of them. They stand before --events."`
	Events    files     `placeholder:"FILE..." help:"Events (needed): NDJSON, or CSV if the name says .csv; .gz and .zst are decompressed; - is NDJSON from stdin. Several files are merged by event time."`
	Params    overrides `name:"param" sep:"none" placeholder:"NAME=VALUE" help:"Give a param another value than the rules do, the ruleset's and any rule's own; may be repeated."`
	Alerts    file      `default:"-" placeholder:"FILE" help:"Where alerts go, as NDJSON; - is stdout (${default})."`
	Late      file      `placeholder:"FILE" help:"Where events go that came too late, as they were read."`
	Decisions file      `placeholder:"FILE" help:"Where decisions go, as NDJSON: what the rules that match on an event, or hold on it, come to. - is stdout."`
	Order     ordering  `enum:"watermark,eager" default:"watermark" placeholder:"ORDER" help:"When events are matched. watermark: in the order of their time, once no earlier one can come. eager: when they arrive; one that comes late, by up to --lateness, retracts or restores the alerts that it changes (${default})."`
	Lateness  duration  `default:"0s" placeholder:"D" help:"By how much an event may be older than the highest event time before it, like 10s (${default})."`
	OpenEnd   bool      `help:"Leave the windows open that are open when the input ends. Without it time runs on and all of them close."`
	MaxAhead  bound     `placeholder:"D" help:"Reject an event that is more than D ahead of the highest event time before it."`
	Budget    size      `placeholder:"SIZE" help:"How much memory the state of rules and features may take, by estimate, like 4GB; beyond that the largest take no new keys."`
	MaxErrors count     `placeholder:"N" help:"Stop with exit code 1 when N lines have been rejected or have the id of another event."`
	Misses    bool      `name:"near-misses" help:"Say in the summary how far open matches got, by rule and step, with the latest that ran out."`
	JSON      bool      `name:"json" help:"Write the summary as one JSON object."`
}

// Help is what `weir run --help` says beside the flags.
func (runCommand) Help() string {
	return `Examples:

  weir run rules/ --events payments.ndjson
  weir run rules/ --events day1.csv.gz day2.csv.gz --alerts alerts.ndjson
  weir run rules/ --events payments.ndjson --alerts alerts.ndjson --decisions decisions.ndjson
  weir run rules/ --param factor=4 --param pause=10m --events payments.ndjson
  weir run rules/ --events payments.ndjson --alerts alerts.ndjson --near-misses
  weir run rules/ --events payments.ndjson --order eager --lateness 10s
  zcat big.ndjson.gz | weir run rules/ --events - --lateness 10s --late late.ndjson

Alerts go to stdout; progress and a summary go to stderr.
Exit codes: 0 done; 1 errors in the rules, or --max-errors was reached; 2 wrong use; 3 it could not be done.`
}

// Validate refuses what no run could do.
func (c *runCommand) Validate() error {
	if len(c.Events) == 0 {
		return errors.New("no events: name them, as in --events FILE")
	}
	if err := validRules(c.Rules); err != nil {
		return err
	}
	return checkStdin(c.Events)
}

// Run reads the events and writes the alerts.
func (c *runCommand) Run(std *streams) error {
	checked, ruleFiles, err := loadRules(c.Rules, c.Params, std)
	if err != nil {
		return err
	}
	ruleset := checked.Ruleset
	if len(checked.Findings) > 0 && !c.JSON {
		fmt.Fprintf(std.err, "weir: %s in the rules; see weir check\n", amount(len(checked.Findings), "warning", "warnings"))
	}
	if len(ruleset.Rules) == 0 && !c.JSON {
		fmt.Fprintln(std.err, "weir: no rule is run: there is none, or all are disabled")
	}
	events, err := openInputs(c.Events, std)
	if err != nil {
		return err
	}
	read, err := events.reader(ruleset)
	if err != nil {
		events.close()
		return err
	}
	out, err := c.openOutputs(ruleFiles, events, std)
	if err != nil {
		events.close()
		return err
	}
	r := &run{
		decoder: cep.NewDecoder(ruleset),
		engine: cep.NewEngine(ruleset, cep.Options{
			Order:      c.Order.order(),
			Lateness:   time.Duration(c.Lateness),
			MaxAhead:   time.Duration(c.MaxAhead),
			NearMisses: c.Misses,
			Budget:     int64(c.Budget),
			// On two cores two shards, beside the goroutine that reads and decodes,
			// were no faster than one and took 25 % more CPU.
			Shards: max(1, runtime.GOMAXPROCS(0)/2),
		}),
		out: out, events: events, progress: startProgress(events, c.toStdout(), std),
		openEnd: c.OpenEnd, maxErrors: int(c.MaxErrors),
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // so that a second signal ends the process at once

	begin := time.Now()
	err = r.all(ctx, read)
	r.progress.stop()
	if closed := out.close(); err == nil {
		err = closed
	}
	sum := r.summary(ruleset, time.Since(begin))
	if c.Misses {
		sum.misses = r.engine.NearMisses()
		sum.Misses = missesOf(sum.misses)
	}
	if err != nil && !errors.As(err, new(*exitError)) {
		if sum.Events > 0 && !c.JSON && !endQuietly(err) {
			sum.Stopped = stoppedByFailure
			sum.writeText(std.err) // how far it came
		}
		return err
	}
	if !c.JSON {
		sum.writeText(std.err)
		return err
	}
	sum.writeJSON(std.err)
	var exit *exitError
	if errors.As(err, &exit) {
		return &exitError{code: exit.code} // the JSON says why, and stands alone
	}
	return err
}

// loadRules loads and checks the rules, with the params of given, and gives their
// files too, those of lists without their text. What is wrong with them has been
// written when it returns an error.
func loadRules(paths []string, given overrides, std *streams) (*rules.Checked, []source.File, error) {
	files, checked, err := checkRules(paths)
	if err != nil {
		return nil, nil, err
	}
	if checked, err = given.check(files, checked); err != nil {
		return nil, nil, err
	}
	wrong := slices.DeleteFunc(slices.Clone(checked.Findings), func(d source.Diagnostic) bool { return d.Severity != source.Error })
	if len(wrong) == 0 {
		for _, l := range checked.Lists {
			if l.File != "" {
				files = append(files, source.File{Path: l.File})
			}
		}
		return checked, files, nil
	}
	writeFindings(std.err, files, wrong)
	return nil, nil, findingsError(wrong)
}

// outputFlag is a flag that names an output.
type outputFlag struct {
	flag, name string
	info       os.FileInfo // of the file of that name; nil: there is none yet
}

// outputFlags gives the outputs that are wanted.
func (c *runCommand) outputFlags(std *streams) []outputFlag {
	var list []outputFlag
	for _, o := range []outputFlag{{flag: "--alerts", name: string(c.Alerts)}, {flag: "--late", name: string(c.Late)}, {flag: "--decisions", name: string(c.Decisions)}} {
		if o.name != "" {
			o.info = outputInfo(o.name, std)
			list = append(list, o)
		}
	}
	return list
}

// same says whether what is written to one destroys what is written to the other.
func (o *outputFlag) same(other *outputFlag) bool {
	sameName := filepath.Clean(o.name) == filepath.Clean(other.name)
	return overwritten(o.info, other.info) || sameName && (o.name == stdoutName || o.info == nil)
}

// toStdout says whether some output goes to stdout.
func (c *runCommand) toStdout() bool {
	return c.Alerts == stdoutName || c.Late == stdoutName || c.Decisions == stdoutName
}

// openOutputs creates the output files. An output that is also read, or that is
// another output, is refused before it is emptied.
func (c *runCommand) openOutputs(ruleFiles []source.File, events inputs, std *streams) (*outputs, error) {
	flags := c.outputFlags(std)
	for i := range flags {
		for k := range flags[:i] {
			if flags[i].same(&flags[k]) {
				if flags[i].name == stdoutName {
					return nil, usageError("%s and %s both go to stdout: give one of them a file", flags[i].flag, flags[k].flag)
				}
				return nil, usageError("%s and %s name the same file", flags[i].flag, flags[k].flag)
			}
		}
	}
	lost := func(read os.FileInfo) bool {
		return slices.ContainsFunc(flags, func(o outputFlag) bool { return overwritten(o.info, read) })
	}
	for _, f := range ruleFiles {
		info, err := os.Stat(f.Path)
		if err == nil && lost(info) {
			return nil, usageError("%s is one of the rule files; it would be overwritten", f.Path)
		}
	}
	for _, in := range events {
		if lost(in.info) {
			return nil, usageError("%s is one of the events files; it would be overwritten", in.name)
		}
	}
	return openOutputs(string(c.Alerts), string(c.Late), string(c.Decisions), std)
}

// run is one pass of an engine over the events.
type run struct {
	engine    *cep.Engine
	decoder   *cep.Decoder // of the goroutine that reads
	out       *outputs
	events    inputs
	progress  *progress
	openEnd   bool
	maxErrors int // 0: none

	effects   cep.Effects
	rejected  rejects
	conflicts conflicts
	decided   decisionCounts
	stopped   string // why the run ended before the input did
}

// Why a run ended before its input.
const (
	stoppedBySignal  = "signal"
	stoppedByErrors  = "max-errors"
	stoppedByFailure = "failure"
)

// all steps the engine over everything that read gives, until it ends, ctx is
// done, or too many lines are rejected. Alerts of what was read are out when it
// returns.
func (r *run) all(ctx context.Context, read blockReader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // the reader stops too if the engine has to
	feed := startFeed(ctx, read, r.decoder, r.events.close)
	for {
		b, err := feed.next(ctx)
		switch {
		case err == io.EOF:
			return r.end(cep.EndRecord)
		case errors.Is(err, context.Canceled):
			r.stopped = stoppedBySignal
			return r.end(cep.HaltRecord)
		case err != nil:
			return err
		}
		err = r.step(b)
		feed.free(b)
		if err != nil {
			return err
		}
		if r.maxErrors > 0 && r.rejected.n+r.conflicts.n >= r.maxErrors {
			r.stopped = stoppedByErrors
			return &exitError{exitFindings, errors.New("stopped after " + r.faulty())}
		}
		r.progress.update()
	}
}

// step applies a block.
func (r *run) step(b *block) error {
	r.rejected.addAll(&b.bad)
	r.effects.Reset()
	r.engine.StepBatch(&b.batch, &r.effects)
	return r.write()
}

// end tells the engine that no more events come.
func (r *run) end(kind cep.RecordKind) error {
	if r.openEnd {
		kind = cep.HaltRecord
	}
	r.effects.Reset()
	r.engine.Step([]cep.Record{{Kind: kind}}, &r.effects)
	return r.write()
}

// write writes what followed from a step.
func (r *run) write() error {
	for _, line := range r.effects.Rejected {
		if r.events[line.Source].csv {
			line.Column = 0 // it counts in the object made of the row
		}
		r.rejected.add(line)
	}
	r.conflicts.add(r.effects.Conflicts)
	r.decided.add(r.effects.Decisions)
	return r.out.write(&r.effects)
}
