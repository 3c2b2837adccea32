package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"weir/cep"
)

// advance is the body of POST /v1/advance.
type advance struct {
	To string `json:"to" doc:"event time, RFC 3339" format:"date-time"`
}

// placed is an answer that says where on the log something stands.
type placed struct {
	Position string `json:"position"`
}

// postAdvance is POST /v1/advance.
func (s *service) postAdvance(w http.ResponseWriter, r *http.Request) error {
	var a advance
	if err := s.readJSON(w, r, &a); err != nil {
		return err
	}
	to, err := cep.ParseTime(a.To)
	if err != nil {
		return problem(http.StatusUnprocessableEntity, codeBody, "expected a time in to, like 2026-01-02T03:04:05Z: %q %s", shorten(a.To), err)
	}
	if err := s.admit(); err != nil {
		return err
	}
	at, err := s.options.Events.Advance(r.Context(), to)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, mediaJSON, placed{at.String()})
	return nil
}

// acknowledgement is the body of POST /v1/losses/ack.
type acknowledgement struct {
	Reason string `json:"reason" doc:"for those who come later: 1 to 1,000 bytes"`
}

type acknowledged struct {
	Acknowledged int `json:"acknowledged" doc:"losses that nobody had acknowledged before"`
}

const mostReason = 1000 // bytes

// ackLosses is POST /v1/losses/ack.
func (s *service) ackLosses(w http.ResponseWriter, r *http.Request) error {
	var a acknowledgement
	if err := s.readJSON(w, r, &a); err != nil {
		return err
	}
	if a.Reason == "" || len(a.Reason) > mostReason {
		return problem(http.StatusUnprocessableEntity, codeBody, "expected a reason of 1 to %d bytes, found %d", mostReason, len(a.Reason))
	}
	if err := checkReason(a.Reason); err != nil {
		return err
	}
	who, err := change(r)
	if err != nil {
		return err
	}
	who.Reason = a.Reason
	n, err := s.options.Losses.AckLosses(r.Context(), who)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, mediaJSON, acknowledged{n})
	return nil
}

const smallBody = 64 << 10 // bytes of a body that is no events

// readJSON reads a small body. A member that is not expected is refused, as it was meant to
// say something.
func (s *service) readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return problem(http.StatusUnsupportedMediaType, codeEncoding, "expected a body without Content-Encoding, found %q", shorten(encoding))
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, smallBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return problem(http.StatusRequestEntityTooLarge, codeLarge, "expected a body of at most %d bytes", smallBody)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return problem(http.StatusRequestTimeout, codeSlow, "the body came too slowly: expected all of it within %s", s.bounds.Small)
	}
	if err != nil {
		return problem(http.StatusBadRequest, codeBadRequest, "the body ended before its end")
	}
	http.NewResponseController(w).SetReadDeadline(time.Time{}) // all has come: what follows is not the client's time
	if err := json.Unmarshal(text, v, json.RejectUnknownMembers(true)); err != nil {
		return problem(http.StatusBadRequest, codeBody, "the body is not the JSON object that is expected here: %s", wrong(err))
	}
	return nil
}

// wrong says what is wrong with a body, without the names that its members have in Weir.
func wrong(err error) string {
	e, ok := errors.AsType[*json.SemanticError](err)
	switch {
	case !ok:
		return strings.TrimPrefix(err.Error(), "jsontext: ")
	case e.Err != nil:
		return fmt.Sprintf("%s at %q", e.Err, shorten(string(e.JSONPointer)))
	}
	return fmt.Sprintf("a %s at %q", e.JSONKind, shorten(string(e.JSONPointer)))
}
