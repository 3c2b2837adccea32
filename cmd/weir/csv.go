package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"weir/cep"
)

// sniffRows is how many rows decide whether a column without a schema holds
// numbers.
const sniffRows = 1000

// csvReader makes a JSON object of each row of a CSV file. The header names
// the fields; an empty cell is a missing field.
type csvReader struct {
	rows    *csv.Reader
	limit   *rowLimit
	name    string // of the file, for errors
	source  int
	schemas map[string]*cep.Schema // by event type

	header  [][]byte // names of the columns as JSON, with the colon
	columns []string
	typeAt  int               // column of the event type, -1: none
	guessed []kind            // columns of types without a schema
	kinds   map[string][]kind // columns by event type, as its schema has them

	line  int      // of the last row
	ahead []csvRow // rows read to guess the columns, not yet handed on
	err   error    // what the file ended with
}

// csvRow is a row, or why it is none.
type csvRow struct {
	line     int
	cells    []string
	rejected *cep.Rejected
}

// kind says how the cells of a column are written as JSON.
type kind uint8

const (
	textCell   kind = iota // as a string
	numberCell             // as it stands if it is a JSON number, else as a string
	boolCell               // as it stands if it is true or false, else as a string
	jsonCell               // as it stands if it is a JSON list or map, else as a string
)

// newCSVReader reads the header. The error names the file.
func newCSVReader(r io.Reader, name string, source int, rules *cep.Ruleset) (*csvReader, error) {
	limit := &rowLimit{r: r}
	c := &csvReader{
		rows: csv.NewReader(limit), limit: limit, name: name, source: source, typeAt: -1,
		schemas: map[string]*cep.Schema{}, kinds: map[string][]kind{},
	}
	for i := range rules.Types {
		c.schemas[rules.Types[i].Name] = rules.Types[i].Schema
	}
	c.rows.ReuseRecord = true
	limit.row()
	columns, err := c.rows.Read()
	if err == io.EOF {
		return nil, fmt.Errorf("%s: no header line: the first line of a CSV file names its columns", name)
	}
	if err != nil {
		return nil, c.unreadable(err)
	}
	return c, c.setHeader(slices.Clone(columns))
}

func (c *csvReader) setHeader(columns []string) error {
	columns[0] = trimMark(columns[0])
	if len(columns) == 1 && strings.ContainsAny(columns[0], ";\t|") {
		return fmt.Errorf("%s:1: the header is one column, %q: write a comma between columns", c.name, columns[0])
	}
	for i, col := range columns {
		switch {
		case col == "":
			return fmt.Errorf("%s:1: column %d has no name: the first line of a CSV file names its columns", c.name, i+1)
		case slices.Contains(columns[:i], col):
			return fmt.Errorf("%s:1: two columns are called %q", c.name, col)
		case col == "type":
			c.typeAt = i
		}
		c.header = append(c.header, append(appendText(nil, col), ':'))
	}
	c.columns = columns
	return nil
}

func trimMark(s string) string {
	if len(s) >= len(byteOrderMark) && s[:len(byteOrderMark)] == string(byteOrderMark) {
		return s[len(byteOrderMark):]
	}
	return s
}

func (c *csvReader) next(b *block) error {
	if c.guessed == nil {
		c.guess()
	}
	for len(b.data) < blockSize && b.bad.n < sniffRows {
		row, ok := c.row()
		switch {
		case !ok && b.empty():
			return c.err
		case !ok:
			return nil
		case row.rejected != nil:
			b.bad.add(*row.rejected)
		default:
			b.begin(c.source, row.line)
			b.data = c.appendObject(b.data, row.cells)
			b.end()
		}
	}
	return nil
}

// row gives the next row; it is valid until the next call.
func (c *csvReader) row() (csvRow, bool) {
	if len(c.ahead) > 0 {
		row := c.ahead[0]
		c.ahead = c.ahead[1:]
		return row, true
	}
	return c.read()
}

func (c *csvReader) read() (csvRow, bool) {
	if c.err != nil {
		return csvRow{}, false
	}
	c.limit.row()
	cells, err := c.rows.Read()
	if err == nil {
		c.line, _ = c.rows.FieldPos(0)
		return csvRow{line: c.line, cells: cells}, true
	}
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		c.err = c.unreadable(err)
		return csvRow{}, false
	}
	c.line = parse.StartLine
	return csvRow{line: c.line, rejected: c.reject(parse, len(cells))}, true
}

// reject says what is wrong with a row that is no CSV.
func (c *csvReader) reject(err *csv.ParseError, cells int) *cep.Rejected {
	r := &cep.Rejected{Source: c.source, Line: err.StartLine, Column: err.Column, Reason: err.Err.Error()}
	switch {
	case errors.Is(err, csv.ErrFieldCount):
		r.Column = 1
		r.Reason = fmt.Sprintf("%d cells, the header has %d", cells, len(c.columns))
	case errors.Is(err, csv.ErrQuote) && err.Line > err.StartLine:
		r.Column = 1
		r.Reason = fmt.Sprintf("a quote is opened and not closed as it should be: lines %d to %d are lost", err.StartLine, err.Line)
	case errors.Is(err, csv.ErrQuote), errors.Is(err, csv.ErrBareQuote):
		r.Reason = `a quote inside a cell: write the cell in quotes and the quote twice`
	}
	return r
}

func (c *csvReader) unreadable(err error) error {
	if err == io.EOF {
		return err
	}
	if errors.Is(err, errLongRow) {
		return fmt.Errorf("%s: the row after line %d %w: is a quote not closed?", c.name, c.line, err)
	}
	return fmt.Errorf("%s: %w", c.name, err)
}

// guess reads the first rows ahead and decides which columns hold numbers: those
// with a value of which all are.
func (c *csvReader) guess() {
	number := make([]bool, len(c.columns))
	other := make([]bool, len(c.columns))
	for len(c.ahead) < sniffRows {
		row, ok := c.read()
		if !ok {
			break
		}
		row.cells = slices.Clone(row.cells)
		c.ahead = append(c.ahead, row)
		for i, cell := range row.cells {
			if cell != "" {
				number[i] = number[i] || isNumber(cell)
				other[i] = other[i] || !isNumber(cell)
			}
		}
	}
	c.guessed = make([]kind, len(c.columns))
	for i := range c.guessed {
		if number[i] && !other[i] {
			c.guessed[i] = numberCell
		}
	}
}

// kindsOf gives the columns for events of a type.
func (c *csvReader) kindsOf(typ string) []kind {
	if kinds, ok := c.kinds[typ]; ok {
		return kinds
	}
	schema := c.schemas[typ]
	if schema == nil {
		return c.guessed
	}
	kinds := make([]kind, len(c.columns))
	for i, col := range c.columns {
		switch schema.Fields[col] {
		case cep.Number, cep.Time:
			kinds[i] = numberCell
		case cep.Bool:
			kinds[i] = boolCell
		case cep.List, cep.Map:
			kinds[i] = jsonCell
		}
		if col == schema.Time && schema.Fields[col] == cep.Nil {
			kinds[i] = numberCell // a time not declared among the fields
		}
	}
	c.kinds[typ] = kinds
	return kinds
}

func (c *csvReader) appendObject(dst []byte, cells []string) []byte {
	typ := "event" // as for an object without a type
	if c.typeAt >= 0 && cells[c.typeAt] != "" {
		typ = cells[c.typeAt]
	}
	kinds := c.kindsOf(typ)
	dst = append(dst, '{')
	begin := len(dst)
	for i, cell := range cells {
		if cell == "" {
			continue
		}
		if len(dst) > begin {
			dst = append(dst, ',')
		}
		dst = append(dst, c.header[i]...)
		if i != c.typeAt && plain(kinds[i], cell) {
			dst = append(dst, cell...)
		} else {
			dst = appendText(dst, cell)
		}
	}
	return append(dst, '}')
}

// plain says whether a cell goes into the object as it stands.
func plain(k kind, cell string) bool {
	switch k {
	case numberCell:
		return isNumber(cell)
	case boolCell:
		return cell == "true" || cell == "false"
	case jsonCell:
		return (cell[0] == '[' || cell[0] == '{') && json.Valid([]byte(cell))
	}
	return false
}

// isNumber says whether s is a number as JSON writes it.
func isNumber(s string) bool {
	s = trimSign(s)
	n := digits(s)
	if n == 0 || n > 1 && s[0] == '0' {
		return false
	}
	s = s[n:]
	if s != "" && s[0] == '.' {
		if n = digits(s[1:]); n == 0 {
			return false
		}
		s = s[1+n:]
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		return s != "" && digits(s) == len(s)
	}
	return s == ""
}

func trimSign(s string) string {
	if s != "" && s[0] == '-' {
		return s[1:]
	}
	return s
}

// digits counts the decimal digits that s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

// appendText appends s as a JSON string. Bytes that are not UTF-8 stay as they
// are, for the engine to reject the line by its rule.
func appendText(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; {
		case ch == '"' || ch == '\\':
			dst = append(dst, '\\', ch)
		case ch == '\n':
			dst = append(dst, '\\', 'n')
		case ch < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[ch>>4], hex[ch&15])
		default:
			dst = append(dst, ch)
		}
	}
	return append(dst, '"')
}

var errLongRow = fmt.Errorf("is longer than %d bytes", maxLine)

// rowLimit bounds what a quote that is never closed can make the CSV reader
// hold: it fails when one row has taken more than maxLine bytes.
type rowLimit struct {
	r    io.Reader
	left int
}

// row begins a new row. The reader above reads ahead, so a row may take what
// it reads ahead too.
func (l *rowLimit) row() { l.left = maxLine + blockSize }

func (l *rowLimit) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errLongRow
	}
	n, err := l.r.Read(p)
	l.left -= n
	return n, err
}
