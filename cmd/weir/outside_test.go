package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"weir/cep/stream"
	"weir/cep/stream/nodes"
)

// outsideServers starts servers that run until the test ends.
func outsideServers(t *testing.T, n int, change func(*server.Options)) *nodes.Cluster {
	t.Helper()
	c, err := nodes.Start(t.TempDir(), n, change)
	must(t, err)
	t.Cleanup(c.Close)
	return c
}

func waiting(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// outsideArgs are those of a service whose log servers have.
func outsideArgs(c *nodes.Cluster, more ...string) []string {
	return append(crashArgs("--set", "log.size=64MB", "--nats", c.URL()), more...)
}

// outsideLog is the log of servers, to be read.
func outsideLog(c *nodes.Cluster) stream.Options {
	return stream.Options{External: &stream.External{URL: c.URL(), Read: true}}
}

// TestOutsideCluster stops each of three servers in turn under load, wipes the disk of each, and
// kills the service in between. Nothing that was acked is lost, nothing is there twice, and the
// alerts are those of a replay.
func TestOutsideCluster(t *testing.T) {
	t.Parallel()
	seed := seeded(t)
	n := outsideServers(t, 3, nil)
	h := newHost(t, t.TempDir(), servedRules, outsideArgs(n)...)
	c := newCrowd(t, 6, seed)
	a := newArchive(t)
	var s *served
	begin := func() {
		if s = h.start(); !s.ready() {
			t.Fatalf("the service does not start:\n%s", s.said())
		}
		c.open(s.url, 1<<40)
	}
	begin()
	for i := range 3 {
		c.goesOn(c.count() + 500)
		n.Stop(i)
		c.goesOn(c.count() + 500)
		must(t, n.Start(i))
		must(t, n.Whole(waiting(t), "WEIR"))
		c.goesOn(c.count() + 500)
		n.Stop(i)
		must(t, n.Wipe(i))
		if i == 1 { // the service dies while one of them is away
			s.kill()
			c.open("", 0)
			begin()
		}
		c.goesOn(c.count() + 500)
		must(t, n.Start(i))
		must(t, n.Whole(waiting(t), "WEIR"))
	}
	c.goesOn(c.count() + 500)
	c.close()
	s.settled()
	s.stop()
	if strings.Contains(s.said(), "is started again") {
		t.Errorf("the log was begun anew, where it comes back by itself:\n%s", s.said())
	}
	last := a.extendFrom(t, outsideLog(n))
	a.once(t, c.ackedNow())
	a.agrees(t, h.data, last)
	var out, report bytes.Buffer
	if code := execute([]string{"replay", "--data", h.data, "--nats", n.URL()}, &streams{nil, &out, &report}); code != exitDone {
		t.Errorf("replay: exit code %d: %s", code, &report)
	}
	t.Logf("%d events acked, %d records, answers other than 200: %v", c.count(), last, c.refusals())
}

// outsideHost is a service over one server, with some events.
func outsideHost(t *testing.T, more ...string) (*nodes.Cluster, *host, *served) {
	t.Helper()
	n := outsideServers(t, 1, nil)
	h := newHost(t, t.TempDir(), servedRules, outsideArgs(n, more...)...)
	s := h.start()
	if !s.ready() {
		t.Fatalf("the service does not start:\n%s", s.said())
	}
	s.takes("a")
	return n, h, s
}

// takes posts an event that matches at once, and waits until it is stepped and the state is saved.
func (s *served) takes(id string) {
	s.t.Helper()
	at := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	lines := ""
	for i, n := range []string{"1", "9"} {
		lines += `{"type":"pay","id":"` + id + string(rune('0'+i)) + `","ts":"` + at + `","card":"` + id + `","n":` + n + "}\n"
	}
	if a, err := post(s.url, "", lines); err != nil || a.status != 200 {
		s.t.Fatalf("%+v, %v\n%s", a, err, s.said())
	}
	s.settled()
}

// waitsFor waits until /readyz gives a reason.
func (s *served) waitsFor(text string) {
	s.t.Helper()
	var r readiness
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(10 * time.Millisecond) {
		var err error
		if r, err = s.look(); err == nil && r.status == 503 && strings.Contains(strings.Join(r.Reasons, "; "), text) {
			return
		}
	}
	s.t.Fatalf("/readyz does not say %q: %+v\n%s", text, r, s.said())
}

// endsSaying waits until the service has ended, and said why.
func (s *served) endsSaying(texts ...string) {
	s.t.Helper()
	s.ended()
	for _, text := range texts {
		if !strings.Contains(s.said(), text) {
			s.t.Errorf("the service has not said %q:\n%s", text, s.said())
		}
	}
}

// meddle changes the stream of servers.
func meddle(t *testing.T, c *nodes.Cluster, do func(context.Context, jetstream.JetStream) error) {
	t.Helper()
	must(t, c.Do(func(_ *nats.Conn, js jetstream.JetStream) error { return do(waiting(t), js) }))
}

// configOf is how the stream is made.
func configOf(t *testing.T, c *nodes.Cluster) (config jetstream.StreamConfig) {
	t.Helper()
	meddle(t, c, func(ctx context.Context, js jetstream.JetStream) error {
		s, err := js.Stream(ctx, "WEIR")
		if err == nil {
			config = s.CachedInfo().Config
		}
		return err
	})
	return config
}

// TestOutsideDeleted deletes the stream under a service, and makes it again.
func TestOutsideDeleted(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]bool{"the same": false, "other limits": true} {
		t.Run(name, func(t *testing.T) {
			n, h, s := outsideHost(t)
			config := configOf(t, n)
			meddle(t, n, func(ctx context.Context, js jetstream.JetStream) error { return js.DeleteStream(ctx, "WEIR") })
			s.waitsFor("there is no stream WEIR any more")
			if other {
				was := config.MaxBytes
				config.MaxBytes = 1 << 20
				meddle(t, n, func(ctx context.Context, js jetstream.JetStream) error {
					_, err := js.CreateStream(ctx, config)
					return err
				})
				s.waitsFor("max_bytes 1048576, expected 67108864 (log.size)")
				config.MaxBytes = was
				meddle(t, n, func(ctx context.Context, js jetstream.JetStream) error {
					_, err := js.UpdateStream(ctx, config)
					return err
				})
			} else {
				meddle(t, n, func(ctx context.Context, js jetstream.JetStream) error {
					_, err := js.CreateStream(ctx, config)
					return err
				})
			}
			s.endsSaying("was deleted and made anew", "the log ends at record 0, and the oldest state that is kept is as of record")
			s = h.start()
			s.endsSaying("the log ends at record 0, and the oldest state that is kept is as of record")
			// Where it is not there, none is made behind the operator's back.
			meddle(t, n, func(ctx context.Context, js jetstream.JetStream) error { return js.DeleteStream(ctx, "WEIR") })
			s = h.start()
			s.endsSaying("there is no stream WEIR at", "and files follow it")
			// It is the operator's decision.
			var out, report bytes.Buffer
			if code := execute([]string{"state", "rebase", h.data, "--nats", n.URL(), "--reason", "test", "--yes"}, &streams{nil, &out, &report}); code != exitDone {
				t.Fatalf("rebase: exit code %d: %s", code, &report)
			}
			h.args = append(h.args, "--set", "log.size=1GB")
			if s = h.start(); !s.ready() {
				t.Fatalf("the service does not start after the rebase:\n%s", s.said())
			}
			s.takes("b")
			s.stop()
		})
	}
}

// TestOutsidePurged removes records behind the service's back.
func TestOutsidePurged(t *testing.T) {
	t.Parallel()
	n, h, s := outsideHost(t)
	meddle(t, n, func(ctx context.Context, js jetstream.JetStream) error {
		s, err := js.Stream(ctx, "WEIR")
		if err != nil {
			return err
		}
		return s.Purge(ctx)
	})
	s.endsSaying("which Weir never drops: it was purged", "which is not on the log any more")
	s = h.start()
	s.endsSaying("which is not on the log any more")
}

// TestOutsideLost puts an older copy of the server's files in place while the service runs.
func TestOutsideLost(t *testing.T) {
	t.Parallel()
	n, h, s := outsideHost(t, "--set", "state.checkpoint.every=1h")
	s.stop() // which saves a state from before the loss
	if s = h.start(); !s.ready() {
		t.Fatalf("the service does not start:\n%s", s.said())
	}
	s.settled()
	n.Stop(0)
	older := filepath.Join(t.TempDir(), "older")
	must(t, os.CopyFS(older, os.DirFS(n.Dir(0))))
	s.waitsFor("no connection to")
	must(t, n.Start(0))
	for _, id := range []string{"b", "c", "d"} {
		s.ready200()
		s.takes(id)
	}
	n.Stop(0)
	must(t, n.Wipe(0))
	must(t, os.CopyFS(n.Dir(0), os.DirFS(older)))
	must(t, n.Start(0))
	var r readiness
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > patience {
			t.Fatalf("no loss is told: %+v\n%s", r, s.said())
		}
		r, _ = s.look()
		if strings.Contains(strings.Join(r.Warned, "; "), "the log has lost its end 1 times") {
			break
		}
	}
	s.ready200()
	s.takes("e")
	if r, err := s.look(); err != nil || !strings.HasPrefix(r.Stepped, "2-") {
		t.Errorf("%+v, %v: expected the second incarnation", r, err)
	}
	s.stop()
}

// ready200 waits until the service is ready.
func (s *served) ready200() {
	s.t.Helper()
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(5 * time.Millisecond) {
		if r, err := s.look(); err == nil && r.status == 200 {
			return
		}
	}
	s.t.Fatalf("the service is not ready after %v:\n%s", patience, s.said())
}

// TestOutsideTwo starts a second service on the same servers.
func TestOutsideTwo(t *testing.T) {
	t.Parallel()
	n, h, s := outsideHost(t)
	second := newHost(t, t.TempDir(), servedRules, outsideArgs(n)...)
	s2 := second.start()
	s2.endsSaying("another weir has the log: weir "+version+", process", "end that one first")
	// One that does not answer gives way, and ends once it is awake.
	must(t, s.cmd.Process.Signal(syscall.SIGSTOP))
	if s2 = second.start(); !s2.ready() {
		t.Fatalf("the second service does not start:\n%s", s2.said())
	}
	s2.takes("b")
	must(t, s.cmd.Process.Signal(syscall.SIGCONT))
	if _, err := post(s.url, "", `{"type":"pay","id":"z","ts":"2026-01-02T03:04:05Z","card":"z","n":1}`+"\n"); err == nil {
		s.endsSaying("another weir has the log: record")
	}
	s.endsSaying("another weir has the log")
	// The first one's directory goes on where it is, once the other one has ended.
	s2.stop()
	if s = h.start(); !s.ready() {
		t.Fatalf("the first service does not start again:\n%s", s.said())
	}
	s.takes("c")
	s.stop()
}

// TestOutsideStarts starts a service before its servers.
func TestOutsideStarts(t *testing.T) {
	t.Parallel()
	n := outsideServers(t, 1, nil)
	n.Stop(0)
	h := newHost(t, t.TempDir(), servedRules, outsideArgs(n)...)
	s := h.start()
	for begun := time.Now(); !strings.Contains(s.said(), "waiting for the log"); time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > patience {
			t.Fatalf("it does not say what it waits for:\n%s", s.said())
		}
	}
	must(t, n.Start(0))
	if !s.ready() {
		t.Fatalf("the service does not start:\n%s", s.said())
	}
	s.takes("a")
	s.stop()
	// The directory follows that log, and no other.
	h.args = crashArgs()
	s = h.start()
	s.endsSaying("follows the log that nats://127.0.0.1:", "name the servers with --nats")
	own := newHost(t, t.TempDir(), servedRules, crashArgs()...)
	if s = own.start(); !s.ready() {
		t.Fatal(s.said())
	}
	s.stop()
	own.args = outsideArgs(n)
	s = own.start()
	s.endsSaying("has a log, and so none that servers have is followed there")
}
