package rules

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"weir/cep"
	"weir/rules/expr"
	"weir/rules/source"
)

// maxFaults bounds what is found in one expression.
const maxFaults = 10

// compiling compiles the text of an expression and keeps what it makes. The error
// is an *expr.Error.
type compiling func(text string, env expr.Env) error

// compile compiles an expression and reports what is wrong with it.
func (r *ruleCompiler) compile(t source.Text, env expr.Env, make compiling, scopes ...*scope) (sound bool) {
	return !r.swallowed(t) && r.compileBy(t, env, make, nil, scopes...)
}

// compileParts compiles a condition; what is wrong with it is reported for each
// of the parts that `&&` and `||` join.
func (r *ruleCompiler) compileParts(t source.Text, env expr.Env, make compiling, scopes ...*scope) (sound bool) {
	return !r.swallowed(t) && r.compileBy(t, env, make, func(text string, at int) (part, bool) {
		for _, c := range r.lang.Comments(text) {
			text = text[:c[0]] + strings.Repeat(" ", c[1]-c[0]) + text[c[1]:]
		}
		return partAround(text, at)
	}, scopes...)
}

// swallowed reports a comment of an expression that takes in what stands on the
// lines after it, as YAML joins them.
func (r *ruleCompiler) swallowed(t source.Text) bool {
	for _, c := range r.lang.Comments(t.Value) {
		at := t.Part(c[0], c[1])
		_, after, _ := strings.Cut(at.Src.Text[at.From:at.To], "\n")
		for line := range strings.Lines(after) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
				r.Add(at, source.CodeYAML, "the comment takes in the lines after it, as YAML joins all of them into one", "write the expression below `|`, which keeps its lines, or leave the comment out")
				return true
			}
		}
	}
	return false
}

func (r *ruleCompiler) compileCond(t source.Text, env expr.Env, cond *cep.Cond, scopes ...*scope) (sound bool) {
	return r.compileParts(t, env, func(text string, env expr.Env) (err error) {
		*cond, err = expr.CompileCond(text, env)
		return err
	}, scopes...)
}

// compileMessage compiles a message; what is wrong is reported for each of its
// expressions and braces.
func (r *ruleCompiler) compileMessage(t source.Text, env expr.Env) (sound bool) {
	return r.compileBy(t, env, func(text string, env expr.Env) (err error) {
		r.rule.Message, err = expr.CompileMessage(text, env)
		return err
	}, r.loneBrace)
}

// compileBy compiles t. After an error it goes on with the part of it neutral,
// until nothing else is wrong.
func (r *ruleCompiler) compileBy(t source.Text, env expr.Env, make compiling, around func(text string, at int) (part, bool), scopes ...*scope) (sound bool) {
	if r.noLang {
		return false
	}
	env = r.supplied(t.Value, env)
	text := t.Value
	var done []part
	for range maxFaults {
		err := r.attempt(text, env, make)
		clashed := r.clashes(t, scopes...)
		e, ok := err.(*expr.Error)
		if !ok {
			if err != nil {
				r.Add(t.Place(), source.CodeExpression, err.Error(), "")
			}
			return err == nil && !clashed && len(done) == 0
		}
		if clashed {
			return false // it follows from what has been said
		}
		r.faults(t, text, e, env, done)
		if _, cut := t.Cut(); cut || around == nil {
			return false
		}
		before := len(done)
		for _, e := range append([]*expr.Error{e}, e.More...) {
			p, ok := around(text, e.Pos)
			if !ok || p.to-p.from < len(p.neutral) || p.among(done) {
				continue
			}
			text = text[:p.from] + p.neutral + strings.Repeat(" ", p.to-p.from-len(p.neutral)) + text[p.to:]
			done = append(done, p)
		}
		if len(done) == before {
			return false
		}
	}
	return false
}

// faults reports an error and those with it, without what follows from parts that
// are done or from what has been said.
func (r *ruleCompiler) faults(t source.Text, text string, e *expr.Error, env expr.Env, done []part) {
	for _, e := range append([]*expr.Error{e}, e.More...) {
		if !(part{from: e.Pos, to: e.End}).among(done) && !r.said(text, e, env.Current) {
			r.Fault(t, e.Pos, e.End, source.CodeExpression, e.Msg, r.expected(e, env))
		}
	}
}

// mostNames is how many names a hint lists.
const mostNames = 12

// expected gives the hint of an error; where a name means nothing and is near none,
// what there is.
func (r *ruleCompiler) expected(e *expr.Error, env expr.Env) string {
	switch {
	case e.Hint != "":
		return e.Hint
	case strings.HasPrefix(e.Msg, "unknown param "):
		return "declare it under `params`"
	case strings.Contains(e.Msg, " is a map and has no field "):
		return "a path leads into fields that events come with: what is worked out is read as a whole, so give the part a name where that is done"
	case !strings.HasPrefix(e.Msg, "unknown name "):
		return ""
	case env.Current && len(env.FieldNames) > 0 && len(env.FieldNames) <= mostNames:
		return "the fields are " + strings.Join(env.FieldNames, ", ")
	case !env.Current:
		return r.known(e, env)
	}
	return ""
}

// known says what names there are where there is no current event.
func (r *ruleCompiler) known(e *expr.Error, env expr.Env) string {
	var names []string
	for _, m := range r.measureNames {
		if strings.Contains(e.Msg, source.Tick(m)) {
			return "a measure is read by the measures below it, `score` and `message`"
		}
	}
	for _, v := range env.Vars {
		if !v.Empty && v.Name != "" {
			names = append(names, v.Name)
		}
	}
	if env.Closed != "" {
		names = append(names, env.Closed)
	}
	names = slices.Concat(names, env.Keys, env.Measures)
	if len(names) == 0 || len(names) > mostNames {
		return ""
	}
	hint := "there are " + strings.Join(names, ", ")
	if r.form == byWhen {
		hint += "; a field of the event is event.NAME"
	}
	return hint
}

// attempt compiles a text. Where it is not known which variables are lists, it is
// wrong only if it is whatever they are.
func (r *ruleCompiler) attempt(text string, env expr.Env, make compiling) error {
	err := make(text, env)
	if err == nil || r.listsSure {
		return err
	}
	const most = 6 // names of which all combinations are tried
	var doubtful []int
	for i, v := range env.Vars {
		if len(doubtful) < most && wordIn(text, v.Name) >= 0 {
			doubtful = append(doubtful, i)
		}
	}
	for choice := 1; choice < 1<<len(doubtful); choice++ {
		env.Vars = slices.Clone(env.Vars)
		for k, i := range doubtful {
			env.Vars[i].List = choice>>k&1 == 1
		}
		other := make(text, env)
		if other == nil {
			return nil
		}
		if e, ok := other.(*expr.Error); ok && e.Pos > err.(*expr.Error).Pos {
			err = e
		}
	}
	return err
}

// clashes reports fields that an expression reads and that have several types.
func (r *ruleCompiler) clashes(t source.Text, scopes ...*scope) bool {
	clashed := false
	for _, s := range append(scopes, r.scopes...) {
		for _, path := range s.clash {
			_, kinds, _ := s.info(path)
			at := max(0, wordIn(t.Value, path))
			r.Fault(t, at, at+len(path), source.CodeExpression, fmt.Sprintf("the field %s has two types: %s", source.Tick(path), kinds), "limit the variable to one event type with {type: T, where: CONDITION}")
			clashed = true
		}
		s.clash = nil
	}
	return clashed
}

// said reports whether an error only says again what another finding says: that
// a name is not what it should be.
func (r *ruleCompiler) said(text string, e *expr.Error, current bool) bool {
	if r.unsure.lists && strings.HasPrefix(e.Msg, "there is no list ") {
		return true
	}
	for name := range r.suspects {
		if !isPath(name) && strings.Contains(text, name) {
			return true // what cannot be a name reads as several words
		}
	}
	from := e.Pos
	for from > 0 && (text[from-1] == '.' || isName("a"+text[from-1:from])) {
		from-- // to the beginning of the path that it is the end of
	}
	fault := text[from:e.End]
	if strings.HasPrefix(e.Msg, "unknown param ") && r.params.misnamed(text[e.Pos:e.End]) {
		return true
	}
	if r.anyName || r.anyResult && !current {
		head, _, _ := strings.Cut(fault, ".")
		if isPath(fault) && !slices.Contains(r.names(), head) {
			return true
		}
	}
	for name := range r.suspects {
		if wordIn(fault, name) >= 0 {
			return true
		}
	}
	return false
}

var paramRead = regexp.MustCompile(`\bparams\s*(?:\?\.|\.|\[)\s*["'` + "`" + `]?([A-Za-z_]\w*)`)

// supplied gives env with the params that an expression reads and that may be
// declared where nobody could read it.
func (r *ruleCompiler) supplied(text string, env expr.Env) expr.Env {
	if r.paramsSure {
		return env
	}
	env.Params = maps.Clone(env.Params)
	for _, m := range paramRead.FindAllStringSubmatch(text, -1) {
		if _, ok := env.Params[m[1]]; !ok {
			if env.Params == nil {
				env.Params = params{}
			}
			env.Params[m[1]] = cep.Value{}
			r.suspects["params."+m[1]] = true
		}
	}
	return env
}
