package explain

import (
	"strconv"
	"strings"
	"time"

	"weir/cep/feature"
	lists "weir/cep/list"
	"weir/rules"
)

// reads says what the features, lists and risks are that the rule looks at.
func (w *writer) reads() {
	r := w.rule
	w.derived()
	for _, f := range r.Features {
		w.paragraph(0, "", tick(f.Name)+" is "+w.feature(f)+".")
	}
	for _, l := range r.Lists {
		w.paragraph(0, "", listText(l)+".")
	}
	for _, risk := range r.Risks {
		w.paragraph(0, "", riskText(risk)+".")
	}
	if len(r.Features)+len(r.Lists)+len(r.Risks) > 0 {
		w.blank()
	}
}

// feature puts a feature in words.
func (w *writer) feature(f *rules.Feature) string {
	of := ""
	if f.Of != "" {
		of = tick(spell(f.Of, nil))
	}
	events := " of " + w.events(f.On)
	if f.On != nil {
		events = " of the" + strings.TrimPrefix(events, " of")
	}
	text := map[feature.Value]string{
		feature.Count:     "the number of " + w.events(f.On),
		feature.Sum:       "the sum of " + of + events,
		feature.Mean:      "the mean of " + of + events,
		feature.Min:       "the least " + of + events,
		feature.Max:       "the greatest " + of + events,
		feature.Stddev:    "the standard deviation of " + of + events,
		feature.Distinct:  "how many different values " + of + " has in " + w.events(f.On),
		feature.First:     "the first " + of + events,
		feature.Last:      "the last " + of + events,
		feature.Quantile:  "the " + strconv.FormatFloat(f.Spec.Q, 'g', -1, 64) + " quantile of " + of + events,
		feature.Rate:      "how many " + w.events(f.On) + " come per second",
		feature.Seen:      "whether " + of + " of the event occurred before in " + w.events(f.On),
		feature.SinceLast: "the time since the last of the events before it" + strings.TrimPrefix(events, " of the events"),
	}[f.Spec.Value]
	text += " with the same " + w.featureKey(f)
	if f.Where != nil {
		text += " where " + expression(f.Where, f.Where.Env.Params)
	}
	text += ", " + lookback(&f.Spec)
	if f.Spec.Approx {
		text += "; where there are many it is an estimate"
	}
	return text
}

// featureKey says what events of a feature have in common.
func (w *writer) featureKey(f *rules.Feature) string {
	if f.ByType == nil {
		return list(ticked(f.Key.Names), "and")
	}
	var fields []string
	for _, t := range f.ByType {
		fields = append(fields, tick(t.Field)+" of "+tick(t.Type))
	}
	return tick(f.Key.Names[0]) + " (the field " + list(fields, "and") + ")"
}

// lookback says which events a feature looks at.
func lookback(s *feature.Spec) string {
	w := &s.Window
	size := span(time.Duration(w.Size))
	switch w.Shape {
	case feature.Forever:
		return "from the beginning up to the event that reads it" + excluding(s)
	case feature.Tumbling:
		return "in the window of " + size + " that the event is in" + begins(w)
	case feature.Hopping:
		return "in a window of " + size + ", of which one begins every " + span(time.Duration(w.Every)) + begins(w) + "; the one that began first counts"
	case feature.Session:
		return "in the session that the event is in, which ends when " + size + " have passed without one"
	}
	text := "in the " + stretch(time.Duration(w.Size)) + " up to the event that reads it" + excluding(s)
	if s.Resolution > 0 {
		text += "; the old end moves in steps of " + span(time.Duration(s.Resolution))
	}
	return text
}

// stretch writes the length of a window that slides, behind `the`. One of a day is no
// day of the calendar, nor one of a week a week of it.
func stretch(d time.Duration) string {
	switch d {
	case 24 * time.Hour:
		return "24 hours"
	case 7 * 24 * time.Hour:
		return "7 days"
	}
	return strings.TrimPrefix(span(d), "1 ")
}

// excluding says whether the event that reads a feature is counted.
func excluding(s *feature.Spec) string {
	if s.ExcludeCurrent {
		return ", that event not counted"
	}
	return ""
}

// begins says where the windows of a grid begin.
func begins(w *feature.Window) string {
	offset := span(time.Duration(w.Offset))
	switch {
	case w.Zone != nil && w.Offset > 0:
		return ", by the calendar of " + w.Zone.String() + ", from " + offset + " after midnight on"
	case w.Zone != nil:
		return ", by the calendar of " + w.Zone.String()
	case w.Offset > 0:
		return ", shifted by " + offset
	}
	return ""
}

// listText puts a list in words.
func listText(l *rules.List) string {
	text := tick(l.Name) + " is a list of " + map[lists.Kind]string{lists.String: "texts", lists.Number: "numbers", lists.CIDR: "networks"}[l.Spec.Type]
	switch l.Spec.Value {
	case lists.String:
		text += ", each with a text"
	case lists.Number:
		text += ", each with a number"
	case lists.Bool:
		text += ", each with true or false"
	}
	if l.Description != "" {
		text += " (" + plain(l.Description) + ")"
	}
	if l.File != "" {
		text += "; it begins with " + countWord(l.Entries) + " of " + plain(l.File)
	} else {
		text += "; it begins empty"
	}
	return text
}

func countWord(n int) string {
	if n == 1 {
		return "one entry"
	}
	return number(n) + " entries"
}
