package oracle

import (
	"fmt"
	"strconv"
	"strings"
)

// expression evaluates the conditions of the vectors: a small part of expr-lang,
// with nil as Weir has it (a comparison with nil is false, `==` aside). Values
// are float64, string, bool, nil, a row (an event) and rows (a variable).
type (
	row  map[string]any
	rows []row
)

// expression is a compiled expression over the current event and the variables.
type expression func(event row, variable func(string) (rows, bool)) any

type expressionParser struct {
	text   string
	tokens []string
	pos    int
}

func parseExpression(text string) (e expression, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%q: %v", text, r)
		}
	}()
	p := &expressionParser{text: text, tokens: expressionTokens(text)}
	e = p.ternary()
	if p.peek() != "" {
		panic("left over: " + p.peek())
	}
	return e, nil
}

func expressionTokens(text string) []string {
	var tokens []string
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == ' ':
			i++
			continue
		case c == '"':
			end := i + 1 + strings.IndexByte(text[i+1:], '"')
			tokens = append(tokens, text[i:end+1])
			i = end + 1
			continue
		case c >= '0' && c <= '9' || isLetter(c):
			end := i
			for end < len(text) && (isLetter(text[end]) || text[end] >= '0' && text[end] <= '9' || text[end] == '.' && c <= '9') {
				end++
			}
			tokens = append(tokens, text[i:end])
			i = end
			continue
		}
		n := 1
		if i+1 < len(text) && strings.Contains(" == != <= >= && || ", " "+text[i:i+2]+" ") {
			n = 2
		}
		tokens = append(tokens, text[i:i+n])
		i += n
	}
	return tokens
}

func isLetter(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (p *expressionParser) peek() string {
	if p.pos < len(p.tokens) {
		return p.tokens[p.pos]
	}
	return ""
}

func (p *expressionParser) accept(tokens ...string) string {
	for _, t := range tokens {
		if p.peek() == t {
			p.pos++
			return t
		}
	}
	return ""
}

func (p *expressionParser) expect(token string) {
	if p.accept(token) == "" {
		panic(fmt.Sprintf("%q where %q was expected", p.peek(), token))
	}
}

func (p *expressionParser) ternary() expression {
	cond := p.binary(0)
	if p.accept("?") == "" {
		return cond
	}
	yes := p.ternary()
	p.expect(":")
	no := p.ternary()
	return func(e row, v func(string) (rows, bool)) any {
		if cond(e, v) == true {
			return yes(e, v)
		}
		return no(e, v)
	}
}

var expressionLevels = [][]string{
	{"||"}, {"&&"}, {"==", "!=", "<", "<=", ">", ">=", "contains", "startsWith"}, {"+", "-"}, {"*", "/"},
}

func (p *expressionParser) binary(level int) expression {
	if level == len(expressionLevels) {
		return p.postfix(p.primary())
	}
	left := p.binary(level + 1)
	for {
		op := p.accept(expressionLevels[level]...)
		if op == "" {
			return left
		}
		l, r := left, p.binary(level+1)
		left = func(e row, v func(string) (rows, bool)) any { return operate(op, l(e, v), r(e, v)) }
	}
}

func operate(op string, l, r any) any {
	switch op {
	case "||":
		return l == true || r == true
	case "&&":
		return l == true && r == true
	case "==":
		return l == r
	case "!=":
		return l != r
	}
	if ls, ok := l.(string); ok {
		rs, ok := r.(string)
		switch op {
		case "contains":
			return ok && strings.Contains(ls, rs)
		case "startsWith":
			return ok && strings.HasPrefix(ls, rs)
		}
		panic("text with " + op)
	}
	a, aok := l.(float64)
	b, bok := r.(float64)
	known := aok && bok
	switch op {
	case "<":
		return known && a < b
	case "<=":
		return known && a <= b
	case ">":
		return known && a > b
	case ">=":
		return known && a >= b
	case "contains", "startsWith":
		return false
	}
	if !known {
		return nil
	}
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	}
	panic("unknown operator " + op)
}

func (p *expressionParser) primary() expression {
	t := p.peek()
	p.pos++
	switch {
	case t == "(":
		e := p.ternary()
		p.expect(")")
		return e
	case t == "true":
		return func(row, func(string) (rows, bool)) any { return true }
	case t == ".": // a field of the element that sum looks at
		field := p.peek()
		p.pos++
		return func(e row, _ func(string) (rows, bool)) any { return e[field] }
	case t[0] == '"':
		return func(row, func(string) (rows, bool)) any { return t[1 : len(t)-1] }
	case t[0] >= '0' && t[0] <= '9':
		n, err := strconv.ParseFloat(t, 64)
		if err != nil {
			panic(err)
		}
		return func(row, func(string) (rows, bool)) any { return n }
	case !isLetter(t[0]):
		panic("unexpected " + t)
	case p.accept("(") != "":
		return p.call(t)
	}
	return func(e row, variable func(string) (rows, bool)) any {
		if list, ok := variable(t); ok {
			return list
		}
		return e[t]
	}
}

func (p *expressionParser) call(name string) expression {
	list := p.ternary()
	of := expression(nil)
	if p.accept(",") != "" {
		of = p.ternary()
	}
	p.expect(")")
	return func(e row, v func(string) (rows, bool)) any {
		l, ok := list(e, v).(rows)
		if !ok {
			panic(name + " of what is no variable")
		}
		switch name {
		case "len":
			return float64(len(l))
		case "first":
			return at(l, 0)
		case "last":
			return at(l, len(l)-1)
		case "sum":
			sum := 0.0
			for _, r := range l {
				sum += of(r, v).(float64)
			}
			return sum
		}
		panic("unknown function " + name)
	}
}

func at(l rows, i int) any {
	if i < 0 || i >= len(l) {
		return nil
	}
	return l[i]
}

// postfix reads `.field` and `[index]`.
func (p *expressionParser) postfix(e expression) expression {
	for {
		inner := e
		switch p.accept(".", "[") {
		case "":
			return e
		case ".":
			field := p.peek()
			p.pos++
			e = func(ev row, v func(string) (rows, bool)) any {
				r, _ := inner(ev, v).(row)
				return r[field]
			}
		case "[":
			index, err := strconv.Atoi(p.peek())
			if err != nil {
				panic(err)
			}
			p.pos++
			p.expect("]")
			e = func(ev row, v func(string) (rows, bool)) any { return at(inner(ev, v).(rows), index) }
		}
	}
}
