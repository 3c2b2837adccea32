package rulesets

import (
	"fmt"
	"time"
)

// deposits is a week of cash at a bank. Two customers pay in by parts.
func deposits(s *stream) {
	for n := 100; n < 170; n++ {
		for range 1 + s.dice.roll(2) {
			at := time.Duration(s.dice.roll(5))*day + 9*time.Hour + s.dice.upTo(8*time.Hour)
			s.deposit(at, name("d", n), s.dice.roll(12), money(100*(50+s.dice.roll(3500))))
		}
	}
	s.deposit(clock(9, 40), "d11", 3, 950000)
	s.deposit(clock(11, 15), "d11", 5, 920000)
	s.deposit(clock(15, 50), "d11", 8, 885000)
	s.deposit(day+clock(10, 5), "d12", 1, 390000)
	s.deposit(day+clock(14, 30), "d12", 4, 380000)
	s.deposit(2*day+clock(9, 20), "d12", 9, 410000)

	// Close to it. The takings of a shop, every evening at its branch.
	for i := range 5 {
		s.deposit(time.Duration(i)*day+clock(17, 30), "d31", 2, 230000+money(s.dice.roll(60000)))
	}
	// A supermarket that the bank has exempted.
	for i := range 3 {
		s.add(clock(8+4*i, 10), "cash_deposit", "deposit_id", "customer", "d32", "branch", "b06",
			"amount", money(910000+s.dice.roll(50000)), "currency", "USD", "exempt", true)
	}
	// The price of a car, paid in at once: reported as it should be.
	s.deposit(3*day+clock(12, 0), "d33", 7, 1450000)
	// Twice just below the limit, days apart.
	s.deposit(clock(10, 10), "d34", 10, 870000)
	s.deposit(4*day+clock(10, 20), "d34", 10, 880000)
	// The limit is one of dollars.
	for i := range 3 {
		s.add(clock(9+2*i, 30), "cash_deposit", "deposit_id", "customer", "d35", "branch", "b11",
			"amount", money(850000), "currency", "MXN", "exempt", false)
	}
}

const day = 24 * time.Hour

func (s *stream) deposit(at time.Duration, customer string, branch int, amount money) {
	s.add(at, "cash_deposit", "deposit_id", "customer", customer, "branch", fmt.Sprintf("b%02d", branch),
		"amount", amount, "currency", "USD", "exempt", false)
}
