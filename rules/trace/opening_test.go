package trace

import "testing"

func TestOpening(t *testing.T) {
	for event, want := range map[string]string{"event 7": "Event 7", "psd-7": "psd-7", "a late event": "a late event", "": ""} {
		if got := opening(event); got != want {
			t.Errorf("%q begins a sentence as %q, want %q", event, got, want)
		}
	}
}
