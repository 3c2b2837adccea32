package stream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"weir/cep"
)

// Changes of lists lie on the log by themselves: they take no part in the order of rules that
// PublishIf guards, and stay for good.

// Entries returns the records of kind PackedEntries, all since the log began, in order.
func (l *Log) Entries(ctx context.Context) ([]cep.Logged, error) {
	h, err := l.up()
	if err != nil {
		return nil, err
	}
	var list []cep.Logged
	for after := uint64(0); ; {
		n := len(list)
		err := h.fetch(ctx, request{Seq: after + 1, Subject: subjectEntries + "*", Batch: readRecords, MaxBytes: readBytes}, func(m *message) error {
			list, after = append(list, m.Logged), m.Sequence
			return nil
		})
		if err == nil && len(list) == n && h.far != nil {
			if err = h.far.behind(ctx, subjectEntries+"*", after, math.MaxUint64); err != nil && h.far.rest(ctx) == nil {
				continue
			}
		}
		if err != nil || len(list) == n {
			return list, err
		}
	}
}

// checkAudit refuses a record that nobody could read back.
func checkAudit(p *cep.Packed) error {
	if p.Audit == nil {
		return nil
	}
	if err := p.Audit.Check(); err != nil {
		return fmt.Errorf("stream: who brings the change: %w", err)
	}
	return nil
}

var errNoList = errors.New("stream: a change of a list needs its name: letters, digits, _ and -")

// checkList refuses what would be no subject of its own.
func checkList(name string) error {
	odd := func(c rune) bool {
		return c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	}
	if name == "" || len(name) > 255 || strings.IndexFunc(name, odd) >= 0 {
		return fmt.Errorf("%w: found %.80q", errNoList, name)
	}
	return nil
}
