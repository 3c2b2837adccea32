package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"

	"weir/web"
)

// rulesCommand is `weir rules`.
type rulesCommand struct {
	List     rulesListCommand     `cmd:"" help:"List the rules of a running service."`
	Show     rulesShowCommand     `cmd:"" help:"Print the text of a rule."`
	Put      rulesPutCommand      `cmd:"" help:"Publish a rule, new or changed."`
	Delete   rulesDeleteCommand   `cmd:"" help:"Take a rule away."`
	Status   rulesStatusCommand   `cmd:"" help:"Switch a rule on, off, or to shadow."`
	Versions rulesVersionsCommand `cmd:"" help:"List the revisions of a rule."`
	Diff     rulesDiffCommand     `cmd:"" help:"Show how two revisions of a rule differ."`
	Rollback rulesRollbackCommand `cmd:"" help:"Publish a revision of a rule again."`
}

// rulePath is the path of a rule.
func rulePath(id string) string { return "/v1/rules/" + url.PathEscape(id) }

// writeTable writes rows for a terminal.
func writeTable(w io.Writer, rows ...[]string) error {
	var text strings.Builder
	t := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i := range row {
			row[i] = visible(row[i])
		}
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	t.Flush() // a Builder takes all
	for line := range strings.Lines(text.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

type rulesListCommand struct {
	Remote remote `embed:""`
	JSON   bool   `name:"json" help:"Write them as one JSON object."`
}

func (c *rulesListCommand) Validate() error { return c.Remote.validate() }

// Run lists the rules.
func (c *rulesListCommand) Run(std *streams) error {
	var all struct {
		Items []web.Rule `json:"items"`
	}
	if err := c.Remote.ask(std, remoteRequest{method: http.MethodGet, path: "/v1/rules"}, &all); err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std.out, &all)
	}
	rows := [][]string{{"ID", "REVISION", "STATUS", "SEVERITY", "MATCHES", "ALERTS", "TITLE"}}
	for _, r := range all.Items {
		row := []string{r.ID, fmt.Sprint(r.Revision), ruleStatus(&r), r.Severity, "-", "-", r.Title}
		if r.Health != nil {
			row[4], row[5] = fmt.Sprint(r.Health.Matches), fmt.Sprint(r.Health.Alerts)
		}
		rows = append(rows, row)
	}
	return writeTable(std.out, rows...)
}

// ruleStatus is the status of a rule, and what keeps it from running.
func ruleStatus(r *web.Rule) string {
	switch {
	case r.Left != "":
		return r.Status + ", left out"
	case !r.InForce && r.Status != "disabled":
		return r.Status + ", not yet"
	}
	return r.Status
}

type rulesShowCommand struct {
	Remote   remote `embed:""`
	ID       string `arg:"" help:"Id of the rule."`
	Revision int    `placeholder:"N" help:"The text of this revision."`
	JSON     bool   `name:"json" help:"Write all that is known of it as one JSON object."`
}

func (c *rulesShowCommand) Validate() error { return c.Remote.validate() }

// Run prints a rule.
func (c *rulesShowCommand) Run(std *streams) error {
	if c.Revision > 0 {
		var v web.RuleVersion
		return c.show(std, fmt.Sprintf("%s/versions/%d", rulePath(c.ID), c.Revision), &v, &v.Text)
	}
	var r web.RuleText
	return c.show(std, rulePath(c.ID), &r, &r.Text)
}

func (c *rulesShowCommand) show(std *streams, path string, v any, text *string) error {
	if err := c.Remote.ask(std, remoteRequest{method: http.MethodGet, path: path}, v); err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std.out, v)
	}
	_, err := fmt.Fprintln(std.out, strings.TrimRight(*text, "\n"))
	return err
}

type rulesPutCommand struct {
	Remote remote       `embed:""`
	How    publishFlags `embed:""`
	ID     string       `arg:"" help:"Id of the rule."`
	File   string       `arg:"" help:"One rule, as it stands below rules:. - is stdin."`
}

func (c *rulesPutCommand) Validate() error { return c.Remote.validate() }

// Run publishes a rule.
func (c *rulesPutCommand) Run(std *streams) error {
	var text []byte
	var err error
	if c.File == stdoutName {
		text, err = io.ReadAll(std.in)
	} else {
		text, err = os.ReadFile(c.File)
	}
	if err != nil {
		return err
	}
	return c.How.publish(std, &c.Remote, http.MethodPut, rulePath(c.ID), "application/yaml", text)
}

type rulesDeleteCommand struct {
	Remote remote       `embed:""`
	How    publishFlags `embed:""`
	ID     string       `arg:"" help:"Id of the rule."`
}

func (c *rulesDeleteCommand) Validate() error { return c.Remote.validate() }

// Run takes a rule away.
func (c *rulesDeleteCommand) Run(std *streams) error {
	return c.How.publish(std, &c.Remote, http.MethodDelete, rulePath(c.ID), "", nil)
}

type rulesStatusCommand struct {
	Remote remote       `embed:""`
	How    publishFlags `embed:""`
	ID     string       `arg:"" help:"Id of the rule."`
	Status string       `arg:"" enum:"active,shadow,disabled" help:"active, shadow or disabled."`
}

func (c *rulesStatusCommand) Validate() error { return c.Remote.validate() }

// Run switches a rule.
func (c *rulesStatusCommand) Run(std *streams) error {
	return c.How.publish(std, &c.Remote, http.MethodPost, rulePath(c.ID)+"/status", "application/json", raw(map[string]string{"status": c.Status}))
}

type rulesVersionsCommand struct {
	Remote remote `embed:""`
	ID     string `arg:"" help:"Id of the rule."`
	JSON   bool   `name:"json" help:"Write them as one JSON object."`
}

func (c *rulesVersionsCommand) Validate() error { return c.Remote.validate() }

// Run lists the revisions of a rule.
func (c *rulesVersionsCommand) Run(std *streams) error {
	var all struct {
		Items []web.RuleVersion `json:"items"`
	}
	if err := c.Remote.ask(std, remoteRequest{method: http.MethodGet, path: rulePath(c.ID) + "/versions"}, &all); err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std.out, &all)
	}
	rows := [][]string{{"REVISION", "TIME", "AUTHOR", "REASON"}}
	for _, v := range all.Items {
		rows = append(rows, []string{fmt.Sprint(v.Revision), v.Time, v.Author, v.Reason})
	}
	return writeTable(std.out, rows...)
}

type rulesDiffCommand struct {
	Remote remote `embed:""`
	ID     string `arg:"" help:"Id of the rule."`
	From   int    `placeholder:"N" help:"A revision; without it the one before."`
	To     int    `placeholder:"N" help:"A revision; without it the newest."`
	JSON   bool   `name:"json" help:"Write it as one JSON object."`
}

func (c *rulesDiffCommand) Validate() error { return c.Remote.validate() }

// Run shows how two revisions differ.
func (c *rulesDiffCommand) Run(std *streams) error {
	q := url.Values{}
	for name, n := range map[string]int{"from": c.From, "to": c.To} {
		if n != 0 {
			q.Set(name, fmt.Sprint(n))
		}
	}
	var d web.Difference
	if err := c.Remote.ask(std, remoteRequest{method: http.MethodGet, path: rulePath(c.ID) + "/diff", query: q}, &d); err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std.out, &d)
	}
	for _, word := range d.Words {
		fmt.Fprintf(std.out, "# %s\n", visible(word))
	}
	_, err := fmt.Fprintf(std.out, "--- %s revision %d\n+++ %s revision %d\n%s", c.ID, d.From, c.ID, d.To, d.Text)
	return err
}

type rulesRollbackCommand struct {
	Remote   remote       `embed:""`
	How      publishFlags `embed:""`
	ID       string       `arg:"" help:"Id of the rule."`
	Revision int          `arg:"" help:"That is published again."`
}

func (c *rulesRollbackCommand) Validate() error { return c.Remote.validate() }

// Run publishes a revision again.
func (c *rulesRollbackCommand) Run(std *streams) error {
	return c.How.publish(std, &c.Remote, http.MethodPost, rulePath(c.ID)+"/rollback", "application/json", raw(map[string]int{"revision": c.Revision}))
}
