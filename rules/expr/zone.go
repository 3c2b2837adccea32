package expr

import (
	"sync"
	"time"
	_ "time/tzdata" // for hosts without a zone database; one that is there is read first

	"weir/cep"
)

// zones holds those that were asked for, by name. It never holds more than there
// are: a wrong name is not kept.
var zones sync.Map

// zone gives the zone of an IANA name. Only names that begin with a capital are
// one: the others that a host may know (`localtime`, `posix/...`) are its own.
func zone(name string) (*time.Location, bool) {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), true
	}
	if name == "" || name == "Local" || name[0] < 'A' || name[0] > 'Z' {
		return nil, false
	}
	z, err := time.LoadLocation(name)
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
