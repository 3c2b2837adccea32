package rules

import (
	"strings"
	"testing"

	"weir/rules/source"
)

// TestComments checks that a comment never takes a part of an expression away that
// stands on a line of its own.
func TestComments(t *testing.T) {
	const swallowed = "the comment takes in the lines after it"
	tests := []struct {
		name, where string
		wrong       bool
	}{
		{"folded block", ">\n      amount > 1 // large\n      && country == \"KP\"\n", true},
		{"folded block, stripped", ">-\n      amount > 1 // é\n      && country == \"KP\"\n", true},
		{"folded block with an empty line", ">-\n      amount > 1 // é\n\n      && country == \"KP\"\n", false},
		{"plain text", "amount > 1 // large\n      && country == \"KP\"\n", true},
		{"double quotes", "\"amount > 1 // large\n      && country == 'KP'\"\n", true},
		{"single quotes", "'amount > 1 // large\n      && country == \"KP\"'\n", true},
		{"in brackets", ">\n      amount > 1 && (country == \"KP\" // large\n      || country == \"IR\")\n", true},
		{"behind a comment", ">\n      amount > 1 // large\n      // very\n      && country == \"KP\"\n", true},
		{"literal block", "|\n      amount > 1 // large\n      && country == \"KP\"\n", false},
		{"folded block that keeps its lines", ">\n      amount > 1 // large\n        && country == \"KP\"\n", false},
		{"comments alone", ">\n      amount > 1 // large\n      // very\n", false},
		{"an escaped break", "\"amount > 1 // large\\n && country == 'KP'\"\n", false},
		{"at the end", ">\n      amount > 1\n      && country == \"KP\" // that is all\n", false},
		{"in a string", ">\n      amount > 1 && country != \"http://x\"\n      && country == 'KP'\n", false},
	}
	for _, tt := range tests {
		for _, lang := range []string{"expr", "cel"} {
			text := "events:\n  pay:\n    fields: {card: string, amount: number, country: string}\nrules:\n  - id: r\n    on: pay\n    key: card\n" +
				"    within: 1h\n    pattern: a\n    lang: " + lang + "\n    define: {a: }\n    where: " + tt.where
			found := checkText(strings.Replace(text, "define: {a: }", "define: {a: amount > 0}", 1))
			wrong := false
			for _, d := range found {
				if d.Severity == source.Error && !strings.Contains(d.Msg, swallowed) {
					t.Errorf("%s, %s: %s", tt.name, lang, d)
				}
				wrong = wrong || strings.Contains(d.Msg, swallowed)
				if at := under(text, d); strings.Contains(d.Msg, swallowed) && !strings.HasPrefix(at, "// ") {
					t.Errorf("%s, %s: the finding is at %q", tt.name, lang, at)
				}
			}
			if wrong != tt.wrong {
				t.Errorf("%s, %s: %v", tt.name, lang, found)
			}
		}
	}
}

// TestCommentsOfAllPlaces checks the same wherever an expression stands.
func TestCommentsOfAllPlaces(t *testing.T) {
	for _, place := range []string{"where", "unless", "having", "score", "define:\n      a", "define:\n      a:\n        type: pay\n        where", "measures:\n      m"} {
		indent := strings.Repeat(" ", 2+len(place)-len(strings.TrimLeft(place[strings.LastIndexByte(place, '\n')+1:], " ")))
		text := "events:\n  pay:\n    fields: {card: string, amount: number}\nrules:\n  - id: r\n    on: pay\n    key: card\n    within: 1h\n    pattern: a\n"
		if !strings.HasPrefix(place, "define") {
			text += "    define: {a: event.amount > 0}\n"
		}
		expression := "1 == 1 // one\n" + indent + "          && 2 == 3\n"
		if place == "score" {
			expression = "1 // one\n" + indent + "          + 2\n"
		}
		text += "    " + place + ": " + expression
		if found := checkText(text); len(found) == 0 || !strings.Contains(found[0].Msg, "the comment takes in") {
			t.Errorf("%s: %v\n%s", place, found, text)
		}
	}
}

// TestFaultsAroundComments checks that all faults of an expression are found where
// there are comments, and all of a message where there are strings.
func TestFaultsAroundComments(t *testing.T) {
	text := `events:
  pay:
    fields: {card: string, amount: number, country: string}
rules:
  - id: r
    on: pay
    key: card
    lang: cel
    within: 1h
    pattern: a
    define:
      a: |
        // the first: it's && new
        amuont > 1 && // é
        country != "http://x" &&
        amount > 1 // fine
          || contry == "KP" // the last
    message: '{"}" + crd} http://x {card} {a.amount.maen()} {r"\{"} {nil}'
`
	var got []string
	for _, d := range checkText(text) {
		if d.Severity == source.Error {
			got = append(got, under(text, d))
		}
	}
	if want := "amuont contry crd maen nil"; strings.Join(got, " ") != want {
		t.Errorf("faults at %q, want %s", got, want)
	}
}
