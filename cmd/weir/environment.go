package main

import (
	"fmt"
	"slices"
	"strings"

	"weir/failpoint"
	"weir/rules/nearest"
)

// configVariable names the configuration file.
const configVariable = "WEIR_CONFIG"

// clientVariables are read by the commands that ask a service; whoever has both in one shell
// means no setting by them.
var clientVariables = []string{"WEIR_URL", "WEIR_AUTHOR"}

// strangers says of each variable of the environment that begins like one of Weir and makes no
// setting. That is no error: an orchestrator gives variables to a service by its name, like
// WEIR_PORT.
func strangers(environ []string) []string {
	known := []string{configVariable, profileVariable}
	for i := range allSettings {
		known = append(known, allSettings[i].env())
	}
	var list []string
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, "WEIR_") || slices.Contains(known, name) || slices.Contains(clientVariables, name) || failpoint.On && strings.HasPrefix(name, "WEIR_FAILPOINT") {
			continue
		}
		list = append(list, fmt.Sprintf("the variable %s makes no setting: %s", name, nearest.DidYouMean(name, known, "weir config prints all")))
	}
	slices.Sort(list)
	return list
}
