// Package source reads the files of a ruleset as YAML and finds what is wrong in
// them, each finding with its place.
//
// YAML is read down to nodes only, and what it would turn into something else than
// it says is refused (document.go). Mappings are read by their known keys, scalars
// as their text (mapping.go). A finding has a place in the file, also inside an
// expression: scalar.go finds the bytes of a value again that YAML has unfolded and
// unescaped.
//
// The YAML reader stops at its first error. Such a text is mended at the place of
// the error (broken.go says how it may be) and read again, so that what else is
// wrong in the file is found too; places are those of the text as it was given
// (mend.go). Size, nesting and what brackets hold are bounded (bounds.go).
//
// A caller gathers what it finds itself with Findings.Add and Findings.Fault,
// beside what the methods of this package find; nothing stops at the first.
package source
