package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"weir/cep"
	"weir/rules"
	"weir/rules/source"
)

// rulesEdition is a ruleset as it was published.
type rulesEdition struct {
	*rules.Published
	at uint64 // the record on the log that brought it; 0: none has

	once     sync.Once
	outlines []rules.Outline
}

// outline gives what rules say of themselves, by id.
func (e *rulesEdition) outline() []rules.Outline {
	e.once.Do(func() { e.outlines = rules.Outlines(e.Sources()) })
	return e.outlines
}

// ruleRevision is one of a rule, and where its text is found.
type ruleRevision struct {
	number   int
	at       uint64 // the record that brought it
	latest   uint64 // the last one that had it
	appended int64  // when the first was
	author   string
	reason   string
}

// history is which revisions of rules there were: what the control records of the log say.
type history struct {
	lock sync.RWMutex
	of   map[string][]ruleRevision // by id, in order
	seen uint64                    // the last record that is in it
}

// add takes in a record of rules. Those that it knows change nothing.
func (h *history) add(c *cep.Logged, who *cep.Audit, p *rules.Published) {
	h.lock.Lock()
	defer h.lock.Unlock()
	if c.Sequence <= h.seen {
		return
	}
	h.seen = c.Sequence
	if h.of == nil {
		h.of = map[string][]ruleRevision{}
	}
	for id, issue := range p.Rules {
		if issue.Digest == "" {
			continue
		}
		list := h.of[id]
		if n := len(list); n > 0 && list[n-1].number == issue.Revision {
			list[n-1].latest = c.Sequence
			continue
		}
		r := ruleRevision{number: issue.Revision, at: c.Sequence, latest: c.Sequence, appended: c.Appended}
		if who != nil {
			r.author, r.reason = who.Author, who.Reason
		}
		h.of[id] = append(list, r)
	}
}

// revisions are those of a rule, in order.
func (h *history) revisions(id string) []ruleRevision {
	h.lock.RLock()
	defer h.lock.RUnlock()
	return slices.Clone(h.of[id])
}

// errNotPublished: a record is none of rules.
var errNotPublished = errors.New("the record is none of rules")

// publishedIn reads the ruleset that a record of the log brings, without the files of lists that
// lie in others.
func publishedIn(c *cep.Logged) (*rules.Published, *cep.Audit, error) {
	p, err := cep.Unpack(c.Data)
	if err != nil {
		return nil, nil, fmt.Errorf("record %d of the log: %w", c.Sequence, err)
	}
	if p.Kind != cep.PackedRules {
		return nil, nil, errNotPublished
	}
	published, err := rules.ReadPublished(p.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("record %d of the log: %w", c.Sequence, err)
	}
	return published, p.Audit, nil
}

// filesIn are files by path, of rules and of tests, in the order of their paths; the others may
// be named by lists.
func filesIn(texts map[string]string) (files, tests []source.File, lists map[string]string) {
	lists = map[string]string{}
	for path, text := range texts {
		name, yaml := strings.CutSuffix(path, ".yaml")
		if !yaml {
			name, yaml = strings.CutSuffix(path, ".yml")
		}
		switch {
		case !yaml:
			lists[path] = text
		case strings.HasSuffix(name, "_test"):
			tests = append(tests, source.File{Path: path, Text: text})
		default:
			files = append(files, source.File{Path: path, Text: text})
		}
	}
	byPath := func(a, b source.File) int { return cmp.Compare(a.Path, b.Path) }
	slices.SortFunc(files, byPath)
	slices.SortFunc(tests, byPath)
	return files, tests, lists
}

// raw is JSON of what always has one.
func raw(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts and numbers
	}
	return text
}

// compareTexts says how two texts of a rule differ, line by line and in words.
func compareTexts(before, after string) (text string, words []string) {
	return rules.Diff(before, after), append([]string{}, rules.Words(before, after)...)
}
