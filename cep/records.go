package cep

import (
	"strings"

	"weir/cep/feature"
)

// records are what the features of one space keep of the keys of a shard. A record
// with nothing left in its windows is dropped when event time says so, whether its key
// ever comes back or not.
type records struct {
	plan  *feature.Plan
	keys  map[string]*record
	due   heap[expiry]
	spare []*record
}

// record is what the features of a space keep of one key.
type record struct {
	text  string // the key in its table
	kept  feature.Record
	wakes int64 // windows are reported: the expiry that counts, or never
}

// expiry says when a record is looked at again: not after the time at which nothing is
// left of it. A record that has such a time has one expiry.
type expiry struct {
	at int64
	r  *record
}

func (a expiry) before(b expiry) bool { return a.at < b.at }

// create makes the record of the key that k holds. It is scheduled once it holds
// something.
func (rs *records) create(k *keyReader) *record {
	r := new(record)
	if n := len(rs.spare); n > 0 {
		r = rs.spare[n-1]
		rs.spare = rs.spare[:n-1]
	}
	if k.whole {
		r.text = strings.Clone(k.text)
	} else {
		r.text = string(k.bytes)
	}
	r.wakes = never
	rs.keys[r.text] = r
	return r
}

// find returns the record of the key that k holds, nil if there is none.
func (rs *records) find(k *keyReader) *record {
	if k.whole {
		return rs.keys[k.text]
	}
	return rs.keys[string(k.bytes)]
}

// schedule sees to it that a record is dropped in time.
func (rs *records) schedule(r *record) {
	if at, ok := rs.plan.Deadline(&r.kept); ok {
		rs.due.push(expiry{at, r})
	}
}

// expire drops the records of which nothing is left at t.
func (rs *records) expire(t int64) {
	for len(rs.due) > 0 && rs.due[0].at <= t {
		x := rs.due.pop()
		if rs.plan.Trim(&x.r.kept, x.at) {
			rs.drop(x.r)
		} else {
			rs.schedule(x.r)
		}
	}
}

func (rs *records) drop(r *record) {
	delete(rs.keys, r.text)
	r.text = ""
	if len(rs.spare) < mostSpare {
		rs.spare = append(rs.spare, r)
	}
}
