package nfa

import (
	"strconv"
	"strings"
	"time"
)

// String gives the canonical text of the pattern: Parse makes the same tree of
// it. Params stand in it as their values.
func (p *Pattern) String() string {
	f := formatter{names: p.names}
	f.body(p.Root)
	return f.String()
}

type formatter struct {
	strings.Builder
	names []Name
}

// body writes what a group holds, without its parentheses.
func (f *formatter) body(n *Node) {
	switch n.Op {
	case OpVar:
		f.WriteString(f.names[n.Name].Text)
	case OpSeq:
		for i, sub := range n.Subs {
			if i > 0 {
				f.link(sub.Link)
				f.WriteByte(' ')
			}
			f.element(sub)
		}
	case OpAlt:
		for i, sub := range n.Subs {
			if i > 0 {
				f.WriteString(" | ")
			}
			if sub.Op == OpSeq && isPlainGroup(sub) {
				f.body(sub)
			} else {
				f.element(sub)
			}
		}
	case OpAll:
		for i, sub := range n.Subs {
			if i > 0 {
				f.WriteString(" & ")
			}
			f.element(sub)
		}
	}
}

// element writes a variable, a group or a negation and all that belongs to it
// but its link.
func (f *formatter) element(n *Node) {
	if n.Op == OpNot {
		f.WriteByte('!')
		f.WriteString(f.names[n.Name].Text)
		return
	}
	text, whole := quantifier(n.Repeat)
	if !whole {
		f.WriteByte('(')
	}
	if n.Op == OpVar && isPlainLink(n.Round) {
		f.body(n)
	} else {
		f.WriteByte('(')
		f.body(n)
		if !isPlainLink(n.Round) {
			f.link(n.Round)
		}
		f.WriteByte(')')
	}
	f.WriteString(text)
	if n.Until >= 0 {
		f.WriteString(" until ")
		f.WriteString(f.names[n.Until].Text)
	}
	if n.Window != 0 {
		f.WriteString(" within ")
		f.WriteString(FormatDuration(n.Window))
	}
	if !whole {
		f.WriteString(")?")
	}
}

// quantifier gives the quantifier of r. whole is false where there is none that
// says all of it: `?` behind parentheses is missing then.
func quantifier(r Repeat) (text string, whole bool) {
	whole = true
	least := strconv.Itoa(r.Min)
	switch {
	case r.Max == 1 && r.Optional:
		text = "?"
	case r.Max == 1:
	case r.Max < 0 && r.Min == 1 && r.Optional:
		text = "*"
	case r.Max < 0 && r.Min == 1:
		text = "+"
	case r.Min == 1 && r.Optional:
		text = "{," + strconv.Itoa(r.Max) + "}"
	case r.Max < 0:
		text, whole = "{"+least+",}", !r.Optional
	case r.Max == r.Min:
		text, whole = "{"+least+"}", !r.Optional
	default:
		text, whole = "{"+least+","+strconv.Itoa(r.Max)+"}", !r.Optional
	}
	if r.Greedy {
		text += "+"
	}
	return text, whole
}

func isPlainLink(l Link) bool { return l.Kind == Follow && l.Least == 0 && l.Limit == 0 }

// link writes l behind what stands before it.
func (f *formatter) link(l Link) {
	text := l.String()
	if text != "," {
		f.WriteByte(' ')
	}
	f.WriteString(text)
}

// String gives the link as it is written in a pattern, like `-[<5m]->`.
func (l Link) String() string {
	bound := formatBound(l)
	switch {
	case bound == "":
		return l.Kind.String()
	case l.Kind == Next:
		return ",[" + bound + "]"
	}
	return "-[" + bound + "]" + l.Kind.String()
}

// formatBound gives the bound of l, empty if it has none. A least time alone is
// 1 ns above what is written: `>` does not include it.
func formatBound(l Link) string {
	switch {
	case l.Least == 0 && l.Limit == 0:
		return ""
	case l.Least == 0:
		return "<" + FormatDuration(l.Limit)
	case l.Limit == 0:
		return ">" + FormatDuration(l.Least-time.Nanosecond)
	}
	return FormatDuration(l.Least) + ".." + FormatDuration(l.Limit)
}
