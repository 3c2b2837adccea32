// Weir finds patterns over time in streams of events. The command runs rules
// over files of events; docs/running.md describes it.
package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes. Scripts rely on them.
const (
	exitDone     = 0
	exitFindings = 1 // errors in rules, --max-errors was reached
	exitUsage    = 2 // wrong use of the command line
	exitFailed   = 3 // it could not be done: file, disk
)

// commands is the command line as a whole, one field a subcommand.
type commands struct {
	Serve      serveCommand      `cmd:"" help:"Run rules as a service: events come in over HTTP, alerts are kept."`
	Apply      applyCommand      `cmd:"" help:"Put rules in the place of those of a running service, after a plan."`
	Rules      rulesCommand      `cmd:"" help:"Show and change the rules of a running service."`
	Tail       tailCommand       `cmd:"" help:"Follow the alerts of a running service."`
	Alerts     alertsCommand     `cmd:"" help:"Show the alerts that a running service has stored."`
	Lists      listsCommand      `cmd:"" help:"Show and change the lists of a running service."`
	Replay     replayCommand     `cmd:"" help:"Fold the log of a service again and compare the alerts with those stored."`
	State      stateCommand      `cmd:"" help:"Check, show and repair the files of a service."`
	Run        runCommand        `cmd:"" help:"Run rules over files of events and print the alerts."`
	Check      checkCommand      `cmd:"" help:"Find what is wrong or doubtful in rules."`
	Explain    explainCommand    `cmd:"" help:"Say in plain English what rules do."`
	Test       testCommand       `cmd:"" help:"Run the tests that stand beside rules."`
	Trace      traceCommand      `cmd:"" help:"Follow one key through a rule: what each open match did with each event, and why."`
	Fmt        fmtCommand        `cmd:"" help:"Write rules and tests in their canonical form."`
	New        newCommand        `cmd:"" help:"Write a first ruleset, with the schema of your events."`
	Demo       demoCommand       `cmd:"" help:"Run the shipped rules over bundled samples and show what they find."`
	Completion completionCommand `cmd:"" help:"Print a script that completes commands in bash, zsh or fish."`
	Bench      benchCommand      `cmd:"" help:"Time Weir on this machine."`
	Config     configCommand     `cmd:"" help:"Print the settings of the service that are in effect."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
}

// streams are the standard streams of the process.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// exitError ends the program with a code other than exitFailed, which any
// other error stands for.
type exitError struct {
	code int
	err  error // nil: what is to be said has been said
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usageError(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

func main() {
	// A reader of stdout that has seen enough (head) is no failure. Ignored,
	// the signal becomes the error EPIPE of the write, which endQuietly knows.
	signal.Ignore(syscall.SIGPIPE)
	std := &streams{os.Stdin, os.Stdout, os.Stderr}
	os.Exit(execute(os.Args[1:], std))
}

// execute runs one command line and returns the exit code.
func execute(args []string, std *streams) int {
	var cmds commands
	parser := kong.Must(&cmds,
		kong.Name("weir"),
		kong.Description("Weir finds patterns over time in streams of events: rules for fraud and risk."),
		kong.Writers(std.out, std.err),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	ctx, err := parser.Parse(args)
	if errors.As(err, new(*fs.PathError)) {
		return exitCode(err, std) // the help could not be written
	}
	if err != nil {
		hint := "see weir --help"
		if strings.Contains(err.Error(), "<rules>") && slices.Contains(args, "--events") {
			hint = "rules stand before --events, which takes every name after it"
		}
		fmt.Fprintf(std.err, "weir: %v; %s\n", err, hint)
		return exitUsage
	}
	return exitCode(ctx.Run(std), std)
}

// exitCode reports what a command returned and gives the code it ends with.
func exitCode(err error, std *streams) int {
	var exit *exitError
	switch {
	case err == nil, endQuietly(err):
		return exitDone
	case errors.As(err, &exit):
		if exit.err != nil {
			fmt.Fprintf(std.err, "weir: %v\n", exit.err)
		}
		return exit.code
	}
	fmt.Fprintf(std.err, "weir: %v\n", err)
	return exitFailed
}

// endQuietly says whether err only means that nobody reads the output any more.
func endQuietly(err error) bool { return errors.Is(err, syscall.EPIPE) }
