package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

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

type rulesListCommand struct {
	clientFlags
}

// Run lists the rules.
func (c *rulesListCommand) Run(std *streams) error {
	var all struct {
		Items []web.Rule `json:"items"`
	}
	if err := c.ask(question{method: http.MethodGet, path: []string{"v1", "rules"}}, &all); err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std, &all)
	}
	rows := [][]string{{"ID", "REVISION", "STATUS", "SEVERITY", "MATCHES", "ALERTS", "TITLE"}}
	for _, r := range all.Items {
		row := []string{r.ID, fmt.Sprint(r.Revision), ruleStatus(&r), r.Severity, "-", "-", r.Title}
		if r.Health != nil {
			row[4], row[5] = fmt.Sprint(r.Health.Matches), fmt.Sprint(r.Health.Alerts)
		}
		rows = append(rows, row)
	}
	return writeTable(std, rows)
}

// ruleStatus is the status of a rule, and what keeps it from running.
func ruleStatus(r *web.Rule) string {
	switch {
	case r.Left != "":
		return r.Status + ", left out"
	case r.Warming && r.RunIn != nil && r.RunIn.Fault != "":
		return r.Status + ", run-in stopped"
	case r.Warming:
		return r.Status + ", warming"
	case !r.InForce && r.Status != "disabled":
		return r.Status + ", not yet"
	}
	return r.Status
}

type rulesShowCommand struct {
	clientFlags
	ID       string `arg:"" help:"Id of the rule."`
	Revision int    `placeholder:"N" help:"The text of this revision."`
}

// Run prints a rule.
func (c *rulesShowCommand) Run(std *streams) error {
	if c.Revision > 0 {
		var v web.RuleVersion
		return c.show(std, &v, &v.Text, "versions", fmt.Sprint(c.Revision))
	}
	var r web.RuleText
	return c.show(std, &r, &r.Text)
}

func (c *rulesShowCommand) show(std *streams, v any, text *string, more ...string) error {
	if err := c.ask(question{method: http.MethodGet, path: append([]string{"v1", "rules", c.ID}, more...)}, v); err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std, v)
	}
	_, err := fmt.Fprintln(std.out, strings.TrimRight(*text, "\n"))
	return err
}

type rulesPutCommand struct {
	publishFlags
	ID   string `arg:"" help:"Id of the rule."`
	File string `arg:"" help:"One rule, as it stands below rules:. - is stdin."`
}

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
	return c.publish(std, http.MethodPut, "application/yaml", text, "v1", "rules", c.ID)
}

type rulesDeleteCommand struct {
	publishFlags
	ID string `arg:"" help:"Id of the rule."`
}

// Run takes a rule away.
func (c *rulesDeleteCommand) Run(std *streams) error {
	return c.publish(std, http.MethodDelete, "", nil, "v1", "rules", c.ID)
}

type rulesStatusCommand struct {
	publishFlags
	ID     string `arg:"" help:"Id of the rule."`
	Status string `arg:"" enum:"active,shadow,disabled" help:"active, shadow or disabled."`
}

// Run switches a rule.
func (c *rulesStatusCommand) Run(std *streams) error {
	return c.publish(std, http.MethodPost, "application/json", raw(map[string]string{"status": c.Status}), "v1", "rules", c.ID, "status")
}

type rulesVersionsCommand struct {
	clientFlags
	ID string `arg:"" help:"Id of the rule."`
}

// Run lists the revisions of a rule.
func (c *rulesVersionsCommand) Run(std *streams) error {
	var all struct {
		Items []web.RuleVersion `json:"items"`
	}
	if err := c.ask(question{method: http.MethodGet, path: []string{"v1", "rules", c.ID, "versions"}}, &all); err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std, &all)
	}
	rows := [][]string{{"REVISION", "TIME", "AUTHOR", "REASON"}}
	for _, v := range all.Items {
		rows = append(rows, []string{fmt.Sprint(v.Revision), v.Time, v.Author, v.Reason})
	}
	return writeTable(std, rows)
}

type rulesDiffCommand struct {
	clientFlags
	ID   string `arg:"" help:"Id of the rule."`
	From int    `placeholder:"N" help:"A revision; without it the one before."`
	To   int    `placeholder:"N" help:"A revision; without it the newest."`
}

// Run shows how two revisions differ.
func (c *rulesDiffCommand) Run(std *streams) error {
	q := url.Values{}
	for name, n := range map[string]int{"from": c.From, "to": c.To} {
		if n != 0 {
			q.Set(name, fmt.Sprint(n))
		}
	}
	var d web.Difference
	if err := c.ask(question{method: http.MethodGet, path: []string{"v1", "rules", c.ID, "diff"}, query: q}, &d); err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std, &d)
	}
	for _, word := range d.Words {
		fmt.Fprintf(std.out, "# %s\n", visible(word))
	}
	_, err := fmt.Fprintf(std.out, "--- %s revision %d\n+++ %s revision %d\n%s", c.ID, d.From, c.ID, d.To, d.Text)
	return err
}

type rulesRollbackCommand struct {
	publishFlags
	ID       string `arg:"" help:"Id of the rule."`
	Revision int    `arg:"" help:"That is published again."`
}

// Run publishes a revision again.
func (c *rulesRollbackCommand) Run(std *streams) error {
	return c.publish(std, http.MethodPost, "application/json", raw(map[string]int{"revision": c.Revision}), "v1", "rules", c.ID, "rollback")
}
