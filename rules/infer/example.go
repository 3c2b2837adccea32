package infer

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"weir/cep"
)

// Example is a rule that makes sense on a sample, with a test.
type Example struct {
	ID    string // of the rule
	Rules string // the text of a rule file
	Tests string // the text of its test file
}

// example is what an Example is made of.
type example struct {
	typ      *Type
	key      string // field; empty: the events of a type are one key
	keyNote  string
	keyValue string // of the events of the test
	amount   *Field // its size tells events apart; nil: none does
	small    string // bounds of it
	large    string
	reserved func(string) bool
}

// NewExample makes a rule on the most frequent of types. reserved says which names
// are words of the rule language. It is nil without types.
func NewExample(types []Type, reserved func(string) bool) *Example {
	if len(types) == 0 {
		return nil
	}
	x := example{typ: &types[0], reserved: reserved}
	x.chooseKey()
	x.chooseAmount()
	if x.amount != nil {
		return x.smallThenLarge()
	}
	return x.three()
}

// usable says whether an expression can name a field as it is.
func (x *example) usable(name string) bool {
	return plainName(name) && !x.reserved(name)
}

func plainName(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// chooseKey chooses a field whose values come several times each, but not all the
// time: what the events are about.
func (x *example) chooseKey() {
	var best *Field
	most := -1
	for i := range x.typ.Fields {
		f := &x.typ.Fields[i]
		if rank := x.keyRank(f); rank > most {
			best, most = f, rank
		}
	}
	if best == nil {
		x.keyValue = x.typ.Name
		return
	}
	x.key = best.Name
	x.keyNote = fmt.Sprintf("%s in %s", count(best.distinct, "value"), count(x.typ.Events-best.Missing, "event"))
	x.keyValue = "k1"
	if best.Kind == cep.Bool {
		x.keyValue = "true"
	}
}

// keyRank says how well a field is a key; negative: not at all.
func (x *example) keyRank(f *Field) int {
	n := x.typ.Events - f.Missing
	if f.Kind != cep.Text && f.Kind != cep.Bool || !x.usable(f.Name) || f.Name == x.typ.ID {
		return -1
	}
	rank := 0
	if f.Kind == cep.Text {
		rank += 20
	}
	if name := subjectName(f.Name); name > 0 && f.Kind != cep.Bool {
		rank += 10 * name
	}
	if f.distinct >= 2 && 2*n >= 3*f.distinct {
		rank += 40 // several of each
	}
	if f.distinct > mostEnum {
		rank += 20 // no choice of few
	}
	if 2*f.Missing > x.typ.Events {
		rank /= 2
	}
	return rank
}

// chooseAmount chooses a number whose size tells events apart.
func (x *example) chooseAmount() {
	most := 0
	for i := range x.typ.Fields {
		f := &x.typ.Fields[i]
		if f.Kind != cep.Number || f.Epoch != "" || f.Name == x.key || f.Name == x.typ.ID || !x.usable(f.Name) ||
			f.distinct <= mostEnum || 2*f.Missing > x.typ.Events || coordinateName(f.Name) {
			continue
		}
		small, large := round(f.low), round(f.high)
		if rank := 1 + amountName(f.Name); rank > most && small > 0 && large > small {
			most, x.amount, x.small, x.large = rank, f, number(small), number(large)
		}
	}
}

// round keeps two digits of a number.
func round(x float64) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 2, 64), 64)
	return r
}

// variable makes a name that is no field of the events and no word.
func (x *example) variable(name string) string {
	for x.reserved(name) || slices.ContainsFunc(x.typ.Fields, func(f Field) bool { return f.Name == name }) {
		name += "_"
	}
	return name
}

// smallThenLarge is a rule on the size of a number.
func (x *example) smallThenLarge() *Example {
	small, large := x.variable("small"), x.variable("large")
	const id = "small-then-large"
	var b strings.Builder
	head := []string{
		"An example rule: several small values, then a large one. Half of the sample is",
		"as small as `low`, and 5 % is larger than `high`. Make it yours.",
	}
	x.begin(&b, id, "Several small values, then a large one", head, small, large)
	fmt.Fprintf(&b, "    within: 1h\n    params: {low: %s, high: %s}\n    pattern: %s{3,}+ -> %s\n    define:\n", x.small, x.large, small, large)
	fmt.Fprintf(&b, "      %s: %s <= params.low\n      %s: %s > params.high\n", small, x.amount.Name, large, x.amount.Name)
	fmt.Fprintf(&b, "    message: \"{count(%s)} small values%s, then {%s.%s}\"\n", small, x.of(), large, x.amount.Name)

	low, _ := strconv.ParseFloat(x.small, 64)
	high, _ := strconv.ParseFloat(x.large, 64)
	over := number(math.Ceil(high) + 1)
	var t strings.Builder
	t.WriteString("tests:\n  - name: three small values and a large one\n    events:\n")
	for i := range 3 {
		x.event(&t, strconv.Itoa(i)+"m", x.amount.Name, number(low))
	}
	x.event(&t, "3m", x.amount.Name, over)
	fmt.Fprintf(&t, "    alerts:\n      - rule: %s\n        key: %s\n        events: {%s: [1, 2, 3], %s: 4}\n", id, yamlText(x.keyValue), small, large)
	t.WriteString("  - name: two small values are too few\n    events:\n")
	for i := range 2 {
		x.event(&t, strconv.Itoa(i)+"m", x.amount.Name, number(low))
	}
	x.event(&t, "2m", x.amount.Name, over)
	t.WriteString("    alerts: []\n")
	return &Example{id, b.String(), t.String()}
}

// three is a rule on how often events come.
func (x *example) three() *Example {
	hit := x.variable("hit")
	const id = "three-in-ten-minutes"
	var b strings.Builder
	x.begin(&b, id, "Three events within ten minutes", []string{"An example rule: three events of one key within ten minutes. Make it yours."}, hit)
	fmt.Fprintf(&b, "    within: 10m\n    pattern: %s{3}\n    define:\n      %s: {type: %s}\n", hit, hit, yamlText(x.typ.Name))
	fmt.Fprintf(&b, "    message: \"{count(%s)} events%s\"\n", hit, x.of())

	var t strings.Builder
	t.WriteString("tests:\n  - name: three events within ten minutes\n    events:\n")
	for i := range 3 {
		x.event(&t, strconv.Itoa(4*i)+"m", "", "")
	}
	fmt.Fprintf(&t, "    alerts:\n      - rule: %s\n        key: %s\n        events: {%s: [1, 2, 3]}\n", id, yamlText(x.keyValue), hit)
	t.WriteString("  - name: the third comes too late\n    events:\n")
	for i := range 3 {
		x.event(&t, strconv.Itoa(5*i)+"m", "", "")
	}
	t.WriteString("    alerts: []\n")
	return &Example{id, b.String(), t.String()}
}

// begin writes a rule up to its key; variables are those of its pattern.
func (x *example) begin(b *strings.Builder, id, title string, head []string, variables ...string) {
	for _, line := range head {
		b.WriteString("# " + line + "\n")
	}
	fmt.Fprintf(b, "rules:\n  - id: %s\n    title: %s\n    on: %s\n", id, title, yamlText(x.typ.Name))
	if x.key == "" {
		b.WriteString("    # No field says what an event is about: all events of the type have one key.\n")
		fmt.Fprintf(b, "    key: {kind: {%s: type}}\n", strings.Join(variables, ": type, "))
		return
	}
	fmt.Fprintf(b, "    key: %s  # %s\n", x.key, x.keyNote)
}

// of names the key in a message.
func (x *example) of() string {
	if x.key == "" {
		return ""
	}
	return " of " + x.key + " {" + x.key + "}"
}

// event writes an event of a test.
func (x *example) event(b *strings.Builder, at, field, value string) {
	fmt.Fprintf(b, "      - {type: %s, ts: %s", yamlText(x.typ.Name), at)
	if x.key != "" {
		fmt.Fprintf(b, ", %s: %s", x.key, x.keyValue)
	}
	if field != "" {
		fmt.Fprintf(b, ", %s: %s", field, value)
	}
	b.WriteString("}\n")
}
