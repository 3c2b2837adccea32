package bench

import (
	"fmt"
	"strconv"
	"strings"
)

// Cards are payments of cards as a service gets them: 200,000 cards and 1,000 merchants,
// each as often as any other, about 200 bytes an event, one in a hundred above 500.
type Cards struct {
	Number int // of cards

	s    source
	name string // begins the ids
	n    uint64
}

// NewCards begins a stream. Streams of other names have other ids.
func NewCards(name string, seed uint64) *Cards {
	return &Cards{Number: 200_000, s: source{seed}, name: name}
}

// AppendJSON appends the next payment, at a time in milliseconds since the epoch, with its
// line end.
func (c *Cards) AppendJSON(dst []byte, ms int64) []byte {
	c.n++
	dst = append(dst, `{"type":"payment","id":"`...)
	dst = append(dst, c.name...)
	dst = strconv.AppendUint(dst, c.n, 10)
	dst = append(dst, `","ts":`...)
	dst = strconv.AppendInt(dst, ms, 10)
	dst = append(dst, `,"card_id":"card-`...)
	dst = strconv.AppendInt(dst, int64(c.s.below(c.Number)), 10)
	dst = append(dst, `","merchant_id":"m`...)
	dst = strconv.AppendInt(dst, int64(c.s.below(1_000)), 10)
	dst = append(dst, `","amount":`...)
	whole := 1 + c.s.below(500)
	if c.s.below(100) == 0 {
		whole += 500
	}
	dst = strconv.AppendInt(dst, int64(whole), 10)
	dst = append(dst, '.')
	dst = strconv.AppendInt(dst, int64(10+c.s.below(90)), 10)
	return append(dst, `,"currency":"EUR","country":"NL","channel":"pos","status":"approved","device":"d-7f3a"}`+"\n"...)
}

// CardRules are n rules on Cards: all but one are sequences on a card from one merchant on, and
// one matches a payment in a hundred.
func CardRules(n int) string {
	var text strings.Builder
	text.WriteString(`events:
  payment:
    time: ts
    id: id
    fields: {id: string, ts: time, card_id: string, merchant_id: string, amount: number}
rules:
  - {id: large, on: payment, key: card_id, when: amount > 501}
`)
	for k := range n - 1 {
		fmt.Fprintf(&text, `  - id: pair-%d
    on: payment
    key: card_id
    within: 10m
    pattern: small -> large
    define:
      small: merchant_id == "m%d" and amount > %d
      large: amount > %d
`, k, k, 100+k%300, 600+k%300)
	}
	return text.String()
}
