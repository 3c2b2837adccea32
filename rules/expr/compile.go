package expr

import (
	"fmt"

	"weir/cep"
)

// CompileCond compiles a condition on an event. Its parts, joined by && at the
// top, are put into Event or Captured by what they read; parts FIELD == constant
// also stand in Equals. Types is left to the caller. The error is an *Error.
func CompileCond(text string, env Env) (cep.Cond, error) {
	n, err := lowerBool(text, &env)
	if err != nil {
		return cep.Cond{}, err
	}
	var c cep.Cond
	var own, captured []boolFunc
	for _, part := range conjuncts(nil, n) {
		f, err := condition(part, &env)
		if err != nil {
			return cep.Cond{}, internal(text, err)
		}
		if part.reads() {
			captured = append(captured, f)
			continue
		}
		own = append(own, f)
		if e, ok := equality(part); ok {
			c.Equals = append(c.Equals, e)
		}
	}
	c.Event, c.Captured = every(own), every(captured)
	return c, nil
}

// CompileBool compiles a condition without a current event, like `having`, or
// one that needs no parts. Nil is false. The error is an *Error.
func CompileBool(text string, env Env) (func(*cep.Scope) bool, error) {
	n, err := lowerBool(text, &env)
	if err != nil {
		return nil, err
	}
	f, err := condition(n, &env)
	if err != nil {
		return nil, internal(text, err)
	}
	return f, nil
}

// CompileValue compiles an expression of any value, like a measure. A list or
// map is given as its JSON. The error is an *Error.
func CompileValue(text string, env Env) (func(*cep.Scope) cep.Value, error) {
	f, _, err := CompileMeasure(text, env)
	return f, err
}

// CompileMeasure is CompileValue, and says of which kind the values are; Nil: it may
// be one of several.
func CompileMeasure(text string, env Env) (f func(*cep.Scope) cep.Value, kind cep.Kind, err error) {
	n, err := lower(text, &env)
	if err != nil {
		return nil, cep.Nil, err
	}
	if k := n.typ.k; k == kEvent || k == kList && n.typ.elem != nil && n.typ.elem.k == kEvent {
		field := text[n.pos:n.end] + ".amount"
		if k == kList && n.op != opEvents {
			field = env.Lang.field(text[n.pos:n.end], "amount")
		}
		return nil, cep.Nil, &Error{Pos: n.pos, End: n.end, Msg: "an event is no value", Hint: "name a field, as in " + tick(field)}
	}
	if f, err = result(n, &env); err != nil {
		return nil, cep.Nil, internal(text, err)
	}
	return f, n.typ.k.only(), nil
}

// CompileNumber compiles an expression that is a number, like a score: one that
// never is a number is refused, and what is none when it runs is nil. The error
// is an *Error.
func CompileNumber(text string, env Env) (func(*cep.Scope) cep.Value, error) {
	n, err := lower(text, &env)
	if err != nil {
		return nil, err
	}
	if n.typ.k&kNumber == 0 {
		return nil, &Error{Pos: n.pos, End: n.end, Msg: "a number is expected, this is " + article(n.typ.k)}
	}
	f, err := result(n, &env)
	if err != nil {
		return nil, internal(text, err)
	}
	return func(s *cep.Scope) cep.Value {
		if v := f(s); v.Kind == cep.Number {
			return v
		}
		return cep.Value{}
	}, nil
}

// internal is an error of expr-lang's compiler on a tree that Weir wrote.
func internal(text string, err error) error {
	return &Error{Pos: 0, End: len(text), Msg: fmt.Sprintf("the expression cannot be compiled: %v", err)}
}

// lowerBool lowers an expression that must be able to be true.
func lowerBool(text string, env *Env) (*node, error) {
	n, err := lower(text, env)
	if err != nil {
		return nil, err
	}
	if n.typ.k&kBool == 0 {
		hint := ""
		if n.typ.k != 0 && n.typ.k != kEvent {
			hint = "compare it, as in " + text[n.pos:n.end] + " != " + env.Lang.null()
		}
		return nil, &Error{Pos: n.pos, End: n.end, Msg: "a condition is true or false, this is " + article(n.typ.k), Hint: hint}
	}
	return n, nil
}

// conjuncts appends the parts of n that && joins.
func conjuncts(parts []*node, n *node) []*node {
	if n.op != opAnd {
		return append(parts, n)
	}
	return conjuncts(conjuncts(parts, n.args[0]), n.args[1])
}

// condition chooses the executor of a condition: closures where they can.
func condition(n *node, env *Env) (boolFunc, error) {
	if err := register(n, env); err != nil {
		return nil, err
	}
	if !env.machine {
		if f, ok := truth(n); ok {
			return f, nil
		}
	}
	f, err := machine(n, env.Fault)
	if err != nil {
		return nil, err
	}
	return func(s *cep.Scope) bool { return f(s) == true }, nil
}

// result chooses the executor of a value.
func result(n *node, env *Env) (valueFunc, error) {
	if err := register(n, env); err != nil {
		return nil, err
	}
	if !env.machine {
		if f, ok := closure(n); ok {
			return func(s *cep.Scope) cep.Value { return settle(f(s)) }, nil
		}
	}
	f, err := machine(n, env.Fault)
	if err != nil {
		return nil, err
	}
	return func(s *cep.Scope) cep.Value {
		v := value(f(s))
		if v.Kind == cep.Number {
			return settle(v)
		}
		return v
	}, nil
}

// equality gives what a part FIELD == constant, or a field that is a condition
// by itself, says for dispatch.
func equality(n *node) (cep.Equality, bool) {
	if f, ok := n.own(); ok {
		return cep.Equality{Field: f, Value: cep.BoolValue(true)}, true
	}
	if n.op != opEqual {
		return cep.Equality{}, false
	}
	a, b, _ := sides(n)
	f, own := a.own()
	v, constant := b.constant()
	if !own || !constant || !(kText | kNumber | kBool).has(v.Kind) || v.Kind == cep.Number && a.typ.k&kNumber == 0 {
		return cep.Equality{}, false
	}
	return cep.Equality{Field: f, Value: settle(v)}, true
}

// every is the condition that all of fs hold; nil if there are none.
func every(fs []boolFunc) boolFunc {
	switch len(fs) {
	case 0:
		return nil
	case 1:
		return fs[0]
	case 2:
		a, b := fs[0], fs[1]
		return func(s *cep.Scope) bool { return a(s) && b(s) }
	case 3:
		a, b, c := fs[0], fs[1], fs[2]
		return func(s *cep.Scope) bool { return a(s) && b(s) && c(s) }
	}
	return func(s *cep.Scope) bool {
		for _, f := range fs {
			if !f(s) {
				return false
			}
		}
		return true
	}
}
