package stream

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A power cut may take the end of a block file and leave younger ones, where the operating
// system had not brought the older one to the disk yet. The log then has a hole, and what
// comes after it is not what was folded before it. Such a log ends at the hole: the blocks
// after it are removed before the server sees them.
//
// The last seconds before the cut alone can have such a hole, and only beyond what Release
// has dropped, which the file dropped tells.
const (
	droppedFile = "dropped"

	// unsynced is how young the records after a hole are at most, by append time: several
	// times as long as the server takes to bring a block to the disk.
	unsynced = 10 * SyncEvery
)

// span is what a block file holds.
type span struct {
	path        string
	number      uint64 // of the file, in the order in which they were begun
	first, last uint64 // sequence numbers; 0: it has no records
	begin, end  int64  // append times, nanoseconds since the epoch
}

// endAtHole removes the blocks after the first hole.
func endAtHole(dir string, log *slog.Logger) error {
	blocks, err := listBlocks(dir)
	if err != nil {
		return err
	}
	dropped, err := readDropped(dir)
	if err != nil {
		return err
	}
	whole := span{} // before the first block, the log is whole up to no record
	newest, hole := int64(0), -1
	younger, at := &whole, len(blocks) // the block with records after the one looked at
	for i := len(blocks) - 1; i >= -1; i-- {
		b := &whole
		if i >= 0 {
			b = &blocks[i]
			if err := b.read(); err != nil {
				return err
			}
			if b.first == 0 {
				continue
			}
		}
		if younger != &whole && younger.first > b.last+1 && younger.first-1 > dropped {
			hole = at
		}
		newest = max(newest, b.end)
		if b.begin < newest-int64(unsynced) {
			break
		}
		younger, at = b, i
	}
	if hole < 0 {
		return nil
	}
	log.Warn("the log ends at a hole: the records after it are removed", "from", blocks[hole].first, "files", len(blocks)-hole)
	for _, b := range slices.Backward(blocks[hole:]) { // stopped half-way, the hole is still there
		if err := os.Remove(b.path); err != nil {
			return err
		}
	}
	return syncFile(blockDir(dir))
}

// listBlocks lists the block files in the order in which they were begun.
func listBlocks(dir string) ([]span, error) {
	files, err := os.ReadDir(blockDir(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var list []span
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".blk")
		number, err := strconv.ParseUint(name, 10, 64)
		if ok && err == nil {
			list = append(list, span{path: filepath.Join(blockDir(dir), f.Name()), number: number})
		}
	}
	slices.SortFunc(list, func(a, b span) int { return cmp.Compare(a.number, b.number) })
	return list, nil
}

// A record in a block file: u32 length of all of it, of which the highest bit says that it
// has headers; u64 sequence number, with two bits for what is removed; u64 append time; then
// what does not matter here. Little-endian.
const (
	headLength = 20
	leastRead  = 30
	mostRead   = 32 << 20
	headersBit = 1 << 31
	erasedBit  = 1 << 63 // the record was removed, and its number used
	removesBit = 1 << 62 // it says that another one was removed
)

// read reads the places of the records of a block, up to the first that is not whole.
func (b *span) read() error {
	f, err := os.Open(b.path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	var head [headLength]byte
	for at := int64(0); at+leastRead <= info.Size(); {
		if _, err := f.ReadAt(head[:], at); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		length := int64(binary.LittleEndian.Uint32(head[:]) &^ headersBit)
		sequence, when := binary.LittleEndian.Uint64(head[4:]), int64(binary.LittleEndian.Uint64(head[12:]))
		if length < leastRead || length > mostRead || at+length > info.Size() {
			return nil
		}
		at += length
		if sequence&removesBit != 0 {
			continue
		}
		if sequence &^= erasedBit; b.first == 0 {
			b.first, b.begin = sequence, when
		}
		b.last, b.end = sequence, when
	}
	return nil
}

// readDropped returns up to which sequence number records may have been dropped.
func readDropped(dir string) (uint64, error) {
	path := filepath.Join(dir, droppedFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(string(text), "\n"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s holds %.40q, expected the sequence number up to which records were dropped: restore it from a backup, or remove it", path, text)
	}
	return n, nil
}

// writeDropped says so, before they are.
func writeDropped(dir string, sequence uint64) error {
	is, err := readDropped(dir)
	if err != nil || sequence <= is {
		return err
	}
	path := filepath.Join(dir, droppedFile)
	if err := os.WriteFile(path+".new", fmt.Appendln(nil, sequence), 0o600); err != nil {
		return err
	}
	if err := syncFile(path + ".new"); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncFile(dir)
}
