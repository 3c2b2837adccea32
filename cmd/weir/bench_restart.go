package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"weir/bench"
)

// benchRestartCommand is `weir bench restart`.
type benchRestartCommand struct {
	Keys int    `default:"1000000" help:"Cards, of each of which the rules keep something (${default})."`
	Log  string `default:"1GB" placeholder:"SIZE" help:"How full the log is when the service is killed (${default})."`
	Rate int    `default:"10000" help:"Events a second in the last 15 s before that (${default}). Until then as many as are taken."`
	Data string `placeholder:"DIR" help:"Data directory: a new one, or one that this command has filled; without it a temporary one that is deleted."`
	JSON bool   `name:"json" help:"Write the figures as one JSON object."`
}

// Help is what `weir bench restart --help` says beside the flags.
func (benchRestartCommand) Help() string {
	return `Fills the log, kills the service (kill -9), and times how long the next
one takes from its start until it has matched a new event: with the files in the page cache,
without, and without the saved state, when the whole log is folded again.

Examples:

  weir bench restart
  weir bench restart --keys 100000 --log 200MB --json`
}

// restartFigures are what one restart took.
type restartFigures struct {
	Case    string  `json:"case"` // warm, cold or backlog
	Serves  float64 `json:"serves_seconds"`
	Stepped float64 `json:"stepped_seconds"` // a new event; of backlog: all
	Backlog uint64  `json:"records_folded"`
	Rate    float64 `json:"events_per_second"` // of backlog
	CPU     float64 `json:"service_cpu_seconds"`
	Memory  uint64  `json:"memory_most_bytes"`
	Phases  string  `json:"phases"`
}

// restartRules are beside bench.CardRules: they keep a count and a sum of every card, and an
// open match of a third of them or more.
const restartRules = `features:
  spent_1h: {on: payment, key: card_id, value: sum(amount), over: 1h}
  paid_1h: {on: payment, key: card_id, value: count(), over: 1h}
rules:
  - {id: often, on: payment, key: card_id, when: paid_1h > 60 and spent_1h > 20000}
  - id: rising
    on: payment
    key: card_id
    within: 12h
    pattern: small -> large
    define:
      small: amount < 50
      large: amount > 501 and amount > 20 * small.amount
`

// Run fills a data directory and times restarts on it.
func (c *benchRestartCommand) Run(std *streams) error {
	size, err := parseSize(c.Log)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	dir := c.Data
	if dir == "" {
		if dir, err = os.MkdirTemp("", "weir-bench-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, text := range map[string]string{"cards.yaml": bench.CardRules(100), "keys.yaml": restartRules} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	s, err := c.start(dir, size)
	if err != nil {
		return err
	}
	err = c.fill(ctx, s, uint64(size))
	s.kill()
	if err != nil {
		return err
	}
	var all []*restartFigures
	for _, kind := range []string{"warm", "cold", "backlog"} {
		switch kind {
		case "cold":
			err = dropCache(dir)
		case "backlog":
			err = os.Remove(filepath.Join(dir, "data", "state.db"))
		}
		if err != nil {
			return err
		}
		f, err := c.restart(ctx, dir, size, kind)
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		all = append(all, f)
		if !c.JSON {
			f.write(std.out)
		}
	}
	if c.JSON {
		return json.NewEncoder(std.out).Encode(all)
	}
	return nil
}

func (f *restartFigures) write(w io.Writer) {
	if f.Case == "backlog" {
		fmt.Fprintf(w, "backlog: all is matched after %.2f s, %.0f events/s (%d records)", f.Stepped, f.Rate, f.Backlog)
	} else {
		fmt.Fprintf(w, "%s: a new event is matched after %.2f s (behind %d records)", f.Case, f.Stepped, f.Backlog)
	}
	fmt.Fprintf(w, "\n  serves after %.2f s: %s; %.1f s of processor time, %d MB\n", f.Serves, f.Phases, f.CPU, f.Memory>>20)
}

func (c *benchRestartCommand) start(dir string, size int64) (*process, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	// Nothing is dropped: what is full here is a log of size bytes.
	return startServing(exec.Command(
		binary, "serve", filepath.Join(dir, "cards.yaml"), filepath.Join(dir, "keys.yaml"), "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "data"),
		"--set", "log.size="+strconv.FormatInt(size*3/2, 10)+"B", "--set", "alerts.per_rule_minute=1000000000", "--set", "state.reserve=0B",
	), new(tail))
}

// fill sends events until the log is as full as it is to be.
func (c *benchRestartCommand) fill(ctx context.Context, s *process, size uint64) error {
	filling, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() {
			cards := bench.NewCards(fmt.Sprintf("r%d-%d-", i, time.Now().UnixNano()), uint64(i)+1)
			cards.Number = c.Keys
			if err := postUntil(filling, s, cards); err != nil {
				cancel(err)
			}
		})
	}
	full := errors.New("full")
	for filling.Err() == nil {
		m, err := metricsOf(s, "weir_log_bytes")
		if err != nil {
			cancel(err)
		} else if m["weir_log_bytes"] >= float64(size) {
			cancel(full)
		}
		time.Sleep(50 * time.Millisecond)
	}
	wait.Wait()
	if err := context.Cause(filling); err != full {
		return err
	}
	return c.steady(ctx, s)
}

// steady sends events at a rate for a while, once all others are matched.
func (c *benchRestartCommand) steady(ctx context.Context, s *process) error {
	const posts, every = 300, 50 * time.Millisecond
	for watch := new(benchFigures); ctx.Err() == nil; time.Sleep(every) {
		if ready, err := watch.look(s); err != nil {
			return err
		} else if ready.Stepped == ready.End {
			break
		}
	}
	cards := bench.NewCards(fmt.Sprintf("s-%d-", time.Now().UnixNano()), 77)
	cards.Number = c.Keys
	var body []byte
	for i, begin := 0, time.Now(); i < posts && ctx.Err() == nil; i++ {
		time.Sleep(time.Until(begin.Add(time.Duration(i) * every)))
		body = body[:0]
		for range c.Rate / int(time.Second/every) {
			body = cards.AppendJSON(body, time.Now().UnixMilli())
		}
		status, _, said, err := postEvents(http.DefaultClient, s.url+"/v1/events", body)
		if err != nil {
			return err
		}
		if status != http.StatusOK && status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
			return fmt.Errorf("the service answered %d: %s", status, said)
		}
	}
	return ctx.Err()
}

// postUntil sends events until ctx ends.
func postUntil(ctx context.Context, s *process, cards *bench.Cards) error {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	var body []byte
	for ctx.Err() == nil {
		body = body[:0]
		now := time.Now().UnixMilli()
		for range 1000 {
			body = cards.AppendJSON(body, now)
		}
		status, after, said, err := postEvents(client, s.url+"/v1/events", body)
		switch {
		case err != nil:
			return err
		case status == http.StatusOK:
		case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
			time.Sleep(min(after, time.Second/4))
		default:
			return fmt.Errorf("the service answered %d: %s", status, said)
		}
	}
	return nil
}

// restart starts the service on what a killed one has left, and ends it as that one did.
func (c *benchRestartCommand) restart(ctx context.Context, dir string, size int64, kind string) (*restartFigures, error) {
	begun := time.Now()
	s, err := c.start(dir, size)
	if err != nil {
		return nil, err
	}
	defer s.kill()
	f := &restartFigures{Case: kind, Serves: time.Since(begun).Seconds(), Phases: s.took}
	serving := time.Now()
	watch := new(benchFigures)
	ready, err := watch.look(s)
	if err != nil {
		return nil, err
	}
	from := sequenceOf(ready.Stepped)
	if kind != "backlog" {
		if err := c.postOne(ctx, s, kind); err != nil {
			return nil, err
		}
	}
	for ready.Stepped != ready.End || ready.End == "" || f.Backlog == 0 {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if ready, err = watch.look(s); err != nil {
			return nil, err
		}
		f.Backlog = sequenceOf(ready.End) - from
		time.Sleep(5 * time.Millisecond)
	}
	f.Stepped, f.Memory = time.Since(begun).Seconds(), watch.MemoryMost
	m, err := metricsOf(s, "weir_events_total", "process_cpu_seconds_total")
	if err != nil {
		return nil, err
	}
	f.CPU = m["process_cpu_seconds_total"]
	if kind == "backlog" {
		f.Rate = m["weir_events_total"] * float64(f.Backlog) / float64(sequenceOf(ready.End)) / time.Since(serving).Seconds()
	}
	return f, nil
}

// postOne sends one event until it is taken.
func (c *benchRestartCommand) postOne(ctx context.Context, s *process, kind string) error {
	now := time.Now()
	event := bench.NewCards(fmt.Sprintf("%s-%d-", kind, now.UnixNano()), 99).AppendJSON(nil, now.UnixMilli())
	for ctx.Err() == nil {
		status, _, said, err := postEvents(http.DefaultClient, s.url+"/v1/events", event)
		switch {
		case err != nil || status == http.StatusOK:
			return err
		case status != http.StatusTooManyRequests:
			return fmt.Errorf("the service answered %d: %s", status, said)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return ctx.Err()
}

// sequenceOf is the number of the record of a position as it is written.
func sequenceOf(position string) uint64 {
	_, after, _ := strings.Cut(position, "-")
	n, _ := strconv.ParseUint(after, 10, 64)
	return n
}

// metricsOf reads metrics of a service.
func metricsOf(s *process, names ...string) (map[string]float64, error) {
	r, err := http.Get(s.url + "/metrics")
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	found := map[string]float64{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		for _, want := range names {
			if name == want {
				found[name], err = strconv.ParseFloat(value, 64)
			}
		}
	}
	return found, errors.Join(err, lines.Err())
}

// dropCache brings the files of a folder to the disk and asks the system to forget what it
// has of them in memory.
func dropCache(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := f.Sync(); err != nil {
			return err
		}
		return forget(f)
	})
}
