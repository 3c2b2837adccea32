// Package rulesets holds the rules that come with Weir, and a sample of events
// to try them on. It is data; cmd/weir reads it for the demo.
package rulesets

import "embed"

// Files are the rule files, by their names in this folder.
//
//go:embed *.yaml
var Files embed.FS

// Sample is a day of invented payments as NDJSON, in the order of their time:
// three cards are tested and cashed out, some others come close to it, most do
// nothing of the kind. sample_test.go makes it.
//
//go:embed sample/payments.ndjson
var Sample []byte
