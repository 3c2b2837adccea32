package conformance

import (
	"regexp"
	"strings"
	"testing"
)

// sqlElement is a variable of MATCH_RECOGNIZE with its quantifier; a `?` behind
// the quantifier makes it reluctant.
var sqlElement = regexp.MustCompile(`^([^{+*?\s]+)(?:(\{\d+,\d*\}|\{\d+\}|[+*])(\??)|(\?))?$`)

// fromSQL writes the PATTERN clause of MATCH_RECOGNIZE as rule text: neighbours
// are adjacent, rounds too, and what repeats is greedy unless it is reluctant.
func fromSQL(t *testing.T, clause string) string {
	t.Helper()
	var elements []string
	for _, text := range strings.Fields(clause) {
		m := sqlElement.FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("%q is no element of a PATTERN clause", text)
		}
		name, quantifier, reluctant, optional := word(m[1]), m[2], m[3] != "", m[4]
		switch {
		case quantifier == "":
			elements = append(elements, name+optional)
			continue
		case reluctant || !strings.ContainsAny(quantifier, ",+*"):
			elements = append(elements, "("+name+",)"+quantifier)
		default:
			elements = append(elements, "("+name+",)"+quantifier+"+")
		}
	}
	return strings.Join(elements, ", ")
}

func TestSQLPattern(t *testing.T) {
	type sql struct {
		ID      string
		Clause  string `json:"sql_pattern"`
		Pattern pattern
	}
	for _, c := range load[sql](t, "testdata/sql_pattern.json") {
		t.Run(c.ID, func(t *testing.T) {
			clause, _, _ := strings.Cut(c.Clause, ";")
			text, _ := c.Pattern.text(true)
			if got := fromSQL(t, clause); got != text {
				t.Errorf("%s: got %s, want %s", clause, got, text)
			}
			for _, short := range []bool{false, true} {
				compile(t, c.Pattern.rule([]string{keyField}, "*", false, short))
			}
		})
	}
}
