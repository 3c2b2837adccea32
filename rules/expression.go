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
// expressions.
func (r *ruleCompiler) compileMessage(t source.Text, env expr.Env) (sound bool) {
	return r.compileBy(t, env, func(text string, env expr.Env) (err error) {
		r.rule.Message, err = expr.CompileMessage(text, env)
		return err
	}, r.placeholderAround)
}

// part is a piece of an expression and what can stand in its place, so that the
// others are looked at too.
type part struct {
	from, to int
	neutral  string
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
		if clashed || slices.ContainsFunc(done, func(p part) bool { return e.Pos < p.to && e.End > p.from }) {
			return false // it follows from what has been said
		}
		if !r.said(text, e, env.Current) {
			r.Fault(t, e.Pos, e.End, source.CodeExpression, e.Msg, expected(e, env))
		}
		if _, cut := t.Cut(); cut || around == nil {
			return false
		}
		p, ok := around(text, e.Pos)
		if !ok || p.to-p.from < len(p.neutral) {
			return false
		}
		text = text[:p.from] + p.neutral + strings.Repeat(" ", p.to-p.from-len(p.neutral)) + text[p.to:]
		done = append(done, p)
	}
	return false
}

// mostNames is how many names a hint lists.
const mostNames = 12

// expected gives the hint of an error; where a name means nothing and is near none,
// what there is.
func expected(e *expr.Error, env expr.Env) string {
	switch {
	case e.Hint != "":
		return e.Hint
	case strings.HasPrefix(e.Msg, "unknown param "):
		return "declare it under `params`"
	case strings.HasPrefix(e.Msg, "unknown name ") && env.Current && len(env.FieldNames) > 0 && len(env.FieldNames) <= mostNames:
		return "the fields are " + strings.Join(env.FieldNames, ", ")
	}
	return ""
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
	from := e.Pos
	for from > 0 && (text[from-1] == '.' || isName("a"+text[from-1:from])) {
		from-- // to the beginning of the path that it is the end of
	}
	fault := text[from:e.End]
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

// isPath says whether s is a name, or names joined by dots.
func isPath(s string) bool {
	for _, name := range strings.Split(s, ".") {
		if !isName(name) {
			return false
		}
	}
	return true
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

// wordIn finds a path in an expression as a whole word; -1 if it is not there.
func wordIn(text, path string) int {
	for from := 0; path != ""; {
		i := strings.Index(text[from:], path)
		if i < 0 {
			return -1
		}
		i += from
		before := i == 0 || !isName("a"+text[i-1:i])
		end := i + len(path)
		if before && (end == len(text) || !isName("a"+text[end:end+1])) {
			return i
		}
		from = i + 1
	}
	return -1
}

var unsplittable = regexp.MustCompile(`\?|;|\blet\b|\bif\b|\|[^|]|/\*|#|"""|'''|\b[rR]["']`)

// partAround finds the part of a condition around a byte: what `&&`, `and`, `||`
// and `or` join outside of brackets and strings.
func partAround(text string, at int) (part, bool) {
	if unsplittable.MatchString(strings.ReplaceAll(text, "||", "  ")) {
		return part{}, false
	}
	p := part{from: 0, to: len(text), neutral: "true"}
	depth := 0
	for i := 0; i < len(text); {
		width := 1
		switch c := text[i]; {
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
		case c == '"' || c == '\'' || c == '`':
			width = stringEnd(text, i) - i
		case depth == 0:
			width = operatorAt(text, i)
			if width == 0 {
				width = 1
				break
			}
			if i+width <= at {
				p.from = i + width
			} else if i >= at {
				p.to = i
				return p, true
			}
		}
		i += width
	}
	return p, true
}

// operatorAt gives the length of the `&&` or `||` at i, or the word that means
// one; 0: there is none.
func operatorAt(text string, i int) int {
	for _, op := range []string{"&&", "||"} {
		if strings.HasPrefix(text[i:], op) {
			return len(op)
		}
	}
	for _, op := range []string{"and", "or"} {
		end := i + len(op)
		if strings.HasPrefix(text[i:], op) && (i == 0 || !isName("a"+text[i-1:i])) && (end == len(text) || !isName("a"+text[end:end+1])) {
			return len(op)
		}
	}
	return 0
}

// stringEnd gives the end of the string that begins at i.
func stringEnd(text string, i int) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		switch {
		case text[i] == quote:
			return i + 1
		case text[i] == '\\' && quote != '`':
			i++
		}
	}
	return len(text)
}

// placeholderAround finds the expression of a message around a byte.
func (r *ruleCompiler) placeholderAround(text string, at int) (part, bool) {
	for _, p := range r.lang.Placeholders(text) {
		if p[0] <= at && at <= p[1] {
			return part{p[0], p[1], "0"}, true
		}
	}
	return part{}, false
}
