package rulesets

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"weir/rules/ruletest"
	"weir/rules/source"
)

// survivorsFile lists the mutants that no test kills, each with the reason.
const survivorsFile = "testdata/survivors.txt"

// leastKilled is the share of mutants that tests have to kill.
const leastKilled = 0.95

// TestMutants changes the shipped rules, one thing at a time, and runs the tests of
// their folder: a change that none of them notices is one that nobody would.
// Survivors are listed with a reason; a new one needs a test or a reason.
//
//	go test ./rulesets -run TestMutants -v
//	go test ./rulesets -run TestMutants -rewrite
func TestMutants(t *testing.T) {
	reasons := readSurvivors(t)
	var list []string
	killedOfAll, all := 0, 0
	for _, folder := range folders {
		killed, survivors := runMutants(t, folder)
		n := killed + len(survivors)
		t.Logf("%-20s %3d of %3d mutants killed", folder, killed, n)
		if float64(killed) < leastKilled*float64(n) {
			t.Errorf("%s: %d of %d mutants killed, less than %g %%", folder, killed, n, 100*leastKilled)
		}
		killedOfAll, all = killedOfAll+killed, all+n
		list = append(list, survivors...)
	}
	t.Logf("%-20s %3d of %3d mutants killed", "all", killedOfAll, all)
	if *rewrite {
		writeSurvivors(t, list, reasons)
		return
	}
	for _, s := range list {
		if reasons[s] == "" {
			t.Errorf("no test kills the mutant\n\t%s\nwrite one, or give the reason why none can in %s (-rewrite adds the line)", s, survivorsFile)
		}
		delete(reasons, s)
	}
	for s := range reasons {
		t.Errorf("%s lists a mutant that does not survive: %s", survivorsFile, s)
	}
}

// runMutants runs the tests of a folder against each mutant of its rules.
func runMutants(t *testing.T, folder string) (killed int, survivors []string) {
	suite, err := ruletest.Load([]string{folder})
	if err != nil {
		t.Fatal(err)
	}
	files, err := source.Read(suite.Rules)
	if err != nil {
		t.Fatal(err)
	}
	if failed(suite, ruletest.NewSubject(files)) {
		t.Fatalf("%s: its tests fail without a change", folder)
	}
	for i, file := range files {
		for _, m := range mutations(t, file.Text) {
			changed := slices.Clone(files)
			changed[i].Text = m.text
			subject := ruletest.NewSubject(changed)
			if source.ErrorsIn(subject.Findings()) != nil {
				continue // the change made no rule
			}
			if failed(suite, subject) {
				killed++
			} else {
				survivors = append(survivors, folder+": "+m.what)
			}
		}
	}
	return killed, survivors
}

// failed says whether a test fails.
func failed(suite *ruletest.Suite, subject *ruletest.Subject) bool {
	return slices.ContainsFunc(suite.Run(subject), func(r ruletest.Result) bool { return !r.Passed() })
}

// readSurvivors reads the list: a mutant and, after ` # `, the reason.
func readSurvivors(t *testing.T) map[string]string {
	text, err := os.ReadFile(survivorsFile)
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for line := range strings.Lines(string(text)) {
		what, reason, _ := strings.Cut(strings.TrimSpace(line), " # ")
		if what != "" && what[0] != '#' {
			reasons[what] = reason
		}
	}
	return reasons
}

func writeSurvivors(t *testing.T, list []string, reasons map[string]string) {
	var out strings.Builder
	fmt.Fprintln(&out, "# Changes of the shipped rules that no test can tell from the rule, and why.")
	for _, s := range list {
		fmt.Fprintf(&out, "%s # %s\n", s, reasons[s])
	}
	if err := os.WriteFile(survivorsFile, []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
