package rulesets

import (
	"fmt"
	"time"
)

// logins is a day of a login page: an account whose password is guessed, a list
// of stolen passwords that is tried, and an owner who gives in.
func logins(s *stream) {
	for n := 100; n < 180; n++ {
		account, ip := name("u", n), fmt.Sprintf("192.0.2.%d", n)
		for range 1 + s.dice.roll(3) {
			at := s.dice.waking()
			if s.dice.roll(8) == 0 {
				s.login(at-20*time.Second, ip, account, false)
			}
			s.login(at, ip, account, true)
			if s.dice.roll(3) == 0 {
				s.push(at+10*time.Second, ip, account, s.dice.roll(15) > 0)
			}
		}
	}
	for i := range 24 {
		s.login(clock(3, 10)+time.Duration(i)*37*time.Second, "203.0.113.7", "u11", i == 23)
	}
	for i := range 31 {
		s.login(clock(4, 30)+time.Duration(i)*11*time.Second, "203.0.113.66", name("u", 40+i), i == 30)
	}
	for i := range 7 {
		s.push(clock(23, 41)+time.Duration(i)*50*time.Second, "203.0.113.80", "u21", i == 6)
	}

	// Close to it. An office of forty people behind one address, on a Friday morning.
	for i := range 40 {
		at, account := clock(8, 30)+s.dice.upTo(50*time.Minute), name("u", 200+i)
		if i < 12 {
			s.login(at-15*time.Second, "198.51.100.10", account, false)
		}
		s.login(at, "198.51.100.10", account, true)
	}
	// A program with an old password, which never gets in.
	for i := range 26 {
		s.login(clock(1, 0)+time.Duration(i)*2*time.Minute, "198.51.100.23", "u31", false)
	}
	// As many tries, over five hours.
	for i := range 31 {
		s.login(clock(10, 0)+time.Duration(i)*10*time.Minute, "198.51.100.61", "u32", i == 30)
	}
	// A telephone in a pocket; and an owner who does not give in.
	for i := range 4 {
		s.push(clock(12, 5)+time.Duration(i)*20*time.Second, "198.51.100.33", "u33", i == 3)
	}
	for i := range 8 {
		s.push(clock(2, 20)+time.Duration(i)*45*time.Second, "203.0.113.81", "u34", false)
	}
}

func (s *stream) login(at time.Duration, ip, account string, good bool) {
	s.add(at, "login", "login_id", "account", account, "ip", ip, "result", choose(good, "success", "failure"))
}

func (s *stream) push(at time.Duration, ip, account string, good bool) {
	s.add(at, "mfa_push", "push_id", "account", account, "ip", ip, "answer", choose(good, "approved", "denied"))
}

func name(prefix string, n int) string { return fmt.Sprintf("%s%d", prefix, n) }

func choose(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}
