package main

import (
	"errors"

	"github.com/alecthomas/kong"
)

// file is a flag that names a file.
type file string

// Decode reads the flag. An empty name, as an unset variable of a shell gives
// it, is no name.
func (f *file) Decode(ctx *kong.DecodeContext) error {
	name, err := flagValue(ctx, "the name of a file")
	if err != nil {
		return err
	}
	if name == "" {
		return errors.New("the name of the file is empty")
	}
	*f = file(name)
	return nil
}

// files is a flag that takes every value up to the next flag, and may be
// repeated: --events a.ndjson b.ndjson.
type files []string

// Decode reads the values behind one mention of the flag. A value behind `=`
// stands alone.
func (f *files) Decode(ctx *kong.DecodeContext) error {
	alone := ctx.Scan.Peek().Type == kong.FlagValueToken
	for {
		var name file
		if err := name.Decode(ctx); err != nil {
			return err
		}
		*f = append(*f, string(name))
		if alone || !ctx.Scan.Peek().IsValue() {
			return nil
		}
	}
}
