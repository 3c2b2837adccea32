package alerts

import "slices"

// Filter says which alerts are asked for. What is empty or 0 asks nothing.
type Filter struct {
	Rule     string // id
	Severity string
	Kind     string // match, timeout, retracted or restored
	Key      Part   // a part of the key has this name and this value; no name: any key
	Tag      string // the rule has it
	From, To int64  // event time in nanoseconds since the epoch: From ≤ time < To
}

// Match says whether an item is asked for.
func (f *Filter) Match(it *Item) bool {
	return (f.Rule == "" || f.Rule == it.Rule) &&
		(f.Severity == "" || f.Severity == it.Severity) &&
		(f.Kind == "" || f.Kind == it.Kind.String()) &&
		(f.Key.Name == "" || slices.Contains(it.Key, f.Key)) &&
		(f.Tag == "" || slices.Contains(it.Tags, f.Tag)) &&
		(f.From == 0 || it.Time >= f.From) &&
		(f.To == 0 || it.Time < f.To)
}
