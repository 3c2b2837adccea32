package conformance

import (
	"fmt"
	"slices"
	"time"

	"weir/cep"
	"weir/nfa"
	"weir/rules"
	"weir/rules/expr"
	"weir/rules/trace"
)

// reasons checks what statements say of conditions, windows and consumption against the
// rule and the events alone.
type reasons struct {
	rule   *rules.Rule
	key    []string
	events map[string]*cep.Event // by what alerts call them
	told   map[string]int        // how often each kind of reason was checked
}

// held are the captures of a match, by variable.
type held [][]*cep.Event

func (h held) Len(v int) int                               { return len(h[v]) }
func (h held) Append(dst []*cep.Event, v int) []*cep.Event { return append(dst, h[v]...) }
func (h held) Aggregate(int) cep.Aggregate                 { panic("conditions are compiled without aggregates") }

func (h held) First(v int) *cep.Event {
	if len(h[v]) == 0 {
		return nil
	}
	return h[v][0]
}

func (h held) Last(v int) *cep.Event {
	if len(h[v]) == 0 {
		return nil
	}
	return h[v][len(h[v])-1]
}

// scope is what a condition sees of a statement on a match, nil if it is on none.
func (r *reasons) scope(s *trace.Statement, m *retoldMatch) *cep.Scope {
	h := make(held, len(r.rule.Rule.Names))
	if m != nil {
		for _, c := range m.captured {
			v := slices.IndexFunc(r.rule.Rule.Names, func(n nfa.Name) bool { return n.Text == c.As })
			h[v] = append(h[v], r.events[c.Event])
		}
	}
	return &cep.Scope{Event: r.events[s.Event], Key: r.key, Captures: h}
}

// holds evaluates a text in the place of a condition.
func (r *reasons) holds(text string, e *rules.Expression, s *cep.Scope) (bool, error) {
	env := e.Env
	env.Aggregate, env.Fault = nil, nil
	f, err := expr.CompileBool(text, env)
	if err != nil {
		return false, err
	}
	return f(s), nil
}

// condition finds the condition that a statement names.
func (r *reasons) condition(name string) (c nfa.Cond, e *rules.Expression) {
	switch name {
	case "where":
		return -1, r.rule.Where
	case "unless":
		return r.rule.Program.Unless, r.rule.Cond(r.rule.Program.Unless)
	case "having":
		return r.rule.Program.Having, r.rule.Cond(r.rule.Program.Having)
	}
	c = nfa.Cond(slices.IndexFunc(r.rule.Rule.Names, func(n nfa.Name) bool { return n.Text == name }))
	return c, r.rule.Cond(c)
}

// truth is what the condition of a statement must give for its reason to be true.
var truth = map[string]bool{
	"unfit": false, "strict": false, "absent": false, "having": false,
	"early": true, "stopped": true, "idle": true, "negated": true, "until": true, "greedy": true, "unless": true,
}

// check says what is wrong with the reason of a statement on a match.
func (r *reasons) check(s *trace.Statement, m *retoldMatch) error {
	name, want := s.Name, truth[s.Because]
	if s.Do == trace.Early || s.Do == trace.TooLate {
		name, want = s.For, true
	}
	if s.Do == trace.Unseen {
		name = "where"
	}
	if name != "" {
		if err := r.checkCondition(s, m, name, want); err != nil {
			return err
		}
	}
	if m == nil || s.Until == "" {
		return nil
	}
	return r.checkUntil(s, m)
}

func (r *reasons) checkCondition(s *trace.Statement, m *retoldMatch, name string, want bool) error {
	c, e := r.condition(name)
	scope := r.scope(s, m)
	if name == "having" && c == r.rule.Program.Having {
		scope.Event = nil
	}
	got := true
	if c >= 0 && int(c) < len(r.rule.Rule.Names) {
		if types := r.rule.Conds[c].Types; types != nil && !slices.Contains(types, scope.Event.Type) {
			got = false
		}
		if len(r.rule.Key.ByName) > 0 {
			text, ok := scope.Event.Field(r.rule.Key.ByName[c]).KeyText()
			if other := !ok || text != r.key[0]; other {
				got = false
			}
			if s.Key != nil && *s.Key != text {
				return fmt.Errorf("as %s the key is %q", name, text)
			}
		}
	}
	if (s.Types != nil || s.Key != nil) && got {
		return fmt.Errorf("%s is of the type and key", name)
	}
	if got && e != nil {
		var err error
		if got, err = r.holds(e.Value, e, scope); err != nil {
			return err
		}
	}
	if got != want {
		return fmt.Errorf("%s is %v on %s", name, got, s.Event)
	}
	r.told[string(s.Do)+" "+s.Because]++
	for _, p := range s.Parts {
		r.told["part"]++
		is, err := r.holds(p.Text, e, scope)
		if err != nil {
			return err
		}
		if is != (p.Value == "true") {
			return fmt.Errorf("%s is %v, not %s", p.Text, is, p.Value)
		}
	}
	return nil
}

// checkUntil checks the end of a window or bound.
func (r *reasons) checkUntil(s *trace.Statement, m *retoldMatch) error {
	until, span := parseTime(s.Until), time.Duration(0)
	if s.Span != "" {
		d, err := nfa.ParseDuration(s.Span)
		if err != nil {
			return err
		}
		span = d
	}
	var starts []string
	for _, c := range m.captured {
		starts = append(starts, c.Time)
	}
	switch s.Bound {
	case "within":
		if starts = starts[:1]; span != r.rule.Options.Within {
			return fmt.Errorf("within is %v", r.rule.Options.Within)
		}
	case "link":
		starts = starts[len(starts)-1:]
	case "round":
	default:
		return nil
	}
	if !slices.ContainsFunc(starts, func(t string) bool { return parseTime(t).Add(span).Equal(until) }) {
		return fmt.Errorf("until %s is not %s after any of %v", s.Until, s.Span, starts)
	}
	r.told["until "+s.Bound]++
	if s.Behind != "" && s.Time != "" {
		behind, err := nfa.ParseDuration(s.Behind)
		if s.Behind == "0s" {
			behind, err = 0, nil
		}
		if err != nil || !until.Add(behind).Equal(parseTime(s.Time)) {
			return fmt.Errorf("%s behind %s is not %s: %v", s.Behind, s.Until, s.Time, err)
		}
		r.told["behind"]++
	}
	return nil
}

func parseTime(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t
}

// consumes reports whether a match that came out consumes one, by the rule's skip.
func (r *reasons) consumes(out, m *retoldMatch) bool {
	number := func(c trace.Capture) uint64 { return r.events[c.Event].Place }
	first, low := number(m.captured[0]), number(out.captured[0])
	if r.rule.Options.InOrder {
		low = 0
	}
	high := number(out.captured[0])
	switch r.rule.Options.Skip {
	case nfa.SkipNone:
		return false
	case nfa.SkipPastLast:
		high = number(out.captured[len(out.captured)-1])
	case nfa.SkipToFirst, nfa.SkipToLast:
		for _, c := range out.captured {
			if c.As == r.rule.Options.SkipVar {
				if high = number(c) - 1; r.rule.Options.Skip == nfa.SkipToFirst {
					break
				}
			}
		}
	}
	return low <= first && first <= high
}
