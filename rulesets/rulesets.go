// Package rulesets holds the rules that come with Weir, a folder for each kind of
// fraud, and samples of events to try them on. It is data; cmd/weir reads it for
// the demo. README.md says what is there.
package rulesets

import "embed"

// Files are the files of rules and their tests, like card-testing/card-testing.yaml.
//
//go:embed */*.yaml
var Files embed.FS

// Samples are streams of invented events as NDJSON, in the order of their time,
// like sample/payments.ndjson: in each a few keys do what the rules look for, some
// others come close to it, most do nothing of the kind. sample_test.go makes them.
//
//go:embed sample/*.ndjson
var Samples embed.FS
