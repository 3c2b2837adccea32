package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// Problem is the answer to a request that was not carried out, or not wholly: RFC 9457,
// application/problem+json.
type Problem struct {
	Type   string `json:"type" doc:"always about:blank: what it is about says code"`
	Title  string `json:"title" doc:"the name of the HTTP status"`
	Status int    `json:"status" doc:"the HTTP status"`
	Detail string `json:"detail" doc:"what was expected, what was found, what to do"`
	Code   string `json:"code" doc:"one word for programs; docs/http.md has them all"`

	Accepted      *uint64  `json:"accepted,omitempty" doc:"POST /v1/events: so many of the lines that are events, the first ones, are durable"`
	Position      string   `json:"position,omitempty" doc:"of the last of them"`
	RejectedCount uint64   `json:"rejected_count,omitempty" doc:"lines that are no events, as far as the body was read"`
	Rejected      []Reject `json:"rejected,omitempty" doc:"the first 100 of them"`

	Diagnostics []Diagnostic `json:"diagnostics,omitempty" doc:"what is wrong in the rules, as weir check --json has it"`
	Tests       *TestRun     `json:"tests,omitempty" doc:"what came of the tests of the rules"`

	retryAfter int // seconds; 0: nothing is said
}

// The codes of problems.
const (
	codeBadRequest  = "bad_request"
	codeParameter   = "invalid_parameter"
	codeBody        = "invalid_body"
	codeEncoding    = "wrong_encoding"
	codeMedia       = "wrong_media_type"
	codeLarge       = "body_too_large"
	codeUnpacks     = "unpacks_too_far"
	codeSlow        = "body_too_slow"
	codeHost        = "wrong_host"
	codeOrigin      = "wrong_origin"
	codeNotFound    = "not_found"
	codeMethod      = "method_not_allowed"
	codeRejected    = "lines_rejected"
	codeKey         = "key_reused"
	codeBusy        = "busy"
	codeFull        = "full"
	codeUnavailable = "unavailable"
	codeStarting    = "starting"
	codeInternal    = "internal"
	codeRefused     = "change_refused"

	codeRules        = "invalid_rules"
	codeTests        = "tests_failed"
	codePrecondition = "precondition_failed"
)

// codes are all of them, for metrics and docs.
var codes = []string{
	codeBadRequest, codeParameter, codeBody, codeEncoding, codeMedia, codeLarge, codeUnpacks, codeSlow, codeHost, codeOrigin,
	codeNotFound, codeMethod, codeRejected, codeKey, codeBusy, codeFull, codeUnavailable, codeStarting, codeInternal, codeRefused,
	codeRules, codeTests, codePrecondition,
}

func (p *Problem) Error() string { return p.Detail }

func problem(status int, code, format string, args ...any) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: fmt.Sprintf(format, args...)}
}

// busy asks a client to come again in a second.
func busy(format string, args ...any) *Problem {
	p := problem(http.StatusTooManyRequests, codeBusy, format, args...)
	p.retryAfter = 1
	return p
}

func unavailable(format string, args ...any) *Problem {
	p := problem(http.StatusServiceUnavailable, codeUnavailable, format, args...)
	p.retryAfter = 1
	return p
}

// starting asks a client to come again once the service has begun.
func starting() *Problem {
	p := problem(http.StatusServiceUnavailable, codeStarting, "the service is starting: send again when /readyz says ready")
	p.retryAfter = 1
	return p
}

func full(format string, args ...any) *Problem {
	return problem(http.StatusInsufficientStorage, codeFull, format, args...)
}

// problemOf is what a client is told of an error. What no client can do anything about is
// logged, as its text may name files.
func (s *service) problemOf(r *http.Request, err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	switch {
	case r.Context().Err() != nil: // nobody hears it: it is for the counter
		return problem(http.StatusBadRequest, codeBadRequest, "the request ended before it was carried out")
	case errors.Is(err, ErrFull):
		return full("there is no room for more events: free some space on the disk of the data directory, or make the log larger")
	case errors.Is(err, ErrBusy):
		return busy("too many events are waiting to be written: send again after a second")
	case errors.Is(err, ErrUnavailable):
		return unavailable("the log does not answer at the moment: send again")
	}
	s.options.Log.Error("a request failed", "method", r.Method, "route", routeOf(r), "error", err)
	return unavailable("the request could not be carried out: the log of the service says why")
}

func (p *Problem) write(w http.ResponseWriter) {
	if p.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	write(w, p.Status, "application/problem+json", p)
}

// write sends v as JSON.
func write(w http.ResponseWriter, status int, media string, v any) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // alerts go out as they are
	if err := e.Encode(v); err != nil {
		panic("web: an answer that is no JSON: " + err.Error())
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("Content-Length", strconv.Itoa(text.Len()))
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(text.Bytes()) // if the client is gone, there is nobody to tell
}
