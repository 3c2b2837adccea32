package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"

	"weir/web"
)

// publishFlags say how rules are published.
type publishFlags struct {
	DryRun   bool   `help:"Print the plan, and change nothing."`
	OnChange string `enum:",carry,drain,reset" default:"" placeholder:"carry|drain|reset" help:"What becomes of open matches of rules that change: they are carried on, end under the revision before, or are dropped. Without it they are carried on where that can be, else dropped."`
	Cold     bool   `help:"No run-in: rules that begin do not see what came before."`
	Report   bool   `name:"report-tests" help:"Tests that fail are told of, and keep nothing back."`
	Reason   string `placeholder:"TEXT" help:"Why, for those who come later: it is kept with the change."`
	JSON     bool   `name:"json" help:"Write the answer of the service as one JSON object."`
}

// query is what is asked for.
func (f *publishFlags) query(dry bool) url.Values {
	q := url.Values{}
	set := func(on bool, name, value string) {
		if on {
			q.Set(name, value)
		}
	}
	set(dry, "dry_run", "true")
	set(f.OnChange != "", "on_change", f.OnChange)
	set(f.Cold, "warm", "false")
	set(f.Report, "tests", "report")
	set(f.Reason != "", "reason", f.Reason)
	return q
}

// publish asks for a change and writes what became of it.
func (f *publishFlags) publish(std *streams, r *remote, method, path, media string, body []byte) error {
	header := http.Header{}
	if media != "" {
		header.Set("Content-Type", media)
	}
	var done web.RulesChanged
	if err := r.ask(std, remoteRequest{method, path, f.query(f.DryRun), header, body}, &done); err != nil {
		return err
	}
	if f.JSON {
		return writeJSON(std.out, &done)
	}
	return writeChanged(std.out, &done, f.DryRun)
}

// writeChanged writes what became of a change, for a person.
func writeChanged(w io.Writer, done *web.RulesChanged, dry bool) error {
	if done.Unchanged {
		_, err := fmt.Fprintln(w, "nothing is to be changed")
		return err
	}
	if err := writePlan(w, done); err != nil {
		return err
	}
	said := "published at " + done.Position + ", in force"
	switch {
	case dry:
		said = "nothing was changed: it is a dry run"
	case !done.InForce:
		said = "published at " + done.Position + ", in force once the records before it are stepped"
	}
	_, err := fmt.Fprintln(w, said)
	return err
}

// writePlan writes a plan and what came of tests.
func writePlan(w io.Writer, done *web.RulesChanged) error {
	for _, d := range done.Warnings {
		fmt.Fprintf(w, "%s:%d:%d: %s[%s]: %s\n", visible(d.File), d.Line, d.Column, d.Severity, d.Code, visible(d.Message))
	}
	if t := done.Tests; t != nil {
		writeFailed(w, t)
		fmt.Fprintf(w, "tests: %d of %d pass\n", t.Passed, t.Tests)
	}
	for _, line := range planLines(&done.Plan) {
		if _, err := fmt.Fprintln(w, visible(line)); err != nil {
			return err
		}
	}
	return nil
}
