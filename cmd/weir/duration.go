package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/alecthomas/kong"

	"weir/nfa"
)

// duration is a flag in Weir's units, from 0s.
type duration time.Duration

// Decode reads the flag. Unlike in rules, 0 is a duration here: no lateness.
func (d *duration) Decode(ctx *kong.DecodeContext) error {
	text, err := flagValue(ctx, "a duration, like 10s")
	if err != nil {
		return err
	}
	switch text {
	case "0", "0ms", "0s", "0m", "0h", "0d", "0w":
		*d = 0
		return nil
	}
	parsed, err := nfa.ParseDuration(text)
	if err != nil {
		return err
	}
	*d = duration(parsed)
	return nil
}

// bound is a duration above 0.
type bound duration

// Decode reads the flag.
func (b *bound) Decode(ctx *kong.DecodeContext) error {
	if err := (*duration)(b).Decode(ctx); err != nil {
		return err
	}
	if *b == 0 {
		return errors.New("it has to be longer than 0; leave the flag out for no bound")
	}
	return nil
}

// flagValue gives the value behind a flag that needs one.
func flagValue(ctx *kong.DecodeContext, what string) (string, error) {
	token := ctx.Scan.Peek()
	if token.IsEOL() {
		return "", fmt.Errorf("it needs %s", what)
	}
	if !token.IsValue() {
		return "", fmt.Errorf("it needs %s, not %q", what, token)
	}
	return ctx.Scan.Pop().String(), nil
}
