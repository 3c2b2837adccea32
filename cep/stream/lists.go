package stream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"weir/cep"
)

// What a large list begins with lies on the log in parts: records of kind PackedList, with a
// subject for each version, which its digest names. They mean nothing until a record of rules
// names them.

// Parts returns the records with parts of a version of a list, by the digest of all of it, in
// order.
func (l *Log) Parts(ctx context.Context, of string) ([]cep.Logged, error) {
	h, err := l.up()
	if err != nil {
		return nil, err
	}
	var list []cep.Logged
	for after := uint64(0); ; {
		n := len(list)
		err := h.fetch(ctx, request{Seq: after + 1, Subject: subjectLists + of, Batch: readRecords, MaxBytes: readBytes}, func(m *message) error {
			list, after = append(list, m.Logged), m.Sequence
			return nil
		})
		if err == nil && len(list) == n && h.far != nil {
			if err = h.far.behind(ctx, subjectLists+of, after, math.MaxUint64); err != nil && h.far.rest(ctx) == nil {
				continue
			}
		}
		if err != nil || len(list) == n {
			return list, err
		}
	}
}

// Begins says from which record on the log has all that was appended, but for versions of lists
// that were dropped; 0: it has dropped no other records.
func (l *Log) Begins(ctx context.Context) (uint64, error) {
	if l.options.External != nil {
		return l.beginsFar(ctx)
	}
	dropped, err := readDropped(l.options.Dir)
	if err != nil || dropped == 0 {
		return 0, err
	}
	h, err := l.up()
	if err != nil {
		return 0, err
	}
	first := l.appended.Load() + 1
	for _, prefix := range []string{subjectBatch, subjectTick} {
		err := h.fetch(ctx, request{Seq: 1, Subject: prefix + "*", Batch: 1}, func(m *message) error {
			first = min(first, m.Sequence)
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return min(first, dropped+1), nil
}

// DropLists drops the versions of lists all of whose parts lie before a record, but for those
// that keep names. Release has dropped what lay there before: else the log would have a hole.
func (l *Log) DropLists(ctx context.Context, before uint64, keep func(of string) bool) (versions int, err error) {
	h, err := l.up()
	if err != nil {
		return 0, err
	}
	state, err := h.info(ctx, jetstream.WithSubjectFilter(subjectLists+"*"))
	if err != nil {
		return 0, err
	}
	for subject := range state.Subjects {
		if keep(strings.TrimPrefix(subject, subjectLists)) {
			continue
		}
		gone, err := l.drop(ctx, h, subject, before)
		if err != nil {
			return versions, err
		}
		if gone {
			versions++
		}
	}
	if versions > 0 {
		state, err := h.info(ctx)
		if err != nil {
			return versions, err
		}
		now := int64(state.Bytes)
		l.purged.Add(max(0, l.stored.Swap(now)-now))
	}
	return versions, nil
}

var errNoDigest = errors.New("stream: a part of a list needs the digest of all of it, in hex")

// checkDigest refuses what would be no subject of its own.
func checkDigest(of string) error {
	if of == "" || strings.Trim(of, "0123456789abcdef") != "" {
		return fmt.Errorf("%w: found %.80q", errNoDigest, of)
	}
	return nil
}
