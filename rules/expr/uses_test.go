package expr

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// written is a field as VARIABLE.PATH, or PATH of the current event.
func (f FieldOf) written() string {
	if f.Var < 0 {
		return f.Path
	}
	return sceneVars[f.Var].name + "." + f.Path
}

// checkUses compares what an expression does with fields: joins and negated fields
// by their text, fields that are present by their names.
func checkUses(t *testing.T, w scene, text, joins, negated, present string) {
	t.Helper()
	u, err := UsesOf(text, w.env())
	if err != nil {
		t.Errorf("%s: %v", text, err)
		return
	}
	var j, n, p []string
	for _, x := range u.Joins {
		j = append(j, fmt.Sprintf("%s=%s: %s", x.Left.written(), x.Right.written(), text[x.Pos:x.End]))
	}
	for _, x := range u.Negated {
		n = append(n, x.written()+": "+text[x.Pos:x.End])
	}
	for _, x := range u.Present {
		p = append(p, x.written())
	}
	for _, c := range []struct {
		what string
		got  []string
		want string
	}{{"joins", j, joins}, {"negated", n, negated}, {"present", p, present}} {
		if got := strings.Join(c.got, "; "); got != c.want {
			t.Errorf("%s: %s %q, want %q", text, c.what, got, c.want)
		}
	}
}

func TestUses(t *testing.T) {
	for _, c := range []struct{ text, joins, negated, present string }{
		// joins
		{`amount > 1 && status == last(probe).status`, "status=probe.status: status == last(probe).status", "", "amount"},
		{`first(probe).country == country || off`, "probe.country=country: first(probe).country == country", "", ""},
		{`country == probe[0].country`, "country=probe.country: country == probe[0].country", "", ""},
		{`country == probe[1].country`, "country=probe.country: country == probe[1].country", "", ""},
		{`country == probe.country[2]`, "country=probe.country: country == probe.country[2]", "", ""},
		{`country == last(probe.country)`, "country=probe.country: country == last(probe.country)", "", ""},
		{`country in probe.country`, "country=probe.country: country in probe.country", "", ""},
		{`country in [home, cashout.country]`, "country=cashout.country: country in [home, cashout.country]", "", ""},
		{`country in cashout.country`, "country=cashout.country: country in cashout.country", "", ""},
		{`lower(event.home) == lower(cashout.country)`, "home=cashout.country: lower(event.home) == lower(cashout.country)", "", ""},
		{`cashout.country == last(probe).country`, "cashout.country=probe.country: cashout.country == last(probe).country", "", ""},
		{`any(probe, .country == country)`, "probe.country=country: .country == country", "", ""},
		{`any(probe, let p = #; p.country == country)`, "probe.country=country: p.country == country", "", ""},
		{`country in map(probe, .country)`, "country=probe.country: country in map(probe, .country)", "", ""},
		{`flag ? country == cashout.country : off`, "country=cashout.country: country == cashout.country", "", ""},
		{`not (country != cashout.country)`, "country=cashout.country: country != cashout.country", "", ""},
		{`country == home && probe[0].country == last(probe).country`, "", "", ""},
		{`amount > cashout.amount && ts == cashout.ts && type == cashout.type`, "", "", "amount; cashout.amount"},
		{`amount == 2 * cashout.amount`, "", "", ""},
		// negated: != and `not in`, and what keeps a field from being nil
		{`status != "approved"`, "", "status: status", ""},
		{`"approved" != event.status`, "", "status: event.status", ""},
		{`country != cashout.country`, "", "country: country; cashout.country: cashout.country", ""},
		{`country not in ["KP", "IR"]`, "", "country: country", ""},
		{`!(country in params.countries)`, "", "country: country", ""},
		{`"a" not in tags`, "", "tags: tags", ""},
		{`country not in probe.country`, "", "country: country", ""},
		{`not (status == "approved")`, "", "status: status", ""},
		{`lower(status) != "approved" && amount + rate != 5`, "", "status: status; amount: amount; rate: rate", ""},
		{`device.os != "ios"`, "", "device.os: device.os", ""},
		{`last(probe).status != "a" || probe[1].status != "b"`, "", "probe.status: last(probe).status; probe.status: probe[1].status", ""},
		{`any(probe, .country != "FR")`, "", "probe.country: .country", ""},
		{`none(probe, .country == "FR")`, "", "probe.country: .country", ""},
		{`all(probe, .country != "FR")`, "", "probe.country: .country", ""},
		{`count(probe, .country != "FR") > 2`, "", "probe.country: .country", ""},
		{`type != "payment" && ts != created`, "", "created: created", ""},
		{`!(amount < 5) && !(status contains "x")`, "", "", ""},
		{`(status ?? "none") != "approved"`, "", "", ""},
		{`count(probe) != 3 && sum(probe.amount) != 0`, "", "", ""},
		{`status != nil`, "", "", "status"},
		{`nil != status && status != "approved"`, "", "", "status"},
		{`status != "approved" && flag && status != nil`, "", "", "flag; status"},
		{`status != nil && (flag || status != "approved")`, "", "", "status"},
		{`(status != nil || flag) && status != "approved"`, "", "status: status", ""},
		{`(status != nil && flag || status == "a") && status != "approved"`, "", "", "status"},
		{`status == nil || status != "approved"`, "", "", ""},
		{`status != "approved" || status == nil`, "", "", ""},
		{`not (status == nil || status == "approved")`, "", "", "status"},
		{`not (status == "approved" && amount == 5)`, "", "status: status; amount: amount", ""},
		{`status not in ["a", nil]`, "", "", ""},
		{`amount > 0 && amount != 5`, "", "", "amount"},
		{`status startsWith "a" && email matches "x" && status + email != "ab"`, "", "", "status; email"},
		{`hasPrefix(status, "a") && status != "ab"`, "", "", "status"},
		{`status in ["a", "b"] && status != "a"`, "", "", "status"},
		{`status in ["a", nil] && status != "a"`, "", "status: status", ""},
		{`status == "a" && status != country`, "", "country: country", "status"},
		{`flag == true && flag != off`, "", "off: off", "flag"},
		{`status != nil ? status != "a" : flag`, "", "", ""},
		{`status == nil ? flag : status != "a"`, "", "", ""},
		{`status == nil ? status != "a" : flag`, "", "status: status", ""},
		{`any(probe, .country != nil && .country != "FR")`, "", "", ""},
		{`any(probe, .country != nil) && any(probe, .country != "FR")`, "", "probe.country: .country", ""},
		{`any(probe, let p = #; p.country != nil && p.country != "FR")`, "", "", ""},
		{`last(probe).amount > 1 && last(probe).amount != 5 && first(probe).amount != 5`, "", "probe.amount: first(probe).amount", ""},
		{`probe[1].amount > 1 && probe[1].amount != 5`, "", "", ""},
		{`country != nil && country != cashout.country && cashout.country != nil`, "", "", "country; cashout.country"},
		{`(status != "a") == flag`, "", "status: status", ""},
		{`extra == nil || extra.status != "a"`, "", "extra.status: extra.status", ""},
		{`true`, "", "", ""},
	} {
		w := declared
		checkUses(t, w, c.text, c.joins, c.negated, c.present)
	}
	for _, c := range []struct{ text, joins, negated, present string }{
		{`amount > 1 && status == last(probe).status`, "status=probe.status: status == last(probe).status", "", "amount"},
		{`probe.exists(p, p.country == country)`, "probe.country=country: p.country == country", "", ""},
		{`probe.exists(p, [1].exists(q, p.country == country))`, "probe.country=country: p.country == country", "", ""},
		{`probe.exists(p, p.country != "FR")`, "", "probe.country: p.country", ""},
		{`probe.exists(p, has(p.country) && p.country != "FR")`, "", "", ""},
		{`probe.exists(p, has(p.country) && [1].exists(q, p.country != "FR"))`, "", "probe.country: p.country", ""},
		{`has(event.status) && status != "a" && event["country"] != null`, "", "", "status; country"},
		{`!has(event.status) || !(status in ["a"])`, "", "", ""},
	} {
		w := declared
		w.lang = LangCEL
		checkUses(t, w, c.text, c.joins, c.negated, c.present)
	}
}

func TestReads(t *testing.T) {
	text := `amount > 1 && last(probe).rate > device.os && any(probe, .amount > 1) && count(cashout) > sum(cashout.rate) && ts > cashout.ts && card_id == type`
	for _, w := range []scene{declared, undeclared} {
		u, err := UsesOf(text, w.env())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range u.Reads {
			got = append(got, r.written()+": "+text[r.Pos:r.End])
		}
		want := `amount: amount; probe.rate: last(probe).rate; device.os: device.os; probe.amount: .amount; cashout.rate: cashout.rate`
		if s := strings.Join(got, "; "); s != want {
			t.Errorf("reads %s, want %s", s, want)
		}
		if len(w.aggregates) > 0 {
			t.Errorf("aggregates %v", w.aggregates)
		}
	}
	if _, err := UsesOf(`amuont > 1`, (&scene{schema: true, current: true}).env()); err == nil {
		t.Error("no error")
	}
}

// TestSameUses checks that an expression does the same with fields in both
// languages.
func TestSameUses(t *testing.T) {
	told := func(u Uses) string {
		lists := make([][]string, 4)
		for _, f := range u.Reads {
			lists[0] = append(lists[0], fmt.Sprint(f.FieldOf))
		}
		for _, f := range u.Negated {
			lists[1] = append(lists[1], fmt.Sprint(f.FieldOf))
		}
		for _, j := range u.Joins {
			lists[2] = append(lists[2], fmt.Sprint(j.Left, j.Right))
		}
		for _, f := range u.Present {
			lists[3] = append(lists[3], fmt.Sprint(f))
		}
		return fmt.Sprint(lists)
	}
	compared := 0
	rapid.Check(t, func(t *rapid.T) {
		names := 0
		p := drawPhrase(t, 3, &names)
		if strings.Contains(p.expr, "??") {
			return // x != null ? x : y reads x twice
		}
		for _, w := range []scene{declared, undeclared} {
			a, err1 := UsesOf(p.expr, w.env())
			w.lang = LangCEL
			b, err2 := UsesOf(p.cel, w.env())
			if err1 != nil || err2 != nil {
				continue
			}
			compared++
			if told(a) != told(b) {
				t.Fatalf("%s: %s; %s: %s", p.expr, told(a), p.cel, told(b))
			}
		}
	})
	if compared == 0 {
		t.Fatal("nothing was compared")
	}
}
