// Package cep is the engine of Weir: it takes events in the order in which they
// came, brings them into the order of their event time, and matches the patterns
// of a Ruleset in them, for each rule and key apart.
//
// An Engine is a pure function of the records that it was given. It does no I/O,
// reads no clock and no random numbers, and starts no goroutine that outlives a
// call. Step folds records and appends what came of them to Effects: alerts, late
// events, events in conflict with another of their id, and lines that were no events.
//
// # The way of an event
//
//   - Decode. A line of JSON becomes an Event: its time, type and the fields that
//     some rule reads. What is no event is rejected with line, column and reason.
//     Derived fields are worked out when the event is accepted, with the lists as they
//     stand then.
//   - Duplicates. An event whose type and id are those of an event accepted before is not
//     matched, and does not count: it is a duplicate, or where its line is another a
//     conflict, which is reported. An id is known while its event is not older than now −
//     lateness, and in any case until 10,000 ids have come after it; ids go in the order in
//     which they came, so that one may be known longer. As a duplicate has the time of the
//     first, it is late where its id has gone, unless its time is its arrival. At most
//     1,048,576 ids are known: beyond that the oldest go, counted as unchecked. Ids of late
//     and rejected events are not remembered: what does not count hides nothing. An event
//     without an id is no duplicate.
//   - Order. now is the highest event time accepted, of any type. An event older
//     than now − lateness is late: it is reported and not matched. Every other is
//     held until no earlier one can come, and then released in the order of time,
//     the type's seq, and arrival; events whose type declares no seq count as 0.
//     Without lateness and seq nothing needs to be held.
//     With EagerOrder nothing is held: see Late events below.
//   - The log's clock. Records may say when they were appended; where append times go back
//     they are taken to stand still. An event more than MaxAhead after its record's append
//     time is rejected; of one without, it is the step from now that is bounded. A tick
//     says that append time went on. If the last event accepted lay within 5 min of its
//     append time, and came Idle or longer ago by the log's clock, now moves to what it was
//     with that event plus the append time passed since; it never moves back. So ticks keep
//     the distance that events had from the log's clock, and an event that comes no more
//     than lateness further behind its append time than those before it is not made late by
//     them. Late, rejected and known events are none that came. A backfill, and a stream
//     whose last event had no append time, wait for their own events or a ClockRecord,
//     from which a tick goes on only where it would have come further.
//   - Time. Before a released event of time t everything runs out whose limit is
//     at or before t, under all keys, in the order of the limits.
//   - Features. Released events go, a block at a time, to the features that count them
//     or that rules on their type look at. What they say goes into the event.
//   - Layers. The rules go over the block one layer after the other: a rule stands
//     above those whose matches it reads. Each layer sees the events, and the matches of
//     the rules below that some rule reads, as events.
//   - Dispatch. The event is offered to the rules that have an open match under its
//     key and to those that could begin one with it. These are found by an index
//     over the equalities that a first step asks for, so that rules which an event
//     cannot touch cost nothing.
//   - Match. Captured events are kept with the key until no open match refers to
//     them. A key without an open match, a throttle, a hold, a count of silenced matches
//     or the mark of an edge holds nothing.
//   - Consequences. A match makes an alert, if neither edge nor throttle keeps it from
//     that. Every match, alert or not, takes part in the decision on the event that
//     brought it, adds its score to the risks of its key, begins a hold, and is an
//     event for the rules that read it. A time-out makes an alert and nothing else.
//   - Decisions. What matched on an event, in any layer, and what holds on it come to
//     one Decision. Matches that time brings are about no event.
//   - Alerts come in the order of the moments at which they came, then the place of
//     the event that brought them (first those that time brought), rule id, key,
//     and the order of matches.
//
// # What may be read when
//
// A block of events goes through two phases. Each ends on all shards before the next
// begins.
//
//   - Phase one, features. It reads the event, the lists, and the features of the key
//     itself, event by event. All features of all keys are updated with an event before
//     any rule sees it: a feature of any key, read for an event, says what came up to
//     that event, the event included (but for exclude_current, seen and since_last),
//     no event after it, and none twice. With EagerOrder this holds for reads of a rule's
//     own key (Read.Own) also when a late event comes; others say what they said when the
//     event arrived.
//   - Phase two, rules. It reads the event as phase one left it, the lists, and what
//     lives with the rule's own key, event by event.
//
// Phase one reads nothing that phase two writes: else what comes out would depend on
// where a block ends.
//
// A list changes by a ListRecord. An event sees it as it was when the event arrived, in
// both phases, in every layer, and also if it waits for earlier ones or, with EagerOrder,
// its key is repaired: of each change is kept what it replaced, while an event that came
// before may still be asked for, which is until the watermark has passed the highest event
// time at the change. Entries are looked up as of the time of the event.
//
// Having, measures, score and message see features as the event that completed the match
// did, also where in_order held the match back (if the match captured it; else nil). For
// a match or time-out that time brings they see the features whose key is called like
// the rule's, of its key, as of that moment, before events of that time; all others are
// nil, as are those of another key (Read.Args). They look lists up as of the moment at
// which the match comes: as lists were when the event that completed the match arrived, or
// as they stand when time brings it. The features that such moments can need are kept twice: the
// ones that phase one updates are ahead.
//
// A rule with WindowClose matches when a tumbling or session window of its feature that
// had an event ends, at the end of the window, before events of that time. When windows
// end, and what features say then, is a matter of events alone: phase one finds it, as
// its records are then just as of that moment, and hands it to phase two, but for those
// windows whose having does not hold and looks at no risk. So the features of such rules
// are kept once. The feature reads the window that has ended, others of the same key what
// is in their windows then: nothing, if they end at the same time. An open window is
// waited for with one entry of 4 bytes in a bucket of event time, about 1/64 of the
// window wide: when the end of a session, which moves on with every event, comes up
// there, it is worked out again.
//
// Of a feature that a rule shows (Rule.Evidence) phase one keeps the latest events that
// came into its window, by key: of its types and with its `where`, whatever their value.
// An event that such a rule can match leads to them as they were then, itself included
// if the feature reads it; what has been written is not changed after. An alert shows at
// most 50 of those in the window: of a match when a window ends those of that window, or,
// of another feature, what its window holds then. They have no part in the alert's id.
// They are dropped when the last of them has left the window.
//
// All features of a key that is read in the same way live in one record. When nothing is
// left in any window of a record it is dropped, at that event time or later by up to 1/64
// of its longest window, whether the key ever comes back or not. A record with something
// that is kept forever stays, but for what it has in windows.
//
// # Layers and risk
//
// A match that is read as an event has the time at which it came out, and stands right
// after the event that brought it: before the event that is released next, and after
// those that the matches before it became. One that time brought stands before all events
// of its moment. Its fields are the names of the rule's key, the measures, score and
// severity; it has no features (a measure can take one along). Matches of a shadow rule
// are for shadow rules.
//
// A risk is read as the matches of earlier events left it: not those of the event that is
// matched, in no layer, nor of what that event brought. A match that time brings does not
// see those of the same moment; an event of the moment sees them. A layer goes over a
// block from its beginning, when the layers below have gone over it to its end: what
// matches add is therefore pending, ordered by when they came, until all layers are done.
// A rule that reads a risk stands in no layer below one that adds to it.
//
// # Late events
//
// With EagerOrder an event is matched when it arrives. Of each key is kept what it takes
// to go back to before any event that one to come can precede: the events from the
// watermark on, now − lateness, that the key has seen, with what came of them, and states
// of the key before some of them, at most 32 events or an eighth of the lateness apart.
// Features keep the same for their keys. Of a late event, one that stands before another
// that has come:
//
//   - Features of its keys are rolled back to a state before it, and count it and what
//     came after it again. Rules of those keys that read them look again at what came
//     after.
//   - Each key of a rule that the event concerns goes back to a state before it, and
//     takes it and the events after it in their order. What this brings is compared with
//     what they had brought. What is no more is retracted, what is new comes out, what
//     had been retracted and is again is restored; an alert that says something else is
//     retracted and restored.
//   - What changes for others goes on like events do: matches that are events for other
//     rules arrive and leave, a risk that has changed lets the rules of its key look
//     again at what they have seen since.
//   - In the end one event brings of each alert at most a retraction and what came
//     instead. The versions of an alert follow each other without a gap; Alert.Cause
//     names the event.
//
// What time brings (an absence, a time-out, the end of a window) comes out when the
// watermark has passed its moment, and is never retracted. For the events that its key
// sees after that moment it has happened at once: it consumes, throttles, holds and adds
// to risks, until a late event undoes it. Rules that read it as an event get it
// when it comes out, at its moment, which may be before events that they have seen: that
// is repaired like a late event, without a Cause.
//
// What is not repaired: features of a key that is not the rule's own (Read.Own), lists,
// derived fields and the choice among events in conflict are as of arrival. A Decision is
// on what was known when its event arrived, and there is no other. Counters of RuleStats
// count what is so now, but for no_key and the bounds, which count what was met.
//
// A late event costs what the events after it under its keys cost, and of each key up to
// 32 before it. A key may match 10,000 events again and one more for each that comes in
// order; beyond that it holds its events back until the watermark has passed them, which
// takes back what came of them, and until the watermark has passed a time without late
// events as long as lateness. They give nothing to decisions then. Repairs.HeldBack
// counts how often that began. Events are matched a block at a time, as in WatermarkOrder. A late
// one has a block of its own where that shows: its features have counted a later event of its
// keys, or a layer above the first looks at risks, or a match that time brings at features.
//
// # Other rules
//
// Engine.Adopt puts another Ruleset in force between two records. What means the same in both
// (Rule.Digest, Feature.Digest, and declarations of risks and lists) goes on with its state;
// alerts that are out of rules that go on are retracted and restored as before. What is new or
// changed begins there, by arrival and not by time: an event, and a match that is read as one,
// keeps the rules of its place in the log. So an event that came before is not seen by rules
// and features that are new, whether it has waited for earlier ones or a late event lets its
// key go back; a match that time brings belongs to the place at which the watermark passes
// it. Of rules that are gone open matches go; alerts that are out, and what matches have added
// to risks, stay. A rule goes on only in the layer in which it has been: what adds to a risk
// may lift the rules that read it.
//
// That something begins late is asked in the `where` of rules and features, and is part of the
// state until the watermark has passed the events of before.
//
// # Near misses
//
// With Options.NearMisses it is counted how far open matches get and how they end, by rule
// and step of the pattern, and the latest 20 of each step that ran out are kept with what
// came nearest to what they waited for (Engine.NearMisses). An open match then ends when its
// time comes, not when somebody looks: what runs out unseen wakes its key, which costs
// time and changes nothing else. Which 20 are the latest is a matter of when they ran out
// and of their keys: shards keep 20 each, and the latest of all are among them. A near miss
// waits for an event that would have fitted as long as it had been open; it is looked up by
// its key, and holds up to 50 captured events while a condition may look at them.
//
// What became of open matches in a step is a list of fates. With EagerOrder the fates that
// came of an event of a key, and of time before it, stay with that event while a late one
// may precede it: when the key is matched again they are taken back, and come again. They
// are settled, as at once in WatermarkOrder, when the watermark has passed them. So near
// misses are at any time those of the events that have come, in the order of time, and in
// the end those of WatermarkOrder. Once a key has held events back that is not promised for rules
// that read alerts: an open match that an alert begins which comes only as the input ends may
// not be counted.
//
// # Freezes
//
// Append writes the whole state at once, which takes as long as there are keys. Freeze begins
// to save the state while Step goes on. It notes the watermark, and saves what is small; what
// belongs to keys is saved by Frozen.Next, a little at a time, and of a key that changes
// before, then. What has not changed since the last freeze is not saved again: the entries of
// all freezes since the last that was full come to a state (Assemble). An Engine that Restore
// makes of such a state goes on from there, if Options.Saved says so. Options.Freezes makes
// each part note which of its keys have changed: 8 bytes for each, and a mark in what is kept
// of it; a key that is dropped, its name.
//
// With EagerOrder keys are saved as they were before the first event that a late one could
// precede when the state was frozen, and journals and events with them. What it takes to go
// back there is not forgotten until these are saved: the memory is that of the events that
// come meanwhile. A key with such events is saved again by the next freeze. Entries that
// nobody has taken wait in memory, at most once what has changed.
//
// # The budget of the state
//
// With Options.Budget the state of rules and features is weighed now and then: of each rule
// what is kept under keys (open matches, the events that they captured, throttles, holds, and
// its part of risks), of each feature its records and the events that rules show of it. What
// is kept for a while whatever the keys is not part of it: events that wait or can be
// preceded by a late one, ids, and lists. The sum is an estimate of what is in use, within a
// factor of about 1.5 where there are many keys. Of a space with many keys it is worked out of
// some hundreds to thousands, chosen by their hashes; single keys that keep far more than
// others make it less exact. It depends on what is kept alone, and costs nothing where events
// are matched. It is worked out after events that are named by their number: at the soonest
// after those that could bring the state to its budget at 16 KB each, at the latest after
// 131,072, and not so often that it takes much time.
//
// At the budget the heaviest rule or feature is closed to new keys, and the next one where the
// state still grows when it is weighed again. An event that arrives while a rule is closed
// begins nothing under a key of which the rule keeps nothing, a window that ends then is no
// match there, and a feature does not count the event of a key of which it has nothing in its
// windows. Keys that are known go on as before. RuleStats.Refused and FeatureStats.Refused
// count what was refused. Below 95 % of the budget all are open again.
//
// To an event a rule is closed if it was when the event arrived, also where the event waits
// for earlier ones or, with EagerOrder, is matched again; whether its key is known is asked at
// its place in the order of time. For what time brings it counts where the watermark passed its
// moment. As with EagerOrder the state is another one between two events, what is closed when
// may differ from WatermarkOrder, and with it the alerts of keys that came meanwhile.
//
// # Guarantees
//
//  1. The same records give the same Effects, whatever the batches they come in,
//     the number of shards and processors, and the points at which the state was
//     written and read back (Append, Restore).
//  2. Every arrival order within lateness that keeps events of equal time in their
//     order, or whose types have a seq, gives the same alerts; of events in conflict the
//     same one has to come first. With EagerOrder these are the alerts that are left when
//     the retracted ones are taken away, and they are those of WatermarkOrder, for rules
//     that read features of no other key, nor matches of rules that do.
//  3. An event that opens no match allocates nothing. It costs no memory for
//     features of keys that exist, but for windows that grow and texts that first and
//     last keep; an event of a type that updates no feature and whose rules read none
//     pays nothing for features.
//  4. The memory is that of the open matches, of the throttles and holds, of risks that
//     have not faded, of keys whose last event was a match of an edge rule, of the events held
//     for lateness, of the records of keys with something in a window, of the latest events
//     that rules show, of the events that late ones can precede and of the states of their keys
//     (EagerOrder), of alerts that were retracted and can still change, of the lists, of what list changes replaced while events that came
//     before them may be matched, of the ids that are known (16 bytes each, and as many
//     again to find them), and of the names of up to 65,536 different lines of one event
//     time. The count of silenced matches of a key stays until its next alert.
//  5. An alert has the same id whenever and wherever it is found again.
//
// # Where the rules of the language leave a choice
//
//   - An event of a type whose time is its arrival gets its record's append time, or if
//     it would be late by that the earliest time that is not late. Without append times it
//     gets now, and is rejected while no event with a time of its own has come.
//   - no_key counts the events of a rule's types that had no key, whether its
//     `where` would have let them pass or not; of a rule with WindowClose those that
//     its feature counts so.
//   - Windows that EndRecord ends have had their match: an event that still comes opens
//     a new one.
//   - Measures, score and message of a time-out are worked out as those of a match.
//     A time-out is not throttled, opens no throttle, and says nothing of matches
//     that were silenced.
//   - EndRecord lets all windows and bounds run out. Those of a rule with time-outs run
//     out at once: none of the matches that this completes consumes an open match that
//     would run out later. Others do so in the order of time.
//     An open match without any stays open. Holds end too, and throttles that have
//     silenced nothing; one that has stays on until its time. After EndRecord and HaltRecord an event
//     older than now is late. Matches that this completes see features as of their own
//     moments, as if no other had come.
//   - A list change is seen by the events that come after it, and by matches that time
//     brings after it: that a window ended, or an absence, is known when the watermark has
//     passed it. A match that was held back and has not captured the event that completed
//     it sees lists as they stand when it comes. Entries that have expired are freed before
//     the list is changed.
//   - An event without an id is called by a hash of its line, with "-2" and so on
//     behind it from the second equal line of the same event time on.
//
// # Duties of the caller
//
//  1. One goroutine uses an Engine at a time.
//  2. The functions of a Ruleset depend on their Scope alone. They are called from
//     several goroutines at once if Options.Shards is more than 1. They keep neither
//     the Scope nor what it leads to, and change nothing in it.
//  3. A Cond's Event must be false where one of its Equals does not hold.
//  4. Ruleset.Rules are ordered by id; ids are unique, but for rules that drain (Rule.Drains), which come before
//     the rule of their id, by revision. Rule.Formers are compiled in the same Ruleset, have their own revisions,
//     digests and Reads, and Hinders says nothing of them. Unique are the names of features, of
//     lists and of risks. Rule.Layer is right. Specs of features have no fault. Rule.Reads has every Read that the rule's
//     expressions look at, Read.Own only where each of its rules reads its key from the same fields as the feature, Rule.Outcome those that come after the match. What a Scope says
//     of others is nil. Lists of a Ruleset are not changed once an Engine has it.
//  5. Record.Data is not changed after Step got it. What Effects hold are parts of
//     its text: who keeps an alert for long copies it.
//  6. With EagerOrder who keeps Effects applies them in order: an alert is its last version.
//     What must not be taken back waits until the watermark has passed Alert.Time, of a rule
//     that emits in_order by the length of its window.
//  7. One freeze ends (Frozen.End) before the next begins.
//  8. Restore is given the Ruleset of the state, compiled from the same source. Where another
//     version makes other programs of it, Options.Drop says what becomes of their matches.
package cep
