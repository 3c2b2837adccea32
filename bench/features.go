package bench

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"weir/cep"
)

// Swipes are a stream of payments whose cards, merchants and devices are drawn from
// so many keys in all, six in ten of them cards and three devices: two payments a day
// for each key, so that a card has three, a device seven and a merchant twenty.
type Swipes struct {
	n, keys                   int
	cards, merchants, devices int
	popular                   [3]zipf // of cards, merchants, devices; empty: all are drawn alike
	every                     int64
}

// NewSwipes makes a stream of n payments. With an exponent k-th keys are drawn with a
// weight of 1/(k+1)^exponent; without (0) all alike.
func NewSwipes(n, keys int, exponent float64) *Swipes {
	s := &Swipes{n: n, keys: keys, cards: keys * 6 / 10, merchants: keys / 10, devices: keys * 3 / 10}
	s.every = 24 * int64(time.Hour) / int64(2*keys)
	if exponent > 0 {
		s.popular = [3]zipf{newZipf(s.cards, exponent), newZipf(s.merchants, exponent), newZipf(s.devices, exponent)}
	}
	return s
}

// swipe is one of them.
type swipe struct {
	card, merchant, device int
	cents                  int
}

func (s *Swipes) at(i int) swipe {
	r := &source{mix(uint64(i))}
	draw := func(kind, n int) int {
		if z := s.popular[kind]; z.upto != nil {
			return z.draw(r)
		}
		return r.below(n)
	}
	u := r.unit()
	return swipe{draw(0, s.cards), draw(1, s.merchants), draw(2, s.devices), 100 + int(math.Round(99_900*u*u*u))}
}

func (s *Swipes) Len() int { return s.n }

func (s *Swipes) Time(i int) int64 { return begin + int64(i)*s.every }

func (s *Swipes) Type(int) string { return "swipe" }

func (s *Swipes) Value(i int, field string) cep.Value {
	w := s.at(i)
	switch field {
	case "card_id":
		return cep.TextValue(key("card", w.card))
	case "merchant_id":
		return cep.TextValue(key("shop", w.merchant))
	case "device_id":
		return cep.TextValue(key("device", w.device))
	case "amount":
		return cep.NumberValue(float64(w.cents) / 100)
	case "ts":
		return cep.TimeValue(s.Time(i))
	}
	return cep.Value{}
}

func key(kind string, n int) string { return fmt.Sprintf("%s-%09d", kind, n) }

func (s *Swipes) AppendJSON(dst []byte, i int) []byte {
	w := s.at(i)
	dst = appendHead(dst, "swipe", s.Time(i))
	dst = appendText(dst, "card_id", key("card", w.card))
	dst = appendText(dst, "merchant_id", key("shop", w.merchant))
	dst = appendText(dst, "device_id", key("device", w.device))
	dst = append(dst, `,"amount":`...)
	dst = strconv.AppendFloat(dst, float64(w.cents)/100, 'f', -1, 64)
	return append(dst, "}\n"...)
}

// velocity are ten features of three keys, and for each the condition of a rule.
var velocity = []struct{ name, text, hit string }{
	{"card_count_1h", "{on: swipe, key: card_id, value: count(), over: 1h}", "card_count_1h > 5 && amount > 995"},
	{"card_spent_24h", "{on: swipe, key: card_id, value: sum(amount), over: 24h, resolution: 6h}", "card_spent_24h > 6000 && amount > 995"},
	{"card_mean_24h", "{on: swipe, key: card_id, value: mean(amount), over: 24h, exclude_current: true}", "amount > 20 * card_mean_24h && amount > 995"},
	{"card_shops_24h", "{on: swipe, key: card_id, value: distinct(merchant_id), over: 24h}", "card_shops_24h > 9 && amount > 995"},
	{"card_since", "{on: swipe, key: card_id, value: since_last(), over: 24h}", `card_since < duration("1m") && amount > 995`},
	{"shop_count_1h", "{on: swipe, key: merchant_id, value: count(), tumbling: 1h}", "shop_count_1h > 5 && amount > 995"},
	{"shop_max_1h", "{on: swipe, key: merchant_id, value: max(amount), over: 1h}", "shop_max_1h > 999 && amount > 995"},
	{"shop_spent_24h", "{on: swipe, key: merchant_id, value: sum(amount), over: 24h}", "shop_spent_24h > 10000 && amount > 995"},
	{"device_cards_24h", "{on: swipe, key: device_id, value: distinct(card_id), over: 24h}", "device_cards_24h > 15 && amount > 995"},
	{"device_mean_24h", "{on: swipe, key: device_id, value: mean(amount), tumbling: 24h}", "device_mean_24h > 600 && amount > 995"},
}

// Velocity are ten rules of one step, each of which reads one of ten features.
func Velocity() string {
	var text strings.Builder
	text.WriteString(`events:
  swipe:
    time: ts
    fields: {ts: time, card_id: string, merchant_id: string, device_id: string, amount: number}
features:
`)
	for _, f := range velocity {
		fmt.Fprintf(&text, "  %s: %s\n", f.name, f.text)
	}
	text.WriteString("rules:\n")
	for i, f := range velocity {
		fmt.Fprintf(&text, "  - {id: velocity-%d, on: swipe, key: card_id, within: 1h, pattern: hit, define: {hit: '%s'}}\n", i, f.hit)
	}
	return text.String()
}

// Velocities counts what Velocity finds in s. Only payments above 995 can match.
func Velocities(s *Swipes) int {
	hour := int64(time.Hour)
	cards, shops, devices := map[int][]int{}, map[int][]int{}, map[int][]int{}
	found := 0
	for i := range s.n {
		w, t := s.at(i), s.Time(i)
		cards[w.card] = append(cards[w.card], i)
		shops[w.merchant] = append(shops[w.merchant], i)
		devices[w.device] = append(devices[w.device], i)
		if w.cents <= 99_500 {
			continue
		}
		// of counts what payments from a time on hold, the last or not.
		of := func(all []int, from int64, current bool) (n, cents, most int, others map[[2]int]bool) {
			others = map[[2]int]bool{}
			for _, j := range all {
				if s.Time(j) < from || j == i && !current {
					continue
				}
				x := s.at(j)
				n++
				cents += x.cents
				most = max(most, x.cents)
				others[[2]int{0, x.card}], others[[2]int{1, x.merchant}] = true, true
			}
			return n, cents, most, others
		}
		kinds := func(others map[[2]int]bool, kind int) (n int) {
			for x := range others {
				if x[0] == kind {
					n++
				}
			}
			return n
		}
		hit := func(ok bool) {
			if ok {
				found++
			}
		}
		own, day := cards[w.card], t-24*hour+1
		n, _, _, _ := of(own, t-hour+1, true)
		hit(n > 5)
		_, cents, _, _ := of(own, day-(day%(6*hour)+6*hour)%(6*hour), true)
		hit(cents > 600_000)
		n, cents, _, _ = of(own, day, false)
		hit(n > 0 && float64(w.cents) > 20*float64(cents)/float64(n))
		_, _, _, others := of(own, day, true)
		hit(kinds(others, 1) > 9)
		hit(len(own) > 1 && t-s.Time(own[len(own)-2]) < int64(time.Minute))
		own = shops[w.merchant]
		n, _, _, _ = of(own, t-t%hour, true)
		hit(n > 5)
		_, _, most, _ := of(own, t-hour+1, true)
		hit(most > 99_900)
		_, cents, _, _ = of(own, day, true)
		hit(cents > 1_000_000)
		own = devices[w.device]
		_, _, _, others = of(own, day, true)
		hit(kinds(others, 0) > 15)
		n, cents, _, _ = of(own, t-t%(24*hour), true)
		hit(cents > 60_000*n)
	}
	return found
}
