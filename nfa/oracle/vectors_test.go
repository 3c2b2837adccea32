package oracle

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// vector is a conformance vector: a pattern of Flink CEP, events, and the
// matches that Flink finds.
type vector struct {
	ID      string `json:"id"`
	Events  []row  `json:"events"`
	Pattern struct {
		Steps      []vectorStep `json:"steps"`
		Within     int64        `json:"within_ms"`
		WithinKind string       `json:"within_kind"`
		Skip       string       `json:"skip"`
	} `json:"pattern"`
	KeyBy      vectorFields `json:"key_by"`
	OrderBy    vectorFields `json:"order_by"`
	Watermarks []struct {
		After string `json:"after"`
		TS    int64  `json:"ts"`
	} `json:"watermarks"`
	Flush     bool                         `json:"flush"`
	AdvanceTo *int64                       `json:"advance_to"`
	Expect    []map[string]json.RawMessage `json:"expect"`
	ExpectAlt []map[string]json.RawMessage `json:"expect_alt"`
	Error     string                       `json:"expect_error"`
	Ordered   bool                         `json:"ordered"`
}

// vectorFields is a field or a list of fields.
type vectorFields []string

func (f *vectorFields) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*f = vectorFields{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(f))
}

type vectorStep struct {
	Var      string       `json:"var"`
	Group    []vectorStep `json:"group"`
	Link     string       `json:"link"`
	Where    string       `json:"where"`
	Inner    string       `json:"inner"`
	Until    string       `json:"until"`
	Times    []*int       `json:"times"`
	Optional bool         `json:"optional"`
	Greedy   bool         `json:"greedy"`
	Gap      int64        `json:"gap_ms"`
	RoundGap int64        `json:"round_gap_ms"`
}

// heldBack are the vectors with a skip strategy in which Flink holds matches
// back: they wait for an older open match, until the end or until that match
// comes out and cuts them. Matching at once emits them, beside all that Flink
// emits.
var heldBack = strings.Fields(`
flink-sql/MatchRecognizeITCase/testAggregates
flink-run/007 flink-run/022 flink-run/034 flink-run/036 flink-run/037 flink-run/042 flink-run/048 flink-run/055
flink-run/061 flink-run/084 flink-run/091 flink-run/093 flink-run/106 flink-run/120 flink-run/123 flink-run/127
flink-run/130 flink-run/138 flink-run/143 flink-run/145 flink-run/157 flink-run/173 flink-run/175 flink-run/185
flink-run/208 flink-run/218 flink-run/225 flink-run/229 flink-run/237 flink-run/263 flink-run/273 flink-run/291
`)

func TestVectors(t *testing.T) {
	files, err := filepath.Glob("../../conformance/testdata/*.json")
	other := map[string]bool{"empty_match.json": true, "malformed.json": true, "sql_pattern.json": true} // of another form
	files = slices.DeleteFunc(files, func(f string) bool { return other[filepath.Base(f)] })
	if err != nil || len(files) == 0 {
		t.Fatal("no vectors", err)
	}
	ran := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var vectors []vector
		if err := json.Unmarshal(data, &vectors); err != nil {
			t.Fatal(file, err)
		}
		for _, v := range vectors {
			if v.Error != "" {
				continue // a skip strategy that Flink was told to fail on
			}
			ran++
			t.Run(v.ID, v.run)
		}
	}
	if ran != 428 {
		t.Errorf("%d vectors ran, not 428", ran)
	}
}

func (v vector) run(t *testing.T) {
	conds := map[string]expression{}
	root := &Node{Op: Seq, Subs: vectorNodes(t, v.Pattern.Steps, conds)}
	rule := Rule{Pattern: New(root)}
	rule.Skip, rule.SkipVar = vectorSkip(v.Pattern.Skip)
	if v.Pattern.WithinKind != "prev_cur" {
		rule.Within = v.Pattern.Within * millisecond
	}
	var got []string
	byKey, end := v.processed()
	for _, events := range byKey {
		got = append(got, v.match(rule, events, end, conds)...)
	}
	want := v.Expect
	if v.ExpectAlt != nil {
		want = v.ExpectAlt
	}
	var wanted []string
	for _, m := range want {
		wanted = append(wanted, v.expected(m))
	}
	if !v.Ordered || len(byKey) > 1 {
		slices.Sort(got)
		slices.Sort(wanted)
	}
	fits := slices.Equal(got, wanted)
	if slices.Contains(heldBack, v.ID) {
		fits = !fits && contains(got, wanted)
	}
	if !fits {
		t.Errorf("%v within %d skip %s\n got %q\nwant %q", rule.Pattern, v.Pattern.Within, v.Pattern.Skip, got, wanted)
	}
}

// contains says that all of wanted are among got, as often.
func contains(got, wanted []string) bool {
	rest := slices.Clone(got)
	for _, m := range wanted {
		i := slices.Index(rest, m)
		if i < 0 {
			return false
		}
		rest = slices.Delete(rest, i, i+1)
	}
	return true
}

// processed returns the events in processing order, by key in the order of the
// keys' first events, and the time reached at the end. Late events are left out.
func (v vector) processed() (byKey [][]row, end int64) {
	end = math.MinInt64
	watermark := int64(math.MinInt64)
	var accepted []row
	for _, e := range v.Events {
		ts := int64(e["ts"].(float64))
		if ts > watermark {
			accepted = append(accepted, e)
			if v.Watermarks == nil {
				end = ts
			}
		}
		for _, w := range v.Watermarks {
			if w.After == e["id"] {
				watermark, end = w.TS, w.TS
			}
		}
	}
	if v.AdvanceTo != nil {
		end = *v.AdvanceTo
	}
	if v.Flush {
		end = Forever
	}
	slices.SortStableFunc(accepted, func(a, b row) int {
		c := cmp.Compare(a["ts"].(float64), b["ts"].(float64))
		for _, field := range v.OrderBy {
			name, falling := strings.CutPrefix(field, "-")
			d := cmp.Compare(a[name].(float64), b[name].(float64))
			if falling {
				d = -d
			}
			c = cmp.Or(c, d)
		}
		return c
	})
	index := map[string]int{}
	for _, e := range accepted {
		if e["ts"].(float64) > float64(end) {
			continue
		}
		key := ""
		for _, field := range v.KeyBy {
			key += fmt.Sprintf("%q ", e[field])
		}
		if _, ok := index[key]; !ok {
			index[key] = len(byKey)
			byKey = append(byKey, nil)
		}
		byKey[index[key]] = append(byKey[index[key]], e)
	}
	if end != Forever {
		end *= millisecond
	}
	return byKey, end
}

// match returns the matches on the events of one key, as text.
func (v vector) match(rule Rule, events []row, end int64, conds map[string]expression) []string {
	times := make([]Event, len(events))
	for i, e := range events {
		times[i].Time = int64(e["ts"].(float64)) * millisecond
	}
	names := rule.Pattern.Names
	holds := func(cond, event int, caps [][]int) bool {
		variable := func(name string) (rows, bool) {
			n := slices.Index(names, name)
			if n < 0 {
				return nil, false
			}
			list := rows{}
			for _, e := range caps[n] {
				list = append(list, events[e])
			}
			return list, true
		}
		return conds[names[cond]](events[event], variable) == true
	}
	var out []string
	for _, m := range Matches(rule, times, end, holds) {
		out = append(out, v.found(m, names, events))
	}
	return out
}

// found writes a match as text, equal events folded.
func (v vector) found(m Match, names []string, events []row) string {
	by := map[string][]string{}
	for _, p := range m.Word {
		by[names[p.Var]] = append(by[names[p.Var]], v.fold(events[p.Event]["id"].(string)))
	}
	return fmt.Sprint(by)
}

func (v vector) expected(m map[string]json.RawMessage) string {
	by := map[string][]string{}
	for name, raw := range m {
		var ids []string
		if json.Unmarshal(raw, &ids) != nil {
			continue // _ts
		}
		for _, id := range ids {
			by[name] = append(by[name], v.fold(id))
		}
	}
	return fmt.Sprint(by)
}

func (v vector) fold(id string) string {
	for _, e := range v.Events {
		if e["id"] == id && e["same_as"] != nil {
			return e["same_as"].(string)
		}
	}
	return id
}

func vectorSkip(text string) (Skip, string) {
	kind, name, _ := strings.Cut(text, ":")
	kinds := map[string]Skip{"none": None, "past_last": PastLast, "to_next": ToNext, "to_first": ToFirst, "to_last": ToLast}
	skip, ok := kinds[kind]
	if !ok {
		panic("unknown skip " + text)
	}
	return skip, name
}

// vectorNodes makes the elements of a sequence of steps and compiles their
// conditions.
func vectorNodes(t *testing.T, steps []vectorStep, conds map[string]expression) []*Node {
	var nodes []*Node
	for _, s := range steps {
		n := &Node{Op: Var, Name: s.Var, Optional: s.Optional, Greedy: s.Greedy}
		switch s.Link {
		case "not_next":
			n.Op, n.Link.Kind = Not, Next
		case "not_followed_by":
			n.Op = Not
		case "next":
			n.Link.Kind = Next
		case "followed_by_any":
			n.Link.Kind = Any
		}
		n.Link.Limit = max(s.Gap, s.RoundGap) * millisecond
		if s.Times != nil {
			n.Repeats, n.Min, n.Max = true, *s.Times[0], Many
			if s.Times[1] != nil {
				n.Max = *s.Times[1]
			}
			n.Round = Link{Kind: map[string]Kind{"": Follow, "relaxed": Follow, "strict": Next, "any": Any}[s.Inner]}
			n.Round.Limit = s.RoundGap * millisecond
		}
		if s.Group != nil {
			n.Op = Seq
			n.Subs = vectorNodes(t, s.Group, conds)
		} else {
			conds[s.Var] = vectorCondition(t, s.Where)
		}
		if s.Until != "" {
			n.Until = s.Var + "_until"
			conds[n.Until] = vectorCondition(t, s.Until)
		}
		nodes = append(nodes, n)
	}
	return nodes
}

func vectorCondition(t *testing.T, text string) expression {
	e, err := parseExpression(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
