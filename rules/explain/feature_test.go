package explain

import (
	"strings"
	"testing"
)

// TestFeatures: every value and window has words of its own.
func TestFeatures(t *testing.T) {
	for _, tt := range []struct{ feature, want string }{
		{"value: count(), over: 24h", "the number of events of type `pay` with the same `card`, in the 24 hours up to the event that reads it."},
		{"value: sum(amount * 2), over: 1h, exclude_current: true", "the sum of `amount * 2` of the events of type `pay` with the same `card`, in the hour up to the event that reads it, that event not counted."},
		{"value: 'quantile(amount, 0.5)', approx: true, over: 30d, where: amount > params.low", "the 0.5 quantile of `amount` of the events of type `pay` with the same `card` where `amount > params.low (= 2)`, in the 30 days up to the event that reads it; where there are many it is an estimate."},
		{"value: max(amount), over: forever", "the greatest `amount` of the events of type `pay` with the same `card`, from the beginning up to the event that reads it."},
		{"value: mean(amount), over: 30d, resolution: 6h", "the mean of `amount` of the events of type `pay` with the same `card`, in the 30 days up to the event that reads it; the old end moves in steps of 6 hours."},
		{"value: distinct(to), tumbling: 5m, offset: 1m", "how many different values `to` has in events of type `pay` with the same `card`, in the window of 5 minutes that the event is in, shifted by 1 minute."},
		{"value: first(to), tumbling: 1d, timezone: Europe/Paris, offset: 4h", "the first `to` of the events of type `pay` with the same `card`, in the window of 1 day that the event is in, by the calendar of Europe/Paris, from 4 hours after midnight on."},
		{"value: stddev(amount), hopping: {size: 1h, every: 5m}", "the standard deviation of `amount` of the events of type `pay` with the same `card`, in a window of 1 hour, of which one begins every 5 minutes; the one that began first counts."},
		{"value: since_last(), session: 30m", "the time since the last of the events before it of type `pay` with the same `card`, in the session that the event is in, which ends when 30 minutes have passed without one."},
		{"value: seen(to), over: 1d", "whether `to` of the event occurred before in events of type `pay` with the same `card`, in the 24 hours up to the event that reads it."},
		{"value: rate(), over: 1d", "how many events of type `pay` come per second with the same `card`, in the 24 hours up to the event that reads it."},
	} {
		text := "params: {low: 2}\nfeatures:\n  x: {on: pay, key: card, " + tt.feature + "}\nrules: [{id: r, on: pay, key: card, within: 1h, pattern: a, define: {a: x != nil}}]\n"
		words := strings.Join(strings.Fields(Rule(check(t, "r.yaml", text).Rules[0], nil)), " ")
		if !strings.Contains(words, "`x` is "+tt.want+" ") {
			t.Errorf("%s: %q does not stand in\n%s", tt.feature, tt.want, words)
		}
	}
}
