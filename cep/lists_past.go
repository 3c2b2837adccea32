package cep

import "weir/cep/list"

// What an event reads of lists is settled when it arrives. It may be looked up later: when
// the event has waited for earlier ones, or with EagerOrder when its key is repaired. So of
// each list is kept what changes have replaced, as long as an event that came before them
// may still be asked for.

// note makes a change of list i by its record. Where before is true, events that came
// before it may still look the list up, and are to see it as it was; at says which.
func (l *Lists) note(i int, c *ListChange, before bool, at list.Stamp) error {
	if c.Action == MergeEntries {
		return l.putAll(i, c, before, at)
	}
	if l.changed != nil {
		l.changed[i] = true
	}
	if !before {
		return l.apply(i, c)
	}
	was := l.now[i].BeforeAll()
	if c.Action != ExpireAll {
		var err error
		if was, err = l.now[i].Before(c.Entry.Text); err != nil {
			return err
		}
	}
	if err := l.apply(i, c); err != nil {
		return err
	}
	l.past[i].Note(was, at)
	l.oldest = min(l.oldest, at.Time)
	return nil
}

// forget forgets what lists were for events of times before low, and frees the entries that
// had expired by then.
func (l *Lists) forget(low int64) {
	for i, own := range l.own {
		if own {
			l.now[i].Advance(low)
		}
	}
	if l.oldest >= low {
		return
	}
	l.oldest = never
	for i := range l.past {
		p := &l.past[i]
		if p.Forget(low); !p.Empty() {
			l.oldest = min(l.oldest, p.Oldest())
		}
	}
}
