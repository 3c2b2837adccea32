package main

import (
	"fmt"
	"slices"

	"weir/cep"
)

// engine says that the log was folded by an engine revision from a start on.
type engine struct {
	Record  uint64 `json:"record"` // of the start
	Engine  uint64 `json:"engine"`
	Version string `json:"version"` // of weir
}

// enginesOf gives the starts at which the log got another engine revision, the first one too.
func enginesOf(controls []cep.Logged) (list []engine) {
	for _, c := range controls {
		p, err := cep.Unpack(c.Data)
		if err != nil || p.Kind != cep.PackedBoot {
			continue
		}
		b, ok := cep.ParseBoot(string(p.Body))
		if n := len(list); ok && (n == 0 || list[n-1].Engine != b.Engine) {
			list = append(list, engine{c.Sequence, b.Engine, b.Version})
		}
	}
	return list
}

// sameEngine says whether the records after one were folded by the engine revision of this
// program alone: then folding them again brings the same effects.
func sameEngine(list []engine, after uint64) bool {
	for i, e := range list {
		over := i+1 < len(list) && list[i+1].Record <= after
		if !over && e.Engine != cep.EngineRevision {
			return false
		}
	}
	return true
}

// engineNotices says where the revisions changed that folded the records after one.
func engineNotices(list []engine, after uint64) (notices []string) {
	if sameEngine(list, after) {
		return nil
	}
	first := max(0, slices.IndexFunc(list, func(e engine) bool { return e.Record > after })-1)
	if list[len(list)-1].Record <= after {
		first = len(list) - 1
	}
	for _, e := range list[first:] {
		notices = append(notices, fmt.Sprintf("from record %d on the service had engine revision %d (weir %s), this is %d: from another revision other alerts may come", e.Record, e.Engine, e.Version, cep.EngineRevision))
	}
	return notices
}
