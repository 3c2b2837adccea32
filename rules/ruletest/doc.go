// Package ruletest runs the tests of a ruleset: events in, alerts out, compared
// with what the author of the rules expects.
//
// A Suite is the tests of some files, a Subject the ruleset that they run against.
//
//	suite, err := ruletest.Load([]string{"rules/"})
//	files, err := source.Read(suite.Rules)
//	subject := ruletest.NewSubject(files)
//	for _, d := range suite.Check(subject) { … }    // what is wrong in the test files
//	for _, r := range suite.Run(subject) { … }      // what the tests found
//
// Run may be called again with another Subject: a test is read once, a ruleset
// compiled once for each choice of params and lists. A Result without findings is that of a test
// that ran, whether Check was asked or not. Cover is Run and says what of the rules
// could be wrong unnoticed. Nothing here depends on the host's clock or time zone; the
// same files give the same results.
//
// # A test file
//
//	tests:
//	  - name: three probes and a cash-out      # once in a file
//	    params: {probe_max: 3}                 # win over those of that name, the ruleset's and a rule's own
//	    lists: {vip: [a, b]}                   # what lists hold, in place of their files; {a: 1} with values
//	    lateness: 10s                          # as `weir run --lateness`; without it 0s
//	    at_end: close                          # time runs on and all windows close; without it they stay open
//	    events:
//	      - {type: payment, ts: 0s, card_id: c1, amount: 1}
//	      - {type: payment, ts: 90s, card_id: c1, amount: 90}
//	      - {clock: 72h}                       # time moves on; not counted
//	    late: [3]                              # exactly these come too late; without it none may
//	    rejected: [4]                          # exactly these are no events; without it none may
//	    duplicates: [5]                        # exactly these have the id of one before; without it none may
//	    alerts:                                # all that come out, in any order; [] for none
//	      - rule: card-testing
//	        key: c1                            # text for one field, else {FIELD: TEXT}
//	        events: {probe: 1, cashout: 2}     # numbers of events; a variable not listed captured none
//	        kind: match                        # match | timeout
//	        time: 90s
//	        score: 70
//	        severity: high
//	        action: block
//	        measures: {probes: 1}              # those given are compared
//	        message: one probe
//	        suppressed: 0
//	        truncated: false
//	        shadow: false
//	    decisions:                             # by number of event; what is not given is not compared
//	      2: block
//	      1: {action: allow, score: 0}
//
// `rule` and `key` must be given; of the rest what is not given is not compared.
//
// # Times
//
// A time is an offset from the begin of the test, which is 2026-01-01T00:00:00Z, a
// Thursday: a whole number and a unit of ms s m h d w, perhaps with a sign before it;
// or RFC 3339 text. Offsets are taken in the time field of an event and in every field
// that its schema declares as a time. `ts` stands for the time field where that is
// called otherwise and is not given itself. An event of a type whose time is its
// arrival has its `ts` as the moment at which it arrives; without one it arrives at
// the highest time before it.
//
// # Values
//
// In events and measures a plain scalar that is a JSON number, true, false or null is
// that; any other scalar is text. A measure that is text equals what is written,
// whatever that looks like; a duration equals its seconds or Weir's form (90s); a time
// its offset or RFC 3339 text. A number with decimals is compared to as many decimals
// as are written, any other exactly.
//
// # What passes
//
// Every alert that is listed came out, each a different one, and no other did; the
// events that were late, rejected or duplicates are exactly those said to be; what is under
// `decisions` was decided. The decision on an event on which no rule matches or holds is
// allow, with a score of 0; shadow rules and time-outs take no part in any. The rules of
// the ruleset all run, whichever the test is about: alerts of others are unexpected too.
package ruletest
