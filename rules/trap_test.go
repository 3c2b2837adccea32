package rules

import (
	"strings"
	"testing"

	"weir/rules/source"
)

// trapRules is a ruleset in which the tests of traps replace a part.
const trapRules = `rules:
  - id: trap
    title: TITLE
    on: [pay, login]
    key: card
    within: 1h
    pattern: a -> b
    define:
      a: CONDITION
      b: {type: pay, where: FLOW}
    message: MESSAGE
`

// trapped gives the ruleset with a text in one place.
func trapped(place, text string) string {
	plain := map[string]string{"TITLE": "A title", "CONDITION": "amount > 7", "FLOW": "amount > 9", "MESSAGE": "none"}
	plain[place] = text
	all := trapRules
	for p, t := range plain {
		all = strings.Replace(all, p, t, 1)
	}
	return all
}

// readAt gives what stands in a place of the rule as it was read.
func readAt(r *Rule, place string) string {
	switch place {
	case "TITLE":
		return r.Title
	case "CONDITION":
		return r.Names[0].Where.Value
	case "FLOW":
		return r.Names[1].Where.Value
	}
	return r.Message.Value
}

func check(text string) *Checked {
	return Check([]source.File{{Path: "r.yaml", Text: text}})
}

func errorsOf(c *Checked) (list []source.Diagnostic) {
	for _, d := range c.Findings {
		if d.Severity == source.Error {
			list = append(list, d)
		}
	}
	return list
}

// traps are texts that YAML reads as something else than they say, with what was
// meant.
var traps = []struct{ name, place, text, means string }{
	{"a tag", "CONDITION", "!blocked && amount > 1", "!blocked && amount > 1"},
	{"a tag alone", "CONDITION", "!blocked", "!blocked"},
	{"a tag with a blank", "CONDITION", "! blocked", "! blocked"},
	{"a tag of a group", "CONDITION", "!(amount > 1)", "!(amount > 1)"},
	{"a tag in braces", "FLOW", "!blocked && amount > 1", "!blocked && amount > 1"},
	{"a tag alone in braces", "FLOW", "!blocked", "!blocked"},
	{"a tag over two lines", "CONDITION", "!blocked\n        && amount > 1", "!blocked && amount > 1"},
	{"a tag with quotes in it", "CONDITION", "!blocked && note == 'it is  so'", "!blocked && note == 'it is  so'"},
	{"an alias", "TITLE", "*new*", "*new*"},
	{"an alias and more", "TITLE", "*new* cards", "*new* cards"},
	{"an anchor", "TITLE", "&co cards", "&co cards"},
	{"a percent sign first", "TITLE", "%50 of the cards", "%50 of the cards"},
	{"an at sign first", "TITLE", "@night payments", "@night payments"},
	{"a backtick first", "TITLE", "`night` payments", "`night` payments"},
	{"a brace first", "MESSAGE", "{card} paid", "{card} paid"},
	{"a brace first and last", "MESSAGE", "{card}", "{card}"},
	{"a bracket first", "CONDITION", "[1, 2] == list", "[1, 2] == list"},
	{"a bracket first in braces", "FLOW", "[1, 2] == list", "[1, 2] == list"},
	{"a quote first", "CONDITION", `"KP" == country`, `"KP" == country`},
	{"a single quote first", "CONDITION", `'KP' == country`, `'KP' == country`},
	{"a quote first in braces", "FLOW", `"KP" == country`, `"KP" == country`},
	{"a condition with ? :", "CONDITION", "amount > 1 ? true : false", "amount > 1 ? true : false"},
	{"a condition with ? : in braces", "FLOW", "amount > 1 ? true : false", "amount > 1 ? true : false"},
	{"a condition with ? : in two lines", "CONDITION", "amount > 1\n        ? true : false", "amount > 1 ? true : false"},
	{"a colon in a string", "CONDITION", `note == "a: b"`, `note == "a: b"`},
	{"a colon in a message", "MESSAGE", "card: {card}", "card: {card}"},
	{"a number sign in a string", "CONDITION", `note == "a # b"`, `note == "a # b"`},
	{"a number sign in a string behind more", "CONDITION", `note != 'it' && note == "a #b"`, `note != 'it' && note == "a #b"`},
	{"a number sign in a message", "MESSAGE", "card #{card} paid", "card #{card} paid"},
	{"a comma in a call in braces", "FLOW", "max(1, 2) < amount", "max(1, 2) < amount"},
	{"commas in a call in braces", "FLOW", "amount > max(1, min(2, 3), 4)", "amount > max(1, min(2, 3), 4)"},
	{"a list in braces", "FLOW", `country in ["KP", "IR"]`, `country in ["KP", "IR"]`},
}

// TestTraps: no text that YAML takes apart loads; the finding shows the text in
// quotes; and these, and the edit of the finding, mean what was meant.
func TestTraps(t *testing.T) {
	for _, tt := range traps {
		t.Run(tt.name, func(t *testing.T) {
			bad := trapped(tt.place, tt.text)
			found := errorsOf(check(bad))
			if len(found) == 0 {
				t.Fatal("it is taken for sound")
			}
			quoted := source.Quoted(tt.text)
			if !strings.HasSuffix(found[0].Hint, quoted) {
				t.Errorf("the hint is %q, want %s at its end", found[0].Hint, quoted)
			}
			if found[0].Fix == nil {
				t.Fatal("there is no fix")
			}
			for _, mended := range []string{trapped(tt.place, quoted), found[0].Fix.In(bad)} {
				c := check(mended)
				if left := errorsOf(c); len(left) > 0 {
					t.Fatalf("still wrong: %v in\n%s", left, mended)
				}
				if got := readAt(c.Rules[0], tt.place); got != tt.means {
					t.Errorf("it reads %q, want %q", got, tt.means)
				}
			}
		})
	}
}

// TestTrapsAsTheyAre: what YAML reads as it stands is not refused.
func TestTrapsAsTheyAre(t *testing.T) {
	for _, tt := range []struct{ place, text, means string }{
		{"CONDITION", "amount != 1 && !blocked", "amount != 1 && !blocked"},
		{"CONDITION", "(!blocked)", "(!blocked)"},
		{"CONDITION", "not blocked", "not blocked"},
		{"CONDITION", "true", "true"},
		{"CONDITION", "amount > 1   # small", "amount > 1"},
		{"CONDITION", "amount * 2 > 1 && amount % 2 == 1 && note != \"a#b\"", "amount * 2 > 1 && amount % 2 == 1 && note != \"a#b\""},
		{"CONDITION", `note == "a:b" && note != 'c'`, `note == "a:b" && note != 'c'`},
		{"CONDITION", "country in [\"KP\", \"IR\"]", "country in [\"KP\", \"IR\"]"},
		{"CONDITION", "amount > max(1, 2)", "amount > max(1, 2)"},
		{"CONDITION", "|\n        !blocked", "!blocked\n"},
		{"CONDITION", ">-\n        !blocked\n        && amount > 1 ? true : false", "!blocked && amount > 1 ? true : false"},
		{"FLOW", "amount > 1 && note != nil", "amount > 1 && note != nil"},
		{"FLOW", "true", "true"},
		{"TITLE", "yes", "yes"},
		{"TITLE", "no", "no"},
		{"TITLE", "on", "on"},
		{"TITLE", "0123", "0123"},
		{"TITLE", "1e3", "1e3"},
		{"TITLE", "2026-01-02", "2026-01-02"},
		{"TITLE", "~", "~"},
		{"TITLE", "5 > 3 & a*b @c %d", "5 > 3 & a*b @c %d"},
		{"MESSAGE", "on {card}", "on {card}"},
		{"MESSAGE", "70", "70"},
		{"MESSAGE", "true", "true"},
	} {
		c := check(trapped(tt.place, tt.text))
		if left := errorsOf(c); len(left) > 0 {
			t.Errorf("%s: %v", tt.text, left)
			continue
		}
		if got := readAt(c.Rules[0], tt.place); got != tt.means {
			t.Errorf("it reads %q, want %q", got, tt.means)
		}
	}
}

// TestTrapsOfStructure: YAML that says one thing twice, or something in another
// place than where it takes effect, is refused by name.
func TestTrapsOfStructure(t *testing.T) {
	for _, tt := range []struct{ name, old, new, want string }{
		{"an empty block", "CONDITION", "|", "`a` is an empty block; indent its text below the key"},
		{"an empty folded block", "MESSAGE", ">-", "`message` is an empty block; indent its text below the key"},
		{"a block whose text is not indented", "pattern: a -> b", "pattern: |\n    # a -> b", "`pattern` is an empty block; indent its text below the key"},
		{"a key twice", "    within: 1h\n", "    within: 1h\n    within: 2h\n", "the key `within` stands twice; the first is in line 6; remove one"},
		{"a key twice, once in quotes", "    within: 1h\n", "    within: 1h\n    \"within\": 2h\n", "the key `within` stands twice"},
		{"a key twice in braces", "where: FLOW", "where: FLOW, where: true", "the key `where` stands twice"},
		{"a second document", "rules:\n", "params: {x: 1}\n---\nrules:\n", "a second document begins here; remove the `---`"},
		{"an anchor on a list", "on: [pay, login]", "on: &types [pay, login]", "`&` begins an anchor, which YAML takes out of the text; remove it"},
		{"an alias of a value", "card\n    within: 1h", "&c card\n    within: *c", "`*` begins an alias"},
		{"a merge key", "    within: 1h\n", "    <<: {within: 1h}\n", "merge keys are not allowed; write the entries out"},
		{"a tag on a mapping", "b: {type", "b: !def {type", "`!` begins a tag, which YAML takes out of the text; remove it"},
		{"a tag of YAML", "1h", "!!str 1h", "`!` begins a tag"},
		{"nothing behind a comma", "where: FLOW", "where: FLOW, other", "quote the text before it if it holds a comma"},
		{"nothing behind a known key in braces", "{type: pay, where: FLOW}", "{type: pay, where}", "quote the text if it holds a comma or bracket"},
		{"a name alone in braces", "b: {type: pay, where: FLOW}", "b: {pay}", "quote the text before it if it holds a comma"},
		{"a comma in a condition in braces", "where: FLOW", "where: amount > 1, amount < 5", "quote the text before it if it holds a comma"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := trapRules
			if !strings.Contains(text, tt.old) {
				t.Fatalf("%q does not stand in the rules", tt.old)
			}
			text = strings.Replace(text, tt.old, tt.new, 1)
			for place, plain := range map[string]string{"TITLE": "A title", "CONDITION": "amount > 7", "FLOW": "amount > 9", "MESSAGE": "none"} {
				text = strings.Replace(text, place, plain, 1)
			}
			found := errorsOf(check(text))
			if len(found) == 0 {
				t.Fatal("it is taken for sound")
			}
			if got := source.Errors(found).Error(); !strings.Contains(got, tt.want) {
				t.Errorf("found %s, want %q", got, tt.want)
			}
		})
	}
}

// TestEmbedding puts expressions and texts in places as they are: each loads as
// it stands, or is refused.
func TestEmbedding(t *testing.T) {
	heads := []string{"", "!", "*", "&", "%", "@", "`", "|", ">", "- ", "? ", "?", "-", ": ", "\"", "'", "[", "{", "#", " #", "(", ",", "<<", "~", "null", "=", "!!", "%YAML"}
	bodies := []string{"x > 1", "x == \"a\"", "x == 'it''s'", "x ? y : z", "x in [1, 2]", "max(x, 1) > 0", "{x}", "x # y", "x: y", "x, y", "x]", "x}", "x\" > \"y", "x\t>  1", "\"x\"", "true", "1_000", "x \\ y", "x--- y"}
	for _, head := range heads {
		for _, body := range bodies {
			for _, place := range []string{"TITLE", "CONDITION", "FLOW", "MESSAGE"} {
				text := head + body
				c := check(trapped(place, text))
				if len(errorsOf(c)) > 0 {
					continue
				}
				got, want := readAt(c.Rules[0], place), text
				if strings.Contains(text, " #") { // a comment, if what stands before it is whole
					want, _, _ = strings.Cut(text, " #")
				}
				if q := text[:1]; (q == "\"" || q == "'") && len(text) > 1 && strings.HasSuffix(text, q) {
					want = strings.ReplaceAll(text[1:len(text)-1], "''", "'") // quoted, as it was meant
				}
				if got != strings.TrimSpace(want) {
					t.Errorf("in place of %s, %q is read as %q", place, text, got)
				}
			}
		}
	}
}
