// Package list holds the lists of a ruleset: named sets whose entries come and go
// while rules run, like blocked cards, trusted devices, exchange rates or networks.
//
// A List has entries of one type: text, numbers or IP prefixes (Spec). An entry may
// have a value and a moment of event time at which it expires: Find with a moment t
// does not see an entry that expires at t or before. An address is looked up by the
// longest prefix that contains it and has not expired.
//
// # Time and change
//
// A List is changed in place and has no versions. An engine folds one log: changes
// are records of that log, come between events, and are made by the goroutine that
// owns the state; a reader of the state after the record sees the change, whatever
// the time of the event that it looks the list up for. For those who came before it and
// look later, as their event was held back or its key is repaired, a Past keeps what
// changes replaced; it is nearly always empty.
//
// Expired entries are freed by Advance, in the order of time, and count until then.
// Advance is a part of the fold: it is called at points that the log determines, so
// that a full List is full again when the log is replayed.
//
// # Text of entries
//
// The entries of a list of text are compared byte by byte: neither case nor Unicode
// forms are made equal. Numbers are float64 values: 12, 12.0 and 1.2e1 are one entry.
// Prefixes are those of IPv4 or IPv6; an address is the prefix of that address alone.
// An IPv4 address in IPv6 form (::ffff:192.0.2.1) is the IPv4 address, and a prefix
// of such addresses (::ffff:192.0.2.0/120) the IPv4 prefix (192.0.2.0/24). The two
// families are apart: ::/0 contains no IPv4 address.
//
// # Memory
//
// Text lies in one slab; an entry holds no pointer. A list of a million card numbers
// takes about 60 bytes an entry, with values and expiry less than 90. Entries are
// found by a hash with a fixed seed: who chooses entries on purpose can slow a list
// down, so lists are for entries that come from people and rules, not from events of
// strangers.
//
// # Duties of the caller
//
//  1. While a List is changed nobody else uses it. Otherwise any number of goroutines
//     may read it.
//  2. After Advance(t) the List is read for moments from t on only.
//  3. Text that Find, All and Search give is a part of the slab: who keeps it for
//     long copies it.
package list
