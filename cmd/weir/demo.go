package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"weir/rules/source"
	"weir/rulesets"
)

// demoCommand is `weir demo`.
type demoCommand struct{}

// Help is what `weir demo --help` says.
func (demoCommand) Help() string {
	return `Example:

  weir demo

Needs no files and nothing beyond this machine: the rules and the events are part of the
binary. On a terminal the service goes on until Ctrl-C.`
}

// fraud is a kind of fraud that the demo shows: a folder of rules in rulesets/
// and a sample of events in which it occurs.
type fraud struct {
	title  string
	folder string
	sample string // a file in rulesets/sample, without .ndjson
	is     string
	shown  []string // fields of the events, in the order of their columns
	near   []nearCase
	change change
}

// nearCase is a key of the sample that comes close to an alert and makes none.
type nearCase struct{ key, why string }

// change is a change of the rules to try.
type change struct {
	say      string
	old, new string // texts in the file of rules
	effect   string
}

var frauds = []fraud{
	{
		title: "CARD TESTING", folder: "card-testing", sample: "payments",
		is:    "Stolen card numbers are tried with tiny payments; one that works is cashed out.",
		shown: []string{"amount", "currency", "merchant_id", "status"},
		near: []nearCase{
			{"c31", "all small sums at one merchant: a vending machine"},
			{"c32", "the large payment comes 95 minutes later"},
			{"c33", "two small payments, not three"},
			{"c34", "the large payment is declined"},
			{"c35", "the payment after is larger, but not ten times"},
		},
		change: change{"`window: 2h` for `1h`", "window: 1h", "window: 2h", "c32 alerts too"},
	},
	{
		title: "BRUTE FORCE, THEN SUCCESS", folder: "brute-force", sample: "logins",
		is:    "Passwords are tried until one fits; or an owner is asked to approve a login until they give in.",
		shown: []string{"account", "ip"},
		near: []nearCase{
			{"198.51.100.10", "an office: 40 people, 12 failures in an hour"},
			{"198.51.100.23", "26 failures of a program with an old password; it never gets in"},
			{"198.51.100.61", "30 failures, but over five hours"},
			{"u33", "denies three times, then approves: a telephone in a pocket"},
			{"u34", "denies eight times and stays with it"},
		},
		change: change{"`failures: 10` for `20`", "failures: 20", "failures: 10", "198.51.100.10 alerts too"},
	},
	{
		title: "IMPOSSIBLE TRAVEL", folder: "impossible-travel", sample: "sightings",
		is:    "An account is at two places that are too far apart for the time between; then money leaves.",
		shown: []string{"place", "network", "amount"},
		near: []nearCase{
			{"a31", "from Paris to New York in 9 hours: a flight"},
			{"a32", "in Singapore by VPN, where nobody is"},
			{"a33", "two cells of the telephone network: fast, but not far"},
			{"a34", "the second place is not known"},
		},
		change: change{"`kmh: 600` for `800`", "kmh: 800", "kmh: 600", "a31 alerts too, twice: money left"},
	},
	{
		title: "ACCOUNT TAKEOVER, THEN PAYOUT", folder: "account-takeover", sample: "accounts",
		is:    "A new device changes how the owner is reached, and the money leaves.",
		shown: []string{"device_id", "what", "amount"},
		near: []nearCase{
			{"k31", "the owner proves it on the device of old: `unless` ends the match"},
			{"k32", "a new telephone, a new password, and lunch"},
			{"k33", "a new address and a large payout, on a device of years"},
			{"k34", "a new device and a large payout, but no change"},
		},
		change: change{
			"without `unless`",
			"    unless: type == \"step_up\" && device_age_h > params.new_h\n", "",
			"k31 alerts too",
		},
	},
	{
		title: "STRUCTURING", folder: "structuring", sample: "deposits",
		is:    "Cash is paid in by parts, each below the sum that the bank has to report.",
		shown: []string{"amount", "currency", "branch"},
		near: []nearCase{
			{"d31", "the takings of a shop, every evening at the same branch"},
			{"d32", "a supermarket that the bank exempts"},
			{"d33", "one deposit above the limit: it is reported anyway"},
			{"d34", "two deposits below the limit, days apart"},
			{"d35", "three below 10,000, but of another currency"},
		},
		change: change{"without `&& !exempt`", " && !exempt", "", "d32 alerts too"},
	},
}

// Run starts a service with the rules that come with Weir, sends it the samples over HTTP,
// and shows the alerts as they come.
func (c *demoCommand) Run(std *streams) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // so that a second signal ends the process at once
	dir, err := os.MkdirTemp("", "weir-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	v, err := c.serve(ctx, dir)
	if err != nil {
		return err
	}
	defer v.close()
	ended := make(chan error, 1)
	go func() { ended <- v.run(ctx) }()
	select {
	case <-v.serving:
	case err := <-ended:
		return err
	}
	d := &demo{out: std.out, ink: ink(coloured(std.out)), address: "http://" + v.server.Addr(), live: terminal(std.out)}
	if err := d.show(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	if d.live && ctx.Err() == nil {
		fmt.Fprintln(std.out, "\nThe service goes on until Ctrl-C.")
		<-ctx.Done()
	}
	stop()
	return <-ended
}

// serve makes a service of the rules that come with Weir.
func (demoCommand) serve(ctx context.Context, dir string) (*service, error) {
	s, _, err := loadSettings(os.DevNull, nil, map[string]string{
		"data": filepath.Join(dir, "data"), "listen": "127.0.0.1:0", "state.reserve": "0B", "log.durability": "interval",
	})
	if err != nil {
		return nil, err
	}
	rules := &folder{read: rulesets.Files.ReadFile}
	for i := range frauds {
		text, err := rulesets.Files.ReadFile(frauds[i].rules())
		if err != nil {
			return nil, err
		}
		rules.files = append(rules.files, source.File{Path: frauds[i].rules(), Text: string(text)})
	}
	return newService(ctx, s, rules, slog.New(slog.DiscardHandler))
}

// demo sends events to a service and shows what comes of them.
type demo struct {
	out     io.Writer
	ink     ink
	address string
	live    bool // at the pace of a reader
	shown   int  // alerts
}

const (
	demoPiece = 40                     // events in a request
	demoPause = 120 * time.Millisecond // after each, for a reader
)

const demoBegin = `Rules for five kinds of fraud come with Weir. A service runs them now, in a
temporary directory, and gets samples of invented events over HTTP: most are ordinary,
some are fraud, some only look like it. An alert has a severity, a score up to 100, its
rule, a message, and the events it is made of.
`

// show sends the samples, in the order of time, and says in the end what came close and
// where to look.
func (d *demo) show(ctx context.Context) error {
	events, err := demoEvents()
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "%s\n%s  %d events to POST %s/v1/events\n", demoBegin, d.ink.bold("ALERTS"), len(events), d.named())
	for piece := range slices.Chunk(events, demoPiece) {
		var body bytes.Buffer
		for _, e := range piece {
			body.WriteString(e.line)
			body.WriteByte('\n')
		}
		if err := d.post(ctx, "/v1/events", "application/x-ndjson", body.String()); err != nil {
			return err
		}
		if err := d.alerts(ctx); err != nil {
			return err
		}
		if d.live {
			select {
			case <-time.After(demoPause):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	// All windows that are open run out.
	last := events[len(events)-1].time.AddDate(0, 0, 7).Format(time.RFC3339)
	if err := d.post(ctx, "/v1/advance", "application/json", `{"to":"`+last+`"}`); err != nil {
		return err
	}
	if err := d.alerts(ctx); err != nil {
		return err
	}
	d.close()
	return nil
}

// demoEvent is an event of a sample.
type demoEvent struct {
	time time.Time
	line string
}

// demoEvents are the events of all samples in the order of time.
func demoEvents() ([]demoEvent, error) {
	var all []demoEvent
	for i := range frauds {
		text, err := rulesets.Samples.ReadFile(path.Join("sample", frauds[i].sample+".ndjson"))
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			e := demoEvent{line: strings.TrimSpace(line)}
			var at struct {
				Time time.Time `json:"ts"`
			}
			if err := json.Unmarshal([]byte(line), &at); err != nil {
				return nil, err
			}
			e.time = at.Time
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b demoEvent) int { return a.time.Compare(b.time) })
	return all, nil
}

// post posts a body and waits until the service has matched what it brought.
func (d *demo) post(ctx context.Context, route, media, body string) error {
	var posted struct {
		Position string `json:"position"`
	}
	if err := d.call(ctx, http.MethodPost, route, media, body, &posted); err != nil {
		return err
	}
	for {
		var ready benchReady
		if err := d.call(ctx, http.MethodGet, "/readyz", "", "", &ready); err != nil {
			return err
		}
		if ready.Stepped == ready.End {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
}

// call makes a request and reads its answer.
func (d *demo) call(ctx context.Context, method, route, media, body string, answer any) error {
	r, err := http.NewRequestWithContext(ctx, method, d.address+route, strings.NewReader(body))
	if err != nil {
		return err
	}
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	said, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer said.Body.Close()
	text, err := io.ReadAll(said.Body)
	if err != nil {
		return err
	}
	if said.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %s", method, route, said.Status, text)
	}
	return json.Unmarshal(text, answer)
}

// alerts shows the alerts that have come since it did so last.
func (d *demo) alerts(ctx context.Context) error {
	var list struct {
		Items []demoAlert `json:"items"`
	}
	if err := d.call(ctx, http.MethodGet, "/v1/alerts?limit=1000", "", "", &list); err != nil {
		return err
	}
	slices.Reverse(list.Items) // the first one first
	for _, a := range list.Items[d.shown:] {
		fmt.Fprintf(d.out, "  %s %d  %s  %s\n", d.ink.severity(a.Severity), a.Score, a.Rule.ID, d.ink.bold(a.Message))
		table, err := a.evidence()
		if err != nil {
			return err
		}
		var text bytes.Buffer
		table.write(&text, "      ")
		if _, err := d.out.Write(text.Bytes()); err != nil {
			return err
		}
	}
	d.shown = len(list.Items)
	return nil
}

// named is the address that is shown: where nobody reads while the service runs it is the one
// that a service has.
func (d *demo) named() string {
	if d.live {
		return d.address
	}
	return "http://127.0.0.1:8080"
}

// close says what came close, what to try, and where to look.
func (d *demo) close() {
	var text bytes.Buffer
	fmt.Fprintf(&text, "\n%s\n", d.ink.bold("NO ALERT"))
	for i := range frauds {
		f := &frauds[i]
		fmt.Fprintf(&text, "  %s  %s\n", d.ink.bold(f.folder), f.is)
		var near table
		for _, n := range f.near {
			near = append(near, []string{n.key, n.why})
		}
		near.write(&text, "      ")
		fmt.Fprintf(&text, "      %s  %s in rulesets/%s: %s\n", d.ink.bold("try"), f.change.say, f.rules(), f.change.effect)
	}
	fmt.Fprintf(&text, demoEnd, d.ink.bold("WHERE TO LOOK"), d.named())
	d.out.Write(text.Bytes())
}

const demoEnd = `
%[1]s
  serve rules            go run ./cmd/weir serve rulesets
  alerts, newest first   curl '%[2]s/v1/alerts?limit=5'
  of one rule            curl '%[2]s/v1/alerts?rule=card-testing'
  how the service is     curl %[2]s/readyz
  what it has counted    curl %[2]s/metrics
  all routes             curl %[2]s/openapi.json
  rules over a file      go run ./cmd/weir run rulesets/card-testing --events rulesets/sample/payments.ndjson
  its rules              rulesets/card-testing/card-testing.yaml, and README.md beside it: what to tune, and how
`

// rules is the name of the file of rules.
func (f *fraud) rules() string { return path.Join(f.folder, f.folder+".yaml") }

func demoTime(t time.Time) string { return t.UTC().Format("Mon 15:04:05") }
