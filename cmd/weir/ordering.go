package main

import (
	"fmt"

	"github.com/alecthomas/kong"

	"weir/cep"
)

// ordering is a flag that says when events are matched: watermark or eager.
type ordering string

// Decode reads the flag.
func (o *ordering) Decode(ctx *kong.DecodeContext) error {
	const what = "watermark or eager"
	text, err := flagValue(ctx, what)
	if err == nil && text != "watermark" && text != "eager" {
		err = fmt.Errorf("it needs %s, not %q", what, text)
	}
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
