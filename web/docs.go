package web

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
)

// The page at /docs is made of what /openapi.json says, when the service begins. It has no
// scripts and names nothing of another host.

//go:embed docs.html
var docsPage string

var docsTemplate = template.Must(template.New("docs").Parse(docsPage))

// described is what the page shows of the description of the interface.
type described struct {
	Info struct {
		Title, Version, Description string
	}
	Paths      map[string]map[string]*operation
	Components struct {
		Schemas map[string]*schema
	}
	Operations []*operation `json:"-"` // by path
}

type operation struct {
	OperationID, Summary, Description string
	Parameters                        []struct {
		Name, In, Description string
		Required              bool
		Schema                *schema
	}
	RequestBody struct{ Content map[string]content }
	Responses   map[string]struct{ Content map[string]content }

	Method, Path  string   `json:"-"`
	Takes, Answer []member `json:"-"`
	Media         string   `json:"-"`
}

type content struct{ Schema *schema }

type schema struct {
	Ref         string `json:"$ref"`
	Type        any
	Format      string
	Description string
	Enum        []any
	Items       *schema
	Properties  map[string]*schema
	OneOf       []*schema
	Required    []string
}

// member is a member of a body, as the page shows it.
type member struct {
	Name, Type, Description string
	Depth                   int
}

// Indent stands before the name of a member of a member.
func (m member) Indent() string { return strings.Repeat("\u00a0\u00a0", m.Depth) }

// docsOf makes the page of a description.
func docsOf(openapi []byte) ([]byte, error) {
	var d described
	if err := json.Unmarshal(openapi, &d); err != nil {
		return nil, err
	}
	for path, methods := range d.Paths {
		for method, o := range methods {
			o.Method, o.Path = strings.ToUpper(method), path
			var media []string
			for name, b := range o.RequestBody.Content {
				media = append(media, name)
				if o.Takes == nil {
					o.Takes = d.members(b.Schema, 0)
				}
			}
			slices.Sort(media)
			o.Media = strings.Join(media, ", ")
			for _, b := range o.Responses["200"].Content {
				o.Answer = d.members(b.Schema, 0)
			}
			d.Operations = append(d.Operations, o)
		}
	}
	slices.SortFunc(d.Operations, func(a, b *operation) int {
		return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
	})
	var page bytes.Buffer
	err := docsTemplate.Execute(&page, &d)
	return page.Bytes(), err
}

// mostDepth bounds how deep the page shows what is in a body.
const mostDepth = 4

// members are those of a body.
func (d *described) members(s *schema, depth int) (list []member) {
	if s = d.meant(s); s == nil || depth > mostDepth {
		return nil
	}
	if s.Items != nil {
		return d.members(s.Items, depth)
	}
	for _, name := range sortedNames(s.Properties) {
		p := d.meant(s.Properties[name])
		if name == "$schema" || p == nil {
			continue
		}
		list = append(list, member{name, d.typeOf(s.Properties[name]), s.Properties[name].Description, depth})
		list = append(list, d.members(p, depth+1)...)
	}
	return list
}

// meant is the schema that another one refers to.
func (d *described) meant(s *schema) *schema {
	for s != nil && s.Ref != "" {
		s = d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	return s
}

// Kind is the type of a value in words.
func (s *schema) Kind() string {
	if s == nil {
		return ""
	}
	kind := fmt.Sprint(s.Type)
	if list, ok := s.Type.([]any); ok && len(list) > 0 {
		kind = fmt.Sprint(list[0]) // or null
	}
	switch {
	case s.Type == nil:
		kind = "any"
	case s.Format == "date-time":
		kind = "time"
	}
	if len(s.Enum) > 0 {
		words := make([]string, len(s.Enum))
		for i, w := range s.Enum {
			words[i] = fmt.Sprint(w)
		}
		kind = strings.Join(words, ", ")
	}
	return kind
}

func (d *described) typeOf(s *schema) string {
	m := d.meant(s)
	if m != nil && m.Items != nil {
		return "list of " + d.meant(m.Items).Kind()
	}
	return m.Kind()
}

func sortedNames(of map[string]*schema) (names []string) {
	for name := range of {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// getDocs is GET /docs.
func (s *service) getDocs(w http.ResponseWriter, _ *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	w.Write(s.docs) // if the client is gone, there is nobody to tell
	return nil
}
