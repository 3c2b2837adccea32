package main

import (
	"bytes"
	"errors"
	"io"
)

// text refuses, when it is first read, what is no text in UTF-8: every line of
// it would be rejected, and the reasons would not say why.
type text struct {
	r     io.Reader
	begun bool
}

// foreign are the two bytes that such files begin with. No NDJSON and no CSV in
// UTF-8 does.
var foreign = []struct {
	mark []byte
	err  error
}{
	{[]byte("\x1f\x8b"), errors.New("this is compressed with gzip: end its name in .gz, or decompress it with zcat")},
	{[]byte("\x28\xb5"), errors.New("this is compressed with zstd: end its name in .zst, or decompress it with zstdcat")},
	{[]byte("\xff\xfe"), errors.New("this is UTF-16, expected UTF-8: convert it with iconv -f UTF-16 -t UTF-8")},
	{[]byte("\xfe\xff"), errors.New("this is UTF-16, expected UTF-8: convert it with iconv -f UTF-16 -t UTF-8")},
}

func (t *text) Read(p []byte) (int, error) {
	if t.begun || len(p) < 2 {
		return t.r.Read(p)
	}
	t.begun = true
	n, err := io.ReadAtLeast(t.r, p, 2)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF // of a file of one byte
	}
	for _, f := range foreign {
		if bytes.HasPrefix(p[:n], f.mark) {
			return 0, f.err
		}
	}
	return n, err
}
