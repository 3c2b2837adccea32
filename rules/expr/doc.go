// Package expr compiles the expressions of rules: conditions, measures, scores
// and messages.
//
// An expression is written in expr-lang or in CEL (Env.Lang). Each is parsed by its
// own parser; what is written in CEL is then put into the syntax tree that
// expr-lang has for the same (cel.go). So there is one language with two
// spellings: names, types, functions, nil, bounds and errors are the same in both.
//
// The tree is lowered to one of this package in which every name is resolved,
// every operation checked against the types of the fields, and every part that is
// constant worked out (lower.go). It runs on one of two executors:
//
//   - closures over the slots of an event (closure.go): no allocation, a few
//     nanoseconds for each part; they know scalars and the list functions over
//     captured values;
//   - expr-lang's virtual machine (machine.go): everything, predicates, lists
//     and maps included.
//
// Both call the same functions for everything that has a meaning (scalar.go,
// fold.go, function.go), so they agree on every value, nil included; the tests
// hold them to it. The closures are taken where they can run the expression.
//
// The guarantees:
//
//   - An expression is a pure function of its Scope: it reads no clock, no
//     random numbers and nothing of the host's time zones: the zone database is
//     embedded (zoneinfo).
//   - It never panics. What the language calls nil is nil; what is still an error
//     while it runs (a list of more than 1,000 elements in a loop, the memory
//     budget) gives nil too, and is told to Env.Fault.
//   - What it can cost is bounded when it is compiled.
//   - The functions made may be called by several goroutines at once.
//
// From the same tree come the reasons of a condition (why.go) and what it does with
// fields (uses.go).
//
// Nothing else in Weir imports expr-lang or cel-go.
package expr
