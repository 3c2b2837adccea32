package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"weir/cep"
	"weir/state"
)

// stateCommand is `weir state`.
type stateCommand struct {
	Check   stateCheckCommand   `cmd:"" help:"Check all files of a data directory, and whether they fit together."`
	Inspect stateInspectCommand `cmd:"" help:"Show what a data directory has."`
	Export  stateExportCommand  `cmd:"" help:"Write alerts, events, or what was not matched, as NDJSON."`
	Rebase  stateRebaseCommand  `cmd:"" help:"Go on with files that do not fit together, as they are."`
	Ack     stateAckCommand     `cmd:"" help:"Acknowledge that the log has lost something."`
}

// Help is what `weir state --help` says.
func (stateCommand) Help() string {
	return `These commands are for a data directory whose service does not run: they take its
lock, and are refused while a service has it.`
}

// whole opens a data directory with its log.
func whole(dir string, from natsFlags) (*offline, context.Context, func(), error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	data, err := openOffline(dir)
	if err == nil {
		if err = data.openLog(ctx, from); err != nil {
			data.close()
		}
	}
	if err != nil {
		stop()
		return nil, nil, nil, err
	}
	return data, ctx, func() { data.close(); stop() }, nil
}

// stateCheckCommand is `weir state check`.
type stateCheckCommand struct {
	Dir string `arg:"" help:"Data directory of a service that does not run."`
	natsFlags
}

// Help is what `weir state check --help` says beside the flags.
func (stateCheckCommand) Help() string {
	return `Example:

  weir state check weir-data

Reads all of alerts.db, state.db and the log, checks every checksum, and compares how far
the files have come. Nothing is changed: the log is copied to the folder for temporary
files (TMPDIR) and read there.
Exit codes: 0 nothing was found; 1 findings; 2 wrong use; 3 it could not be done.`
}

// stateFinding is something that `weir state check` found.
type stateFinding struct{ what, then string }

// Run checks.
func (c *stateCheckCommand) Run(std *streams) error {
	data, ctx, end, err := whole(c.Dir, c.natsFlags)
	if err != nil {
		if errors.Is(err, state.ErrDamaged) || errors.Is(err, state.ErrFormat) || errors.Is(err, state.ErrForeign) {
			fmt.Fprintf(std.out, "%v\n", err)
			return &exitError{code: exitFindings}
		}
		return err
	}
	defer end()
	var found []stateFinding
	for _, f := range data.store.Check() {
		found = append(found, stateFinding{f.Error(), "restore the file from a backup; a state.db that is moved away is made anew from the log, if the log begins with record 1"})
	}
	rebased, err := rebasedAt(data.store)
	if err != nil {
		return err
	}
	e, err := extentOf(ctx, data.log, rebased.Sequence)
	if err != nil {
		return err
	}
	if e.gaps.runs > 0 {
		found = append(found, stateFinding{
			e.gaps.missing(),
			"what the state has seen hinders nothing but looking back; restore the log from a backup, with the files that belong to it, where that is needed",
		})
	}
	fit, err := data.fit(ctx, e)
	if err != nil {
		return err
	}
	found = append(found, fit...)
	for _, f := range found {
		fmt.Fprintf(std.out, "%s\n    %s\n", f.what, f.then)
	}
	if len(found) > 0 {
		return &exitError{exitFindings, fmt.Errorf("%s: %s", c.Dir, amount(len(found), "finding", "findings"))}
	}
	mark, err := data.reached()
	if err != nil {
		return err
	}
	fmt.Fprintf(std.err, "%s: no finding; %s on the log, effects are stored up to %s of %s\n", c.Dir,
		amount(e.records, "record", "records"), mark.Position, cep.Position{Incarnation: mark.Position.Incarnation, Sequence: e.last})
	return nil
}

// fit compares how far the files have come, as a service does when it starts.
func (o *offline) fit(ctx context.Context, e *extent) ([]stateFinding, error) {
	heads, err := o.store.Checkpoints()
	if err != nil {
		return nil, err
	}
	mark, err := o.reached()
	if err != nil {
		return nil, err
	}
	var found []stateFinding
	marks := make([]cep.Mark, 0, len(heads))
	for _, h := range heads {
		if h.Fault == nil {
			marks = append(marks, h.Mark)
		}
		if h.Fault == nil && behind(h.Mark.Position, mark.Position) {
			found = append(found, stateFinding{
				fmt.Sprintf("checkpoint %d is as of %s, and alerts are stored up to %s only: alerts.db is an older copy, or state.db belongs to another one", h.Number, h.Mark.Position, mark.Position),
				"the service passes this checkpoint over; what is between is folded again",
			})
		}
	}
	r, err := cep.Recover(ctx, o.log, marks, mark)
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return append(found, stateFinding{err.Error(), "the service does not start"}), nil
	}
	if r.Lost != nil {
		found = append(found, stateFinding{
			fmt.Sprintf("the log ends at record %d, and effects of records up to %d are kept: it has lost its end", r.Lost.After, r.Lost.Until),
			"the service goes back to a checkpoint before that, marks alerts from there as unlogged, and goes on as incarnation " + fmt.Sprint(r.Incarnation),
		})
	}
	begin := uint64(1)
	if r.From >= 0 {
		begin = marks[r.From].Position.Sequence + 1
	}
	if begin < e.whole && e.whole <= e.last {
		found = append(found, stateFinding{
			fmt.Sprintf("the log has no records between %d, where the state ends, and %d", begin, e.whole),
			"the service does not start; restore the state file or the log, or see weir state rebase",
		})
	}
	losses, err := o.store.Losses()
	for _, l := range losses {
		if l.AckedAt == 0 {
			found = append(found, stateFinding{
				fmt.Sprintf("%s of the log were lost after %s, with %s, found at %s", amount(l.Records, "record", "records"), l.From, amount(l.Alerts, "alert", "alerts"), cep.FormatTime(l.At)),
				"weir state ack says that somebody knows",
			})
		}
	}
	return found, err
}

// stateAckCommand is `weir state ack`.
type stateAckCommand struct {
	Dir    string `arg:"" help:"Data directory of a service that does not run."`
	Reason string `required:"" placeholder:"TEXT" help:"Why it may be (needed); it stands beside the loss."`
}

// Help is what `weir state ack --help` says beside the flags.
func (stateAckCommand) Help() string {
	return `Example:

  weir state ack weir-data --reason 'power cut of 2 May; the gateway has sent its events again'

Acknowledges all losses of the log so far, so that /readyz does not warn of them any more.
Of a service that runs, POST /v1/losses/ack does it.
Exit codes: 0 done; 2 wrong use; 3 it could not be done.`
}

// Run acknowledges.
func (c *stateAckCommand) Run(std *streams) error {
	if strings.TrimSpace(c.Reason) == "" {
		return usageError("--reason: it is empty: say why the loss may be")
	}
	data, err := openOffline(c.Dir)
	if err != nil {
		return err
	}
	defer data.close()
	n, err := data.store.AckLosses(operator(c.Reason), time.Now().UnixNano())
	if err != nil {
		return err
	}
	fmt.Fprintf(std.err, "%s acknowledged\n", amount(n, "loss", "losses"))
	return nil
}
