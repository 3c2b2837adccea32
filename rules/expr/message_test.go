package expr

import (
	"slices"
	"strings"
	"testing"
)

func TestMessage(t *testing.T) {
	long := strings.Repeat("é", 600)
	for _, c := range []struct{ template, want string }{
		{"", ""},
		{"plain", "plain"},
		{"{probes} probes, then {cashout.amount} on card {card_id}", "3 probes, then 50 on card c1"},
		{"{{{probes}}}", "{3}"},
		{"a {{b}} c", "a {b} c"},
		{"{missing} {extra.amount}", "- -"},
		{"{probe.amount}", "1, -, 4"},
		{"{map(probe, [.rate])}", "[2], [3], [1]"},
		{"{last(probe).ts - first(probe).ts}", "120"},
		{"{cashout.ts}", "2026-01-02T03:04:04.678Z"},
		{"{0.1 + 0.2} {1e21} {1e-7} {100.0}", "0.30000000000000004 1e+21 1e-7 100"},
		{"{ {\"a\": probes}.a }", "3"},
		{"{\"}\" + '{' + `}`}", "}{}"},
		{"{\"\\\"}\"}", "\"}"},
		{"{cashout.flag} {probes > 1}", "- true"},
		{"{ {\"a\": 1} }", `{"a":1}`},
		{"{any(probe, {.rate > 1})}", "true"},
		{long, long[:2*500]},
		{"{label}" + long, "card" + long[:2*496]},
	} {
		for _, machine := range []bool{false, true} {
			w := completed
			w.machine = machine
			f, err := CompileMessage(c.template, w.env())
			if err != nil {
				t.Errorf("%q: %v", c.template, err)
				continue
			}
			if got := f(w.scope()); got != c.want {
				t.Errorf("%q: %q, want %q", c.template, got, c.want)
			}
		}
	}
}

func TestMessageErrors(t *testing.T) {
	for _, c := range []struct{ text, msg string }{
		{"a «}» b", "a } without {"},
		{"a «{»probes", "a { without }"},
		{"{{ «{»probes", "a { without }"},
		{"{«»}", "empty"},
		{"ünï {probes} {«porbes»}", "unknown name `porbes`"},
		{"{probes «probes»}", "unexpected"},
		{"{«amount»}", "no current event"},
		{"{«probe»}", "an event is no value; name a field, as in `probe.amount`"},
		{"{«filter(probe, .amount > 1)»}", "as in `map(filter(probe, .amount > 1), .amount)`"},
	} {
		w := completed
		checkFault(t, c.text, c.msg, func(text string) error {
			_, err := CompileMessage(text, w.env())
			return err
		})
	}
}

// checkFault checks that a text is refused with a message, at the place that is
// between « and ».
func checkFault(t *testing.T, marked, msg string, compile func(text string) error) {
	t.Helper()
	text := strings.NewReplacer("«", "", "»", "").Replace(marked)
	err := compile(text)
	e, ok := err.(*Error)
	if !ok || !strings.Contains(e.Error(), msg) {
		t.Errorf("%s: %v, want %q", text, err, msg)
		return
	}
	if got := text[:e.Pos] + "«" + text[e.Pos:e.End] + "»" + text[e.End:]; got != marked {
		t.Errorf("marked %s, want %s", got, marked)
	}
}

// TestCELMessage finds the ends of placeholders in CEL's syntax.
func TestCELMessage(t *testing.T) {
	for _, c := range []struct{ template, want string }{
		{"{probes} probes, then {cashout.amount} on card {card_id}", "3 probes, then 50 on card c1"},
		{"{probe.map(p, [p.rate])}", "[2], [3], [1]"},
		{`{"}" + '{' + r"}\" + "\"}"}`, `}{}\"}`},
		{`{"""}"}""" + R'\' + '}' + ""}.`, `}"}\}.`},
		{"{'''\n}'''}", "\n}"},
		{`{ {"a": {"}": probes}}["a"]["}"] }`, "3"},
		{`{[cashout][0].amount}{{{label}}}`, "50{card}"},
		{`{missing}`, "-"},
		{"é{probes}é{label}", "é3écard"},
	} {
		w := completed
		w.lang = LangCEL
		f, err := CompileMessage(c.template, w.env())
		if err != nil {
			t.Errorf("%q: %v", c.template, err)
			continue
		}
		if got := f(w.scope()); got != c.want {
			t.Errorf("%q: %q, want %q", c.template, got, c.want)
		}
	}
	for _, c := range []struct{ text, msg string }{
		{"ünï {probes} {«porbes»}", "unknown name `porbes`; did you mean `probes`?"},
		{"é {'é' + «.label»}", "does not begin with a dot"},
		{`é «{»r"}\"`, "a { without }"},
		{`é «{»"""}`, "a { without }"},
		{`{probes «probes»}`, "unexpected `probes`"},
		{`{probes > «»}`, "ends too early"},
		{`{«amount»}`, "no current event"},
		{`{«probe»}`, "as in `probe.amount`"},
		{`{«probe.filter(p, p.amount > 1)»}`, "as in `probe.filter(p, p.amount > 1).map(e, e.amount)`"},
	} {
		w := completed
		w.lang = LangCEL
		checkFault(t, c.text, c.msg, func(text string) error {
			_, err := CompileMessage(text, w.env())
			return err
		})
	}
}

func TestFormatTime(t *testing.T) {
	for ns, want := range map[int64]string{
		0: "1970-01-01T00:00:00.000Z", 1e6: "1970-01-01T00:00:00.001Z", 1e3: "1970-01-01T00:00:00.000001Z", 1: "1970-01-01T00:00:00.000000001Z", -1: "1969-12-31T23:59:59.999999999Z",
	} {
		if got := formatTime(ns); got != want {
			t.Errorf("%d: %s, want %s", ns, got, want)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	for _, c := range []struct {
		template string
		lang     Lang
		want     []string
	}{
		{"", LangExpr, nil},
		{"no {{placeholder}}", LangExpr, nil},
		{"{a} é {b + 1}{}", LangExpr, []string{"a", "b + 1", ""}},
		{`{"}" + a} http://x {{{r"\"}}}`, LangCEL, []string{`"}" + a`, `r"\"`}},
		{`{{"a": 1}["a"]} {b}`, LangCEL, nil},
		{"{a", LangExpr, nil},
	} {
		var got []string
		for _, span := range c.lang.Placeholders(c.template) {
			got = append(got, c.template[span[0]:span[1]])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.template, got, c.want)
		}
	}
}
