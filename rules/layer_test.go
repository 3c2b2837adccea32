package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/cep"
	"weir/rules/source"
)

// TestLayers: rules come after those whose matches they read, and not before those that
// add to a risk that they read.
func TestLayers(t *testing.T) {
	const head = `
risk: {card_risk: {key: card, half_life: 1h}, user_risk: {key: user, half_life: 1h}}
rules:
`
	rule := func(id, on, key, where, more string) string {
		return fmt.Sprintf("  - {id: %s, on: [%s], key: %s, within: 1h, pattern: a, define: {a: '%s'}, measures: {%s: 1}%s}\n", id, on, key, where, map[string]string{"card": "user", "user": "card"}[key], more)
	}
	for _, tt := range []struct{ name, rules, want string }{
		{"nothing to wait for", rule("a", "pay", "card", "true", "") + rule("b", "pay", "user", "true", ""), "a0 b0"},
		{"a chain against the order of ids", rule("a", "alert.b", "card", "true", "") + rule("b", "alert.c", "card", "true", "") + rule("c", "pay", "card", "true", ""), "a2 b1 c0"},
		{"the longest of two ways", rule("a", "pay", "card", "true", "") + rule("b", "pay, alert.a", "card", "true", "") + rule("c", "alert.a, alert.b", "card", "true", ""), "a0 b1 c2"},
		{"those who add to a risk and read it", rule("a", "pay", "card", "card_risk > 1", "") + rule("b", "pay", "card", "card_risk > 2", ""), "a0 b0"},
		{"a reader waits for who adds", rule("a", "pay", "card", "card_risk > 1", "") + rule("b", "pay", "card", "true", "") + rule("c", "alert.d", "card", "true", "") + rule("d", "pay", "user", "true", ""), "a1 b0 c1 d0"},
		{"of another key", rule("a", "pay", "card", "card_risk > 1", "") + rule("c", "alert.d", "user", "true", "") + rule("d", "pay", "card", "true", ""), "a0 c1 d0"},
		{"a shadow rule adds to none", rule("a", "pay", "card", "card_risk > 1", "") + rule("c", "alert.d", "card", "true", ", status: shadow") + rule("d", "pay", "user", "true", ""), "a0 c1 d0"},
		{"a shadow rule waits like others", rule("a", "pay", "card", "card_risk > 1", ", status: shadow") + rule("c", "alert.d", "card", "true", "") + rule("d", "pay", "user", "true", ""), "a1 c1 d0"},
		{"one risk behind the other", rule("a", "pay", "card", "card_risk > 1", "") + rule("b", "alert.a", "user", "true", "") + rule("c", "pay", "user", "user_risk > 1", "") + rule("d", "alert.c", "user", "true", ", status: shadow"), "a0 b1 c1 d2"},
		{"a disabled rule holds up nobody", rule("a", "alert.b", "card", "true", "") + rule("b", "pay", "card", "true", ", status: disabled"), "a0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set, _ := engineOf(t, head+tt.rules, nil)
			if got := layersOf(set); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func layersOf(set *cep.Ruleset) string {
	var list []string
	for _, r := range set.Rules {
		list = append(list, fmt.Sprint(r.ID, r.Layer))
	}
	return strings.Join(list, " ")
}

// TestLayersRandom: of random rulesets the layers are the least that there can be, and
// have no gaps; or there is a circle, which no layers satisfy.
func TestLayersRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 7).Draw(t, "rules")
		text := "risk: {k0_risk: {key: k0, half_life: 1h}, k1_risk: {key: k1, half_life: 1h}}\nrules:\n"
		var needs [][3]int // layer of [0] is at least that of [1] and [2]
		key, risk, shadow := make([]int, n), make([]int, n), make([]bool, n)
		for i := range n {
			on := "pay"
			key[i], risk[i] = rapid.IntRange(0, 1).Draw(t, "key"), rapid.IntRange(0, 2).Draw(t, "reads a risk")
			shadow[i] = rapid.IntRange(0, 4).Draw(t, "shadow") == 0
			for _, j := range rapid.SliceOfNDistinct(rapid.IntRange(0, n-1), 0, 2, rapid.ID).Draw(t, "on matches of") {
				on += fmt.Sprintf(", alert.r%d", j)
				needs = append(needs, [3]int{i, j, 1})
			}
			where, status := "true", "active"
			if risk[i] == 2 {
				where = fmt.Sprintf("k%d_risk > 1", key[i])
			}
			if shadow[i] {
				status = "shadow"
			}
			text += fmt.Sprintf("  - {id: r%d, status: %s, on: [%s], key: k%d, within: 1h, pattern: a, define: {a: '%s'}, measures: {k%d: 1}}\n", i, status, on, key[i], where, 1-key[i])
		}
		for i := range n {
			for j := range n {
				if risk[i] == 2 && !shadow[j] && key[j] == key[i] {
					needs = append(needs, [3]int{i, j, 0})
				}
			}
		}
		least := make([]int, n)
		circle := false
		for range n + 1 {
			circle = false
			for _, need := range needs {
				if at := least[need[1]] + need[2]; at > least[need[0]] {
					least[need[0]], circle = at, true
				}
			}
		}
		var want []string
		for i, at := range least {
			want = append(want, fmt.Sprintf("r%d%d", i, at))
		}
		checked := Check([]source.File{{Path: "r.yaml", Text: text}})
		var wrong []string
		for _, d := range checked.Findings {
			if d.Severity == source.Error {
				wrong = append(wrong, d.Msg)
				if !strings.Contains(d.Msg, "circle") && !strings.Contains(d.Msg, "none of these rules can come first") && !strings.Contains(d.Msg, "its own matches") {
					t.Fatalf("%s\nin\n%s", d.Msg, text)
				}
			}
		}
		if circle != (wrong != nil) {
			t.Fatalf("a circle: %t; found %q in\n%s", circle, wrong, text)
		}
		if !circle && layersOf(checked.Ruleset) != strings.Join(want, " ") {
			t.Fatalf("got %s, want %s of\n%s", layersOf(checked.Ruleset), strings.Join(want, " "), text)
		}
	})
}

// TestManyLayers: long chains and crowded risks take no time.
func TestManyLayers(t *testing.T) {
	var b strings.Builder
	b.WriteString("risk: {card_risk: {key: card, half_life: 1h}}\nrules:\n")
	const n = 1500
	for i := range n {
		on := "pay"
		if i > 0 {
			on = fmt.Sprintf("alert.r%d", n-i)
		}
		fmt.Fprintf(&b, "  - {id: r%d, on: %s, key: card, within: 1h, pattern: a, define: {a: true}}\n", n-i-1, on)
		fmt.Fprintf(&b, "  - {id: s%d, on: pay, key: user, within: 1h, pattern: a, define: {a: true}}\n", i)
	}
	began := time.Now()
	set := Check([]source.File{{Path: "r.yaml", Text: b.String()}}).Ruleset
	if r := set.Rules[0]; r.ID != "r0" || r.Layer != n-1 {
		t.Errorf("%s is in layer %d", r.ID, r.Layer)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}
