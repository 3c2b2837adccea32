package expr

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/cep"
	"weir/cep/list"
)

// sceneFeatures are the features of the scene; sceneReads what they give.
var sceneFeatures = []Feature{
	{Name: "idle", Kind: cep.Duration, Keys: []string{"card_id"}},
	{Name: "known", Kind: cep.Bool, Keys: []string{"card_id"}},
	{Name: "latest", Keys: []string{"card_id"}},
	{Name: "pair", Kind: cep.Number, Keys: []string{"payer", "payee"}},
	{Name: "spend", Kind: cep.Number, Keys: []string{"card_id"}},
}

// sceneReads are the values of features, by name and, of another key, its parts.
var sceneReads = map[string]cep.Value{
	"idle": cep.DurationValue(90 * time.Minute), "known": yes(), "latest": text("DE"), "spend": num(250),
	"spend KP": num(7), "pair KP FR": num(3),
}

// readTable numbers reads as a compiler of rules does.
type readTable struct {
	mu   sync.Mutex
	list []Read
}

// reads are those of all scenes: what is compiled in one runs in others.
var reads readTable

func (t *readTable) read(r Read) cep.ReadID {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.list, func(s Read) bool {
		return s.Feature == r.Feature && s.ID == r.ID && (s.Args == nil) == (r.Args == nil)
	})
	if i < 0 {
		i = len(t.list)
		t.list = append(t.list, r)
	}
	return cep.ReadID(i)
}

// features are what the reads give in a scope.
func (c *scene) features(s *cep.Scope) cep.FeatureRow {
	var values []cep.Value
	for _, r := range reads.list {
		name := []string{sceneFeatures[r.Feature].Name}
		for _, f := range r.Args {
			if s.Event == nil {
				break
			}
			v := f(s)
			part, _ := v.KeyText()
			name = append(name, part)
		}
		values = append(values, sceneReads[strings.Join(name, " ")])
	}
	return cep.NewFeatureRow(values)
}

// sceneLists are the lists of the scene, and sceneEntries what they hold.
var sceneLists, sceneEntries = func() (lists []List, named []cep.NamedList) {
	add := func(name string, spec list.Spec, entries ...list.Entry) {
		l, err := list.New(spec)
		if err != nil {
			panic(err)
		}
		for _, e := range entries {
			if e.Expires == 0 {
				e.Expires = list.Never
			}
			if err := l.Put(e); err != nil {
				panic(err)
			}
		}
		lists = append(lists, List{Name: name, Spec: spec, ID: cep.ListID(len(named))})
		named = append(named, cep.NamedList{Name: name, List: l})
	}
	add("gone", list.Spec{Type: list.String}, list.Entry{Text: "KP", Expires: sceneTime})
	add("nets", list.Spec{Type: list.CIDR, Value: list.Bool}, list.Entry{Text: "10.0.0.0/8", Value: list.BoolValue(true)}, list.Entry{Text: "10.2.0.0/16", Value: list.BoolValue(false)})
	add("rates", list.Spec{Type: list.String, Value: list.Number}, list.Entry{Text: "KP", Value: list.NumberValue(2)}, list.Entry{Text: "none"})
	add("sizes", list.Spec{Type: list.Number}, list.Entry{Text: "100"})
	add("vip", list.Spec{Type: list.String}, list.Entry{Text: "KP"}, list.Entry{Text: "100"})
	return lists, named
}()

// TestFeaturesOfMatch: after the match features are read as of the moment it came.
func TestFeaturesOfMatch(t *testing.T) {
	checkRows(t, []valueRow{
		{`spend + probes`, "253", `spend + probes`},
		{`known ? latest : "no"`, `"DE"`, `known ? latest : "no"`},
		{`in_list("vip", cashout.country) && !in_list("gone", cashout.country)`, "true", `in_list("vip", cashout.country) && !in_list("gone", cashout.country)`},
	}, completed)
	c := scene{schema: true}
	_, err := CompileBool(`spend(cashout.country) > 1`, c.env())
	e, ok := err.(*Error)
	if !ok || !strings.Contains(e.Msg, "in conditions only") {
		t.Errorf("another key after the match: %v", err)
	}
}

// TestKeyOfNumber: what is looked up in a list of text is the text of a key.
func TestKeyOfNumber(t *testing.T) {
	c := scene{current: true, event: newEvent(1, "payment", 0, row{"amount": digits(100, "100"), "rate": digits(100, "1e2")})}
	for text, want := range map[string]string{`in_list("vip", amount)`: "true", `in_list("vip", rate)`: "nil", `list_value("rates", rate, 5)`: "5"} {
		checkRow(t, text, want, c)
	}
}

// TestReadOnce: a read of the same key has one number, in however many expressions it
// stands; reads of other keys have others.
func TestReadOnce(t *testing.T) {
	c := scene{schema: true, current: true}
	env := c.env()
	var own readTable
	env.Read = own.read
	for _, text := range []string{
		`spend > 1`, `spend(country) > 2 && spend(country) < 9 || spend > 5`, `spend(home) > 1`,
		`spend(lower(country)) > 1`, `known(country)`, `spend(params.name) > 1`,
	} {
		for range 2 {
			if _, err := CompileCond(text, env); err != nil {
				t.Fatal(err)
			}
			if _, err := CompileWhy(text, env); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(own.list) != 6 {
		t.Errorf("%d reads, want 6", len(own.list))
	}
	env.Params = map[string]cep.Value{"name": text("other")}
	if _, err := CompileCond(`spend(params.name) > 1`, env); err != nil || len(own.list) != 7 {
		t.Errorf("with another param: %d reads, want 7; %v", len(own.list), err)
	}
	if u, err := UsesOf(`spend(email) > 1 && in_list("vip", country) && latest != nil`, env); err != nil || len(own.list) != 7 {
		t.Errorf("UsesOf registers: %d reads; %v", len(own.list), err)
	} else if len(u.Features) != 2 || !u.Features[0].Other || u.Features[1].Other || len(u.Lists) != 1 || u.Lists[0] != 4 {
		t.Errorf("uses %+v", u)
	}
}

// TestPartsOfFeatures: a condition that looks at features and lists reads no captures.
func TestPartsOfFeatures(t *testing.T) {
	c := scene{schema: true, current: true}
	cond, err := CompileCond(`spend > 100 && spend(country) > 5 && in_list("vip", country) && known`, c.env())
	if err != nil {
		t.Fatal(err)
	}
	if cond.Captured != nil || cond.Event == nil || len(cond.Equals) > 0 {
		t.Errorf("%+v", cond)
	}
	if !cond.Event(c.scope()) {
		t.Error("it does not hold")
	}
}

// TestBefore: a part of a feature reads no features.
func TestBefore(t *testing.T) {
	c := scene{schema: true, current: true}
	env := c.env()
	env.Before = true
	for _, text := range []string{`spend > 1`, `spend(country) > 1`} {
		_, err := CompileBool(text, env)
		if e, ok := err.(*Error); !ok || !strings.Contains(e.Msg, "`spend` is a feature") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := CompileBool(`in_list("vip", country) && amount > params.limit`, env); err != nil {
		t.Error(err)
	}
}

// TestWhyFeature: the reasons of a condition show what features gave.
func TestWhyFeature(t *testing.T) {
	c := scene{schema: true, current: true}
	why, err := CompileWhy(`spend > 100 && spend(country) > params.limit * 100`, c.env())
	if err != nil {
		t.Fatal(err)
	}
	r := why(c.scope())
	if len(r.Parts) != 1 || r.Holds {
		t.Fatalf("%+v", r)
	}
	var got []string
	for _, o := range r.Parts[0].Operands {
		got = append(got, o.Text+" = "+o.Value)
	}
	want := []string{"spend(country) = 7", `country = "KP"`, "params.limit * 100 = 200", "params.limit = 2"}
	if !slices.Equal(got, want) {
		t.Errorf("operands %q, want %q", got, want)
	}
}

// TestCompileOf: the kinds that a value may have, and what it has.
func TestCompileOf(t *testing.T) {
	c := scene{schema: true, current: true}
	for _, tt := range []struct {
		text string
		of   []cep.Kind
		kind cep.Kind
		msg  string
	}{
		{"amount * 2", []cep.Kind{cep.Number}, cep.Number, ""},
		{"ts - created", []cep.Kind{cep.Number, cep.Duration}, cep.Duration, ""},
		{"device.os", []cep.Kind{cep.Number}, cep.Number, ""},
		{"device.os", nil, cep.Nil, ""},
		{"tags", nil, cep.List, ""},
		{"status", []cep.Kind{cep.Number, cep.Time}, cep.Nil, "`status` is a string; what sum takes is a number or time"},
		{"amuont", nil, cep.Nil, "unknown name `amuont`"},
	} {
		_, kind, err := CompileOf(tt.text, c.env(), "what sum takes", tt.of...)
		if e, ok := err.(*Error); kind != tt.kind || ok != (tt.msg != "") || ok && e.Msg != tt.msg {
			t.Errorf("%s: %v, %v", tt.text, kind, err)
		}
	}
}
