package infer

import (
	"slices"
	"strings"
	"unicode"
)

// words takes a name apart: card_id, cardId and Card-ID are card, id.
func words(name string) []string {
	var parts []string
	var part strings.Builder
	end := func() {
		if part.Len() > 0 {
			parts = append(parts, part.String())
			part.Reset()
		}
	}
	lower := false
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			end()
		case unicode.IsUpper(r) && lower:
			end()
			part.WriteRune(unicode.ToLower(r))
		default:
			part.WriteRune(unicode.ToLower(r))
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
	}
	end()
	return parts
}

// hasWord says whether a name has one of some words.
func hasWord(name string, of ...string) bool {
	return slices.ContainsFunc(words(name), func(w string) bool { return slices.Contains(of, w) })
}

// risingRank is what rising values add to the rank of an event time. A name that
// says so weighs more than a vague one with them.
const risingRank = 4

// surelyTime is the least timeName that leaves no doubt.
const surelyTime = 8

// timeName says how much a name sounds like that of the event time; 0: not at all.
func timeName(name string) int {
	joined := strings.Join(words(name), "_")
	switch joined {
	case "ts", "event_time", "event_ts", "eventtime":
		return 10
	case "time", "timestamp", "datetime", "occurred_at", "event_timestamp", "event_date":
		return 9
	case "created_at", "created", "date", "trans_date_trans_time", "transaction_time", "transaction_date":
		return 8
	}
	if hasWord(name, "ts", "time", "timestamp", "date", "datetime", "at", "on", "when", "stamp", "unixtime", "epoch") {
		return 3
	}
	return 0
}

// idName says whether a name is that of something that is called by a number: what
// counts is the digits.
func idName(name string) bool {
	return hasWord(name, "id", "ids", "uuid", "guid", "no", "nr", "num", "number", "card", "account", "acct", "iban", "pan", "phone", "msisdn", "zip", "postcode", "cc", "code", "mcc", "session", "device", "customer", "user", "client", "merchant", "terminal")
}

// eventIDName says how much a name sounds like that of the id of an event of a type;
// 0: not at all.
func eventIDName(name, typ string) int {
	joined := strings.Join(words(name), "_")
	event := strings.Join(words(typ), "_")
	switch joined {
	case "event_id", event + "_id":
		return 4
	case "id", "uuid", "guid", "event_uuid":
		return 3
	case "transaction_id", "trans_id", "tx_id", "txn_id", "trans_num", "message_id", "request_id", "record_id":
		return 2
	}
	return 0
}

// piiName says whether a name is one of personal data.
func piiName(name string) bool {
	w := words(name)
	joined := strings.Join(w, "_")
	switch joined {
	case "name", "first", "last", "first_name", "last_name", "full_name", "user_name", "username", "holder", "card_holder", "cardholder", "card_number", "cc_num", "pan", "password":
		return true
	}
	return hasWord(name, "email", "mail", "phone", "mobile", "msisdn", "address", "street", "iban", "ssn", "passport", "dob", "birth", "birthday", "ip", "surname", "firstname", "lastname")
}

// subjects are what the events of a key are about, the likeliest first.
var subjects = [][]string{
	{"card", "cc", "pan"},
	{"account", "acct", "iban", "wallet"},
	{"customer", "user", "client", "member", "subscriber", "player", "employee", "payer", "sender", "orig", "origin", "from", "nameorig", "username", "login"},
	{"ip", "device", "session", "email", "phone", "msisdn", "host", "stream", "sensor"},
	{"receiver", "payee", "dest", "to", "merchant", "terminal", "shop", "store", "beneficiary"},
}

// subjectName says how much a name sounds like what a rule has as its key.
func subjectName(name string) int {
	for i, of := range subjects {
		if hasWord(name, of...) {
			return len(subjects) + 1 - i
		}
	}
	if hasWord(name, "id") {
		return 1
	}
	return 0
}

// amountName says how much a name sounds like that of a sum; 0: not at all.
func amountName(name string) int {
	switch {
	case hasWord(name, "amount", "amt"):
		return 3
	case hasWord(name, "value", "sum", "total", "price"):
		return 2
	case hasWord(name, "quantity", "balance"):
		return 1
	}
	return 0
}

// coordinateName says whether a name is one of a place or a part of a date, whose
// size says nothing.
func coordinateName(name string) bool {
	return hasWord(name, "lat", "lon", "long", "lng", "latitude", "longitude", "x", "y", "port", "year", "month", "day", "hour", "step", "index", "row")
}
