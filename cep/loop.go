package cep

import "context"

// Log is the ordered log that a Loop folds. package cep/stream has one.
type Log interface {
	// Read appends to dst records after a sequence number, in order: what is there, up to
	// a few megabytes. Where there is none it waits for the first. It fails when ctx ends,
	// or when the log cannot be read.
	Read(ctx context.Context, after uint64, dst []Logged) ([]Logged, error)

	// At returns the record with a sequence number; false: it is not there.
	At(ctx context.Context, sequence uint64) (Logged, bool, error)

	// Last returns the sequence number of the last record; 0: there was none yet.
	Last(ctx context.Context) (uint64, error)

	// Append appends a record and returns its sequence number once it is durable.
	Append(ctx context.Context, p *Packed) (uint64, error)

	// Release says that records up to a sequence number are not needed to begin again. The
	// log may drop those before it, but none that says something of the rules.
	Release(ctx context.Context, sequence uint64) error
}

// Mark is how far a file that follows the log has come.
type Mark struct {
	Position Position
	Sum      uint32   // of the record there (Logged.Sum); 0 before the first
	Digest   [32]byte // of all effects up to there
}

// Commit is what a batch of records did.
type Commit struct {
	Mark    Mark
	Effects *Effects
	Lines   [][]byte // Effects.Alerts as JSON: AppendJSON of each. They count in the digest
}

// Sink keeps effects. package state has one.
type Sink interface {
	// Commit makes effects durable, in one transaction with the mark that they reach. An
	// error ends the Loop: what is on disk is not known then.
	Commit(c *Commit) error
}

// Checkpoint is a state as of a position, from which a Loop goes on.
type Checkpoint struct {
	Mark    Mark
	RulesAt uint64 // sequence of the record of the rules in force; 0: there was none yet
	Rules   []byte // its body
	State   []byte // what Engine.Append wrote; nil without rules
}

// Checkpoints keep the latest checkpoints. package state has some.
type Checkpoints interface {
	// Save stores a checkpoint and returns the position of the oldest one that is kept.
	// It is called on a goroutine of its own, once at a time; c is not changed.
	Save(c *Checkpoint) (oldest Position, err error)
}
