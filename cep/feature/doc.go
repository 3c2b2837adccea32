// Package feature keeps running aggregates of the events of one key: how many in the
// last hour, their sum in a day of the calendar, how many different values.
//
// A Spec says what is computed over which window; a Plan is the features of one kind
// of key; a Record is all that they keep of one key, in one place of a Memory. The package knows
// no events, keys and rules: it is given times and items. It does no I/O, reads no
// clock, and depends on nothing but its arguments.
//
// # Windows
//
//   - Sliding: a reader of time t sees what is later than t − Size, up to t. With
//     Resolution the old end stands at a multiple of it after the epoch, the last at
//     or before that: from Size to Size and a step are counted.
//   - Tumbling: the window that t is in, aligned to the epoch and the offset; with a
//     zone, to days counted from 1970-01-01. A day begins when the clocks of the zone
//     first show the offset on it or something later.
//   - Hopping: of the windows that t is in, the one that began first.
//   - Session: it goes on while an event comes less than Size after the one before,
//     whether its value is left out or not.
//   - Forever: all.
//
// # Values
//
// A value that is nil is left out, and so is one of another kind than the feature
// takes: numbers for sum, mean, stddev and quantile, also times and durations for min
// and max (ordered by kind first), any for the others. Items are the same if kind and
// value are: 12 and "12" differ, 0 and -0 do not. Lists and maps are told apart by
// their text.
//
// Sum and mean are the exact ones, rounded once to the nearest float64: they depend
// neither on the order of events nor on what has left the window, nor on restores.
// The standard deviation is that of the population; it is worked out of exact sums and
// is within 1e-14 of the true one, whatever the mean. Quantile interpolates linearly
// between the closest ranks (type 7). Rate is the count by the seconds of the window,
// rounded once up to nine million events.
//
// # Bounds
//
// Of a key a feature keeps at most 10,000 events (for distinct and seen: different
// values; for min and max: those that can still become it) exactly. Beyond that
// events are put together to panes of 1/128 of the window, and the old end moves in
// such steps; distinct is estimated by HyperLogLog with 8,192 registers (standard
// error 1.15 %) and quantile by a DDSketch (each of the two numbers between which it
// lies is off by 1/128 of its size at most; sizes below 2^-30 count as 0, from 2^100
// on as that), both in panes; seen lets go of the value that occurred longest ago, and
// a value not seen may have been. Add and Read say so. Once the window is empty a
// feature is exact again. Distinct and quantile that are declared to be approximate
// are exact up to 1,024 values, and then estimates as above.
//
// # Memory
//
// Bytes for a key and feature. Beside them a key takes its text, in steps of 8, and 20
// to 30 bytes. n is the number of events in the window, d of different values, p of panes
// that have events: windows of Resolution or Every. Rings begin with room for two rows
// and have up to an eighth more than they need once they are long, half when short.
//
//	value               forever    tumbling, session    sliding        resolution, hopping
//	count               8          24                   32 + 8n        32 + 16p
//	rate                -          -                    32 + 8n        32 + 16p
//	sum                 24         40                   48 + 16n       48 + 24p
//	mean                32         48                   56 + 16n       56 + 32p
//	stddev              64         80                   88 + 16n       88 + 64p
//	min, max            16         32                   24 + 24·ln n   24 + 24·ln p
//	first               16         32                   24 + 24n       24 + 24p
//	last                16         32                   24             24
//	since_last          16         32                   24             24
//	quantile            -          104 + 8n             88 + 24n       88 + 24n
//	distinct, seen      -          40 + 24d             24 + 24d       24 + 24d
//
// Min and max are given for values in no order; they keep all n if each is worse than
// the one before. Hopping windows of a calendar take 32 bytes more.
//
// A window of up to four steps of Resolution takes 48 bytes for count and rate, 88 for
// sum, 96 for mean, whatever comes up to 4,095 numbers in a step of a mean.
//
// Distinct and seen take 8 bytes more for each 8 of a text beyond the first, and 150 +
// 44d and the texts once values take more than 512 bytes. For first and last a text
// comes on top with 16 more, of each that can still be read. Sums of numbers beyond 7e13
// in size, or not a multiple of 2^-80, take 90 to 900 bytes more for each sum that has
// one. An estimate of distinct takes 9 kB in a window that ends as a whole, up to about
// 150 kB in one that events leave; of quantile 8 bytes for each bin (64 for a power of
// two) that has a number, in all and in each of the up to 130 panes. At the bound of
// 10,000 count takes 80 kB, quantile 240 kB, distinct 440 kB.
//
// All of it is words in a Memory, in which the garbage collector finds no pointers, but
// for texts of first and last, quantiles, many different values, and sums that words
// cannot hold.
//
// # Guarantees
//
//  1. What is read is a function of the specs, the events added and the time of
//     reading; without bounds reached it is exactly what an evaluator of all events
//     would say.
//  2. A Record read back from bytes goes on as the one that was written.
//  3. A key that exists costs no memory per event, apart from rings that grow and the
//     copy of a text that first and last keep.
//  4. At its Deadline a Record is empty and can be dropped; nothing remains of it.
//
// # Duties of the caller
//
//  1. Times do not fall from call to call on a Record, and lie in the years 1700 to
//     2199.
//  2. For each event, in the order of events: Close, then Read of the features that
//     are read before the event (ReadsBefore), then Add to those that count it, then
//     Read of the others.
//  3. A Record belongs to one Plan and is used by one goroutine at a time, reading
//     included: it forgets what has left.
//  4. Zones are the same data everywhere; the host's are not.
package feature
