package main

import (
	"fmt"
	"strings"

	"weir/cep"
	"weir/cep/outcome"
)

// decisionCounts are how many decisions there were, by their action.
type decisionCounts struct {
	Allow     uint64 `json:"allow"`
	Review    uint64 `json:"review"`
	Challenge uint64 `json:"challenge"`
	Block     uint64 `json:"block"`
}

func (c *decisionCounts) of(a outcome.Action) *uint64 {
	switch a {
	case outcome.Review:
		return &c.Review
	case outcome.Challenge:
		return &c.Challenge
	case outcome.Block:
		return &c.Block
	}
	return &c.Allow
}

func (c *decisionCounts) add(all []cep.Decision) {
	for i := range all {
		*c.of(all[i].Action)++
	}
}

// String lists the actions that there were, the strictest first.
func (c *decisionCounts) String() string {
	var parts []string
	for a := outcome.Block + 1; a > outcome.Allow; {
		a--
		if n := *c.of(a); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, a))
		}
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// writeDecisions writes decisions, if they are wanted.
func (o *outputs) writeDecisions(all []cep.Decision) error {
	if o.decisions == nil {
		return nil
	}
	for i := range all {
		o.line = append(cep.AppendDecisionJSON(o.line[:0], &all[i]), '\n')
		if _, err := o.decisions.Write(o.line); err != nil {
			return err
		}
	}
	return o.decisions.Flush()
}
