package trace

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/nfa"
	"weir/rules"
)

// Writer writes steps for people. It is given all steps from the first on.
type Writer struct {
	out  io.Writer
	rule *rules.Rule
	open matches
}

// NewWriter makes a Writer of the steps of a rule.
func NewWriter(out io.Writer, rule *rules.Rule) *Writer {
	return &Writer{out: out, rule: rule, open: matches{}}
}

// shownSame is how many open matches are listed that do the same; the others are
// counted.
const shownSame = 3

// Write writes a step: a line for the event, and below it what each open match did.
func (w *Writer) Write(s *Step) error {
	lines := w.lines(s)
	w.open.take(s)
	_, err := io.WriteString(w.out, strings.Join(lines, "\n")+"\n")
	return err
}

// Skip takes in a step that is not to be written.
func (w *Writer) Skip(s *Step) { w.open.take(s) }

// line is what an open match did at a step.
type line struct {
	match   int
	subject string
	clauses []string
}

func (w *Writer) lines(s *Step) []string {
	head := moment(s.Time) + "  no event"
	if s.Time == Forever {
		head = "the end: no more events come, and every window closes"
	}
	var top []string
	var own []*line
	by := map[int]*line{}
	turns := turnsOf(s)
	for i := range s.Statements {
		st := &s.Statements[i]
		if st.Seen != nil {
			head = moment(s.Time) + "  " + eventText(st)
			if st.Do == Late {
				head = moment(timeOf(st.Seen.Time)) + "  " + eventText(st)
			}
		} else if st.Do == Rejected {
			head = "no event  " + st.Reason
		}
		if st.Match == 0 {
			if st.Do == Early && len(own) > 0 || st.Do == NotBegun && taken(s) {
				continue // an open match says more
			}
			if text := w.aside(st, s); text != "" && !slices.Contains(top, "  "+text) {
				top = append(top, "  "+text)
			}
			continue
		}
		l := by[st.Match]
		if l == nil {
			l = &line{match: st.Match, subject: w.open.label(st.Match)}
			by[st.Match] = l
			own = append(own, l)
		}
		if turns[st.Match].covers(st) {
			continue
		}
		if text := w.clause(st, s); text != "" && !slices.Contains(l.clauses, text) {
			l.clauses = append(l.clauses, text)
		}
	}
	slices.SortStableFunc(own, func(a, b *line) int { return cmp.Compare(a.match, b.match) })
	return append([]string{head}, append(grouped(own), top...)...)
}

// taken reports whether an open match took the event of a step.
func taken(s *Step) bool {
	return slices.ContainsFunc(s.Statements, func(st Statement) bool { return st.Do == Took })
}

// turn is what a match came to at a step.
type turn struct {
	took, ended, complete bool
	waits                 []string // for which it waits then, if it took the event
}

// turnsOf gives by match what each came to.
func turnsOf(s *Step) map[int]*turn {
	turns := map[int]*turn{0: {}}
	for i := range s.Statements {
		st := &s.Statements[i]
		t := turns[st.Match]
		if t == nil {
			t = &turn{}
			turns[st.Match] = t
		}
		switch st.Do {
		case Took:
			t.took = true
		case Waits:
			t.waits = append(t.waits, st.For)
		case Completed:
			t.complete = true
		case Ended:
			t.ended = true
		}
	}
	return turns
}

// covers reports whether what a match came to says more than a statement: that it let
// the event pass which it took by another way or which ended it, or that it no longer
// waits for what it waits for again or does not need.
func (t *turn) covers(s *Statement) bool {
	switch s.Do {
	case Passed:
		return t.took || t.ended
	case Closed:
		return t.took && (t.complete || slices.Contains(t.waits, s.For)) || t.ended
	}
	return false
}

// grouped writes lines, and of those that say the same the first few.
func grouped(own []*line) []string {
	var out []string
	same := map[string][]*line{}
	for _, l := range own {
		text := strings.Join(l.clauses, "; ")
		same[text] = append(same[text], l)
	}
	for _, l := range own {
		text := strings.Join(l.clauses, "; ")
		all := same[text]
		at := slices.Index(all, l)
		switch {
		case text == "":
		case at < shownSame || len(all) == shownSame+1:
			out = append(out, "  "+l.subject+" "+text)
		case at == shownSame:
			out = append(out, fmt.Sprintf("  and %d more did the same, for the same reason", len(all)-shownSame))
		}
	}
	return out
}

// moment writes a time in full.
func moment(ns int64) string {
	return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05.999999999")
}

// clock writes a time without its date where that is the one of another time.
func clock(ns, beside int64) string {
	t, b := time.Unix(0, ns).UTC(), time.Unix(0, beside).UTC()
	if beside != Forever && t.Format(time.DateOnly) == b.Format(time.DateOnly) {
		return t.Format("15:04:05.999999999")
	}
	return moment(ns)
}

func timeOf(text string) int64 {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic("trace: a time that it wrote itself: " + err.Error())
	}
	return t.UnixNano()
}

// eventText writes an event: its id if that is short, its type and what the rule reads.
func eventText(s *Statement) string {
	var b strings.Builder
	b.WriteString(s.event + "  " + s.Seen.Type)
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
		return "came too late, by " + s.Behind + ": it is not matched (--lateness)"
	case Rejected:
		return "the line is no event: it is not matched"
	case OtherType:
		return "is not seen: the rule is on " + strings.Join(w.rule.On, ", ") + ", not on " + s.Seen.Type
	case Unseen:
		return "is not seen: where does not hold: " + partsText(s.Parts)
	case NotBegun:
		return "no match begins: " + whyText(s, w.rule, step.Time)
	case Early:
		return "it would be " + s.For + ", but no match waits for that yet"
	}
	return ""
}

// clause says what an open match did.
func (w *Writer) clause(s *Statement, step *Step) string {
	switch s.Do {
	case Carried:
		return "was open before"
	case Began:
		return "begins with it as " + s.For
	case Took:
		if s.From != s.Match {
			return fmt.Sprintf("goes on from %s with it as %s", w.open.label(s.From), s.For)
		}
		return "takes it as " + s.For
	case Passed:
		return "lets it pass: " + whyText(s, w.rule, step.Time)
	case Early:
		return "it would be " + s.For + ", which " + number(s.Match) + " does not wait for yet"
	case TooLate:
		return fmt.Sprintf("would have taken it as %s, %s earlier: %s at %s", s.For, s.Behind, closedText(s), clock(s.limit, step.Time))
	case Closed:
		if s.Because == nfa.Done.String() {
			return ""
		}
		return "no longer waits for " + s.For + ": " + whyText(s, w.rule, step.Time)
	case Ended:
		if s.Because == nfa.Finished.String() || s.Because == nfa.Done.String() {
			return ""
		}
		return "ends: " + whyText(s, w.rule, step.Time)
	case Completed:
		return "is complete"
	case Refused:
		return "does not come out: " + whyText(s, w.rule, step.Time)
	case Held:
		return "is held until " + number(s.By) + " and all else that began before it is gone (emit: in_order)"
	case CameOut:
		return "comes out as a match"
	case RanOut:
		return "comes out as a time-out"
	case Alerted:
		if s.limit != step.Time {
			return fmt.Sprintf("makes the alert %s of %s, score %d", s.Alert, clock(s.limit, step.Time), s.Score)
		}
		return fmt.Sprintf("makes the alert %s, score %d", s.Alert, s.Score)
	case Silenced:
		return "makes no alert: the throttle is on until " + clock(s.limit, step.Time)
	}
	return ""
}

func number(match int) string { return "#" + strconv.Itoa(match) }

// whyText writes the reason of a statement.
func whyText(s *Statement, r *rules.Rule, now int64) string {
	switch s.Because {
	case nfa.Unfit.String():
		return notText(s)
	case nfa.Early.String():
		return fmt.Sprintf("it came too soon for %s: the link is %s", s.For, s.Link)
	case nfa.Stopped.String():
		return "it is " + s.Name + ", and until " + s.Name + " keeps the loop from taking it" + brackets(s.Parts)
	case nfa.UntilHeld.String():
		return "it is " + s.Name + ", and until " + s.Name + " ends the loop" + brackets(s.Parts)
	case nfa.Absent.String():
		return "it is no " + strings.TrimPrefix(s.Name, "!") + falseText(s)
	case nfa.Negated.String():
		return "it is " + s.Name + ", and !" + s.Name + " forbids that" + brackets(s.Parts)
	case nfa.Greedy.String():
		return "it is " + s.Name + ", and the greedy loop of " + s.Name + " was left" + brackets(s.Parts)
	case nfa.Strict.String():
		return "the very next event had to be " + s.For + "; " + notText(s)
	case nfa.Expired.String():
		behind := ""
		if s.Behind != "" {
			behind = ", " + s.Behind + " before"
		}
		return closedText(s) + " at " + clock(s.limit, now) + behind
	case nfa.Finished.String():
		return "nothing can follow"
	case nfa.UnlessHeld.String():
		return "unless holds" + brackets(s.Parts)
	case nfa.Consumed.String():
		return number(s.By) + " consumed it (skip: " + skipText(r) + ")"
	case nfa.OpenBound.String():
		return "too many matches of the key are open (limit: {open: N})"
	case nfa.CaptureBound.String():
		return fmt.Sprintf("a variable captures at most %d events", nfa.MaxCaptures)
	case nfa.HavingFailed.String():
		return "having does not hold: " + partsText(s.Parts)
	case nfa.Repeated.String():
		return "the same events came out already"
	}
	return s.Because
}

// notText says that an event is not what was waited for.
func notText(s *Statement) string { return "it is no " + s.Name + falseText(s) }

func falseText(s *Statement) string {
	switch {
	case s.Types != nil:
		return ": it is of type " + s.typ + ", not " + strings.Join(s.Types, " or ")
	case s.Key != nil && *s.Key == "":
		return ": as " + s.Name + " it has no key"
	case s.Key != nil:
		return ": as " + s.Name + " it has the key " + *s.Key
	case len(s.Parts) == 0:
		return ""
	}
	return ": " + partsText(s.Parts)
}

// closedText says which bound it is that closed.
func closedText(s *Statement) string {
	switch s.Bound {
	case nfa.WithinBound.String():
		return "the window of " + s.Span + " (within) closed"
	case nfa.RoundBound.String():
		return "the window of " + s.Span + " of a part closed"
	}
	return "the bound of " + s.Span + " before " + s.For + " ran out"
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
		text := p.Text + " is " + p.Value
		var values []string
		for _, v := range p.Values {
			values = append(values, v.Text+" = "+v.Value)
		}
		if len(values) > 0 {
			text += " (" + strings.Join(values, ", ") + ")"
		}
		list = append(list, oneLine(text))
	}
	return strings.Join(list, ", and ")
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func brackets(parts []Part) string {
	if len(parts) == 0 {
		return ""
	}
	return ": " + partsText(parts)
}

// matches are open matches as the statements tell of them.
type matches map[int][]Capture

// take follows a step.
func (m matches) take(s *Step) {
	before := map[int][]Capture{}
	for i := range s.Statements {
		st := &s.Statements[i]
		switch st.Do {
		case Carried:
			m[st.Match] = st.Captured
		case Began:
			m[st.Match] = []Capture{st.capture()}
		case Took:
			from, ok := before[st.From]
			if !ok {
				from = m[st.From]
				before[st.From] = from
			}
			m[st.Match] = append(slices.Clip(from), st.capture())
		}
	}
	for i := range s.Statements {
		if st := &s.Statements[i]; st.Do == Ended && st.Because != nfa.Finished.String() {
			delete(m, st.Match)
		}
	}
}

// capture is what a match captured by a statement.
func (s *Statement) capture() Capture {
	return Capture{As: s.For, Event: s.Event, Time: s.Time, at: s.at, event: s.event}
}

// label names an open match, like `#3 (probe×2 since 10:00:00)`.
func (m matches) label(id int) string {
	captured := m[id]
	if len(captured) == 0 {
		return number(id)
	}
	last := captured[len(captured)-1].at
	return fmt.Sprintf("%s (%s since %s)", number(id), capturedText(captured), clock(captured[0].at, last))
}

// capturedText writes which variables captured how often, in order.
func capturedText(captured []Capture) string {
	var list []string
	for i := 0; i < len(captured); {
		n := 1
		for i+n < len(captured) && captured[i+n].As == captured[i].As {
			n++
		}
		text := captured[i].As
		if n > 1 {
			text += "×" + strconv.Itoa(n)
		}
		list = append(list, text)
		i += n
	}
	return strings.Join(list, ", ")
}
