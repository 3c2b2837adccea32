package nearest

import (
	"strings"
	"testing"
)

func TestName(t *testing.T) {
	names := []string{"within", "where", "on", "throttle", "title", "x", "mx", "len", "mean", "count", "card_id", "größe", "größer", strings.Repeat("a", 100), strings.Repeat("a", 101)}
	tests := []struct{ name, want string }{
		{"witin", "within"},
		{"wihtin", "within"},
		{"wher", "where"},
		{"no", "on"},
		{"throtle", "throttle"},
		{"titel", "title"},
		{"o", "on"},
		{"maen", "mean"},
		{"mena", "mean"},
		{"cuont", "count"},
		{"lne", "len"},
		{"WITHIN", "within"},
		{"X", "x"},
		{"Y", ""},
		{"cardId", "card_id"},
		{"CardID", "card_id"},
		{"CARD-ID", "card_id"},
		{"cardIdd", "card_id"},
		{"card id", "card_id"},
		{"größe", "größer"},
		{"grösse", "größe"},
		{"grüße", "größe"},
		{"öü", ""},
		{"xm", "mx"},
		{strings.Repeat("a", 99), strings.Repeat("a", 100)},
		{strings.Repeat("a", 102), ""},
		{"zzzz", ""},
		{"a", ""},
		{"foo", ""},
		{"", ""},
		{"pattern_of_events", ""},
	}
	for _, tt := range tests {
		if got := Name(tt.name, names); got != tt.want {
			t.Errorf("%q is nearest to %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestSlip(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"payment", "paymnet", true},
		{"payment", "payments", true},
		{"payment", "Payment", true},
		{"card_paid", "cardPaid", true},
		{"card_paid", "CARD-PAID", true},
		{"payment", "payment", false},
		{"login", "logout", false},
		{"debit", "credit", false},
		{"payin", "payout", false},
		{strings.Repeat("a", 101), strings.Repeat("a", 102), false},
	} {
		if got := Slip(tt.a, tt.b); got != tt.want {
			t.Errorf("%q for %q: %t", tt.a, tt.b, got)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	names := []string{"count", "mean", "card_id", "amount", "ip_address", "home_country", "home_city", "x_id"}
	for name, want := range map[string]string{
		"card": "card_id", "country": "count", "city": "home_city", "address": "ip_address", "amount_eur": "amount", "home": "other", "id": "other", "ip": "other",
	} {
		if want != "other" {
			want = "did you mean `" + want + "`?"
		}
		if got := DidYouMean(name, names, "other"); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if got, want := DidYouMean("maen", names, "other"), "did you mean `mean`?"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := DidYouMean("zzzz", names, "other"); got != "other" {
		t.Errorf("%s, want other", got)
	}
}

func TestDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"abc", "", 3},
		{"abc", "abc", 0},
		{"abc", "abd", 1},
		{"abc", "acb", 1},
		{"abc", "ab", 1},
		{"kitten", "sitting", 3},
		{"abcd", "badc", 2},
		{"é", "e", 1},
	}
	for _, tt := range tests {
		if got := distance([]rune(tt.a), []rune(tt.b), 10); got != tt.want {
			t.Errorf("%q to %q: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
