package web

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// routes are what the service answers to. Their descriptions are those of /openapi.json,
// and the parameters in them are all that a query may have.
func (s *service) routes() []route {
	return slices.Concat(s.listRoutes(), s.auditRoutes(), s.ruleRoutes(), []route{
		{
			Operation: huma.Operation{
				Method: http.MethodPost, Path: "/v1/events", OperationID: "post-events", Summary: "take in events",
				Description: "JSON (one event, or an array), NDJSON or CloudEvents, also packed with gzip or zstd. An answer 200 says that what it counts as accepted is durable.",
				Parameters: []*huma.Param{
					{Name: "all_or_nothing", In: "query", Description: "with true, nothing is taken in if some line is no event", Schema: &huma.Schema{Type: huma.TypeBoolean}},
					{Name: "Idempotency-Key", In: "header", Description: "1 to 255 printable ASCII characters that name this request: what is repeated with it within 10 minutes is taken in once", Schema: &huma.Schema{Type: huma.TypeString}},
					{Name: "Content-Encoding", In: "header", Description: "how the body is packed", Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"gzip", "zstd"}}},
				},
			},
			media: []string{mediaLines, mediaJSON, mediaCloud, mediaBatch}, serve: s.postEvents,
		},
		{
			Operation: huma.Operation{Method: http.MethodPost, Path: "/v1/advance", OperationID: "advance", Summary: "move event time on without an event"},
			media:     []string{mediaJSON}, serve: s.postAdvance,
		},
		{
			Operation: huma.Operation{
				Method: http.MethodGet, Path: "/v1/alerts", OperationID: "list-alerts", Summary: "stored alerts, the newest first",
				Parameters: slices.Concat(filterParameters, []*huma.Param{
					{Name: "limit", In: "query", Description: "alerts on a page, 100 by default", Schema: &huma.Schema{Type: huma.TypeInteger, Minimum: new(float64(1)), Maximum: new(float64(mostAlerts))}},
					{Name: "after", In: "query", Description: "what next of the page before said", Schema: &huma.Schema{Type: huma.TypeString}},
				}),
			},
			serve: s.listAlerts,
		},
		{
			Operation: huma.Operation{
				Method: http.MethodGet, Path: "/v1/alerts/{id}", OperationID: "get-alert", Summary: "an alert with its versions",
				Parameters: []*huma.Param{{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}},
			},
			serve: s.getAlert,
		},
		{
			Operation: huma.Operation{
				Method: http.MethodGet, Path: "/v1/stream", OperationID: "stream", Summary: "alerts as they come, as server-sent events",
				Description: "Each version of an alert is an event called alert. Last-Event-ID, or after, goes on after one.",
				Parameters: slices.Concat(filterParameters, []*huma.Param{
					{Name: "topics", In: "query", Description: "alerts (the default), counters, or both with a comma", Schema: &huma.Schema{Type: huma.TypeString}},
					{Name: "format", In: "query", Description: "cloudevents: each alert as a CloudEvent", Schema: words([]string{"cloudevents"})},
					{Name: "after", In: "query", Description: "the id of the event after which to begin", Schema: &huma.Schema{Type: huma.TypeString}},
					{Name: "since", In: "query", Description: "begin with what was stored at this time, RFC 3339", Schema: &huma.Schema{Type: huma.TypeString, Format: "date-time"}},
					{Name: "Last-Event-ID", In: "header", Description: "as after, and wins", Schema: &huma.Schema{Type: huma.TypeString}},
				}),
			},
			serve: s.getStream,
		},
		{
			Operation: huma.Operation{Method: http.MethodPost, Path: "/v1/losses/ack", OperationID: "acknowledge-losses", Summary: "say that lost parts of the log are known of", Parameters: changeParameters[1:]},
			media:     []string{mediaJSON}, serve: s.ackLosses,
		},
		{Operation: huma.Operation{Method: http.MethodGet, Path: "/healthz", OperationID: "health", Summary: "whether the process answers"}, early: true, serve: s.healthz},
		{Operation: huma.Operation{Method: http.MethodGet, Path: "/readyz", OperationID: "readiness", Summary: "whether events are stepped in time, and what to look at"}, early: true, serve: s.readyz},
		{Operation: huma.Operation{Method: http.MethodGet, Path: "/metrics", OperationID: "metrics", Summary: "counters for Prometheus"}, early: true, serve: s.exposition},
		{Operation: huma.Operation{Method: http.MethodGet, Path: "/openapi.json", OperationID: "openapi", Summary: "this interface, for programs"}, early: true, serve: s.description},
		{Operation: huma.Operation{Method: http.MethodGet, Path: "/docs", OperationID: "docs", Summary: "this interface, for people"}, early: true, serve: s.getDocs},
		{Operation: huma.Operation{Method: http.MethodGet, Path: "/", OperationID: "places", Summary: "where things are"}, early: true, serve: s.places},
	})
}

// filterParameters say which alerts are asked for.
var filterParameters = []*huma.Param{
	{Name: "rule", In: "query", Description: "id of the rule", Schema: &huma.Schema{Type: huma.TypeString}},
	{Name: "severity", In: "query", Schema: words(severities)},
	{Name: "kind", In: "query", Description: "of the latest version; in a stream, of the version", Schema: words(kinds)},
	{Name: "tag", In: "query", Description: "that the rule has", Schema: &huma.Schema{Type: huma.TypeString}},
	{Name: "key", In: "query", Description: "FIELD:VALUE that stands in the key", Schema: &huma.Schema{Type: huma.TypeString}},
	{Name: "from", In: "query", Description: "the alert's time at the earliest, RFC 3339", Schema: &huma.Schema{Type: huma.TypeString, Format: "date-time"}},
	{Name: "to", In: "query", Description: "the alert's time is before this, RFC 3339", Schema: &huma.Schema{Type: huma.TypeString, Format: "date-time"}},
}

func words(list []string) *huma.Schema {
	schema := &huma.Schema{Type: huma.TypeString}
	for _, word := range list {
		schema.Enum = append(schema.Enum, word)
	}
	return schema
}

// describe writes the OpenAPI document of routes.
func describe(routes []route, version string) ([]byte, error) {
	d := document{huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)}
	api := &huma.OpenAPI{
		OpenAPI:    "3.1.0",
		Info:       &huma.Info{Title: "Weir", Version: version, Description: "Events in, alerts out. Errors are RFC 9457 problems."},
		Components: &huma.Components{Schemas: d.schemas},
	}
	answers := map[string]*huma.MediaType{
		"post-events":        d.media(Answer{}),
		"advance":            d.media(placed{}),
		"acknowledge-losses": d.media(acknowledged{}),
		"list-alerts":        {Schema: d.page()},
		"get-alert":          {Schema: d.alert(true)},
		"health":             d.media(alive{}),
		"readiness":          d.media(health{}),
		"openapi":            {Schema: &huma.Schema{Type: huma.TypeObject}},
	}
	bodies := map[string]map[string]*huma.MediaType{
		"post-events": {
			mediaLines: {Schema: &huma.Schema{Type: huma.TypeString, Description: "one event a line"}},
			mediaJSON: {Schema: &huma.Schema{OneOf: []*huma.Schema{
				{Type: huma.TypeObject, Description: "an event"},
				{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeObject}},
			}}},
			mediaCloud: {Schema: &huma.Schema{Type: huma.TypeObject, Description: "a CloudEvent 1.0 whose data is an event"}},
			mediaBatch: {Schema: &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeObject}}},
		},
		"advance":            {mediaJSON: d.media(advance{})},
		"acknowledge-losses": {mediaJSON: d.media(acknowledgement{})},
	}
	for _, rt := range routes {
		o := rt.Operation
		answer, media := answers[o.OperationID], mediaJSON
		if o.OperationID == "stream" {
			answer, media = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}, "text/event-stream"
		}
		if o.OperationID == "docs" {
			answer, media = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}, "text/html"
		}
		if rt.gives != nil {
			answer = d.media(rt.gives)
		}
		if answer == nil {
			answer, media = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}, "text/plain"
		}
		o.Responses = map[string]*huma.Response{
			strconv.Itoa(http.StatusOK): {Description: "done", Content: map[string]*huma.MediaType{media: answer}},
			"default":                   {Description: "not done, or not wholly", Content: map[string]*huma.MediaType{"application/problem+json": d.media(Problem{})}},
		}
		if body := bodies[o.OperationID]; body != nil {
			o.RequestBody = &huma.RequestBody{Required: true, Content: body}
		}
		if rt.takes != nil {
			o.RequestBody = &huma.RequestBody{Required: true, Content: d.bodies(rt.takes)}
		}
		api.AddOperation(&o)
	}
	return json.Marshal(api)
}

// alive is the answer of GET /healthz.
type alive struct {
	Status string `json:"status" doc:"ok: the process answers"`
}

// document collects schemas.
type document struct{ schemas huma.Registry }

func (d document) media(v any) *huma.MediaType {
	return &huma.MediaType{Schema: d.schemas.Schema(reflect.TypeOf(v), true, "")}
}

// bodies are what bodies are, by media type.
func (d document) bodies(takes map[string]any) map[string]*huma.MediaType {
	all := map[string]*huma.MediaType{}
	for media, v := range takes {
		if all[media] = (&huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}); v != nil {
			all[media] = d.media(v)
		}
	}
	return all
}

// alert is the schema of an alert, whose members docs/reference.md describes.
func (d document) alert(versions bool) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeObject, Description: "an alert, as weir run writes it"}
	if versions {
		s.Properties = map[string]*huma.Schema{"versions": {Type: huma.TypeArray, Items: d.alert(false), Description: "all versions, the first one first"}}
	}
	return s
}

func (d document) page() *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, Required: []string{"items"},
		Properties: map[string]*huma.Schema{
			"items": {Type: huma.TypeArray, Items: d.alert(false), Description: "the newest first"},
			"next":  {Type: huma.TypeString, Description: "after which the next page begins; absent at the end"},
		},
	}
}

// description is GET /openapi.json.
func (s *service) description(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", mediaJSON)
	w.Write(s.openapi) // if the client is gone, there is nobody to tell
	return nil
}
