// Package rules reads the texts of rules and compiles them to a cep.Ruleset.
//
// A ruleset passes through these steps, each of which goes on after a finding, so
// that all of them come out at once:
//
//   - files are read (load.go) and parsed as YAML (document.go), down to nodes
//     only: what YAML would turn into something else than it says is refused;
//   - mappings are read by their known keys (mapping.go, schema.go, params.go,
//     rule.go);
//   - rules are compiled (program.go, key.go): names are resolved, expressions
//     and patterns handed to their compilers, types and fields numbered.
//
// A finding has a place in the file, also inside an expression: scalar.go finds
// the bytes of a value again that YAML has unfolded and unescaped.
package rules
