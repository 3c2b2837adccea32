package rulesets

import (
	"encoding/json"
	"time"
)

// place is where someone is seen.
type place struct {
	name     string
	lat, lon json.Number
}

var places = []place{
	{"Lisbon", "38.72", "-9.14"},
	{"Madrid", "40.42", "-3.70"},
	{"Lyon", "45.76", "4.84"},
	{"Munich", "48.14", "11.58"},
	{"Turin", "45.07", "7.69"},
	{"Ghent", "51.05", "3.72"},
}

var (
	lisbon, munich = places[0], places[3]
	paris          = place{"Paris", "48.86", "2.35"}
	airport        = place{"Orly", "48.73", "2.37"}
	toronto        = place{"Toronto", "43.65", "-79.38"}
	newYork        = place{"New York", "40.71", "-74.01"}
	singapore      = place{"Singapore", "1.35", "103.82"}
	saoPaulo       = place{"Sao Paulo", "-23.55", "-46.63"}
)

// sightings is a day of accounts that log in and pay at terminals. Two are at two
// places at once; money leaves one of them.
func sightings(s *stream) {
	for n := 100; n < 190; n++ {
		home := places[s.dice.roll(len(places))]
		for range 1 + s.dice.roll(4) {
			at := s.dice.waking()
			s.seen(at, name("a", n), home, choose(s.dice.roll(2) == 0, "mobile", "residential"), false)
			if s.dice.roll(4) == 0 {
				s.transfer(at+2*time.Minute, name("a", n), money(1000+s.dice.roll(90000)))
			}
		}
	}
	s.seen(clock(9, 14), "a11", lisbon, "mobile", false)
	s.seen(clock(9, 55), "a11", toronto, "hosting", true)
	s.transfer(clock(10, 20), "a11", 240000)
	s.seen(clock(16, 2), "a12", munich, "residential", false)
	s.seen(clock(18, 31), "a12", saoPaulo, "mobile", false)

	// Close to it. A flight.
	s.seen(clock(8, 5), "a31", paris, "mobile", false)
	s.seen(clock(17, 20), "a31", newYork, "mobile", false)
	s.transfer(clock(17, 45), "a31", 32000)
	// A VPN.
	s.seen(clock(11, 0), "a32", lisbon, "residential", false)
	s.seen(clock(11, 4), "a32", singapore, "vpn", false)
	s.seen(clock(11, 9), "a32", lisbon, "residential", false)
	// Two cells of the telephone network, half a minute apart: fast, but not far.
	s.seen(clock(14, 30), "a33", paris, "mobile", false)
	s.seen(clock(14, 30)+25*time.Second, "a33", airport, "mobile", false)
	// A bank that does not know where the terminal stands.
	s.seen(clock(19, 0), "a34", munich, "mobile", false)
	s.add(clock(19, 10), "sighting", "sighting_id", "account", "a34", "place", "unknown", "network", "mobile", "new_device", false)
}

func (s *stream) seen(at time.Duration, account string, p place, network string, newDevice bool) {
	s.add(at, "sighting", "sighting_id", "account", account, "lat", p.lat, "lon", p.lon, "place", p.name,
		"network", network, "new_device", newDevice)
}

func (s *stream) transfer(at time.Duration, account string, amount money) {
	s.add(at, "transfer", "transfer_id", "account", account, "amount", amount)
}
