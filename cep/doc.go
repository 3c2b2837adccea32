// Package cep is the engine of Weir: it takes events in the order in which they
// came, brings them into the order of their event time, and matches the patterns
// of a Ruleset in them, for each rule and key apart.
//
// An Engine is a pure function of the records that it was given. It does no I/O,
// reads no clock and no random numbers, and starts no goroutine that outlives a
// call. Step folds records and appends what came of them to Effects: alerts, late
// events, and lines that were no events.
//
// # The way of an event
//
//   - Decode. A line of JSON becomes an Event: its time, type and the fields that
//     some rule reads. What is no event is rejected with line, column and reason.
//   - Order. now is the highest event time accepted, of any type. An event older
//     than now − lateness is late: it is reported and not matched. Every other is
//     held until no earlier one can come, and then released in the order of time,
//     the type's seq, and arrival; events whose type declares no seq count as 0.
//     Without lateness and seq nothing needs to be held.
//   - Time. Before a released event of time t everything runs out whose limit is
//     at or before t, under all keys, in the order of the limits.
//   - Dispatch. The event is offered to the rules that have an open match under its
//     key and to those that could begin one with it. These are found by an index
//     over the equalities that a first step asks for, so that rules which an event
//     cannot touch cost nothing.
//   - Match. Captured events are kept with the key until no open match refers to
//     them. A key without an open match, a throttle or a count of silenced matches
//     holds nothing.
//   - Alerts come in the order of the moments at which they came, then the place of
//     the event that brought them (first those that time brought), rule id, key,
//     and the order of matches.
//
// # Guarantees
//
//  1. The same records give the same Effects, whatever the batches they come in,
//     the number of shards and processors, and the points at which the state was
//     written and read back (Append, Restore).
//  2. Every arrival order within lateness that keeps events of equal time in their
//     order, or whose types have a seq, gives the same alerts.
//  3. An event that opens no match allocates nothing.
//  4. The memory is that of the open matches, of the throttles, of the events held
//     for lateness, and of the names of up to 65,536 different lines of one event
//     time. The count of silenced matches of a key stays until its next alert.
//  5. An alert has the same id whenever and wherever it is found again.
//
// # Where the rules of the language leave a choice
//
//   - An event of a type whose time is its arrival gets now. It is rejected while
//     no event with a time of its own has come.
//   - no_key counts the events of a rule's types that had no key, whether its
//     `where` would have let them pass or not.
//   - Measures, score and message of a time-out are worked out as those of a match.
//     A time-out is not throttled, opens no throttle, and says nothing of matches
//     that were silenced.
//   - EndRecord lets all windows and bounds run out at once: none of the matches
//     that this completes consumes an open match that would run out later.
//     An open match without any stays open. After EndRecord and HaltRecord an event
//     older than now is late.
//   - An event without an id is called by a hash of its line, with "-2" and so on
//     behind it from the second equal line of the same event time on.
//
// # Duties of the caller
//
//  1. One goroutine uses an Engine at a time.
//  2. The functions of a Ruleset depend on their Scope alone. They are called from
//     several goroutines at once if Options.Shards is more than 1. They keep neither
//     the Scope nor what it leads to, and change nothing in it.
//  3. A Cond's Event must be false where one of its Equals does not hold.
//  4. Ruleset.Rules are ordered by id; ids are unique.
//  5. Record.Data is not changed after Step got it. What Effects hold are parts of
//     its text: who keeps an alert for long copies it.
//  6. Restore is given the Ruleset of the state, compiled from the same source by the
//     same version.
package cep
