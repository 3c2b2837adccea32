package rulesets

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

// mutation is a file of rules in which one thing was changed.
type mutation struct {
	what string // rule, place and change
	text string
}

// mutator makes the mutations of a file of rules, in its tree of YAML nodes.
type mutator struct {
	root  *yaml.Node
	rule  string // id of the rule that is changed; empty: the params of all
	found []mutation
	seen  map[string]bool // texts of found
}

// mutations gives all of a file. Some are no rules any more.
func mutations(t *testing.T, text string) []mutation {
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		t.Fatal(err)
	}
	m := &mutator{root: &root, seen: map[string]bool{}}
	m.seen[m.encode()] = true
	for key, value := range pairs(root.Content[0]) {
		switch key {
		case "params":
			m.params(value)
		case "rules":
			for _, r := range value.Content {
				m.ofRule(r)
			}
		}
	}
	return m.found
}

// pairs gives the entries of a mapping in order.
func pairs(n *yaml.Node) func(yield func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i].Value, n.Content[i+1]) {
				return
			}
		}
	}
}

func (m *mutator) ofRule(r *yaml.Node) {
	skip, pattern := "past_last", ""
	for key, value := range pairs(r) {
		switch key {
		case "id":
			m.rule = value.Value
		case "skip":
			skip = value.Value
		case "pattern":
			pattern = value.Value
		}
	}
	m.skip(r, skip)
	for key, value := range pairs(r) {
		switch key {
		case "params":
			m.params(value)
		case "where", "unless", "having":
			m.expression(key, value)
			m.without(r, key)
		case "score":
			m.expression(key, value)
			m.without(r, key)
		case "when":
			m.expression(key, value)
		case "within", "throttle":
			m.without(r, key)
		case "pattern":
			m.pattern(value)
		case "define":
			for name, d := range pairs(value) {
				m.definition(name, d, strings.Contains(pattern, "!"+name))
			}
		case "measures":
			for name, e := range pairs(value) {
				m.expression("measure "+name, e)
			}
		case "severity":
			m.other(key, value, "low", "medium", "high", "critical")
		case "action":
			m.other(key, value, "allow", "review", "challenge", "block")
		}
	}
}

// skip gives a rule another skip strategy: of those that need no variable, all but
// the one that it has.
func (m *mutator) skip(r *yaml.Node, has string) {
	was := r.Content
	for _, other := range []string{"past_last", "none", "to_next"} {
		if other == has {
			continue
		}
		r.Content = []*yaml.Node{{Kind: yaml.ScalarNode, Value: "skip"}, {Kind: yaml.ScalarNode, Value: other}}
		for i := 0; i < len(was); i += 2 {
			if was[i].Value != "skip" {
				r.Content = append(r.Content, was[i], was[i+1])
			}
		}
		m.add("skip", has+" becomes "+other)
	}
	r.Content = was
}

// definition is an entry of `define`: a condition, or a mapping with one. A negation
// of what never holds is none.
func (m *mutator) definition(name string, d *yaml.Node, negated bool) {
	where := d
	if d.Kind == yaml.MappingNode {
		where = nil
		for key, value := range pairs(d) {
			if key == "where" {
				where = value
			}
		}
	}
	if where == nil || where.Value == "" {
		return
	}
	m.expression(name, where)
	m.other(name, where, "true")
	if negated {
		m.other(name, where, "false")
	}
}

// add adds the file as its nodes say it now.
func (m *mutator) add(where, change string) {
	text := m.encode()
	if m.seen[text] {
		return
	}
	m.seen[text] = true
	what := where + ": " + change
	if m.rule != "" {
		what = m.rule + " " + what
	}
	m.found = append(m.found, mutation{what, text})
}

func (m *mutator) encode() string {
	text, err := yaml.Marshal(m.root)
	if err != nil {
		panic(err) // it was read as YAML
	}
	return string(text)
}

// other puts other values in the place of a scalar.
func (m *mutator) other(where string, n *yaml.Node, values ...string) {
	was := *n
	for _, v := range values {
		n.Value, n.Tag = v, ""
		m.add(where, was.Value+" becomes "+v)
	}
	*n = was
}

// without removes an entry of a rule.
func (m *mutator) without(r *yaml.Node, key string) {
	was := r.Content
	for i := 0; i < len(was); i += 2 {
		if was[i].Value == key {
			r.Content = slices.Delete(slices.Clone(was), i, i+2)
			m.add(key, "removed")
		}
	}
	r.Content = was
}

// params changes each value of a mapping of params.
func (m *mutator) params(n *yaml.Node) {
	for key, value := range pairs(n) {
		where := "param " + key
		switch {
		case value.Kind == yaml.SequenceNode:
			was := value.Content
			for i := range was {
				value.Content = slices.Delete(slices.Clone(was), i, i+1)
				m.add(where, "without "+was[i].Value)
			}
			value.Content = was
		case len(otherSpans(value.Value)) > 0:
			m.other(where, value, otherSpans(value.Value)...)
		case len(otherNumbers(value.Value)) > 0:
			m.other(where, value, otherNumbers(value.Value)...)
		default:
			m.other(where, value, value.Value+"x")
		}
	}
}

// otherNumbers gives a number ±1 and ±10 %.
func otherNumbers(text string) []string {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil
	}
	var all []string
	for _, other := range []float64{f - 1, f + 1, 0.9 * f, 1.1 * f} {
		if other != f {
			all = append(all, strconv.FormatFloat(other, 'g', 10, 64))
		}
	}
	return all
}

var span = regexp.MustCompile(`^(\d+)(ms|s|m|h|d|w)$`)

// otherSpans gives a duration ±1 ms, ±10 % and its half.
func otherSpans(text string) []string {
	parts := span.FindStringSubmatch(text)
	if parts == nil {
		return nil
	}
	unit := map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
	n, err := strconv.Atoi(parts[1])
	if err != nil {
		return nil
	}
	d := time.Duration(n) * unit[parts[2]]
	var all []string
	for _, other := range []time.Duration{d - time.Millisecond, d + time.Millisecond, d - d/10, d + d/10, d / 2} {
		all = append(all, fmt.Sprintf("%dms", other.Milliseconds()))
	}
	return all
}

// expression changes each number, comparison and operand of an expression.
func (m *mutator) expression(where string, n *yaml.Node) {
	was := *n
	put := func(text, change string) {
		n.Value, n.Style, n.Tag = text, yaml.DoubleQuotedStyle, ""
		m.add(where, change)
		*n = was
	}
	for _, e := range edits(was.Value) {
		put(e.in(was.Value), e.String())
	}
	tree := parse(was.Value)
	for i := range tree.operands() {
		text, gone := tree.without(i)
		put(text, "without "+gone)
	}
}

// edit is the replacement of a part of a text.
type edit struct {
	from, to int
	old, new string
}

func (e edit) in(text string) string { return text[:e.from] + e.new + text[e.to:] }

func (e edit) String() string { return fmt.Sprintf("%s at %d becomes %s", e.old, e.from+1, e.new) }

var (
	number     = regexp.MustCompile(`\b\d+(\.\d+)?\b`)
	comparison = regexp.MustCompile(`<=|>=|==|!=|<|>|\bnot in\b|\bin\b`)
	negation   = regexp.MustCompile(`![\w(]`)
	literal    = regexp.MustCompile(`"[^"]*"`)
)

var otherComparison = map[string]string{
	"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "in": "not in", "not in": "in",
}

// edits gives the changes of the numbers, comparisons and negations of an
// expression.
func edits(text string) []edit {
	bare := literal.ReplaceAllStringFunc(text, func(s string) string { return strings.Repeat("_", len(s)) })
	var all []edit
	for _, at := range number.FindAllStringIndex(bare, -1) {
		for _, other := range otherNumbers(bare[at[0]:at[1]]) {
			all = append(all, edit{at[0], at[1], bare[at[0]:at[1]], other})
		}
	}
	for _, at := range comparison.FindAllStringIndex(bare, -1) {
		all = append(all, edit{at[0], at[1], bare[at[0]:at[1]], otherComparison[bare[at[0]:at[1]]]})
	}
	for _, at := range negation.FindAllStringIndex(bare, -1) {
		all = append(all, edit{at[0], at[0] + 1, "!", ""})
	}
	return all
}

// logic is an expression as a tree of `||`, `&&` and parentheses.
type logic struct {
	op   string // ||, &&, ( or, for a leaf, nothing
	text string // of a leaf
	of   []*logic
}

// parse reads an expression, which is well formed.
func parse(text string) *logic {
	text = strings.TrimSpace(text)
	for _, op := range []string{"||", "&&"} {
		if parts := cut(text, op); len(parts) > 1 {
			l := &logic{op: op}
			for _, p := range parts {
				l.of = append(l.of, parse(p))
			}
			return l
		}
	}
	if strings.HasPrefix(text, "(") && closing(text) == len(text)-1 {
		return &logic{op: "(", of: []*logic{parse(text[1 : len(text)-1])}}
	}
	return &logic{text: text}
}

// cut cuts a text at each op that stands in no parentheses.
func cut(text, op string) []string {
	var parts []string
	depth, begin := 0, 0
	for i := 0; i < len(text); i++ {
		switch {
		case strings.ContainsRune("([{", rune(text[i])):
			depth++
		case strings.ContainsRune(")]}", rune(text[i])):
			depth--
		case depth == 0 && text[i] == '?' && !strings.HasPrefix(text[i:], "??"):
			return []string{text} // a choice binds less than both
		case depth == 0 && strings.HasPrefix(text[i:], op):
			parts = append(parts, text[begin:i])
			begin = i + len(op)
		}
	}
	return append(parts, text[begin:])
}

// closing is where the first parenthesis of a text closes.
func closing(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth--
			if depth == 0 {
				return i
			}
		}
	}
	return -1
}

func (l *logic) String() string {
	var parts []string
	for _, o := range l.of {
		parts = append(parts, o.String())
	}
	switch l.op {
	case "":
		return l.text
	case "(":
		return "(" + parts[0] + ")"
	}
	return strings.Join(parts, " "+l.op+" ")
}

// operands gives the nodes that stand in a `||` or `&&`.
func (l *logic) operands() []*logic {
	var all []*logic
	for _, o := range l.of {
		if l.op != "(" {
			all = append(all, o)
		}
		all = append(all, o.operands()...)
	}
	return all
}

// without gives the expression without one of its operands, and that one.
func (l *logic) without(i int) (text, gone string) {
	o := l.operands()[i]
	gone = o.String()
	parent := l.parent(o)
	was := parent.of
	at := slices.Index(was, o)
	parent.of = slices.Delete(slices.Clone(was), at, at+1)
	text = l.String()
	parent.of = was
	return text, gone
}

func (l *logic) parent(o *logic) *logic {
	if slices.Contains(l.of, o) {
		return l
	}
	for _, child := range l.of {
		if p := child.parent(o); p != nil {
			return p
		}
	}
	return nil
}

var (
	link       = regexp.MustCompile(`[-,]\[([^\]]*)\](->>?)?|->>|->|,`)
	quantifier = regexp.MustCompile(`\{[^}]*\}\+?|[?*+]\+?`)
	brackets   = regexp.MustCompile(`\{[^}]*\}|\[[^\]]*\]`)
)

// masked is a pattern with what stands in braces and brackets made unreadable.
func masked(pattern string) string {
	return brackets.ReplaceAllStringFunc(pattern, func(s string) string { return s[:1] + strings.Repeat("#", len(s)-2) + s[len(s)-1:] })
}

// pattern changes each link and quantifier.
func (m *mutator) pattern(n *yaml.Node) {
	text := n.Value
	var all []edit
	put := func(at []int, others ...string) {
		for _, o := range others {
			all = append(all, edit{at[0], at[1], text[at[0]:at[1]], o})
		}
	}
	for _, at := range link.FindAllStringSubmatchIndex(masked(text), -1) {
		if at[2] < 0 {
			put(at, "->", "->>", ",")
			continue
		}
		bound := text[at[2]:at[3]]
		put(at, "-["+bound+"]->", "-["+bound+"]->>", ",["+bound+"]", "->", "-[>"+bound[1:]+"]->")
	}
	for _, at := range quantifier.FindAllStringIndex(unlinked(text), -1) {
		put(at, otherQuantifiers(text[at[0]:at[1]])...)
	}
	var changed []string
	for _, e := range all {
		if e.old != e.new {
			changed = append(changed, e.in(text))
		}
	}
	m.other("pattern", n, changed...)
}

// unlinked is a pattern whose links are made unreadable, with what is in brackets.
func unlinked(pattern string) string {
	return link.ReplaceAllStringFunc(pattern, func(s string) string {
		if s == "," {
			return s // it may stand in a quantifier
		}
		return strings.Repeat("#", len(s))
	})
}

// otherQuantifiers gives quantifiers near to q. Counts that are params are changed
// as such.
func otherQuantifiers(q string) []string {
	switch q {
	case "?":
		return []string{"", "*", "+"}
	case "*", "+", "*+":
		return []string{"", "?", q + "+"}
	case "++":
		return []string{"", "+", "*+", "{2,}+"}
	}
	count := strings.Trim(q, "{},+")
	all := []string{"{" + count + "}", "{" + count + ",}", "{" + count + ",}+", "+", ""}
	if n, err := strconv.Atoi(count); err == nil {
		all = append(all, strings.Replace(q, count, strconv.Itoa(n-1), 1), strings.Replace(q, count, strconv.Itoa(n+1), 1))
	}
	return all
}
