// Package nfa matches patterns over events of one key.
//
// A pattern text is parsed to a syntax tree (Parse), compiled to a flat program
// (Compile) and stepped over events by a Machine. A Program is immutable and can
// be printed; all that changes is in Runs, one for each key, which are flat and go
// to bytes and back.
//
// The package knows no events and no conditions: an Event is a number in
// processing order, a condition is a number, and a Judge says whether it holds.
//
// # How it works
//
// Every place at which a pattern can capture an event is numbered (Glushkov's
// construction), and for every place the program lists what may follow it: to
// which place, by which link, within which bounds, and which negations, greedy
// loops and untils are in force on the way. An open match is a chain of captures
// and the set of edges that it still waits for. An event that an edge takes begins
// a longer chain; the match it came from goes on with the edges that are left.
// So each word of the pattern is one path, and a match is found once.
//
// Open matches that wait for the same form a group. A group is passed over with
// one question for each condition if the event cannot change any of its matches,
// however many there are.
//
// # Guarantees
//
//   - What a pattern matches is what Flink CEP matches, with the exceptions that
//     docs/semantics.md lists; oracle is an evaluator written from that text.
//   - The outcome is a function of the program, the sequence of calls and the
//     Judge's answers. Nothing reads a clock or depends on the order of a map.
//   - Runs read back from bytes go on as those that were written.
//   - Memory for one key is bounded by Options.MaxOpen and MaxCaptures; reaching a
//     bound is counted (Machine.Counts) and marks the matches (Match.Truncated).
//
// # Duties of the caller
//
//  1. Event numbers rise from call to call, times do not fall.
//  2. A condition depends on the current event and the captures alone: it may be
//     asked more than once, or not at all.
//  3. Runs belong to one Program. One goroutine uses a Machine, and the Runs it
//     steps, at a time.
//  4. What Step and Advance return is used before the next call on these Runs or
//     this Machine.
//  5. Time-outs and closing negations come when the caller advances time past
//     their limit: Deadline says when that is worth while.
package nfa
