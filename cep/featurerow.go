package cep

// NewFeatureRow makes a row of what reads give, by ReadID. It is for tests and
// benchmarks; rows of events that are read come from an Engine.
func NewFeatureRow(values []Value) FeatureRow { return FeatureRow{wideLayout(len(values)), values} }

// WithFeatures returns a copy of e that knows of features what row says. It is for
// tests and benchmarks.
func (e *Event) WithFeatures(row FeatureRow) *Event {
	c := *e
	c.features = row
	return &c
}
