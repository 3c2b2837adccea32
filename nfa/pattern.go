package nfa

import "time"

// Pattern is the syntax tree of a pattern text, as Parse gives it.
type Pattern struct {
	Text  string // the text it was parsed from
	Root  *Node
	names []Name
}

// Name is a variable of a pattern. Its index in Pattern.Names is the number
// of its condition (Cond) and, if it captures, of its captures.
type Name struct {
	Text     string
	Pos      int  // byte offset of its first place in the pattern text
	Captures bool // it captures events; otherwise it is only negated or only an until
	List     bool // it can capture more than one event
}

// Names returns the names of the pattern in the order of their first place.
func (p *Pattern) Names() []Name { return p.names }

// Op says what a Node is.
type Op uint8

const (
	OpVar Op = iota // one event: Name
	OpNot           // no such event: Name
	OpSeq           // Subs, each after the first joined by its Link
	OpAlt           // one of Subs
	OpAll           // all of Subs (variables), in any order
)

func (op Op) String() string {
	switch op {
	case OpVar:
		return "var"
	case OpNot:
		return "not"
	case OpSeq:
		return "seq"
	case OpAlt:
		return "alt"
	case OpAll:
		return "all"
	}
	panic("nfa: unknown Op")
}

// Node is an element of the syntax tree: a variable, a negation, or a group
// with the links and the quantifier that belong to it.
type Node struct {
	Op   Op
	Pos  int // byte offset where it begins
	End  int // byte offset behind its last byte
	Name int // OpVar, OpNot: index in Pattern.Names
	Subs []*Node

	Link   Link          // how it follows what stands before it; unused for the first of a sequence
	Repeat Repeat        // how often; {1,1} where nothing is written
	Round  Link          // how a round follows the round before
	Until  int           // index in Pattern.Names of the name after until, or -1
	Window time.Duration // `within` on the element; 0: none
}

// Repeat is a quantifier.
type Repeat struct {
	Min, Max int  // Max < 0: without upper bound; Min >= 1
	Optional bool // it may be left out
	Greedy   bool // an event that the loop can take is not given to what comes after
}

// LinkKind is one of the three ways in which an event follows another.
type LinkKind uint8

const (
	Follow LinkKind = iota // `->`: the first event that fits
	Next                   // `,`: the very next event
	Any                    // `->>`: any later event that fits
)

func (k LinkKind) String() string {
	switch k {
	case Follow:
		return "->"
	case Next:
		return ","
	case Any:
		return "->>"
	}
	panic("nfa: unknown LinkKind")
}

// Link joins an element to what was captured before it. The bounds are on the
// time between the two events: Least <= t < Limit.
type Link struct {
	Kind  LinkKind
	Least time.Duration // 0: none
	Limit time.Duration // 0: none
	Pos   int           // byte offset of the link; -1 where nothing is written and `->` is implied
	End   int           // byte offset behind its last byte
}

// Error is a fault in a pattern text.
type Error struct {
	Pos, End int      // byte offsets of the text at fault; Pos == End at the end of the text
	Msg      string   // what is wrong
	Hint     string   // what was expected or what to write instead; may be empty
	More     []*Error // what else is wrong in the text, for reasons of its own; they have no More
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Msg
	}
	return e.Msg + "; " + e.Hint
}
