// Package format writes rule files and test files in their canonical form.
//
// The form:
//
//   - Two spaces indent what is within something else, list entries below their key
//     too. An entry begins behind its `- `, a value behind its `key: `.
//   - Braces and brackets stand as `{a: 1, b: [x, y]}`. What is broken into several
//     lines stays broken where it was, indented; a collection whose first entry
//     begins a line is closed on a line of its own. No comma stands before the end.
//   - A quoted text is written plain where that means the same, else in the quotes
//     that it has: in single ones instead of double ones with an escaped quote or
//     backslash, in double ones where it needs other escapes. It stays quoted before
//     an end-of-line comment: plain, it would look cut off there. What is plain, a
//     text of several lines, and the text of a block (`|`, `>`) stay as they are.
//   - Comments stay where they are. A comment of its own line is indented like the
//     entry after it, or like the entries before it if it was indented as deep as
//     they are. An end-of-line comment stands two spaces behind its text; those of
//     consecutive lines of one depth are aligned, with the lines of a comment that
//     goes on below.
//   - Empty lines stay, at most one in a row; none begins or ends the file. Lines end
//     with a line feed and without spaces. The file has no byte order mark.
//   - Keys stay in their order, expressions and patterns as they were written, lines
//     as long as they are. `---` and directives stay, `...` goes.
//
// Before that, text that YAML misreads is quoted where the findings of packages
// source and rules know how (mend.go).
//
// The text is read as YAML nodes. Whatever lies between the scalars of these is
// punctuation and comments (piece.go), and the printer goes through the nodes and
// these pieces side by side (printer.go). What is written is read again and
// compared: a text that would mean something else, or lose a comment, is an error.
package format
