package cep

// The recent past of hundreds of thousands of keys lies far away in memory, as their records
// do: that of a few changes to come is touched together (see ledger.fetch). What is touched
// changes nothing.

// nearCells is the number of cells of a space up to which they are in the cache anyway.
const nearCells = 4 << 10

// met is a cell that a change to come will look up.
type met struct {
	space int32
	hash  uint64
	cell  *cell // or one whose hash is much like it; nil: there is none
}

// fetch touches the cells of changes to come.
func (s *shard) fetch(changes []change) {
	g := s.eager
	all := s.seek(g.met[:0], changes)
	g.met = all
	sum := g.touched
	for i := range all {
		sum += g.cells[all[i].space].home(all[i].hash)
	}
	for i := range all {
		x := &all[i]
		if x.cell = g.cells[x.space].guess(x.hash); x.cell != nil {
			sum += x.cell.hash + uint64(len(x.cell.items)) + uint64(x.cell.savedAt)
		}
	}
	for i := range all {
		c := all[i].cell
		if c == nil {
			continue
		}
		if n := len(c.items); n > 0 {
			sum += uint64(c.items[0].time + c.items[n-1].time)
		}
		if ks := s.tables[c.space][c.key()]; ks != nil {
			sum += uint64(ks.timer) + uint64(len(ks.rules))
		}
	}
	g.touched = sum
}

// seek appends to dst what changes to come will look up, where that is worth touching.
func (s *shard) seek(dst []met, changes []change) []met {
	for i := range changes {
		c := &changes[i]
		if c.kind != Arrives {
			continue
		}
		offers := s.plan.offers[c.event.Type+1]
		for j := range offers {
			o := &offers[j]
			if s.plan.spaces[o.space].byName || s.eager.cells[o.space].len() < nearCells || !s.key.read(o.key, c.event) {
				continue
			}
			if s.shards == 1 || s.key.hash()%uint64(s.shards) == uint64(s.number) {
				dst = append(dst, met{space: o.space, hash: hashOf(s.key.joined())})
			}
		}
	}
	return dst
}
