// Package stream is the log of Weir on JetStream: a NATS server that runs inside the
// process and stores the stream in a directory of its own. It opens a port only where Port
// says so.
//
// A Log is a cep.Log: records have one order and rising sequence numbers, and are read by
// position. A Packer puts the lines of many requests into few records, a Door the messages of
// producers that publish over the port.
//
// # What holds
//
//   - What Append, PublishIf and Packer.Post return without an error is on the log for good:
//     with Fsync on the disk; with Interval in the hands of the operating system, from where
//     it reaches the disk within SyncEvery. A process that is killed loses nothing either
//     way; a power cut may lose the last SyncEvery of an Interval log.
//   - ErrFull, ErrChanged, ErrTooLarge and ErrBusy say that the record, or the lines, are not
//     on the log. After ErrUnavailable, ErrNoSpace and the end of a context they may be.
//     A request with a key that is repeated appends what is missing and no line twice: Claim.
//   - Records come in the order in which they were appended. The lines of a Post lie on the
//     log in their order; they may fill several records with those of others in between.
//   - The log drops no record by itself, whatever its age: where it is full it refuses
//     new ones (ErrFull). Release drops old ones that are not needed any more, and never
//     one that says something of the rules. Sequence numbers of dropped records are not
//     given again; readers see a gap.
//   - A log whose last block file was torn ends at the last whole record. Where a power cut
//     has left a hole in the last seconds of an Interval log, it ends at the hole.
//
// # Subjects
//
// The stream is called WEIR. Events lie on weir.batch.N, ticks and advances on weir.tick.N,
// what concerns rules and processes on weir.control.rules, weir.control.boot,
// weir.control.skip and weir.control.join, parts of what large lists begin with on
// weir.control.lists.DIGEST, changes of lists on weir.control.entries.LIST. N counts
// generations: it rises each time that a 64th of the log's size
// has been appended. Release drops whole generations, as the server removes all messages
// of one subject without a look at the rest of the stream, while the removal of a subject's
// messages up to a sequence number reads all of it.
//
// # Producers
//
// What producers publish to weir.events.TYPE does not lie on the stream as it comes: the
// stream would write each message to the disk by itself, which with Fsync is 2,000 a second,
// read each one again, and drop them one by one; and a message has headers by which JetStream
// does more than append. The Door packs them into records of events that say of which type
// lines have to be, and acknowledges them as JetStream does. So the stream has records of this
// process alone, in one format, and is in an account that no one else is connected to.
//
// # What leaves
//
// An Out is a second stream of the server, WEIR_OUT, with what others are to know of the
// effects: a copy, which drops its oldest messages at its bounds. Its last message says how
// far its publisher has come.
//
// # When the server fails
//
// After a write error, such as a full disk, an embedded server answers no more. The Log
// notices what the server logs of it: what is under way fails with ErrUnavailable or
// ErrNoSpace, as does what comes later, and Health says so. Restart stops the server and
// starts another one on the directory; it then looks what of the records whose fate was
// unknown lies on the log. As that may have lost its end, it takes no records until who
// follows it has compared its files with it, and calls Admit.
//
// # Files
//
// Below jetstream/ lies what the server writes. Beside it lie closed, the mark of a Close that
// has brought everything to the disk, with the lengths of the block files, and dropped, the
// sequence number up to which Release may have dropped records. Without the mark the server
// reads all blocks when it starts, and the blocks of the last seconds are looked at for holes
// before.
//
// # Servers that run elsewhere
//
// With Options.External the server does not run in this process, and all that is said above of
// files is its own matter. The rest is the same, but for this:
//
//   - Records are sent one at a time, each again with its id until it is answered for or a
//     minute is over: lines keep their order though any record may be lost on its way, and
//     none is there twice, as the servers know ids for two minutes. After the minute the lease
//     is taken anew, so that the record cannot come any more, and the log is searched for it.
//   - Each record is appended only while the last record on weir.control.lease is that of this
//     process: so Admit, which puts it there, shuts out every process before, and what this one
//     has sent by connections before. A process that answers on weir.serving is not shut out.
//   - A server may be behind the others: reads that give less than is known to be there are
//     asked again, and what decides is asked of the leader. A log that ends too early is looked
//     at for some seconds before that is believed.
//   - Servers that do not answer are waited for, without end: Waits says for what. Only where
//     the stream is not what it was, the host fails, as an embedded server after a write error
//     does: it was made anew, has lost records that are never dropped, or ends before what was
//     answered for. Restart connects anew, and Admit comes after the comparison.
//
// # Bounds
//
//   - Size bytes of records (Options.Size); the last 16th is kept for records that are no
//     events, so that a full log can still be told of rules and boots. ErrFull beyond it.
//   - MaxRecord bytes in a record, ErrTooLarge beyond it.
//   - PackerOptions.Joined bytes of lines in a record of those that waited for others to become
//     durable, and Packed in any other but that of one long line.
//   - PackerOptions.Waiting bytes of lines that are not durable yet, ErrBusy beyond it.
//   - A request to an external log that has no answer for 30 s fails with ErrUnavailable.
//   - MaxMessage bytes in a message, 64 MB of messages that are not durable yet, and 32 MB of
//     messages that are not read yet: beyond them messages are refused, and counted. Should
//     there be no time even for that, what comes beyond 64 MB unread is dropped, and counted.
//   - A million keys of requests and ids of messages: beyond that the oldest go, counted in Stats.Forgotten.
package stream
