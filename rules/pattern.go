package rules

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"weir/cep"
	"weir/nfa"
	"weir/rules/expr"
	"weir/rules/nearest"
	"weir/rules/source"
)

// parsePattern reads the pattern. Where it is wrong, the names are those that it
// may have.
func (r *ruleCompiler) parsePattern() {
	d := r.draft
	e, ok := r.require(d, "pattern")
	if !ok {
		r.guessNames("")
		return
	}
	t, ok := r.Text(e.Value, "`pattern`")
	if !ok {
		r.guessNames("")
		return
	}
	doubted := r.doubtsParam(t.Value)
	p, faults := r.parse(t.Value, doubted)
	r.faulty["pattern"] = doubted || p == nil
	r.listsSure = !r.faulty["pattern"]
	if p == nil {
		r.nfaErrors(t, faults, source.CodePattern)
		r.guessNames(t.Value)
		return
	}
	r.pattern, r.patternText = p, t
	r.rule.Names = p.Names()
}

// parse parses a pattern. Of one that reads a param that is not known, only that is
// wrong which is so whatever the param is: there may be no pattern and no fault.
func (r *ruleCompiler) parse(pattern string, doubted bool) (p *nfa.Pattern, faults []*nfa.Error) {
	p, err := nfa.Parse(pattern, r.inPattern(1))
	faults = nfaFaults(err)
	if err != nil && doubted {
		var other error
		p, other = nfa.Parse(pattern, r.inPattern(2))
		faults = slices.DeleteFunc(faults, func(e *nfa.Error) bool {
			return !slices.ContainsFunc(nfaFaults(other), func(o *nfa.Error) bool { return o.Pos == e.Pos && o.Msg == e.Msg })
		})
	}
	for _, e := range faults {
		name, ok := strings.CutPrefix(pattern[e.Pos:e.End], "$")
		if _, declared := r.params[name]; ok && !declared {
			e.Hint = nearest.DidYouMean(name, r.params.names(), e.Hint)
		}
	}
	return p, faults
}

// inPattern gives the values of params for a pattern; of one that is not known,
// what is good everywhere: a count and so many milliseconds.
func (r *ruleCompiler) inPattern(unknown int) func(name string) (nfa.Param, bool) {
	return func(name string) (nfa.Param, bool) {
		if r.knowsParam(name) {
			return r.params.inPattern(name)
		}
		return nfa.Param{IsCount: true, Count: unknown, IsSpan: true, Duration: time.Duration(unknown) * time.Millisecond}, true
	}
}

// knowsParam says whether all is known of a param: its value, or that there is
// none of its name.
func (r *ruleCompiler) knowsParam(name string) bool {
	v, ok := r.params[name]
	if !ok {
		return r.paramsSure && !r.params.misnamed(name)
	}
	return v.Kind != cep.Nil
}

var paramInPattern = regexp.MustCompile(`\$([A-Za-z_]\w*)`)

// doubtsParam says whether a pattern reads a param that is not known.
func (r *ruleCompiler) doubtsParam(pattern string) bool {
	for _, m := range paramInPattern.FindAllStringSubmatch(pattern, -1) {
		if !r.knowsParam(m[1]) {
			return true
		}
	}
	return false
}

var nameInPattern = regexp.MustCompile(`\$?\b[A-Za-z_]\w*`)

// guessNames takes the names of a pattern that is not known from its words and
// from `define`.
func (r *ruleCompiler) guessNames(pattern string) {
	words := nameInPattern.FindAllString(pattern, -1)
	for i := range r.draft.define {
		words = append(words, r.draft.define[i].Name)
	}
	for _, w := range words {
		known := slices.ContainsFunc(r.rule.Names, func(n nfa.Name) bool { return n.Text == w })
		if !known && isName(w) && w != "until" && w != "within" {
			r.rule.Names = append(r.rule.Names, nfa.Name{Text: w, Captures: true})
		}
	}
	if _, ok := r.draft.entries["define"]; !ok || !r.draft.defineSure {
		r.anyName = r.anyName || pattern == ""
	}
}

// nameAt gives the place of a name in the pattern.
func (r *ruleCompiler) nameAt(n nfa.Name) source.Place {
	return r.patternText.Part(n.Pos, n.Pos+len(n.Text))
}

// names gives the names of the pattern.
func (r *ruleCompiler) names() []string {
	var names []string
	for _, n := range r.rule.Names {
		names = append(names, n.Text)
	}
	return names
}

// variables checks that the names of the pattern mean nothing else.
func (r *ruleCompiler) variables() {
	if r.pattern == nil {
		return
	}
	for _, n := range r.rule.Names {
		switch {
		case expr.ReservedIn(r.lang, n.Text):
			r.Add(r.nameAt(n), source.CodeName, source.Tick(n.Text)+" is a word of the language", "give the variable another name")
		case r.events.declares(n.Text):
			r.Add(r.nameAt(n), source.CodeName, fmt.Sprintf("%s is a field of the rule's events", source.Tick(n.Text)), "give the variable another name")
		case slices.Contains(r.rule.Key.Names, n.Text):
			r.Add(r.nameAt(n), source.CodeName, fmt.Sprintf("%s is the name of the key", source.Tick(n.Text)), "give the variable another name")
		case r.isFeature(n.Text):
			r.Add(r.nameAt(n), source.CodeName, source.Tick(n.Text)+" is a feature", "give the variable another name")
		case r.isRisk(n.Text):
			r.Add(r.nameAt(n), source.CodeName, source.Tick(n.Text)+" is a risk", "give the variable another name")
		default:
			continue
		}
		r.suspects[n.Text] = true
		r.faulty["define"] = true
	}
}

// program compiles the pattern with the options of the rule.
func (r *ruleCompiler) program() {
	if r.pattern == nil || r.draft.unsure("pattern") {
		return
	}
	o := r.options
	if !r.timed() {
		o.Within, o.Gap = math.MaxInt64, 0 // no bound is too long for what is not known
	}
	program, err := nfa.Compile(r.pattern, o)
	switch {
	case err != nil && !r.faulty["pattern"]:
		r.nfaErrors(r.patternText, nfaFaults(err), source.CodePattern)
	case err == nil && r.timed():
		r.rule.Program = program
	}
}
