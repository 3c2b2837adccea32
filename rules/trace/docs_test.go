package trace

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"weir/nfa"
)

// The section on `weir trace` names all that its JSON can say.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/tools.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## weir trace\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var names []string
	for _, of := range []any{Statement{}, Verdict{}, Sightings{}, AlertRef{}, Capture{}, Run{}, Part{}, Value{}, Seen{}, Field{}, Reading{}} {
		typ := reflect.TypeOf(of)
		for i := range typ.NumField() {
			if name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ","); name != "" {
				names = append(names, name)
			}
		}
	}
	for why := nfa.Unfit; why <= nfa.Repeated; why++ {
		if why != nfa.WentOn { // of which nothing is told
			names = append(names, why.String())
		}
	}
	for b := nfa.WithinBound; b <= nfa.RoundBound; b++ {
		names = append(names, b.String())
	}
	for _, file := range []string{"statement.go", "verdict.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^\t\w+ +(?:Do|Cause) += "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
			names = append(names, m[1])
		}
	}
	if len(names) < 120 {
		t.Errorf("only %d names", len(names))
	}
	for _, name := range names {
		if !strings.Contains(section, "`"+name+"`") {
			t.Errorf("docs/tools.md says nothing of %s", name)
		}
	}
}
