// Package rules compiles the texts of rules to a cep.Ruleset.
//
// A ruleset passes through these steps, each of which goes on after a finding, so
// that all of them come out at once:
//
//   - files are read as YAML (package source);
//   - mappings are read by their known keys (schema.go, params.go, rule.go);
//   - rules are compiled (program.go, key.go): names are resolved, expressions
//     and patterns handed to their compilers, types and fields numbered.
//
// What the tools want to know of a rule beside what runs is in Rule (check.go).
package rules
