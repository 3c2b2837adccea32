package trace

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"weir/cep"
	"weir/nfa"
	"weir/rules"
	"weir/rules/source"
)

// Writer writes steps for people.
type Writer struct {
	out  io.Writer
	rule *rules.Rule
}

// NewWriter makes a Writer of the steps of a rule.
func NewWriter(out io.Writer, rule *rules.Rule) *Writer { return &Writer{out, rule} }

// shownSame is how many open matches are listed that do the same; the others are
// counted.
const shownSame = 3

// Write writes a step: a line for the event, and below it what each open match did.
func (w *Writer) Write(s *Step) error {
	var b strings.Builder
	for i, l := range w.lines(s) {
		indent := 2
		if i == 0 {
			indent = 0
		}
		b.WriteString(paragraph(strings.Repeat(" ", indent), strings.Repeat(" ", indent+4), l))
	}
	_, err := io.WriteString(w.out, b.String())
	return err
}

// line is what an open match did at a step, or what several did alike.
type line struct {
	match int // 0: it stands for the rest of several
	rest  int
	said  []*Statement
}

// alike are the lines of those that did the same.
type alike struct {
	lines []*line
	rest  int
}

func (w *Writer) lines(s *Step) []string {
	head := Moment(s.Time) + "  no event"
	if s.Time == Forever {
		head = "the end: no more events come, and every window closes"
	}
	var top []string
	own := ownLines(s)
	for i := range s.Statements {
		st := &s.Statements[i]
		switch {
		case st.Do == Late || st.Do == Duplicate || st.Do == Conflict:
			head = Moment(st.event.at) + "  " + eventText(st)
		case st.Seen != nil:
			head = Moment(s.Time) + "  " + eventText(st)
		case st.Do == Window:
			head = Moment(s.Time) + "  " + windowText(st, s.Time) + " ended"
		case st.Do == Rejected:
			head = "no event  " + st.Reason
		}
		if st.of != nil || st.Do == Early && len(own) > 0 || st.Do == NotBegun && taken(s) {
			continue // an open match says more
		}
		if text := source.Visible(w.aside(st, s)); text != "" && !slices.Contains(top, text) {
			top = append(top, text)
		}
	}
	out := []string{source.Visible(head)}
	if text := source.Visible(readingsText(s.Statements[0].Features, s.Statements[0].Risks)); text != "" && s.Statements[0].of == nil {
		out = append(out, strings.ReplaceAll(text, " = ", glue+"="+glue))
	}
	for _, a := range grouped(own) {
		shown := min(shownSame, len(a.lines))
		if a.rest == 0 && len(a.lines) == shownSame+1 {
			shown = shownSame + 1
		}
		for _, l := range a.lines[:shown] {
			text := w.clauses(l, s)
			if w.rule.When == nil {
				text = source.Visible(l.subject()) + " " + text
			}
			out = append(out, text)
		}
		if more := len(a.lines) - shown + a.rest; more > 0 {
			out = append(out, fmt.Sprintf("and %d more likewise", more))
		}
	}
	return append(out, top...)
}

// taken reports whether an open match took the event of a step.
func taken(s *Step) bool {
	return slices.ContainsFunc(s.Statements, func(st Statement) bool { return st.Do == Took })
}

// ownLines gathers what the step says of each open match, in order of their numbers, and
// leaves out what something else covers.
func ownLines(s *Step) []*line {
	by, rest := map[int]*line{}, map[*match]*line{}
	var own []*line
	for i := range s.Statements {
		st := &s.Statements[i]
		if st.of == nil {
			continue
		}
		l := by[st.Match]
		if st.rest > 0 {
			l = rest[st.of]
		}
		if l == nil {
			l = &line{match: st.Match}
			if own = append(own, l); st.rest > 0 {
				l.match, l.rest, rest[st.of] = 0, st.rest, l
			} else {
				by[st.Match] = l
			}
		}
		l.said = append(l.said, st)
	}
	split := map[*match]bool{} // those from which others went on
	for i := range s.Statements {
		split[s.Statements[i].from] = true
	}
	for _, l := range own {
		t := turnOf(l.said)
		l.said = slices.DeleteFunc(l.said, func(s *Statement) bool { return t.covers(s) || (s.Do == Passed || s.Do == Early) && split[s.of] })
	}
	own = slices.DeleteFunc(own, func(l *line) bool { return len(l.said) == 0 })
	slices.SortStableFunc(own, func(a, b *line) int { return cmp.Compare(a.match, b.match) })
	return own
}

// turn is what a match came to at a step.
type turn struct {
	took     *match // it took the event and is this now
	ended    bool
	complete bool
	decided  bool // what became of the complete match is said
	alerted  bool // so is whether it made an alert
}

func turnOf(said []*Statement) turn {
	t := turn{}
	for _, st := range said {
		switch st.Do {
		case Took:
			t.took = st.of
		case Completed:
			t.complete = true
		case Refused, Held, CameOut:
			t.decided = true
		case Alerted, Silenced, Repeated:
			t.alerted = true
		case Ended:
			t.ended = true
		}
	}
	return t
}

// covers reports whether what a match came to says more than a statement, or nothing is
// to be said of it: that it let the event pass which it took by another way or which
// ended it; that it no longer waits for what it waits for again or does not need; that it
// is complete or came out, and more followed.
func (t turn) covers(s *Statement) bool {
	switch s.Do {
	case Waits:
		return true
	case Passed, Early:
		return t.took != nil || t.ended
	case Closed:
		return t.took != nil && (t.complete || t.took.awaits(s.For)) || t.ended || s.Because == nfa.Done.String()
	case Ended:
		return s.Because == nfa.Finished.String() || s.Because == nfa.Done.String()
	case Completed:
		return t.decided
	case CameOut, RanOut:
		return t.alerted
	}
	return false
}

// grouped puts those together that did the same, in order of the first of each. What
// came out is told one by one.
func grouped(own []*line) []*alike {
	var all []*alike
	same := map[string]*alike{}
	var key []byte
	for _, l := range own {
		key = key[:0]
		for _, s := range l.said {
			key = append(append(append(append(key, s.Do...), ' '), s.Because...), ' ')
			if key = append(key, s.Bound...); s.Because != nfa.Expired.String() || s.Bound == nfa.LinkBound.String() {
				key = append(append(key, ' '), s.For...)
			}
			key = append(key, '\n')
			switch s.Do {
			case Alerted, Silenced, Repeated:
				key = strconv.AppendInt(key, int64(l.match), 10)
			case Took:
				if s.From != s.Match {
					key = append(key, "from"...)
				}
			}
		}
		a := same[string(key)]
		if a == nil {
			a = &alike{}
			same[string(key)] = a
			all = append(all, a)
		}
		if a.rest += l.rest; l.rest == 0 {
			a.lines = append(a.lines, l)
		}
	}
	return all
}

// subject names the match of a line as it was before the step.
func (l *line) subject() string {
	switch s := l.said[0]; {
	case s.Do == Took && s.From == s.Match:
		return s.from.label()
	case s.Do == Took || s.Do == Began || s.Do == Carried:
		return number(l.match)
	default:
		return s.of.label()
	}
}

func (w *Writer) clauses(l *line, step *Step) string {
	var list []string
	for _, s := range l.said {
		text := source.Visible(w.clause(s, step))
		if utf8.RuneCountInString(text) <= width/2 {
			text = strings.ReplaceAll(text, " ", glue)
		}
		if !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return strings.Join(list, "; ")
}

// eventText writes an event: its id if that is short, its type and what the rule reads.
func eventText(s *Statement) string {
	var b strings.Builder
	b.WriteString(s.event.called + " ")
	if !s.event.match {
		b.WriteString(" " + s.Seen.Type)
	}
	for _, f := range s.Seen.Fields {
		b.WriteString(" " + f.Name + "=" + plain(f.Value))
	}
	return b.String()
}

// plain writes a JSON value without the quotes of a text that needs none.
func plain(v []byte) string {
	text, err := strconv.Unquote(string(v))
	if err != nil || text == "" || strings.ContainsAny(text, " \"\\=,\t\n") {
		return string(v)
	}
	return text
}

// aside says what is of no open match.
func (w *Writer) aside(s *Statement, step *Step) string {
	switch s.Do {
	case Late:
		return "came too late, by " + lapse(s.behind.n) + ": it is not matched (--lateness)"
	case Duplicate:
		return "came once more: it is not matched again"
	case Conflict:
		return "has the id of an event before, and another line: it is not matched"
	case Rejected:
		return "the line is no event: it is not matched"
	case OtherType:
		return "is not seen: the rule is on " + strings.Join(w.rule.On, ", ") + ", not on " + s.Seen.Type
	case Unseen:
		return "is not seen: where does not hold: " + partsText(s.Parts)
	case NotBegun:
		if w.rule.When != nil {
			return whyText(s, w.rule)
		}
		return "no match begins: " + whyText(s, w.rule)
	case Early:
		return "it fits " + s.For + ", but no match waits for that yet"
	case Answered:
		return fmt.Sprintf("holds until %s: answers %s (score %d)", clock(s.limit.n, s.at), s.Action, s.Score)
	case Window:
		return having(s)
	case Alerted, Silenced:
		return w.clause(s, step)
	}
	return ""
}

// having says whether a window is a match; empty: all are.
func having(s *Statement) string {
	switch {
	case s.Because != "":
		return "no match: having is false" + colon(s.Parts)
	case s.Name != "":
		return "having is true" + colon(s.Parts)
	}
	return ""
}

// windowText names a window that ended, beside a time that is written.
func windowText(s *Statement, beside int64) string {
	return "the window of " + s.Of + " from " + clock(s.since.n, beside)
}

// clause says what an open match did.
func (w *Writer) clause(s *Statement, step *Step) string {
	switch s.Do {
	case Carried:
		return "was open before: " + s.of.last.text()
	case Began:
		if w.rule.When != nil {
			return "when is true" + colon(s.Parts)
		}
		if w.rule.Program.Patterns() > 1 && len(s.of.missing) > 0 {
			return "begins with it as " + s.For + " and needs " + counts(s.of.lacks())
		}
		return "begins with it as " + s.For
	case Took:
		if s.From != s.Match {
			return fmt.Sprintf("goes on from %s with it as %s", s.from.label(), s.For)
		}
		return "takes it as " + s.For
	case Passed:
		return "lets it pass: " + whyText(s, w.rule)
	case Early:
		return "it fits " + s.For + ", for which " + number(s.Match) + " does not wait yet"
	case TooLate:
		return fmt.Sprintf("would have taken it as %s %s: %s at %s", s.For, sooner(s.behind.n), closedText(s), clock(s.limit.n, step.Time))
	case Closed:
		return "no longer waits for " + s.For + ": " + whyText(s, w.rule)
	case Ended:
		return "ends: " + whyText(s, w.rule)
	case Completed:
		return "is complete"
	case Refused:
		if w.rule.When != nil {
			return "no match: " + whyText(s, w.rule)
		}
		return "is complete, but does not come out: " + whyText(s, w.rule)
	case Held:
		return "is complete, and held until " + number(s.By) + " and all else that began before it is gone (emit: in_order)"
	case CameOut:
		return "comes out as a match"
	case RanOut:
		return "comes out as a time-out"
	case Alerted:
		text := "makes the alert " + s.Alert
		if s.Kind != cep.MatchAlert.String() {
			text = "runs out and " + text
		}
		if s.limit.n != step.Time {
			text += " of " + clock(s.limit.n, step.Time)
		}
		return fmt.Sprintf("%s (%s), score %d", text, s.Kind, s.Score) + more(s, step)
	case Silenced:
		text := "makes no alert: the throttle is on until " + clock(s.limit.n, step.Time)
		if w.rule.When == nil && w.rule.WindowClose == nil {
			text = "is complete, but " + text
		}
		return text + more(s, step)
	case Repeated:
		return "makes no alert: the event before was a match too (edge)" + more(s, step)
	}
	return ""
}

// more says what a match read of features and risks, beside what the event did.
func more(s *Statement, step *Step) string {
	first := &step.Statements[0]
	text := readingsText(beside(s.Features, first.Features), beside(s.Risks, first.Risks))
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// beside leaves those that say something else.
func beside(list, said []Reading) []Reading {
	return slices.DeleteFunc(slices.Clone(list), func(r Reading) bool {
		return slices.ContainsFunc(said, func(o Reading) bool { return o.words() == r.words() })
	})
}
