package format

import (
	"errors"
	"slices"
	"strings"

	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

// Format gives the canonical form of a rule file or a test file. path stands in
// findings. The error is of type source.Errors: what is wrong with the text and
// cannot be mended, or why its form would not mean the same.
func Format(path, text string) (string, error) {
	text, err := mend(path, strings.TrimPrefix(text, "\ufeff"))
	if err != nil {
		return "", err
	}
	before, err := read(path, text)
	if err != nil {
		return "", err
	}
	formatted, err := before.format()
	if err != nil {
		return "", before.refusal(err)
	}
	after, err := read(path, formatted)
	if err != nil {
		return "", before.refusal(err)
	}
	if err := same(before, after); err != nil {
		return "", before.refusal(err)
	}
	return formatted, nil
}

// file is a file without findings, as far as YAML goes.
type file struct {
	*source.Document
	pieces []piece
}

func read(path, text string) (*file, error) {
	var found source.Findings
	doc := found.Parse(path, text)
	if err := found.Err(); err != nil {
		return nil, err
	}
	pieces, ok := split(doc)
	f := &file{doc, pieces}
	if !ok {
		return nil, f.refusal(errors.New("it has parts that belong to no text"))
	}
	return f, nil
}

func (f *file) format() (string, error) {
	p := &printer{src: f.Src, text: f.Src.Text, pieces: f.pieces}
	p.document(f.Root)
	if p.fault != "" {
		return "", errors.New(p.fault)
	}
	return p.String(), nil
}

// refusal is the finding that a file cannot be written in its canonical form.
func (f *file) refusal(why error) error {
	return source.Errors{{
		Severity: source.Error, File: f.Src.Path, Code: source.CodeYAML,
		Msg: "it cannot be formatted and was left as it is: " + why.Error(), Hint: "write that part in a simpler way",
	}}
}

// same says what differs between two files, beside how they are written.
func same(a, b *file) error {
	switch {
	case (a.Root == nil) != (b.Root == nil), a.Root != nil && !sameNode(a.Root, b.Root):
		return errors.New("it would mean something else")
	case !slices.Equal(a.comments(), b.comments()):
		return errors.New("it would lose a comment")
	}
	return nil
}

// sameNode says whether two nodes and those below have the same values.
func sameNode(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.Value == b.Value && a.ShortTag() == b.ShortTag() && slices.EqualFunc(a.Content, b.Content, sameNode)
}

// comments gives the comments of a file in their order, those in headers of block
// scalars too.
func (f *file) comments() []string {
	var all []string
	for _, pc := range f.pieces {
		text := f.Src.Text[pc.from:pc.to]
		switch {
		case pc.kind == comment:
			all = append(all, text)
		case pc.kind == scalar && pc.node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
			if note := blockNote(text); note != "" {
				all = append(all, note)
			}
		}
	}
	return all
}
