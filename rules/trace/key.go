package trace

import (
	"fmt"
	"slices"
	"strings"

	"weir/cep"
)

// ParseKey reads a key as a person writes it: for a key of one part its text, for
// several `a=1,b=2`, or each part as a text of its own. A comma belongs to the value
// unless the name of a part and `=` follow it.
func ParseKey(k cep.Key, texts []string) ([]string, error) {
	if len(k.Names) == 1 {
		if len(texts) != 1 {
			return nil, fmt.Errorf("the key of the rule is %s: name one value", k.Names[0])
		}
		return []string{texts[0]}, nil
	}
	parts := make([]string, len(k.Names))
	given := make([]bool, len(k.Names))
	for _, text := range texts {
		for _, piece := range pieces(k.Names, text) {
			name, value, ok := strings.Cut(piece, "=")
			i := slices.Index(k.Names, name)
			switch {
			case !ok || i < 0:
				return nil, fmt.Errorf("%q is no part of the key of the rule: write %s", piece, form(k.Names))
			case given[i]:
				return nil, fmt.Errorf("the key says %s twice", name)
			}
			parts[i], given[i] = value, true
		}
	}
	if i := slices.Index(given, false); i >= 0 {
		return nil, fmt.Errorf("the key does not say %s: write %s", k.Names[i], form(k.Names))
	}
	return parts, nil
}

// pieces cuts a text before each name.
func pieces(names []string, text string) []string {
	var list []string
	from := 0
	for i := range text {
		if text[i] != ',' {
			continue
		}
		for _, n := range names {
			if strings.HasPrefix(text[i+1:], n+"=") {
				list = append(list, text[from:i])
				from = i + 1
				break
			}
		}
	}
	return append(list, text[from:])
}

func form(names []string) string { return strings.Join(names, "=...,") + "=..." }

// KeyText writes a key as ParseKey reads it, with the name of a single part before it
// too.
func KeyText(k cep.Key, parts []string) string {
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(k.Names[i] + "=" + p)
	}
	return b.String()
}
