package web

import (
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A stream that is packed is zstd frames in a row. A bundle is packed once, for all readers that
// take all of it; what else a reader gets is put into frames as it is, which costs nothing.

// packer packs bundles.
var packer = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic("web: options of zstd: " + err.Error())
	}
	return e
})

// packed is the whole bundle as server-sent events, packed. Nobody may change it.
func (b *bundle) packed(as format, home string) []byte {
	f := &b.forms[as]
	f.pack.Do(func() { f.packed = packer().EncodeAll(b.in(as, home, 0, len(b.list)), nil) })
	return f.packed
}

// mostFrame is how many bytes a frame of appendFrameHead may have: a block, as large as its
// window.
const mostFrame = 128 << 10

// appendFrameHead begins a zstd frame of the next n bytes, as they are (RFC 8878): a magic number,
// a frame header that gives a window of 128 KiB and no size, and a last block that is raw.
func appendFrameHead(dst []byte, n int) []byte {
	dst = append(dst, 0x28, 0xb5, 0x2f, 0xfd, 0, (17-10)<<3)
	block := uint32(n)<<3 | 1
	return append(dst, byte(block), byte(block>>8), byte(block>>16))
}

// takesPacked says whether who asks understands zstd.
func takesPacked(r *http.Request) bool {
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, quality, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "zstd") {
			continue
		}
		_, q, _ := strings.Cut(quality, "=")
		return strings.Trim(q, " 0.") != "" || strings.TrimSpace(quality) == ""
	}
	return false
}
