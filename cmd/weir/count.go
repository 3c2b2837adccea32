package main

import (
	"fmt"
	"strconv"

	"github.com/alecthomas/kong"
)

// count is a flag that counts from 1.
type count int

// Decode reads the flag.
func (c *count) Decode(ctx *kong.DecodeContext) error {
	const what = "a whole number from 1"
	text, err := flagValue(ctx, what)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return fmt.Errorf("it needs %s, not %q", what, text)
	}
	*c = count(n)
	return nil
}
