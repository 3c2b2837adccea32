package main

import (
	"github.com/alecthomas/kong"

	"weir/cep"
)

// ordering is a flag that says when events are matched: watermark or eager.
type ordering string

// Decode reads the flag.
func (o *ordering) Decode(ctx *kong.DecodeContext) error {
	text, err := flagValue(ctx, "watermark or eager")
	*o = ordering(text)
	return err
}

// order is what the flag stands for.
func (o ordering) order() cep.Order {
	if o == "eager" {
		return cep.EagerOrder
	}
	return cep.WatermarkOrder
}
