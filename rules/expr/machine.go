package expr

import (
	"fmt"
	"strconv"
	"sync"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"weir/cep"
)

// memoryBudget is how many elements of lists and maps one evaluation may make on
// the machine. It is expr-lang's default.
const memoryBudget = 1e6

// machines are virtual machines at rest.
var machines = sync.Pool{New: func() any { return &vm.VM{MemoryBudget: memoryBudget} }}

// machine makes a function that runs n on expr-lang's virtual machine. The tree
// is written out again for its compiler: operators, fields and functions become
// calls of Weir's own, and only jumps, predicates, lists and local names are the
// machine's.
func machine(n *node, fault func(error)) (func(*cep.Scope) any, error) {
	w := &writer{config: conf.CreateNew()}
	w.config.Optimize = false
	tree := &parser.Tree{Node: w.write(n)}
	program, err := compiler.Compile(tree, w.config)
	if err != nil {
		return nil, err
	}
	return func(s *cep.Scope) any {
		m := machines.Get().(*vm.VM)
		out, err := m.Run(program, s)
		machines.Put(m)
		if err != nil {
			if fault != nil && !s.Again {
				fault(err)
			}
			return nil
		}
		return out
	}, nil
}

// writer writes nodes as a syntax tree of expr-lang.
type writer struct {
	config *conf.Config
}

// call writes a call of f. Arguments are passed as values of the machine.
func (w *writer) call(f func(args []any) (any, error), args ...ast.Node) ast.Node {
	name := "f" + strconv.Itoa(len(w.config.Functions))
	w.config.Functions[name] = &builtin.Function{Name: name, Func: func(args ...any) (any, error) { return f(args) }}
	return &ast.CallNode{Callee: &ast.IdentifierNode{Value: name}, Arguments: args}
}

// scoped writes a call of f with the scope.
func (w *writer) scoped(f func(s *cep.Scope) any) ast.Node {
	return w.call(func(args []any) (any, error) { return f(args[0].(*cep.Scope)), nil }, &ast.IdentifierNode{Value: "$env"})
}

// of writes a call of f with the values of nodes.
func (w *writer) of(nodes []*node, f func(args []any) any) ast.Node {
	return w.call(func(args []any) (any, error) { return f(args), nil }, w.all(nodes)...)
}

func (w *writer) all(nodes []*node) []ast.Node {
	var out []ast.Node
	for _, n := range nodes {
		if n == nil {
			out = append(out, &ast.NilNode{})
		} else {
			out = append(out, w.write(n))
		}
	}
	return out
}

// truth writes n as a condition: nil and what is no bool is false.
func (w *writer) truth(n *node) ast.Node {
	switch n.op {
	case opNot, opAnd, opOr, opEqual, opCompare, opIn, opTest, opMatches:
		return w.write(n)
	}
	return w.of([]*node{n}, func(args []any) any { return args[0] == true })
}

func (w *writer) write(n *node) ast.Node {
	switch n.op {
	case opConst:
		return w.constant(n)
	case opField:
		e, f := eventOf(n), n.field
		return w.scoped(func(s *cep.Scope) any { return native(fieldOf(e(s), f)) })
	case opEvent:
		e := eventOf(n)
		return w.scoped(func(s *cep.Scope) any {
			if at := e(s); at != nil {
				return event{at}
			}
			return nil
		})
	case opEvents, opValues:
		return w.captures(n)
	case opKey:
		i := n.index
		return w.scoped(func(s *cep.Scope) any { return native(keyPart(s, i)) })
	case opMeasure:
		i := n.index
		return w.scoped(func(s *cep.Scope) any { return native(measure(s, i)) })
	case opFeature:
		id := n.place
		return w.scoped(func(s *cep.Scope) any { return native(*s.Feature(id)) })
	case opRisk:
		f := riskOf(n)
		return w.scoped(func(s *cep.Scope) any { return native(f(s)) })
	case opLookup:
		return w.lookup(n)
	case opLocal:
		return &ast.IdentifierNode{Value: localName(n.index)}
	case opPointer:
		if n.name == "index" {
			return w.number(&ast.PointerNode{Name: n.name})
		}
		return &ast.PointerNode{Name: n.name}
	case opNot:
		return &ast.UnaryNode{Operator: "!", Node: w.truth(n.args[0])}
	case opAnd:
		return &ast.BinaryNode{Operator: "&&", Left: w.truth(n.args[0]), Right: w.truth(n.args[1])}
	case opOr:
		return &ast.BinaryNode{Operator: "||", Left: w.truth(n.args[0]), Right: w.truth(n.args[1])}
	case opCond:
		return &ast.ConditionalNode{Cond: w.truth(n.args[0]), Exp1: w.write(n.args[1]), Exp2: w.write(n.args[2])}
	case opCoalesce:
		return &ast.BinaryNode{Operator: "??", Left: w.write(n.args[0]), Right: w.write(n.args[1])}
	case opLoop:
		return w.loop(n)
	case opLet:
		return &ast.VariableDeclaratorNode{Name: localName(n.index), Value: w.write(n.args[0]), Expr: w.write(n.args[1])}
	case opList:
		return &ast.ArrayNode{Nodes: w.all(n.args)}
	case opMap:
		m := &ast.MapNode{}
		for i, a := range n.args {
			m.Pairs = append(m.Pairs, &ast.PairNode{Key: &ast.StringNode{Value: n.names[i]}, Value: w.write(a)})
		}
		return m
	}
	return w.operation(n)
}

// operation writes the nodes that are a function of their arguments.
func (w *writer) operation(n *node) ast.Node {
	switch n.op {
	case opMember:
		path, f := n.path, n.field
		return w.of(n.args, func(args []any) any { return member(args[0], path, f) })
	case opIndex:
		return w.of(n.args, func(args []any) any { return index(args[0], args[1]) })
	case opSlice:
		hasFrom, hasTo := n.args[1] != nil, n.args[2] != nil
		return w.of(n.args, func(args []any) any { return slice(args[0], args[1], args[2], hasFrom, hasTo) })
	case opEqual:
		return w.of(n.args, func(args []any) any { return equalNative(args[0], args[1]) })
	case opCompare:
		r := n.relation
		return w.of(n.args, func(args []any) any { return holds(r, scalar(args[0]), scalar(args[1])) })
	case opIn:
		return w.of(n.args, func(args []any) any { return among(args[0], args[1]) })
	case opTest:
		t := n.test
		return w.of(n.args, func(args []any) any { return t.of(scalar(args[0]), scalar(args[1])) })
	case opMatches:
		re := n.pattern
		return w.of(n.args, func(args []any) any {
			s, ok := args[0].(string)
			return ok && re.MatchString(s)
		})
	case opCompute:
		op := n.operator
		return w.of(n.args, func(args []any) any { return native(compute(op, scalar(args[0]), scalar(args[1]))) })
	case opNegate:
		return w.of(n.args, func(args []any) any { return native(negate(scalar(args[0]))) })
	case opCall:
		return w.call(n.function.callNative, w.all(n.args)...)
	case opCalendar:
		read := n.calendar.in(n.zone)
		return w.of(n.args, func(args []any) any {
			if t, ok := args[0].(moment); ok {
				return native(read(cep.TimeValue(int64(t))))
			}
			return nil
		})
	case opFold:
		what := n.folding
		return w.of(n.args, func(args []any) any { return foldNative(what, args) })
	case opAggregate:
		i, f := n.index, n.folding
		return w.scoped(func(s *cep.Scope) any { return native(f.aggregate(s.Captures.Aggregate(i))) })
	case opCaptured:
		i := n.index
		return w.scoped(func(s *cep.Scope) any { return float64(s.Captures.Len(i)) })
	}
	panic(fmt.Sprintf("expr: unknown op %d", n.op))
}

func localName(i int) string { return "v" + strconv.Itoa(i) }

func (w *writer) constant(n *node) ast.Node {
	switch {
	case n.native != nil:
		return &ast.ConstantNode{Value: n.native}
	case n.value.Kind == cep.Nil:
		return &ast.NilNode{}
	case n.value.Kind == cep.Bool:
		return &ast.BoolNode{Value: n.value.Bool()}
	}
	return &ast.ConstantNode{Value: native(n.value)}
}

// captures writes the events of a variable, or a field of each.
func (w *writer) captures(n *node) ast.Node {
	v, f, fields, spread := n.index, n.field, n.op == opValues, n.spread
	return w.scoped(func(s *cep.Scope) any {
		c := scratches.Get().(*scratch)
		c.events = s.Captures.Append(c.events[:0], v)
		out := make([]any, 0, len(c.events))
		for _, e := range c.events {
			switch x := any(event{e}); {
			case !fields:
				out = append(out, x)
			default:
				x = native(fieldOf(e, f))
				out = append(out, x)
				if spread {
					out = append(out, elements(x)...)
				}
			}
		}
		c.free()
		return out
	})
}

// elements is what x in `y in x` looks at, beside x itself.
func elements(x any) []any {
	switch x := x.(type) {
	case []any:
		return x
	case map[string]any:
		var out []any
		for k := range x {
			out = append(out, k)
		}
		return out
	}
	return nil
}

// number writes a number that the machine counted.
func (w *writer) number(a ast.Node) ast.Node {
	return w.call(func(args []any) (any, error) {
		if i, ok := args[0].(int); ok {
			return float64(i), nil
		}
		return nil, nil
	}, a)
}

// asList writes what a predicate walks: a list, one value that stands for it, or
// nothing for nil.
func (w *writer) asList(n *node) ast.Node {
	return w.call(func(args []any) (any, error) {
		switch x := args[0].(type) {
		case nil:
			return []any{}, nil
		case []any:
			if len(x) > maxList {
				return nil, errTooLong
			}
			return x, nil
		default:
			return []any{x}, nil
		}
	}, w.write(n))
}

// loop writes a function with a predicate.
func (w *writer) loop(n *node) ast.Node {
	list := w.asList(n.args[0])
	switch n.name {
	case "map", "reduce":
		b := &ast.BuiltinNode{Name: n.name, Arguments: []ast.Node{list, &ast.PredicateNode{Node: w.write(n.args[1])}}}
		b.Arguments = append(b.Arguments, w.all(n.args[2:])...)
		return b
	case "sum":
		mapped := &ast.BuiltinNode{Name: "map", Arguments: []ast.Node{list, &ast.PredicateNode{Node: w.write(n.args[1])}}}
		return w.call(func(args []any) (any, error) { return foldNative(foldSum, args), nil }, mapped)
	case "sortBy":
		return w.sortBy(n, list)
	}
	b := &ast.BuiltinNode{Name: n.name, Arguments: []ast.Node{list, &ast.PredicateNode{Node: w.truth(n.args[1])}}}
	switch n.name {
	case "count", "findIndex", "findLastIndex":
		return w.number(b)
	}
	return b
}

func (w *writer) sortBy(n *node, list ast.Node) ast.Node {
	body := w.call(func(args []any) (any, error) { return pair{args[0], args[1]}, nil }, &ast.PointerNode{}, w.write(n.args[1]))
	pairs := &ast.BuiltinNode{Name: "map", Arguments: []ast.Node{list, &ast.PredicateNode{Node: body}}}
	descending := false
	if len(n.args) == 3 {
		descending = n.args[2].value.Text == "desc"
	}
	return w.call(func(args []any) (any, error) {
		var ps []pair
		for _, p := range args[0].([]any) {
			ps = append(ps, p.(pair))
		}
		return sorted(ps, descending), nil
	}, pairs)
}

// foldNative folds lists, single values and nil of the machine.
func foldNative(what folding, args []any) any {
	if what == foldFirst || what == foldLast {
		return endOf(what, args[0])
	}
	c := scratches.Get().(*scratch)
	c.fold.begin(what)
	for _, a := range args {
		list, ok := a.([]any)
		if !ok {
			c.fold.addNative(a)
		}
		for _, x := range list {
			c.fold.addNative(x)
		}
	}
	v := c.fold.result()
	c.free()
	return native(v)
}

// endOf is the first or last value of a list that is not nil.
func endOf(what folding, x any) any {
	list, ok := x.([]any)
	if !ok {
		return x
	}
	for i := range list {
		if what == foldLast {
			i = len(list) - 1 - i
		}
		if list[i] != nil {
			return list[i]
		}
	}
	return nil
}
