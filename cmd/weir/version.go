package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is the release that the tree leads to.
const version = "0.1.0-dev"

// versionCommand is `weir version`.
type versionCommand struct{}

// Run prints the version, the commit it was built from where the build knows
// it, and the platform.
func (versionCommand) Run(std *streams) error {
	_, err := fmt.Fprintf(std.out, "weir %s%s %s %s/%s\n", version, revision(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return " " + s.Value[:min(12, len(s.Value))]
		}
	}
	return ""
}
