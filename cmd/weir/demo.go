package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"weir/cep"
	"weir/rules"
	"weir/rulesets"
)

// demoRule is the shipped rule file that the demo runs, in rulesets/.
const demoRule = "card-testing.yaml"

// demoCommand is `weir demo`.
type demoCommand struct{}

// Help is what `weir demo --help` says.
func (demoCommand) Help() string {
	return "Needs no files and no network: the rule and the events are part of the binary."
}

// Run steps an engine over the sample and shows each alert with its evidence.
func (demoCommand) Run(std *streams) error {
	ruleset, err := loadDemo()
	if err != nil {
		return err
	}
	var effects cep.Effects
	cep.NewEngine(ruleset, cep.Options{}).Step([]cep.Record{
		{Kind: cep.EventsRecord, Data: rulesets.Sample, Line: 1},
		{Kind: cep.EndRecord},
	}, &effects)

	var out bytes.Buffer
	fmt.Fprintf(&out, "The rule card-testing over a day of %d invented payments:\n", bytes.Count(rulesets.Sample, newline))
	fmt.Fprintf(&out, "three tiny payments of a card or more, then one that is many times larger.\n\n")
	for i := range effects.Alerts {
		if err := showAlert(&out, &effects.Alerts[i]); err != nil {
			return err
		}
	}
	fmt.Fprintf(&out, demoEnd, len(effects.Alerts), demoRule, demoRule, demoRule)
	_, err = std.out.Write(out.Bytes())
	return err
}

const demoEnd = `%d alerts. Five more cards come close and make none: small sums at one merchant
only, two probes instead of three, declined probes, a large payment that comes
too late, and one that is not large enough.

Try next, in the folder of the source:
  read the rule:       rulesets/%s
  the same as NDJSON:  go run ./cmd/weir run rulesets/%s --events rulesets/sample/payments.ndjson
  change it:           write probe{4,}+ for probe{3,}+ and run it again
  your own events:     go run ./cmd/weir run rulesets/%s --events FILE
`

// payment is what the demo shows of a captured event.
type payment struct {
	Time     time.Time   `json:"ts"`
	ID       string      `json:"payment_id"`
	Merchant string      `json:"merchant_id"`
	Amount   json.Number `json:"amount"`
	Currency string      `json:"currency"`
	Country  string      `json:"country"`
}

// showAlert writes an alert for a person to read.
func showAlert(w io.Writer, a *cep.Alert) error {
	at := time.Unix(0, a.Time).UTC().Format("2006-01-02 15:04:05")
	fmt.Fprintf(w, "%s  %s  score %d  %s  %s\n", at, strings.ToUpper(a.Rule.Severity), a.Score, a.Rule.ID, keyText(a))
	fmt.Fprintf(w, "  %s\n\n", a.Message)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, e := range a.Events {
		var p payment
		if err := json.Unmarshal([]byte(e.Raw), &p); err != nil {
			return fmt.Errorf("event %s of the sample: %w", e.Name, err)
		}
		fmt.Fprintf(table, "    %s\t%s\t%s\t%s %s\t%s\t%s\n",
			p.Time.Format(time.TimeOnly), a.Rule.Names[e.Var].Text, p.ID, p.Amount, p.Currency, p.Merchant, p.Country)
	}
	fmt.Fprintln(table)
	return table.Flush()
}

// keyText writes a key as NAME VALUE.
func keyText(a *cep.Alert) string {
	var parts []string
	for i, value := range a.Key {
		parts = append(parts, a.Rule.Key.Names[i]+" "+value)
	}
	return strings.Join(parts, ", ")
}

// loadDemo compiles the rule of the demo.
func loadDemo() (*cep.Ruleset, error) {
	text, err := rulesets.Files.ReadFile(demoRule)
	if err != nil {
		return nil, err
	}
	return rules.Compile([]rules.File{{Path: demoRule, Text: string(text)}})
}
