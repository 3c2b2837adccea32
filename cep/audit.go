package cep

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"weir/cep/wire"
)

// Audit says who changes something, and why. It stands in the record of the log that brings
// the change, so that who folds the log comes to the same entries: Effects.Audited.
type Audit struct {
	Author string // who: printable text of 1 to MaxAuthor bytes
	Reason string // why, for those who come later; at most MaxReason bytes
	What   string // what is done, like rule.put or list.entry.put: 1 to MaxWhat bytes
	ID     string // to what: a rule's id, the list and its entry; at most MaxAuditID bytes
	Before string // what it was, as people read it; at most MaxAudited bytes. Of a change of a list the engine finds out
	After  string // what it is then; likewise
}

// Bounds of an Audit, in bytes. Of what is longer CutAudited gives the beginning.
const (
	MaxAuthor  = 128
	MaxReason  = 1000
	MaxWhat    = 64
	MaxAuditID = 4096
	MaxAudited = 64 << 10
)

// Check says what is wrong with an Audit.
func (a *Audit) Check() error {
	switch {
	case a.Author == "":
		return errors.New("expected an author, found none")
	case a.What == "":
		return errors.New("expected what is done, found nothing")
	}
	for _, part := range []struct {
		name, text string
		most       int
		lines      bool
	}{
		{"author", a.Author, MaxAuthor, false},
		{"reason", a.Reason, MaxReason, true},
		{"what", a.What, MaxWhat, false},
		{"id", a.ID, MaxAuditID, true},
		{"before", a.Before, MaxAudited, true},
		{"after", a.After, MaxAudited, true},
	} {
		if n := len(part.text); n > part.most {
			return fmt.Errorf("expected %d bytes or fewer as the %s, found %d", part.most, part.name, n)
		}
		if !utf8.ValidString(part.text) {
			return fmt.Errorf("expected UTF-8 as the %s", part.name)
		}
		for _, c := range part.text {
			if !part.lines && !unicode.IsPrint(c) {
				return fmt.Errorf("expected printable text as the %s, found %q", part.name, c)
			}
		}
	}
	return nil
}

// CutAudited is a text as Before and After take it: where it is too long its beginning, with
// a last line that says how long it was.
func CutAudited(text string) string {
	if len(text) <= MaxAudited {
		return text
	}
	end := fmt.Sprintf("\n… of %d bytes", len(text))
	n := MaxAudited - len(end)
	for !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + end
}

// Audited is a change with its author as stepping its record has made it.
type Audited struct {
	Audit
	Sequence uint64 // of the record
	Appended int64  // nanoseconds since the epoch
	Refused  string // why it changed nothing; empty: it did
}

// auditedVersion is the format of a record that says who brings the change.
const auditedVersion = 4

func appendAudit(w *wire.Writer, a *Audit) {
	for _, text := range []string{a.Author, a.Reason, a.What, a.ID, a.Before, a.After} {
		w.Text(text)
	}
}

// readAudit reads what appendAudit wrote.
func readAudit(r *wire.Reader) *Audit {
	a := &Audit{r.Text(), r.Text(), r.Text(), r.Text(), r.Text(), r.Text()}
	if !r.Bad && a.Check() != nil {
		r.Fail()
	}
	return a
}

// auditOf is what is to be told of a record once it is stepped; nil: nobody is named in it.
func auditOf(r *Logged, p *Packed) *Audited {
	if p.Audit == nil {
		return nil
	}
	return &Audited{Audit: *p.Audit, Sequence: r.Sequence, Appended: r.Appended}
}
