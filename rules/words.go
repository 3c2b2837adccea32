package rules

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"weir/nfa"
	"weir/rules/source"
)

// keyWords are keys that people call otherwise.
var keyWords = map[string]string{"within": "window", "on": "event types", "half_life": "half-life"}

// longestWord is how long a value may be, in bytes, to be cited.
const longestWord = 60

// Words says in words what differs between two texts of a part, as TextOf gives them, in the order
// in which the later one has it: like "`probe_max` 2 → 3" and "window 30 m → 1 h". Where nothing
// does but comments and how it is written, there are none.
func Words(before, after string) []string {
	var f source.Findings
	a, ok := f.Parse("", before).Node()
	b, too := f.Parse("", after).Node()
	if !ok || !too {
		return nil
	}
	var w words
	w.compare("", a.YAML, b.YAML)
	return w.list
}

type words struct{ list []string }

func (w *words) say(format string, args ...any) {
	w.list = append(w.list, fmt.Sprintf(format, args...))
}

// compare says how the values behind a key differ.
func (w *words) compare(key string, a, b *yaml.Node) {
	switch {
	case sameValue(a, b):
	case a.Kind == yaml.MappingNode && b.Kind == yaml.MappingNode:
		w.mappings(key, a, b)
	case a.Kind == yaml.SequenceNode && b.Kind == yaml.SequenceNode && plain(a) && plain(b):
		w.lists(key, a, b)
	default:
		was, is := cited(a), cited(b)
		switch {
		case was == "" || is == "":
			w.say("%s changed", called(key))
		default:
			w.say("%s %s → %s", called(key), was, is)
		}
	}
}

// mappings compares entry by entry.
func (w *words) mappings(key string, a, b *yaml.Node) {
	within := func(name string) string {
		if key == "" || key == "params" {
			return name
		}
		return key + "." + name
	}
	for i := 0; i+1 < len(b.Content); i += 2 {
		name, value := b.Content[i].Value, b.Content[i+1]
		was := entryOf(a, name)
		switch text := cited(value); {
		case was != nil:
			w.compare(within(name), was, value)
		case text == "":
			w.say("%s added", called(within(name)))
		default:
			w.say("%s added: %s", called(within(name)), text)
		}
	}
	for i := 0; i+1 < len(a.Content); i += 2 {
		if name := a.Content[i].Value; entryOf(b, name) == nil {
			w.say("%s removed", called(within(name)))
		}
	}
}

// lists says what has come and gone, or that the order is another.
func (w *words) lists(key string, a, b *yaml.Node) {
	var parts []string
	each := func(sign string, of, other *yaml.Node) {
		for _, x := range of.Content {
			if !slices.ContainsFunc(other.Content, func(y *yaml.Node) bool { return x.Value == y.Value }) {
				parts = append(parts, sign+source.Tick(x.Value))
			}
		}
	}
	each("+", b, a)
	each("−", a, b)
	if len(parts) == 0 || len(parts) > 10 {
		parts = []string{"changed"}
	}
	w.say("%s %s", called(key), strings.Join(parts, " "))
}

// entryOf is the value of an entry; nil: there is none.
func entryOf(mapping *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// plain says whether a list has scalars only.
func plain(list *yaml.Node) bool {
	return !slices.ContainsFunc(list.Content, func(n *yaml.Node) bool { return n.Kind != yaml.ScalarNode })
}

// called is what a key is called.
func called(key string) string {
	switch word := keyWords[key]; {
	case key == "":
		return "the value"
	case word != "":
		return word
	}
	return source.Tick(key)
}

// cited is a value as it stands in a sentence; empty: it is too long, or no scalar.
func cited(n *yaml.Node) string {
	text := strings.TrimSpace(n.Value)
	if n.Kind != yaml.ScalarNode || len(text) > longestWord || strings.Contains(text, "\n") {
		return ""
	}
	if d, err := nfa.ParseDuration(text); err == nil {
		short := nfa.FormatDuration(d)
		unit := strings.TrimLeft(short, "0123456789")
		return strings.TrimSuffix(short, unit) + " " + unit
	}
	for _, c := range text {
		if c > 0x7f || !strings.ContainsRune("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.-", c) {
			return source.Tick(text)
		}
	}
	return text
}
