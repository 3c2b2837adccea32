package main

import (
	"bytes"
	"context"
	"fmt"

	"weir/cep"
	"weir/cep/stream"
	"weir/failpoint"
	"weir/rules"
)

// listShare: the files of lists that lie in parts on the log take this part of its size at most,
// so that a version and the next one fit beside the events.
const listShare = 4

// stage puts the files of lists on the log that are too large for the record of the rules. Those
// parts that lie there already, of when the file was published before or of a process that ended
// on the way, are not put there again.
func (v *service) stage(ctx context.Context, p *rules.Published) error {
	if n, most := p.StagedBytes(), v.settings.LogSize/listShare; int64(n) > most {
		return fmt.Errorf("the files of lists have %d bytes, and the log takes %d of them: make log.size %d times as large as the files, or these shorter", n, most, listShare)
	}
	return p.Stage(func(of string, parts [][]byte) (records []uint64, err error) {
		there, err := v.stream.Parts(ctx, of)
		if err != nil {
			return nil, err
		}
		for i, part := range parts {
			if i < len(there) {
				if p, err := cep.Unpack(there[i].Data); err == nil && bytes.Equal(p.Body, part) {
					records = append(records, there[i].Sequence)
					continue
				}
			}
			n, err := v.stream.Append(ctx, &cep.Packed{Kind: cep.PackedList, Of: of, Body: part})
			if err != nil {
				return nil, err
			}
			failpoint.Hit("list")
			records = append(records, n)
		}
		return records, nil
	})
}

// dropLists drops versions of lists that are in force for no record that can be folded again:
// those which rules named that others had followed before the log begins, and those that were
// imported before. staging is held.
func (v *service) dropLists(ctx context.Context) error {
	begins, err := v.stream.Begins(ctx)
	if err != nil || begins == 0 {
		return err
	}
	controls, err := v.stream.Controls(ctx)
	if err != nil {
		return err
	}
	named := map[string]bool{}
	for _, c := range controls {
		p, err := cep.Unpack(c.Data)
		if err != nil || p.Kind != cep.PackedRules {
			continue
		}
		if c.Sequence < begins {
			clear(named)
		}
		published, err := rules.ReadPublished(p.Body)
		if err != nil {
			return err
		}
		for _, s := range published.Staged {
			named[s.Digest] = true
		}
	}
	if err := v.nameImports(ctx, begins, named); err != nil {
		return err
	}
	n, err := v.stream.DropLists(ctx, begins, func(of string) bool { return named[of] })
	if n > 0 {
		v.log.Info("versions of lists that are not needed any more were dropped from the log", "versions", n)
	}
	return err
}

// gathered is the body of a record of rules, with the files of lists that lie in others.
func gathered(ctx context.Context, log *stream.Log, body []byte) ([]byte, error) {
	return rules.Gather(body, func(sequence uint64) ([]byte, error) { return cep.PartAt(ctx, log, sequence) })
}

// nameImports names the versions of lists that were imported and may be needed: of those from
// before the log begins all that no replacement of the list has followed.
func (v *service) nameImports(ctx context.Context, begins uint64, named map[string]bool) error {
	changes, err := v.stream.Entries(ctx)
	if err != nil {
		return err
	}
	before := map[string][]string{} // by list, as if it began then
	for _, r := range changes {
		p, err := cep.Unpack(r.Data)
		if err != nil || p.Kind != cep.PackedEntries || p.Of == "" {
			continue
		}
		if r.Sequence >= begins {
			named[p.Of] = true
			continue
		}
		if p.Change.Action == cep.ReplaceEntries {
			before[p.Change.List] = nil
		}
		before[p.Change.List] = append(before[p.Change.List], p.Of)
	}
	for _, list := range before {
		for _, of := range list {
			named[of] = true
		}
	}
	return nil
}
