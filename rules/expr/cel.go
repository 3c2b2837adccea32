package expr

import (
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/google/cel-go/common"
	celast "github.com/google/cel-go/common/ast"
	celop "github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	celparser "github.com/google/cel-go/parser"
)

// maxDepth bounds how deep a CEL text nests: what its parser does with it grows
// with the square.
const maxDepth = 250

// celParser parses CEL. Macros are not expanded, so that a predicate arrives as
// it is written; after a fault it looks only a little further.
var celParser = func() *celparser.Parser {
	p, err := celparser.NewParser(
		celparser.MaxRecursionDepth(maxDepth),
		celparser.ErrorReportingLimit(8),
		celparser.ErrorRecoveryLimit(4),
		celparser.ErrorRecoveryLookaheadTokenLimit(32),
		celparser.EnableVariadicOperatorASTs(true),
	)
	if err != nil {
		panic("expr: the options of the CEL parser: " + err.Error())
	}
	return p
}()

// parseCEL makes the syntax tree of a CEL text: the tree that expr-lang's parser
// makes of a text that says the same, so that both have one meaning. What CEL
// alone has is a function of celTable or a named predicate.
func parseCEL(text string, env *Env) (ast.Node, error) {
	source := common.NewTextSource(text)
	tree, faults := celParser.Parse(source)
	r := &celReader{text: text, tokens: scan(text), env: env}
	if found := faults.GetErrors(); len(found) > 0 {
		return nil, r.syntaxError(source, found)
	}
	r.info = tree.SourceInfo()
	if i := r.doubled(); i >= 0 {
		sign := r.word(i)
		return nil, r.fault(i, i+1, tick(sign+sign)+" undoes itself", "leave both out")
	}
	return r.read(tree.Expr()), nil
}

// celReader turns a tree of CEL into one of expr-lang.
type celReader struct {
	text   string
	tokens []token
	info   *celast.SourceInfo
	env    *Env
}

// named is a predicate whose element has a name, as in probe.exists(p, ...).
type named struct {
	ast.PredicateNode
	variable string
}

// present is has(x.field): x.field != null, of one x only.
type present struct{ ast.BinaryNode }

// word is the text of the i-th token; empty if there is none.
func (r *celReader) word(i int) string {
	if i < 0 || i >= len(r.tokens) {
		return ""
	}
	return r.text[r.tokens[i].pos:r.tokens[i].end]
}

// at is the number of the token at which a node has its place: its operator or
// opening bracket, or its own.
func (r *celReader) at(id int64) int {
	place, _ := r.info.GetOffsetRange(id)
	return r.tokenAt(int(place.Start))
}

// tokenAt is the number of the token at or behind the character at.
func (r *celReader) tokenAt(at int) int {
	return sort.Search(len(r.tokens), func(i int) bool { return r.tokens[i].to > at })
}

// fault is an error at the tokens from the i-th to the j-th.
func (r *celReader) fault(i, j int, msg, hint string) *Error {
	return &Error{Pos: r.tokens[i].pos, End: r.tokens[j].end, Msg: msg, Hint: hint}
}

// fail ends the reading; lower recovers it.
func (r *celReader) fail(i, j int, msg, hint string) {
	panic(r.fault(i, j, msg, hint))
}

// doubled finds a sign ! or - that stands twice before a value, as the parser drops
// both; -1 if there is none.
func (r *celReader) doubled() int {
	for i := range r.tokens {
		sign := r.word(i)
		if sign != "!" && sign != "-" || r.word(i+1) != sign {
			continue
		}
		if i == 0 || !r.endsValue(i-1) {
			return i
		}
	}
	return -1
}

// endsValue reports whether a value may end with the i-th token.
func (r *celReader) endsValue(i int) bool {
	switch r.tokens[i].kind {
	case tokenName:
		return r.word(i) != "in"
	case tokenBracket:
		return strings.Contains(")]}", r.word(i))
	}
	return r.tokens[i].kind != tokenOperator
}

// put sets where a node stands: at the i-th token.
func put[N ast.Node](r *celReader, n N, i int) N {
	n.SetLocation(file.Location{From: r.tokens[i].from, To: r.tokens[i].to})
	return n
}

func (r *celReader) all(list []celast.Expr) []ast.Node {
	var out []ast.Node
	for _, e := range list {
		out = append(out, r.read(e))
	}
	return out
}

func (r *celReader) read(e celast.Expr) ast.Node {
	i := r.at(e.ID())
	switch e.Kind() {
	case celast.LiteralKind:
		return r.literal(e, i)
	case celast.IdentKind:
		return r.name(e.AsIdent(), i)
	case celast.SelectKind:
		s := e.AsSelect()
		field := put(r, &ast.StringNode{Value: s.FieldName()}, i+1)
		return put(r, &ast.MemberNode{Node: r.read(s.Operand()), Property: field}, i)
	case celast.CallKind:
		c := e.AsCall()
		if c.IsMemberFunction() {
			return r.method(c, i)
		}
		if n := r.operator(c, i); n != nil {
			return n
		}
		return r.call(c, i-1)
	case celast.ListKind:
		return put(r, &ast.ArrayNode{Nodes: r.all(e.AsList().Elements())}, i)
	case celast.MapKind:
		m := put(r, &ast.MapNode{}, i)
		for _, entry := range e.AsMap().Entries() {
			pair := entry.AsMapEntry()
			m.Pairs = append(m.Pairs, &ast.PairNode{Key: r.read(pair.Key()), Value: r.read(pair.Value())})
		}
		return m
	case celast.StructKind:
		name := e.AsStruct().TypeName()
		names := 2*strings.Count(name, ".") + 1
		if name[0] == '.' {
			names--
		}
		r.fail(i-names, r.closing(i), "messages are not supported", "write a map, like {\"a\": 1}")
	}
	r.fail(i, i, "this is not supported here", "")
	return nil
}

// literal reads a constant at the i-th token. Weir has one type of number: a whole
// one is read as a double.
func (r *celReader) literal(e celast.Expr, i int) ast.Node {
	var n ast.Node
	switch v := e.AsLiteral().(type) {
	case types.Bool:
		n = &ast.BoolNode{Value: bool(v)}
	case types.Int:
		n = &ast.FloatNode{Value: float64(v)}
	case types.Double:
		n = &ast.FloatNode{Value: float64(v)}
	case types.Uint:
		r.unsigned(i)
	case types.String:
		n = &ast.StringNode{Value: string(v)}
	case types.Bytes:
		n = &ast.BytesNode{}
	default:
		n = &ast.NilNode{}
	}
	put(r, n, i)
	if r.word(i) == "-" { // the sign is a part of the number
		n.SetLocation(file.Location{From: r.tokens[i].from, To: r.tokens[i+1].to})
	}
	return n
}

func (r *celReader) unsigned(i int) {
	digits := r.word(i)
	r.fail(i, i, "there are no unsigned numbers", "write "+digits[:len(digits)-1]+", as there is one type of number")
}

// name reads a name at the i-th token.
func (r *celReader) name(name string, i int) ast.Node {
	if strings.HasPrefix(name, ".") {
		r.fail(i-1, i, "a name does not begin with a dot", "in CEL it means the root; name what the field is of, as in sum(probe.amount), probe.exists(p, p.amount > 5)")
	}
	return put(r, &ast.IdentifierNode{Value: name}, i)
}

// celOperators are the operators of two sides, and how they are written.
var celOperators = map[string]string{
	celop.LogicalAnd: "&&", celop.LogicalOr: "||", celop.Equals: "==", celop.NotEquals: "!=",
	celop.Less: "<", celop.LessEquals: "<=", celop.Greater: ">", celop.GreaterEquals: ">=",
	celop.Add: "+", celop.Subtract: "-", celop.Multiply: "*", celop.Divide: "/", celop.Modulo: "%", celop.In: "in",
}

// operator reads an operator at the i-th token; nil if c is a function.
func (r *celReader) operator(c celast.CallExpr, i int) ast.Node {
	args := c.Args()
	switch f := c.FunctionName(); f {
	case celop.LogicalNot:
		return put(r, &ast.UnaryNode{Operator: "!", Node: r.read(args[0])}, i)
	case celop.Negate:
		return put(r, &ast.UnaryNode{Operator: "-", Node: r.read(args[0])}, i)
	case celop.Conditional:
		return put(r, &ast.ConditionalNode{Cond: r.read(args[0]), Exp1: r.read(args[1]), Exp2: r.read(args[2])}, i)
	case celop.Index:
		return put(r, &ast.MemberNode{Node: r.read(args[0]), Property: r.read(args[1])}, i)
	default:
		sign, ok := celOperators[f]
		if !ok {
			return nil
		}
		n := r.read(args[0])
		for _, a := range args[1:] {
			n = put(r, &ast.BinaryNode{Operator: sign, Left: n, Right: r.read(a)}, i)
		}
		return n
	}
}

// call reads a call of a function whose name is the i-th token.
func (r *celReader) call(c celast.CallExpr, i int) ast.Node {
	name, args := c.FunctionName(), c.Args()
	if strings.HasPrefix(name, ".") {
		r.fail(i-1, i, "a name does not begin with a dot", "write "+name[1:]+"(...)")
	}
	if why, ok := refusedCEL[name]; ok {
		r.fail(i, i, tick(name)+" is not available", why)
	}
	r.rooted(name, args)
	switch name {
	case celop.Has:
		return r.has(args, i)
	case "dyn":
		r.count(name, args, i, 1)
		return r.read(args[0])
	case "matches":
		r.count(name, args, i, 2)
		return put(r, &ast.BinaryNode{Operator: name, Left: r.read(args[0]), Right: r.read(args[1])}, i)
	}
	if _, ok := celMethods[name]; ok {
		r.fail(i, i, tick(name)+" is a method", "write "+celMethods[name])
	}
	return &ast.CallNode{Callee: put(r, &ast.IdentifierNode{Value: name}, i), Arguments: r.all(args)}
}

// rooted refuses a function of list and .field, in expr-lang's form, with what to
// write instead.
func (r *celReader) rooted(name string, args []celast.Expr) {
	if len(args) < 2 {
		return
	}
	list, ok := r.path(args[0])
	field, ok2 := r.path(args[1])
	if !ok || !ok2 || !strings.HasPrefix(field, ".") {
		return
	}
	from := r.first(args[1])
	r.fail(from-1, from+2*strings.Count(field[1:], "."), "a name does not begin with a dot", "in CEL it means the root; write "+name+"("+list+field+")")
}

// path gives the text of a name and the fields read of it.
func (r *celReader) path(e celast.Expr) (string, bool) {
	switch e.Kind() {
	case celast.IdentKind:
		return e.AsIdent(), true
	case celast.SelectKind:
		s := e.AsSelect()
		base, ok := r.path(s.Operand())
		return base + "." + s.FieldName(), ok
	}
	return "", false
}

// first is the number of the token of the name that a path begins with.
func (r *celReader) first(e celast.Expr) int {
	for e.Kind() == celast.SelectKind {
		e = e.AsSelect().Operand()
	}
	return r.at(e.ID())
}

// count refuses another number of arguments than n for the function at the i-th
// token.
func (r *celReader) count(name string, args []celast.Expr, i, n int) {
	if len(args) != n {
		r.fail(i, r.closing(i+1), takes(name, strconv.Itoa(n), len(args)), "")
	}
}

// closing is the number of the token that closes the bracket that is the i-th.
func (r *celReader) closing(i int) int {
	depth := 0
	for ; i < len(r.tokens); i++ {
		switch {
		case r.tokens[i].kind != tokenBracket:
		case strings.Contains("([{", r.word(i)):
			depth++
		default:
			depth--
		}
		if depth == 0 {
			return i
		}
	}
	return len(r.tokens) - 1
}

// has reads has(x.field): that it is not nil.
func (r *celReader) has(args []celast.Expr, i int) ast.Node {
	r.count("has", args, i, 1)
	x := r.read(args[0])
	m, ok := x.(*ast.MemberNode)
	if ok {
		_, ok = m.Property.(*ast.StringNode)
	}
	if !ok {
		end := r.closing(i + 1)
		hint := "write has(x.field), or compare with null"
		if args[0].Kind() == celast.IdentKind {
			hint = "write " + args[0].AsIdent() + " != null"
		}
		r.fail(i, end, "`has` asks for a field of something", hint)
	}
	return put(r, &present{ast.BinaryNode{Operator: "!=", Left: x, Right: put(r, &ast.NilNode{}, i)}}, i)
}

// method reads x.name(...); the bracket is the i-th token.
func (r *celReader) method(c celast.CallExpr, i int) ast.Node {
	name, args := c.FunctionName(), c.Args()
	i--
	if loop, ok := celMacros[name]; ok {
		return r.macro(name, loop, c, i)
	}
	switch name {
	case "contains", "startsWith", "endsWith", "matches":
		r.count(name, args, i, 1)
		return put(r, &ast.BinaryNode{Operator: name, Left: r.read(c.Target()), Right: r.read(args[0])}, i)
	}
	_, known := functionNames[name]
	_, own := celFunctions[name]
	_, isMethod := celMethods[name]
	switch {
	case isMethod || name == "size":
		r.countMethod(name, len(args), i)
		return &ast.CallNode{
			Callee:    put(r, &ast.IdentifierNode{Value: name}, i),
			Arguments: append([]ast.Node{r.read(c.Target())}, r.all(args)...),
		}
	case refusedCEL[name] != "":
		r.fail(i, i, tick(name)+" is not available", refusedCEL[name])
	case known || own || name == "has" || name == "dyn":
		r.fail(i, i, tick(name)+" is a function, not a method", "write "+r.asFunction(name, c, i))
	}
	hint := foreignMethods[name]
	if hint == "" {
		hint = didYouMean(name, methodNames)
	}
	if f := LangCEL.called(name); hint == "" && f != "" {
		hint = "write " + r.asFunction(f, c, i)
	}
	r.fail(i, i, "unknown method "+tick(name), hint)
	return nil
}

// countMethod refuses a number of arguments that the method at the i-th token does
// not take; what it is called on is none of them.
func (r *celReader) countMethod(name string, got, i int) {
	var want []string
	for _, f := range celFunctions[name] {
		n := len(f.params) - 1
		if n == got {
			return
		}
		want = append(want, strconv.Itoa(n))
	}
	r.fail(i, r.closing(i+1), takes(name, strings.Join(want, " or "), got), "")
}

// asFunction writes a function that was called as a method, with its name at the
// i-th token.
func (r *celReader) asFunction(name string, c celast.CallExpr, i int) string {
	of, ok := r.path(c.Target())
	if !ok {
		of = "..."
	}
	args := strings.TrimSpace(r.text[r.tokens[i+1].end:r.tokens[r.closing(i+1)].pos])
	if len(args) > 40 {
		args = "..."
	}
	_, folds := foldings[name]
	switch {
	case args == "":
		return name + "(" + of + ")"
	case slices.Contains(celNamespaces, of):
		return name + "(" + args + ")"
	case name == "count" && len(c.Args()) == 2:
		return "count(" + of + ".filter(" + args + "))"
	case folds && len(c.Args()) == 2:
		return name + "(" + of + ".map(" + args + "))"
	}
	return name + "(" + of + ", " + args + ")"
}

// celNamespaces stand before functions of CEL's extensions.
var celNamespaces = []string{"base64", "lists", "math", "regex", "sets", "strings"}

// celMacros are the macros of CEL and the predicate functions that they are.
var celMacros = map[string]string{
	"all": "all", "exists": "any", "exists_one": "one", "existsOne": "one", "filter": "filter", "map": "map",
}

// macro reads list.name(element, predicate), or list.map(element, predicate, value).
func (r *celReader) macro(name, loop string, c celast.CallExpr, i int) ast.Node {
	args := c.Args()
	if len(args) != 2 && (name != "map" || len(args) != 3) {
		what := "a name for the element and a condition"
		if name == "map" {
			what = "a name for the element, a condition if need be, and a value"
		}
		r.fail(i, r.closing(i+1), "`"+name+"` takes "+what, "as in "+celForms[name])
	}
	list := r.read(c.Target())
	if args[0].Kind() != celast.IdentKind || strings.HasPrefix(args[0].AsIdent(), ".") {
		r.fail(i, r.closing(i+1), "`"+name+"` takes a name for the element first", "as in "+celForms[name])
	}
	element := args[0].AsIdent()
	if len(args) == 3 {
		list = r.loop("filter", list, element, args[1], i)
	}
	return r.loop(loop, list, element, args[len(args)-1], i)
}

func (r *celReader) loop(loop string, list ast.Node, element string, body celast.Expr, i int) ast.Node {
	predicate := &named{variable: element}
	predicate.Node = r.read(body)
	return put(r, &ast.BuiltinNode{Name: loop, Arguments: []ast.Node{list, predicate}}, i)
}

// celForms show the macros.
var celForms = map[string]string{
	"all": "probe.all(p, p.amount > 5)", "exists": "probe.exists(p, p.amount > 5)", "exists_one": "probe.exists_one(p, p.amount > 5)",
	"existsOne": "probe.existsOne(p, p.amount > 5)", "filter": "probe.filter(p, p.amount > 5)", "map": "probe.map(p, p.amount)",
}

// methodNames are the methods that there are, for hints.
var methodNames = func() []string {
	names := []string{"contains", "startsWith", "endsWith", "matches", "size"}
	for name := range celMacros {
		names = append(names, name)
	}
	for name := range celMethods {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}()
