package nfa

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// letter is an element of a pattern that was written out: no parentheses, no
// choice.
type letter struct {
	name        string
	not         bool
	greedy      bool
	maybeBefore bool // an element that may be left out begins with it
	maybeAfter  bool // an element that may be left out ends with it
	maybe       bool // it stands in an element that may be left out
}

// draft is a part of a pattern whose neighbours may be wrong: its text, the rows
// of letters that it stands for, and whether something in it is wrong already.
type draft struct {
	text  string
	rows  [][]letter
	wrong bool
}

func draftSequence(t *rapid.T, depth int, choices bool) draft {
	d := draftElement(t, depth, choices)
	for range rapid.IntRange(0, 3).Draw(t, "more") {
		var next draft
		if rapid.IntRange(0, 3).Draw(t, "negation") == 0 {
			name := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "name")
			next = draft{text: "!" + name, rows: [][]letter{{{name: name, not: true}}}}
		} else {
			next = draftElement(t, depth, choices)
		}
		joined := draft{text: d.text + " -> " + next.text, wrong: d.wrong || next.wrong}
		for _, a := range d.rows {
			for _, b := range next.rows {
				joined.rows = append(joined.rows, append(append([]letter{}, a...), b...))
			}
		}
		d = joined
	}
	return d
}

func draftElement(t *rapid.T, depth int, choices bool) draft {
	if depth == 0 || rapid.IntRange(0, 2).Draw(t, "group") > 0 {
		l := letter{name: rapid.SampledFrom(strings.Split("abcdefghijklmnop", "")).Draw(t, "name")}
		quantity := rapid.SampledFrom([]string{"", "", "", "?", "*", "+", "{2}", "{,3}", "++", "*+", "{2,3}+"}).Draw(t, "quantity")
		l.greedy = len(quantity) > 1 && strings.HasSuffix(quantity, "+")
		l.maybe = strings.ContainsAny(quantity, "?*") || quantity == "{,3}"
		l.maybeBefore, l.maybeAfter = l.maybe, l.maybe
		return draft{text: l.name + quantity, rows: [][]letter{{l}}}
	}
	repeats := rapid.IntRange(0, 2).Draw(t, "repeats") == 0
	first := draftGroup(t, depth-1, choices && !repeats)
	d := draft{text: "(" + first.text + ")", rows: first.rows, wrong: first.wrong}
	optional := rapid.Bool().Draw(t, "optional")
	if repeats {
		for _, row := range d.rows {
			d.wrong = d.wrong || allMaybe(row)
		}
		d.text += map[bool]string{true: "*", false: "{2}"}[optional]
	} else if optional {
		d.text += "?"
	}
	if optional {
		for _, row := range d.rows {
			row[0].maybeBefore = true
			row[len(row)-1].maybeAfter = true
			for i := range row {
				row[i].maybe = true
			}
		}
	}
	return d
}

// draftGroup drafts what stands in parentheses: two elements at least, so that
// they are a group.
func draftGroup(t *rapid.T, depth int, choices bool) draft {
	if !choices || rapid.Bool().Draw(t, "sequence") {
		head := draftElement(t, 0, false)
		rest := draftSequence(t, depth, choices)
		d := draft{text: head.text + " -> " + rest.text, wrong: rest.wrong}
		for _, row := range rest.rows {
			d.rows = append(d.rows, append(append([]letter{}, head.rows[0]...), row...))
		}
		return d
	}
	a, b := draftSequence(t, depth, true), draftSequence(t, depth, true)
	return draft{text: a.text + " | " + b.text, rows: append(a.rows, b.rows...), wrong: a.wrong || b.wrong}
}

func allMaybe(row []letter) bool {
	for _, l := range row {
		if !l.not && !l.maybe {
			return false
		}
	}
	return true
}

// wrongRow says whether neighbours in a row of letters may not stand so, or a
// variable stands twice.
func wrongRow(row []letter) bool {
	seen := map[string]bool{}
	for i, l := range row {
		if !l.not && seen[l.name] {
			return true
		}
		seen[l.name] = !l.not
		if i == 0 {
			continue
		}
		before := row[i-1]
		if l.not && before.maybeAfter || !l.not && l.maybeBefore && before.greedy {
			return true
		}
	}
	return false
}

// TestNeighbours: the checks on the tree agree with the rules as they read on the
// pattern written out, without parentheses and choices.
func TestNeighbours(t *testing.T) {
	var right, wrong int
	rapid.Check(t, func(t *rapid.T) {
		d := draftSequence(t, 3, true)
		if len(d.rows) > 2000 {
			return
		}
		want := d.wrong
		for _, row := range d.rows {
			want = want || wrongRow(row)
		}
		_, err := Parse(d.text, nil)
		if (err != nil) != want {
			t.Fatalf("%q: wrong is %t, the error is %v", d.text, want, err)
		}
		if want {
			wrong++
		} else {
			right++
		}
	})
	if right == 0 || wrong == 0 {
		t.Fatalf("%d right and %d wrong patterns say little", right, wrong)
	}
}
