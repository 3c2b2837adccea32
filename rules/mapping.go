package rules

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// entry is a key of a mapping with its value.
type entry struct {
	key   node
	name  string
	value node
}

// keys says which keys a mapping may have.
type keys struct {
	of    string   // what the mapping is, like "a rule"
	known []string // in the order in which they are listed
	later []string // parts of the language that are not built
}

// entries gives the entries of a mapping in order, without those that have a
// finding. what names the mapping.
func (f *findings) entries(n node, what string) (list []entry, ok bool) {
	if n.doc.bad[n.n] {
		return nil, false
	}
	if n.empty() {
		f.add(n.place(), CodeMissing, what+" is empty", "")
		return nil, false
	}
	if n.n.Kind != yaml.MappingNode {
		f.add(n.place(), CodeValue, what+" is a mapping (`name: value`), not "+n.kind(), "")
		return nil, false
	}
	return n.pairs(), true
}

// pairs gives the entries of a mapping whose keys have no finding.
func (n node) pairs() []entry {
	var list []entry
	for i := 0; i+1 < len(n.n.Content); i += 2 {
		e := entry{key: node{n.doc, n.n.Content[i]}, value: node{n.doc, n.n.Content[i+1]}}
		e.name = e.key.n.Value
		if !n.doc.bad[e.key.n] && e.key.n.Kind == yaml.ScalarNode {
			list = append(list, e)
		}
	}
	return list
}

// is says whether n is of a kind and has no finding.
func (n node) is(kind yaml.Kind) bool { return n.n.Kind == kind && !n.doc.bad[n.n] }

// record gives the entries of a mapping with known keys, by name, and reports
// keys that are not known or not built, and entries without a value.
func (f *findings) record(n node, what string, ks keys) (map[string]entry, bool) {
	list, ok := f.entries(n, what)
	byName := map[string]entry{}
	for _, e := range list {
		switch {
		case slices.Contains(ks.later, e.name):
			f.add(e.key.place(), CodeUnsupported, tick(e.name)+" is not supported yet", "remove it")
		case !slices.Contains(ks.known, e.name):
			f.unknown(n, e, ks)
		case e.value.empty() && !e.value.doc.bad[e.value.n]:
			f.noValue(n, e)
		default:
			byName[e.name] = e
		}
	}
	return byName, ok
}

// lacks says whether a mapping has nothing that could be meant as a key: neither
// the key itself nor one that is misspelt or that YAML took away.
func (n node) lacks(name string, ks keys) bool {
	for i := 0; i+1 < len(n.n.Content); i += 2 {
		k := n.n.Content[i]
		misspelt := !slices.Contains(ks.known, k.Value) && nearest(k.Value, ks.known) == name
		if k.Value == name || misspelt || k.Kind != yaml.ScalarNode || n.doc.bad[k] {
			return false
		}
	}
	return true
}

func (f *findings) unknown(n node, e entry, ks keys) {
	hint := didYouMean(e.name, slices.Concat(ks.known, ks.later), sprintf("the keys of %s are %s", ks.of, strings.Join(ks.known, ", ")))
	if n.n.Style&yaml.FlowStyle != 0 && e.value.empty() {
		hint = "quote the text before it if it holds a comma"
	}
	f.add(e.key.place(), CodeUnknown, sprintf("%s has no key %s", ks.of, tick(e.name)), hint)
}

// noValue reports an entry with nothing after its colon.
func (f *findings) noValue(n node, e entry) {
	hint := "write a value behind the colon, or remove the key"
	if n.n.Style&yaml.FlowStyle != 0 {
		hint = "quote the text if it holds a comma or bracket, here or in the entry before"
	}
	f.add(e.key.place(), CodeMissing, tick(e.name)+" has no value", hint)
}

// empty says whether n is nothing: a key with nothing behind it.
func (n node) empty() bool {
	return n.n.Kind == yaml.ScalarNode && n.n.Style == 0 && n.n.Value == "" && n.n.Anchor == ""
}

func (n node) kind() string {
	switch n.n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return "text"
}

// text is a scalar as the text that it stands for: `score: 70` and `other: true`
// are the texts 70 and true.
type text struct {
	node
	value string
}

// text gives the text of a scalar. what names it, like "`where`".
func (f *findings) text(n node, what string) (text, bool) {
	switch {
	case n.doc.bad[n.n]:
		return text{}, false
	case n.n.Kind != yaml.ScalarNode:
		hint := ""
		if whole, ok := n.bracket(); ok {
			hint = "quote it if it is an expression or a text: " + quoted(whole)
		}
		f.add(n.place(), CodeValue, what+" is text, not "+n.kind(), hint)
		return text{}, false
	case strings.TrimSpace(n.n.Value) == "" && n.n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		f.add(n.token(), CodeMissing, what+" is an empty block", "indent its text below the key")
		return text{}, false
	case strings.TrimSpace(n.n.Value) == "":
		f.add(n.place(), CodeMissing, what+" is empty", "")
		return text{}, false
	}
	return text{n, n.n.Value}, true
}

// bracket gives a flow mapping or list as it stands in the file, if it is closed
// in the same line.
func (n node) bracket() (whole string, ok bool) {
	if n.n.Style&yaml.FlowStyle == 0 {
		return "", false
	}
	from := n.start()
	line := n.doc.src.text[from:n.doc.src.lineEnd(n.n.Line)]
	depth := 0
	for i, c := range []byte(line) {
		switch c {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return line[:i+1], true
			}
		}
	}
	return "", false
}

// part gives the place in the file of the bytes from up to to of a text.
func (t text) part(from, to int) place {
	spans, ok := t.doc.src.unfold(t.n)
	if !ok || len(spans) == 0 {
		return t.place()
	}
	end := len(strings.TrimRight(t.value, " \t\n"))
	from = min(max(from, 0), end) // what is missing at the end is missed behind the last word
	to = min(max(to, from), end)
	p := place{src: t.doc.src}
	if from < len(spans) {
		p.from, p.to = spans[from].from, spans[from].from
	} else {
		p.from, p.to = spans[from-1].to, spans[from-1].to
	}
	if to > from {
		p.to = spans[to-1].to
	}
	return p
}

// cut gives the whole line of a plain scalar that a ` #` ended.
func (t text) cut() (whole string, ok bool) {
	if t.n.Style != 0 {
		return "", false
	}
	src, p := t.doc.src, t.place()
	line, _ := src.position(p.to)
	rest := src.text[p.to:src.lineEnd(line)]
	if !strings.HasPrefix(strings.TrimLeft(rest, " \t"), "#") {
		return "", false
	}
	return strings.TrimSpace(src.text[p.from : p.to+len(rest)]), true
}

// fault reports that the bytes from up to to of a text are wrong.
func (f *findings) fault(t text, from, to int, code, msg, hint string) {
	if whole, ok := t.cut(); ok {
		hint = "` #` begins a comment; if it is part of the text, quote that: " + quoted(whole)
	}
	f.add(t.part(from, to), code, msg, hint)
}

// list gives the texts of a list, or the one text that stands in place of it.
func (f *findings) list(n node, what string) (texts []text, ok bool) {
	if n.doc.bad[n.n] {
		return nil, false
	}
	if n.n.Kind == yaml.MappingNode {
		f.add(n.place(), CodeValue, what+" is text or a list, not a mapping", "")
		return nil, false
	}
	if n.n.Kind != yaml.SequenceNode {
		t, ok := f.text(n, what)
		if !ok {
			return nil, false
		}
		return []text{t}, true
	}
	if len(n.n.Content) == 0 {
		f.add(n.place(), CodeMissing, what+" is an empty list", "")
		return nil, false
	}
	ok = true
	for _, c := range n.n.Content {
		t, good := f.text(node{n.doc, c}, "an entry of "+what)
		if !good {
			ok = false
			continue
		}
		texts = append(texts, t)
	}
	return texts, ok
}
