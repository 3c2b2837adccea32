package cep

import (
	"bytes"
	"cmp"
	"errors"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

// FuzzDecode holds the decoder against one that shares nothing with it: a strict
// JSON library, and the rules for fields written out plainly over its tree.
func FuzzDecode(f *testing.F) {
	for _, line := range []string{
		payment, login, ``, `{}`, `{"ts":1000}`, ` {"ts" : 1e3 , "type" : null } `,
		`{"type":"payment","ts":"2026-01-02T04:04:05.123456789+01:00","id":"p1","n":7,"amount":9.5,"card":"c","device":{"os":true},"when":1000,"flag":false,"tags":[]}`,
		`{"type":"payment","ts":1000,"id":12,"n":1.0,"amount":null,"card":1e999,"unread":-0,"unreadText":"\u0000","unreadTime":1e-7}`,
		`{"type":"gauge","created":1767323045.123456789,"amount":123456789.0123456}`,
		`{"type":"inner","device":{"at":"1969-12-31t23:59:59z","id":5,"os":{"name":"x"}}}`,
		`{"type":"tick","ts":{},"amount":1E+2,"x":[[[],{}],{"a":{"b":[1,-2.5,true,false,null]}}]}`,
		`{"ts":1000,"a.b":1,"a":{"b":2},"device":{"os":{"name":3}},"device.os":4}`,
		`{"ts":1000,"card":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00","note":"é€😀","flag":{"k":"v"}}`,
		`{"ts":1000,"\u0061mount":1}`, `{"ts":1000,"k":1,"\u006b":2}`, `{"ts":1000,"x":{"k":1,"k":2}}`,
		`{"ts":1000,"x":01}`, `{"ts":1000,"x":1.}`, `{"ts":1000,"x":"\ud800"}`, `{"ts":1000,"x":"\udc00"}`, "{\"ts\":1000,\"x\":\"\xc0\x80\"}", "{\"ts\":1,\"x\":\"\t\"}",
		`{"ts":1000,"x":` + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth) + `}`,
		`{"ts":1000} x`, `[{"ts":1000}]`, `{"ts":1000,}`, `{"ts":1000,"x":tru}`, `{"type":"a b","ts":0}`,
	} {
		f.Add(line)
	}
	rs := decodeRuleset()
	d := NewDecoder(rs)
	f.Fuzz(func(t *testing.T, line string) {
		agree(t, rs, d, line)
	})
}

// Lines that are drawn from the grammar reach further than changed bytes do.
func TestDecodeDrawn(t *testing.T) {
	rs := decodeRuleset()
	d := NewDecoder(rs)
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		b.WriteString(rapid.SampledFrom([]string{"", "", " ", "\r\n"}).Draw(t, "before"))
		drawObject(t, &b, 0)
		line := b.String()
		if rapid.IntRange(0, 9).Draw(t, "damage") == 0 {
			i := rapid.IntRange(0, len(line)-1).Draw(t, "at")
			line = line[:i] + rapid.SampledFrom([]string{"", `"`, `\`, "}", "0", "\x80", "\n"}).Draw(t, "by") + line[i+1:]
		}
		agree(t, rs, d, line)
	})
}

func drawObject(t *rapid.T, b *strings.Builder, depth int) {
	pool := []string{
		"amount", "card", "device", "os", "name", "when", "flag", "tags", "n", "id", "at", "a", "b", "a.b", "device.os",
		"unread", "unreadText", "unreadTime", "created", "x", "y", `\u0078`, `\u006es`, "é", `c\"`, "", "a name of some length", "another name of some length",
	}
	twice := rapid.IntRange(0, 9).Draw(t, "twice") == 0
	b.WriteString(rapid.SampledFrom([]string{"{", "{ ", "{\n\t"}).Draw(t, "open"))
	if depth == 0 {
		b.WriteString(rapid.SampledFrom([]string{`"ts":1000,`, `"ts":"2026-01-02T03:04:05.6Z","type":"payment",`, `"type" : "gauge","created":-1.5,`, `"type":"tick",`, `"type":"inner",`, ""}).Draw(t, "type"))
	}
	for i := range rapid.IntRange(0, 12-3*min(depth, 3)).Draw(t, "members") {
		if i > 0 {
			b.WriteString(rapid.SampledFrom([]string{",", ", "}).Draw(t, "comma"))
		}
		at := rapid.IntRange(0, len(pool)-1).Draw(t, "name")
		name := pool[at]
		if !twice {
			pool = slices.Delete(pool, at, at+1)
		}
		b.WriteString(`"` + name + `"` + rapid.SampledFrom([]string{":", ": ", " :"}).Draw(t, "colon"))
		drawValue(t, b, name, depth+1)
	}
	b.WriteString("}")
}

// fitting are values for the fields of a schema; the event is rejected without.
var fitting = map[string][]string{
	"amount": {"1.50", "-0", "1e3", "null"}, "unread": {"12345678901234567890"}, "card": {`"c"`, "12", `"\u0041"`}, "unreadText": {`""`, "1e999"},
	"id": {`"p"`, "7.0", `""`}, "n": {"70", "-9223372036854775808", "1e2"}, "flag": {"true", "false"}, "tags": {"[]", `[1, {"a":2}]`},
	"device": {`{"os":"x","at":5}`, `{"at":"2026-01-02T03:04:05Z","id":"d","os":{"name":1}}`},
	"when":   {"0", `"2026-01-02T03:04:05.000000001+01:00"`}, "unreadTime": {"1.000001"}, "created": {"1767323045.1", "1e-9"},
}

// drawValue draws a value, for the event's own fields mostly one that fits.
func drawValue(t *rapid.T, b *strings.Builder, name string, depth int) {
	if fits := fitting[name]; depth == 1 && len(fits) > 0 && rapid.IntRange(0, 9).Draw(t, "fit") > 0 {
		b.WriteString(rapid.SampledFrom(fits).Draw(t, "value"))
		return
	}
	kind := rapid.IntRange(0, 9).Draw(t, "kind")
	switch {
	case kind == 0 && depth < 5:
		drawObject(t, b, depth)
	case kind == 1 && depth < 5:
		b.WriteString("[")
		for i := range rapid.IntRange(0, 3).Draw(t, "elements") {
			if i > 0 {
				b.WriteString(",")
			}
			drawValue(t, b, "", depth+1)
		}
		b.WriteString("]")
	case kind < 5:
		b.WriteString(rapid.StringMatching(`-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?`).Draw(t, "number"))
	case kind < 8:
		b.WriteString(rapid.StringMatching(`"([a-zA-Z0-9 é€😀]|\\[nrt"/\\]|\\u00[0-9a-fA-F]{2}|\\ud83d\\ude0[0-9]){0,20}"`).Draw(t, "string"))
	default:
		b.WriteString(rapid.SampledFrom([]string{"true", "false", "null", `"2026-01-02T03:04:05+01:00"`, "1767323045123"}).Draw(t, "word"))
	}
}

// failer is a test or a property.
type failer interface {
	Helper()
	Fatalf(string, ...any)
}

// agree decodes a line in both ways.
func agree(t failer, rs *Ruleset, d *Decoder, line string) {
	t.Helper()
	var e Event
	want, why := plainDecode(rs, line)
	reject := d.Decode(line, &e)
	switch {
	case reject == nil && why != nil:
		t.Fatalf("accepted, but %v: %s", why, line)
	case reject != nil && why == nil:
		t.Fatalf("rejected: column %d: %s: %s", reject.Column, reject.Reason, line)
	case reject != nil:
		if reject.Column < 1 || reject.Column > len(line)+1 || reject.Reason == "" {
			t.Fatalf("rejected at column %d of %d: %q", reject.Column, len(line), reject.Reason)
		}
		return
	}
	compareEvents(t, rs, &e, want)
	c := e.Clone()
	clear(e.row)
	compareEvents(t, rs, c, want)
}

func compareEvents(t failer, rs *Ruleset, e *Event, want *plainEvent) {
	t.Helper()
	if e.Time != want.time || e.Name != want.name || e.ID != want.id || e.Seq != want.seq || e.Raw != want.raw {
		t.Fatalf("got  %d %q %q %d %q\nwant %d %q %q %d %q", e.Time, e.Name, e.ID, e.Seq, e.Raw, want.time, want.name, want.id, want.seq, want.raw)
	}
	for i, name := range rs.Fields {
		if got := bare(*e.Field(FieldID(i))); got != want.fields[name] {
			t.Fatalf("%s is %+v, want %+v", name, got, want.fields[name])
		}
	}
}

// plainEvent is an event as plainDecode sees it.
type plainEvent struct {
	time          int64
	name, id, raw string
	seq           int64
	fields        map[string]Value
}

// plainNode is a value in a tree of JSON.
type plainNode struct {
	kind    jsontext.Kind
	raw     string
	text    string // of a string
	names   []string
	escaped []bool // by names
	members []*plainNode
}

func (n *plainNode) get(name string) *plainNode {
	if n == nil {
		return nil
	}
	for i := range n.names {
		if n.names[i] == name {
			return n.members[i]
		}
	}
	return nil
}

func (n *plainNode) path(path string) *plainNode {
	for name := range strings.SplitSeq(path, ".") {
		n = n.get(name)
	}
	return n
}

// plainTree parses valid JSON; depth is how many levels more there may be.
func plainTree(raw jsontext.Value, depth int) (*plainNode, error) {
	n := &plainNode{kind: raw.Kind(), raw: string(raw)}
	switch n.kind {
	case '"':
		text, err := jsontext.AppendUnquote(nil, raw)
		n.text = string(text)
		return n, err
	case '{', '[':
		if depth == 0 {
			return nil, errors.New("too deep")
		}
	default:
		return n, nil
	}
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	for d.PeekKind() != '}' && d.PeekKind() != ']' {
		if n.kind == '{' {
			quoted, err := d.ReadValue()
			if err != nil {
				return nil, err
			}
			name, err := jsontext.AppendUnquote(nil, quoted)
			if err != nil {
				return nil, err
			}
			n.names = append(n.names, string(name))
			n.escaped = append(n.escaped, bytes.ContainsRune(quoted, '\\'))
		}
		value, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		member, err := plainTree(value.Clone(), depth-1)
		if err != nil {
			return nil, err
		}
		n.members = append(n.members, member)
	}
	return n, nil
}

// plainDecode is the rules for events, without regard to speed.
func plainDecode(rs *Ruleset, line string) (*plainEvent, error) {
	if len(line) > maxLine {
		return nil, errors.New("too long")
	}
	value := jsontext.Value(line)
	if !value.IsValid() || value.Kind() != '{' {
		return nil, errors.New("no strict JSON object")
	}
	raw := strings.Trim(line, " \t\r\n")
	root, err := plainTree(jsontext.Value(raw), maxDepth)
	if err != nil {
		return nil, err
	}
	if err := plainNames(rs, root); err != nil {
		return nil, err
	}
	e := &plainEvent{name: "event", raw: raw, fields: map[string]Value{}}
	if n := root.get("type"); n != nil && n.kind != 'n' {
		if n.kind != '"' || !regexp.MustCompile(`^[A-Za-z0-9_-]+$`).MatchString(n.text) {
			return nil, errors.New("bad type")
		}
		e.name = n.text
	}
	var schema *Schema
	for _, typ := range rs.Types {
		if typ.Name == e.name {
			schema = typ.Schema
		}
	}
	if schema == nil {
		err = e.dynamic(rs, root)
	} else {
		err = e.declared(rs, schema, root)
	}
	e.fields["type"] = TextValue(e.name)
	return e, err
}

// plainNames refuses escaped names of what is wanted.
func plainNames(rs *Ruleset, root *plainNode) error {
	wanted := map[string]bool{".type": true, ".ts": true}
	enter := func(path string) {
		wanted["."+path] = true
		for i := range path {
			if path[i] == '.' {
				wanted["/"+path[:i]] = true // an object
			}
		}
		if strings.Contains(path, ".") {
			wanted["/"+path] = true
		}
	}
	for _, f := range rs.Fields {
		enter(f)
	}
	for _, typ := range rs.Types {
		if s := typ.Schema; s != nil {
			for f := range s.Fields {
				enter(f)
			}
			enter(s.Time)
			enter(s.ID)
			enter(s.Seq)
		}
	}
	delete(wanted, ".") // of an empty path
	var walk func(n *plainNode, before string) error
	walk = func(n *plainNode, before string) error {
		for i, name := range n.names {
			path := before + name
			known := wanted["/"+path] || before == "" && wanted["."+name]
			if known && n.escaped[i] && !strings.Contains(name, ".") || n.escaped[i] && before == "" && wanted["."+name] {
				return errors.New("escaped name " + path)
			}
			if wanted["/"+path] && !strings.Contains(name, ".") {
				if err := walk(n.members[i], path+"."); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return walk(root, "")
}

func (e *plainEvent) dynamic(rs *Ruleset, root *plainNode) error {
	at := root.get("ts")
	if at == nil || at.kind == 'n' {
		return errors.New("no time")
	}
	var err error
	if e.time, err = plainTime(at, time.Millisecond); err != nil {
		return err
	}
	for _, f := range rs.Fields {
		n := root.get(f)
		if n == nil && strings.Contains(f, ".") {
			n = root.path(f)
		}
		if e.fields[f], err = plainValue(n, Nil); err != nil {
			return err
		}
	}
	e.fields["ts"] = TimeValue(e.time)
	return nil
}

func (e *plainEvent) declared(rs *Ruleset, s *Schema, root *plainNode) error {
	if !s.Arrival {
		at := root.path(s.Time)
		if at == nil || at.kind == 'n' {
			return errors.New("no time")
		}
		var err error
		if e.time, err = plainTime(at, cmp.Or(s.TimeUnit, time.Millisecond)); err != nil {
			return err
		}
	}
	for f, kind := range s.Fields {
		if f == s.Time {
			e.fields[f] = TimeValue(e.time)
			continue
		}
		v, err := plainValue(root.get(f), kind)
		if err != nil {
			return err
		}
		e.fields[f] = v
	}
	for _, f := range rs.Fields {
		head, _, dotted := strings.Cut(f, ".")
		if dotted && s.Fields[head] == Map {
			v, err := plainValue(root.path(f), Nil)
			if err != nil {
				return err
			}
			e.fields[f] = v
		}
	}
	if n := root.path(s.ID); s.ID != "" && n != nil && n.kind != 'n' {
		switch n.kind {
		case '"':
			e.id = n.text
		case '0':
			e.id = n.raw
		default:
			return errors.New("bad id")
		}
	}
	if n := root.path(s.Seq); s.Seq != "" && n != nil && n.kind != 'n' {
		exact := plainRat(n.raw)
		if n.kind != '0' || exact == nil || !exact.IsInt() || !exact.Num().IsInt64() {
			return errors.New("bad seq")
		}
		e.seq = exact.Num().Int64()
	}
	return nil
}

func plainValue(n *plainNode, kind Kind) (Value, error) {
	if n == nil || n.kind == 'n' {
		return Value{}, nil
	}
	is := map[jsontext.Kind]Kind{'"': Text, '0': Number, 't': Bool, 'f': Bool, '[': List, '{': Map}[n.kind]
	switch {
	case kind == Time:
		ns, err := plainTime(n, time.Millisecond)
		return TimeValue(ns), err
	case kind == Text && is == Number:
		return TextValue(n.raw), nil
	case kind != Nil && kind != is:
		return Value{}, errors.New("bad kind")
	}
	switch is {
	case Text:
		return TextValue(n.text), nil
	case Bool:
		return BoolValue(n.kind == 't'), nil
	case Number:
		if _, err := strconv.ParseFloat(n.raw, 64); err != nil {
			return Value{}, err
		}
		return numberOf(n.raw), nil
	}
	return Value{Kind: is, Text: n.raw}, nil
}

// plainRat is a number exactly, nil if it is beyond all reason.
func plainRat(digits string) *big.Rat {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(digits), "e")
	if !strings.ContainsAny(mantissa, "123456789") {
		return new(big.Rat)
	}
	if n, err := strconv.Atoi(exponent); exponent != "" && (err != nil || n < -5000 || n > 5000) {
		return nil
	}
	exact, ok := new(big.Rat).SetString(digits)
	if !ok {
		return nil
	}
	return exact
}

func plainTime(n *plainNode, unit time.Duration) (int64, error) {
	first := time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC)
	end := time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	switch n.kind {
	case '0':
		exact := plainRat(n.raw)
		if exact == nil {
			return 0, errors.New("bad number of a time")
		}
		exact.Mul(exact, new(big.Rat).SetInt64(int64(unit)))
		if !exact.IsInt() || !exact.Num().IsInt64() {
			return 0, errors.New("no time in nanoseconds")
		}
		ns := exact.Num().Int64()
		if ns < first.UnixNano() || ns >= end.UnixNano() {
			return 0, errors.New("time out of range")
		}
		return ns, nil
	case '"':
		text := strings.ToUpper(n.text)
		parts := regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`).FindStringSubmatch(text)
		if parts == nil {
			return 0, errors.New("no RFC 3339")
		}
		if fraction := strings.TrimRight(parts[2], "0"); len(fraction) > 10 {
			return 0, errors.New("finer than a nanosecond")
		}
		at, err := time.Parse(time.RFC3339Nano, text)
		if err == nil && (at.Before(first) || !at.Before(end)) {
			err = errors.New("time out of range")
		}
		if err != nil {
			return 0, err
		}
		return at.UnixNano(), nil
	}
	return 0, errors.New("no time")
}
