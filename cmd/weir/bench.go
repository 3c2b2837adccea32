package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"weir/bench"
	"weir/cep/stream"
)

// benchCommand is `weir bench`.
type benchCommand struct {
	Serve   benchServeCommand   `cmd:"" help:"Time the service: events over HTTP to alerts stored."`
	Restart benchRestartCommand `cmd:"" help:"Time restarts after a crash, with a full log."`
}

// benchServeCommand is `weir bench serve`.
type benchServeCommand struct {
	Duration   duration `default:"30s" placeholder:"D" help:"How long events are sent (${default})."`
	Rate       uint64   `placeholder:"N" help:"Events a second; without it as many as are taken."`
	Rules      int      `default:"100" help:"Rules; one of them matches one event in a hundred (${default})."`
	Clients    int      `default:"8" help:"Connections, each of which has one request under way (${default})."`
	Body       int      `default:"1000" help:"Events in a request (${default})."`
	NATS       bool     `name:"nats" help:"Publish over NATS instead: --body events a message, 4096 messages or 4 MB of a client under way."`
	Durability string   `default:"fsync" enum:"fsync,interval" help:"As the setting log.durability (${default})."`
	Readers    int      `placeholder:"N" help:"Readers that follow the alerts at /v1/stream meanwhile."`
	Follow     string   `placeholder:"RULE" help:"The rule whose alerts they follow; without it all."`
	Zstd       bool     `help:"They take what comes packed by zstd."`
	Data       string   `placeholder:"DIR" help:"Data directory, a new one; without it a temporary one that is deleted."`
	Profile    file     `placeholder:"FILE" help:"Write a CPU profile of the service."`
	JSON       bool     `name:"json" help:"Write the figures as one JSON object."`
}

// Help is what `weir bench serve --help` says beside the flags.
func (benchServeCommand) Help() string {
	return `Examples:

  weir bench serve
  weir bench serve --duration 10m --durability interval
  weir bench serve --rate 1000 --body 1 --clients 16
  weir bench serve --nats --clients 2 --body 1
  weir bench serve --readers 1000 --follow large

The service is a process of its own; the clients are in this one, and take part of the same
processors. An event counts as received when its request is answered.`
}

// benchFigures are what a run measured.
type benchFigures struct {
	Seconds    float64 `json:"seconds"`
	Events     uint64  `json:"events"`
	Rate       float64 `json:"events_per_second"`
	Requests   uint64  `json:"requests"`
	Refused    uint64  `json:"refused"` // 429 or 503
	P50        float64 `json:"request_p50_ms"`
	P99        float64 `json:"request_p99_ms"`
	LagP99     float64 `json:"lag_p99_seconds"` // of the times at which it was asked for
	LagMost    float64 `json:"lag_most_seconds"`
	LagEnd     float64 `json:"lag_end_seconds"`
	CaughtUp   float64 `json:"caught_up_seconds"` // after the last answer, until all was stepped
	Stepped    float64 `json:"stepped_per_second"`
	Alerts     uint64  `json:"alerts"`
	CPU        float64 `json:"service_cpu_seconds"`
	ClientsCPU float64 `json:"clients_cpu_seconds"` // of this process: clients and readers
	MemoryEnd  uint64  `json:"memory_end_bytes"`
	MemoryMost uint64  `json:"memory_most_bytes"`
	Durability string  `json:"durability"`
	Readers    int     `json:"readers,omitempty"`
	Streamed   uint64  `json:"streamed_bytes,omitempty"` // to all readers
	Dropped    uint64  `json:"readers_dropped,omitempty"`

	lags []float64
}

// Run starts a service, sends it events and reports how it did.
func (c *benchServeCommand) Run(std *streams) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	dir := c.Data
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "weir-bench-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	said := &tail{}
	s, err := c.start(dir, said)
	if err != nil {
		return err
	}
	defer s.stop()
	f, err := c.measure(ctx, s, dir)
	if err != nil {
		return fmt.Errorf("%w\nthe service said last:\n%s", err, said.Bytes())
	}
	if err := s.stop(); err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(std.out).Encode(f)
	}
	f.write(std.out)
	return nil
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	end []byte
}

// tailBytes is how much of it.
const tailBytes = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, p...)
	t.end = t.end[max(0, len(t.end)-tailBytes):]
	return len(p), nil
}

// Bytes gives what is kept.
func (t *tail) Bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.end)
}

func (c *benchServeCommand) start(dir string, said *tail) (*process, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "rules.yaml")
	if err := os.WriteFile(file, []byte(bench.CardRules(c.Rules)), 0o600); err != nil {
		return nil, err
	}
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	serve := exec.Command(
		binary, "serve", file, "--listen", "127.0.0.1:0", "--data", benchData(dir),
		"--set", "log.durability="+c.Durability, "--set", "alerts.per_rule_minute=1000000000", "--set", "state.reserve=0B",
	)
	if c.NATS {
		serve.Args = append(serve.Args, "--nats-listen", "127.0.0.1:0")
	}
	if c.Profile != "" {
		serve.Env = append(os.Environ(), profileVariable+"="+string(c.Profile))
	}
	return startServing(serve, said)
}

// benchData is the data directory of a service that is timed.
func benchData(dir string) string { return filepath.Join(dir, "data") }

// measure sends events from all clients and watches the service.
func (c *benchServeCommand) measure(ctx context.Context, s *process, dir string) (*benchFigures, error) {
	f := &benchFigures{Durability: c.Durability}
	run := func(t *sender, ctx context.Context, number int, begin time.Time, sent *atomic.Uint64) error {
		return t.run(ctx, c, s, number, begin, sent)
	}
	if c.NATS {
		url, err := natsURL(&settings{Data: benchData(dir), NatsListen: s.nats}, stream.ProducerUser)
		if err != nil {
			return nil, err
		}
		run = func(t *sender, ctx context.Context, number int, begin time.Time, sent *atomic.Uint64) error {
			return t.publish(ctx, c, url, number, begin, sent)
		}
	}
	if c.Readers > 0 {
		readers, err := startReaders(ctx, s.url+"/v1/stream", c.Readers, c.Follow, c.Zstd)
		if err != nil {
			return nil, err
		}
		defer func() {
			f.Readers, f.Streamed, f.Dropped = c.Readers, readers.bytes.Load(), readers.ended.Load()
			readers.end()
		}()
	}
	begin, spent := time.Now(), processorTime()
	sending, cancel := context.WithDeadline(ctx, begin.Add(time.Duration(c.Duration)))
	defer cancel()
	senders := make([]sender, c.Clients)
	var wait sync.WaitGroup
	var sent atomic.Uint64
	failed := make(chan error, c.Clients)
	for i := range senders {
		wait.Go(func() {
			if err := run(&senders[i], sending, i, begin, &sent); err != nil {
				failed <- err
				cancel()
			}
		})
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for sending.Err() == nil {
			f.look(s)
			select {
			case <-sending.Done():
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	wait.Wait()
	<-watched
	select {
	case err := <-failed:
		return nil, err
	default:
	}
	end := time.Now()
	f.Seconds = end.Sub(begin).Seconds()
	f.Events = sent.Load()
	f.Rate = float64(f.Events) / f.Seconds
	var took []time.Duration
	for i := range senders {
		took = append(took, senders[i].took...)
		f.Refused += senders[i].refused
		f.Requests += senders[i].published
	}
	slices.Sort(f.lags)
	if n := len(f.lags); n > 0 {
		f.LagP99 = f.lags[n*99/100]
	}
	slices.Sort(took)
	if n := len(took); n > 0 {
		f.P50, f.P99 = took[n/2].Seconds()*1e3, took[n*99/100].Seconds()*1e3
	}
	first := true
	for ctx.Err() == nil {
		ready, err := f.look(s)
		if err != nil {
			return nil, err
		}
		if first {
			f.LagEnd, first = ready.Lag, false
		}
		if ready.Stepped == ready.End {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	f.CaughtUp = time.Since(end).Seconds()
	f.Stepped = float64(f.Events) / time.Since(begin).Seconds()
	f.ClientsCPU = (processorTime() - spent).Seconds()
	return f, f.count(s)
}

// sender is a client.
type sender struct {
	took      []time.Duration
	published uint64 // requests, or messages
	refused   uint64
}

// run sends requests one after the other.
func (t *sender) run(ctx context.Context, c *benchServeCommand, s *process, number int, begin time.Time, sent *atomic.Uint64) error {
	cards := bench.NewCards(fmt.Sprintf("%c", 'a'+number%26)+strconv.Itoa(number)+"-", uint64(number)+1)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	var body []byte
	for ctx.Err() == nil {
		if c.Rate > 0 {
			due := begin.Add(time.Duration(float64(sent.Load()) / float64(c.Rate) * 1e9))
			if wait := time.Until(due); wait > 0 {
				time.Sleep(min(wait, 10*time.Millisecond))
				continue
			}
		}
		body = body[:0]
		now := time.Now()
		for range c.Body {
			body = cards.AppendJSON(body, now.UnixMilli())
		}
		for {
			begun := time.Now()
			status, after, said, err := postEvents(client, s.url+"/v1/events", body)
			if err != nil {
				return err
			}
			later := status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable // a disk that is busy
			if later && ctx.Err() == nil {
				t.refused++
				time.Sleep(min(after, time.Second))
				continue
			}
			if status == http.StatusOK {
				t.took = append(t.took, time.Since(begun))
				t.published++
				sent.Add(uint64(c.Body))
			} else if !later {
				return fmt.Errorf("the service answered %d: %s", status, said)
			}
			break
		}
	}
	return nil
}

// postEvents posts events and gives the status, of a refusal when to try again, and the answer.
func postEvents(client *http.Client, url string, body []byte) (status int, after time.Duration, said []byte, err error) {
	r, err := client.Post(url, "application/x-ndjson", bytes.NewReader(body))
	if err != nil {
		return 0, 0, nil, err
	}
	defer r.Body.Close()
	said, err = io.ReadAll(r.Body)
	seconds, _ := strconv.Atoi(r.Header.Get("Retry-After"))
	return r.StatusCode, time.Duration(seconds) * time.Second, said, err
}

// benchReady is what /readyz says.
type benchReady struct {
	Stepped string  `json:"stepped"`
	End     string  `json:"end"`
	Lag     float64 `json:"lag_seconds"`
}

// look takes note of the lag and memory of the service.
func (f *benchFigures) look(s *process) (*benchReady, error) {
	r, err := http.Get(s.url + "/readyz")
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	ready := new(benchReady)
	if err := json.NewDecoder(r.Body).Decode(ready); err != nil {
		return nil, err
	}
	f.LagMost = max(f.LagMost, ready.Lag)
	f.lags = append(f.lags, ready.Lag)
	if m, err := memoryOf(s.cmd.Process.Pid); err == nil {
		f.MemoryEnd, f.MemoryMost = m, max(f.MemoryMost, m)
	}
	return ready, nil
}

// memoryOf is the memory of a process that is in use, in bytes, where the system has /proc. Pages
// of mapped files are not in it: they are the page cache's, which takes them back as it needs.
func memoryOf(pid int) (uint64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 3 {
		return 0, errors.New("statm has another form")
	}
	resident, err := strconv.ParseUint(fields[1], 10, 64)
	mapped, err2 := strconv.ParseUint(fields[2], 10, 64)
	return (resident - min(resident, mapped)) * uint64(os.Getpagesize()), errors.Join(err, err2)
}

// count reads what the service has counted.
func (f *benchFigures) count(s *process) error {
	r, err := http.Get(s.url + "/metrics")
	if err != nil {
		return err
	}
	defer r.Body.Close()
	lines := bufio.NewScanner(r.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		x, _ := strconv.ParseFloat(value, 64)
		switch {
		case strings.HasPrefix(name, "weir_rule_alerts{"):
			f.Alerts += uint64(x)
		case name == "process_cpu_seconds_total":
			f.CPU = x
		}
	}
	return lines.Err()
}

func (f *benchFigures) write(w io.Writer) {
	fmt.Fprintf(w, "%.0f events/s over %.0f s (%d events in %d requests, %d refused), durability %s\n", f.Rate, f.Seconds, f.Events, f.Requests, f.Refused, f.Durability)
	fmt.Fprintf(w, "requests: p50 %.1f ms, p99 %.1f ms\n", f.P50, f.P99)
	fmt.Fprintf(w, "lag: p99 %.2f s, %.2f s at most, %.2f s at the end; all stepped %.2f s after the last answer: %.0f events/s\n", f.LagP99, f.LagMost, f.LagEnd, f.CaughtUp, f.Stepped)
	fmt.Fprintf(w, "alerts: %d\n", f.Alerts)
	if f.Readers > 0 {
		fmt.Fprintf(w, "readers: %d, %d MB sent to all of them, %d dropped\n", f.Readers, f.Streamed>>20, f.Dropped)
	}
	fmt.Fprintf(w, "service: %.1f s of processor time (%.2f µs an event), memory %d MB, %d MB at most\n", f.CPU, f.CPU/float64(max(f.Events, 1))*1e6, f.MemoryEnd>>20, f.MemoryMost>>20)
	fmt.Fprintf(w, "clients: %.1f s of processor time (%.2f µs an event)\n", f.ClientsCPU, f.ClientsCPU/float64(max(f.Events, 1))*1e6)
}
