package bench

import (
	"time"

	"weir/cep"
)

const (
	accounts   = 100_000
	loginEvery = 2 * time.Second / 5 // mean time between two events
)

type loginKind uint8

const (
	view loginKind = iota
	login
	newDevice // a login on a new device
	confirmation
)

type loginEvent struct {
	at      int64 // nanoseconds since the epoch
	account int32
	kind    loginKind
}

// Logins are a stream of logins, confirmations and views. Four of five logins on
// a new device are confirmed, most of these within 10 minutes.
type Logins struct {
	rows     []loginEvent
	accounts []string
}

// NewLogins makes about n events.
func NewLogins(n int, seed uint64) *Logins {
	s := &source{seed}
	var rows, answers []loginEvent
	for i := range n * 20 / 21 { // one in 25 is a login on a new device and most of these are answered
		e := loginEvent{
			at:      begin + int64(i)*int64(loginEvery) + int64(s.below(int(loginEvery))),
			account: int32(s.below(accounts)),
		}
		switch x := s.below(100); {
		case x < 4:
			e.kind = newDevice
		case x < 30:
			e.kind = login
		case x < 35:
			e.kind = confirmation
		}
		rows = append(rows, e)
		if e.kind == newDevice && s.below(5) > 0 {
			answers = append(answers, loginEvent{e.at + 1 + int64(s.below(int(12*time.Minute))), e.account, confirmation})
		}
	}
	return &Logins{merge(rows, answers, func(e *loginEvent) int64 { return e.at }), labels("a", accounts)}
}

func (l *Logins) Len() int { return len(l.rows) }

func (l *Logins) Time(i int) int64 { return l.rows[i].at }

func (l *Logins) Type(i int) string {
	switch l.rows[i].kind {
	case login, newDevice:
		return "login"
	case confirmation:
		return "confirmation"
	}
	return "view"
}

func (l *Logins) Value(i int, field string) cep.Value {
	row := &l.rows[i]
	switch field {
	case "account":
		return cep.TextValue(l.accounts[row.account])
	case "new_device":
		if row.kind == login || row.kind == newDevice {
			return cep.BoolValue(row.kind == newDevice)
		}
	case "ts":
		return cep.TimeValue(row.at)
	}
	return cep.Value{}
}

func (l *Logins) AppendJSON(dst []byte, i int) []byte {
	row := &l.rows[i]
	dst = appendHead(dst, l.Type(i), row.at)
	dst = appendText(dst, "account", l.accounts[row.account])
	switch row.kind {
	case login:
		dst = append(dst, `,"new_device":false`...)
	case newDevice:
		dst = append(dst, `,"new_device":true`...)
	}
	return append(dst, "}\n"...)
}

// UnconfirmedLogin is a rule for a login on a new device that is not confirmed
// within 10 minutes.
const UnconfirmedLogin = `events:
  login:
    time: ts
    fields: {ts: time, account: string, new_device: bool}
  confirmation:
    time: ts
    fields: {ts: time, account: string}
  view:
    time: ts
    fields: {ts: time, account: string}
rules:
  - id: unconfirmed-login
    on: [login, confirmation]
    key: account
    within: 10m
    pattern: login -> !confirmation
    define:
      login: {where: new_device}
      confirmation:
`

// Unconfirmed counts what UnconfirmedLogin finds in l when all windows close.
func Unconfirmed(l *Logins) int {
	open := map[int32][]int64{} // by account: the times of logins that wait
	found := 0
	for i := range l.rows {
		row := &l.rows[i]
		switch row.kind {
		case newDevice:
			open[row.account] = append(open[row.account], row.at)
		case confirmation:
			for _, at := range open[row.account] {
				if row.at-at >= int64(10*time.Minute) {
					found++
				}
			}
			delete(open, row.account)
		}
	}
	for _, waiting := range open {
		found += len(waiting)
	}
	return found
}
