package rules

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
)

// Staged is a file of a list that is too large for the record of the rules. It lies on the log
// in parts, records before that of the rules, which takes effect with all of them.
type Staged struct {
	Digest  string   `json:"digest"` // SHA-256 of the file, in hex
	Bytes   int      `json:"bytes"`
	Records []uint64 `json:"records"` // sequence numbers of the parts, in order
}

const (
	// PartBytes is how much of a file a part has, the last one less.
	PartBytes = 1 << 20

	// inlineFile and inlineAll are how large a file may be to stand in the record, and all such
	// files together: a change of a rule puts them on the log again.
	inlineFile = 64 << 10
	inlineAll  = 2 << 20
)

// stage finds out which files do not stand in the record. Their parts are still to be appended:
// Stage.
func (p *Published) stage() {
	paths := slices.SortedFunc(maps.Keys(p.Lists), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(p.Lists[a]), len(p.Lists[b])), cmp.Compare(a, b))
	})
	all := 0
	for _, path := range paths {
		data := p.Lists[path]
		if all += len(data); len(data) <= inlineFile && all <= inlineAll {
			continue
		}
		if p.Staged == nil {
			p.Staged = map[string]Staged{}
		}
		p.Staged[path] = Staged{Digest: digestOf(data), Bytes: len(data)}
	}
}

// digestOf names the content of a file.
func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// StagedBytes is the size of all files that do not stand in the record.
func (p *Published) StagedBytes() (n int) {
	for _, s := range p.Staged {
		n += s.Bytes
	}
	return n
}

// Stage gives a place on the log to what does not stand in the record: put is called with all
// parts of a file, in order, and says which records have them. After that Bytes may be called.
func (p *Published) Stage(put func(of string, parts [][]byte) ([]uint64, error)) error {
	for _, path := range slices.Sorted(maps.Keys(p.Staged)) {
		s := p.Staged[path]
		records, err := put(s.Digest, slices.Collect(slices.Chunk(p.Lists[path], PartBytes)))
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		s.Records = records
		p.Staged[path] = s
		delete(p.Lists, path)
	}
	return nil
}

// Gather makes the body of a record of rules one that needs no other record: it has all files
// of lists. part gives the body of a record.
func Gather(body []byte, part func(sequence uint64) ([]byte, error)) ([]byte, error) {
	p, err := ReadPublished(body)
	if err != nil || len(p.Staged) == 0 {
		return body, nil // Compile says what is wrong
	}
	if p.Lists == nil {
		p.Lists = map[string][]byte{}
	}
	for _, path := range slices.Sorted(maps.Keys(p.Staged)) {
		s := p.Staged[path]
		var data bytes.Buffer
		for _, n := range s.Records {
			b, err := part(n)
			if err != nil {
				return nil, fmt.Errorf("the file %s of a list: %w", path, err)
			}
			data.Write(b)
		}
		if digestOf(data.Bytes()) != s.Digest {
			return nil, fmt.Errorf("the file %s of a list has %d bytes on the log that are not those which were published: expected %d bytes with the SHA-256 %s", path, data.Len(), s.Bytes, s.Digest)
		}
		p.Lists[path] = data.Bytes()
	}
	p.Staged = nil
	return p.Bytes(), nil
}
