package stream

import "math"

// Dropped returns up to which sequence number records may have been dropped, as they were not
// needed any more; 0: none was. A record after that which the log does not have was lost: its
// bytes were damaged, and the server passes over what it cannot read. Of a log on servers that
// run elsewhere nobody can say, as other processes drop records too: there it is the highest
// number.
func (l *Log) Dropped() (uint64, error) {
	if l.options.External != nil {
		return math.MaxUint64, nil
	}
	return readDropped(l.options.Dir)
}
