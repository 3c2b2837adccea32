package rules

import (
	"fmt"
	"slices"
	"strings"

	"weir/cep"
	"weir/nfa"
	"weir/rules/nearest"
	"weir/rules/source"
)

// AlertPrefix begins the names of types that stand for the matches of rules: alert.RULE.
const AlertPrefix = "alert."

// alertOf gives the rule whose matches a type of events stands for.
func alertOf(typ string) (id string, ok bool) { return strings.CutPrefix(typ, AlertPrefix) }

// given are the fields that every match of a rule has when others read it as an event,
// beside its key and its measures. `id` is that of the alert.
var given = map[string]cep.Kind{"score": cep.Number, "severity": cep.Text}

// taken are the names that neither the key nor a measure of a rule can have whose
// matches others read.
var taken = []string{"score", "severity", "id"}

// readable checks that a text names a type of events, or the matches of a rule.
func (f *findings) readable(t source.Text) bool {
	id, matches := alertOf(t.Value)
	if !matches {
		return f.typeName(t)
	}
	if !isID(id) {
		f.Add(t.Place(), source.CodeName, source.Tick(t.Value)+" names the matches of no rule", "write `alert.` and the id of a rule")
	}
	return isID(id)
}

// sources are the rules whose matches a rule is on, each with where it says so.
func (d *draft) sources() []source.Text {
	return slices.DeleteFunc(slices.Clone(d.on), func(t source.Text) bool { return !strings.HasPrefix(t.Value, AlertPrefix) })
}

// link is that a rule is on the matches of another.
type link struct{ of, reader string }

// linker puts rules into an order in which each comes after those whose matches it
// reads.
type linker struct {
	*compiler
	drafts []*draft
	byID   map[string]int // number of the rule; -1: it is one of several
	state  []visited
	path   []int // from a rule to one that reads its matches, and so on
	order  []int
}

type visited uint8

const (
	notVisited visited = iota
	onPath
	done
)

// link finds the rules whose matches others read, and says in which order rules are
// compiled. What reads its own matches, also through others, is refused.
func (c *compiler) link(drafts []*draft) (order []int) {
	l := linker{compiler: c, drafts: drafts, byID: map[string]int{}, state: make([]visited, len(drafts))}
	for i, d := range drafts {
		if _, twice := l.byID[d.id.Value]; twice {
			i = -1
		}
		l.byID[d.id.Value] = i
	}
	for i := range drafts {
		if l.state[i] == notVisited {
			l.visit(i)
		}
	}
	return l.order
}

// visit puts a rule behind those whose matches it reads.
func (l *linker) visit(i int) {
	l.state[i] = onPath
	l.path = append(l.path, i)
	for _, t := range l.drafts[i].sources() {
		id, _ := alertOf(t.Value)
		of, there := l.byID[id]
		switch {
		case !there:
			l.noRule(t, id)
		case of < 0:
		case l.state[of] == onPath:
			l.circle(t, of)
		case l.state[of] == notVisited:
			l.visit(of)
		}
		if there && of >= 0 {
			l.sources[id] = true
			l.silent(t, l.drafts[i], l.drafts[of])
		}
	}
	l.path = l.path[:len(l.path)-1]
	l.state[i] = done
	l.order = append(l.order, i)
}

// noRule reports alert.RULE of a rule that is not there.
func (l *linker) noRule(t source.Text, id string) {
	_, unnamed := l.byID[""]
	ids := sortedKeys(l.byID)
	if unnamed || l.unsure.rules {
		return
	}
	at := t.Part(len(AlertPrefix), len(t.Value))
	l.Add(at, source.CodeName, "there is no rule "+source.Tick(id), nearest.DidYouMean(id, ids, "name a rule of the ruleset"))
}

// circle reports that the rule at the end of the path is on the matches of one before it.
func (l *linker) circle(t source.Text, of int) {
	var ids []string
	for _, i := range append(slices.Clip(l.path[slices.Index(l.path, of):]), of) {
		ids = append(ids, l.drafts[i].id.Value)
	}
	msg, hint := fmt.Sprintf("the rule %s reads its own matches", source.Tick(ids[0])), "name event types, or another rule"
	if len(ids) > 2 {
		hint = "let one of them be on event types only"
		msg = "the rules go round in a circle, each on the matches of the next: " + strings.Join(ids, " -> ")
	}
	l.Add(t.Place(), source.CodeValue, msg, hint)
	l.circular[link{l.drafts[of].id.Value, l.drafts[l.path[len(l.path)-1]].id.Value}] = true
}

// silent warns of a rule on matches that it never gets.
func (l *linker) silent(t source.Text, reader, of *draft) {
	id := source.Tick(of.id.Value)
	switch {
	case reader.disabled:
	case of.disabled:
		l.Warn(t.Place(), source.CodeSilent, fmt.Sprintf("the rule %s is disabled, so none of its matches comes here", id), "enable it, or disable this rule too")
	case of.shadow && !reader.shadow:
		l.Warn(t.Place(), source.CodeSilent, fmt.Sprintf("the rule %s is in shadow, and its matches come to shadow rules only", id), "make it active, or give this rule the status `shadow` too")
	}
}

// matchType declares what others see of the matches of the rule.
func (r *ruleCompiler) matchType() {
	if !r.compiler.sources[r.rule.ID] {
		return
	}
	name := AlertPrefix + r.rule.ID
	r.matched[name] = r.rule
	if !r.sound("key", "measures", "window_close") || r.anyResult {
		r.schemas[name] = nil
		return
	}
	s := &schema{fields: map[string]cep.Kind{}}
	for name, kind := range given {
		s.fields[name] = kind
	}
	for _, k := range r.rule.Key.Names {
		s.fields[k] = cep.Text
	}
	for i, m := range r.rule.Measures {
		s.fields[m.Name] = r.measureKinds[i]
	}
	r.schemas[name] = s
	r.takenNames()
}

// takenNames refuses what is called like a field that every match has.
func (r *ruleCompiler) takenNames() {
	report := func(at source.Place, name, what string) {
		if slices.Contains(taken, name) {
			r.Add(at, source.CodeName, fmt.Sprintf("other rules read the matches of %s, and each match has %s of its own", source.Tick(r.rule.ID), article(name)), "give "+what+" another name")
		}
	}
	key, ok := r.draft.entries["key"]
	if !ok {
		key = r.draft.entries["window_close"] // whose feature has the key
	}
	for _, name := range r.rule.Key.Names {
		report(key.Value.Place(), name, "the key")
	}
	if e, ok := r.draft.entries["measures"]; ok {
		for _, m := range e.Value.Pairs() {
			report(m.Key.Place(), m.Name, "the measure")
		}
	}
}

func article(name string) string {
	if name == "id" {
		return "an " + source.Tick(name)
	}
	return "a " + source.Tick(name)
}

// alerts gives the rules whose matches are among the events of the scope, and whether
// there are no others.
func (s *scope) alerts() (rules []string, only bool) {
	for _, t := range s.types {
		if id, ok := alertOf(t); ok {
			rules = append(rules, id)
		}
	}
	return rules, len(rules) == len(s.types) && !s.loose && !s.either && !s.all
}

// warnRowless warns where a feature is read that is nil because a match of a rule, read
// as an event, has none.
func (r *ruleCompiler) warnRowless() {
	for _, e := range []*Expression{r.about.Where, r.about.Unless} {
		r.warnRowlessIn(e, r.events)
	}
	for i, n := range r.about.Names {
		r.warnRowlessIn(n.Where, r.scopes[i])
	}
	rules, ok := r.completing()
	if !ok {
		return
	}
	if f := r.about.Evidence; f != nil {
		r.Warn(r.draft.entries["evidence"].Value.Place(), source.CodeRowless, fmt.Sprintf("the match is completed by a match of %s, which has no features: there is no evidence of %s", tickedOr(rules), source.Tick(f.Name)),
			"remove it, or give it to "+tickedOr(rules))
	}
	for _, e := range r.about.expressions() {
		if e.Env.Current {
			continue
		}
		for _, f := range uses(&e).Features {
			r.Warn(e.Part(e.from+f.Pos, e.from+f.End), source.CodeRowless, fmt.Sprintf("the match is completed by a match of %s, which has no features: %s is nil here", tickedOr(rules), source.Tick(r.features[f.Feature].Name)),
				r.takeAlong(rules))
		}
	}
}

// warnRowlessIn warns of features in a condition that is tried on events and on matches,
// unless it tells them apart.
func (r *ruleCompiler) warnRowlessIn(e *Expression, events *scope) {
	if e == nil {
		return
	}
	rules, only := events.alerts()
	if len(rules) == 0 || only || wordIn(e.Value, typeField) >= 0 {
		return
	}
	for _, f := range uses(e).Features {
		r.Warn(e.Part(f.Pos, f.End), source.CodeRowless, fmt.Sprintf("this is asked of matches of %s too, which have no features: %s is nil there", tickedOr(rules), source.Tick(r.features[f.Feature].Name)),
			r.takeAlong(rules)+"; or say what holds for them, as in "+code("type == \""+AlertPrefix+rules[0]+"\" || …"))
	}
}

// takeAlong says how a feature gets into a match.
func (r *ruleCompiler) takeAlong(rules []string) string {
	return "take it along as a measure of " + tickedOr(rules)
}

func tickedOr(names []string) string {
	ticked := make([]string, len(names))
	for i, n := range names {
		ticked[i] = source.Tick(n)
	}
	return strings.Join(ticked, " or ")
}

// completing gives the rules whose matches alone complete a match of the rule; false
// where an event or time may.
func (r *ruleCompiler) completing() (rules []string, ok bool) {
	if r.pattern == nil {
		return nil, false
	}
	for _, i := range lastNames(r.pattern.Root) {
		if !r.rule.Names[i].Captures {
			return nil, false // time completes it
		}
		of, only := r.scopes[i].alerts()
		if !only || len(of) == 0 {
			return nil, false
		}
		rules = append(rules, of...)
	}
	slices.Sort(rules)
	return slices.Compact(rules), len(rules) > 0
}

// lastNames lists the names with which a match may be complete.
func lastNames(n *nfa.Node) []int {
	if n.Op == nfa.OpVar || n.Op == nfa.OpNot {
		return []int{n.Name}
	}
	var all []int
	for i, sub := range slices.Backward(n.Subs) {
		all = append(all, lastNames(sub)...)
		if n.Op == nfa.OpSeq && !n.Subs[i].Repeat.Optional {
			break
		}
	}
	return all
}

// declareHint says how to get a field that events of the scope do not have.
func (s *scope) declareHint() string {
	if rules, only := s.alerts(); only && len(rules) > 0 {
		return "give " + tickedOr(rules) + " a measure of that name"
	}
	return "declare it under `events`"
}
