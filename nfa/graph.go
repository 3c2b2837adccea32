package nfa

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Start is the Arrow.From of the ways into a pattern.
const Start = -2

// Arrow is a way from one place of a program to the next, for people to read.
type Arrow struct {
	From, To int      // indexes of Program.Places; From may be Start, To may be End
	Loop     bool     // it is a further round
	Link     string   // like `-[<5m]->`; empty where a match begins or ends
	Notes    []string // what else must be so, in words
}

// Arrows returns all ways of the program: those in, then place by place those to
// the end of a match and those to the next event.
func (p *Program) Arrows() []Arrow {
	r := reader{Program: p, heads: make([][]string, p.registers), single: make([]bool, p.registers)}
	r.findHeads()
	var arrows []Arrow
	for i := range p.starts {
		a := r.arrow(Start, &p.starts[i])
		a.Link = ""
		arrows = append(arrows, a)
	}
	for i := range p.places {
		pl := &p.places[i]
		for _, asked := range pl.ends {
			arrows = append(arrows, Arrow{From: i, To: End, Notes: r.counts(asked)})
		}
		for k := range pl.edges {
			arrows = append(arrows, r.arrow(i, &pl.edges[k]))
		}
	}
	return arrows
}

// reader puts the edges of a program in words.
type reader struct {
	*Program
	heads  [][]string // by register: the names that a round it counts or times begins with
	single []bool     // by register: it counts the events of one variable
}

// findHeads looks for the places that set a register.
func (r *reader) findHeads() {
	for i := range r.single {
		r.single[i] = true
	}
	see := func(from int32, e *edge) {
		for _, s := range e.sets {
			r.heads[s.register] = addName(r.heads[s.register], r.Names[r.places[e.to].name].Text)
			if s.op == setMore && from != e.to {
				r.single[s.register] = false
			}
		}
	}
	for i := range r.starts {
		see(end, &r.starts[i])
	}
	for i := range r.places {
		for k := range r.places[i].edges {
			see(int32(i), &r.places[i].edges[k])
		}
	}
}

func addName(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}

func (r *reader) arrow(from int, e *edge) Arrow {
	a := Arrow{From: from, To: int(e.to), Loop: e.to != end && int(e.to) <= from, Notes: r.counts(e.rounds)}
	if e.to == end {
		a.To = End
		for i := range e.nots {
			a.Notes = append(a.Notes, r.closing(&e.nots[i], e.next))
		}
		return a
	}
	a.Link = linkText(e.kind, e.least, e.limit)
	for i := range e.nots {
		a.Notes = append(a.Notes, r.not(&e.nots[i]))
	}
	for _, g := range e.greedy {
		note := "greedy: no " + r.cond(g.cond)
		if g.until >= 0 {
			note += " until " + r.cond(g.until)
		}
		a.Notes = append(a.Notes, note)
	}
	for _, c := range e.kills {
		a.Notes = append(a.Notes, "until "+r.cond(c))
	}
	for _, w := range e.windows {
		a.Notes = append(a.Notes, "less than "+r.since(w))
	}
	return a
}

func (r *reader) cond(c Cond) string { return r.Names[c].Text }

// counts says how many rounds there must have been.
func (r *reader) counts(asked []rounds) []string {
	var notes []string
	for _, n := range asked {
		what := strings.Join(r.heads[n.register], " or ")
		switch {
		case r.single[n.register]:
		case n.most == 1:
			what = "round from " + what
		default:
			what = "rounds from " + what
		}
		if n.most < 0 {
			notes = append(notes, fmt.Sprintf("after %d or more %s", n.least, what))
		} else {
			notes = append(notes, fmt.Sprintf("after at most %d %s", n.most, what))
		}
	}
	return notes
}

// not puts a negation on the way to an event in words.
func (r *reader) not(n *not) string {
	note := "no " + r.cond(n.cond)
	if n.next {
		note = "next is not " + r.cond(n.cond)
	}
	if b := formatBound(Link{Least: time.Duration(n.least), Limit: time.Duration(n.limit)}); b != "" {
		note += " [" + b + "]"
	}
	for _, c := range r.counts(n.once) {
		note += " " + c
	}
	return note
}

// closing puts a negation at the end of the pattern in words; next is whether one
// of those there is decided by the next event.
func (r *reader) closing(n *not, next bool) string {
	var ends []string
	if n.limit > 0 {
		ends = append(ends, FormatDuration(time.Duration(n.limit))+" later")
	}
	for _, w := range n.windows {
		ends = append(ends, r.since(w))
	}
	if r.within > 0 {
		ends = append(ends, FormatDuration(time.Duration(r.within))+" after the start")
	}
	until := strings.Join(ends, " or ")
	switch {
	case until == "" || next && !n.next:
		return r.not(n)
	case n.next:
		return r.not(n) + ", before " + until
	case n.limit == 0:
		return r.not(n) + " until " + until
	case n.least > 0:
		return "no " + r.cond(n.cond) + " from " + FormatDuration(time.Duration(n.least)) + " later until " + until
	}
	return "no " + r.cond(n.cond) + " until " + until
}

// since puts a window in words.
func (r *reader) since(w window) string {
	return FormatDuration(time.Duration(w.span)) + " after the first " + strings.Join(r.heads[w.register], " or ")
}

// Drawing is a program to be drawn as a graph.
type Drawing struct {
	Title   string
	Program *Program
	Notes   []string // by Program.Names: what stands below the name; nil: nothing
}

// label gives the lines of a place.
func (d *Drawing) label(pl *Place) []string {
	lines := []string{d.Program.Names[pl.Name].Text}
	if d.Notes != nil && d.Notes[pl.Name] != "" {
		lines = append(lines, d.Notes[pl.Name])
	}
	for _, c := range pl.Untils {
		lines = append(lines, "not "+d.Program.Names[c].Text)
	}
	return lines
}

// label gives the lines of an arrow.
func (a *Arrow) label() []string {
	if a.Link == "" {
		return a.Notes
	}
	return append([]string{a.Link}, a.Notes...)
}

// DOT draws programs in the language of Graphviz, as one graph with a cluster for
// each.
func DOT(drawings []Drawing) string {
	var b strings.Builder
	b.WriteString("digraph rules {\n\trankdir=LR\n\tfontname=\"sans-serif\"\n\tnode [shape=box style=rounded fontname=\"sans-serif\"]\n\tedge [fontname=\"sans-serif\" fontsize=10]\n")
	for i := range drawings {
		d := &drawings[i]
		id := func(place int) string {
			switch place {
			case Start:
				return fmt.Sprintf("r%d_start", i)
			case End:
				return fmt.Sprintf("r%d_match", i)
			}
			return fmt.Sprintf("r%d_%d", i, place)
		}
		fmt.Fprintf(&b, "\tsubgraph cluster_%d {\n\t\tlabel=%s\n", i, dotText([]string{d.Title}))
		fmt.Fprintf(&b, "\t\t%s [label=\"start\" shape=circle]\n", id(Start))
		places := d.Program.Places()
		for k := range places {
			fmt.Fprintf(&b, "\t\t%s [label=%s]\n", id(k), dotText(d.label(&places[k])))
		}
		fmt.Fprintf(&b, "\t\t%s [label=\"match\" shape=doublecircle]\n", id(End))
		for _, a := range d.Program.Arrows() {
			fmt.Fprintf(&b, "\t\t%s -> %s", id(a.From), id(a.To))
			if lines := a.label(); len(lines) > 0 {
				fmt.Fprintf(&b, " [label=%s]", dotText(lines))
			}
			b.WriteString("\n")
		}
		b.WriteString("\t}\n")
	}
	b.WriteString("}\n")
	return b.String()
}

var dotEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ")

// dotText writes lines as a quoted string of DOT.
func dotText(lines []string) string {
	escaped := make([]string, len(lines))
	for i, line := range lines {
		escaped[i] = dotEscapes.Replace(line)
	}
	return `"` + strings.Join(escaped, `\n`) + `"`
}

// Mermaid draws a program as a flowchart in the language of Mermaid.
func Mermaid(d Drawing) string {
	var b strings.Builder
	fmt.Fprintf(&b, "---\ntitle: %s\n---\nflowchart LR\n\tstart((start))\n", strconv.Quote(d.Title))
	id := func(place int) string {
		switch place {
		case Start:
			return "start"
		case End:
			return "match"
		}
		return "p" + strconv.Itoa(place)
	}
	places := d.Program.Places()
	for k := range places {
		fmt.Fprintf(&b, "\t%s[%s]\n", id(k), mermaidText(d.label(&places[k])))
	}
	b.WriteString("\tmatch(((match)))\n")
	for _, a := range d.Program.Arrows() {
		if lines := a.label(); len(lines) > 0 {
			fmt.Fprintf(&b, "\t%s -->|%s| %s\n", id(a.From), mermaidText(lines), id(a.To))
		} else {
			fmt.Fprintf(&b, "\t%s --> %s\n", id(a.From), id(a.To))
		}
	}
	return b.String()
}

// mermaidEscapes are the characters that mean something to Mermaid inside quotes,
// or to the browser that draws it.
var mermaidEscapes = strings.NewReplacer(
	"&", "#amp;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "#", "#35;", "|", "#124;", "`", "#96;", `\`, "#92;", ";", "#59;", "%", "#37;", "\n", " ",
)

// mermaidText writes lines as a quoted string of Mermaid.
func mermaidText(lines []string) string {
	escaped := make([]string, len(lines))
	for i, line := range lines {
		escaped[i] = mermaidEscapes.Replace(line)
	}
	return `"` + strings.Join(escaped, "<br>") + `"`
}
