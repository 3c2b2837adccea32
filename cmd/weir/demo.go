package main

import (
	"bytes"
	"fmt"
	"path"
	"time"

	"weir/cep"
	"weir/rules"
	"weir/rules/source"
	"weir/rulesets"
)

// demoCommand is `weir demo`.
type demoCommand struct{}

// Help is what `weir demo --help` says.
func (demoCommand) Help() string {
	return `Example:

  weir demo

Needs no files and no network: the rules and the events are part of the binary.`
}

// fraud is a kind of fraud that the demo shows: a folder of rules in rulesets/
// and a sample of events in which it occurs.
type fraud struct {
	title  string
	folder string
	sample string // a file in rulesets/sample, without .ndjson
	is     string
	shown  []string // fields of the events, in the order of their columns
	near   []nearCase
	change change
}

// nearCase is a key of the sample that comes close to an alert and makes none.
type nearCase struct{ key, why string }

// change is a change of the rules to try.
type change struct {
	say      string
	old, new string // texts in the file of rules
	effect   string
}

var frauds = []fraud{
	{
		title: "CARD TESTING", folder: "card-testing", sample: "payments",
		is:    "Stolen card numbers are tried with tiny payments; one that works is cashed out.",
		shown: []string{"amount", "currency", "merchant_id", "status"},
		near: []nearCase{
			{"c31", "all small sums at one merchant: a vending machine"},
			{"c32", "the large payment comes 95 minutes later"},
			{"c33", "two small payments, not three"},
			{"c34", "the large payment is declined"},
			{"c35", "the payment after is larger, but not ten times"},
		},
		change: change{"`window: 2h` for `1h`", "window: 1h", "window: 2h", "c32 alerts too"},
	},
	{
		title: "BRUTE FORCE, THEN SUCCESS", folder: "brute-force", sample: "logins",
		is:    "Passwords are tried until one fits; or an owner is asked to approve a login until they give in.",
		shown: []string{"account", "ip"},
		near: []nearCase{
			{"198.51.100.10", "an office: 40 people, 12 failures in an hour"},
			{"198.51.100.23", "26 failures of a program with an old password; it never gets in"},
			{"198.51.100.61", "30 failures, but over five hours"},
			{"u33", "denies three times, then approves: a telephone in a pocket"},
			{"u34", "denies eight times and stays with it"},
		},
		change: change{"`failures: 10` for `20`", "failures: 20", "failures: 10", "198.51.100.10 alerts too"},
	},
	{
		title: "IMPOSSIBLE TRAVEL", folder: "impossible-travel", sample: "sightings",
		is:    "An account is at two places that are too far apart for the time between; then money leaves.",
		shown: []string{"place", "network", "amount"},
		near: []nearCase{
			{"a31", "from Paris to New York in 9 hours: a flight"},
			{"a32", "in Singapore by VPN, where nobody is"},
			{"a33", "two cells of the telephone network: fast, but not far"},
			{"a34", "the second place is not known"},
		},
		change: change{"`kmh: 600` for `800`", "kmh: 800", "kmh: 600", "a31 alerts too, twice: money left"},
	},
	{
		title: "ACCOUNT TAKEOVER, THEN PAYOUT", folder: "account-takeover", sample: "accounts",
		is:    "A new device changes how the owner is reached, and the money leaves.",
		shown: []string{"device_id", "what", "amount"},
		near: []nearCase{
			{"k31", "the owner proves it on the device of old: `unless` ends the match"},
			{"k32", "a new telephone, a new password, and lunch"},
			{"k33", "a new address and a large payout, on a device of years"},
			{"k34", "a new device and a large payout, but no change"},
		},
		change: change{
			"without `unless`",
			"    unless: type == \"step_up\" && device_age_h > params.new_h\n", "",
			"k31 alerts too",
		},
	},
	{
		title: "STRUCTURING", folder: "structuring", sample: "deposits",
		is:    "Cash is paid in by parts, each below the sum that the bank has to report.",
		shown: []string{"amount", "currency", "branch"},
		near: []nearCase{
			{"d31", "the takings of a shop, every evening at the same branch"},
			{"d32", "a supermarket that the bank exempts"},
			{"d33", "one deposit above the limit: it is reported anyway"},
			{"d34", "two deposits below the limit, days apart"},
			{"d35", "three below 10,000, but of another currency"},
		},
		change: change{"without `&& !exempt`", " && !exempt", "", "d32 alerts too"},
	},
}

// Run shows each kind of fraud: what it is, its alerts with their evidence, and
// what came close.
func (demoCommand) Run(std *streams) error {
	var out bytes.Buffer
	ink := ink(coloured(std.out))
	out.WriteString(demoBegin)
	for i := range frauds {
		if err := frauds[i].show(&out, ink); err != nil {
			return err
		}
	}
	fmt.Fprintf(&out, demoEnd, ink.bold("Try next"))
	_, err := std.out.Write(out.Bytes())
	return err
}

const demoBegin = `Rules for five kinds of fraud come with Weir. Here each runs over a sample of
invented events: most are ordinary, some are fraud, some only look like it. An alert
has a severity, a score up to 100, its rule, a message, and the events it is made of.
`

const demoEnd = `
%s, in the folder of the source
  alerts as NDJSON   go run ./cmd/weir run rulesets/card-testing --events rulesets/sample/payments.ndjson
  all rules at once  go run ./cmd/weir run rulesets --events rulesets/sample/*.ndjson
  your own events    go run ./cmd/weir run rulesets/card-testing --events FILE
  its rules          rulesets/card-testing/card-testing.yaml, and README.md beside it: what to tune, and how
`

// show writes one kind of fraud.
func (f *fraud) show(out *bytes.Buffer, ink ink) error {
	text, err := rulesets.Files.ReadFile(f.rules())
	if err != nil {
		return err
	}
	alerts, events, err := f.run(string(text))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s  rulesets/%s: %d events, %d alerts\n%s\n", ink.bold(f.title), f.folder, events, len(alerts), f.is)
	for i := range alerts {
		a := &alerts[i]
		fmt.Fprintf(out, "  %s %d  %s  %s\n", ink.severity(a.Rule.Severity), a.Score, a.Rule.ID, ink.bold(a.Message))
		table, err := f.evidence(a)
		if err != nil {
			return err
		}
		table.write(out, "      ")
	}
	var near table
	for _, n := range f.near {
		near = append(near, []string{n.key, n.why})
	}
	fmt.Fprintf(out, "  %s\n", ink.bold("no alert"))
	near.write(out, "      ")
	fmt.Fprintf(out, "  %s  %s in rulesets/%s: %s\n", ink.bold("try"), f.change.say, f.rules(), f.change.effect)
	return nil
}

// rules is the name of the file of rules.
func (f *fraud) rules() string { return path.Join(f.folder, f.folder+".yaml") }

// run steps an engine with the rules over the sample. events is how many there
// were.
func (f *fraud) run(text string) (alerts []cep.Alert, events int, err error) {
	ruleset, err := rules.Compile([]source.File{{Path: f.rules(), Text: text}})
	if err != nil {
		return nil, 0, err
	}
	sample, err := rulesets.Samples.ReadFile(path.Join("sample", f.sample+".ndjson"))
	if err != nil {
		return nil, 0, err
	}
	var effects cep.Effects
	cep.NewEngine(ruleset, cep.Options{}).Step([]cep.Record{
		{Kind: cep.EventsRecord, Data: sample, Line: 1},
		{Kind: cep.EndRecord},
	}, &effects)
	return effects.Alerts, bytes.Count(sample, newline), nil
}

func demoTime(t time.Time) string { return t.UTC().Format("Mon 15:04:05") }
