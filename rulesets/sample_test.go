package rulesets

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "write the samples and lists of this folder anew")

// streams make the samples, by the names of their files.
var streams = map[string]func(*stream){
	"payments":  payments,
	"logins":    logins,
	"sightings": sightings,
	"accounts":  accounts,
	"deposits":  deposits,
}

// TestSample compares the bundled samples with what the generators make.
//
//	go test ./rulesets -run TestSample -rewrite
func TestSample(t *testing.T) {
	total := 0
	for name, fill := range streams {
		s := &stream{dice: 20260102}
		fill(s)
		made := s.ndjson()
		total += len(made)
		file := "sample/" + name + ".ndjson"
		if *rewrite {
			if err := os.WriteFile(file, made, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if bundled, err := Samples.ReadFile(file); err != nil || !bytes.Equal(made, bundled) {
			t.Errorf("%s is not what its generator makes; after a change of the generator run: make sample", file)
		}
	}
	if total > 400<<10 {
		t.Errorf("the samples have %d bytes; they are part of the binary, and 400 KiB are enough", total)
	}
}

// stream collects the events of a sample.
type stream struct {
	dice   dice
	events []event
}

// event is an event of a stream.
type event struct {
	at     time.Duration // since midnight of the first day
	kind   string        // its type
	id     string        // the field of its id
	fields string        // the rest of the JSON object, from the first comma on
}

// add adds an event. fields are names and values in turn.
func (s *stream) add(at time.Duration, kind, id string, fields ...any) {
	var rest bytes.Buffer
	for i := 0; i < len(fields); i += 2 {
		value := fields[i+1]
		if text, ok := value.(string); ok {
			value = fmt.Sprintf("%q", text)
		}
		fmt.Fprintf(&rest, ",%q:%v", fields[i], value)
	}
	s.events = append(s.events, event{at, kind, id, rest.String()})
}

// ndjson writes the events in the order of their time. Ids count the events of
// the stream.
func (s *stream) ndjson() []byte {
	slices.SortStableFunc(s.events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	friday := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	for i, e := range s.events {
		fmt.Fprintf(&out, `{"type":%q,"ts":%q,%q:"%c%04d"%s}`+"\n",
			e.kind, friday.Add(e.at).Format(time.RFC3339), e.id, e.id[0], i+1, e.fields)
	}
	return out.Bytes()
}

// money is an amount in cents.
type money int

func (m money) String() string { return fmt.Sprintf("%d.%02d", m/100, m%100) }

func clock(hour, minute int) time.Duration {
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute
}

// dice is a small generator of numbers (SplitMix64), the same on every machine
// and for every release of Go.
type dice uint64

func (d *dice) next() uint64 {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// roll gives a number from 0 to n-1.
func (d *dice) roll(n int) int { return int(d.next() % uint64(n)) }

// upTo gives a duration in whole seconds, less than max.
func (d *dice) upTo(max time.Duration) time.Duration {
	return time.Duration(d.roll(int(max/time.Second))) * time.Second
}

// waking gives a time of the day, from seven in the morning to ten at night.
func (d *dice) waking() time.Duration { return 7*time.Hour + d.upTo(15*time.Hour) }
