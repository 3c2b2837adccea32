package rules

import (
	"slices"

	"weir/cep"
	"weir/cep/outcome"
	"weir/nfa"
	"weir/rules/expr"
	"weir/rules/source"
)

// Checked is a ruleset and all that was found in it.
type Checked struct {
	Ruleset  *cep.Ruleset        // nil where there is an error
	Rules    []*Rule             // by id, disabled ones too; nil where there is an error
	Features []*Feature          // by name; nil where there is an error
	Lists    []*List             // by name; nil where there is an error
	Risks    []*Risk             // by name; nil where there is an error
	Findings []source.Diagnostic // errors and warnings, by file and position
	Notes    []source.Diagnostic // what is as it should be and good to know; none where there is an error

	hindered map[string]string // by rule: why what it was is not asked for
}

// Rule is a compiled rule with what the tools that speak of it need.
type Rule struct {
	*cep.Rule
	At          source.Text // its id
	Description string
	Disabled    bool

	On        []string             // event types, and alert.RULE for the matches of rules; nil: all event types
	Params    map[string]cep.Value // the rule's and the ruleset's
	KeyFields []string             // of a key by variable: the field for each name, by cep.Rule.Names; else nil
	Pattern   *nfa.Pattern         // of a rule with `when` the one variable `event`; nil where WindowClose is not
	Options   nfa.Options

	WindowClose *Feature    // whose windows it matches when they end; nil: it has a Pattern
	When        *Expression // the condition of `event`, where it stands in place of a pattern; else nil
	Evidence    *Feature    // whose latest events go into alerts; nil: none

	Where    *Expression  // which events it sees; nil: all
	Names    []Definition // by cep.Rule.Names
	Unless   *Expression
	Having   *Expression
	Measures []Expression // by cep.Rule.Measures
	Score    *Expression
	Message  *Expression // its text has placeholders

	Features []*Feature // that its expressions read, by name
	Lists    []*List    // that they, its features and derived fields look into, by name
	Risks    []*Risk    // that they read, by name
	Derived  []Derived  // fields that its key, they and its features read, by event type, in order

	Adds   []*Risk         // risks that its matches add to, by name
	Policy *outcome.Policy // of the ruleset; nil: none

	matchesOf []source.Text // alert.RULE, where it says so

	hold source.Node // the key `hold`, where it is more than 0
}

// Definition is what a name of the pattern is.
type Definition struct {
	Types []string    // event types; nil: all that the rule is on
	Where *Expression // nil: every event of the types
}

// Expression is an expression of a rule as it was written.
type Expression struct {
	source.Text          // Value is the expression
	Env         expr.Env // what it sees

	from, to int // of a part of Value: where it stands; to 0: it is all of it
}

// Cond gives the expression of a condition of the rule's program; nil: it has
// none. Of a name it is the `where` of its definition.
func (r *Rule) Cond(c nfa.Cond) *Expression {
	switch {
	case int(c) < len(r.Names):
		return r.Names[c].Where
	case c == r.Program.Unless:
		return r.Unless
	case c == r.Program.Having:
		return r.Having
	}
	return nil
}

// Check makes a ruleset of files, which are read as one, and gives all that is
// wrong or doubtful in them.
func Check(files []source.File) *Checked {
	return checked(compileFiles(files, Given{}, true))
}

// CheckRest is like Check for files of which some could not be read: what those may
// declare is not missed, and nothing is doubtful. unread tells of them and comes
// first.
func CheckRest(files []source.File, unread source.Errors, given Given) *Checked {
	c, _ := compileFiles(files, given, false)
	wrong, _ := c.Err().(source.Errors)
	return &Checked{Findings: slices.Concat(unread, wrong)}
}

func checked(c *compiler, set *Checked) *Checked {
	found := c.All()
	if source.ErrorsIn(found) != nil {
		return &Checked{Findings: found}
	}
	set.Findings, set.Notes = found, c.notes
	return set
}

// Compile makes a ruleset of files like Check. The error is of type source.Errors.
func Compile(files []source.File) (*cep.Ruleset, error) {
	c, set := compileFiles(files, Given{}, true)
	if err := c.Err(); err != nil {
		return nil, err
	}
	return set.Ruleset, nil
}
