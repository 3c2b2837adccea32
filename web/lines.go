package web

import "bytes"

// cutLines takes the lines of NDJSON from a piece. Empty ones are passed over.
func cutLines(t *intake, p *piece) error {
	text := p.buffer[:p.end]
	out := p.from
	first := out
	for p.from < p.end {
		n := bytes.IndexByte(text[p.from:], '\n')
		switch {
		case n < 0 && t.skip:
			p.from = p.end
		case n < 0 && !p.ended && p.end-p.from <= maxLine:
			p.lines = p.buffer[first:out]
			return nil
		case n < 0 && !p.ended:
			// What is left is longer than a line may be.
			t.reject(t.line, maxLine+1, tooLong)
			t.skip = true
			p.from = p.end
		case n < 0:
			n = p.end - p.from
			fallthrough
		default:
			line := bytes.TrimRight(text[p.from:p.from+n], " \t\r")
			p.from = min(p.from+n+1, p.end)
			if t.skip {
				t.skip = false
				t.line++
				continue
			}
			out = t.add(p, out, line)
			t.line++
		}
	}
	p.lines = p.buffer[first:out]
	return nil
}

// add checks a line and puts it where the lines of events end, if it is one. It returns
// where they end then: never beyond the line and the newline after it.
func (t *intake) add(p *piece, out int, line []byte) int {
	if len(line) == 0 {
		return out
	}
	if why := t.decode(line); why != nil {
		t.reject(t.line, why.Column, why.Reason)
		return out
	}
	p.n++
	out += copy(p.buffer[out:], line) // onto itself, mostly
	p.buffer[out] = '\n'
	return out + 1
}
