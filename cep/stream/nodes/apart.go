package nodes

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Variable names the file of options in the environment of a process that is to be a server.
const Variable = "WEIR_TEST_NODE"

// apart is what there is of servers that are processes of their own, with wires between each
// two of them, and between each and its clients.
type apart struct {
	command   func() *exec.Cmd
	processes []*exec.Cmd // nil: it does not run
	lives     []io.Closer // each process ends with its own
	clients   []*wire     // to each server
	routes    [][]*wire   // from each server to each other one; nil: to itself
}

// StartApart starts n servers below a directory that are processes of their own: each is what
// command makes, with Variable in its environment, and has to call Serve. Nothing of what they
// say to each other and to clients passes by the wires, which Cut and Isolate cut.
func StartApart(dir string, n int, command func() *exec.Cmd) (*Cluster, error) {
	c := &Cluster{dir: dir, servers: make([]*server.Server, n), apart: &apart{
		command: command, processes: make([]*exec.Cmd, n), lives: make([]io.Closer, n), routes: make([][]*wire, n),
	}}
	var err error
	if c.clients, err = ports(2 * n); err != nil {
		return nil, err
	}
	c.clients, c.routes = c.clients[:n], c.clients[n:]
	for i := range n {
		if err = c.wires(i); err == nil {
			err = c.Start(i)
		}
		if err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// wires starts those from a server and to it from clients.
func (c *Cluster) wires(i int) error {
	w, err := startWire(local(c.clients[i]))
	if err != nil {
		return err
	}
	c.apart.clients = append(c.apart.clients, w)
	c.apart.routes[i] = make([]*wire, len(c.routes))
	for j := range c.routes {
		if j == i {
			continue
		}
		if c.apart.routes[i][j], err = startWire(local(c.routes[j])); err != nil {
			return err
		}
	}
	return nil
}

// Serve is a server whose options are in a file. It returns with an error, or when stdin ends.
func Serve(file string) error {
	o, err := server.ProcessConfigFile(file)
	if err != nil {
		return err
	}
	o.NoSigs, o.NoLog = true, true
	s, err := server.NewServer(o)
	if err != nil {
		return err
	}
	s.Start()
	_, err = io.Copy(io.Discard, os.Stdin)
	s.Shutdown()
	s.WaitForShutdown()
	return err
}

// startApart starts the process of a server, and waits until it answers.
func (c *Cluster) startApart(i int) error {
	a := c.apart
	file := filepath.Join(c.dir, c.name(i)+".conf")
	if err := os.WriteFile(file, []byte(c.options(i)), 0o600); err != nil {
		return err
	}
	p := a.command()
	p.Env = append(os.Environ(), Variable+"="+file)
	live, err := p.StdinPipe()
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		return err
	}
	a.processes[i], a.lives[i] = p, live
	for begun := time.Now(); ; time.Sleep(look) {
		if conn, err := dial(c.direct(i)); err == nil {
			conn.Close()
			return nil
		}
		if time.Since(begun) > 30*time.Second {
			return fmt.Errorf("server %s did not start", c.name(i))
		}
	}
}

// options are those of a server. It tells nobody where it and the others are, so that nobody finds
// a way around the wires.
func (c *Cluster) options(i int) string {
	var text strings.Builder
	var routes []string
	for j, w := range c.apart.routes[i] {
		if j != i {
			routes = append(routes, strconv.Quote("nats://"+w.addr()))
		}
	}
	fmt.Fprintf(&text, "server_name: %s\nlisten: %q\n", c.name(i), local(c.clients[i]))
	fmt.Fprintf(&text, "jetstream { store_dir: %q, max_file_store: 8GB, max_memory_store: 64MB }\n", filepath.Join(c.dir, c.name(i)))
	fmt.Fprintf(&text, "cluster { name: weir, listen: %q, no_advertise: true, cluster_advertise: %q, routes: [%s] }\n", local(c.routes[i]), local(1), strings.Join(routes, ", "))
	return text.String()
}

// Kill ends the process of a server with no warning; one that does not run stays so.
func (c *Cluster) Kill(i int) error {
	a := c.apart
	p := a.processes[i]
	if p == nil {
		return nil
	}
	a.processes[i] = nil
	err := p.Process.Kill()
	_ = p.Wait() // that it was killed is no news
	a.lives[i].Close()
	return err
}

// Isolate cuts a server off from the other servers, though not from clients; false: it is with them
// again.
func (c *Cluster) Isolate(i int, cut bool) {
	for j := range c.routes {
		if j != i {
			c.apart.routes[i][j].set(cut)
			c.apart.routes[j][i].set(cut)
		}
	}
}

// Cut cuts clients off from a server, though not other servers; false: it is with them again.
func (c *Cluster) Cut(i int, cut bool) { c.apart.clients[i].set(cut) }

// close ends all processes and wires.
func (a *apart) close(c *Cluster) (err error) {
	for i := range a.processes {
		err = errors.Join(err, c.Kill(i))
	}
	for _, w := range a.clients {
		w.close()
	}
	for _, list := range a.routes {
		for _, w := range list {
			if w != nil {
				w.close()
			}
		}
	}
	return err
}
