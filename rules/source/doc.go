// Package source reads the files of a ruleset as YAML and finds what is wrong in
// them, each finding with its place.
//
// YAML is read down to nodes only, and what it would turn into something else than
// it says is refused (document.go). Mappings are read by their known keys, scalars
// as their text (mapping.go). A finding has a place in the file, also inside an
// expression: scalar.go finds the bytes of a value again that YAML has unfolded and
// unescaped.
//
// A caller gathers what it finds itself with Findings.Add and Findings.Fault,
// beside what the methods of this package find; nothing stops at the first.
package source
