package expr

import (
	"slices"
	"strings"

	"weir/cep"
)

// kinds is a set of kinds that a value may have beside nil, which every value
// may be. The empty set is what can only be nil.
type kinds uint16

const (
	kBool     = kinds(1) << cep.Bool
	kNumber   = kinds(1) << cep.Number
	kText     = kinds(1) << cep.Text
	kTime     = kinds(1) << cep.Time
	kDuration = kinds(1) << cep.Duration
	kList     = kinds(1) << cep.List
	kMap      = kinds(1) << cep.Map
	kEvent    = kinds(1) << (cep.Map + 1)

	kScalar = kBool | kNumber | kText | kTime | kDuration
	kData   = kScalar | kList | kMap // what a field may be
	kAny    = kData | kEvent
)

// kindNames are the words for kinds in messages, by bit.
var kindNames = []string{"nil", "bool", "number", "string", "time", "duration", "list", "map", "event"}

func setOf(k cep.Kind) kinds {
	if k == cep.Nil {
		return 0
	}
	return kinds(1) << k
}

// only gives the kind of a set of one; Nil for any other.
func (k kinds) only() cep.Kind {
	for v := cep.Bool; v <= cep.Map; v++ {
		if k == setOf(v) {
			return v
		}
	}
	return cep.Nil
}

func (k kinds) has(v cep.Kind) bool { return v != cep.Nil && k>>v&1 == 1 }

func (k kinds) String() string {
	if k == 0 {
		return "nil"
	}
	if k == kAny || k == kData {
		return "any value"
	}
	var names []string
	for i, n := range kindNames {
		if k>>i&1 == 1 {
			names = append(names, n)
		}
	}
	return strings.Join(names, " or ")
}

// each calls f for every pair of kinds of two sets, events left out.
func each(a, b kinds, f func(a, b cep.Kind)) {
	for x := cep.Bool; x <= cep.Map; x++ {
		for y := cep.Bool; y <= cep.Map; y++ {
			if a.has(x) && b.has(y) {
				f(x, y)
			}
		}
	}
}

// typ is what is known of a value before it is computed.
type typ struct {
	k    kinds
	elem *typ  // of a list; nil: not known
	vars []int // of an event or a list of them: the variables it may stand for; nil: not known
}

var (
	anyType  = typ{k: kAny}
	dataType = typ{k: kData, elem: &typ{k: kData}} // of a field: no event lies in it
	boolType = typ{k: kBool}
	numType  = typ{k: kNumber}
	textType = typ{k: kText}
)

func listOf(elem typ) typ { return typ{k: kList, elem: &elem, vars: elem.vars} }

// element is the type of the elements of t.
func (t typ) element() typ {
	if t.elem == nil {
		return typ{k: kAny, vars: t.vars}
	}
	return *t.elem
}

// either is the type of a value that has type a or b.
func either(a, b typ) typ {
	t := typ{k: a.k | b.k}
	if a.k&(kEvent|kList) == 0 {
		t.vars = b.vars
	} else if b.k&(kEvent|kList) == 0 {
		t.vars = a.vars
	} else if a.vars != nil && b.vars != nil {
		t.vars = slices.Clone(a.vars)
		for _, v := range b.vars {
			if !slices.Contains(t.vars, v) {
				t.vars = append(t.vars, v)
			}
		}
	}
	switch {
	case a.k&kList == 0:
		t.elem = b.elem
	case b.k&kList == 0:
		t.elem = a.elem
	case a.elem != nil && b.elem != nil:
		e := either(*a.elem, *b.elem)
		t.elem = &e
	}
	return t
}
