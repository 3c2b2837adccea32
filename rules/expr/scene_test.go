package expr

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"weir/cep"
)

// scene is the small world of the tests: a current event, what a match has
// captured, a key, params and measures.
type scene struct {
	lang    Lang
	schema  bool // the fields are declared
	current bool // there is a current event
	machine bool // everything on the virtual machine
	walk    bool // no aggregates

	event    *cep.Event     // the current event; nil: sceneEvent
	captured [][]*cep.Event // by variable; nil: as sceneVars has it

	aggregates []cep.AggregateOf
	faults     []error
}

// sceneFields are the fields of every event, by cep.FieldID.
var sceneFields = []struct {
	path string
	kind cep.Kind
}{
	{"amount", cep.Number},
	{"rate", cep.Number},
	{"status", cep.Text},
	{"country", cep.Text},
	{"home", cep.Text},
	{"flag", cep.Bool},
	{"tags", cep.List},
	{"device", cep.Map},
	{"device.os", cep.Nil},
	{"created", cep.Time},
	{"package", cep.Text},
	{"count", cep.Number},
	{"lat", cep.Number},
	{"lon", cep.Number},
	{"big", cep.Number},
	{"email", cep.Text},
	{"zone", cep.Text},
	{"nothing", cep.Number},
	{"silent", cep.Text},
	{"off", cep.Bool},
	{"numbers", cep.List},
	{"device.extra", cep.Nil},
	{"device.extra.deep", cep.Nil},
}

func sceneID(path string) (cep.FieldID, bool) {
	for i, f := range sceneFields {
		if f.path == path {
			return cep.FieldID(i), true
		}
	}
	return cep.FieldID(len(sceneFields)), false // a place that is always nil
}

type row = map[string]cep.Value

// sceneTime is 2026-01-02T03:04:05.678Z.
var sceneTime = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC).UnixNano()

func newEvent(place uint64, typ string, after time.Duration, fields row) *cep.Event {
	values := make([]cep.Value, len(sceneFields)+1)
	for name, v := range fields {
		id, ok := sceneID(name)
		if !ok {
			panic(name)
		}
		values[id] = v
	}
	e := cep.NewEvent(typ, 0, sceneTime+int64(after), values)
	e.Place = place
	e.Raw = fmt.Sprintf(`{"n":%d}`, place)
	return e
}

func num(f float64) cep.Value     { return cep.NumberValue(f) }
func text(s string) cep.Value     { return cep.TextValue(s) }
func yes() cep.Value              { return cep.BoolValue(true) }
func array(json string) cep.Value { return cep.Value{Kind: cep.List, Text: json} }
func object(json string) cep.Value {
	return cep.Value{Kind: cep.Map, Text: json}
}

// digits is a number as it was read.
func digits(f float64, s string) cep.Value {
	v := num(f)
	v.Text = s
	return v
}

var (
	sceneEvent = newEvent(9, "payment", 0, row{
		"amount": digits(100, "100.0"), "rate": num(0.5), "status": text("approved"), "country": text("KP"), "home": text("FR"),
		"flag": yes(), "tags": array(`["a", "b",null]`), "device": object(`{"os":"ios","extra":{"deep":1}}`), "device.os": text("ios"),
		"device.extra": object(`{"deep":1}`), "device.extra.deep": num(1),
		"created": cep.TimeValue(sceneTime - 36e11), "package": text("p1"), "count": num(7), "lat": num(36.12), "lon": num(-86.67),
		"big": num(1e300), "email": text("Ünï@x.de"), "zone": text("Europe/Paris"), "off": cep.BoolValue(false), "numbers": array(`[3,1,2]`),
	})
	sceneProbes = []*cep.Event{
		newEvent(1, "payment", -3*time.Minute, row{"amount": num(1), "rate": num(2), "country": text("FR"), "tags": array(`["x"]`), "lat": num(33.94), "lon": num(-118.4)}),
		newEvent(2, "payment", -2*time.Minute, row{"rate": num(3), "country": text("DE"), "flag": yes()}),
		newEvent(3, "login", -time.Minute, row{"amount": num(4), "rate": num(1), "country": text("FR")}),
	}
	sceneCashout = newEvent(4, "payment", -time.Second, row{"amount": num(50), "country": text("KP"), "tags": array(`["z"]`)})
)

// The variables of the scene: probe captured three events, cashout one; extra and
// others none yet; never cannot.
var sceneVars = []struct {
	name        string
	list, empty bool
	events      []*cep.Event
}{
	{"probe", true, false, sceneProbes},
	{"cashout", false, false, []*cep.Event{sceneCashout}},
	{"extra", false, false, nil},
	{"others", true, false, nil},
	{"never", false, true, nil},
}

func (c *scene) field(path string) (FieldInfo, bool) {
	id, ok := sceneID(path)
	if !c.schema {
		return FieldInfo{ID: id, Dynamic: true}, true
	}
	if !ok {
		return FieldInfo{}, false
	}
	return FieldInfo{ID: id, Kind: sceneFields[id].kind}, true
}

func (c *scene) env() Env {
	e := Env{
		Lang:      c.lang,
		Fields:    c.field,
		Keys:      []string{"card_id", "home"},
		KeyByName: true,
		Params: map[string]cep.Value{
			"limit": num(2), "name": text("approved"), "yes": yes(), "span": cep.DurationValue(2 * time.Minute),
			"countries": array(`["KP","IR"]`), "levels": array(`[1, 2.5]`), "many": array(`["a","b","c","d","e","f","g","h","KP"]`),
		},
		Current: c.current,
		Fault:   func(err error) { c.faults = append(c.faults, err) },
		machine: c.machine,
	}
	if c.schema {
		for _, f := range sceneFields {
			e.FieldNames = append(e.FieldNames, f.path)
		}
	}
	for _, v := range sceneVars {
		e.Vars = append(e.Vars, Var{Name: v.name, List: v.list, Empty: v.empty, Fields: c.field, FieldNames: e.FieldNames})
	}
	if !c.current {
		e.Measures = []string{"probes", "missing", "label"}
	}
	e.Features, e.Lists, e.Read = sceneFeatures, sceneLists, reads.read
	if !c.walk {
		e.Aggregate = func(v int, f cep.FieldID) int {
			a := cep.AggregateOf{Var: v, Field: f}
			if i := slices.Index(c.aggregates, a); i >= 0 {
				return i
			}
			c.aggregates = append(c.aggregates, a)
			return len(c.aggregates) - 1
		}
	}
	return e
}

func (c *scene) scope() *cep.Scope {
	s := &cep.Scope{Captures: c, Key: []string{"c1", "h1"}, Lists: cep.NewLists(&cep.Ruleset{Lists: sceneEntries})}
	if c.current && c.event != nil {
		s.Event = c.event
	} else if c.current {
		s.Event = sceneEvent
	} else {
		s.Measures = []cep.Value{num(3), {}, text("card")}
		s.At = &cep.Moment{Time: sceneTime, Features: c.features(s)}
		return s
	}
	s.Event = s.Event.WithFeatures(c.features(s))
	return s
}

// events are those that a variable has captured.
func (c *scene) events(v int) []*cep.Event {
	if c.captured != nil {
		return c.captured[v]
	}
	return sceneVars[v].events
}

func (c *scene) Len(v int) int { return len(c.events(v)) }

func (c *scene) First(v int) *cep.Event {
	if c.Len(v) == 0 {
		return nil
	}
	return c.events(v)[0]
}

func (c *scene) Last(v int) *cep.Event {
	if c.Len(v) == 0 {
		return nil
	}
	return c.events(v)[c.Len(v)-1]
}

func (c *scene) Append(dst []*cep.Event, v int) []*cep.Event {
	return append(dst, c.events(v)...)
}

func (c *scene) Aggregate(i int) cep.Aggregate {
	var a cep.Aggregate
	of := c.aggregates[i]
	for _, e := range c.events(of.Var) {
		v := e.Field(of.Field)
		if v.Kind != cep.Number {
			continue
		}
		x := v.Number()
		if a.N == 0 {
			a.Min, a.Max = x, x
		}
		a.N++
		a.Sum += x
		a.Min, a.Max = min(a.Min, x), max(a.Max, x)
	}
	return a
}

// drawnValues are what fields of a drawn scene hold, by kind.
var drawnValues = map[cep.Kind][]cep.Value{
	cep.Nil:      {{}},
	cep.Bool:     {yes(), cep.BoolValue(false)},
	cep.Number:   {num(0), num(1), num(2.5), digits(100, "100.0"), num(-3), num(36.12), num(1e300)},
	cep.Text:     {text("a"), text("approved"), text("KP"), text("FR"), text(""), text("Ünï@x.de"), text("Europe/Paris"), text("5")},
	cep.Time:     {cep.TimeValue(sceneTime), cep.TimeValue(sceneTime - 36e11), cep.TimeValue(0)},
	cep.Duration: {cep.DurationValue(time.Minute)},
	cep.List:     {array(`[]`), array(`["a","b",null]`), array(`[3,1,2]`), array(`[1,2.5,"KP"]`)},
	cep.Map:      {object(`{}`), object(`{"os":"ios","extra":{"deep":1}}`)},
}

// drawScene draws the events of a scene; with a schema the fields are of their
// kinds, or nil.
func drawScene(t *rapid.T, schema bool) scene {
	c := scene{schema: schema, current: true, walk: true, event: drawEvent(t, schema, 9)}
	for v, of := range sceneVars {
		most := 1
		if of.list {
			most = 4
		}
		if of.empty {
			most = 0
		}
		var events []*cep.Event
		for i := range rapid.IntRange(0, most).Draw(t, "captured") {
			events = append(events, drawEvent(t, schema, uint64(10*v+i+10)))
		}
		c.captured = append(c.captured, events)
	}
	return c
}

func drawEvent(t *rapid.T, schema bool, place uint64) *cep.Event {
	fields := row{}
	for _, f := range sceneFields {
		kind := f.kind
		if kind == cep.Nil || !schema && rapid.IntRange(0, 3).Draw(t, "other") == 0 {
			kind = rapid.SampledFrom([]cep.Kind{cep.Bool, cep.Number, cep.Text, cep.List, cep.Map}).Draw(t, "kind")
		}
		if rapid.IntRange(0, 3).Draw(t, "missing") == 0 {
			kind = cep.Nil
		}
		fields[f.path] = rapid.SampledFrom(drawnValues[kind]).Draw(t, f.path)
	}
	typ := rapid.SampledFrom([]string{"payment", "login"}).Draw(t, "type")
	after := rapid.SampledFrom([]time.Duration{0, -time.Minute, time.Second}).Draw(t, "after")
	return newEvent(place, typ, after, fields)
}

// show writes a value so that different values look different.
func show(v cep.Value) string {
	switch v.Kind {
	case cep.Nil:
		return "nil"
	case cep.Text:
		return fmt.Sprintf("%q", v.Text)
	case cep.Time:
		return "@" + formatTime(v.Int())
	case cep.Duration:
		return time.Duration(v.Int()).String()
	}
	return formatScalar(v)
}
