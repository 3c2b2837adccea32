package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"

	"weir/web"
)

// publishFlags say how rules are published.
type publishFlags struct {
	DryRun   bool   `help:"Print the plan, and change nothing."`
	OnChange string `enum:",carry,drain,reset" default:"" placeholder:"carry|drain|reset" help:"What becomes of open matches of rules that change: they are carried on, end under the revision before, or are dropped. Without it they are carried on where that can be, else dropped."`
	Cold     bool   `help:"No run-in: rules that begin do not see what came before."`
	Report   bool   `name:"report-tests" help:"Tests that fail are told of, and keep nothing back."`
	changeFlags
	clientFlags
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
	return q
}

// change is a question that publishes rules.
func (f *publishFlags) change(method string, dry bool, media string, body []byte, path ...string) question {
	return question{method: method, path: path, query: f.query(dry), media: media, body: bytes.NewReader(body), who: &f.changeFlags}
}

// publish asks for a change and writes what became of it.
func (f *publishFlags) publish(std *streams, method, media string, body []byte, path ...string) error {
	var done web.RulesChanged
	if err := f.ask(f.change(method, f.DryRun, media, body, path...), &done); err != nil {
		return tell(std.err, err)
	}
	if f.JSON {
		return writeJSON(std, &done)
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
	case done.RunIn != nil:
		said = "published at " + done.Position + ", " + runInSaid(done.RunIn)
	case !done.InForce:
		said = "published at " + done.Position + ", in force once the records before it are stepped"
	}
	_, err := fmt.Fprintln(w, said)
	return err
}

// runInSaid tells how far a run-in has come.
func runInSaid(r *web.RunIn) string {
	said := fmt.Sprintf("warming: %.0f %% of the log are matched again", 100*r.Done)
	switch {
	case r.Fault != "":
		return "and the run-in has stopped: " + visible(r.Fault)
	case r.Joined != "":
		said = "in force after a run-in"
	}
	if r.Before > 0 {
		said += fmt.Sprintf("; %s before it was published, without an alert", amount(int(r.Before), "match", "matches"))
	}
	return said
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

// writeFailed names the tests that failed.
func writeFailed(w io.Writer, run *web.TestRun) {
	for _, result := range run.Results {
		var r struct {
			Name, File string
			Line       int
			Passed     bool
			Failures   []struct{ Message string }
			Findings   []string
		}
		if json.Unmarshal(result, &r) != nil || r.Passed {
			continue
		}
		fmt.Fprintf(w, "FAIL %s:%d: %s\n", visible(r.File), r.Line, visible(r.Name))
		for _, f := range r.Failures {
			fmt.Fprintf(w, "  %s\n", visible(f.Message))
		}
		for _, f := range r.Findings {
			fmt.Fprintf(w, "  %s\n", visible(f))
		}
	}
}
