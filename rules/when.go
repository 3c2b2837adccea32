package rules

import (
	"fmt"

	"weir/cep"
	"weir/nfa"
	"weir/rules/source"
)

// form is what a rule matches by.
type form uint8

const (
	byPattern form = iota
	byWhen         // one event for which a condition holds
	byClose        // the end of a window of a feature
)

// formKeys are the keys that say the form of a rule.
var formKeys = [...]string{byPattern: "pattern", byWhen: "when", byClose: "window_close"}

// form gives what the rule matches by. Of several that are said it is the first; where
// none is, it is the one that was meant, or else a pattern.
func (d *draft) form() form {
	for f, key := range formKeys {
		if _, ok := d.entries[key]; ok {
			return form(f)
		}
	}
	for f, key := range formKeys {
		if !d.at.Lacks(key, ruleKeys) {
			return form(f)
		}
	}
	if _, ok := d.entries["edge"]; ok {
		return byWhen
	}
	return byPattern
}

// eventVar is what a rule with `when` captures its event as.
const eventVar = "event"

// unfit says why a key does not go with a form, and what to write instead.
type unfit struct{ why, hint string }

const (
	aboutOpen = " is about open matches, and there are none without a pattern"
	lookBack  = "to look back declare a feature, as in `features: {in_1h: {on: payment, key: card_id, value: count(), over: 1h}}`, and write `when: in_1h > 5`"
)

// unfits are the keys that a rule of a form cannot have.
var unfits = [...]map[string]unfit{
	byPattern: {
		"edge":     {"`edge` looks at one event and the one before it: it goes with `when`", "write `when: CONDITION` in place of the pattern, or `throttle: 1h` to alert less often"},
		"evidence": {"a pattern captures its evidence: `evidence` goes with `when` and `window_close`", "remove it"},
	},
	byWhen: {
		"define":  {"`when` has no variables that could be defined", "write the condition behind `when`"},
		"within":  {"`within` is the time from the first event of a match to its last, and `when` matches on one event", lookBack},
		"gap":     {"`gap` is the time between the events of a match, and `when` matches on one event", lookBack},
		"skip":    {"`skip`" + aboutOpen, "to alert less often write `edge: true`, or `throttle: 1h`"},
		"emit":    {"`emit`" + aboutOpen, "remove it"},
		"limit":   {"`limit`" + aboutOpen, "remove it"},
		"timeout": {"a match of one event cannot run out of time, so there is no `timeout`", "remove it"},
		"unless":  {"`unless` ends open matches, and there are none without a pattern", "make it a part of the condition: `when: A && !(B)`"},
	},
	byClose: {
		"on":      {"the rule is on the event types of its feature", "remove `on`"},
		"where":   {"there is no event that `where` could ask: the rule matches when a window ends", "ask it in the feature's `where`, or what the window came to in `having`"},
		"define":  {"`window_close` has no variables that could be defined", "ask what the window came to in `having`"},
		"within":  {"the window of the feature says how long: there is no `within`", "remove it"},
		"gap":     {"`gap` is the time between the events of a match, and here there are none", "remove it"},
		"skip":    {"`skip`" + aboutOpen, "remove it"},
		"emit":    {"`emit`" + aboutOpen, "remove it"},
		"limit":   {"`limit`" + aboutOpen, "remove it"},
		"timeout": {"the end of a window is the match, so there is no `timeout`", "remove it"},
		"unless":  {"`unless` ends open matches, and there are none without a pattern", "ask it in `having`"},
		"edge":    {"`edge` looks at one event and the one before it: it goes with `when`", "remove it"},
	},
}

// unfit reports the keys of the rule that do not go with its form.
func (r *ruleCompiler) unfit() {
	for _, key := range formKeys[r.form+1:] {
		e, ok := r.draft.entries[key]
		if !ok {
			continue
		}
		first := formKeys[r.form]
		r.Add(e.Key.Place(), source.CodeValue, fmt.Sprintf("a rule matches by one of `pattern`, `when` and `window_close`, and this one has `%s`", first),
			fmt.Sprintf("remove `%s` or `%s`, or make two rules of it", first, key))
		r.faulty[key] = true
		r.suspects[eventVar] = true // whoever meant the other reads it
		r.anyResult = true
	}
	if r.form != byPattern {
		for i := range r.draft.define {
			r.suspects[r.draft.define[i].Name] = true
		}
	}
	for _, key := range sortedKeys(unfits[r.form]) {
		if e, ok := r.draft.entries[key]; ok {
			u := unfits[r.form][key]
			r.Add(e.Key.Place(), source.CodeValue, u.why, u.hint)
			r.faulty[key] = true
		}
	}
}

// eventPattern is the pattern of a rule with `when`: one event.
var eventPattern = func() *nfa.Pattern {
	p, err := nfa.Parse(eventVar, func(string) (nfa.Param, bool) { return nfa.Param{}, false })
	if err != nil {
		panic(err) // it is a constant
	}
	return p
}()

// capture makes the rule one that captures a single event.
func (r *ruleCompiler) capture() {
	r.pattern, r.listsSure = eventPattern, true
	r.rule.Names = eventPattern.Names()
	r.scopes = []*scope{r.events}
	r.watch("edge", func() { r.rule.Edge = r.choice(r.draft, "edge", booleans, "false") == "true" })
}

// when compiles the condition of a rule that has no pattern.
func (r *ruleCompiler) when() {
	def, cond := Definition{}, cep.Cond{}
	if e, ok := r.require(r.draft, "when"); ok {
		if t, ok := r.Text(e.Value, "`when`"); ok {
			env := r.env("when", r.events, true)
			env.Vars = nil // in the condition `event` is the current event
			def.Where = &Expression{Text: t, Env: env}
			if r.compileCond(t, env, &cond, r.events) {
				r.possible(def.Where, r.events)
			}
		}
	}
	r.rule.Conds, r.about.Names, r.about.When = []cep.Cond{cond}, []Definition{def}, def.Where
}
