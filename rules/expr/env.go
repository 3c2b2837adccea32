package expr

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"weir/cep"
)

// Env says what the names of an expression mean: what its rule declares and
// reads. Its functions are called while the expression is compiled only, except
// Fault.
type Env struct {
	Lang Lang // what the expression is written in

	// Fields resolves the path of a field of the current event, like "amount" or
	// "device.os", and registers it as read. It is not asked for `type` and `ts`.
	Fields     func(path string) (FieldInfo, bool)
	FieldNames []string // paths that Fields knows, for hints

	Vars []Var // variables of the pattern, in the order of cep.Rule.Names

	Keys []string // names of the parts of the key, as in cep.Scope.Key
	// KeyByName says that the key is read from another field for each variable:
	// its name is not a field's. Otherwise a key's name is the path of a field,
	// and where there is a current event it means that field.
	KeyByName bool

	Features []Feature // of the ruleset
	// Own says of which of Features the rule's key is the key. Nil: of none.
	Own   func(feature int) bool
	Lists []List // of the ruleset
	Risks []Risk // of the ruleset, by cep.RiskID

	// Read registers a read of a feature, and returns its number: one for the same
	// feature and key, however often it is asked. It is called where something is made
	// that runs.
	Read func(Read) cep.ReadID

	// ReadRisk registers that the rule reads a risk. It is called like Read.
	ReadRisk func(cep.RiskID)

	// Before says that the expression is a part of a feature, or what a field is
	// derived by: it is run before features have their values, and reads none.
	Before bool

	// Matches are the rules whose matches, read as events, are all that the current
	// event can be; empty: it can be another. Features know nothing of matches.
	Matches []string

	Params   map[string]cep.Value // all kinds; of a map only its text
	Measures []string             // those computed before, as in cep.Scope.Measures

	// Current says that there is a current event: in conditions. In `having`,
	// measures, score and message there is none.
	Current bool

	// Closed names the feature whose window ended, which is the match: there is no event
	// and no variable. Empty: events make the match.
	Closed string

	// NoMatch says that it is asked before there is a match: in `where` of a rule.
	// Variables have captured nothing, and must not be read.
	NoMatch bool

	// Aggregate registers a cep.AggregateOf and returns its index. If it is nil,
	// sums and the like walk the captured events.
	Aggregate func(v int, f cep.FieldID) int

	// Fault is told of each error while an expression runs; its value is then nil.
	// It may be called by several goroutines at once. It may be nil.
	Fault func(err error)

	machine bool // run everything on the virtual machine, for tests
}

// FieldInfo is what is known of a field.
type FieldInfo struct {
	ID      cep.FieldID
	Kind    cep.Kind // declared kind; Nil: any
	Dynamic bool     // no schema declares it: it is what the JSON says
}

// Var is a variable of the pattern.
type Var struct {
	Name       string
	List       bool // it can capture more than one event
	Empty      bool // it is only negated or only an until, and captures nothing
	Fields     func(path string) (FieldInfo, bool)
	FieldNames []string // paths that Fields knows, for hints
}

func (i FieldInfo) typ() typ {
	if i.Dynamic || i.Kind == cep.Nil {
		return dataType
	}
	t := typ{k: setOf(i.Kind)}
	if i.Kind == cep.List {
		t.elem = dataType.elem
	}
	return t
}

// variable gives the number of the variable called name.
func (e *Env) variable(name string) (int, bool) {
	for i := range e.Vars {
		if e.Vars[i].Name == name {
			return i, true
		}
	}
	return 0, false
}

// names lists all that a bare name can mean, for hints.
func (e *Env) names() []string {
	var names []string
	if e.Current {
		names = append(names, e.FieldNames...)
		names = append(names, "event", "type", "ts")
	}
	for _, v := range e.Vars {
		if !e.NoMatch {
			names = append(names, v.Name)
		}
	}
	names = append(names, e.featureNames()...)
	names = append(names, e.riskNames()...)
	names = append(names, e.Keys...)
	names = append(names, e.Measures...)
	return append(names, "params", "true", "false", e.Lang.null())
}

// meant is a hint that says what an unknown name stands for, or empty.
func (e *Env) meant(name string) string {
	param := strings.TrimPrefix(name, "$")
	if _, ok := e.Params[param]; ok {
		return "write " + tick("params."+param)
	}
	return didYouMean(name, e.names())
}

// elsewhere is a hint for a path that leads to a feature, risk or list, which are not
// read so, or empty.
func (e *Env) elsewhere(path []string) string {
	last := path[len(path)-1]
	switch _, feature := e.feature(last); {
	case len(path) == 1 && slices.Contains(e.listNames(), last):
		return fmt.Sprintf("%s is a list: write in_list(%q, x)", tick(last), last)
	case len(path) != 2 || path[0] != "features" && path[0] != "feature" && path[0] != "risk" && path[0] != "event":
		return ""
	case feature:
		return "a feature is read by its bare name: " + tick(last)
	}
	if _, risk := e.risk(last); risk && path[0] != "features" {
		return "a risk is read by its bare name: " + tick(last)
	}
	return ""
}

// fieldsBegin says whether there is a field of the current event with a path that
// begins with a name.
func (e *Env) fieldsBegin(name string) bool {
	return e.Current && slices.ContainsFunc(e.FieldNames, func(f string) bool { return f == name || strings.HasPrefix(f, name+".") })
}

func (e *Env) paramNames() []string { return slices.Sorted(maps.Keys(e.Params)) }

// holder finds a variable whose events have a field, for hints: the name of an
// expression that gives its value.
func (e *Env) holder(path string) string {
	for _, list := range []bool{false, true} {
		for _, v := range e.Vars {
			known := path == "ts" || path == "type" || slices.Contains(v.FieldNames, path)
			if v.Empty || v.List != list || !known {
				continue
			}
			if list {
				return "last(" + v.Name + ")." + path
			}
			return v.Name + "." + path
		}
	}
	return ""
}

// ofWindow is a hint that says what can be read where a window ended.
func (e *Env) ofWindow() string {
	return "read features of the key of that window, like " + tick(e.Closed)
}

// Functions returns the names of all functions that an expression can call, in
// order.
func Functions() []string {
	names := slices.Sorted(maps.Keys(functionNames))
	return slices.DeleteFunc(names, func(name string) bool { return name == ".." })
}

// words are the words of the language beside its functions: nothing that a rule
// declares may be called like one.
var words = []string{
	"and", "or", "not", "in", "matches", "contains", "startsWith", "endsWith",
	"let", "if", "else", "true", "false", "nil", "event", "params", "type", "ts",
}

// celWords are the words of CEL beside its functions.
var celWords = []string{
	"null", "dyn", "has", "exists", "exists_one", "existsOne", "list", "null_type",
	"as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop",
	"namespace", "package", "return", "var", "void", "while",
}

// ReservedIn reports whether name is a function or a word of the language that a
// rule is written in. A variable, measure or key of the rule must not be called so.
func ReservedIn(lang Lang, name string) bool {
	if lang != LangCEL {
		return Reserved(name)
	}
	if slices.Contains(celWords, name) {
		return true
	}
	_, function := celFunctions[name]
	_, other := refusedCEL[name]
	return function || other || Reserved(name)
}

// Reserved reports whether name is a function or a word of expr-lang: what no
// variable, measure or key must be called, in whichever language its rule is
// written. ReservedIn says it for one language.
func Reserved(name string) bool {
	if slices.Contains(words, name) || strings.HasPrefix(name, "$") {
		return true
	}
	if _, ok := refused[name]; ok {
		return true
	}
	_, ok := functionNames[name]
	return ok
}
