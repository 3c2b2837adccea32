package source

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"weir/rules/nearest"
)

// Entry is a key of a mapping with its value.
type Entry struct {
	Key   Node
	Name  string
	Value Node
}

// Keys says which Keys a mapping may have.
type Keys struct {
	Of    string            // what the mapping is, like "a rule"
	Known []string          // in the order in which they are listed
	Later []string          // parts of the language that are not built
	Meant map[string]string // keys of other tools, in lower case and without `_` and `-`, and what they are called here
	Apart map[string]string // keys that stand elsewhere: where, or what is said in place of them
	Form  string            // how the mapping is written, a hint where something else stands there; may be empty
}

var bareWord = strings.NewReplacer("_", "", "-", "", " ", "")

// Means gives the key that a name, which is none, most likely stands for; "" where
// that is not clear.
func (ks Keys) Means(name string) string {
	switch other := ks.Meant[bareWord.Replace(strings.ToLower(name))]; {
	case slices.Contains(ks.Known, name) || slices.Contains(ks.Later, name) || ks.Apart[name] != "":
		return ""
	case other != "":
		return other
	}
	return nearest.Name(name, slices.Concat(ks.Known, ks.Later))
}

// Entries gives the Entries of a mapping in order, without those that have a
// finding. what names the mapping.
func (f *Findings) Entries(n Node, what string) (list []Entry, ok bool) {
	return f.entries(n, what, "")
}

// entries is Entries with a hint for what is no mapping.
func (f *Findings) entries(n Node, what, form string) (list []Entry, ok bool) {
	if n.Bad() {
		return nil, false
	}
	if n.Empty() {
		f.Add(n.Place(), CodeMissing, what+" is empty", form)
		return nil, false
	}
	if n.YAML.Kind != yaml.MappingNode {
		f.Add(n.Place(), CodeValue, what+" is a mapping (`name: value`), not "+n.Kind(), form)
		return nil, false
	}
	return n.Pairs(), true
}

// Pairs gives the entries of a mapping whose keys have no finding.
func (n Node) Pairs() []Entry {
	list := make([]Entry, 0, len(n.YAML.Content)/2)
	for i := 0; i+1 < len(n.YAML.Content); i += 2 {
		e := Entry{Key: Node{n.Doc, n.YAML.Content[i]}, Value: Node{n.Doc, n.YAML.Content[i+1]}}
		e.Name = e.Key.YAML.Value
		if !n.Doc.bad[e.Key.YAML] && e.Key.YAML.Kind == yaml.ScalarNode {
			list = append(list, e)
		}
	}
	return list
}

// KeyText gives the key as a text.
func (e Entry) KeyText() Text { return Text{e.Key, e.Name} }

// Items gives the entries of a list.
func (n Node) Items() []Node {
	items := make([]Node, len(n.YAML.Content))
	for i, c := range n.YAML.Content {
		items[i] = Node{n.Doc, c}
	}
	return items
}

// Is says whether n Is of a kind and has no finding.
func (n Node) Is(kind yaml.Kind) bool { return n.YAML.Kind == kind && !n.Bad() }

// Record gives the entries of a mapping with known keys, by name, and reports
// keys that are not known or not built, and entries without a value.
func (f *Findings) Record(n Node, what string, ks Keys) (map[string]Entry, bool) {
	list, ok := f.entries(n, what, ks.Form)
	byName := map[string]Entry{}
	for _, e := range list {
		switch {
		case slices.Contains(ks.Later, e.Name):
			f.Add(e.Key.Place(), CodeUnsupported, Tick(e.Name)+" is not supported yet", "remove it")
		case !slices.Contains(ks.Known, e.Name):
			f.unknown(n, e, ks)
		case e.Value.Empty() && !e.Value.Bad():
			f.NoValue(n, e)
		default:
			byName[e.Name] = e
		}
	}
	return byName, ok
}

// Lacks says whether a mapping has nothing that could be meant as a key: neither
// the key itself nor one that is misspelt or that YAML took away.
func (n Node) Lacks(name string, ks Keys) bool {
	const most = 1_000 // keys; of more nobody misspelt each
	few := len(n.YAML.Content) <= 2*most
	for i := 0; i+1 < len(n.YAML.Content); i += 2 {
		k := n.YAML.Content[i]
		if k.Value == name || few && ks.Means(k.Value) == name || k.Kind != yaml.ScalarNode || n.Doc.bad[k] {
			return false
		}
	}
	return true
}

func (f *Findings) unknown(n Node, e Entry, ks Keys) {
	if f.full(Error) {
		f.room(Error, n.Doc.Src.Path)
		return
	}
	hint := fmt.Sprintf("the keys of %s are %s", ks.Of, strings.Join(ks.Known, ", "))
	if other := ks.Means(e.Name); other != "" {
		hint = "did you mean " + Tick(other) + "?"
	} else if where := ks.Apart[e.Name]; where != "" {
		hint = where
	}
	if n.YAML.Style&yaml.FlowStyle != 0 && e.Value.Empty() {
		hint = "quote the text before it if it holds a comma"
	}
	f.Add(e.Key.Place(), CodeUnknown, fmt.Sprintf("%s has no key %s", ks.Of, Tick(e.Name)), hint)
}

// NoValue reports an entry with nothing after its colon.
func (f *Findings) NoValue(n Node, e Entry) {
	hint := "write a value behind the colon, or remove the key"
	if n.YAML.Style&yaml.FlowStyle != 0 {
		hint = "quote the text if it holds a comma or bracket, here or in the entry before"
	}
	f.Add(e.Key.Place(), CodeMissing, Tick(e.Name)+" has no value", hint)
}

// Empty says whether n is nothing: a key with nothing behind it.
func (n Node) Empty() bool {
	return n.YAML.Kind == yaml.ScalarNode && n.YAML.Style == 0 && n.YAML.Value == "" && n.YAML.Anchor == ""
}

func (n Node) Kind() string {
	switch n.YAML.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return "text"
}

// Text is a scalar as the Text that it stands for: `score: 70` and `other: true`
// are the texts 70 and true.
type Text struct {
	Node
	Value string
}

// Text gives the Text of a scalar. what names it, like "`where`".
func (f *Findings) Text(n Node, what string) (Text, bool) {
	switch {
	case n.Bad():
		return Text{}, false
	case n.YAML.Kind != yaml.ScalarNode:
		msg := what + " is text, not " + n.Kind()
		if from, to, ok := n.bracket(); ok {
			f.quote(n.Place(), CodeValue, msg, "quote it if it is an expression or a text: ", from, to)
		} else {
			f.Add(n.Place(), CodeValue, msg, "")
		}
		return Text{}, false
	case strings.TrimSpace(n.YAML.Value) == "" && n.YAML.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		f.Add(n.Token(), CodeMissing, what+" is an empty block", "indent its text below the key")
		return Text{}, false
	case strings.TrimSpace(n.YAML.Value) == "":
		f.Add(n.Place(), CodeMissing, what+" is empty", "")
		return Text{}, false
	}
	return Text{n, n.YAML.Value}, true
}

// bracket gives the bytes of a flow mapping or list, if it is closed in the same
// line.
func (n Node) bracket() (from, to int, ok bool) {
	if n.YAML.Style&yaml.FlowStyle == 0 {
		return 0, 0, false
	}
	from = n.start()
	line := n.Doc.Src.Text[from:n.Doc.Src.LineEnd(n.YAML.Line)]
	depth := 0
	for i, c := range []byte(line) {
		switch c {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return from, from + i + 1, true
			}
		}
	}
	return 0, 0, false
}

// Part gives the place in the file of the bytes from up to to of a text.
func (t Text) Part(from, to int) Place {
	end := len(strings.TrimRight(t.Value, " \t\n"))
	from = min(max(from, 0), end) // what is missing at the end is missed behind the last word
	to = min(max(to, from), end)
	if from == end && from > 0 {
		at, ok := t.Doc.Src.unfold(t.YAML, from-1, from)
		if !ok {
			return t.Place()
		}
		return Place{t.Doc.Src, at.to, at.to}
	}
	at, ok := t.Doc.Src.unfold(t.YAML, from, to)
	if !ok {
		return t.Place()
	}
	return Place{t.Doc.Src, at.from, at.to}
}

// Cut gives the whole line of a plain scalar that a ` #` ended.
func (t Text) Cut() (whole string, ok bool) {
	from, to, ok := t.cut()
	return t.Doc.Src.Text[from:to], ok
}

// cut gives the bytes of Cut.
func (t Text) cut() (from, to int, ok bool) {
	if t.YAML.Style != 0 {
		return 0, 0, false
	}
	src, p := t.Doc.Src, t.Place()
	line, _ := src.Position(p.To)
	rest := src.Text[p.To:src.LineEnd(line)]
	if !strings.HasPrefix(strings.TrimLeft(rest, " \t"), "#") {
		return 0, 0, false
	}
	return p.From, p.To + len(strings.TrimRight(rest, " \t")), true
}

// Fault reports that the bytes from up to to of a text are wrong.
func (f *Findings) Fault(t Text, from, to int, code, msg, hint string) {
	at := t.Part(from, to)
	if from, to, ok := t.cut(); ok && (hint == "" || t.open(at)) {
		f.quote(at, code, msg, "` #` begins a comment; if it is part of the text, quote that: ", from, to)
		return
	}
	f.Add(at, code, msg, hint)
}

// open says whether more of a text was to come, by an error at a place of it: it
// stands at the end, or a quote or bracket is not closed.
func (t Text) open(at Place) bool {
	depth := 0
	for i := 0; i < len(t.Value); i++ {
		switch c := t.Value[i]; c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case '"', '\'', '`':
			for i++; i < len(t.Value) && t.Value[i] != c; i++ {
				if t.Value[i] == '\\' && c != '`' {
					i++
				}
			}
			if i >= len(t.Value) {
				return true
			}
		}
	}
	return depth > 0 || at.From >= t.Part(len(t.Value), len(t.Value)).From
}

// List gives the texts of a List, or the one text that stands in place of it.
func (f *Findings) List(n Node, what string) (texts []Text, ok bool) {
	if n.Bad() {
		return nil, false
	}
	if n.YAML.Kind == yaml.MappingNode {
		f.Add(n.Place(), CodeValue, what+" is text or a list, not a mapping", "")
		return nil, false
	}
	if n.YAML.Kind != yaml.SequenceNode {
		t, ok := f.Text(n, what)
		if !ok {
			return nil, false
		}
		return []Text{t}, true
	}
	if len(n.YAML.Content) == 0 {
		f.Add(n.Place(), CodeMissing, what+" is an empty list", "")
		return nil, false
	}
	ok = true
	for _, c := range n.YAML.Content {
		t, good := f.Text(Node{n.Doc, c}, "an entry of "+what)
		if !good {
			ok = false
			continue
		}
		texts = append(texts, t)
	}
	return texts, ok
}
