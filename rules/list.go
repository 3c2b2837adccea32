package rules

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unsafe"

	"weir/cep"
	"weir/cep/list"
	"weir/rules/expr"
	"weir/rules/nearest"
	"weir/rules/source"
)

// List is a list of a ruleset with what the tools that speak of it need.
type List struct {
	Name        string
	At          source.Text // its name
	Description string
	Spec        list.Spec
	File        string // as it is read; empty: there is none
	Rows        list.Rows
	Entries     int // that it begins with
}

var listKeys = source.Keys{
	Of:    "a list",
	Known: []string{"type", "value", "file", "description", "columns"},
	Meant: listWords,
	Apart: map[string]string{"entries": "entries stand in a CSV file: `file: lists/NAME.csv`"},
	Form:  "write NAME: {type: string, file: lists/NAME.csv}: entries stand in a CSV file",
}

var columnKeys = source.Keys{
	Of:    "`columns`",
	Known: []string{"entry", "value", "expires"},
	Meant: map[string]string{"key": "entry", "expiry": "expires", "expiresat": "expires", "ttl": "expires", "until": "expires"},
}

var (
	entryTypes = []string{"string", "number", "cidr"}
	valueTypes = []string{"string", "number", "bool"}
)

// listTypes are types of entries as they are called elsewhere.
var listTypes = map[string]string{
	"ip": "cidr", "ips": "cidr", "network": "cidr", "prefix": "cidr", "subnet": "cidr", "inet": "cidr",
}

// readLists reads the lists of all files, by name, with the entries that they begin
// with.
func (c *compiler) readLists(parts []map[string]source.Entry) []*List {
	var all []*List
	var named []cep.NamedList
	entries, _, sure := c.catalog(parts, "lists", "the list", listKeys)
	c.unsure.lists = c.unsure.lists || !sure
	for _, e := range entries {
		about, l := c.list(e)
		if about == nil {
			c.unsure.lists = true
			continue
		}
		all = append(all, about)
		named = append(named, cep.NamedList{Name: e.Name, List: l})
	}
	slices.SortFunc(all, func(a, b *List) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(named, func(a, b cep.NamedList) int { return cmp.Compare(a.Name, b.Name) })
	for i, l := range all {
		c.lists = append(c.lists, expr.List{Name: l.Name, Spec: l.Spec, ID: cep.ListID(i)})
	}
	c.named = named
	return all
}

// list reads a list; nil: what it holds is not known.
func (c *compiler) list(e source.Entry) (*List, *list.List) {
	if !isName(e.Name) {
		c.Add(e.Key.Place(), source.CodeName, source.Tick(e.Name)+" is no name for a list", nameForm)
	}
	about := &List{Name: e.Name, At: e.KeyText()}
	r, ok := c.Record(e.Value, "the list "+source.Tick(e.Name), listKeys)
	if !ok || !c.listSpec(e, r, &about.Spec) {
		return nil, nil
	}
	if d, ok := r["description"]; ok {
		t, _ := c.Text(d.Value, "`description`")
		about.Description = t.Value
	}
	columns := c.columns(r)
	l, err := list.New(about.Spec)
	if err != nil {
		panic("rules: " + err.Error()) // listSpec reads sound ones only
	}
	if file, ok := r["file"]; ok {
		if read := c.listFile(file, about, columns); read != nil {
			l = read
		}
	}
	if given, ok := c.given.Lists[e.Name]; ok {
		for _, entry := range given {
			if err := l.Put(entry); err != nil {
				c.Add(e.Key.Place(), source.CodeValue, fmt.Sprintf("the entry %s is given: %s", source.Tick(entry.Text), err), "")
			}
		}
	}
	about.Entries = l.Len()
	return about, l
}

// listSpec reads what the entries and values of a list are.
func (c *compiler) listSpec(e source.Entry, r map[string]source.Entry, s *list.Spec) bool {
	t, said := r["type"]
	if !said {
		if e.Value.Lacks("type", listKeys) {
			c.Add(e.Key.Place(), source.CodeMissing, fmt.Sprintf("the list %s has no `type`", source.Tick(e.Name)), "say what its entries are: "+strings.Join(entryTypes, ", "))
		}
		return false
	}
	sound := c.listKind(t, "the type of entries", entryTypes, &s.Type)
	if v, said := r["value"]; said {
		sound = c.listKind(v, "the type of values", valueTypes, &s.Value) && sound
	}
	return sound
}

// listKind reads the type of entries or values.
func (c *compiler) listKind(e source.Entry, what string, of []string, kind *list.Kind) bool {
	t, ok := c.Text(e.Value, source.Tick(e.Name))
	if !ok {
		return false
	}
	k, known := list.ParseKind(t.Value)
	if known && slices.Contains(of, t.Value) {
		*kind = k
		return true
	}
	hint := nearest.DidYouMean(t.Value, of, "it is one of "+strings.Join(of, ", "))
	word := strings.ToLower(t.Value)
	if other := cmp.Or(kindWords[word], listTypes[word]); slices.Contains(of, other) {
		hint = "did you mean " + source.Tick(other) + "?"
	}
	c.Add(t.Place(), source.CodeValue, source.Tick(t.Value)+" is not "+what+" of a list", hint)
	return false
}

// columns reads what the columns of a list's file are called.
func (c *compiler) columns(r map[string]source.Entry) (columns list.Columns) {
	e, ok := r["columns"]
	if !ok {
		return columns
	}
	if _, said := r["file"]; !said {
		c.Add(e.Key.Place(), source.CodeValue, "`columns` goes with `file`", "name the file, or remove it")
	}
	names, _ := c.Record(e.Value, "`columns`", columnKeys)
	for name, of := range map[string]*string{"entry": &columns.Entry, "value": &columns.Value, "expires": &columns.Expires} {
		if n, ok := names[name]; ok {
			t, _ := c.Text(n.Value, "the name of a column")
			*of = t.Value
		}
	}
	return columns
}

// listFile reads the file of a list, which is named from where the file of the
// ruleset is; nil: it has a finding, or is not wanted.
func (c *compiler) listFile(e source.Entry, about *List, columns list.Columns) *list.List {
	t, ok := c.Text(e.Value, "`file`")
	if !ok {
		return nil
	}
	about.File = t.Value
	if !path.IsAbs(t.Value) {
		about.File = path.Join(path.Dir(e.Value.Doc.Src.Path), t.Value)
	}
	if _, instead := c.given.Lists[about.Name]; instead {
		return nil
	}
	if c.given.ReadFile == nil {
		c.Add(t.Place(), source.CodeFile, "the files of lists are not read here", "leave `file` out, or give the list its entries otherwise")
		return nil
	}
	data, err := c.given.ReadFile(about.File)
	if err != nil {
		var e *fs.PathError
		if errors.As(err, &e) {
			err = e.Err
		}
		c.Add(t.Place(), source.CodeFile, source.Tick(about.File)+" cannot be read: "+err.Error(), "a file is named from the folder of the file that names it")
		return nil
	}
	// A copy of the text would take as much memory as the list.
	text := unsafe.String(unsafe.SliceData(data), len(data))
	l, rows, err := list.Load(about.Spec, columns, text)
	var wrong *list.FileError
	switch {
	case errors.As(err, &wrong):
		c.rows(about.File, text, wrong)
	case err != nil:
		c.Add(t.Place(), source.CodeFile, source.Tick(about.File)+": "+err.Error(), "")
	case rows.Duplicates > 0:
		c.twice(about.File, text, &rows)
	}
	about.Rows = rows
	return l
}

// rows reports what is wrong in the file of a list.
func (c *compiler) rows(name, text string, wrong *list.FileError) {
	src := source.New(name, text)
	for _, f := range wrong.Faults {
		msg, hint, _ := strings.Cut(f.Reason, ": ")
		c.Add(cellAt(src, f), source.CodeValue, msg, hint)
	}
	if wrong.More > 0 {
		end := len(src.Text)
		c.Add(source.Place{Src: src, From: end, To: end}, source.CodeMore, fmt.Sprintf("there are %d more findings in this file", wrong.More), "mend the others first")
	}
}

// twice warns of entries that stand in several rows of the file of a list.
func (c *compiler) twice(name, text string, rows *list.Rows) {
	msg, hint, _ := strings.Cut(rows.First.Reason, ": ")
	switch n := rows.Duplicates - 1; {
	case n == 1:
		msg += ", and so has 1 more"
	case n > 1:
		msg += fmt.Sprintf(", and so have %d more", n)
	}
	c.Warn(cellAt(source.New(name, text), rows.First), source.CodeTwice, msg, hint+"; leave the others out")
}

// cellAt is the cell of a CSV file that a fault is in.
func cellAt(src *source.Source, f list.Fault) source.Place {
	from := min(src.Offset(f.Line, 1)+f.Column-1, src.LineEnd(f.Line))
	cell, _, _ := strings.Cut(src.Text[from:src.LineEnd(f.Line)], ",")
	return source.Place{Src: src, From: from, To: from + len(cell)}
}
