package alerts

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"weir/cep"
)

// AuditEntry is a change that somebody made: who, when, why, of what, and what it was before
// and after. Entries are chained: each has the hash of the one before it, so that none can be
// changed, taken out or put in without all after it being made anew.
type AuditEntry struct {
	cep.Audit
	Number   uint64       // from 1, rising by one
	At       int64        // nanoseconds since the epoch: when its record was appended, or wall clock
	Position cep.Position // of the record of the log that brought the change; zero: the log does not know it
	Refused  string       // why nothing was changed; empty: it was
	Previous AuditHash    // of the entry before; zero: this is the first
	Hash     AuditHash    // of this entry
}

// AuditHash is the hash of an AuditEntry.
type AuditHash [sha256.Size]byte

// String is the hash in hex; of none it is empty.
func (h AuditHash) String() string {
	if h == (AuditHash{}) {
		return ""
	}
	return hex.EncodeToString(h[:])
}

// Audited is the entry of what stepping a record of the log has changed, in one incarnation of
// the log. It is not chained yet.
func Audited(a *cep.Audited, incarnation uint64) AuditEntry {
	return AuditEntry{
		Audit: a.Audit, At: a.Appended, Refused: a.Refused,
		Position: cep.Position{Incarnation: incarnation, Sequence: a.Sequence},
	}
}

// Same says whether two entries tell of the same change by one record of the log.
func (e *AuditEntry) Same(o *AuditEntry) bool {
	return e.Position.Sequence > 0 && e.Position.Sequence == o.Position.Sequence && e.At == o.At && e.Audit == o.Audit
}

// Chain makes an entry the one after a number and a hash.
func (e *AuditEntry) Chain(number uint64, previous AuditHash) {
	e.Number, e.Previous = number+1, previous
	e.Hash = e.hash()
}

// Chained says whether an entry is the one after a number and a hash, and is as it was then.
func (e *AuditEntry) Chained(number uint64, previous AuditHash) bool {
	return e.Number == number+1 && e.Previous == previous && e.Hash == e.hash()
}

// PositionText is where on the log the change came from; empty: the log does not know it.
func (e *AuditEntry) PositionText() string {
	if e.Position.Sequence == 0 {
		return ""
	}
	return e.Position.String()
}

// hash is the SHA-256 of all that the entry says, each part with its length in bytes, a colon
// before it and a comma after it. docs/http.md shows users how to check it.
func (e *AuditEntry) hash() AuditHash {
	var b strings.Builder
	for _, part := range []string{
		e.Previous.String(), fmt.Sprint(e.Number), cep.FormatTime(e.At), e.Author, e.Reason, e.What, e.ID,
		e.Before, e.After, e.Refused, e.PositionText(),
	} {
		fmt.Fprintf(&b, "%d:%s,", len(part), part)
	}
	return sha256.Sum256([]byte(b.String()))
}

// AuditFilter says which entries are asked for. What is empty asks for all.
type AuditFilter struct {
	What   string // this, or what begins with it and a dot
	ID     string // this, or what begins with it and a slash
	Author string
	From   int64 // entries of this time or later, nanoseconds since the epoch; 0: all
	To     int64 // before this; 0: all
}

// Match says whether an entry is asked for.
func (f *AuditFilter) Match(e *AuditEntry) bool {
	return below(e.What, f.What, ".") && below(e.ID, f.ID, "/") && (f.Author == "" || f.Author == e.Author) &&
		(f.From == 0 || e.At >= f.From) && (f.To == 0 || e.At < f.To)
}

// below says whether a name is asked for: itself, or with more behind it.
func below(name, asked, joint string) bool {
	return asked == "" || name == asked || strings.HasPrefix(name, asked+joint)
}
