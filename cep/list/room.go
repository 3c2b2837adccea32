package list

// Room says whether all entries of another List can be put into l: ErrFull where that is not
// sure. Those that would take the place of others are counted like new ones.
func (l *List) Room(of *List) error {
	if len(l.entries)+len(of.entries) > l.mostEntries || l.live()+of.live() > l.mostBytes {
		return ErrFull
	}
	return nil
}
