package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/signal"
	"syscall"
	"time"

	"weir/rules/source"
	"weir/web"
)

// remote is a service that a command asks.
type remote struct {
	URL string `default:"http://127.0.0.1:8080" env:"WEIR_URL" placeholder:"URL" help:"Where the service answers (${default})."`
}

// validate refuses what is no address.
func (r *remote) validate() error {
	u, err := url.Parse(r.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("--url: %q is no address, like http://127.0.0.1:8080", r.URL)
	}
	return nil
}

// remoteTime is how long an answer may take: many rules are checked and tested for a while.
const remoteTime = 5 * time.Minute

// remoteAnswer bounds an answer, in bytes.
const remoteAnswer = 256 << 20

// request is what is asked.
type remoteRequest struct {
	method, path string
	query        url.Values
	header       http.Header
	body         []byte
}

// ask asks and reads the JSON of the answer. A problem is an error; what is wrong in rules is
// written to stderr.
func (r *remote) ask(std *streams, q remoteRequest, into any) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, remoteTime)
	defer cancel()
	address, err := url.JoinPath(r.URL, q.path)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, q.method, withQuery(address, q.query), bytes.NewReader(q.body))
	if err != nil {
		return err
	}
	if q.header != nil {
		request.Header = q.header
	}
	if q.method != http.MethodGet {
		request.Header.Set("Weir-Author", operator("").Author)
	}
	a, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("the service cannot be reached: %w; --url says where it is", err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(io.LimitReader(a.Body, remoteAnswer))
	if err != nil {
		return fmt.Errorf("the answer of the service ended before its end: %w", err)
	}
	if a.StatusCode >= http.StatusBadRequest {
		return refusedBy(std, a, text)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s answers with something else than Weir does: %w", r.URL, err)
	}
	return nil
}

// refusedBy is the error that a problem is.
func refusedBy(std *streams, a *http.Response, text []byte) error {
	var p web.Problem
	if json.Unmarshal(text, &p) != nil || p.Detail == "" {
		return errors.New(a.Status)
	}
	for _, d := range p.Diagnostics {
		found := source.Diagnostic{
			File: d.File, Line: d.Line, Column: d.Column, EndLine: d.EndLine, EndColumn: d.EndColumn,
			Severity: source.Severity(d.Severity), Code: d.Code, Msg: d.Message, Hint: d.Hint,
		}
		if err := writeFindings(std.err, nil, []source.Diagnostic{found}); err != nil {
			return err
		}
	}
	if p.Tests != nil {
		writeFailed(std.err, p.Tests)
	}
	err := errors.New(visible(p.Detail))
	switch a.StatusCode {
	case http.StatusBadRequest:
		return &exitError{exitUsage, err}
	case http.StatusUnprocessableEntity, http.StatusNotFound, http.StatusPreconditionFailed, http.StatusConflict:
		return &exitError{exitFindings, err}
	}
	return err
}

// writeFailed names the tests that failed.
func writeFailed(w io.Writer, run *web.TestRun) {
	for _, result := range run.Results {
		var r struct {
			Name, File string
			Line       int
			Passed     bool
			Failures   []struct{ Message string }
			Findings   []string
		}
		if json.Unmarshal(result, &r) != nil || r.Passed {
			continue
		}
		fmt.Fprintf(w, "FAIL %s:%d: %s\n", visible(r.File), r.Line, visible(r.Name))
		for _, f := range r.Failures {
			fmt.Fprintf(w, "  %s\n", visible(f.Message))
		}
		for _, f := range r.Findings {
			fmt.Fprintf(w, "  %s\n", visible(f))
		}
	}
}

// writeJSON writes an answer as one line of JSON.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
