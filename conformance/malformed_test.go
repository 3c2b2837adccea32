package conformance

import (
	"errors"
	"strings"
	"testing"

	"weir/rules"
	"weir/rules/source"
)

type malformed struct {
	ID      string
	Pattern *pattern // nil: the fault cannot be written in the form of the vectors
	Reason  string
}

// byHand are malformed patterns that have no form as a tree of steps, as text.
var byHand = map[string]string{
	"PatternTest/testPatternCanHaveQuantifierSpecifiedOnce1": "a++*",
	"PatternTest/testPatternCanHaveQuantifierSpecifiedOnce2": "a*{1}",
	"PatternTest/testPatternCanHaveQuantifierSpecifiedOnce3": "a{1}{1,}",
	"PatternTest/testPatternCanHaveQuantifierSpecifiedOnce4": "a{1,}{1,}",
	"PatternTest/testPatternCanHaveQuantifierSpecifiedOnce5": "(a+)*",
	"PatternTest/testUntilCannotBeAppliedTwice":              "a+ until s until s",
	"PatternTranslatorTest/testPatternVariablesMustBeUnique": "a, b, a",
}

// faults are what the diagnostic of a malformed pattern stands under, and part
// of what it says. A pattern that cannot be written in rule text is missing.
var faults = map[string]struct{ under, says string }{
	"NFACompilerTest/testNFACompilerUniquePatternName":            {"start", "second time"},
	"NFACompilerTest/testNFACompilerPatternEndsWithNotFollowedBy": {"!", "no end"},
	"NFACompilerTest/testSkipToNotExistsMatchingPattern":          {"midd", "captures no"},
	"NFACompilerTest/testCheckPatternWindowTimes":                 {"-[<3000ms]->", "longer"},
	"PatternTest/testPatternTimesNegativeTimes":                   {"-", "unexpected"},
	"PatternTest/testPatternTimesNegativeFrom":                    {"-", "unexpected"},
	"PatternTest/testNotNextCannotBeOneOrMore":                    {"+", "negation"},
	"PatternTest/testNotNextCannotBeTimes":                        {"{3}", "negation"},
	"PatternTest/testNotNextCannotBeOptional":                     {"?", "negation"},
	"PatternTest/testNotFollowedCannotBeOneOrMore":                {"+", "negation"},
	"PatternTest/testNotFollowedCannotBeTimes":                    {"{3}", "negation"},
	"PatternTest/testNotFollowedCannotBeOptional":                 {"?", "negation"},
	"PatternTest/testUntilCannotBeAppliedToTimes":                 {"until stop_1", "until"},
	"PatternTest/testUntilCannotBeAppliedToSingleton":             {"until stop_1", "until"},
	"rule/not-after-optional":                                     {"!c", "left out"},
	"rule/not-next-after-optional":                                {"!c", "left out"},
	"rule/greedy-on-not":                                          {"+", "negation"},
	"rule/greedy-on-group":                                        {"+", "greedy"},
	"rule/greedy-with-combinations":                               {"+", "greedy"},
	"rule/optional-after-greedy":                                  {"b?", "greedy"},
	"rule/consecutive-on-single":                                  {",", "round"},
	"rule/combinations-on-single":                                 {"->>", "round"},
	"rule/times-range-reversed":                                   {"{3,2}", "wrong way round"},
	"rule/skip-to-variable-in-group":                              {"b", "group"},
	"PatternTest/testPatternCanHaveQuantifierSpecifiedOnce1":      {"*", "quantifier"},
	"PatternTest/testPatternCanHaveQuantifierSpecifiedOnce2":      {"{", "quantifier"},
	"PatternTest/testPatternCanHaveQuantifierSpecifiedOnce3":      {"{", "quantifier"},
	"PatternTest/testPatternCanHaveQuantifierSpecifiedOnce4":      {"{", "quantifier"},
	"PatternTest/testPatternCanHaveQuantifierSpecifiedOnce5":      {"*", "repeated"},
	"PatternTest/testUntilCannotBeAppliedTwice":                   {"until", "until"},
	"PatternTranslatorTest/testPatternVariablesMustBeUnique":      {"a", "second time"},
	"rule/duplicate-in-group":                                     {"b", "second time"},
}

// notWritten are malformed patterns that rule text has no words for.
var notWritten = map[string]string{
	"rule/greedy-on-single": "the greedy `+` stands behind a quantifier; `a+` is a loop",
}

func TestMalformed(t *testing.T) {
	found := map[string]bool{}
	for _, c := range load[malformed](t, "testdata/malformed.json") {
		_, id, _ := strings.Cut(c.ID, "/")
		hand, written := byHand[id]
		if c.Pattern == nil && !written || notWritten[id] != "" {
			found[id] = true
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			want, ok := faults[id]
			if !ok {
				t.Fatalf("no entry in faults: %s", c.Reason)
			}
			found[id] = true
			var text string
			if written {
				text = handRule(hand)
			} else {
				for i := range c.Pattern.Steps {
					if c.Pattern.Steps[i].Var == "not" { // a word of the expression language
						c.Pattern.Steps[i].Var = "n"
					}
				}
				text = c.Pattern.rule([]string{keyField}, "*", false, true)
			}
			_, err := rules.Compile([]source.File{{Path: "malformed.yaml", Text: text}})
			var list source.Errors
			if !errors.As(err, &list) {
				t.Fatalf("%s: got %v, want diagnostics\n%s", c.Reason, err, text)
			}
			for _, d := range list { // the same fault may stand at several places
				if !strings.Contains(d.Msg, want.says) {
					t.Errorf("%s: the finding %v does not belong here\n%s", c.Reason, d, text)
				}
			}
			d := list[0]
			if under := between(text, d); !strings.Contains(d.Msg, want.says) || !strings.HasPrefix(under, want.under) && !strings.HasPrefix(want.under, under) {
				t.Errorf("%s: got %v under %q, want %q under %q\n%s", c.Reason, d, under, want.says, want.under, text)
			}
		})
	}
	for id := range faults {
		if !found[id] {
			t.Errorf("faults names %s, which is no case", id)
		}
	}
	for id := range notWritten {
		if !found[id] {
			t.Errorf("notWritten names %s, which is no case", id)
		}
	}
}

// handRule is a rule with a pattern over the names a, b and s.
func handRule(pattern string) string {
	defines := ""
	for _, name := range []string{"a", "b", "s"} {
		if strings.Contains(pattern, name) {
			defines += "\n      " + name + ": 'true'"
		}
	}
	return "rules:\n  - id: " + ruleID + "\n    on: '*'\n    key: k\n    pattern: " + quote(pattern) + "\n    define:" + defines + "\n"
}

// between is the part of an ASCII text that a diagnostic stands under.
func between(text string, d source.Diagnostic) string {
	lines := strings.Split(text, "\n")
	if d.Line < 1 || d.Line > len(lines) || d.EndLine != d.Line {
		return ""
	}
	line := lines[d.Line-1]
	if d.Column < 1 || d.EndColumn < d.Column || d.EndColumn > len(line)+1 {
		return ""
	}
	return line[d.Column-1 : d.EndColumn-1]
}
