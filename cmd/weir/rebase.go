package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"weir/cep"
	"weir/state"
)

// stateRebaseCommand is `weir state rebase`.
type stateRebaseCommand struct {
	Dir    string  `arg:"" help:"Data directory of a service that does not run."`
	Reason string  `required:"" placeholder:"TEXT" help:"Why (needed); it is kept as a notice."`
	After  *uint64 `placeholder:"N" help:"The record of the log after which events are matched on; without it the last one."`
	Yes    bool    `help:"Do not ask."`
	natsFlags
}

// Help is what `weir state rebase --help` says beside the flags.
func (stateRebaseCommand) Help() string {
	return `Examples:

  weir state rebase weir-data --reason 'the log was restored from the copy of 2 May'
  weir state rebase weir-data --reason 'a new log' --after 0 --yes

Where the log, the state and the alerts do not fit together, a service does not start: a
file was replaced, or the log has lost more than its end. Restore the files that belong
together, if there are such. Where there are none, rebase decides that the newest state and
this log are to go on as they are, as a new incarnation: records up to --after count as
matched and are not matched (again), those after it are. Alerts stored stay. What happened
between the state and that record, no rule has seen or all have seen twice: windows that
were open may miss alerts or make wrong ones. Where this log has no rules, the service puts
them on it with revision 1 when it starts; those that had another revision begin anew.

It asks before it does so on a terminal, and needs --yes else.
Exit codes: 0 done; 1 the answer was no; 2 wrong use; 3 it could not be done.`
}

// Run puts state and alerts on another place.
func (c *stateRebaseCommand) Run(std *streams) error {
	if strings.TrimSpace(c.Reason) == "" {
		return usageError("--reason: it is empty: say why")
	}
	if !c.Yes && !interactive(std.in) {
		return usageError("nobody can be asked here: add --yes, once weir state check has said what is wrong")
	}
	c.begin = true // where the stream is gone, a new one is gone on with
	data, ctx, end, err := whole(c.Dir, c.natsFlags)
	if err != nil {
		return err
	}
	defer end()
	plan, err := data.planRebase(ctx, c.After)
	if err != nil {
		return err
	}
	plan.writeText(std.err)
	if !c.Yes {
		fmt.Fprint(std.err, "Go on? yes or no: ")
		answer, _ := bufio.NewReader(std.in).ReadString('\n')
		if strings.TrimSpace(answer) != "yes" {
			return &exitError{exitFindings, errors.New("nothing was changed")}
		}
	}
	if err := data.store.Rebase(plan.mark, plan.rulesAt, operator(c.Reason)); err != nil {
		return err
	}
	fmt.Fprintf(std.err, "state and alerts go on at %s\n", plan.mark.Position)
	return nil
}

// interactive says whether somebody can be asked.
func interactive(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// rebasing is what a rebase will do.
type rebasing struct {
	fits    bool // nothing is wrong: the service would start
	mark    cep.Mark
	rulesAt uint64
	state   *state.Head  // that goes on; nil: there is none
	was     cep.Position // up to where alerts were stored
	log     *extent
}

// planRebase finds out where the files can go on.
func (o *offline) planRebase(ctx context.Context, after *uint64) (*rebasing, error) {
	e, err := extentOf(ctx, o.log, 0)
	if err != nil {
		return nil, err
	}
	was, err := o.reached()
	if err != nil {
		return nil, err
	}
	heads, err := o.store.Checkpoints()
	if err != nil {
		return nil, err
	}
	p := &rebasing{was: was.Position, log: e}
	at := e.last
	if after != nil {
		at = *after
	}
	if at > e.last {
		return nil, usageError("--after %d: the log ends at record %d", at, e.last)
	}
	if at+1 < e.whole {
		return nil, usageError("--after %d: records between it and %d are not on the log any more; the least is %d", at, e.whole, e.whole-1)
	}
	incarnation := was.Position.Incarnation
	var marks []cep.Mark
	for i := range heads {
		if heads[i].Fault != nil {
			continue
		}
		if p.state == nil {
			p.state = &heads[i]
		}
		marks = append(marks, heads[i].Mark)
		incarnation = max(incarnation, heads[i].Mark.Position.Incarnation)
	}
	_, err = cep.Recover(ctx, o.log, marks, was)
	p.fits = err == nil
	if p.state == nil && at > 0 && e.whole > 1 {
		return nil, fmt.Errorf("there is no state to go on with, and the log begins after record 1: move %s and %s away, and a new log begins", o.dir+"/"+logFolder, o.dir+"/"+stateFile)
	}
	p.mark = cep.Mark{Position: cep.Position{Incarnation: incarnation + 1, Sequence: at}, Digest: cep.UnknownDigest}
	if record, found, err := o.log.At(ctx, at); err != nil {
		return nil, err
	} else if found {
		p.mark.Sum = record.Sum()
	}
	return p, p.findRules(ctx, o)
}

// findRules finds the record of rules that stands before the place.
func (p *rebasing) findRules(ctx context.Context, o *offline) error {
	if p.state == nil || p.state.RulesAt == 0 {
		return nil
	}
	p.rulesAt = 1 // the state has rules; this log may not have their record
	controls, err := o.log.Controls(ctx)
	for _, c := range controls {
		if r, err := cep.Unpack(c.Data); err == nil && r.Kind == cep.PackedRules && c.Sequence <= p.mark.Position.Sequence {
			p.rulesAt = c.Sequence
		}
	}
	return err
}

// writeText says what will be done.
func (p *rebasing) writeText(w io.Writer) {
	if p.fits {
		fmt.Fprintln(w, "The files fit together: the service starts as they are. Nothing has to be decided.")
	}
	if p.state == nil {
		fmt.Fprintln(w, "There is no state that could go on: it begins anew.")
	} else {
		fmt.Fprintf(w, "The state as of %s goes on, as of %s.\n", p.state.Mark.Position, p.mark.Position)
	}
	fmt.Fprintf(w, "Alerts are stored up to %s; they stay, and new ones come behind them.\n", p.was)
	fmt.Fprintf(w, "Records of the log up to %d are not matched, whether they were or not; %s after it will be.\n",
		p.mark.Position.Sequence, amount(p.log.last-p.mark.Position.Sequence, "record", "records"))
}
