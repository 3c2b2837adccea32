package cep

import (
	"fmt"
	"slices"

	"weir/cep/feature"
)

// Feature is a running aggregate of the events of each key, like what a card has
// spent in 24 hours.
type Feature struct {
	Name  string
	Types []TypeID           // event types that it counts; nil: all
	Where func(*Scope) bool  // which of these; nil: all
	Key   FeatureKey         // whose events are put together
	Value func(*Scope) Value // what it takes of an event; nil: nothing, which is enough for count, rate and since_last
	Spec  feature.Spec

	// Field is 1 + the FieldID of the field that Value gives as it stands, and settles if
	// it is a list or a map. 0: Value gives something else, or does so in another way.
	Field FieldID

	// Digest is as Rule.Digest.
	Digest string

	// Faults counts the errors of Where and Value while they run; each gave nil. Nil:
	// nobody counts.
	Faults *FaultCount

	since *border // nil: it counts all events
}

// FeatureKey says how the key of a feature is read from an event. Either Fields is
// set, or ByType. Features whose FeatureKeys are equal keep one record of a key.
type FeatureKey struct {
	Names  []string // names of the key's parts, as many as Fields, or one
	Fields []FieldID

	ByType map[TypeID]FieldID // the field that holds the key, by event type; events of other types have none
}

// ReadID numbers the Reads of a Ruleset.
type ReadID int32

// Read is a way in which rules look at a feature (Scope.Feature).
type Read struct {
	Feature int                  // index in Ruleset.Features
	Args    []func(*Scope) Value // parts of the key that it is looked at for, worked out of Scope.Event and lists alone; nil: the key that the event has

	// Own says that it is made by rules whose key is the feature's (without Args, and the
	// key is called alike): with EagerOrder it is made again when a late event changes the
	// features of the key. Any other keeps the value that it had when the event arrived.
	Own bool
}

// FeatureRow holds what an event, or a moment, knows of features.
type FeatureRow struct {
	layout *layout // by ReadID
	values []Value
}

// value returns what a Read gives, nil if it was not made.
func (r *FeatureRow) value(id ReadID) *Value {
	if r.layout != nil {
		if s := r.layout.slot[id]; s >= 0 {
			return &r.values[s]
		}
	}
	return &nilValue
}

// Feature returns what a Read gives as of the event, the event included: nil where the
// event does not have the feature's key, and in an event that has not been released.
// The result must not be changed.
func (e *Event) Feature(r ReadID) *Value { return e.features.value(r) }

// itemOf is a Value as features take it.
func itemOf(v *Value) feature.Item {
	return feature.Item{Kind: feature.Kind(v.Kind), Bits: v.bits, Text: v.Text}
}

// valueOf is what a feature gives as a Value.
func valueOf(x feature.Item) Value { return Value{Kind: Kind(x.Kind), bits: x.Bits, Text: x.Text} }

// fields returns where an event of a type has the key, nil if nowhere.
func (k *FeatureKey) fields(t TypeID) []FieldID {
	if k.ByType == nil {
		return k.Fields
	}
	if f, ok := k.ByType[t]; ok {
		return []FieldID{f}
	}
	return nil
}

// text is the same for keys that are read in the same way only.
func (k *FeatureKey) text() string {
	types := make([]TypeID, 0, len(k.ByType))
	for t := range k.ByType {
		types = append(types, t)
	}
	slices.Sort(types)
	b := fmt.Appendf(nil, "%q %v", k.Names, k.Fields)
	for _, t := range types {
		b = fmt.Appendf(b, " %d:%d", t, k.ByType[t])
	}
	return string(b)
}
