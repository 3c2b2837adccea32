package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"weir/cep"
	"weir/web"
)

// listsCommand is `weir lists`.
type listsCommand struct {
	Show    listsShowCommand    `cmd:"" default:"withargs" help:"The lists of a running service, or the entries of one."`
	Put     listsPutCommand     `cmd:"" help:"Add an entry to a list, or give it another value and expiry."`
	Remove  listsRemoveCommand  `cmd:"" help:"Remove an entry from a list."`
	Import  listsImportCommand  `cmd:"" help:"Put the entries of a CSV file into a list, all or none."`
	History listsHistoryCommand `cmd:"" help:"Who changed a list, when and why."`
}

// listsShowCommand is `weir lists [show]`.
type listsShowCommand struct {
	List  string `arg:"" optional:"" help:"Name of a list."`
	Query string `short:"q" placeholder:"TEXT" help:"Only entries that begin with this."`
	Count int    `short:"n" default:"100" placeholder:"N" help:"So many entries at most; 0: all (${default})."`
	clientFlags
}

// Help is what `weir lists show --help` says beside the flags.
func (listsShowCommand) Help() string {
	return `Examples:

  weir lists
  weir lists show blocked -q 4111
  weir lists show blocked --json -n 0

Exit codes: 0 done; 1 there is no such list; 2 wrong use; 3 the service cannot be reached.`
}

// Run shows lists, or entries.
func (c *listsShowCommand) Run(std *streams) error {
	if c.List == "" {
		return c.all(std)
	}
	q := question{method: http.MethodGet, path: []string{"v1", "lists", c.List, "entries"}, query: url.Values{}}
	if c.Query != "" {
		q.query.Set("q", c.Query)
	}
	rows := [][]string{{"entry", "value", "expires"}}
	err := pages(&c.clientFlags, q, c.Count, func(e *web.Entry) error {
		if c.JSON {
			return writeJSON(std, e)
		}
		rows = append(rows, []string{e.Entry, shownValue(e.Value), e.Expires})
		return nil
	})
	if err != nil || c.JSON {
		return err
	}
	return writeTable(std, rows)
}

// all shows all lists.
func (c *listsShowCommand) all(std *streams) error {
	var all struct {
		Items []web.List `json:"items"`
	}
	if err := c.ask(question{method: http.MethodGet, path: []string{"v1", "lists"}}, &all); err != nil {
		return err
	}
	if c.JSON {
		for i := range all.Items {
			if err := writeJSON(std, &all.Items[i]); err != nil {
				return err
			}
		}
		return nil
	}
	rows := [][]string{{"list", "type", "value", "entries"}}
	for _, l := range all.Items {
		rows = append(rows, []string{l.Name, l.Type, l.Value, strconv.Itoa(l.Entries)})
	}
	return writeTable(std, rows)
}

// shownValue is a value as a table shows it: a text without its quotes.
func shownValue(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}

// listsPutCommand is `weir lists put`.
type listsPutCommand struct {
	List    string `arg:"" help:"Name of the list."`
	Entry   string `arg:"" help:"The entry."`
	Value   string `placeholder:"JSON|TEXT" help:"Its value: a number, true, false, or a text, which may stand in quotes."`
	Expires string `placeholder:"D|TIME" help:"When it goes: a duration from now, like 24h, or a time, like 2026-01-02T03:04:05Z. Without it, it stays."`
	changeFlags
	clientFlags
}

// Help is what `weir lists put --help` says beside the flags.
func (listsPutCommand) Help() string {
	return `Examples:

  weir lists put blocked 4111111111111111 --reason 'case 4711'
  weir lists put limits c1 --value 500 --expires 24h

Every event from then on sees the list as it is then.
Exit codes: 0 done; 1 refused, as there is no such list, or that is no entry; 2 wrong use; 3 the service cannot be reached.`
}

// Run puts an entry.
func (c *listsPutCommand) Run(std *streams) error {
	v := web.EntryValue{Expires: c.Expires}
	if c.Value != "" {
		v.Value = valueOf(c.Value)
	}
	if d, err := parseSpan(c.Expires); c.Expires != "" && err == nil {
		v.Expires = time.Now().Add(d).UTC().Truncate(time.Second).Format(time.RFC3339)
	} else if _, err := cep.ParseTime(c.Expires); c.Expires != "" && err != nil {
		return usageError("--expires: %q is neither a duration, like 24h, nor a time, like 2026-01-02T03:04:05Z", c.Expires)
	}
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.change(std, question{
		method: http.MethodPut, path: []string{"v1", "lists", c.List, "entries", c.Entry},
		media: "application/json", body: strings.NewReader(string(body)), who: &c.changeFlags,
	})
}

// valueOf is a value as JSON: a text that is none is a text.
func valueOf(text string) json.RawMessage {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	quoted, _ := json.Marshal(text) // a text
	return quoted
}

// change asks for a change and says what became of it.
func (c *clientFlags) change(std *streams, q question) error {
	var done web.Change
	if err := c.ask(q, &done); err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std, &done)
	}
	switch {
	case !done.Stepped:
		fmt.Fprintf(std.out, "at %s on the log, and in force once the records before it are stepped\n", done.Position)
	case len(done.Before) == 0:
		fmt.Fprintf(std.out, "in force from %s on; it was not there before\n", done.Position)
	default:
		fmt.Fprintf(std.out, "in force from %s on; before: %s\n", done.Position, done.Before)
	}
	return nil
}

// listsRemoveCommand is `weir lists remove`.
type listsRemoveCommand struct {
	List  string `arg:"" help:"Name of the list."`
	Entry string `arg:"" help:"The entry."`
	changeFlags
	clientFlags
}

// Help is what `weir lists remove --help` says beside the flags.
func (listsRemoveCommand) Help() string {
	return `Example:

  weir lists remove blocked 4111111111111111 --reason 'not the thief'

Exit codes: 0 done; 1 there is no such list or entry; 2 wrong use; 3 the service cannot be reached.`
}

// Run removes an entry.
func (c *listsRemoveCommand) Run(std *streams) error {
	return c.change(std, question{method: http.MethodDelete, path: []string{"v1", "lists", c.List, "entries", c.Entry}, who: &c.changeFlags})
}

// listsImportCommand is `weir lists import`.
type listsImportCommand struct {
	List    string `arg:"" help:"Name of the list."`
	File    string `arg:"" help:"CSV file with the columns entry, value and expires; - is stdin."`
	Replace bool   `help:"No other entries stay in the list."`
	changeFlags
	clientFlags
}

// Help is what `weir lists import --help` says beside the flags.
func (listsImportCommand) Help() string {
	return `Examples:

  weir lists import blocked stolen.csv --reason 'monthly list of the network'
  weir lists import rates rates.csv --replace

Exit codes: 0 done; 1 refused, with the rows that are wrong; 2 wrong use; 3 the file or the service cannot be reached.`
}

// Run imports a file.
func (c *listsImportCommand) Run(std *streams) error {
	body := std.in
	if c.File != stdoutName {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		body = f
	}
	q := question{method: http.MethodPost, path: []string{"v1", "lists", c.List, "import"}, query: url.Values{}, media: "text/csv", body: body, who: &c.changeFlags}
	if c.Replace {
		q.query.Set("mode", "replace")
	}
	return c.change(std, q)
}

// listsHistoryCommand is `weir lists history`.
type listsHistoryCommand struct {
	List  string `arg:"" optional:"" help:"Name of a list; without it all changes of lists."`
	Entry string `arg:"" optional:"" help:"One of its entries."`
	Count int    `short:"n" default:"20" placeholder:"N" help:"So many changes at most; 0: all (${default})."`
	clientFlags
}

// Help is what `weir lists history --help` says beside the flags.
func (listsHistoryCommand) Help() string {
	return `Examples:

  weir lists history blocked
  weir lists history blocked 4111111111111111 --json

The newest change comes first.
Exit codes: 0 done; 2 wrong use; 3 the service cannot be reached.`
}

// Run shows the audit log of lists.
func (c *listsHistoryCommand) Run(std *streams) error {
	q := question{method: http.MethodGet, path: []string{"v1", "audit"}, query: url.Values{"what": {"list"}}}
	if c.List != "" {
		id := c.List
		if c.Entry != "" {
			id += "/" + c.Entry
		}
		q.query.Set("id", id)
	}
	rows := [][]string{{"time", "author", "what", "id", "before", "after", "reason"}}
	err := pages(&c.clientFlags, q, c.Count, func(e *web.AuditEntry) error {
		if c.JSON {
			return writeJSON(std, e)
		}
		if e.Refused != "" {
			e.After = "refused: " + e.Refused
		}
		rows = append(rows, []string{e.Time, e.Author, e.What, e.ID, e.Before, e.After, e.Reason})
		return nil
	})
	if err != nil || c.JSON {
		return err
	}
	return writeTable(std, rows)
}
