package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// scripted is the service of a script.
type scripted struct {
	process *exec.Cmd // nil: none runs
	url     string
	said    bytes.Buffer // on stderr; to be read when ended is closed
	ended   chan struct{}
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
	stderr, err := c.StderrPipe()
	ts.Check(err)
	ts.Check(c.Start())
	s.process, s.ended, s.url = c, make(chan struct{}), ""
	s.said.Reset()
	ts.Defer(func() {
		if s.process != nil {
			s.process.Process.Kill()
			s.process.Wait()
			s.process = nil
		}
	})
	lines := bufio.NewScanner(stderr)
	for s.url == "" && lines.Scan() {
		s.said.WriteString(lines.Text() + "\n")
		if _, after, ok := strings.Cut(lines.Text(), `msg="weir serves" address=`); ok {
			s.url, _, _ = strings.Cut(after, " ")
		}
	}
	if s.url == "" {
		ts.Fatalf("weir serve has ended:\n%s", &s.said)
	}
	ts.Setenv("URL", s.url)
	go func() {
		defer close(s.ended)
		for lines.Scan() {
			s.said.WriteString(lines.Text() + "\n")
		}
	}()
}

// halt SIGNAL ends the service with a signal: TERM, and it must end well, or KILL.
func scriptHalt(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value("service").(*scripted)
	signals := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}
	if neg || len(args) != 1 || s.process == nil || signals[args[0]] == 0 {
		ts.Fatalf("usage: halt TERM|KILL, after serve")
	}
	ts.Check(s.process.Process.Signal(signals[args[0]]))
	<-s.ended
	err := s.process.Wait()
	s.process = nil
	if err != nil && args[0] == "TERM" {
		ts.Fatalf("weir serve: %v\n%s", err, &s.said)
	}
}

// post FILE posts events to the service, which must take them.
func scriptPost(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value("service").(*scripted)
	if neg || len(args) != 1 || s.process == nil {
		ts.Fatalf("usage: post FILE, after serve")
	}
	answer, err := http.Post(s.url+"/v1/events", "application/x-ndjson", strings.NewReader(ts.ReadFile(args[0])))
	ts.Check(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	ts.Check(err)
	if answer.StatusCode != http.StatusOK {
		ts.Fatalf("%s: %s", answer.Status, text)
	}
}
