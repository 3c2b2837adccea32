package expr

import (
	"archive/zip"
	_ "embed"
	"io"
	"strings"
	"sync"
	"time"

	"weir/cep"
)

// zoneinfo is the zone database. The host's is never read: another version of it
// could make a replay differ.
//
//go:embed zoneinfo/zoneinfo.zip
var zoneinfo string

var openZones = sync.OnceValue(func() *zip.Reader {
	r, err := zip.NewReader(strings.NewReader(zoneinfo), int64(len(zoneinfo)))
	if err != nil {
		panic("expr: the embedded zone database cannot be read: " + err.Error())
	}
	return r
})

// zones holds those that were asked for, by name. It never holds more than there
// are: a wrong name is not kept.
var zones sync.Map

// Zone gives the zone of an IANA name, from the database that is embedded.
func Zone(name string) (*time.Location, bool) { return zone(name) }

// zone is Zone.
func zone(name string) (*time.Location, bool) {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), true
	}
	f, err := openZones().Open(name)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, false
	}
	z, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		return nil, false
	}
	zones.Store(name, z)
	return z, true
}

// calendar reads something of a time on the calendar of a zone.
type calendar func(time.Time) cep.Value

var calendars = map[string]calendar{
	"hour":    func(t time.Time) cep.Value { return cep.NumberValue(float64(t.Hour())) },
	"weekday": func(t time.Time) cep.Value { return cep.NumberValue(float64(t.Weekday())) },
	"date":    func(t time.Time) cep.Value { return cep.TextValue(t.Format(time.DateOnly)) },
}

// calendarOf gives what a function or method of times reads.
func calendarOf(name string) (calendar, bool) {
	c, ok := calendars[name]
	if !ok {
		c, ok = getterCalendars[name]
	}
	return c, ok
}

// in reads the calendar of a zone that is known when the expression is compiled.
func (c calendar) in(z *time.Location) func(cep.Value) cep.Value {
	return func(t cep.Value) cep.Value { return c(time.Unix(0, t.Int()).In(z)) }
}

// inNamed reads the calendar of a zone by its name; of none it is nil.
func (c calendar) inNamed(t, name cep.Value) cep.Value {
	z, ok := zone(name.Text)
	if !ok {
		return cep.Value{}
	}
	return c(time.Unix(0, t.Int()).In(z))
}
