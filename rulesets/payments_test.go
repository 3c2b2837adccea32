package rulesets

import (
	"fmt"
	"time"
)

// payment is what one card does: when after the begin of its row, where, how much.
type payment struct {
	after    time.Duration
	merchant string
	amount   money
	declined bool
}

// shops are ordinary merchants, with the least and the highest price.
var shops = []struct {
	name     string
	from, to money
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

// payments is a day of cards, three of which are tested and cashed out.
func payments(s *stream) {
	for card := 100; card < 220; card++ {
		country := homes[s.dice.roll(len(homes))]
		for range 1 + s.dice.roll(5) {
			shop := shops[s.dice.roll(len(shops))]
			at := s.dice.waking()
			amount := shop.from + money(s.dice.roll(int(shop.to-shop.from)))
			s.pay(at, card, country, payment{0, shop.name, amount, s.dice.roll(30) == 0})
		}
	}
	s.row(clock(9, 12), 11, "US",
		payment{0, "m-donations", 100, false},
		payment{40 * time.Second, "m-songs", 129, false},
		payment{95 * time.Second, "m-parking", 50, false},
		payment{9 * time.Minute, "m-electronics", 48900, false},
	)
	s.row(clock(13, 40), 12, "FR",
		payment{0, "m-songs", 99, false},
		payment{15 * time.Second, "m-donations", 100, true},
		payment{31 * time.Second, "m-donations", 100, false},
		payment{50 * time.Second, "m-apps", 149, false},
		payment{75 * time.Second, "m-songs", 99, false},
		payment{2 * time.Minute, "m-parking", 60, false},
		payment{4 * time.Minute, "m-giftcards", 20000, true},
		payment{6 * time.Minute, "m-giftcards", 15000, false},
	)
	s.row(clock(21, 3), 13, "GB",
		payment{0, "m-apps", 199, false},
		payment{5 * time.Minute, "m-donations", 100, false},
		payment{11 * time.Minute, "m-transit", 240, false},
		payment{12 * time.Minute, "m-apps", 99, false},
		payment{26 * time.Minute, "m-jewels", 129900, false},
	)

	// Close to it. A vending machine at work, and new shoes at noon: all small sums
	// at one merchant.
	s.row(clock(11, 45), 31, "DE",
		payment{0, "m-vending", 120, false},
		payment{6 * time.Minute, "m-vending", 150, false},
		payment{9 * time.Minute, "m-vending", 120, false},
		payment{25 * time.Minute, "m-shoes", 12900, false},
	)
	// Small payments all day; the large one comes too late for any three of them.
	s.row(clock(8, 10), 32, "NL",
		payment{0, "m-songs", 129, false},
		payment{3 * time.Minute, "m-parking", 80, false},
		payment{7 * time.Minute, "m-apps", 99, false},
		payment{95 * time.Minute, "m-electronics", 39900, false},
	)
	// Two small payments are one too few.
	s.row(clock(17, 20), 33, "ES",
		payment{0, "m-parking", 110, false},
		payment{4 * time.Minute, "m-songs", 99, false},
		payment{20 * time.Minute, "m-shoes", 9900, false},
	)
	// A tested card whose bank stops the large payment.
	s.row(clock(15, 2), 34, "IT",
		payment{0, "m-donations", 100, true},
		payment{20 * time.Second, "m-songs", 99, false},
		payment{45 * time.Second, "m-apps", 149, false},
		payment{22 * time.Minute, "m-electronics", 24900, true},
	)
	// Coins for the laundry, and a snack: larger, but not by so much.
	s.row(clock(19, 30), 35, "FR",
		payment{0, "m-laundry", 150, false},
		payment{2 * time.Minute, "m-parking", 180, false},
		payment{5 * time.Minute, "m-laundry", 150, false},
		payment{24 * time.Minute, "m-bakery", 1250, false},
	)
}

// row adds the payments of one card.
func (s *stream) row(begin time.Duration, card int, country string, row ...payment) {
	for _, p := range row {
		s.pay(begin, card, country, p)
	}
}

func (s *stream) pay(begin time.Duration, card int, country string, p payment) {
	status := "approved"
	if p.declined {
		status = "declined"
	}
	s.add(begin+p.after, "payment", "payment_id", "card_id", fmt.Sprintf("c%d", card), "merchant_id", p.merchant,
		"amount", p.amount, "currency", "EUR", "country", country, "status", status)
}
