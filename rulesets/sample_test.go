package rulesets

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "write sample/payments.ndjson anew")

// TestSample compares the bundled sample with what the generator below makes.
//
//	go test ./rulesets -run TestSample -rewrite
func TestSample(t *testing.T) {
	made := makeSample()
	if *rewrite {
		if err := os.WriteFile("sample/payments.ndjson", made, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(made, Sample) {
		t.Error("sample/payments.ndjson is not what the generator makes; after a change of the generator run: go test ./rulesets -run TestSample -rewrite")
	}
}

// payment is an event of the sample. Amounts are in cents.
type payment struct {
	at       time.Duration // since midnight
	card     int
	merchant string
	cents    int
	country  string
	declined bool
}

// sample collects payments.
type sample struct {
	dice     dice
	payments []payment
}

func makeSample() []byte {
	s := &sample{dice: 20260102}
	s.shoppers()
	s.tested()
	s.lookAlikes()
	return s.ndjson()
}

// shops are ordinary merchants, with the least and the highest price in cents.
var shops = []struct {
	name     string
	from, to int
}{
	{"m-grocer", 640, 9800},
	{"m-bakery", 210, 1450},
	{"m-fuel", 2500, 8800},
	{"m-pharmacy", 380, 4600},
	{"m-books", 890, 5200},
	{"m-transit", 240, 620},
	{"m-cinema", 900, 3600},
	{"m-shoes", 3900, 17900},
	{"m-electronics", 1900, 64900},
}

var homes = []string{"FR", "DE", "ES", "NL", "IT"}

// shoppers is what cards do on an ordinary day.
func (s *sample) shoppers() {
	for card := 100; card < 220; card++ {
		country := homes[s.dice.roll(len(homes))]
		for range 1 + s.dice.roll(5) {
			shop := shops[s.dice.roll(len(shops))]
			s.add(payment{
				at:       7*time.Hour + s.dice.upTo(15*time.Hour),
				card:     card,
				merchant: shop.name,
				cents:    shop.from + s.dice.roll(shop.to-shop.from),
				country:  country,
				declined: s.dice.roll(30) == 0,
			})
		}
	}
}

// tested are the three cards that the rule is to find.
func (s *sample) tested() {
	s.row(11, "US", clock(9, 12), []purchase{
		{0, "m-donations", 100, false},
		{40 * time.Second, "m-songs", 129, false},
		{95 * time.Second, "m-parking", 50, false},
		{9 * time.Minute, "m-electronics", 48900, false},
	})
	s.row(12, "FR", clock(13, 40), []purchase{
		{0, "m-songs", 99, false},
		{15 * time.Second, "m-donations", 100, true},
		{31 * time.Second, "m-donations", 100, false},
		{50 * time.Second, "m-apps", 149, false},
		{75 * time.Second, "m-songs", 99, false},
		{2 * time.Minute, "m-parking", 60, false},
		{4 * time.Minute, "m-giftcards", 20000, true},
		{6 * time.Minute, "m-giftcards", 15000, false},
	})
	s.row(13, "GB", clock(21, 3), []purchase{
		{0, "m-apps", 199, false},
		{5 * time.Minute, "m-donations", 100, false},
		{11 * time.Minute, "m-transit", 240, false},
		{12 * time.Minute, "m-apps", 99, false},
		{26 * time.Minute, "m-jewels", 129900, false},
	})
}

// lookAlikes come close to card testing and are none.
func (s *sample) lookAlikes() {
	// A vending machine at work, and new shoes at noon: all small sums at one merchant.
	s.row(31, "DE", clock(11, 45), []purchase{
		{0, "m-vending", 120, false},
		{6 * time.Minute, "m-vending", 150, false},
		{9 * time.Minute, "m-vending", 120, false},
		{25 * time.Minute, "m-shoes", 12900, false},
	})
	// Small payments all day; the large one comes too late for any three of them.
	s.row(32, "NL", clock(8, 10), []purchase{
		{0, "m-songs", 129, false},
		{3 * time.Minute, "m-parking", 80, false},
		{7 * time.Minute, "m-apps", 99, false},
		{95 * time.Minute, "m-electronics", 39900, false},
	})
	// Two small payments are one too few.
	s.row(33, "ES", clock(17, 20), []purchase{
		{0, "m-parking", 110, false}, {4 * time.Minute, "m-songs", 99, false}, {20 * time.Minute, "m-shoes", 9900, false},
	})
	// The probes are declined: the card is worth nothing, and the large payment is the owner's.
	s.row(34, "IT", clock(15, 2), []purchase{
		{0, "m-donations", 100, true},
		{20 * time.Second, "m-songs", 99, true},
		{45 * time.Second, "m-apps", 149, true},
		{22 * time.Minute, "m-electronics", 24900, false},
	})
	// Coins for the laundry, and a dinner: larger, but not by so much.
	s.row(35, "FR", clock(19, 30), []purchase{
		{0, "m-laundry", 150, false},
		{2 * time.Minute, "m-parking", 180, false},
		{5 * time.Minute, "m-laundry", 150, false},
		{24 * time.Minute, "m-restaurant", 6400, false},
	})
}

// purchase is a payment of a row: when after its begin, where, how much.
type purchase struct {
	after    time.Duration
	merchant string
	cents    int
	declined bool
}

// row adds the payments of one card.
func (s *sample) row(card int, country string, begin time.Duration, row []purchase) {
	for _, p := range row {
		s.add(payment{at: begin + p.after, card: card, merchant: p.merchant, cents: p.cents, country: country, declined: p.declined})
	}
}

func (s *sample) add(p payment) { s.payments = append(s.payments, p) }

// ndjson writes the payments in the order of their time.
func (s *sample) ndjson() []byte {
	slices.SortStableFunc(s.payments, func(a, b payment) int { return cmp.Compare(a.at, b.at) })
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	for i, p := range s.payments {
		status := "approved"
		if p.declined {
			status = "declined"
		}
		fmt.Fprintf(&out, `{"type":"payment","ts":%q,"payment_id":"p%04d","card_id":"c%d","merchant_id":%q,"amount":%d.%02d,"currency":"EUR","country":%q,"status":%q}`+"\n",
			day.Add(p.at).Format(time.RFC3339), i+1, p.card, p.merchant, p.cents/100, p.cents%100, p.country, status)
	}
	return out.Bytes()
}

func clock(hour, minute int) time.Duration {
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute
}

// dice is a small generator of numbers (SplitMix64), the same on every machine
// and for every release of Go.
type dice uint64

func (d *dice) next() uint64 {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// roll gives a number from 0 to n-1.
func (d *dice) roll(n int) int { return int(d.next() % uint64(n)) }

// upTo gives a duration in whole seconds, less than max.
func (d *dice) upTo(max time.Duration) time.Duration {
	return time.Duration(d.roll(int(max/time.Second))) * time.Second
}
