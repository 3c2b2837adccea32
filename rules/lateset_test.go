package rules

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"weir/cep"
	"weir/nfa/oracle"
	"weir/rules/source"
)

// lateSet is a random ruleset: the parts of its text, and what the laws of late events
// need to know of it.
type lateSet struct {
	schema   bool
	seq      bool // events of equal time are ordered by a field
	ids      bool // events have names
	policy   string
	features []lateFeature
	risks    []lateRisk
	rules    []lateRule

	text string // the ruleset
	set  *cep.Ruleset
}

// lateFeature is a feature that rules of its key may read.
type lateFeature struct {
	name, value, key, text string
	closes                 bool // its windows end
}

type lateRisk struct{ name, key, text string }

// lateRule is a rule. Rules that differ in nothing but fields that may be left out are
// equally good, so a failing case is made smaller by leaving them out.
type lateRule struct {
	id      string
	key     string   // the names of the key
	fields  []string // of events, that hold the key
	parts   [][2]string
	sources []string // rules whose matches it reads
	text    []string // measures that are texts: keys of rules above

	byTime bool // only time brings its matches
	timed  bool // time may bring a match of it
	held   bool // matches may come out after their time
	closes bool // it is about windows that end
	risky  bool // it reads a risk
}

var (
	lateTypes = []string{"pay", "login"}
	lateKeys  = []string{"card", "card", "card", "card", "to", "card, shop", "account", "account", "pair"}
)

// newLateSet draws a ruleset that compiles.
func newLateSet(seed uint64, number int) *lateSet {
	r := rand.New(rand.NewPCG(seed, uint64(number)<<1))
	for {
		s := &lateSet{schema: r.IntN(2) == 0}
		s.seq, s.ids = s.schema && r.IntN(3) == 0, s.schema && r.IntN(3) == 0
		if r.IntN(4) == 0 {
			s.policy = "policy: {combine: noisy_or, review: 30, block: 80}\n"
		}
		key := s.pickKey(r) // that most rules have, so that they share risks and features
		for i := range r.IntN(4) {
			if !without("features") {
				s.features = append(s.features, newLateFeature(r, i, key))
			}
		}
		for i := range r.IntN(3) {
			if without("risks") {
				break
			}
			name := fmt.Sprint("risk", i)
			s.risks = append(s.risks, lateRisk{name, key, fmt.Sprintf("  %s: {key: [%s], half_life: %dms}\n", name, key, 1+r.IntN(8))})
		}
		for i := range 1 + r.IntN(4) {
			of := key
			if r.IntN(4) == 0 {
				of = s.pickKey(r)
			}
			// Most that the language refuses is refused for one rule, which is left out.
			s.rules = append(s.rules, s.newRule(r, i, of))
			if !s.compile() {
				s.rules = s.rules[:len(s.rules)-1]
			}
		}
		if len(s.rules) > 0 && s.compile() {
			return s
		}
	}
}

// pickKey draws the key of a rule; a derived one needs a schema.
func (s *lateSet) pickKey(r *rand.Rand) string {
	for {
		if key := pick(r, lateKeys); key != "pair" || s.schema {
			return key
		}
	}
}

// compile makes the ruleset of its parts; false: the language refuses it.
func (s *lateSet) compile() bool {
	s.text = s.yaml()
	checked := Check([]source.File{{Path: "rules.yaml", Text: s.text}})
	if source.ErrorsIn(checked.Findings) != nil {
		return false
	}
	s.set = checked.Ruleset
	return true
}

func (s *lateSet) yaml() string {
	var b strings.Builder
	if s.schema {
		b.WriteString("events:\n")
		for _, typ := range lateTypes {
			b.WriteString("  " + typ + ":\n")
			if s.seq {
				b.WriteString("    seq: o\n")
			}
			if s.ids {
				b.WriteString("    id: name\n")
			}
			b.WriteString("    fields: {card: string, to: string, shop: string, kind: string, name: string, value: number, o: number, ts: time}\n")
			b.WriteString("    derive: {pair: card + shop}\n")
		}
	}
	b.WriteString(s.policy)
	if len(s.risks) > 0 {
		b.WriteString("risk:\n")
		for _, x := range s.risks {
			b.WriteString(x.text)
		}
	}
	if len(s.features) > 0 {
		b.WriteString("features:\n")
		for _, x := range s.features {
			b.WriteString(x.text)
		}
	}
	b.WriteString("rules:\n")
	for i := range s.rules {
		for j, part := range s.rules[i].parts {
			lead := "    "
			if j == 0 {
				lead = "  - "
			}
			b.WriteString(lead + part[0] + ": " + part[1] + "\n")
		}
	}
	return b.String()
}

func newLateFeature(r *rand.Rand, i int, key string) lateFeature {
	f := lateFeature{name: fmt.Sprint("f", i), key: key}
	if key == "account" {
		f.key = "card" // the rules of an account have it from several fields
	}
	f.value = pick(r, []string{
		"count()", "count()", "count()", "sum(value)", "sum(value)", "mean(value)", "min(value)", "max(value)", "stddev(value)", "distinct(kind)",
		"first(value)", "last(value)", "quantile(value, 0.5)", "rate()", "seen(kind)", "since_last()",
	})
	endless := strings.Contains("distinct(kind) quantile(value, 0.5) seen(kind)", f.value)
	window := pick(r, []string{"over", "over", "over", "forever", "tumbling", "hopping", "session"})
	if f.value == "rate()" || endless && window == "forever" {
		window = "over"
	}
	parts := []string{"on: " + pick(r, []string{"pay", "pay", "[pay, login]", "'*'"}), "key: [" + f.key + "]", "value: '" + f.value + "'"}
	switch n := 1 + r.IntN(12); window {
	case "over":
		parts = append(parts, fmt.Sprintf("over: %dms", n))
		if f.value != "seen(kind)" && f.value != "since_last()" && r.IntN(4) == 0 {
			parts = append(parts, "exclude_current: true")
		}
		if f.value != "last(value)" && f.value != "since_last()" && n > 2 && r.IntN(6) == 0 {
			parts = append(parts, "resolution: 2ms")
		}
	case "forever":
		parts = append(parts, "over: forever")
	case "hopping":
		parts = append(parts, fmt.Sprintf("hopping: {size: %dms, every: %dms}", 3*n, n))
	default:
		parts = append(parts, fmt.Sprintf("%s: %dms", window, n))
		f.closes = true
	}
	if r.IntN(4) == 0 {
		parts = append(parts, "where: '"+pick(r, []string{"value > 1", `kind != "a"`, "shop != nil"})+"'")
	}
	f.text = "  " + f.name + ": {" + strings.Join(parts, ", ") + "}\n"
	return f
}

// own are the features that a rule of a key may read.
func (s *lateSet) own(key string) []lateFeature {
	return slices.DeleteFunc(slices.Clone(s.features), func(f lateFeature) bool { return f.key != key })
}

// asks is a condition on a feature.
func (f *lateFeature) asks(r *rand.Rand) string {
	switch f.value {
	case "seen(kind)":
		return pick(r, []string{f.name, "not " + f.name})
	case "since_last()":
		return fmt.Sprintf(`(%s == nil || %[1]s > duration("%dms"))`, f.name, 1+r.IntN(4))
	}
	return fmt.Sprintf("%s %s %d", f.name, pick(r, []string{">", ">=", "<"}), r.IntN(5))
}

// extra is a condition that reads what lives with a key, often none.
func (s *lateSet) extra(r *rand.Rand, x *lateRule, percent int) string {
	if r.IntN(100) >= percent {
		return ""
	}
	if own := s.own(x.key); len(own) > 0 && r.IntN(3) > 0 {
		return own[r.IntN(len(own))].asks(r)
	}
	return s.risk(r, x, "%s > "+pick(r, []string{"0.02", "10", "40"}))
}

// risk says something of a risk that the rule may read, or nothing.
func (s *lateSet) risk(r *rand.Rand, x *lateRule, format string) string {
	for _, risk := range s.risks {
		if risk.key == x.key && r.IntN(2) == 0 {
			x.risky = true
			return fmt.Sprintf(format, risk.name)
		}
	}
	return ""
}

func (x *lateRule) add(key, format string, args ...any) {
	x.parts = append(x.parts, [2]string{key, fmt.Sprintf(format, args...)})
}

// quoted is an expression as YAML has it; what is empty is always true.
func quoted(parts ...string) string {
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	if len(parts) == 0 {
		return "true"
	}
	return "'" + strings.Join(parts, " && ") + "'"
}

// fieldsOf are the fields that make a key.
func fieldsOf(key string) []string {
	if key == "pair" {
		return []string{"card", "shop"}
	}
	return strings.Split(key, ", ")
}

func (s *lateSet) newRule(r *rand.Rand, i int, key string) lateRule {
	x := lateRule{id: fmt.Sprintf("%c%d", 'p'+r.IntN(8), i), key: key, fields: fieldsOf(key)}
	x.add("id", "%s", x.id)
	switch n := r.IntN(20); {
	case n < 7:
		s.randomPattern(r, &x)
	case n < 12:
		s.plainPattern(r, &x)
	case n < 14 && len(s.rules) > 0 && !without("layers"):
		s.above(r, &x)
	case n < 16 && len(s.features) > 0:
		f := pick(r, s.features)
		x.key, x.fields = f.key, fieldsOf(f.key)
		x.byTime, x.timed, x.closes = true, true, true
		x.add("window_close", "%s", f.name)
		x.add("having", "%s", quoted(f.asks(r), s.extra(r, &x, 20)))
		s.measures(r, &x, nil)
	default:
		s.when(r, &x)
	}
	s.consequences(r, &x)
	return x
}

// on draws what a rule on events is on.
func (s *lateSet) on(r *rand.Rand, x *lateRule) {
	x.add("on", "%s", pick(r, []string{"pay", "pay", "pay", "[pay, login]", "[pay, login]", "'*'"}))
	if r.IntN(9) == 0 {
		x.add("where", "%s", quoted(pick(r, []string{"value >= 1", `kind != "b"`, `shop == "s1"`}), s.extra(r, x, 40)))
	}
}

// keyed writes the key, for a rule with these names.
func (x *lateRule) keyed(r *rand.Rand, names []string) {
	if x.key != "account" {
		x.add("key", "[%s]", x.key)
		return
	}
	x.fields = []string{"card", "to"}
	var of []string
	for i, name := range names {
		field := pick(r, x.fields)
		if i == 0 {
			field = "card"
		}
		of = append(of, name+": "+field)
	}
	x.add("key", "{account: {%s}}", strings.Join(of, ", "))
}

func (s *lateSet) when(r *rand.Rand, x *lateRule) {
	s.on(r, x)
	x.keyed(r, []string{"event"})
	kinds := fmt.Sprintf("kind in [%q, %q]", pick(r, []string{"a", "b", "c"}), pick(r, []string{"a", "b", "c"}))
	if r.IntN(10) == 0 {
		x.add("lang", "cel")
		x.add("when", "%s", quoted(kinds, pick(r, []string{"", "value > 1.0"})))
	} else {
		x.add("when", "%s", quoted(kinds, pick(r, []string{"", "", "value > 1"}), s.extra(r, x, 60)))
	}
	if r.IntN(3) == 0 {
		x.add("edge", "true")
	}
	if own := s.own(x.key); len(own) > 0 && r.IntN(2) == 0 {
		x.add("evidence", "%s", pick(r, own).name)
	}
	if r.IntN(5) == 0 {
		x.add("having", "%s", quoted("event.value >= 1", s.extra(r, x, 50)))
	}
	s.measures(r, x, []string{"event"})
}

var (
	capturing = regexp.MustCompile(`(?:^|[^!a-z])(v\d+)`)
	allNames  = regexp.MustCompile(`[vns]\d+|end`)
)

// patternOf is the text of a pattern and what goes with it.
type patternOf struct {
	text   string
	names  []string // all
	listed []string // those that capture
	within int      // ms; 0: none
	skip   string
}

func (p *patternOf) read() {
	p.names = slices.Compact(slices.Sorted(slices.Values(allNames.FindAllString(p.text, -1))))
	for _, m := range capturing.FindAllStringSubmatch(p.text, -1) {
		if !slices.Contains(p.listed, m[1]) {
			p.listed = append(p.listed, m[1])
		}
	}
	slices.Sort(p.listed)
}

// write adds the course of a match to a rule.
func (s *lateSet) write(r *rand.Rand, x *lateRule, p *patternOf, define []string) {
	x.timed = x.timed || strings.Contains(p.text, "!")
	x.add("pattern", "'%s'", p.text)
	if p.within == 0 {
		x.add("within", "none")
	} else {
		x.add("within", "%dms", p.within)
	}
	if p.skip != "" {
		x.add("skip", "%s", p.skip)
	}
	x.add("define", "{%s}", strings.Join(define, ", "))
	if r.IntN(8) == 0 && p.within > 0 && p.skip != "none" {
		x.add("emit", "in_order")
		x.held, x.timed = true, true
	}
	if r.IntN(5) == 0 {
		x.add("timeout", "true")
	}
	if r.IntN(14) == 0 {
		x.add("limit", "{open: %d}", 1+r.IntN(3))
	}
	s.measures(r, x, p.listed)
}

// randomPattern draws any pattern of the language.
func (s *lateSet) randomPattern(r *rand.Rand, x *lateRule) {
	c := oracle.Random(r.Uint64())
	p := patternOf{text: c.Rule.Pattern.String(), within: int(c.Rule.Within / 1e6)}
	p.read()
	p.skip = []string{"none", "past_last", "to_next", "to_first", "to_last"}[c.Rule.Skip]
	if c.Rule.Skip >= oracle.ToFirst {
		p.skip += "(" + c.Rule.SkipVar + ")"
	}
	s.on(r, x)
	x.keyed(r, p.names)
	if c.Rule.Gap != 0 {
		x.add("gap", "%dms", c.Rule.Gap/1e6)
	}
	var define []string
	for i, n := range c.Rule.Pattern.Names {
		if wordIn(p.text, n) >= 0 {
			define = append(define, n+": "+quoted(condition(&c, c.Conds[i], p.text), s.extra(r, x, 15)))
		}
	}
	if wordIn(p.text, "end") >= 0 {
		define = append(define, "end: false")
	}
	if c.Rule.Unless {
		x.add("unless", "'%s'", condition(&c, c.Unless, p.text))
	}
	if name := c.Rule.Pattern.Names[c.HavingVar]; c.Rule.Having && name[0] == 'v' && wordIn(p.text, name) >= 0 {
		x.add("having", "%s", quoted(fmt.Sprintf("count(%s) >= %d", name, c.HavingLeast), s.extra(r, x, 40)))
	}
	s.write(r, x, &p, define)
}

// plainPatterns match more often. Those whose last element is negated match by time
// alone.
var plainPatterns = []string{
	"v1 -> v2", "v1 -> v2", "v1 -> v2", "v1, v2", "v1 ->> v2", "v1 -> v2 -> v3", "v1{2} -> v2", "v1{2,}+ -> v2", "v1++ -> v2", "v1+ -> v2", "v1{2,3}",
	"v1 -> !n2 -> v3", "v1, !n2 -> v3", "v1 -> !n2", "v1 -> !n2", "v1 -[<3ms]-> !n2", "v1 -> v2 -> !n3", "v1 | v2 -> v3", "v1 & v2", "v1 -[>2ms]-> v2",
	"v1 -> v2? -> v3", "(v1 -> v2){2}", "(v1{2,} -> v2) within 3ms -> v3", "v1+ until s2 -> v3", "v1",
}

func (s *lateSet) plainPattern(r *rand.Rand, x *lateRule) {
	p := patternOf{text: pick(r, plainPatterns), within: 2 + r.IntN(12), skip: pick(r, []string{"", "", "none", "to_next", "to_first(v1)", "to_last(v1)"})}
	p.read()
	if last := strings.LastIndex(p.text, "!n"); last >= 0 && last > strings.LastIndex(p.text, "v") {
		x.byTime = true
	}
	s.on(r, x)
	x.keyed(r, p.names)
	var define []string
	for _, n := range p.names {
		kinds := fmt.Sprintf("kind in [%q, %q]", pick(r, []string{"a", "b", "c"}), pick(r, []string{"a", "b", "c"}))
		rises := ""
		if n != "v1" && r.IntN(5) == 0 {
			rises = "(last(v1).value == nil || value > last(v1).value)"
		}
		define = append(define, n+": "+quoted(kinds, rises, s.extra(r, x, 25)))
	}
	if r.IntN(8) == 0 {
		x.add("unless", "%s", quoted(`kind == "x"`, s.extra(r, x, 30)))
	}
	if r.IntN(6) == 0 {
		x.add("having", "%s", quoted("count(v1) >= 1", s.extra(r, x, 70)))
	}
	s.write(r, x, &p, define)
}

// above draws a rule on the matches of others.
func (s *lateSet) above(r *rand.Rand, x *lateRule) {
	below := &s.rules[r.IntN(len(s.rules))]
	x.sources = append(x.sources, below.id)
	x.timed = below.timed
	on := []string{"alert." + below.id}
	if also := &s.rules[r.IntN(len(s.rules))]; also != below && also.key == below.key && r.IntN(3) == 0 {
		x.sources = append(x.sources, also.id)
		x.timed = x.timed || also.timed
		on = append(on, "alert."+also.id)
	}
	x.key = below.key
	x.fields = below.fields
	if len(below.text) > 0 && r.IntN(2) == 0 && len(on) == 1 {
		x.key = pick(r, below.text)
		x.fields = nil // what the events below had
	}
	matches := strings.Join(on, ", ")
	mixed := r.IntN(2) == 0 && x.fields != nil && x.key != "account"
	if r.IntN(3) == 0 {
		x.add("on", "[%s]", matches)
		x.add("key", "[%s]", x.key)
		x.add("when", "%s", quoted(fmt.Sprintf("score >= %d", 10*r.IntN(6))))
		s.measures(r, x, nil)
		return
	}
	p := patternOf{text: pick(r, []string{"v1 -> v2", "v2 -> v1", "v1 -> !n2", "v1{2}", "v1, v2", "v1 ->> v2", "v2 -> !n1"}), within: 2 + r.IntN(12), skip: pick(r, []string{"", "none", "to_next"})}
	p.read()
	if strings.Contains(p.text, "!") {
		x.byTime = true
	}
	other := fmt.Sprintf("{type: [%s], where: 'score >= %d'}", matches, 10*r.IntN(6))
	if mixed {
		on = append(on, "pay")
		other = fmt.Sprintf("{type: pay, where: 'kind == %q'}", pick(r, []string{"a", "b", "c"}))
	}
	x.add("on", "[%s]", strings.Join(on, ", "))
	x.add("key", "[%s]", x.key)
	var define []string
	for _, n := range p.names {
		if n[1] == '1' {
			define = append(define, fmt.Sprintf("%s: {type: [%s]}", n, matches))
		} else {
			define = append(define, n+": "+other)
		}
	}
	s.write(r, x, &p, define)
}

// measures draws what an alert says.
func (s *lateSet) measures(r *rand.Rand, x *lateRule, names []string) {
	var of, message []string
	add := func(format string, args ...any) {
		name := fmt.Sprintf("m%s%d", x.id, len(of))
		of, message = append(of, name+": '"+fmt.Sprintf(format, args...)+"'"), append(message, "{"+name+"}")
	}
	for _, f := range s.own(x.key) {
		if r.IntN(3) == 0 {
			add("%s", f.name)
		}
	}
	if text := s.risk(r, x, "%s"); text != "" {
		add("%s", text)
	}
	for _, n := range names {
		switch r.IntN(4) {
		case 0:
			add("count(%s)", n)
		case 1:
			add("first(%s.value)", n)
		}
	}
	if len(names) > 0 && len(x.sources) == 0 && r.IntN(2) == 0 {
		for _, field := range []string{"card", "shop"} {
			if !slices.Contains(strings.Split(x.key, ", "), field) && r.IntN(2) == 0 {
				of = append(of, fmt.Sprintf("%s: 'first(%s.%s)'", field, names[0], field))
				x.text = append(x.text, field)
			}
		}
	}
	if len(of) > 0 {
		x.add("measures", "{%s}", strings.Join(of, ", "))
	}
	if len(message) > 0 && r.IntN(2) == 0 {
		x.add("message", "'%s'", strings.Join(message, " "))
	}
}

// consequences draws what follows from a match.
func (s *lateSet) consequences(r *rand.Rand, x *lateRule) {
	switch own := s.own(x.key); {
	case len(own) > 0 && r.IntN(4) == 0:
		x.add("score", "'10 + 7 * %s'", pick(r, own).name)
	default:
		if text := s.risk(r, x, "'5 + 0.37 * %s'"); text != "" && r.IntN(2) == 0 {
			x.add("score", "%s", text)
		} else if r.IntN(2) == 0 {
			x.add("score", "%d", 5*r.IntN(20))
		}
	}
	if r.IntN(3) == 0 {
		x.add("throttle", "%dms", 1+r.IntN(9))
	}
	if r.IntN(5) == 0 {
		x.add("hold", "%dms", 1+r.IntN(9))
	}
	if r.IntN(10) == 0 {
		x.add("status", "shadow")
	}
	if r.IntN(4) == 0 {
		x.add("action", "%s", pick(r, []string{"allow", "review", "challenge", "block"}))
	}
}

// keyFields are the fields of events that hold keys, and whether the order of all events
// of one time matters: some match is read under a key of its own.
func (s *lateSet) keyFields() (fields []string, all bool) {
	for i := range s.rules {
		x := &s.rules[i]
		all = all || x.fields == nil
		fields = append(fields, x.fields...)
	}
	slices.Sort(fields)
	return slices.Compact(fields), all
}

// calm says that nothing that time brings changes what events brought.
func (s *lateSet) calm() bool {
	risky, timed := false, false
	for i := range s.rules {
		x := &s.rules[i]
		if len(x.sources) > 0 && x.timed {
			return false
		}
		risky, timed = risky || x.risky, timed || x.timed
	}
	return !risky || !timed
}

func (s *lateSet) rule(id string) *lateRule {
	i := slices.IndexFunc(s.rules, func(x lateRule) bool { return x.id == id })
	return &s.rules[i]
}
