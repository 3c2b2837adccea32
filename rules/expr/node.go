package expr

import (
	"regexp"
	"time"

	"weir/cep"
)

// op says what a node computes.
type op uint8

const (
	opConst     op = iota // value; a list or map as native
	opField               // field of the event that src says
	opEvent               // the event that src says
	opEvents              // events of the variable index, a list
	opValues              // field of each event of the variable index, a list
	opKey                 // part index of the key
	opMeasure             // measure index
	opFeature             // feature index, of the key args if any, read at place
	opRisk                // risk index
	opLookup              // lookup name of args[0] in list, with the default args[1] if any
	opLocal               // local variable index
	opPointer             // # of the innermost predicate, or #index, #acc: name
	opMember              // args[0].path
	opIndex               // args[0][args[1]]
	opSlice               // args[0][args[1]:args[2]], either bound nil if not written
	opNot                 // not args[0]
	opAnd                 // args[0] && args[1]
	opOr                  // args[0] || args[1]
	opCond                // args[0] ? args[1] : args[2]
	opCoalesce            // args[0] ?? args[1]
	opEqual               // args[0] == args[1]
	opCompare             // args[0] relation args[1]
	opIn                  // args[0] in args[1]
	opTest                // args[0] test args[1]
	opMatches             // args[0] matches pattern
	opCompute             // args[0] operator args[1]
	opNegate              // -args[0]
	opCall                // function of args
	opCalendar            // calendar of args[0] in zone
	opFold                // folding of args
	opAggregate           // folding of aggregate index of the captures
	opCaptured            // how many events the variable index has captured
	opLoop                // predicate function name over list args[0] with body args[1], and args[2] if any
	opLet                 // local variable index is args[0] in args[1]
	opList                // [args...]
	opMap                 // {names[i]: args[i]}
)

// source says which event is meant.
type source uint8

const (
	current source = iota // the current event
	firstOf               // the first event of the variable index
	lastOf                // the last event of the variable index
)

// node is a part of a lowered expression. All names are resolved and all types
// checked; both executors are made from it.
type node struct {
	op       op
	pos, end int // byte offsets in the text
	typ      typ
	args     []*node

	value    cep.Value
	native   any
	src      source
	index    int
	field    cep.FieldID
	dynamic  bool // opValues: no schema declares the field
	spread   bool // opValues: a value that is a list stands for its elements
	name     string
	names    []string
	path     []string // opMember; opField and opValues: of the field
	param    bool     // opConst: it is a param, or worked out of one
	folded   []*node  // opConst: what it was worked out of, if of a param
	relation relation
	operator operator
	test     textTest
	pattern  *regexp.Regexp
	folding  folding
	function *function
	calendar calendar
	zone     *time.Location
	key      string     // opFeature: what tells the keys of reads apart
	place    cep.ReadID // opFeature: what Env.Read gave, once an executor is made
	list     *List
}

// constant gives the value of a constant scalar.
func (n *node) constant() (cep.Value, bool) {
	return n.value, n.op == opConst && n.native == nil
}

// reads reports whether n or a part of it looks at captures.
func (n *node) reads() bool {
	switch n.op {
	case opField, opEvent:
		if n.src != current {
			return true
		}
	case opEvents, opValues, opAggregate, opCaptured:
		return true
	}
	for _, a := range n.args {
		if a != nil && a.reads() {
			return true
		}
	}
	return false
}

// cost is how many steps n takes at most: a part of a predicate as often as a
// list has elements, a walk over a list one step each.
func (n *node) cost() float64 {
	c := 1.0
	for i, a := range n.args {
		switch {
		case a == nil:
		case n.op == opLoop && i == 1:
			c += maxList * a.cost()
		default:
			c += a.cost()
		}
	}
	switch n.op {
	case opEvents, opValues, opFold:
		c += maxList
	case opCall:
		if n.function.list != nil && !n.function.isLength() {
			c += maxList
		}
	}
	return c
}
