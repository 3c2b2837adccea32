package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// scripted is the service of a script.
type scripted struct {
	*process // nil: none runs
	said     *transcript
}

// serve DIR RULES FLAG... starts weir serve over a data directory and waits until it
// answers; $URL is where.
func scriptServe(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value("service").(*scripted)
	if neg || len(args) < 2 || s.process != nil {
		ts.Fatalf("usage: serve DIR RULES FLAG..., one at a time")
	}
	program := ""
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if path := filepath.Join(dir, "weir"); program == "" {
			if _, err := os.Stat(path); err == nil {
				program = path
			}
		}
	}
	c := exec.Command(program, append([]string{"serve", args[1], "--data", args[0], "--listen", "127.0.0.1:0", "--set", "state.reserve=0B"}, args[2:]...)...)
	c.Dir = ts.MkAbs(".")
	c.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"))
	var err error
	s.said = new(transcript)
	s.process, err = startProcess(c, s.said)
	ts.Check(err)
	ts.Defer(func() {
		if s.process != nil {
			s.cmd.Process.Kill()
			<-s.done
			s.process = nil
		}
	})
	if <-s.up; s.url == "" {
		ts.Fatalf("weir serve has ended:\n%s", s.said)
	}
	ts.Setenv("URL", s.url)
}

// halt SIGNAL ends the service with a signal: TERM, and it must end well, or KILL.
func scriptHalt(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value("service").(*scripted)
	signals := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}
	if neg || len(args) != 1 || s.process == nil || signals[args[0]] == 0 {
		ts.Fatalf("usage: halt TERM|KILL, after serve")
	}
	ts.Check(s.cmd.Process.Signal(signals[args[0]]))
	<-s.done
	err := s.err
	s.process = nil
	if err != nil && args[0] == "TERM" {
		ts.Fatalf("weir serve: %v\n%s", err, s.said)
	}
}

// post FILE posts events to the service, which must take them.
func scriptPost(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value("service").(*scripted)
	if neg || len(args) != 1 || s.process == nil {
		ts.Fatalf("usage: post FILE, after serve")
	}
	status, _, said, err := postEvents(http.DefaultClient, s.url+"/v1/events", []byte(ts.ReadFile(args[0])))
	ts.Check(err)
	if status != http.StatusOK {
		ts.Fatalf("%d %s", status, said)
	}
}
