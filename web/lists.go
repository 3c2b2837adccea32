package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"unsafe"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"weir/cep"
)

// Lists are the lists of the rules in force, with the entries that they have now.
type Lists interface {
	// Lists returns all lists, by name.
	Lists(ctx context.Context) ([]List, error)

	// Entries returns up to limit entries that begin with a text and come after an entry, in
	// order. next is the last of them, empty at the end.
	Entries(ctx context.Context, name, prefix, after string, limit int) (items []Entry, next string, err error)

	// Entry returns one entry; false: it is not there.
	Entry(ctx context.Context, name, entry string) (Entry, bool, error)

	// Put adds an entry, or gives it another value and expiry. It returns once that is durable
	// and stepped, or after 10 s.
	Put(ctx context.Context, name string, e *Entry, who cep.Audit) (Change, error)

	// Remove removes an entry, likewise; ErrNoEntry where it is not there.
	Remove(ctx context.Context, name, entry string, who cep.Audit) (Change, error)

	// Import puts the entries of a CSV file, all or none, likewise; with replace no other
	// entries stay. What is wrong with the file is a *WrongRows.
	Import(ctx context.Context, name, text string, replace bool, who cep.Audit) (Change, error)
}

var (
	ErrNoList  = errors.New("there is no such list")       // 404
	ErrNoEntry = errors.New("there is no such entry")      // 404
	ErrImports = errors.New("another import is under way") // 429
)

// WrongEntry says why something can be no entry of a list, or no value or expiry of one: 422.
type WrongEntry struct{ Why string }

func (e *WrongEntry) Error() string { return e.Why }

// WrongRows is what is wrong in a CSV file: 422.
type WrongRows struct {
	Rows []Reject
	All  int // with those that Rows leaves out
}

func (e *WrongRows) Error() string {
	if e.All == 1 {
		return "1 row is wrong"
	}
	return strconv.Itoa(e.All) + " rows are wrong"
}

// List is what a list is.
type List struct {
	Name    string `json:"name"`
	Type    string `json:"type" doc:"of its entries" enum:"string,number,cidr"`
	Value   string `json:"value,omitempty" doc:"type of the values of entries; absent: they have none" enum:"string,number,bool"`
	Entries int    `json:"entries" doc:"that it has, those included that expired a short time ago"`
}

// Entry is an entry of a list.
type Entry struct {
	Entry   string          `json:"entry"`
	Value   json.RawMessage `json:"value,omitempty" doc:"a text, a number, or true or false, as the list says"`
	Expires string          `json:"expires,omitempty" doc:"event time from which it is not there, RFC 3339; absent: it stays"`
}

// Change is what became of a change.
type Change struct {
	Position string          `json:"position" doc:"of the record on the log that brings it"`
	Stepped  bool            `json:"stepped" doc:"it is in force; else it will be, once the records before it are stepped: the audit log tells"`
	Before   json.RawMessage `json:"before,omitempty" doc:"what was changed, as it was; absent: it was not there, or that is not known yet"`
	After    json.RawMessage `json:"after,omitempty" doc:"what it is now; absent: it is not there"`
	Refused  string          `json:"-"`
}

// EntryValue is the body of PUT /v1/lists/{name}/entries/{entry}.
type EntryValue struct {
	Value   json.RawMessage `json:"value,omitempty" doc:"a text, a number, or true or false, as the list says; absent: none"`
	Expires string          `json:"expires,omitempty" doc:"event time from which it is not there, RFC 3339; absent: it stays" format:"date-time"`
}

// named is a part of a list of things.
type named[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"after which the next page begins; absent at the end"`
}

const (
	fewItems  = 100  // on a page, unless the request says how many
	mostItems = 1000 // on a page
)

// mediaCSV is the type of what is imported.
const mediaCSV = "text/csv"

// listRoutes are those of lists.
func (s *service) listRoutes() []route {
	text := &huma.Schema{Type: huma.TypeString}
	name := &huma.Param{Name: "name", In: "path", Required: true, Description: "of the list", Schema: text}
	entry := &huma.Param{Name: "entry", In: "path", Required: true, Description: "the entry; a slash in it is written %2F", Schema: text}
	changes := slices.Concat([]*huma.Param{name, entry}, changeParameters)
	return []route{
		{
			Operation: huma.Operation{Method: http.MethodGet, Path: "/v1/lists", OperationID: "list-lists", Summary: "the lists of the rules in force"},
			serve:     s.listLists, gives: named[List]{},
		},
		{
			Operation: huma.Operation{
				Method: http.MethodGet, Path: "/v1/lists/{name}/entries", OperationID: "list-entries", Summary: "the entries of a list, as they are now, in order",
				Parameters: []*huma.Param{
					name,
					{Name: "q", In: "query", Description: "how the entries begin", Schema: text},
					limitParameter,
					{Name: "after", In: "query", Description: "what next of the page before said", Schema: text},
				},
			},
			serve: s.listEntries, gives: named[Entry]{},
		},
		{
			Operation: huma.Operation{
				Method: http.MethodGet, Path: "/v1/lists/{name}/entries/{entry}", OperationID: "get-entry", Summary: "an entry of a list",
				Parameters: []*huma.Param{name, entry},
			},
			serve: s.getEntry, gives: Entry{},
		},
		{
			Operation: huma.Operation{
				Method: http.MethodPut, Path: "/v1/lists/{name}/entries/{entry}", OperationID: "put-entry", Summary: "add an entry to a list, or give it another value and expiry",
				Parameters: changes,
			},
			media: []string{mediaJSON}, serve: s.putEntry, takes: map[string]any{mediaJSON: EntryValue{}}, gives: Change{},
		},
		{
			Operation: huma.Operation{
				Method: http.MethodDelete, Path: "/v1/lists/{name}/entries/{entry}", OperationID: "delete-entry", Summary: "remove an entry from a list",
				Parameters: changes,
			},
			serve: s.deleteEntry, gives: Change{},
		},
		{
			Operation: huma.Operation{
				Method: http.MethodPost, Path: "/v1/lists/{name}/import", OperationID: "import-entries", Summary: "put the entries of a CSV file into a list, all or none",
				Parameters: slices.Concat([]*huma.Param{
					name,
					{Name: "mode", In: "query", Description: "merge (the default): other entries stay; replace: they go", Schema: words([]string{modeMerge, modeReplace})},
					{Name: "Content-Encoding", In: "header", Description: "how the body is packed", Schema: words([]string{"gzip", "zstd"})},
				}, changeParameters),
			},
			media: []string{mediaCSV}, serve: s.importEntries, takes: map[string]any{mediaCSV: nil}, gives: Change{},
		},
	}
}

// limitParameter is how many things a page is to have.
var limitParameter = &huma.Param{Name: "limit", In: "query", Description: "on a page, 100 by default", Schema: &huma.Schema{Type: huma.TypeInteger, Minimum: new(float64(1)), Maximum: new(float64(mostItems))}}

// listLists is GET /v1/lists.
func (s *service) listLists(w http.ResponseWriter, r *http.Request) error {
	all, err := s.options.Lists.Lists(r.Context())
	if err != nil {
		return err
	}
	write(w, http.StatusOK, mediaJSON, named[List]{Items: append([]List{}, all...)})
	return nil
}

// listEntries is GET /v1/lists/{name}/entries.
func (s *service) listEntries(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	limit, err := limitOf(query)
	if err != nil {
		return err
	}
	name := pathOf(r, "name")
	items, next, err := s.options.Lists.Entries(r.Context(), name, query.Get("q"), query.Get("after"), limit)
	if err != nil {
		return listProblem(err, name, query.Get("after"))
	}
	write(w, http.StatusOK, mediaJSON, named[Entry]{append([]Entry{}, items...), next})
	return nil
}

// limitOf is how many things a page is to have.
func limitOf(query url.Values) (int, error) {
	if !query.Has("limit") {
		return fewItems, nil
	}
	text := query.Get("limit")
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostItems {
		return 0, problem(http.StatusBadRequest, codeParameter, "expected a number from 1 to %d in the parameter limit, found %q", mostItems, shorten(text))
	}
	return n, nil
}

// pathOf is a part of the path of a request, as it is meant: a slash in it stands there as %2F.
func pathOf(r *http.Request, name string) string {
	text := chi.URLParam(r, name)
	if r.URL.RawPath == "" {
		return text
	}
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

// getEntry is GET /v1/lists/{name}/entries/{entry}.
func (s *service) getEntry(w http.ResponseWriter, r *http.Request) error {
	name, entry := pathOf(r, "name"), pathOf(r, "entry")
	e, ok, err := s.options.Lists.Entry(r.Context(), name, entry)
	if err == nil && !ok {
		err = ErrNoEntry
	}
	if err != nil {
		return listProblem(err, name, entry)
	}
	write(w, http.StatusOK, mediaJSON, e)
	return nil
}

// putEntry is PUT /v1/lists/{name}/entries/{entry}.
func (s *service) putEntry(w http.ResponseWriter, r *http.Request) error {
	who, err := change(r)
	if err != nil {
		return err
	}
	var v EntryValue
	if err := s.readJSON(w, r, &v); err != nil {
		return err
	}
	name, entry := pathOf(r, "name"), pathOf(r, "entry")
	c, err := s.options.Lists.Put(r.Context(), name, &Entry{Entry: entry, Value: v.Value, Expires: v.Expires}, who)
	return changedList(w, &c, err, name, entry)
}

// deleteEntry is DELETE /v1/lists/{name}/entries/{entry}.
func (s *service) deleteEntry(w http.ResponseWriter, r *http.Request) error {
	who, err := change(r)
	if err != nil {
		return err
	}
	name, entry := pathOf(r, "name"), pathOf(r, "entry")
	c, err := s.options.Lists.Remove(r.Context(), name, entry, who)
	return changedList(w, &c, err, name, entry)
}

// importEntries is POST /v1/lists/{name}/import.
func (s *service) importEntries(w http.ResponseWriter, r *http.Request) error {
	who, err := change(r)
	if err != nil {
		return err
	}
	mode := r.URL.Query().Get("mode")
	if r.URL.Query().Has("mode") && mode != modeMerge && mode != modeReplace {
		return unknown("mode", mode, []string{modeMerge, modeReplace})
	}
	text, free, err := s.readText(w, r)
	if err != nil {
		return err
	}
	defer free()
	name := pathOf(r, "name")
	c, err := s.options.Lists.Import(r.Context(), name, text, mode == modeReplace, who)
	return changedList(w, &c, err, name, "")
}

// Modes of an import.
const (
	modeMerge   = "merge"
	modeReplace = "replace"
)

// readText reads a whole body that may be large. free gives back its room.
func (s *service) readText(w http.ResponseWriter, r *http.Request) (text string, free func(), err error) {
	b, err := s.openBody(w, r, s.bounds.Unpacked)
	if err != nil {
		return "", nil, err
	}
	defer b.close()
	buffer, n := []byte(nil), 0
	free = func() { s.memory.give(len(buffer)) }
	for {
		if n == len(buffer) {
			size := max(leastSize, 2*n)
			if !s.memory.take(size - n) {
				free()
				return "", nil, tooMany()
			}
			buffer = append(buffer, make([]byte, size-n)...)
		}
		m, err := b.Read(buffer[n:])
		n += m
		if err == io.EOF {
			return unsafe.String(unsafe.SliceData(buffer), n), free, nil // it is not changed any more
		}
		if err != nil {
			free()
			return "", nil, err
		}
	}
}

// changedList answers with what became of a change of a list.
func changedList(w http.ResponseWriter, c *Change, err error, name, entry string) error {
	if err != nil {
		return listProblem(err, name, entry)
	}
	return answerChange(w, c)
}

// answerChange says what became of a change: it is in force, will be, or was refused where it
// was stepped.
func answerChange(w http.ResponseWriter, c *Change) error {
	status := http.StatusOK
	switch {
	case c.Refused != "":
		p := problem(http.StatusConflict, codeRefused, "nothing was changed: %s", c.Refused)
		p.Position = c.Position
		return p
	case !c.Stepped:
		status = http.StatusAccepted
	}
	write(w, status, mediaJSON, c)
	return nil
}

// listProblem says in the words of problems what is wrong with what was asked of a list.
func listProblem(err error, name, entry string) error {
	wrong, isWrong := errors.AsType[*WrongEntry](err)
	rows, isRows := errors.AsType[*WrongRows](err)
	switch {
	case errors.Is(err, ErrNoList):
		return problem(http.StatusNotFound, codeNotFound, "there is no list %q: GET /v1/lists names those that there are", shorten(name))
	case errors.Is(err, ErrNoEntry):
		return problem(http.StatusNotFound, codeNotFound, "the list %q has no entry %q", shorten(name), shorten(entry))
	case errors.Is(err, ErrImports):
		return busy("another import is under way: send again once it is done")
	case isWrong:
		return problem(http.StatusUnprocessableEntity, codeBody, "%s", wrong.Why)
	case isRows:
		p := problem(http.StatusUnprocessableEntity, codeRejected, "%s, and nothing was changed: correct them", rows)
		p.RejectedCount, p.Rejected = uint64(rows.All), rows.Rows
		return p
	}
	return err
}
