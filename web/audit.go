package web

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// Audit is the log of what people have changed.
type Audit interface {
	// Audit returns up to limit entries that a filter asks for, the newest first, of those
	// before a number; 0: from the last on. next is the number to go on before, 0 at the end.
	Audit(ctx context.Context, f AuditFilter, limit int, before uint64) (items []AuditEntry, next uint64, err error)
}

// AuditFilter says which entries are asked for; what is empty asks for all.
type AuditFilter struct {
	What   string // this, or what begins with it and a dot
	ID     string // this, or what begins with it and a slash
	Author string
	From   int64 // of this time or later, nanoseconds since the epoch; 0: all
	To     int64 // before this; 0: all
}

// AuditEntry is a change that somebody made.
type AuditEntry struct {
	Number   uint64 `json:"number" doc:"from 1, rising by one"`
	Time     string `json:"time" format:"date-time"`
	Author   string `json:"author"`
	Reason   string `json:"reason" doc:"empty: none was given"`
	What     string `json:"what" doc:"what was done, like list.entry.put"`
	ID       string `json:"id" doc:"to what"`
	Before   string `json:"before" doc:"what it was; empty: nothing, or that says nothing"`
	After    string `json:"after" doc:"what it is then; likewise"`
	Refused  string `json:"refused" doc:"why nothing was changed; empty: it was"`
	Position string `json:"position" doc:"of the record on the log that brought the change; empty: the log does not know it"`
	Previous string `json:"previous" doc:"hash of the entry before; empty: this is the first"`
	Hash     string `json:"hash" doc:"SHA-256 of all members above, in hex"`
}

// auditRoutes are those of the audit log.
func (s *service) auditRoutes() []route {
	text := &huma.Schema{Type: huma.TypeString}
	return []route{{
		Operation: huma.Operation{
			Method: http.MethodGet, Path: "/v1/audit", OperationID: "list-audit", Summary: "who changed what, the newest change first",
			Parameters: []*huma.Param{
				{Name: "what", In: "query", Description: "what was done, like list.entry.put, or how that begins, up to a dot", Schema: text},
				{Name: "id", In: "query", Description: "to what, or how that begins, up to a slash", Schema: text},
				{Name: "author", In: "query", Schema: text},
				{Name: "from", In: "query", Description: "the time at the earliest, RFC 3339", Schema: &huma.Schema{Type: huma.TypeString, Format: "date-time"}},
				{Name: "to", In: "query", Description: "the time is before this, RFC 3339", Schema: &huma.Schema{Type: huma.TypeString, Format: "date-time"}},
				limitParameter,
				{Name: "after", In: "query", Description: "what next of the page before said", Schema: text},
			},
		},
		serve: s.listAudit, gives: named[AuditEntry]{},
	}}
}

// listAudit is GET /v1/audit.
func (s *service) listAudit(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	limit, err := limitOf(query)
	if err != nil {
		return err
	}
	for _, name := range []string{"what", "id", "author", "from", "to", "after"} {
		if query.Has(name) && query.Get(name) == "" {
			return emptyParameter(name)
		}
	}
	f := AuditFilter{What: query.Get("what"), ID: query.Get("id"), Author: query.Get("author")}
	if f.From, err = timeOf(query, "from"); err != nil {
		return err
	}
	if f.To, err = timeOf(query, "to"); err != nil {
		return err
	}
	before := uint64(0)
	if text := query.Get("after"); text != "" {
		if before, err = strconv.ParseUint(text, 10, 64); err != nil || before == 0 || strconv.FormatUint(before, 10) != text {
			return problem(http.StatusBadRequest, codeParameter, "expected what `next` of a page said in the parameter after, found %q", shorten(text))
		}
	}
	items, next, err := s.options.Audit.Audit(r.Context(), f, limit, before)
	if err != nil {
		return err
	}
	page := named[AuditEntry]{Items: append([]AuditEntry{}, items...)}
	if next > 0 {
		page.Next = strconv.FormatUint(next, 10)
	}
	write(w, http.StatusOK, mediaJSON, page)
	return nil
}
