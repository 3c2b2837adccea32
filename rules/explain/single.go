package explain

import "strings"

// when puts a rule in words that matches on one event.
func (w *writer) when() {
	r := w.rule
	text := w.among() + ", the rule matches each one"
	if strings.TrimSpace(r.When.Value) != "true" {
		text += " for which " + expression(r.When, r.Params)
	}
	if r.Having != nil {
		text += ", if also " + w.having()
	}
	text += "."
	if r.Edge {
		text += " Of several in a row only the first makes an alert: the next one comes once an event of the key was seen for which this does not hold (edge)."
	}
	w.paragraph(0, "", text)
	w.blank()
}

// close puts a rule in words that matches when a window ends.
func (w *writer) close() {
	r := w.rule
	text := "For each " + w.featureKey(r.WindowClose) + ", the rule matches when a window of " + tick(r.WindowClose.Name) + " that had an event ends"
	if r.Having != nil {
		text += ", if then " + w.having()
	}
	w.paragraph(0, "", text+".")
	w.blank()
}

// having is what a match must come to.
func (w *writer) having() string { return expression(w.rule.Having, w.rule.Params) }
