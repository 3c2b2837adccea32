package list

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestLoad(t *testing.T) {
	tests := []struct {
		name, file string
		spec       Spec
		names      Columns
		want       string
		rows       Rows
	}{
		{"nothing", "", Spec{Type: String}, Columns{}, "", Rows{}},
		{"one column", "a\nb\n", Spec{Type: String}, Columns{}, "a b", Rows{Read: 2}},
		{"without a last line end", "a\nb", Spec{Type: String}, Columns{}, "a b", Rows{Read: 2}},
		{"with its name", "Entry\na\n", Spec{Type: String}, Columns{}, "a", Rows{Read: 1}},
		{"with another name", "card\ncard\n", Spec{Type: String}, Columns{Entry: "Card"}, "card", Rows{Read: 1}},
		{"a byte order mark", "\ufeffkey\na\n", Spec{Type: String}, Columns{}, "a", Rows{Read: 1}},
		{"a byte order mark alone", "\ufeff", Spec{Type: String}, Columns{}, "", Rows{}},
		{"CRLF", "entry\r\na\r\nb\r\n", Spec{Type: String}, Columns{}, "a b", Rows{Read: 2}},
		{"empty lines", "\na\n\n\nb\n\n", Spec{Type: String}, Columns{}, "a b", Rows{Read: 2}},
		{"quotes", "entry,value\n\"a, \"\"b\"\"\",\"x\ny\"\n", Spec{String, String}, Columns{}, "a, \"b\"=x\ny", Rows{Read: 1}},
		{"white space", " entry , value\n a , x \n\u00a0b\u00a0,\ty\n", Spec{String, String}, Columns{}, "a=x b=y", Rows{Read: 2}},
		{"duplicates", "entry,value\na,1\nb,2\na,3\na,\n", Spec{String, Number}, Columns{}, "a b=2", Rows{4, 2, Fault{4, 1, `the entry "a" has stood in a row before: the last one counts`}}},
		{"any order", "expires,value,key\n1970-01-02,1,a\n", Spec{String, Number}, Columns{}, "a=1@86400000000000", Rows{Read: 1}},
		{"declared names", "Currency,RATE,valid until\nEUR,1,1970-01-01T01:00:00.000000001+01:00\n", Spec{String, Number}, Columns{"currency", "rate", "valid until"}, "EUR=1@1", Rows{Read: 1}},
		{"no comments", "#a\n", Spec{Type: String}, Columns{}, "#a", Rows{Read: 1}},
		{"numbers", "entry,value\n12,true\n12.0,false\n-1e2,\n", Spec{Number, Bool}, Columns{}, "-100 12=false", Rows{3, 1, Fault{3, 1, `the entry "12.0" has stood in a row before: the last one counts`}}},
		{"prefixes", "10.0.0.0/8\n2001:db8::1\n", Spec{Type: CIDR}, Columns{}, "10.0.0.0/8 2001:db8::1/128", Rows{Read: 2}},
		{"digits stay", "0123\n4111111111111111\n", Spec{Type: String}, Columns{}, "0123 4111111111111111", Rows{Read: 2}},
	}
	for _, tt := range tests {
		l, rows, err := Load(tt.spec, tt.names, tt.file)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := text(l); got != tt.want || rows != tt.rows {
			t.Errorf("%s: %q %v, want %q %v", tt.name, got, rows, tt.want, tt.rows)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	tests := []struct {
		name, file string
		spec       Spec
		want       string
	}{
		{"no header", "a,1\nb,2\n", Spec{String, Number}, "1:1: the file has several columns: expected a first line that names them, of entry, key, value, expires"},
		{"no header, no values", "a,2026-01-02\n", Spec{Type: String}, "1:1: the file has several columns: expected a first line that names them, of entry, key, expires"},
		{"an unknown column", "entry,value,note\na,1,x\n", Spec{String, Number}, `1:13: "note" names no column: expected entry, key, value, expires`},
		{"a nameless column", "entry,\na,\n", Spec{String, Number}, `1:7: "" names no column: expected entry, key, value, expires`},
		{"a column twice", "entry,key\na,b\n", Spec{Type: String}, `1:7: a second column "key"`},
		{"no entry", "value,expires\n1,\n", Spec{String, Number}, "1:1: no column is the entry: expected one of the name entry"},
		{"values not declared", "entry,value\na,1\n", Spec{Type: String}, "1:7: a column of values, but the list has none: declare their type, or leave the column out"},
		{"cells too few and too many", "entry,value\na\nb,1\nc,1,2\n", Spec{String, Number}, "2:1: expected 2 cells, as in the first line, found 1\n4:5: expected 2 cells, as in the first line, found 3"},
		{"several cells later", "a\nb,c\n", Spec{Type: String}, "2:3: expected one cell, found 2: a file of several columns begins with a line that names them"},
		{"empty entries", "entry,value\n,1\n  ,2\n", Spec{String, Number}, "2:1: the entry is empty\n3:1: the entry is empty"},
		{
			"everything in one row", "expires,value,entry\nsoon,many,\xff\n",
			Spec{String, Number},
			"2:6: expected a number like 12 or 0.5, found \"many\"\n" +
				"2:1: \"soon\" is no moment: expected one like 2026-01-02T03:04:05Z or a date like 2026-01-02\n" +
				"2:11: the entry \"\\xff\" is not valid UTF-8",
		},
		{"times", "entry,expires\na,2026-02-30\nb,1492-10-12\nc,2026-01-02T00:00:00.0000000001Z\nd,2026-01-02 00:00:00\n", Spec{Type: String}, `2:3: "2026-02-30" is no moment: expected one like 2026-01-02T03:04:05Z or a date like 2026-01-02
3:3: "1492-10-12" lies outside the years 1700 to 2199
4:3: "2026-01-02T00:00:00.0000000001Z" is finer than a nanosecond
5:3: "2026-01-02 00:00:00" is no moment: expected one like 2026-01-02T03:04:05Z or a date like 2026-01-02`},
		{"quotes", "entry\na\"b\n\"c\"d\ne\n", Spec{Type: String}, "2:2: a quote in a cell that does not begin with one: put the cell in quotes and write the quote twice\n3:1: the cell in quotes does not end as it should: expected a quote, followed by a comma or the end of the line"},
		{"a quote that does not end", "a\n\"b\nc\n", Spec{Type: String}, "2:1: the cell in quotes does not end as it should: expected a quote, followed by a comma or the end of the line"},
		{"a broken first line", "ent\"ry,value\na,1\n", Spec{String, Number}, "1:4: a quote in a cell that does not begin with one: put the cell in quotes and write the quote twice"},
		{"prefixes", "10.0.0.1/8\nx\n", Spec{Type: CIDR}, "1:1: the prefix \"10.0.0.1/8\" has bits behind its length: write 10.0.0.0/8 for the network or 10.0.0.1 for the address\n2:1: expected an IP address or prefix like 192.0.2.0/24, found \"x\""},
		{"lines that end in CR", "a\rb\rc", Spec{Type: String}, "1:2: a carriage return within a line: lines end in LF or CRLF"},
		{"UTF-16", "\xff\xfea\x00", Spec{Type: String}, "1:1: the file is UTF-16: write it as UTF-8"},
	}
	for _, tt := range tests {
		l, _, err := Load(tt.spec, Columns{}, tt.file)
		var file *FileError
		if l != nil || !errors.As(err, &file) {
			t.Errorf("%s: %v, want a FileError", tt.name, err)
		} else if got := file.Error(); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// A column that the list names is there, or it is said: entries that should expire do
// not stay in silence.
func TestLoadNamedColumns(t *testing.T) {
	for _, tt := range []struct {
		file  string
		names Columns
		want  string
	}{
		{"card,rate\na,1\n", Columns{Entry: "card", Value: "rate", Expires: "until"}, "1:1: no column is the expiry: expected one of the name until"},
		{"card,until\na,\n", Columns{Entry: "card", Value: "rate", Expires: "until"}, "1:1: no column is the value: expected one of the name rate"},
		{"rate,until\n1,\n", Columns{Entry: "card", Value: "rate", Expires: "until"}, "1:1: no column is the entry: expected one of the name card"},
		{"card\na\n", Columns{Entry: "card", Expires: "until"}, "1:1: no column is the expiry: expected one of the name until"},
		{"a\nb\n", Columns{Value: "rate"}, "1:1: the file has several columns: expected a first line that names them, of entry, key, value, rate, expires"},
		{"key,value,expires\na,1,\n", Columns{Entry: "card", Value: "rate", Expires: "until"}, ""},
		{"\ufeffcard,rote\na,1\n", Columns{Entry: "card"}, `1:6: "rote" names no column: expected entry, key, card, value, expires`},
	} {
		_, _, err := Load(Spec{String, Number}, tt.names, tt.file)
		if got := fmt.Sprint(err); got != tt.want && (err != nil || tt.want != "") {
			t.Errorf("%q: %s, want %s", tt.file, got, tt.want)
		}
	}
}

func TestLoadFaultsAreBounded(t *testing.T) {
	_, _, err := Load(Spec{Type: Number}, Columns{}, strings.Repeat("x\n", MaxFaults+7))
	var file *FileError
	if !errors.As(err, &file) || len(file.Faults) != MaxFaults || file.More != 7 || !strings.HasSuffix(file.Error(), "\nand 7 more") {
		t.Errorf("%v", err)
	}
}

// TestRows: rows are those of encoding/csv, with their places.
func TestRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "bc", ",", ",", "\"", "\"", "\"\"", "\n", "\r\n", "\r", " ", "ä", "\n\n"}), 0, 25).Draw(t, "text"), "")
		theirs := csv.NewReader(strings.NewReader(text))
		theirs.FieldsPerRecord = -1
		ours := rows{text: text}
		for {
			want, err := theirs.Read()
			at, wrong, ok := ours.next()
			var parse *csv.ParseError
			switch {
			case strings.HasPrefix(wrong, "a carriage return"): // they take it for a part of the cell
				if !strings.Contains(strings.Join(want, ""), "\r") && err == nil {
					t.Fatalf("%q: %q in %q", text, wrong, want)
				}
				return
			case err == io.EOF:
				if ok {
					t.Fatalf("%q: a row %q behind the end", text, ours.cells)
				}
				return
			case errors.As(err, &parse):
				bare := parse.Err == csv.ErrBareQuote
				if wrong == "" || strings.HasPrefix(wrong, "a quote") != bare || bare && at != (place{parse.Line, parse.Column}) || at.line < parse.StartLine || at.line > parse.Line {
					t.Fatalf("%q: %v: %v %q", text, err, at, wrong)
				}
				continue
			case !ok || wrong != "" || !slices.Equal(ours.cells, want):
				t.Fatalf("%q: %q %q, want %q", text, ours.cells, wrong, want)
			}
			for i := range want {
				if line, column := theirs.FieldPos(i); ours.places[i] != (place{line, column}) {
					t.Fatalf("%q: cell %d at %v, want %d:%d", text, i, ours.places[i], line, column)
				}
			}
		}
	})
}

func TestReadCSVFull(t *testing.T) {
	var got []string
	n, err := ReadCSV(Spec{Type: String}, Columns{}, "a\nb\nc\nd\n", func(e Entry) error {
		if len(got) == 2 {
			return fmt.Errorf("cards: %w", ErrFull)
		}
		got = append(got, e.Text)
		return nil
	})
	if !errors.Is(err, ErrFull) || n != 2 || strings.Join(got, " ") != "a b" {
		t.Errorf("%d %v: %v", n, got, err)
	}
}

// Whatever the file, Load gives an error with places in the file or a List whose
// entries, written as CSV, give it again.
func FuzzLoad(f *testing.F) {
	for _, file := range []string{
		"a\nb\n", "entry,value,expires\na,1,2026-01-02\n", "\ufeffkey,value\r\n\"a,\"\"\",x\r\n", "10.0.0.0/8\n::1\n",
		"entry,expires\na,2026-01-02T03:04:05.123456789+01:00\n", "a\"b\n", "\"a", "1\n1.0\n",
	} {
		for kind := range uint8(12) {
			f.Add(file, kind)
		}
	}
	f.Fuzz(func(t *testing.T, file string, kind uint8) {
		spec := Spec{[]Kind{String, Number, CIDR}[kind%3], []Kind{None, String, Number, Bool}[kind/3%4]}
		l, rows, err := Load(spec, Columns{}, file)
		if err != nil {
			var wrong *FileError
			if !errors.As(err, &wrong) || len(wrong.Faults) == 0 {
				t.Fatalf("%v", err)
			}
			for _, fault := range wrong.Faults {
				if fault.Line < 1 || fault.Column < 1 || fault.Line > strings.Count(file, "\n")+1 {
					t.Fatalf("a fault at %s", fault)
				}
			}
			return
		}
		if rows.Read-rows.Duplicates != l.Len() {
			t.Fatalf("%v, %d entries", rows, l.Len())
		}
		again := made(t, spec)
		for e := range l.All() {
			if err := again.Put(e); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := string(again.Append(nil)), string(l.Append(nil)); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	})
}
