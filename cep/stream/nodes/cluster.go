// Package nodes runs NATS servers with JetStream for tests, as they would run elsewhere: one
// alone or several as a cluster, on ports of the loopback address, each in a directory of its
// own. Each can be stopped, started again, and lose its disk; those that are processes of their own
// can be killed, and cut off from each other and from clients.
package nodes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// look is how often is looked again at what is waited for.
const look = 20 * time.Millisecond

// Cluster is a number of servers. Its methods are for one goroutine at a time.
type Cluster struct {
	dir     string
	change  func(*server.Options)
	clients []int // ports
	routes  []int
	servers []*server.Server // nil: stopped
	apart   *apart           // nil: they are in this process
}

// Start starts n servers below a directory. change may change what each is started with; nil:
// nothing is.
func Start(dir string, n int, change func(*server.Options)) (*Cluster, error) {
	c := &Cluster{dir: dir, change: change, servers: make([]*server.Server, n)}
	var err error
	if c.clients, err = ports(2 * n); err != nil {
		return nil, err
	}
	c.clients, c.routes = c.clients[:n], c.clients[n:]
	for i := range n {
		if err := c.Start(i); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// ports finds ports that nobody uses.
func ports(n int) ([]int, error) {
	list := make([]int, n)
	for i := range list {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		list[i] = l.Addr().(*net.TCPAddr).Port
	}
	return list, nil
}

// URL names all servers, as clients do.
func (c *Cluster) URL() string {
	var list []string
	for i := range c.clients {
		list = append(list, c.Server(i))
	}
	return strings.Join(list, ",")
}

// Server is the URL of one server.
func (c *Cluster) Server(i int) string {
	if c.apart != nil {
		return "nats://" + c.apart.clients[i].addr()
	}
	return c.direct(i)
}

// direct is the URL of one server, whatever lies in between for others.
func (c *Cluster) direct(i int) string { return "nats://" + local(c.clients[i]) }

func local(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

func (c *Cluster) name(i int) string { return "n" + strconv.Itoa(i+1) }

// Start starts a server that does not run.
func (c *Cluster) Start(i int) error {
	if c.apart != nil {
		return c.startApart(i)
	}
	o := &server.Options{
		ServerName: c.name(i), Host: "127.0.0.1", Port: c.clients[i], NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: filepath.Join(c.dir, c.name(i)), JetStreamMaxStore: 8 << 30, JetStreamMaxMemory: 64 << 20,
	}
	if len(c.clients) > 1 {
		o.Cluster = server.ClusterOpts{Name: "weir", Host: "127.0.0.1", Port: c.routes[i]}
		for j, port := range c.routes {
			if j != i {
				o.Routes = append(o.Routes, &url.URL{Scheme: "nats", Host: "127.0.0.1:" + strconv.Itoa(port)})
			}
		}
	}
	if c.change != nil {
		c.change(o)
	}
	s, err := server.NewServer(o)
	if err != nil {
		return err
	}
	go s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		s.Shutdown()
		s.WaitForShutdown()
		return fmt.Errorf("server %s did not start", c.name(i))
	}
	c.servers[i] = s
	return nil
}

// Stop stops a server; one that is stopped stays so.
func (c *Cluster) Stop(i int) {
	if s := c.servers[i]; s != nil {
		c.servers[i] = nil
		s.Shutdown()
		s.WaitForShutdown()
	}
}

// Wipe removes all that a stopped server has on its disk.
func (c *Cluster) Wipe(i int) error { return os.RemoveAll(filepath.Join(c.dir, c.name(i))) }

// Dir is where a server has its files.
func (c *Cluster) Dir(i int) string { return filepath.Join(c.dir, c.name(i)) }

// Close stops all servers.
func (c *Cluster) Close() {
	if c.apart != nil {
		_ = c.apart.close(c) // they end with this process at the latest
		return
	}
	for i := range c.servers {
		c.Stop(i)
	}
}

// Do calls a function with a connection to a server that runs.
func (c *Cluster) Do(do func(*nats.Conn, jetstream.JetStream) error) error {
	var list []string
	for i := range c.clients {
		list = append(list, c.direct(i))
	}
	conn, err := dial(strings.Join(list, ","))
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	return do(conn, js)
}

// dial connects to one of some servers.
func dial(urls string) (*nats.Conn, error) { return nats.Connect(urls, nats.NoReconnect()) }

// Leader says which server leads a stream; it waits until one does.
func (c *Cluster) Leader(ctx context.Context, stream string) (int, error) {
	leader := -1
	err := c.until(ctx, stream, func(i *jetstream.StreamInfo) bool {
		if i.Cluster == nil {
			leader = 0
			return true
		}
		for n := range c.clients {
			if c.name(n) == i.Cluster.Leader {
				leader = n
			}
		}
		return leader >= 0
	})
	return leader, err
}

// Whole waits until all replicas of a stream have all of it.
func (c *Cluster) Whole(ctx context.Context, stream string) error {
	return c.until(ctx, stream, func(i *jetstream.StreamInfo) bool {
		if i.Cluster == nil || i.Cluster.Leader == "" || len(i.Cluster.Replicas) != i.Config.Replicas-1 {
			return i.Cluster == nil
		}
		for _, p := range i.Cluster.Replicas {
			if !p.Current || p.Offline {
				return false
			}
		}
		return true
	})
}

// until waits until a stream is as it is to be.
func (c *Cluster) until(ctx context.Context, stream string, is func(*jetstream.StreamInfo) bool) error {
	last := errors.New("it is not as it is to be")
	for {
		err := c.Do(func(_ *nats.Conn, js jetstream.JetStream) error {
			ask, cancel := context.WithTimeout(ctx, 2*time.Second)
			defer cancel()
			s, err := js.Stream(ask, stream)
			if err != nil {
				return err
			}
			if !is(s.CachedInfo()) {
				return last
			}
			return nil
		})
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("stream %s: %w: %w", stream, ctx.Err(), err)
		case <-time.After(look):
		}
	}
}
