package main

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"weir/rules"
)

// counts are the numbers of events of a key for which it is shown what a feature takes:
// the third is the most that it keeps exactly.
var counts = [...]int{1, 100, 10_000, 100_000}

// featureJSON is a feature as scripts read it.
type featureJSON struct {
	Name   string     `json:"name"`
	Key    []string   `json:"key"`
	Value  string     `json:"value"`
	Window string     `json:"window"`
	Memory []costJSON `json:"memory"`
}

// costJSON is what a feature takes of a key with so many events in its window.
type costJSON struct {
	Events int `json:"events"`
	Bytes  int `json:"bytes"`
}

// featuresJSON gives features with what they take.
func featuresJSON(all []*rules.Feature) []featureJSON {
	list := make([]featureJSON, len(all))
	for i, f := range all {
		list[i] = featureJSON{Name: f.Name, Key: f.Key.Names, Value: oneLineText(f.Value.Value), Window: f.WindowText()}
		for _, n := range counts {
			list[i].Memory = append(list[i].Memory, costJSON{n, f.Spec.Cost(n)})
		}
	}
	return list
}

// featureTable lists features with what they take.
func featureTable(all []*rules.Feature) string {
	if len(all) == 0 {
		return "There are no features.\n"
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "feature\tkey\tvalue")
	for _, n := range counts {
		fmt.Fprintf(w, "\t%s", thousands(n))
	}
	fmt.Fprint(w, " events")
	fmt.Fprintln(w)
	for _, f := range featuresJSON(all) {
		fmt.Fprintf(w, "%s\t%s\t%s", f.Name, strings.Join(f.Key, ", "), visible(f.Value+", "+f.Window))
		for _, c := range f.Memory {
			fmt.Fprintf(w, "\t%s", byteText(c.Bytes))
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	b.WriteString("\nThe memory of one key that has so many events in the window, texts not counted.\nOf a key 10,000 events are kept exactly; beyond that the window moves in steps.\n")
	return b.String()
}

// byteText is a number of bytes with two digits or three.
func byteText(n int) string {
	switch {
	case n < 1_000:
		return strconv.Itoa(n) + " B"
	case n < 10_000:
		return strconv.FormatFloat(float64(n)/1_000, 'f', 1, 64) + " kB"
	}
	return strconv.Itoa((n+500)/1_000) + " kB"
}

// thousands is a number with a comma before each three digits.
func thousands(n int) string {
	if n < 1_000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1_000), n%1_000)
}
