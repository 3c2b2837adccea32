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
	"net/url"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"weir/cep"
)

// tailCommand is `weir tail`.
type tailCommand struct {
	URL      string `default:"http://127.0.0.1:8080" env:"WEIR_URL" placeholder:"URL" help:"Where the service answers (${default})."`
	Rule     string `placeholder:"ID" help:"Only alerts of this rule."`
	Severity string `placeholder:"WORD" help:"Only of this severity: low, medium, high or critical."`
	Kind     string `placeholder:"WORD" help:"Only match, timeout, retracted or restored."`
	Tag      string `placeholder:"TAG" help:"Only of rules with this tag."`
	Key      string `placeholder:"FIELD:VALUE" help:"Only where the key has this value in this field."`
	Since    string `placeholder:"D|TIME" help:"Begin with what was stored then: a duration like 1h, or a time like 2026-01-02T03:04:05Z. Without it with what comes from now on."`
	After    string `placeholder:"ID" help:"Go on after this place, which weir tail says when it ends."`
	Count    int    `short:"n" placeholder:"N" help:"End after so many alerts."`
	JSON     bool   `name:"json" help:"Write each version of an alert as one line of JSON."`
	Format   string `enum:",cloudevents" default:"" placeholder:"cloudevents" help:"With cloudevents, write each as a CloudEvent in JSON."`
}

// Help is what `weir tail --help` says beside the flags.
func (tailCommand) Help() string {
	return `Examples:

  weir tail
  weir tail --severity high --since 1h
  weir tail --rule card-testing --key card_id:c1
  weir tail --json --since 24h -n 1000 | jq .message
  weir tail --json --after 1f3a9c02-8812 >> alerts.ndjson

Follows the alerts of a running service until Ctrl-C, and says then after which place to go
on. When the connection ends, or the service is started again, it goes on where it was:
nothing is left out, and nothing comes twice.
Exit codes: 0 ended; 2 wrong use; 3 the service cannot be reached, or something was missed.`
}

// Validate refuses flags that do not go together.
func (c *tailCommand) Validate() error {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("--url: %q is no address, like http://127.0.0.1:8080", c.URL)
	}
	if c.Since != "" && c.After != "" {
		return errors.New("--since and --after both say where to begin: leave one of them out")
	}
	if c.Count < 0 {
		return fmt.Errorf("-n: %d is no number from 1", c.Count)
	}
	return nil
}

const (
	// silentMost is how long a stream may say nothing: it says something every 15 s.
	silentMost = 45 * time.Second

	// comeAgain is how long to wait before a connection is made anew, at first and at most.
	comeAgain     = 500 * time.Millisecond
	comeAgainMost = 5 * time.Second

	// mostLine bounds a line of a stream: an alert has its evidence whole.
	mostLine = 256 << 20
)

// Run follows the alerts until a signal comes.
func (c *tailCommand) Run(std *streams) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	f := &follower{std: std, json: c.JSON || c.Format != "", left: c.Count, place: c.After, colours: coloured(std.out)}
	query, err := c.query(time.Now())
	if err != nil {
		return err
	}
	err = f.follow(ctx, strings.TrimSuffix(c.URL, "/")+"/v1/stream", query)
	if f.place != "" && !f.done() {
		fmt.Fprintf(std.err, "weir: --after %s goes on from here\n", f.place)
	}
	if err == nil && f.missed {
		return &exitError{code: exitFailed}
	}
	return err
}

// query is what is asked for.
func (c *tailCommand) query(now time.Time) (url.Values, error) {
	q := url.Values{}
	for name, value := range map[string]string{"rule": c.Rule, "severity": c.Severity, "kind": c.Kind, "tag": c.Tag, "key": c.Key, "format": c.Format} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if c.Since == "" {
		return q, nil
	}
	if d, err := parseSpan(c.Since); err == nil {
		q.Set("since", cep.FormatTime(now.Add(-d).UnixNano()))
		return q, nil
	}
	if _, err := cep.ParseTime(c.Since); err != nil {
		return nil, usageError("--since: %q is neither a duration, like 1h, nor a time, like 2026-01-02T03:04:05Z", c.Since)
	}
	q.Set("since", c.Since)
	return q, nil
}

// follower writes what a stream brings.
type follower struct {
	std     *streams
	json    bool
	colours bool
	left    int    // alerts until it ends; 0: it does not
	written int    // alerts
	place   string // of the last event
	begun   bool   // it was connected once
	missed  bool   // something was deleted before it came
}

func (f *follower) done() bool { return f.left > 0 && f.written >= f.left }

// errEnded: the connection has ended, and may be made anew.
var errEnded = errors.New("the connection has ended")

// follow connects, and again where the connection ends.
func (f *follower) follow(ctx context.Context, address string, query url.Values) error {
	wait := comeAgain
	for {
		before := f.place
		err := f.connect(ctx, address, query)
		if ctx.Err() != nil || err == nil {
			return nil
		}
		if !errors.Is(err, errEnded) {
			return err
		}
		if f.place != before {
			wait = comeAgain
		}
		fmt.Fprintf(f.std.err, "weir: %v; again in %s\n", err, wait)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = min(2*wait, comeAgainMost)
	}
}

// connect follows the stream over one connection. It returns nil when all was written that is
// wanted.
func (f *follower) connect(ctx context.Context, address string, query url.Values) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silent := time.AfterFunc(silentMost, cancel)
	defer silent.Stop()
	q := query
	if f.place != "" {
		q = url.Values{}
		for name, values := range query {
			if name != "since" {
				q[name] = values
			}
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, withQuery(address, q), nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "text/event-stream")
	if f.place != "" {
		r.Header.Set("Last-Event-ID", f.place)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil && !f.begun {
		return fmt.Errorf("the service cannot be reached: %w; --url says where it is", err)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errEnded, err)
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		return f.refused(a)
	}
	f.begun = true
	lines := bufio.NewScanner(a.Body)
	lines.Buffer(make([]byte, 64<<10), mostLine)
	var e streamEvent
	for lines.Scan() {
		silent.Reset(silentMost)
		if len(lines.Bytes()) > 0 {
			e.take(lines.Bytes())
			continue
		}
		if err := f.event(&e); err != nil {
			return err
		}
		if f.done() {
			return nil
		}
		e = streamEvent{}
	}
	return fmt.Errorf("%w: %w", errEnded, errors.Join(lines.Err(), io.EOF))
}

// withQuery is an address with a query.
func withQuery(address string, q url.Values) string {
	if len(q) == 0 {
		return address
	}
	return address + "?" + q.Encode()
}

// refused says why a stream is not given.
func (f *follower) refused(a *http.Response) error {
	var p struct{ Detail string }
	text, _ := io.ReadAll(io.LimitReader(a.Body, 64<<10))
	if json.Unmarshal(text, &p) != nil || p.Detail == "" {
		p.Detail = a.Status
	}
	switch a.StatusCode {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusGatewayTimeout:
		return fmt.Errorf("%w: %s", errEnded, visible(p.Detail))
	case http.StatusBadRequest:
		return usageError("%s", visible(p.Detail))
	}
	return errors.New(visible(p.Detail))
}

// streamEvent is a server-sent event.
type streamEvent struct {
	id, kind string
	data     []byte
}

// take takes in a line of it.
func (e *streamEvent) take(line []byte) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "id":
		e.id = string(value)
	case "event":
		e.kind = string(value)
	case "data":
		e.data = bytes.Clone(value)
	}
}

// event writes an event.
func (f *follower) event(e *streamEvent) error {
	switch e.kind {
	case "alert":
		if err := f.write(e.data); err != nil {
			return err
		}
		f.written++
	case "gap":
		f.gap(e.data)
	}
	if e.id != "" {
		f.place = e.id
	}
	return nil
}

// gap says that the stream does not go on where it was.
func (f *follower) gap(data []byte) {
	var g struct {
		Reason string
		Missed uint64
	}
	f.missed = true
	if err := json.Unmarshal(data, &g); err == nil && g.Reason == "deleted" {
		fmt.Fprintf(f.std.err, "weir: %d versions of alerts were deleted by their age before they came here\n", g.Missed)
		return
	}
	fmt.Fprintln(f.std.err, "weir: this service does not know the place to go on from: its alerts are others, or an older copy; look at GET /v1/alerts")
}

// tailed is what is shown of an alert.
type tailed struct {
	Kind string
	Rule struct{ ID string }
	Key  json.RawMessage

	Time, Severity, Action, Message string

	Score int
}

// severityColours are those of severities.
var severityColours = map[string]string{"low": cyan, "medium": yellow, "high": red, "critical": red}

// write writes an alert.
func (f *follower) write(data []byte) error {
	if f.json {
		_, err := f.std.out.Write(append(data, '\n'))
		return err
	}
	var a tailed
	if err := json.Unmarshal(data, &a); err != nil {
		return fmt.Errorf("the service sent an alert that is none: %w", err)
	}
	paint := func(colour, text string) string {
		if !f.colours {
			return text
		}
		return colour + text + noInk
	}
	kind := ""
	if a.Kind != cep.MatchAlert.String() {
		kind = " " + paint(bold, visible(a.Kind))
	}
	message := ""
	if a.Message != "" {
		message = "  " + visible(a.Message)
	}
	_, err := fmt.Fprintf(f.std.out, "%s  %s %3d %-9s  %s%s  %s%s\n", visible(a.Time),
		paint(severityColours[a.Severity], fmt.Sprintf("%-8s", visible(a.Severity))), a.Score, visible(a.Action),
		paint(bold, visible(a.Rule.ID)), kind, visible(tailedKey(a.Key)), message)
	return err
}

// tailedKey writes a key, an object of texts, as NAME=VALUE.
func tailedKey(key json.RawMessage) string {
	var parts []string
	d := json.NewDecoder(bytes.NewReader(key))
	if _, err := d.Token(); err != nil {
		return ""
	}
	for d.More() {
		name, err := d.Token()
		value, err2 := d.Token()
		if errors.Join(err, err2) != nil {
			break
		}
		parts = append(parts, fmt.Sprintf("%v=%v", name, value))
	}
	return strings.Join(parts, " ")
}
