package web

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"weir/cep"
)

const (
	mediaCloud = "application/cloudevents+json"
	mediaBatch = "application/cloudevents-batch+json"
)

// cloud makes lines of events of a body of CloudEvents 1.0: one (structured mode), an array
// (batch mode), or the data of one whose attributes are headers (binary mode). An event is the
// object in data with the type of the CloudEvent; id and time of the CloudEvent are those of
// the event where it has none. Lines are counted by CloudEvents, from 1.
type cloud struct {
	t      *intake
	types  []cep.Type
	in     *stretch
	d      *jsontext.Decoder
	batch  bool
	head   *envelope // of binary mode; nil: each event has its own
	begun  bool
	ended  bool
	number int
	rest   []byte // of the line that is being read
	line   []byte // memory for it
}

// envelope is a CloudEvent.
type envelope struct {
	Version string         `json:"specversion"`
	ID      string         `json:"id"`
	Source  string         `json:"source"`
	Type    string         `json:"type"`
	Time    string         `json:"time"`
	Data    jsontext.Value `json:"data"`
	Base64  jsontext.Value `json:"data_base64"`
}

// cloudMemory is what reading CloudEvents may take: one of them, and the line made of it.
const cloudMemory = 2 * maxEnvelope

// maxEnvelope is how long a CloudEvent may be: an event, and what is around it.
const maxEnvelope = maxLine + 64<<10

// cloudOf returns what reads the CloudEvents of a request; nil: it has none.
func (t *intake) cloudOf(r *http.Request, rs *cep.Ruleset) (*cloud, error) {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	c := &cloud{t: t, types: rs.Types, batch: media == mediaBatch}
	if media == mediaJSON && r.Header.Get("Ce-Specversion") != "" {
		head := &envelope{}
		for name, to := range map[string]*string{"specversion": &head.Version, "id": &head.ID, "source": &head.Source, "type": &head.Type, "time": &head.Time} {
			text, err := url.PathUnescape(r.Header.Get("Ce-" + name))
			if err != nil {
				return nil, problem(http.StatusBadRequest, codeParameter, "the header ce-%s has a %% that begins no character", name)
			}
			*to = text
		}
		c.head = head
	} else if media != mediaCloud && media != mediaBatch {
		return nil, nil
	}
	c.in = &stretch{from: t.body}
	c.d = jsontext.NewDecoder(c.in)
	return c, nil
}

// stretch is a body of which only so much is read on.
type stretch struct {
	from io.Reader
	read int64
	most int64
}

var errStretch = errors.New("a CloudEvent is too long")

func (s *stretch) Read(p []byte) (int, error) {
	if s.read >= s.most {
		return 0, errStretch
	}
	n, err := s.from.Read(p)
	s.read += int64(n)
	return n, err
}

// Read reads lines of events.
func (c *cloud) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		if c.ended {
			return 0, io.EOF
		}
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// next makes a line of the next CloudEvent; an empty one, if it is no event.
func (c *cloud) next() error {
	c.in.most = c.d.InputOffset() + maxEnvelope
	if c.batch && !c.begun {
		c.begun = true
		if t, err := c.d.ReadToken(); err != nil || t.Kind() != '[' {
			return c.malformed(err, "an array of CloudEvents")
		}
	}
	if c.batch && c.d.PeekKind() == ']' || !c.batch && c.begun {
		return c.finish()
	}
	c.begun = true
	c.number++
	value, err := c.d.ReadValue()
	if err != nil {
		return c.malformed(err, "a CloudEvent")
	}
	line, why := c.event(value)
	if why != "" {
		c.t.reject(c.number, 1, why)
		line = c.line[:0]
	}
	c.line = append(line, '\n')
	c.rest = c.line
	return nil
}

// finish reads the end of the body.
func (c *cloud) finish() error {
	c.ended = true
	if c.batch {
		if _, err := c.d.ReadToken(); err != nil {
			return c.malformed(err, "the end of the array")
		}
	}
	if _, err := c.d.ReadToken(); !errors.Is(err, io.EOF) {
		return c.malformed(err, "nothing after the end of the body")
	}
	return nil
}

// malformed is the problem of a body that cannot be read on.
func (c *cloud) malformed(err error, expected string) error {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if errors.Is(err, errStretch) {
		return problem(http.StatusRequestEntityTooLarge, codeLarge, "CloudEvent %d of the body: expected at most %d bytes", c.number, maxEnvelope)
	}
	return problem(http.StatusBadRequest, codeBody, "CloudEvent %d of the body: expected %s", max(1, c.number), expected)
}

// event writes the event of a CloudEvent, or says why it has none.
func (c *cloud) event(value jsontext.Value) (line []byte, why string) {
	var e envelope
	if c.head != nil {
		e = *c.head
		e.Data = value
	} else if err := json.Unmarshal(value, &e); err != nil {
		return nil, "expected a CloudEvent: an object whose specversion, id, source, type and time are text"
	}
	switch {
	case e.Version != "1.0":
		return nil, fmt.Sprintf("expected a CloudEvent of specversion 1.0, found %q", shorten(e.Version))
	case e.Type == "" || e.ID == "" || e.Source == "":
		return nil, "expected a CloudEvent with id, source and type, each of which is text and not empty"
	case len(e.Base64) > 0:
		return nil, "expected data that is a JSON object, found data_base64"
	case len(e.Data) == 0 || e.Data.Kind() != '{':
		return nil, "expected data that is a JSON object"
	}
	return c.write(&e)
}

// write writes an event: the members of data, and before them what the CloudEvent says and
// they do not.
func (c *cloud) write(e *envelope) (line []byte, why string) {
	kind, schema := c.kind(e.Type)
	id, time := "id", "ts"
	if schema != nil {
		id, time = cmp.Or(schema.ID, id), schema.Time
	}
	own, inner, ok := members(e.Data)
	if !ok {
		return nil, "expected data that is a JSON object"
	}
	if inner != nil && *inner != kind {
		return nil, fmt.Sprintf("expected data whose type is that of the CloudEvent, %q, or that has none, found %q", shorten(kind), shorten(*inner))
	}
	line = append(c.line[:0], '{')
	member := func(name, text string) {
		if name == "" || text == "" || strings.Contains(name, ".") || slices.Contains(own, name) {
			return
		}
		if len(line) > 1 {
			line = append(line, ',')
		}
		line = cep.AppendJSONString(line, name)
		line = append(line, ':')
		line = cep.AppendJSONString(line, text)
	}
	member("type", kind)
	member(id, e.ID)
	member(time, e.Time)
	data := bytes.TrimSpace(e.Data)[1:]
	if len(line) > 1 && len(own) > 0 {
		line = append(line, ',')
	}
	from := len(line)
	line = append(line, data...)
	blank(line[from:], '\n')
	blank(line[from:], '\r')
	return line, ""
}

// kind is the event type that the type of a CloudEvent, like com.example.payment.made, stands
// for: the last of its parts that the rules know as one, or else the last.
func (c *cloud) kind(name string) (kind string, schema *cep.Schema) {
	parts := strings.Split(name, ".")
	for _, part := range slices.Backward(parts) {
		for i := range c.types {
			if t := &c.types[i]; t.Name == part && t.Alert == nil {
				return part, t.Schema
			}
		}
	}
	return parts[len(parts)-1], nil
}

// members are the names that an object has, and its type, where it has one; its other values
// are not looked at.
func members(object jsontext.Value) (names []string, typ *string, ok bool) {
	d := jsontext.NewDecoder(bytes.NewReader(object))
	if _, err := d.ReadToken(); err != nil {
		return nil, nil, false
	}
	for d.PeekKind() == '"' {
		t, err := d.ReadToken()
		if err != nil {
			return nil, nil, false
		}
		name := t.String()
		names = append(names, name)
		if name != "type" {
			if d.SkipValue() != nil {
				return nil, nil, false
			}
			continue
		}
		if t, err = d.ReadToken(); err != nil {
			return nil, nil, false
		}
		text := t.String()
		typ = &text
		if k := t.Kind(); k == '{' || k == '[' {
			return names, typ, true // it is not the CloudEvent's
		}
	}
	return names, typ, true
}
