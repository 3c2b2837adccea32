package cep

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/nfa"
)

// gatherAll reads the numbers of parts from the body of a record of rules.
func gatherAll(body []byte, part func(uint64) ([]byte, error)) ([]byte, error) {
	var whole []byte
	for _, word := range strings.Fields(string(body)) {
		var n uint64
		if _, err := fmt.Sscan(word, &n); err != nil {
			return body, nil // it is whole
		}
		text, err := part(n)
		if err != nil {
			return nil, err
		}
		whole = append(append(whole, text...), ' ')
	}
	return whole, nil
}

// A record of rules takes effect with the records before it that it names, also where the state
// was saved in between; a checkpoint has what they said, and reads none of them again.
func TestGather(t *testing.T) {
	rs := rulesOf(makeRule(t, "ab", "a -> b", nfa.Options{Within: time.Hour}, abc("a", "b")))
	log, files, compiled := &heldLog{most: 1}, &heldFiles{crash: func(string) bool { return false }}, []string(nil)
	run := func(o LoopOptions) ([]Notice, error) {
		t.Helper()
		compiled = nil
		o.Gather = gatherAll
		o.Compile = func(body []byte) (*Rules, error) {
			compiled = append(compiled, string(body))
			return &Rules{Ruleset: rs}, nil
		}
		_, notices, err := foldWith(log, files, o)
		return notices, err
	}
	add := func(p Packed) { log.Append(context.Background(), &p) }
	event := func(at int) Packed {
		return Packed{Kind: PackedEvents, Body: []byte(pay(at, "c", "m", "a", 1).Raw + "\n")}
	}
	add(Packed{Kind: PackedList, Of: "x", Body: []byte("one")})
	add(Packed{Kind: PackedRules, Body: []byte("1")})
	add(event(1))
	add(Packed{Kind: PackedList, Of: "y", Body: []byte("two")})
	if notices, err := run(LoopOptions{}); err != nil || len(notices) > 0 || fmt.Sprint(compiled) != "[one ]" {
		t.Fatalf("%v %v %q", notices, err, compiled)
	}
	add(Packed{Kind: PackedRules, Body: []byte("4 1")})
	add(event(2))
	if _, err := run(LoopOptions{}); err != nil || fmt.Sprintf("%q", compiled) != `["one " "two one "]` {
		t.Errorf("%v %q", err, compiled)
	}

	// What cannot be gathered changes nothing, and is told.
	for _, c := range []struct{ body, says string }{
		{"3", "record 3 is none"}, {"2", "record 2 is none"}, {"99", "record 99 does not lie before record"},
	} {
		add(Packed{Kind: PackedRules, Body: []byte(c.body)})
		add(event(3))
		notices, err := run(LoopOptions{})
		if err != nil || len(notices) != 1 || notices[0].Kind != NoticeRules || !strings.Contains(notices[0].Text, c.says) || fmt.Sprintf("%q", compiled) != `["two one "]` {
			t.Errorf("%s: %v %v %q", c.body, notices, err, compiled)
		}
	}
}

// A log that does not answer is no reason to pass over a record of rules.
func TestGatherUnread(t *testing.T) {
	down := errors.New("the log does not answer")
	told := false
	l := NewLoop(LoopOptions{Log: &deafLog{err: down}, Gather: gatherAll, Notify: func(*Notice) { told = true }})
	if body, err := l.gathered(t.Context(), 5, []byte("3")); !errors.Is(err, down) || body != nil || told {
		t.Errorf("%q %v, told: %t", body, err, told)
	}
}

// deafLog is a log of which no record can be read.
type deafLog struct {
	heldLog
	err error
}

func (d *deafLog) At(context.Context, uint64) (Logged, bool, error) { return Logged{}, false, d.err }
