package web

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// body is the body of a request with events, unpacked. Its errors are problems, but io.EOF.
type body struct {
	s        *service
	r        *http.Request
	w        http.ResponseWriter
	text     io.Reader // unpacked
	free     func()    // gives back what unpacks
	packed   bool
	wire     int64 // bytes that came
	unpacked int64
	most     int64     // bytes that it may unpack to
	granted  int64     // bytes of the wire that the deadline allows for
	begun    time.Time // of reading, without the time in which nobody read
	rested   time.Time // since when nobody reads
	proof    *proof    // nil: the request has no key
}

// windowMemory is what a zstd decoder may take: the window that the format asks every reader
// to have.
const windowMemory = 8 << 20

// openBody begins to read a body.
func (s *service) openBody(w http.ResponseWriter, r *http.Request, most int64) (*body, error) {
	now := time.Now()
	b := &body{s: s, r: r, w: w, free: func() {}, most: most, begun: now, rested: now}
	if r.ContentLength > s.bounds.Wire {
		return nil, b.tooLarge(s.bounds.Wire, "")
	}
	b.allow()
	switch encoding := strings.ToLower(strings.Join(r.Header.Values("Content-Encoding"), ",")); encoding {
	case "", "identity":
		b.text = (*wire)(b)
	case "gzip":
		b.packed = true
		z, _ := unzippers.Get().(*gzip.Reader)
		var err error
		if z == nil {
			z, err = gzip.NewReader((*wire)(b))
		} else {
			err = z.Reset((*wire)(b))
		}
		if err != nil {
			return nil, b.unread(err)
		}
		b.text = z
		b.free = func() {
			if z.Reset(strings.NewReader("")) != nil { // it forgets the body, and finds no other
				unzippers.Put(z)
			}
		}
	case "zstd":
		b.packed = true
		if !s.memory.take(windowMemory) {
			return nil, busy("too many large bodies are on their way: send again after a second")
		}
		z, _ := unzstds.Get().(*zstd.Decoder)
		if z == nil {
			z, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(windowMemory)) // it fails on wrong options only
		}
		z.Reset((*wire)(b)) // what it reads wrong is said by Read
		b.text = z
		b.free = func() {
			z.Reset(nil)
			unzstds.Put(z)
			s.memory.give(windowMemory)
		}
	default:
		w.Header().Set("Accept-Encoding", "gzip, zstd")
		return nil, problem(http.StatusUnsupportedMediaType, codeEncoding, "expected a body with Content-Encoding gzip or zstd, or none, found %q", shorten(encoding))
	}
	return b, nil
}

var unzippers, unzstds sync.Pool // what unpacks, while no body is

func (b *body) close() { b.free() }

// Read reads what the body unpacks to.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.text.Read(p)
	b.unpacked += int64(n)
	b.s.metrics.bytes.Add(float64(n))
	if b.proof != nil {
		if wrong := b.proof.add(p[:n]); wrong != nil {
			return 0, wrong
		}
	}
	switch {
	case b.unpacked > b.most:
		return 0, b.tooLarge(b.most, " once it is unpacked")
	case b.packed && b.unpacked > 1<<20 && b.unpacked/b.s.bounds.Ratio > b.wire:
		return 0, problem(http.StatusRequestEntityTooLarge, codeUnpacks, "expected a body that unpacks to at most %d times its size, found more: send it less packed", b.s.bounds.Ratio)
	case err == io.EOF && b.packed && b.wire == 0:
		return n, b.unread(io.ErrUnexpectedEOF) // zstd takes it for the packing of nothing
	case err != nil && err != io.EOF:
		return n, b.unread(err)
	}
	return n, err
}

func (b *body) tooLarge(most int64, when string) error {
	return problem(http.StatusRequestEntityTooLarge, codeLarge, "expected a body of at most %d bytes%s: send several", most, when)
}

// unread says why a body could not be read.
func (b *body) unread(err error) error {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem(http.StatusRequestTimeout, codeSlow, "the body came too slowly: expected at least %d bytes a second, after the first %s", b.s.bounds.Rate, b.s.bounds.Slow)
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return problem(http.StatusRequestEntityTooLarge, codeUnpacks, "expected a zstd body with a window of at most %d bytes: send it packed at a lower level", windowMemory)
	case b.packed && (errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF):
		return problem(http.StatusBadRequest, codeEncoding, "the body is cut off: its compressed data has no end")
	case b.packed && b.r.Context().Err() == nil:
		return problem(http.StatusBadRequest, codeEncoding, "the body cannot be unpacked: it is damaged, or not what Content-Encoding says")
	}
	return problem(http.StatusBadRequest, codeBadRequest, "the body ended before its end")
}

// restTime is how long nobody may read a body before that is taken into account.
const restTime = 10 * time.Millisecond

// wire is a body as it comes.
type wire body

func (w *wire) Read(p []byte) (int, error) {
	b := (*body)(w)
	// What the log takes to write what came before is not the client's time.
	if rest := time.Since(b.rested); rest > restTime {
		b.begun = b.begun.Add(rest)
		b.allow()
	}
	n, err := b.r.Body.Read(p)
	b.rested = time.Now()
	b.wire += int64(n)
	if err == io.EOF {
		b.arrived()
	}
	if b.wire > b.s.bounds.Wire {
		return 0, b.tooLarge(b.s.bounds.Wire, "")
	}
	if b.wire > b.granted {
		b.allow()
	}
	return n, err
}

// allow gives the body time: what it has from the beginning, and what its bytes bring. It
// goes ahead of them by a megabyte at most, as setting a deadline is not free.
func (b *body) allow() {
	rate := b.s.bounds.Rate
	step := min(rate*int64(b.s.bounds.Slow/time.Second)/2, 1<<20)
	b.granted = b.wire + step
	until := b.begun.Add(b.s.bounds.Slow + time.Duration(b.wire/rate)*time.Second)
	c := http.NewResponseController(b.w)
	c.SetReadDeadline(until) // a writer without deadlines is a test's
	c.SetWriteDeadline(until.Add(answerTime))
}

// arrived ends the client's time: from now on it is the log that takes its own, for two
// pieces at the most. The server listens whether the client is still there, and a deadline
// would say that it is not.
func (b *body) arrived() {
	c := http.NewResponseController(b.w)
	c.SetReadDeadline(time.Time{})
	c.SetWriteDeadline(time.Now().Add(2*b.s.bounds.Patience + answerTime))
}

// proof is a checksum of a body, to tell whether a request that comes again is the same one.
type proof struct {
	sum   hash.Hash
	bytes uint64
	want  *answer // of the request before with this key; nil: there was none
}

func newProof(want *answer) *proof { return &proof{sum: sha256.New(), want: want} }

// add takes in a part of the body. It returns a problem if that is where the request before
// had ended, and the bodies differ.
func (p *proof) add(part []byte) error {
	if w := p.want; w != nil && p.bytes < w.bytes && p.bytes+uint64(len(part)) >= w.bytes {
		first := part[:w.bytes-p.bytes]
		p.write(first)
		if [16]byte(p.sum.Sum(nil)) != [16]byte(w.sum[:]) { // the log keeps no more of it
			return reused()
		}
		part = part[len(first):]
	}
	p.write(part)
	if p.want != nil && p.want.answer != nil && p.bytes > p.want.bytes {
		return reused()
	}
	return nil
}

func (p *proof) write(part []byte) {
	p.sum.Write(part)
	p.bytes += uint64(len(part))
}

// end is add of the end of the body.
func (p *proof) end() error {
	if p.want != nil && p.bytes < p.want.bytes {
		return reused()
	}
	return nil
}

func reused() error {
	return problem(http.StatusUnprocessableEntity, codeKey, "a request with this Idempotency-Key had another body: use another key for each request that is not a repetition")
}
