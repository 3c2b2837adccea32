package infer

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"weir/cep"
)

// Schema writes the types as the `events` of a ruleset, with what was seen of each
// field in a comment behind it. head stands above, as comments.
func Schema(types []Type, head ...string) string {
	var b strings.Builder
	for _, line := range head {
		b.WriteString("# " + line + "\n")
	}
	b.WriteString("events:\n")
	for i := range types {
		types[i].write(&b)
	}
	return b.String()
}

func (t *Type) write(b *strings.Builder) {
	lines := []line{{"  " + yamlText(t.Name) + ":", count(t.Events, "event")}}
	switch {
	case t.Time == "":
		lines = append(lines, line{"    time: arrival", "no field holds a time in every event: it is the highest time read so far"})
	case t.Unit != "":
		lines = append(lines, line{fmt.Sprintf("    time: {field: %s, unit: %s}", yamlText(t.Time), t.Unit), t.timeNote()})
	default:
		lines = append(lines, line{"    time: " + yamlText(t.Time), t.timeNote()})
	}
	if t.ID != "" {
		lines = append(lines, line{"    id: " + yamlText(t.ID), "names one event: another with it is not matched"})
	}
	declared := false
	var fields, left []line
	for i := range t.Fields {
		f := &t.Fields[i]
		if f.Kind == cep.Nil {
			left = append(left, line{fmt.Sprintf("    # %s is left out: %s", commentText(f.Name), f.Left), ""})
			continue
		}
		declared = true
		fields = append(fields, line{fmt.Sprintf("      %s: %s", yamlText(f.Name), f.Kind), f.note(t)})
	}
	lines = append(lines, left...)
	if declared {
		lines = append(lines, line{"    fields:", ""})
	} else {
		lines = append(lines, line{"    fields: {}", ""})
	}
	writeLines(b, append(lines, fields...))
}

func (t *Type) timeNote() string {
	if t.Small {
		return "its numbers are no dates: they are read as milliseconds"
	}
	if len(t.Others) == 0 {
		return ""
	}
	names := make([]string, len(t.Others))
	for i, n := range t.Others {
		names[i] = commentText(n)
	}
	return "or " + strings.Join(names, ", ")
}

// note says what was seen of a field.
func (f *Field) note(t *Type) string {
	var notes []string
	if f.Texts > 0 {
		n := t.Events - f.Missing
		notes = append(notes, fmt.Sprintf("text in %d of %d, else a number", f.Texts, n))
	}
	if f.Epoch != "" {
		notes = append(notes, "a time in "+f.Epoch+" since the epoch?")
	} else if f.Kind == cep.Number && f.distinct > mostEnum {
		notes = append(notes, fmt.Sprintf("half up to %s, 95 %% up to %s", number(f.low), number(f.high)))
	}
	var values []string
	for _, v := range f.Values {
		values = append(values, fmt.Sprintf("%s %d", commentText(v.Text), v.Count))
	}
	switch {
	case len(values) > 0:
		notes = append(notes, strings.Join(values, ", "))
	case f.Kind == cep.Text && f.many:
		notes = append(notes, "more than "+count(f.distinct, "value"))
	case f.Kind == cep.Text && !f.Unique && t.Events-f.Missing > 1:
		notes = append(notes, count(f.distinct, "value"))
	}
	if f.Date {
		notes = append(notes, "dates; a time is "+timeForms)
	}
	if inner := t.names(f); inner != "" {
		notes = append(notes, "with "+inner)
	}
	if f.Pii {
		notes = append(notes, "personal data?")
	}
	if f.Missing > 0 {
		notes = append(notes, "missing in "+share(f.Missing, t.Events))
	}
	return strings.Join(notes, "; ")
}

// mostInner bounds the names that are listed of what lies in a map.
const mostInner = 12

// names lists what lies in a map.
func (t *Type) names(of *Field) string {
	var names []string
	for i := range t.Inner {
		f := &t.Inner[i]
		if name, ok := strings.CutPrefix(f.Name, of.Name+"."); ok && f.Kind != cep.Map {
			names = append(names, name)
		}
	}
	if len(names) > mostInner {
		names = append(names[:mostInner], "…")
	}
	return strings.Join(names, ", ")
}

// share writes n of all as percent, of which it never makes none or all.
func share(n, all int) string {
	percent := 100 * n / all
	switch {
	case n == all:
		return "all"
	case percent == 0:
		return "less than 1 %"
	}
	return strconv.Itoa(percent) + " %"
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}

// number writes a number as JSON and YAML have it.
func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// line is a line of YAML and the comment behind it.
type line struct{ text, note string }

func writeLines(b *strings.Builder, lines []line) {
	for _, l := range lines {
		b.WriteString(l.text)
		if l.note != "" {
			b.WriteString("  # " + l.note)
		}
		b.WriteByte('\n')
	}
}

// plainText is what YAML takes for the text that it looks like.
var plainText = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// yamlText writes a text as a YAML scalar.
func yamlText(s string) string {
	switch strings.ToLower(s) {
	case "true", "false", "null":
	default:
		if plainText.MatchString(s) {
			return s
		}
	}
	return strconv.QuoteToGraphic(s)
}

// commentText writes a text in a comment: shortened, and quoted unless it is plain.
func commentText(s string) string {
	const longest = 30
	if utf8.RuneCountInString(s) > longest {
		s = string([]rune(s)[:longest]) + "…"
	}
	for _, r := range s {
		if r < ' ' || r == ',' || r == ';' || r == '"' || !strconv.IsGraphic(r) {
			return strconv.QuoteToGraphic(s)
		}
	}
	if s == "" || strings.TrimSpace(s) != s {
		return strconv.QuoteToGraphic(s)
	}
	return s
}
