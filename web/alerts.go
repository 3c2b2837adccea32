package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"weir/cep"
)

// page is a part of a list.
type page struct {
	Items []json.RawMessage `json:"items" doc:"the newest first"`
	Next  string            `json:"next,omitempty" doc:"after which the next page begins; absent at the end"`
}

const (
	fewAlerts  = 100  // on a page, unless the request says how many
	mostAlerts = 1000 // on a page
)

// listAlerts is GET /v1/alerts.
func (s *service) listAlerts(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	f, err := filterOf(query)
	if err != nil {
		return err
	}
	limit := fewAlerts
	if text := query.Get("limit"); query.Has("limit") {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > mostAlerts {
			return problem(http.StatusBadRequest, codeParameter, "expected a number from 1 to %d in the parameter limit, found %q", mostAlerts, shorten(text))
		}
	}
	items, next, err := s.options.Alerts.List(r.Context(), f, limit, query.Get("after"))
	if errors.Is(err, ErrCursor) {
		return problem(http.StatusBadRequest, codeParameter, "expected what `next` of a page said in the parameter after, found %q", shorten(query.Get("after")))
	}
	if err != nil {
		return err
	}
	if items == nil {
		items = []json.RawMessage{}
	}
	write(w, http.StatusOK, mediaJSON, page{items, next})
	return nil
}

// The words that a filter knows.
var (
	severities = []string{"low", "medium", "high", "critical"}
	kinds      = []string{"match", "timeout", "retracted", "restored"}
)

// filterOf reads the filters of a query.
func filterOf(query url.Values) (Filter, error) {
	f := Filter{Rule: query.Get("rule"), Severity: query.Get("severity"), Kind: query.Get("kind"), Tag: query.Get("tag")}
	for _, name := range []string{"rule", "severity", "kind", "tag", "key", "from", "to", "after"} {
		if query.Has(name) && query.Get(name) == "" {
			return f, emptyParameter(name)
		}
	}
	if f.Severity != "" && !slices.Contains(severities, f.Severity) {
		return f, unknown("severity", f.Severity, severities)
	}
	if f.Kind != "" && !slices.Contains(kinds, f.Kind) {
		return f, unknown("kind", f.Kind, kinds)
	}
	if text := query.Get("key"); text != "" {
		field, value, ok := strings.Cut(text, ":")
		if !ok || field == "" {
			return f, problem(http.StatusBadRequest, codeParameter, "expected FIELD:VALUE in the parameter key, like card_id:c1, found %q", shorten(text))
		}
		f.KeyField, f.KeyValue = field, value
	}
	var err error
	if f.From, err = timeOf(query, "from"); err != nil {
		return f, err
	}
	if f.To, err = timeOf(query, "to"); err != nil {
		return f, err
	}
	if f.From != 0 && f.To != 0 && f.From >= f.To {
		return f, problem(http.StatusBadRequest, codeParameter, "expected a time in the parameter from that is before that in to: no alert can be between them")
	}
	return f, nil
}

func emptyParameter(name string) error {
	return problem(http.StatusBadRequest, codeParameter, "the parameter %s is empty: leave it out, or say what is wanted", name)
}

func unknown(name, found string, known []string) error {
	return problem(http.StatusBadRequest, codeParameter, "expected one of %s in the parameter %s, found %q", strings.Join(known, ", "), name, shorten(found))
}

// timeOf reads a parameter that is a time; 0: it is not there.
func timeOf(query url.Values, name string) (int64, error) {
	text := query.Get(name)
	if text == "" {
		return 0, nil
	}
	ns, err := cep.ParseTime(text)
	if err != nil {
		return 0, problem(http.StatusBadRequest, codeParameter, "expected a time in the parameter %s, like 2026-01-02T03:04:05Z: %q %s", name, shorten(text), err)
	}
	return ns, nil
}

// getAlert is GET /v1/alerts/{id}: its latest version, and below versions all of them.
func (s *service) getAlert(w http.ResponseWriter, r *http.Request) error {
	id := chi.URLParam(r, "id")
	versions, ok, err := s.options.Alerts.Get(r.Context(), id)
	if err != nil {
		return err
	}
	if !ok || len(versions) == 0 {
		return problem(http.StatusNotFound, codeNotFound, "there is no alert with the id %q", shorten(id))
	}
	write(w, http.StatusOK, mediaJSON, withVersions(versions))
	return nil
}

// withVersions adds all versions to the latest one, an object that has members.
func withVersions(versions []json.RawMessage) json.RawMessage {
	last := bytes.TrimRight(versions[len(versions)-1], " \r\n\t")
	text := slices.Concat(bytes.TrimSuffix(last, []byte("}")), []byte(`,"versions":[`))
	for i, v := range versions {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, v...)
	}
	return append(text, "]}"...)
}
