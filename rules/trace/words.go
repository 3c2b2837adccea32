package trace

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"weir/nfa"
	"weir/rules"
)

// width is the column at which lines are broken.
const width = 100

// glue stands for a space at which no line is broken.
const glue = "\x00"

// paragraph breaks visible text into lines, of which the first begins with lead and the
// others with below.
func paragraph(lead, below, text string) string {
	var b strings.Builder
	line := lead
	for i, word := range strings.Split(text, " ") {
		switch {
		case i == 0:
			line += word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = below + word
		default:
			line += " " + word
		}
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
	return strings.ReplaceAll(b.String(), glue, " ")
}

// Moment writes a time as texts for people do: in full, in UTC.
func Moment(ns int64) string {
	return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05.999999999")
}

// clock writes a time without its date where that is the one of another time.
func clock(ns, beside int64) string {
	t, b := time.Unix(0, ns).UTC(), time.Unix(0, beside).UTC()
	if beside != Forever && t.Format(time.DateOnly) == b.Format(time.DateOnly) {
		return t.Format("15:04:05.999999999")
	}
	return Moment(ns)
}

// units are those of lapse, from the longest.
var units = []struct {
	name string
	ns   int64
}{
	{"d", int64(24 * time.Hour)},
	{"h", int64(time.Hour)},
	{"m", int64(time.Minute)},
	{"s", int64(time.Second)},
	{"ms", int64(time.Millisecond)},
	{"µs", int64(time.Microsecond)},
	{"ns", 1},
}

// lapse writes a length of time to two units, like `21m 40s`.
func lapse(ns int64) string {
	for i, u := range units {
		n := ns / u.ns
		if n == 0 {
			continue
		}
		text := strconv.FormatInt(n, 10) + u.name
		if i+1 < len(units) {
			if less := ns % u.ns / units[i+1].ns; less > 0 {
				text += " " + strconv.FormatInt(less, 10) + units[i+1].name
			}
		}
		return text
	}
	return "0s"
}

// sooner says by how much an event came too late.
func sooner(ns int64) string {
	if ns == 0 {
		return "just before" // a window ends before its last moment
	}
	return lapse(ns) + " sooner"
}

// whyText writes the reason of a statement.
func whyText(s *Statement, r *rules.Rule) string {
	switch s.Because {
	case nfa.Unfit.String():
		if r.When != nil {
			return "when is false" + colon(s.Parts)
		}
		return misfit(s, "")
	case nfa.Absent.String():
		return misfit(s, ", which must not come")
	case nfa.Early.String():
		return fmt.Sprintf("it comes too soon for %s: the link is %s", s.For, s.Link)
	case nfa.Stopped.String():
		return "it fits " + s.Name + ", and until " + s.Name + " keeps the loop from taking it" + colon(s.Parts)
	case nfa.UntilHeld.String():
		return "it fits " + s.Name + ", and until " + s.Name + " ends the loop" + colon(s.Parts)
	case nfa.Idle.String():
		return "it fits " + s.Name + ", which !" + s.Name + " does not forbid at this time" + colon(s.Parts)
	case nfa.Negated.String():
		return "it fits " + s.Name + ", which !" + s.Name + " forbids" + colon(s.Parts)
	case nfa.Greedy.String():
		return "it fits " + s.Name + ", and what fits a greedy loop never counts for what follows it" + colon(s.Parts)
	case nfa.Strict.String():
		return "the very next event had to be " + s.For + ", and " + misfit(s, "")
	case nfa.Expired.String():
		return closedText(s) + " at " + clock(s.limit.n, s.at)
	case nfa.Finished.String():
		return "nothing can follow"
	case nfa.UnlessHeld.String():
		return "unless holds" + colon(s.Parts)
	case nfa.Consumed.String():
		return number(s.By) + " consumed it (skip: " + skipText(r) + ")"
	case nfa.OpenBound.String():
		return "too many matches of the key are open (limit: {open: N})"
	case nfa.CaptureBound.String():
		return fmt.Sprintf("a variable captures at most %d events", nfa.MaxCaptures)
	case nfa.HavingFailed.String():
		return "having does not hold" + colon(s.Parts)
	case nfa.Repeated.String():
		return "the same events came out already"
	}
	return s.Because
}

// misfit says why an event is not what was waited for, and what that is.
func misfit(s *Statement, what string) string {
	text := "it does not fit " + s.Name + what
	switch {
	case s.Types != nil:
		return text + ": it is of type " + s.event.typ + ", not " + strings.Join(s.Types, " or ")
	case s.Key != nil && *s.Key == "":
		return text + ": as that it has no key (" + s.keyField + ")"
	case s.Key != nil:
		return text + ": as that it has the key " + *s.Key + " (" + s.keyField + ")"
	}
	return text + colon(s.Parts)
}

// closedText says which bound it is that closed.
func closedText(s *Statement) string {
	length := span(s.span.n)
	switch s.Bound {
	case nfa.WithinBound.String():
		return "the window of " + length + " (within) closed"
	case nfa.RoundBound.String():
		return "the window of " + length + " (within, of a part of the pattern) closed"
	}
	return "the bound of " + length + " before " + s.For + " ran out"
}

func skipText(r *rules.Rule) string {
	text := r.Options.Skip.String()
	if r.Options.SkipVar != "" {
		text += "(" + r.Options.SkipVar + ")"
	}
	return text
}

// partsText writes the parts of a condition that decided, with their values.
func partsText(parts []Part) string {
	var list []string
	for _, p := range parts {
		text := oneLine(p.Text) + " is " + p.Value
		var values []string
		for i, v := range p.values() {
			values = append(values, oneLine(p.Values[i].Text)+" = "+v)
		}
		if len(values) > 0 {
			text += " (" + strings.Join(values, ", ") + ")"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", and ")
}

// oneLine puts an expression on one line.
func oneLine(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, " ")
}

func colon(parts []Part) string {
	if len(parts) == 0 {
		return ""
	}
	return ": " + partsText(parts)
}

func amount(n int, one, many string) string { return fmt.Sprintf("%d %s", n, plural(n, one, many)) }

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// opening begins a sentence with what an event is called: an id stays as it is.
func opening(event string) string {
	if strings.HasPrefix(event, "event ") {
		return upper(event)
	}
	return event
}
