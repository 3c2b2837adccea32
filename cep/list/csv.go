package list

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Columns are further names that the columns of a CSV file may have, beside those
// that every list takes: entry or key, value, expires. Empty: no other. A column that is
// named here has to be there.
type Columns struct {
	Entry, Value, Expires string
}

// Rows counts what a CSV file held.
type Rows struct {
	Read       int   // rows with an entry
	Duplicates int   // of them: their entry had stood in a row before
	First      Fault // the first of these; without a line: there is none
}

// MaxFaults is the number of faults of a CSV file that are told one by one.
const MaxFaults = 100

// Fault is something wrong in a CSV file.
type Fault struct {
	Line   int    // from 1
	Column int    // byte in the line, from 1
	Reason string // what was expected and what was found
}

func (f Fault) String() string { return fmt.Sprintf("%d:%d: %s", f.Line, f.Column, f.Reason) }

// FileError is all that is wrong in a CSV file.
type FileError struct {
	Faults []Fault // by row, at most MaxFaults
	More   int     // faults that were found beside them
}

// Error gives a line for each fault.
func (e *FileError) Error() string {
	var b strings.Builder
	for i, f := range e.Faults {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(f.String())
	}
	if e.More > 0 {
		fmt.Fprintf(&b, "\nand %d more", e.More)
	}
	return b.String()
}

// Load reads a List from the text of a CSV file. Of several rows with one entry the
// last counts. If anything is wrong there is no List and the error is a *FileError with
// all of it, or ErrFull.
//
// The file is UTF-8, with or without a byte order mark; its lines end in LF or CRLF;
// cells are separated by commas and may stand in double quotes. White space around
// the text of a cell is no part of it; empty lines are passed over. A file of one
// column holds an entry in each row; the first may be its name, entry or key. A file
// of several begins with a row that names them, in any order, in any case: entry (or
// key), value, expires, or what Columns says. An empty cell is no value, or no expiry.
// A value is text, a number as JSON writes it, true or false. An expiry is a time in
// RFC 3339 or a date like 2026-01-02, on which the entry is no longer there: 00:00 UTC
// is its first moment.
func Load(s Spec, names Columns, text string) (*List, Rows, error) {
	l, err := New(s)
	if err != nil {
		return nil, Rows{}, err
	}
	lines := countLines(text)
	l.entries, l.slots = make([]entry, 0, lines), make([]uint64, slotsFor(lines))
	t := table{spec: s, rows: rows{text: text}}
	t.put = func(e Entry) error {
		n := l.Len()
		if err := l.Put(e); err != nil {
			return err
		}
		switch {
		case l.Len() == n:
			t.twice(e)
		case n == sampled:
			l.expect(lines, len(text))
		}
		return nil
	}
	if err := t.read(names); err != nil {
		return nil, Rows{}, err
	}
	return l, t.count, nil
}

// sampled is how many entries of a file tell how much room the others take.
const sampled = 1000

// expect makes room for so many entries like those that are there, in at most so many
// bytes, so that nothing is moved while they are read.
func (l *List) expect(entries, most int) {
	times := entries / l.Len()
	l.slab.Grow(min((l.slab.Len()+l.Len())*times, most))
	for version, f := range map[byte]*family{4: &l.v4, 6: &l.v6} {
		if f.all > 0 {
			l.survey(f, version, f.all*times)
		}
	}
}

// countLines counts the lines of a file that are not empty, which are about its
// entries.
func countLines(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		if n < MaxEntries && strings.Trim(line, "\r\n") != "" {
			n++
		}
	}
	return n
}

// ReadCSV reads entries from the text of a CSV file, as Load does, and gives each to
// put, in the order of the file and with its text as it stands there. An error of put
// is a fault of the row's entry, but ErrFull, which ends the reading. It returns the
// number of rows that were put, also those put before something was found wrong.
func ReadCSV(s Spec, names Columns, text string, put func(Entry) error) (int, error) {
	t := table{spec: s, rows: rows{text: text}, put: put}
	err := t.read(names)
	return t.count.Read, err
}

// table is a CSV file that is read.
type table struct {
	rows   rows
	spec   Spec
	put    func(Entry) error
	cells  int // of every row
	entry  int // column of the entry
	value  int // column, or -1
	expiry int // column, or -1
	count  Rows
	faults FileError
}

func (t *table) read(names Columns) error {
	const utf16 = "the file is UTF-16: write it as UTF-8"
	if text := t.rows.text; strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return &FileError{Faults: []Fault{{1, 1, utf16}}}
	}
	t.rows.text = strings.TrimPrefix(t.rows.text, "\ufeff")
	if t.row() {
		if err := t.header(names, t.rows.cells); err != nil {
			return err
		}
		for t.row() {
			if err := t.take(t.rows.cells); err != nil {
				return err
			}
		}
	}
	if len(t.faults.Faults) > 0 {
		return &t.faults
	}
	return nil
}

// twice counts an entry that has stood in a row before.
func (t *table) twice(e Entry) {
	if t.count.Duplicates++; t.count.Duplicates > 1 {
		return
	}
	at := t.rows.places[t.entry]
	t.count.First = Fault{at.line, at.column, fmt.Sprintf("the entry %s has stood in a row before: the last one counts", quoted(e.Text))}
}

// row reads the next row that is CSV; the faults of others are noted. It returns false
// at the end.
func (t *table) row() bool {
	for {
		at, wrong, ok := t.rows.next()
		if wrong == "" {
			return ok
		}
		t.fault(Fault{at.line, at.column, wrong})
	}
}

func (t *table) fault(f Fault) {
	if len(t.faults.Faults) == MaxFaults {
		t.faults.More++
		return
	}
	t.faults.Faults = append(t.faults.Faults, f)
}

// wrong notes a fault of a cell of the row read last.
func (t *table) wrong(cell int, reason string) {
	at := t.rows.places[cell]
	t.fault(Fault{at.line, at.column, reason})
}

// header reads the first row, which may be an entry if it has one cell.
func (t *table) header(names Columns, row []string) error {
	if len(t.faults.Faults) > 0 {
		return &t.faults // this is not the first row
	}
	t.cells, t.entry, t.value, t.expiry = len(row), -1, -1, -1
	if len(row) == 1 && names.Value == "" && names.Expires == "" {
		t.entry = 0
		if is(row[0], "entry", "key", names.Entry) {
			return nil
		}
		return t.take(row)
	}
	known := 0
	for i, name := range row {
		column := &t.entry
		switch {
		case is(name, "entry", "key", names.Entry):
		case is(name, "value", names.Value):
			column = &t.value
		case is(name, "expires", names.Expires):
			column = &t.expiry
		default:
			t.wrong(i, fmt.Sprintf("%s names no column: expected %s", quoted(name), names.known(t.spec)))
			continue
		}
		known++
		switch {
		case *column >= 0:
			t.wrong(i, fmt.Sprintf("a second column %s", quoted(name)))
		case column == &t.value && t.spec.Value == None:
			t.wrong(i, "a column of values, but the list has none: declare their type, or leave the column out")
		}
		*column = i
	}
	switch {
	case known == 0:
		t.faults.Faults = t.faults.Faults[:0]
		t.wrong(0, "the file has several columns: expected a first line that names them, of "+names.known(t.spec))
	case t.entry < 0:
		t.wrong(0, "no column is the entry: expected one of the name "+cmp.Or(names.Entry, "entry"))
	case names.Value != "" && t.value < 0:
		t.wrong(0, "no column is the value: expected one of the name "+names.Value)
	case names.Expires != "" && t.expiry < 0:
		t.wrong(0, "no column is the expiry: expected one of the name "+names.Expires)
	}
	if len(t.faults.Faults) > 0 {
		return &t.faults // what the rows mean is not known
	}
	return nil
}

// known lists the names of columns.
func (c Columns) known(s Spec) string {
	all := []string{"entry", "key", c.Entry}
	if s.Value != None {
		all = append(all, "value", c.Value)
	}
	all = append(all, "expires", c.Expires)
	return strings.Join(slices.DeleteFunc(all, func(name string) bool { return name == "" }), ", ")
}

// is reports whether a cell is one of several names.
func is(cell string, names ...string) bool {
	cell = strings.TrimSpace(cell)
	return slices.ContainsFunc(names, func(name string) bool { return name != "" && strings.EqualFold(cell, name) })
}

// take reads an entry. What is wrong with it is noted; an error ends the reading.
func (t *table) take(row []string) error {
	if len(row) != t.cells {
		reason := fmt.Sprintf("expected %d cells, as in the first line, found %d", t.cells, len(row))
		if t.cells == 1 {
			reason = fmt.Sprintf("expected one cell, found %d: a file of several columns begins with a line that names them", len(row))
		}
		t.wrong(min(len(row)-1, t.cells), reason)
		return nil
	}
	e, sound := Entry{Text: strings.TrimSpace(row[t.entry]), Expires: Never}, true
	fail := func(cell int, reason string) {
		t.wrong(cell, reason)
		sound = false
	}
	if t.value >= 0 {
		var err error
		if e.Value, err = t.spec.ParseValue(strings.TrimSpace(row[t.value])); err != nil {
			fail(t.value, err.Error())
		}
	}
	if t.expiry >= 0 {
		if text := strings.TrimSpace(row[t.expiry]); text != "" {
			var wrong string
			if e.Expires, wrong = parseExpiry(text); wrong != "" {
				fail(t.expiry, fmt.Sprintf("%s %s", quoted(text), wrong))
			}
		}
	}
	if !sound {
		if _, err := t.spec.Canonical(e.Text); err != nil {
			t.wrong(t.entry, err.Error())
		}
		return nil
	}
	switch err := t.put(e); {
	case errors.Is(err, ErrFull):
		return err
	case err != nil:
		t.wrong(t.entry, err.Error())
	default:
		t.count.Read++
	}
	return nil
}

// Expiries lie in the years 1700 to 2199, as event times do.
const firstYear, lastYear = 1700, 2199

// parseExpiry reads a time or a date, as nanoseconds since the epoch, or says what is
// wrong.
func parseExpiry(s string) (ns int64, wrong string) {
	text := s
	if len(s) == len("2026-01-02") {
		text += "T00:00:00Z"
	}
	var t time.Time
	if err := t.UnmarshalText([]byte(text)); err != nil {
		return 0, "is no moment: expected one like 2026-01-02T03:04:05Z or a date like 2026-01-02"
	}
	if t = t.UTC(); t.Year() < firstYear || t.Year() > lastYear {
		return 0, "lies outside the years 1700 to 2199"
	}
	if finer(text) {
		return 0, "is finer than a nanosecond"
	}
	return t.UnixNano(), ""
}

// finer reports whether a time has decimals behind the ninth that are not 0.
func finer(s string) bool {
	_, decimals, _ := strings.Cut(s, ".")
	for i := range len(decimals) {
		if c := decimals[i]; c < '0' || c > '9' {
			return false
		} else if i >= 9 && c != '0' {
			return true
		}
	}
	return false
}
