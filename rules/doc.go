// Package rules compiles the texts of rules to a cep.Ruleset.
//
// A ruleset passes through these steps, each of which goes on after a finding, so
// that all of them come out at once:
//
//   - files are read as YAML (package source);
//   - mappings are read by their known keys (compile.go: those of a ruleset;
//     schema.go, params.go, list.go, feature.go; draft.go: those of a rule,
//     definition.go: of `define`); the files of lists are read by who compiles
//     (given.go);
//   - derived fields are compiled (derive.go), each of which reads those above it; those
//     that something reads once more at the end, with the numbers of what they read;
//   - features are compiled: their names, types and values are known to rules then;
//   - rules are put into an order in which each comes after those whose matches it is
//     on (alert.go): of these it sees the key and the measures as fields of a type;
//   - rules are compiled (rule.go, in this order: pattern.go, or when.go and closing.go
//     for those without one, definition.go, key.go, condition.go): names are resolved,
//     expressions (expression.go) and patterns handed to their compilers, types and
//     fields numbered (scope.go, numbering.go);
//   - rules that run are put into layers (layer.go);
//   - what compiles and hardly means what was meant gets a warning (warn.go calls
//     all: tail.go W1 and W3, loop.go W2 and W7, join.go W4, pair.go W5, window.go
//     W6, missing.go W8, least.go, undeclared.go, unused.go).
//
// A mistake has one finding, and none hides another: doubt.go and expression.go keep
// what follows from one from being reported too.
//
// What the tools want to know of a rule beside what runs is in Rule (check.go).
package rules
