// Package rules compiles the texts of rules to a cep.Ruleset.
//
// A ruleset passes through these steps, each of which goes on after a finding, so
// that all of them come out at once:
//
//   - files are read as YAML (package source);
//   - mappings are read by their known keys (schema.go, params.go, list.go,
//     feature.go, rule.go); the files of lists are read by who compiles (given.go);
//   - features are compiled: their names, types and values are known to rules then;
//   - rules are compiled (program.go, key.go, condition.go): names are resolved,
//     expressions and patterns handed to their compilers, types and fields numbered;
//   - what compiles and hardly means what was meant gets a warning (warn.go lists
//     the kinds).
//
// A mistake has one finding: doubt.go and expression.go keep what follows from it
// from being reported too.
//
// What the tools want to know of a rule beside what runs is in Rule (check.go).
package rules
