package source

// Note is the Severity of what is as it should be, and good to know.
const Note Severity = "note"

// NewNote makes a note.
func NewNote(p Place, code, msg string) Diagnostic { return finding(Note, p, code, msg, "") }
