package outcome

import (
	"cmp"
	"slices"
	"strings"
)

// Contribution is what one rule gives to the decision on an event: a match that the
// event completed, or a hold that an earlier match left on its key.
type Contribution struct {
	Rule     string // id
	Revision int
	Score    int // 0 to MaxScore; what lies outside counts as the nearer of the two
	Action   Action
	Hold     bool // by a hold, not by a match of this event
}

// Reason is a rule in an Outcome, all its contributions taken together.
type Reason struct {
	Rule     string // id
	Revision int    // of its highest score; among equal ones of a match before a hold, then the latest
	Score    int    // the highest
	Action   Action // the strictest
	Hold     bool   // by holds alone
}

// Outcome is the decision on an event.
type Outcome struct {
	Score   int      // combined, 0 to MaxScore
	Action  Action   // the strictest of the rules and of ByScore
	ByScore Action   // what the policy asks for at this score
	Reasons []Reason // the strictest action first, then the highest score, then by rule id; nil: no rule
}

// Decide makes one Outcome of what the rules give. A rule counts once, with its
// highest score. The combined score is rounded to a whole number before an action
// follows from it, so what is shown is what was compared. Without contributions it is
// allow, 0. The order of the contributions does not matter; they are not changed.
func Decide(p Policy, all []Contribution) Outcome {
	var o Outcome
	o.Reasons = merge(all)
	slices.SortFunc(o.Reasons, func(a, b Reason) int { return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(a.Rule, b.Rule)) })
	o.Score = p.Combine.combine(o.Reasons)
	slices.SortStableFunc(o.Reasons, func(a, b Reason) int { return cmp.Compare(b.Action, a.Action) })
	if len(o.Reasons) > 0 {
		o.ByScore = p.Action(o.Score)
		o.Action = max(o.ByScore, o.Reasons[0].Action)
	}
	return o
}

// merge makes one Reason of the contributions of each rule.
func merge(all []Contribution) []Reason {
	if len(all) == 0 {
		return nil
	}
	sorted := slices.Clone(all)
	for i := range sorted {
		sorted[i].Score = min(max(sorted[i].Score, 0), MaxScore)
	}
	slices.SortFunc(sorted, func(a, b Contribution) int {
		return cmp.Or(strings.Compare(a.Rule, b.Rule), cmp.Compare(b.Score, a.Score), compareHold(a.Hold, b.Hold), cmp.Compare(b.Revision, a.Revision))
	})
	reasons := make([]Reason, 0, len(sorted))
	for _, c := range sorted {
		if n := len(reasons); n > 0 && reasons[n-1].Rule == c.Rule {
			r := &reasons[n-1]
			r.Action = max(r.Action, c.Action)
			r.Hold = r.Hold && c.Hold
			continue
		}
		reasons = append(reasons, Reason(c))
	}
	return reasons
}

// compareHold puts matches before holds.
func compareHold(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
