package list

import "strings"

// rows takes the text of a CSV file apart. Cells are parts of it and nothing else is
// kept, so that a file of a million rows makes no million texts.
type rows struct {
	text string
	at   int // where the next line begins
	line int // number of the line read last, from 1

	cells  []string
	places []place // where each begins
}

// place is a place in a file: a line from 1, a byte in it from 1.
type place struct{ line, column int }

// next reads the next row that is not an empty line into cells. ok is false at the end.
// wrong says what is wrong with the row, which is then passed over; empty: nothing.
func (r *rows) next() (at place, wrong string, ok bool) {
	line := ""
	for line == "" {
		if line, ok = r.readLine(); !ok {
			return at, "", false
		}
	}
	r.cells, r.places = r.cells[:0], r.places[:0]
	for column, more := 0, true; more; {
		at = place{r.line, column + 1}
		cell := ""
		if column < len(line) && line[column] == '"' {
			if cell, column, ok = r.quoted(&line, column+1); !ok {
				return at, "the cell in quotes does not end as it should: expected a quote, followed by a comma or the end of the line", true
			}
		} else {
			cell, _, _ = strings.Cut(line[column:], ",")
			if i := strings.IndexAny(cell, "\"\r"); i >= 0 {
				at.column += i
				if cell[i] == '"' {
					return at, "a quote in a cell that does not begin with one: put the cell in quotes and write the quote twice", true
				}
				return at, "a carriage return within a line: lines end in LF or CRLF", true
			}
			column += len(cell)
		}
		r.cells, r.places = append(r.cells, cell), append(r.places, at)
		more = column < len(line)
		column++ // over the comma
	}
	return at, "", true
}

// quoted reads a cell in quotes, which may go on over several lines; column is that
// behind its first quote, and behind is that behind its last in line, the last of
// them.
func (r *rows) quoted(line *string, column int) (cell string, behind int, ok bool) {
	for {
		part, rest, closed := strings.Cut((*line)[column:], `"`)
		cell += part
		switch column += len(part) + 1; {
		case !closed:
			if *line, ok = r.readLine(); !ok {
				return cell, column, false
			}
			cell += "\n"
			column = 0
		case strings.HasPrefix(rest, `"`):
			cell += `"`
			column++
		default:
			return cell, column, rest == "" || rest[0] == ','
		}
	}
}

// readLine reads a line, without LF or CRLF.
func (r *rows) readLine() (line string, ok bool) {
	if r.at == len(r.text) {
		return "", false
	}
	line, _, _ = strings.Cut(r.text[r.at:], "\n")
	r.at = min(r.at+len(line)+1, len(r.text))
	r.line++
	return strings.TrimSuffix(line, "\r"), true
}
