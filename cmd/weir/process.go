package main

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"syscall"
)

// process is a `weir serve` in a process of its own.
type process struct {
	cmd  *exec.Cmd
	up   chan struct{} // closed when it serves, or has ended before
	url  string        // where it serves; to be read once up is closed; empty: it has ended before
	nats string        // where NATS clients connect to it, likewise; empty: nowhere
	took string        // the phases of its start, as it says them; likewise
	done chan struct{} // closed when it has ended
	err  error         // with which
}

// servesAt is what a service says on stderr once it serves.
var servesAt = regexp.MustCompile(`msg="weir serves" address=(\S+) data=\S+ rules=\d+ ?(.*)`)

// natsAt is what it says of the port for NATS clients, before that.
var natsAt = regexp.MustCompile(`msg="weir takes events from NATS clients" nats=(\S+)`)

// startProcess starts a command that is `weir serve`. What it says on stderr goes to said.
func startProcess(c *exec.Cmd, said io.Writer) (*process, error) {
	out, err := c.StderrPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		return nil, err
	}
	p := &process{cmd: c, up: make(chan struct{}), done: make(chan struct{})}
	go p.listen(io.TeeReader(out, said))
	return p, nil
}

// startServing is startProcess that waits until the service serves.
func startServing(c *exec.Cmd, said *tail) (*process, error) {
	p, err := startProcess(c, said)
	if err != nil {
		return nil, err
	}
	if <-p.up; p.url == "" {
		return nil, fmt.Errorf("the service did not start: %w\n%s", p.err, said.Bytes())
	}
	return p, nil
}

// listen takes in what the service says until it ends.
func (p *process) listen(said io.Reader) {
	lines := bufio.NewScanner(said)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if m := natsAt.FindStringSubmatch(lines.Text()); m != nil && p.url == "" {
			p.nats = m[1]
		}
		if m := servesAt.FindStringSubmatch(lines.Text()); m != nil && p.url == "" {
			p.url, p.took = m[1], m[2]
			close(p.up)
		}
	}
	p.err = p.cmd.Wait()
	close(p.done)
	if p.url == "" {
		close(p.up)
	}
}

// kill ends the service as a crash would.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// stop ends the service as a user would.
func (p *process) stop() error {
	p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.done
	return p.err
}
