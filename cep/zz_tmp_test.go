package cep

import (
	"encoding/json"
	stdrapid "pgregory.net/rapid"
	"strings"
	"testing"
)

func TestTmpRate(t *testing.T) {
	rs := decodeRuleset()
	d := NewDecoder(rs)
	n, ok := 0, 0
	m := map[string]int{}
	stdrapid.Check(t, func(t *stdrapid.T) {
		var b strings.Builder
		drawObject(t, &b, 0)
		n++
		var e Event
		if r := d.Decode(b.String(), &e); r == nil {
			ok++
		} else {
			w := strings.Fields(r.Reason)
			m[strings.Join(w[:min(4, len(w))], " ")]++
		}
	})
	t.Log(n, ok, m)
}
func BenchmarkStdJSON(b *testing.B) {
	for b.Loop() {
		var m map[string]any
		json.Unmarshal([]byte(payment), &m)
	}
}
func BenchmarkStdStruct(b *testing.B) {
	type P struct {
		CardID string  `json:"card_id"`
		Amount float64 `json:"amount"`
		Status string  `json:"status"`
		M      string  `json:"merchant_id"`
	}
	x := []byte(payment)
	for b.Loop() {
		var p P
		json.Unmarshal(x, &p)
	}
}
