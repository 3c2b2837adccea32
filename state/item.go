package state

import (
	"bytes"

	"weir/alerts"
	"weir/cep"
	"weir/cep/wire"
)

// writeItem writes an item.
func writeItem(w *wire.Writer, it *alerts.Item) {
	writePosition(w, it.Position)
	w.Int(it.DetectedAt)
	w.Text(it.ID)
	w.Uint(uint64(it.Version))
	w.Byte(byte(it.Kind))
	w.Text(it.Rule)
	w.Uint(uint64(it.Revision))
	w.Text(it.Severity)
	w.Uint(uint64(it.Score))
	w.Text(it.Action)
	w.Bool(it.Shadow)
	w.Int(it.Time)
	w.Uint(uint64(len(it.Tags)))
	for _, tag := range it.Tags {
		w.Text(tag)
	}
	w.Uint(uint64(len(it.Key)))
	for _, part := range it.Key {
		w.Text(part.Name)
		w.Text(part.Value)
	}
	w.B = append(w.B, it.Line...)
}

// readItem reads an item. Its line is a part of value.
func readItem(key, value []byte) (alerts.Item, error) {
	r := unseal(key, value)
	it := alerts.Item{
		Position:   readPosition(&r),
		DetectedAt: r.Int(),
		ID:         r.Text(),
		Version:    int(r.Below(1 << 31)),
		Kind:       cep.AlertKind(r.Byte(byte(cep.RestoredAlert))),
		Rule:       r.Text(),
		Revision:   int(r.Below(1 << 31)),
		Severity:   r.Text(),
		Score:      int(r.Below(101)),
		Action:     r.Text(),
		Shadow:     r.Bool(),
		Time:       r.Int(),
	}
	for n := r.Count(1); n > 0 && !r.Bad; n-- {
		it.Tags = append(it.Tags, r.Text())
	}
	for n := r.Count(2); n > 0 && !r.Bad; n-- {
		it.Key = append(it.Key, alerts.Part{Name: r.Text(), Value: r.Text()})
	}
	it.Line, r.Src = r.Src, nil
	if len(it.Line) < 2 {
		r.Fail()
	}
	return it, done(&r, itemsBucket, key)
}

// own copies what is a part of the file, so that it lasts longer than the transaction.
func own(it *alerts.Item) { it.Line = bytes.Clone(it.Line) }
