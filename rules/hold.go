package rules

import (
	"weir/cep/outcome"
	"weir/rules/source"
)

// hold reads how long a match answers for later events of its key.
func (r *ruleCompiler) hold() {
	r.watch("hold", func() { r.rule.Hold = r.span("hold", 0, true) })
	if r.rule.Hold > 0 {
		r.about.hold = r.draft.entries["hold"].Key
	}
}

// warnHolds warns of a `hold` that no decision can tell: its action is the mildest, and
// no action follows from scores.
func (c *compiler) warnHolds(set *Checked) {
	for _, r := range set.Rules {
		byScore := r.Policy != nil && *r.Policy != outcome.Policy{Combine: r.Policy.Combine}
		if r.Hold > 0 && r.Action == outcome.Allow.String() && !byScore {
			c.Warn(r.hold.Place(), source.CodeIdle, "`hold` answers with the action of the rule, which is `allow`: every answer is the same without it",
				"write `action: review`, `challenge` or `block`, or remove `hold`")
		}
	}
}
