package main

import (
	"errors"

	"github.com/alecthomas/kong"
)

// files is a flag that takes every value up to the next flag, and may be
// repeated: --events a.ndjson b.ndjson.
type files []string

// Decode reads the values behind one mention of the flag. A value behind `=`
// stands alone.
func (f *files) Decode(ctx *kong.DecodeContext) error {
	alone := ctx.Scan.Peek().Type == kong.FlagValueToken
	for {
		if !ctx.Scan.Peek().IsValue() {
			return errors.New("it needs the name of a file")
		}
		var name string
		if err := ctx.Scan.PopValueInto("file", &name); err != nil {
			return err
		}
		*f = append(*f, name)
		if alone || !ctx.Scan.Peek().IsValue() {
			return nil
		}
	}
}
