package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// alertsCommand is `weir alerts`.
type alertsCommand struct {
	List alertsListCommand `cmd:"" default:"withargs" help:"Stored alerts of a running service, the newest first."`
	Show alertsShowCommand `cmd:"" help:"One alert with all its versions."`
}

// alertsListCommand is `weir alerts [list]`.
type alertsListCommand struct {
	Rule     string `placeholder:"ID" help:"Only alerts of this rule."`
	Severity string `placeholder:"WORD" help:"Only of this severity: low, medium, high or critical."`
	Kind     string `placeholder:"WORD" help:"Only match, timeout, retracted or restored."`
	Tag      string `placeholder:"TAG" help:"Only of rules with this tag."`
	Key      string `placeholder:"FIELD:VALUE" help:"Only where the key has this value in this field."`
	From     string `placeholder:"D|TIME" help:"Only those whose time is this or later: a time, or how long ago, like 1h."`
	To       string `placeholder:"D|TIME" help:"Only those whose time is before this, likewise."`
	Count    int    `short:"n" default:"20" placeholder:"N" help:"So many alerts at most; 0: all (${default})."`
	clientFlags
}

// Help is what `weir alerts list --help` says beside the flags.
func (alertsListCommand) Help() string {
	return `Examples:

  weir alerts
  weir alerts --severity high --from 24h -n 0
  weir alerts --rule card-testing --json | jq .message

weir tail follows them as they come.
Exit codes: 0 done; 2 wrong use; 3 the service cannot be reached.`
}

// shownAlert is what a table shows of an alert.
type shownAlert struct {
	ID       string          `json:"id"`
	Version  int             `json:"version"`
	Kind     string          `json:"kind"`
	Rule     ruleOfAlert     `json:"rule"`
	Key      json.RawMessage `json:"key"`
	Time     string          `json:"time"`
	Score    int             `json:"score"`
	Severity string          `json:"severity"`
	Message  string          `json:"message"`
	Error    string          `json:"error"`
}

type ruleOfAlert struct {
	ID       string `json:"id"`
	Revision int    `json:"revision"`
}

func (a *shownAlert) row() []string {
	if a.Error != "" {
		return []string{a.Time, "", "", a.ID, "", a.Error}
	}
	return []string{a.Time, a.Severity, a.Rule.ID, a.ID, a.Kind, a.Message}
}

// Run lists alerts.
func (c *alertsListCommand) Run(std *streams) error {
	q := question{method: http.MethodGet, path: []string{"v1", "alerts"}, query: url.Values{}}
	for name, value := range map[string]string{"rule": c.Rule, "severity": c.Severity, "kind": c.Kind, "tag": c.Tag, "key": c.Key} {
		if value != "" {
			q.query.Set(name, value)
		}
	}
	now := time.Now()
	for name, value := range map[string]string{"from": c.From, "to": c.To} {
		at, err := momentOf(name, value, now)
		if err != nil {
			return err
		}
		if at != "" {
			q.query.Set(name, at)
		}
	}
	rows := [][]string{{"time", "severity", "rule", "id", "kind", "message"}}
	err := pages(&c.clientFlags, q, c.Count, func(text *json.RawMessage) error {
		if c.JSON {
			_, err := fmt.Fprintf(std.out, "%s\n", *text)
			return err
		}
		var a shownAlert
		if err := json.Unmarshal(*text, &a); err != nil {
			return fmt.Errorf("an alert cannot be read: %w", err)
		}
		rows = append(rows, a.row())
		return nil
	})
	if err != nil || c.JSON {
		return err
	}
	return writeTable(std, rows)
}

// alertsShowCommand is `weir alerts show`.
type alertsShowCommand struct {
	ID string `arg:"" help:"Id of the alert, like a_4k2v."`
	clientFlags
}

// Help is what `weir alerts show --help` says beside the flags.
func (alertsShowCommand) Help() string {
	return `Examples:

  weir alerts show a_4k2v
  weir alerts show a_4k2v --json | jq .events

Exit codes: 0 done; 1 there is no such alert; 2 wrong use; 3 the service cannot be reached.`
}

// Run shows an alert.
func (c *alertsShowCommand) Run(std *streams) error {
	var text json.RawMessage
	if err := c.ask(question{method: http.MethodGet, path: []string{"v1", "alerts", c.ID}}, &text); err != nil {
		return err
	}
	if c.JSON {
		_, err := fmt.Fprintf(std.out, "%s\n", bytes.TrimSpace(text))
		return err
	}
	var a struct {
		shownAlert
		Events   json.RawMessage `json:"events"`
		Measures json.RawMessage `json:"measures"`
		Versions []shownAlert    `json:"versions"`
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return fmt.Errorf("the alert cannot be read: %w", err)
	}
	rows := [][]string{
		{"rule", fmt.Sprintf("%s, revision %d", a.Rule.ID, a.Rule.Revision)},
		{"time", a.Time},
		{"severity", fmt.Sprintf("%s, score %d", a.Severity, a.Score)},
		{"key", string(a.Key)},
		{"message", a.Message},
		{"measures", string(a.Measures)},
		{"events", string(a.Events)},
	}
	for _, v := range a.Versions {
		rows = append(rows, []string{"version " + strconv.Itoa(v.Version), v.Kind})
	}
	return writeTable(std, rows)
}
