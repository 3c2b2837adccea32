// Package alerts is what becomes of the alerts of an engine: how one is stored, which
// are asked for, and how many of a rule are too many. It does no I/O and reads no clock.
package alerts
