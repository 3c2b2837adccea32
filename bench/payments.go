package bench

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"weir/cep"
)

const (
	cards     = 100_000
	merchants = 1_000

	// paymentEvery is the mean time between two payments: 2,000,000 in 10 days.
	paymentEvery = 10 * 24 * time.Hour / 2_000_000
	// testEvery is the number of payments for each injected card test.
	testEvery = 500
)

// payment is an event of type payment.
type payment struct {
	at             int64 // nanoseconds since the epoch
	card, merchant int32
	cents          int32
}

func (p *payment) amount() float64 { return float64(p.cents) / 100 }

// Payments are a stream of card payments, with card tests injected: three to six
// payments below 2 within minutes, then one above 500. Card k is used with a
// weight of 1/(k+1)^1.1.
type Payments struct {
	rows                 []payment
	cards, merchantNames []string
}

// NewPayments makes n payments.
func NewPayments(n int, seed uint64) *Payments {
	s := &source{seed}
	tests := cardTests(s, n/testEvery, time.Duration(n)*paymentEvery)
	rest := make([]payment, max(n-len(tests), 0))
	popular := newZipf(cards, 1.1)
	span := int64(n) * int64(paymentEvery)
	for i := range rest {
		slot := span / int64(len(rest))
		rest[i] = payment{
			at:       begin + int64(i)*slot + int64(s.below(int(slot))),
			card:     int32(popular.draw(s)),
			merchant: int32(s.below(merchants)),
			cents:    cents(s),
		}
	}
	rows := merge(rest, tests, func(p *payment) int64 { return p.at })
	return &Payments{rows: rows, cards: labels("c", cards), merchantNames: labels("m", merchants)}
}

// cents draws an amount: one in a hundred is below 2, one in a hundred above 500,
// and of the others small ones are the most.
func cents(s *source) int32 {
	switch s.below(100) {
	case 0:
		return int32(50 + s.below(150))
	case 1:
		return int32(50_001 + s.below(150_000))
	}
	u := s.unit()
	return int32(200 + math.Round(49_800*u*u*u))
}

func cardTests(s *source, n int, span time.Duration) []payment {
	var rows []payment
	for range n {
		at := begin + int64(s.unit()*float64(span))
		card := int32(s.below(cards))
		for range 3 + s.below(4) {
			rows = append(rows, payment{at, card, int32(s.below(merchants)), int32(50 + s.below(150))})
			at += int64(20*time.Second) + int64(s.below(int(100*time.Second)))
		}
		rows = append(rows, payment{at, card, int32(s.below(merchants)), int32(50_001 + s.below(150_000))})
	}
	return rows
}

func (p *Payments) Len() int { return len(p.rows) }

func (p *Payments) Time(i int) int64 { return p.rows[i].at }

func (p *Payments) Type(int) string { return "payment" }

func (p *Payments) Value(i int, field string) cep.Value {
	row := &p.rows[i]
	switch field {
	case "card_id":
		return cep.TextValue(p.cards[row.card])
	case "merchant_id":
		return cep.TextValue(p.merchantNames[row.merchant])
	case "amount":
		return cep.NumberValue(row.amount())
	case "ts":
		return cep.TimeValue(row.at)
	}
	return cep.Value{}
}

func (p *Payments) AppendJSON(dst []byte, i int) []byte {
	row := &p.rows[i]
	dst = appendHead(dst, "payment", row.at)
	dst = appendText(dst, "card_id", p.cards[row.card])
	dst = appendText(dst, "merchant_id", p.merchantNames[row.merchant])
	dst = append(dst, `,"amount":`...)
	dst = strconv.AppendFloat(dst, row.amount(), 'f', -1, 64)
	return append(dst, "}\n"...)
}

const paymentSchema = `events:
  payment:
    time: ts
    fields: {ts: time, card_id: string, merchant_id: string, amount: number}
`

// CardTesting is a rule for card tests that consumes by the given skip strategy.
func CardTesting(skip string) string {
	return paymentSchema + `rules:
  - id: card-testing
    on: payment
    key: card_id
    within: 30m
    pattern: probe{3,}+ -> cashout
    define: {probe: amount < 2, cashout: amount > 500}
    skip: ` + skip + "\n"
}

// CardTests counts what CardTesting finds in p: with skip past_last (once) a
// cashout is one match if at least three probes of its card lie within 30
// minutes before it, and these are used up; else each of these probes but the
// last two begins one, if a probe has come since the cashout before.
func CardTests(p *Payments, once bool) int {
	type card struct {
		probes []int64
		since  bool // a probe has come since the last cashout
	}
	found := 0
	seen := map[int32]*card{}
	for i := range p.rows {
		row := &p.rows[i]
		c := seen[row.card]
		if c == nil {
			c = &card{}
			seen[row.card] = c
		}
		switch {
		case row.cents < 200:
			c.probes = append(c.probes, row.at)
			c.since = true
		case row.cents > 50_000:
			for len(c.probes) > 0 && row.at-c.probes[0] >= int64(30*time.Minute) {
				c.probes = c.probes[1:]
			}
			if n := len(c.probes); n >= 3 && once {
				found++
				c.probes = nil
			} else if n >= 3 && c.since {
				found += n - 2
			}
			c.since = false
		}
	}
	return found
}

// pair is one of the rules of MerchantPairs: a payment at one merchant above
// first, then one above second with the same card within 10 minutes.
type pair struct {
	merchant      int32
	first, second int32 // whole units of currency
}

func pairAt(k int) pair {
	return pair{int32(k % merchants), int32(100 + k%7*20), int32(250 + k%11*10)}
}

// MerchantPairs are n rules of two steps, each on another merchant with other
// thresholds; n is at most 1,000.
func MerchantPairs(n int) string {
	var text strings.Builder
	text.WriteString(paymentSchema)
	text.WriteString("rules:\n")
	for k := range n {
		r := pairAt(k)
		fmt.Fprintf(&text, `  - id: pair-%d
    on: payment
    key: card_id
    within: 10m
    pattern: small -> large
    define:
      small: merchant_id == "m%d" && amount > %d
      large: amount > %d
`, k, r.merchant, r.first, r.second)
	}
	return text.String()
}

// Pairs counts what MerchantPairs finds in p.
func Pairs(p *Payments, n int) int {
	open := map[int32]map[int][]int64{} // by card and rule: the times of first payments
	found := 0
	for i := range p.rows {
		row := &p.rows[i]
		waiting := open[row.card]
		begins := -1
		if k := int(row.merchant); k < n && row.cents > 100*pairAt(k).first {
			begins = k
		}
		for k, firsts := range waiting {
			for len(firsts) > 0 && row.at-firsts[0] >= int64(10*time.Minute) {
				firsts = firsts[1:]
			}
			if len(firsts) > 0 && row.cents > 100*pairAt(k).second {
				found++
				firsts = nil
				if k == begins {
					begins = -1 // the match uses its last event up
				}
			}
			if waiting[k] = firsts; len(firsts) == 0 {
				delete(waiting, k)
			}
		}
		if begins >= 0 {
			if waiting == nil {
				waiting = map[int][]int64{}
				open[row.card] = waiting
			}
			waiting[begins] = append(waiting[begins], row.at)
		}
	}
	return found
}

// Closures are ten rules of two steps whose conditions no index can answer.
func Closures() string {
	var text strings.Builder
	text.WriteString(paymentSchema)
	text.WriteString("rules:\n")
	for k := range 10 {
		fmt.Fprintf(&text, `  - id: closure-%d
    on: payment
    key: card_id
    within: 10m
    pattern: small -> large
    define:
      small: amount * %d > %d && merchant_id endsWith "%d"
      large: amount > small.amount + %d
`, k, k+2, (k+2)*400, k, 100+k)
	}
	return text.String()
}
