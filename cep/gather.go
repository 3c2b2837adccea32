package cep

import (
	"context"
	"errors"
	"fmt"
)

// A record of rules may name records before it that have what lists begin with: these are read
// again where the rules are put in force, and stand in checkpoints from then on.

// errNoPart is why a record of rules changes nothing: one that it names is not there.
var errNoPart = errors.New("a part of a list is not on the log")

// gathered is the body of a record of rules with what other records have of it; nil: it changes
// nothing, which was told. An error says that the log cannot be read.
func (l *Loop) gathered(ctx context.Context, sequence uint64, body []byte) ([]byte, error) {
	if l.o.Gather == nil || len(l.skips[sequence]) > 0 {
		return body, nil
	}
	var unread error
	whole, err := l.o.Gather(body, func(part uint64) ([]byte, error) {
		if part >= sequence {
			return nil, fmt.Errorf("%w: record %d does not lie before record %d, which names it", errNoPart, part, sequence)
		}
		data, err := PartAt(ctx, l.o.Log, part)
		if err != nil && !errors.Is(err, errNoPart) {
			unread = err
		}
		return data, err
	})
	switch {
	case unread != nil:
		return nil, unread
	case err != nil:
		l.notify(NoticeRules, sequence, err.Error())
		return nil, nil
	}
	return whole, nil
}

// PartAt gives the body of a record of kind PackedList.
func PartAt(ctx context.Context, log Log, sequence uint64) ([]byte, error) {
	r, ok, err := log.At(ctx, sequence)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("%w: record %d is not there", errNoPart, sequence)
	}
	p, err := Unpack(r.Data)
	if err != nil || p.Kind != PackedList {
		return nil, fmt.Errorf("%w: record %d is none", errNoPart, sequence)
	}
	return p.Body, nil
}
