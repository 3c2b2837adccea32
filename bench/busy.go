package bench

import (
	"fmt"
	"time"

	"weir/cep"
)

// Busy is a stream of payments of one card, so many a second. Nine in a thousand are tiny and
// one is large.
type Busy struct{ n, second int }

// NewBusy makes a stream of n payments of one card, so many a second.
func NewBusy(n, second int) Busy { return Busy{n, second} }

func (s Busy) Len() int { return s.n }

func (s Busy) Time(i int) int64 { return begin + int64(i)*int64(time.Second)/int64(s.second) }

func (s Busy) Type(int) string { return "payment" }

func (s Busy) amount(i int) float64 {
	switch at := i % 1000; {
	case at == 500:
		return 900
	case at < 24 && at%8 < 3:
		return 1.5
	}
	return 50
}

func (s Busy) Value(i int, field string) cep.Value {
	switch field {
	case "card_id":
		return cep.TextValue("busy")
	case "amount":
		return cep.NumberValue(s.amount(i))
	case "ts":
		return cep.TimeValue(s.Time(i))
	}
	return cep.Value{}
}

func (s Busy) AppendJSON(dst []byte, i int) []byte {
	dst = appendText(appendHead(dst, s.Type(i), s.Time(i)), "card_id", "busy")
	return fmt.Appendf(dst, ",\"amount\":%g}\n", s.amount(i))
}

// Probes is card testing with the sum of a minute.
const Probes = `events:
  payment:
    time: ts
    fields: {ts: time, card_id: string, amount: number}
features:
  spent: {on: payment, key: card_id, value: sum(amount), over: 1m}
rules:
  - id: card-testing
    on: payment
    key: card_id
    within: 10s
    pattern: probe{3} -> cashout
    define: {probe: amount < 2, cashout: amount > 600 and spent > 1}
`
