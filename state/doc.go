// Package state keeps what a process knows in two files of its data directory: alerts.db,
// the effects of the log that were made durable, and state.db, the latest checkpoints.
// FORMAT.md says what lies in them.
//
// A transaction is applied whole or not at all, and is on the disk when the call that made
// it returns. Everything read is checked; what is damaged gives an error that is
// ErrDamaged. A disk without space gives one that is ErrNoSpace: nothing was changed, and
// the call may be made again. After any other error of a write it is not known what is on
// the disk: the process has to end.
//
// New bases are merged on a goroutine of the package, which Close ends.
package state
