package expr

import "weir/cep"

// MayBeNil reports whether an expression can give nil though nothing in it fails: it
// reads a field that missing says events may be without, takes what a list has no value
// for, or an element that is not there. An expression that is wrong gives false.
func MayBeNil(text string, env Env, missing func(FieldOf) bool) bool {
	env.Aggregate = nil
	n, err := lower(text, &env)
	if err != nil {
		return false
	}
	return n.mayBeNil(missing)
}

func (n *node) mayBeNil(missing func(FieldOf) bool) bool {
	some := func(parts []*node) bool {
		for _, a := range parts {
			if a != nil && a.mayBeNil(missing) {
				return true
			}
		}
		return false
	}
	switch n.op {
	case opConst:
		return n.native == nil && n.value.Kind == cep.Nil
	case opField:
		for _, f := range fieldsOf(n) {
			if missing(f) {
				return true
			}
		}
		return false
	case opNot, opAnd, opOr, opEqual, opCompare, opIn, opTest, opMatches, opList, opMap, opCaptured:
		return false
	case opCoalesce:
		return n.args[0].mayBeNil(missing) && n.args[1].mayBeNil(missing)
	case opCond:
		return some(n.args[1:])
	case opLet:
		return n.args[1].mayBeNil(missing)
	case opIndex, opMember:
		return true
	case opLookup:
		if n.name == "list_value" {
			return len(n.args) == 1 || n.args[1].mayBeNil(missing)
		}
	case opFold:
		if n.folding == foldCount || n.folding == foldSum || n.folding == foldDistinct {
			return false
		}
	}
	return some(n.args)
}
