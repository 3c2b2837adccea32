// Package infer makes a first ruleset of a sample of events: their schema, a rule
// that makes sense on their fields, and a test of it.
//
// A Survey is given lines as an engine reads them. What it says of them holds for
// each: events of the sample fit the schema, because the engine's own decoder says
// which kinds a value can be read as. What it guesses beside that (which field is
// the event time, which one an id) it guesses from names, and says so in comments.
package infer
