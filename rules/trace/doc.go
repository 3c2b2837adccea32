// Package trace tells what one rule does under one key, event by event: what each
// open match did with each event and why, with what features and risks said as of the
// event, and in the end why the key did not alert. Of a rule that matches when a window
// ends it tells of the windows that ended.
//
// A Trace observes a cep.Engine (cep.Trace): what it tells is what the engine does.
// The notes of the engine become statements, gathered into steps: one for each event
// that concerns the key, and one for each moment at which time alone changed
// something. WriteText writes a step for people, AppendJSON for programs, and
// Verdict sums up.
package trace
