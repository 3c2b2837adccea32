package rulesets

import "time"

// accounts is a day of accounts at a bank: two are taken over and emptied.
func accounts(s *stream) {
	for n := 100; n < 180; n++ {
		account, phone := name("k", n), name("phone-", n)
		age, balance := 200+s.dice.roll(20000), money(20000+s.dice.roll(600000))
		for range 1 + s.dice.roll(2) {
			at := s.dice.waking()
			s.session(at, account, phone, age)
			switch s.dice.roll(6) {
			case 0:
				s.change(at+3*time.Minute, account, "email")
			case 1:
				s.payee(at+3*time.Minute, account)
				s.payout(at+5*time.Minute, account, balance/4, balance)
			case 2, 3:
				s.payout(at+2*time.Minute, account, balance/10, balance)
			}
		}
	}
	s.session(clock(2, 51), "k11", "phone-901", 0)
	s.change(clock(2, 54), "k11", "phone")
	s.change(clock(2, 55), "k11", "email")
	s.payee(clock(2, 58), "k11")
	s.payout(clock(3, 2), "k11", 481000, 486250)
	s.session(clock(18, 20), "k12", "tablet-902", 1)
	s.change(clock(18, 26), "k12", "password")
	s.payout(clock(22, 47), "k12", 62000, 71000)

	// Close to it. A new telephone, a new number, and the rent, proved on the old one.
	s.session(clock(10, 0), "k31", "phone-931", 0)
	s.change(clock(10, 3), "k31", "phone")
	s.stepUp(clock(10, 4), "k31", "laptop-931", 9100)
	s.payout(clock(10, 9), "k31", 145000, 210000)
	// A new telephone and a new password, and lunch.
	s.session(clock(11, 30), "k32", "phone-932", 0)
	s.change(clock(11, 32), "k32", "password")
	s.payout(clock(12, 40), "k32", 1490, 88000)
	// A new address and a large payout, on the device of years.
	s.session(clock(15, 10), "k33", "laptop-933", 15400)
	s.change(clock(15, 12), "k33", "email")
	s.payout(clock(15, 20), "k33", 300000, 320000)
	// A new telephone that pays for a car, and nothing else was changed.
	s.session(clock(13, 0), "k34", "phone-934", 0)
	s.payee(clock(13, 4), "k34")
	s.payout(clock(13, 6), "k34", 950000, 1400000)
}

func (s *stream) session(at time.Duration, account, device string, hours int) {
	s.add(at, "session", "session_id", "account", account, "device_id", device, "device_age_h", hours)
}

func (s *stream) stepUp(at time.Duration, account, device string, hours int) {
	s.add(at, "step_up", "step_id", "account", account, "device_id", device, "device_age_h", hours)
}

func (s *stream) change(at time.Duration, account, what string) {
	s.add(at, "contact_change", "change_id", "account", account, "what", what)
}

func (s *stream) payee(at time.Duration, account string) {
	s.add(at, "payee_added", "payee_id", "account", account)
}

func (s *stream) payout(at time.Duration, account string, amount, balance money) {
	s.add(at, "payout", "payout_id", "account", account, "amount", amount, "balance", balance)
}
