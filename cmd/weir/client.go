package main

import (
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
	"text/tabwriter"
	"time"

	"weir/cep"
	"weir/rules/source"
	"weir/web"
)

// clientFlags say which service a command speaks to. Its requests and answers are those that
// /openapi.json describes: both are made of the types of package web.
type clientFlags struct {
	URL  string `default:"http://127.0.0.1:8080" env:"WEIR_URL" placeholder:"URL" help:"Where the service answers (${default})."`
	JSON bool   `name:"json" help:"Write the answer as JSON."`
}

// Validate refuses an address that is none.
func (c *clientFlags) Validate() error {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("--url: %q is no address, like http://127.0.0.1:8080", c.URL)
	}
	return nil
}

// changeFlags are those of commands that change something.
type changeFlags struct {
	Author string `env:"WEIR_AUTHOR" placeholder:"NAME" help:"Who changes it; it stands in the audit log (the name of the user)."`
	Reason string `placeholder:"TEXT" help:"Why; it stands in the audit log."`
}

// askTime is how long a question may take, with a file that is sent: a change is answered 10 s
// after it has come, at most.
const askTime = 5 * time.Minute

// question is a request to a service.
type question struct {
	method string
	path   []string // parts, as they are meant
	query  url.Values
	media  string
	match  string // If-Match
	body   io.Reader
	who    *changeFlags // of what changes something
}

// ask sends a question and reads the answer into v. What the service refuses is an error with
// what it says.
func (c *clientFlags) ask(q question, v any) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	r, err := c.request(ctx, &q)
	if err != nil {
		return err
	}
	a, err := (&http.Client{Timeout: askTime}).Do(r)
	if err != nil {
		return fmt.Errorf("the service does not answer: %w: start it (weir serve), or say with --url where it is", errors.Unwrap(err))
	}
	defer a.Body.Close()
	if a.StatusCode >= http.StatusBadRequest {
		return refusal(a)
	}
	if err := json.NewDecoder(a.Body).Decode(v); err != nil {
		return fmt.Errorf("the answer of %s cannot be read: %w", c.URL, err)
	}
	return nil
}

// request makes the request of a question.
func (c *clientFlags) request(ctx context.Context, q *question) (*http.Request, error) {
	if q.query == nil {
		q.query = url.Values{}
	}
	at := strings.TrimSuffix(c.URL, "/")
	for _, part := range q.path {
		at += "/" + url.PathEscape(part)
	}
	if q.who != nil && q.who.Reason != "" {
		q.query.Set("reason", q.who.Reason)
	}
	if len(q.query) > 0 {
		at += "?" + q.query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, q.method, at, q.body)
	if err != nil {
		return nil, err
	}
	if q.media != "" {
		r.Header.Set("Content-Type", q.media)
	}
	if q.match != "" {
		r.Header.Set("If-Match", q.match)
	}
	if q.who != nil {
		author := q.who.Author
		if author == "" {
			author = operator("").Author
		}
		r.Header.Set("Weir-Author", author)
	}
	return r, nil
}

// refusal says why a service refused a request. Exit codes: 1 where another request may be
// carried out, 2 where this one was wrong, 3 else.
func refusal(a *http.Response) error {
	var p web.Problem
	if err := json.NewDecoder(io.LimitReader(a.Body, 16<<20)).Decode(&p); err != nil || p.Detail == "" {
		return fmt.Errorf("the service answers %s, and nothing more: is that weir?", a.Status)
	}
	text := source.Visible(p.Detail)
	for _, row := range p.Rejected {
		text += fmt.Sprintf("\n  %d:%d: %s", row.Line, row.Column, source.Visible(row.Reason))
	}
	err := errors.New(text)
	switch a.StatusCode {
	case http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnprocessableEntity:
		err = &exitError{exitFindings, err}
	case http.StatusBadRequest, http.StatusForbidden:
		err = &exitError{exitUsage, err}
	}
	return &refusedError{err, &p}
}

// refusedError is the error of what a service refuses.
type refusedError struct {
	error
	problem *web.Problem
}

func (r *refusedError) Unwrap() error { return r.error }

// tell writes what is wrong with rules that a service refused, and passes the error on.
func tell(w io.Writer, err error) error {
	var r *refusedError
	if !errors.As(err, &r) {
		return err
	}
	for _, d := range r.problem.Diagnostics {
		found := source.Diagnostic{
			File: d.File, Line: d.Line, Column: d.Column, EndLine: d.EndLine, EndColumn: d.EndColumn,
			Severity: source.Severity(d.Severity), Code: d.Code, Msg: d.Message, Hint: d.Hint,
		}
		if err := writeFindings(w, nil, []source.Diagnostic{found}); err != nil {
			return err
		}
	}
	if r.problem.Tests != nil {
		writeFailed(w, r.problem.Tests)
	}
	return err
}

// writeJSON writes an answer as it came.
func writeJSON(std *streams, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "%s\n", text)
	return err
}

// writeTable writes rows in columns; the first row names them.
func writeTable(std *streams, rows [][]string) error {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i := range row {
			row[i] = source.Visible(row[i])
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	w.Flush() // a Builder takes all
	for line := range strings.Lines(text.String()) {
		if _, err := fmt.Fprintln(std.out, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// momentOf reads a flag that is a time, or how long ago that was.
func momentOf(flag, text string, now time.Time) (string, error) {
	if text == "" {
		return "", nil
	}
	if d, err := parseSpan(text); err == nil {
		return cep.FormatTime(now.Add(-d).UnixNano()), nil
	}
	if _, err := cep.ParseTime(text); err != nil {
		return "", usageError("--%s: %q is neither a duration, like 1h, nor a time, like 2026-01-02T03:04:05Z", flag, text)
	}
	return text, nil
}

// pages asks for up to n things, page after page, and hands on each; less than 1: all.
func pages[T any](c *clientFlags, q question, n int, each func(*T) error) error {
	const most = 1000
	if q.query == nil {
		q.query = url.Values{}
	}
	for seen := 0; ; {
		limit := most
		if n > 0 {
			limit = min(most, n-seen)
		}
		q.query.Set("limit", fmt.Sprint(limit))
		var page struct {
			Items []T    `json:"items"`
			Next  string `json:"next"`
		}
		if err := c.ask(q, &page); err != nil {
			return err
		}
		for i := range page.Items {
			if err := each(&page.Items[i]); err != nil {
				return err
			}
		}
		if seen += len(page.Items); page.Next == "" || n > 0 && seen >= n {
			return nil
		}
		q.query.Set("after", page.Next)
	}
}
