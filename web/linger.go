package web

import (
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// quietBody is the size up to which net/http reads what is left of a body by itself.
	quietBody = 256 << 10

	// mostUnheard are bytes of a body that are read after its request was refused.
	mostUnheard = 256 << 20
)

// sent is the body of a request as it comes. It knows whether all of it has been read.
type sent struct {
	io.ReadCloser
	begun bool // it has been asked for
	over  bool // it has ended, or cannot be read any further
}

func (b *sent) Read(p []byte) (int, error) {
	b.begun = true
	n, err := b.ReadCloser.Read(p)
	b.over = b.over || err != nil
	return n, err
}

// refuse answers with a problem, and reads what else the client sends of its body. Many
// clients look for an answer only once they have sent all: one whose connection is closed
// before that is told that it is broken, and never why it was refused. What is read is
// thrown away, so it costs no memory; it may take as long as a body that nobody asks for.
func (s *service) refuse(w http.ResponseWriter, r *http.Request, p *Problem) {
	b, ok := r.Body.(*sent)
	known, length := r.ContentLength >= 0, r.ContentLength
	if !ok || b.over || r.ProtoMajor != 1 || known && (length <= quietBody || length > mostUnheard) || waits(r) && !b.begun {
		p.write(w)
		return
	}
	c := http.NewResponseController(w)
	if c.EnableFullDuplex() != nil {
		p.write(w)
		return
	}
	w.Header().Set("Connection", "close") // the body may have no end
	p.write(w)
	if c.Flush() != nil || c.SetReadDeadline(time.Now().Add(s.bounds.Small)) != nil {
		return
	}
	io.Copy(io.Discard, io.LimitReader(b, mostUnheard)) // the answer is out: whatever fails, there is nothing to say
}

// waits tells whether a client sends its body only once that is asked for.
func waits(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Expect"), "100-continue")
}
