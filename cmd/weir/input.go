package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"weir/cep"
)

// stdinName is how the command line names standard input.
const stdinName = "-"

// checkStdin returns an error if files of events name standard input more than once.
func checkStdin(names []string) error {
	stdin := 0
	for _, name := range names {
		if name == stdinName {
			stdin++
		}
	}
	if stdin > 1 {
		return errors.New("--events: stdin (-) can be read once only")
	}
	return nil
}

// input is an events file that is open.
type input struct {
	name string // as the user gave it
	csv  bool
	info os.FileInfo  // nil: not a file
	size int64        // bytes of the file, -1: unknown
	done atomic.Int64 // bytes of the file read so far
	file io.ReadCloser
	text io.Reader // what the file holds, decompressed
	free func()    // of the decompressor
}

// openInput opens an events file. Its name says what it is: .csv, else NDJSON,
// both also with .gz or .zst behind; "-" is NDJSON from standard input.
func openInput(name string, std *streams) (*input, error) {
	in := &input{name: name, size: -1, free: func() {}}
	if name == stdinName {
		in.name = "stdin"
		in.file = io.NopCloser(std.in)
		if f, ok := std.in.(*os.File); ok {
			in.info, _ = f.Stat()
		}
		in.text = &text{r: in.counted()}
		return in, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a folder; --events takes files", name)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	if info.Mode().IsRegular() {
		in.size = info.Size()
	}
	in.file, in.info = f, info
	if err := in.decompress(); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return in, nil
}

func (in *input) decompress() error {
	name := in.name
	in.text = in.counted()
	switch filepath.Ext(name) {
	case ".gz":
		z, err := gzip.NewReader(in.text)
		if err != nil {
			return in.cutOff(err)
		}
		in.text = &unpacked{z, in}
		name = strings.TrimSuffix(name, ".gz")
	case ".zst":
		// One goroutine reads all inputs; more for each would only take the
		// engine's share of the machine.
		z, err := zstd.NewReader(in.text, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return err
		}
		in.text, in.free = &unpacked{z, in}, z.Close
		name = strings.TrimSuffix(name, ".zst")
	}
	in.csv = filepath.Ext(name) == ".csv"
	in.text = &text{r: in.text}
	return nil
}

// unpacked is what a compressed file holds.
type unpacked struct {
	r  io.Reader
	in *input
}

func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	return n, u.in.cutOff(err)
}

// cutOff says in plain words that a compressed file is not whole. One without a
// byte is not either, although zstd takes it for the compression of nothing.
func (in *input) cutOff(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF && in.done.Load() == 0 {
		return errors.New("the file is cut off: its compressed data has no end")
	}
	return err
}

func (in *input) close() {
	in.free()
	in.file.Close()
}

// counted reads the file and counts what it reads.
func (in *input) counted() io.Reader { return &countingReader{in.file, &in.done} }

type countingReader struct {
	r io.Reader
	n *atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// inputs are all events files of a run.
type inputs []*input

func openInputs(names []string, std *streams) (inputs, error) {
	var all inputs
	for _, name := range names {
		in, err := openInput(name, std)
		if err != nil {
			all.close()
			return nil, err
		}
		all = append(all, in)
	}
	return all, nil
}

func (all inputs) close() {
	for _, in := range all {
		in.close()
	}
}

// size is how many bytes all files have, -1 if that is not known of one.
func (all inputs) size() int64 {
	var sum int64
	for _, in := range all {
		if in.size < 0 {
			return -1
		}
		sum += in.size
	}
	return sum
}

// done is how many bytes have been read.
func (all inputs) done() int64 {
	var sum int64
	for _, in := range all {
		sum += in.done.Load()
	}
	return sum
}

// reader gives the lines of all inputs, merged by event time.
func (all inputs) reader(rules *cep.Ruleset) (blockReader, error) {
	readers := make([]blockReader, len(all))
	for i, in := range all {
		r, err := in.reader(i, rules)
		if err != nil {
			return nil, err
		}
		readers[i] = r
	}
	if len(readers) == 1 {
		return readers[0], nil
	}
	decoder := cep.NewDecoder(rules)
	return newMerger(readers, func(line []byte) (int64, bool) {
		ns, ok, reject := decoder.Time(string(bytes.TrimRight(line, " \t\r\n")))
		return ns, ok && reject == nil
	}), nil
}

func (in *input) reader(source int, rules *cep.Ruleset) (blockReader, error) {
	if in.csv {
		return newCSVReader(in.text, in.name, source, rules)
	}
	return &namedErrors{in.name, &lineReader{r: in.text, source: source, live: in.size < 0}}, nil
}

// namedErrors puts the file's name before what reading it failed with.
type namedErrors struct {
	name string
	blockReader
}

func (n *namedErrors) next(b *block) error {
	err := n.blockReader.next(b)
	if err == nil || err == io.EOF {
		return err
	}
	return fmt.Errorf("%s: %w", n.name, err)
}
