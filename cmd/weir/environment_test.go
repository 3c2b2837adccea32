package main

import (
	"slices"
	"strings"
	"testing"
)

func TestStrangers(t *testing.T) {
	got := strangers([]string{"HOME=/", "WEIR_DATA=x", "WEIR_CONFIG=c.yaml", "WEIR_PROFILE=p", "WEIR_URL=http://h", "WEIR_AUTHOR=ann", "WEIR_PORT=tcp://10.0.0.1", "WEIR_TIME_LATENES=1s", "WEIRD=1"})
	want := []string{
		"the variable WEIR_PORT makes no setting: ",
		"the variable WEIR_TIME_LATENES makes no setting: did you mean `WEIR_TIME_LATENESS`?",
	}
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("%q", got)
	}
	t.Setenv("WEIR_LOG_SIZ", "4GB")
	if code, said := told("config", "--config", "/dev/null"); code != exitDone || !strings.Contains(said, "weir: the variable WEIR_LOG_SIZ makes no setting: did you mean `WEIR_LOG_SIZE`?") {
		t.Errorf("exit code %d: %s", code, said)
	}
}
