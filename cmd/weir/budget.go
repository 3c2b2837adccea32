package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"weir/cep"
)

// size is a number of bytes, more than 0.
type size int64

// Decode reads the flag.
func (s *size) Decode(ctx *kong.DecodeContext) error {
	text, err := flagValue(ctx, "a size, like 4GB")
	if err != nil {
		return err
	}
	n, err := parseSize(text)
	if err == nil && n == 0 {
		err = errors.New("it has to be more than 0; leave the flag out for no bound")
	}
	*s = size(n)
	return err
}

// share is what a rule or a feature takes of the state.
type share struct {
	Kind    string `json:"kind"` // rule or feature
	Name    string `json:"name"`
	Bytes   int64  `json:"bytes"`
	Closed  bool   `json:"closed"`  // to new keys, now
	Refused uint64 `json:"refused"` // events
}

// String says it in short.
func (s *share) String() string {
	text := fmt.Sprintf("%s %s (%s", s.Kind, s.Name, bytesText(uint64(s.Bytes)))
	if s.Closed {
		text += ", closed to new keys"
	}
	return text + ")"
}

// sharesOf are those of all rules and features, the heaviest first. rules and features are
// their names.
func sharesOf(rules, features []string, s *cep.Stats) []share {
	var all []share
	for i, p := range s.State.Rules[:min(len(rules), len(s.State.Rules))] {
		all = append(all, share{"rule", rules[i], p.Bytes, p.Closed, s.Rules[i].Refused})
	}
	for i, p := range s.State.Features[:min(len(features), len(s.State.Features))] {
		all = append(all, share{"feature", features[i], p.Bytes, p.Closed, s.Features[i].Refused})
	}
	slices.SortStableFunc(all, func(a, b share) int { return int(min(max(b.Bytes-a.Bytes, -1), 1)) })
	return all
}

// shownShares is the number of rules and features that are named.
const shownShares = 3

// heaviest names those that take most of the state, and all that are closed.
func heaviest(all []share) string {
	var texts []string
	for i := range all {
		if s := &all[i]; s.Closed || i < shownShares && s.Bytes > 0 {
			texts = append(texts, s.String())
		}
	}
	return strings.Join(texts, ", ")
}

// budgetWarning is what /readyz says of the budget; empty: nothing, as the state is not near
// to it.
func budgetWarning(s *cep.Stats, all []share) string {
	closed := slices.ContainsFunc(all, func(x share) bool { return x.Closed })
	if !s.State.Near() && !closed {
		return ""
	}
	text := fmt.Sprintf("the state takes about %s of a budget of %s (state.budget), most of it %s", bytesText(uint64(s.State.Bytes)), bytesText(uint64(s.State.Budget)), heaviest(all))
	if closed {
		refused := uint64(0)
		for i := range all {
			refused += all[i].Refused
		}
		text += fmt.Sprintf("; new keys of what is closed are refused, %s so far", amount(refused, "event", "events"))
	}
	return text
}

// closings says in short what stands in the way of new keys, to tell changes.
func closings(s *cep.Stats, all []share) string {
	text := "far"
	if s.State.Near() {
		text = "near"
	}
	for i := range all {
		if all[i].Closed {
			text += " " + all[i].Kind + ":" + all[i].Name
		}
	}
	return text
}

// tellBudget writes to the log that the state has come near to its budget, or away from it,
// and when what is closed to new keys has changed.
func (v *service) tellBudget() {
	r := v.loop.Rules()
	if r == nil {
		return
	}
	l := v.loop.Status()
	rules, features := v.health.names(r)
	all := sharesOf(rules, features, &l.Stats)
	slices.SortFunc(all, func(a, b share) int { return strings.Compare(a.Kind+a.Name, b.Kind+b.Name) })
	now := closings(&l.Stats, all)
	if before := v.health.budget; now == before || before == "" && now == "far" {
		return
	}
	v.health.budget = now
	if now == "far" {
		v.log.Info("the state is far from its budget again: all rules and features take new keys", "bytes", l.Stats.State.Bytes, "budget", l.Stats.State.Budget)
		return
	}
	v.log.Warn("the state is near its budget", "text", budgetWarning(&l.Stats, sharesOf(rules, features, &l.Stats)))
}

// stateSummary is what a run with a budget says of the state.
type stateSummary struct {
	Budget int64   `json:"budget"`
	Bytes  int64   `json:"bytes"`  // about so many were kept when it was weighed last
	Shares []share `json:"shares"` // the heaviest first
}

// stateOf says what the state takes; nil: there is no budget.
func stateOf(rules *cep.Ruleset, s *cep.Stats) *stateSummary {
	if s.State.Budget == 0 {
		return nil
	}
	ids, features := namesIn(rules)
	return &stateSummary{s.State.Budget, s.State.Bytes, sharesOf(ids, features, s)}
}

// namesIn are the ids of the rules and the names of the features.
func namesIn(rules *cep.Ruleset) (ids, features []string) {
	for _, r := range rules.Rules {
		ids = append(ids, r.Name())
	}
	for _, f := range rules.Features {
		features = append(features, f.Name)
	}
	return ids, features
}

// rows writes what is not as it should be with the budget.
func (s *stateSummary) rows(row func(name, format string, args ...any)) {
	if s == nil {
		return
	}
	if s.Bytes >= s.Budget/10*9 || slices.ContainsFunc(s.Shares, func(x share) bool { return x.Closed }) {
		row("budget", "the state takes about %s of %s, most of it %s", bytesText(uint64(s.Bytes)), bytesText(uint64(s.Budget)), heaviest(s.Shares))
	}
	for _, x := range s.Shares {
		if x.Refused > 0 {
			row("refused", "%s %s: %s not taken in, as their keys were new and it was closed to these (--budget)", x.Kind, x.Name, amount(x.Refused, "event was", "events were"))
		}
	}
}
