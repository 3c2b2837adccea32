package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"weir/nfa"
	"weir/rules"
)

// viewer are the flags that show what rules are compiled to.
type viewer struct {
	Program  bool      `help:"Write what the rules are compiled to: the places that capture events and what may follow each. Findings go to stderr."`
	Graph    graphForm `placeholder:"dot|mermaid" help:"Draw that as a graph, for Graphviz (dot) or as Markdown with Mermaid (mermaid). Findings go to stderr."`
	Features bool      `help:"Write what features keep of each key, and how much memory that takes. Findings go to stderr."`
	Rule     ruleID    `placeholder:"ID" help:"With --program, --graph or --features: only the rule with this id, or the features that it reads."`
}

// graphForm is a flag that names a language of graphs.
type graphForm string

// Decode reads the flag.
func (g *graphForm) Decode(ctx *kong.DecodeContext) error {
	text, err := flagValue(ctx, "dot or mermaid")
	if err != nil {
		return err
	}
	if text != "dot" && text != "mermaid" {
		return fmt.Errorf("it needs dot or mermaid, not %q", text)
	}
	*g = graphForm(text)
	return nil
}

// on says whether there is anything to show.
func (v *viewer) on() bool { return v.Program || v.Graph != "" || v.Features }

// validate refuses flags that have no effect or contradict each other.
func (v *viewer) validate(json bool) error {
	switch {
	case v.Program && v.Graph != "":
		return errors.New("--program and --graph do not go together")
	case v.Features && (v.Program || v.Graph != ""):
		return errors.New("--features does not go with --program or --graph")
	case v.Rule != "" && !v.on():
		return errors.New("--rule goes with --program, --graph or --features")
	case json && v.Features:
		return errors.New("--json writes features too; it does not go with --features")
	case json && v.on():
		return errors.New("--json writes findings; it does not go with --program or --graph")
	}
	return nil
}

// write shows what the rules that are chosen are compiled to, or what features keep.
func (v *viewer) write(w io.Writer, checked *rules.Checked) error {
	chosen, err := v.Rule.of(checked.Rules)
	if err != nil {
		return err
	}
	if v.Features {
		features := checked.Features
		if v.Rule != "" {
			features = chosen[0].Features
		}
		_, err = io.WriteString(w, featureTable(features))
		return err
	}
	text := ""
	switch v.Graph {
	case "dot":
		for _, r := range undrawn(chosen) {
			text += "// " + nothingToDraw(r) + "\n"
		}
		text += nfa.DOT(drawings(chosen))
	case "mermaid":
		for _, r := range undrawn(chosen) {
			text += nothingToDraw(r) + "\n\n"
		}
		for _, d := range drawings(chosen) {
			text += "```mermaid\n" + nfa.Mermaid(d) + "```\n"
		}
	default:
		text = programs(chosen)
	}
	_, err = io.WriteString(w, text)
	return err
}

// longestNote is how many characters of a condition stand in a node of a graph.
const longestNote = 60

func drawings(chosen []*rules.Rule) []nfa.Drawing {
	var all []nfa.Drawing
	for _, r := range chosen {
		if r.Program == nil {
			continue
		}
		d := nfa.Drawing{Title: r.ID, Program: r.Program}
		for i := range r.Names {
			note := definitionText(&r.Names[i])
			if utf8.RuneCountInString(note) > longestNote {
				note = string([]rune(note)[:longestNote-1]) + "…"
			}
			d.Notes = append(d.Notes, note)
		}
		all = append(all, d)
	}
	return all
}

// undrawn gives the rules that have no program.
func undrawn(chosen []*rules.Rule) []*rules.Rule {
	return slices.DeleteFunc(slices.Clone(chosen), func(r *rules.Rule) bool { return r.Program != nil })
}

// nothingToDraw says why a rule has no program.
func nothingToDraw(r *rules.Rule) string {
	return fmt.Sprintf("%s: nothing to draw, it matches when a window of %s ends", r.ID, r.WindowClose.Name)
}

// definitionText is the definition of a name in one line: its event types and its
// condition as it was written.
func definitionText(d *rules.Definition) string {
	text := strings.Join(d.Types, " | ")
	if d.Where == nil {
		return text
	}
	if text != "" {
		text += ": "
	}
	return text + oneLine(d.Where)
}

// oneLine is an expression as it was written, in one line.
func oneLine(e *rules.Expression) string { return oneLineText(e.Value) }

func oneLineText(text string) string { return visible(strings.Join(strings.Fields(text), " ")) }

// programs lists what rules are compiled to.
func programs(chosen []*rules.Rule) string {
	var b strings.Builder
	for _, r := range chosen {
		writeProgram(&b, r)
		b.WriteByte('\n')
	}
	b.WriteString(programLegend)
	return b.String()
}

const programLegend = `How to read it: a number is a place that captures an event; below it stand the ways on.
  ->  the first event that fits   ,  the very next event   ->>  any event that fits
  [<5m]  less than 5 minutes after the event captured before; [>5m] more; [1m..5m] between
  round  the loop goes on   match  the match is complete
`

func writeProgram(b *strings.Builder, r *rules.Rule) {
	line := func(name, text string) { fmt.Fprintf(b, "%-9s %s\n", name, text) }
	line("rule", r.ID)
	switch {
	case r.WindowClose != nil:
		line("window_close", r.WindowClose.Name)
	case r.When == nil:
		line("pattern", r.Pattern.String())
	}
	on := "*"
	if r.On != nil {
		on = strings.Join(r.On, ", ")
	}
	line("on", on)
	if r.Where != nil {
		line("where", oneLine(r.Where))
	}
	line("key", strings.Join(r.Key.Names, ", "))
	for i, f := range r.KeyFields {
		line("", f+" of "+r.Pattern.Names()[i].Text)
	}
	switch {
	case r.WindowClose != nil:
		for _, t := range r.WindowClose.ByType {
			line("", t.Field+" of "+t.Type)
		}
	case r.When != nil:
		line("when", oneLine(r.When))
	default:
		writeDefinitions(line, r)
	}
	if r.Unless != nil {
		line("unless", oneLine(r.Unless))
	}
	if r.Having != nil {
		line("having", oneLine(r.Having))
	}
	if r.Program == nil {
		line("program", "none: time brings the matches")
		return
	}
	if r.When == nil {
		listing := r.Program.String()
		line("options", listing[:strings.IndexByte(listing, '\n')])
	}
	if n := r.Program.Patterns(); n > 1 {
		line("", fmt.Sprintf("%d patterns without | and &", n))
	}
	writeArrows(b, r.Program)
}

// writeDefinitions lists what the names of the pattern are.
func writeDefinitions(line func(name, text string), r *rules.Rule) {
	widest := 0
	for _, n := range r.Pattern.Names() {
		widest = max(widest, len(n.Text))
	}
	head := "define"
	for i, n := range r.Pattern.Names() {
		line(head, fmt.Sprintf("%-*s  %s", widest, n.Text, definitionText(&r.Names[i])))
		head = ""
	}
}

// writeArrows lists the places of a program and the ways on from each.
func writeArrows(b *strings.Builder, p *nfa.Program) {
	places := p.Places()
	name := func(i int) string { return fmt.Sprintf("%d %s", i, p.Names[places[i].Name].Text) }
	from := nfa.Start - 1
	for _, a := range p.Arrows() {
		if a.From != from {
			from = a.From
			writePlace(b, p, places, from)
		}
		to := "match"
		if a.To != nfa.End {
			to = name(a.To)
		}
		way := strings.TrimSpace(a.Link + " " + to)
		if a.Loop {
			way += ", round"
		}
		if len(a.Notes) > 0 {
			way += "  (" + strings.Join(a.Notes, "; ") + ")"
		}
		fmt.Fprintf(b, "    %s\n", way)
	}
}

func writePlace(b *strings.Builder, p *nfa.Program, places []nfa.Place, from int) {
	if from == nfa.Start {
		b.WriteString("  start\n")
		return
	}
	fmt.Fprintf(b, "  %d %s", from, p.Names[places[from].Name].Text)
	for _, c := range places[from].Untils {
		b.WriteString(", not " + p.Names[c].Text)
	}
	b.WriteByte('\n')
}
