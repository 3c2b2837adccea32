package web

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"slices"
	"time"

	"weir/cep"
)

// Answer says what became of the lines of a request.
type Answer struct {
	Accepted      uint64   `json:"accepted" doc:"lines that are events: all are durable"`
	RejectedCount uint64   `json:"rejected_count" doc:"lines that are none"`
	Rejected      []Reject `json:"rejected" doc:"the first 100 of them"`
	Position      string   `json:"position,omitempty" doc:"on the log, of the last event; absent if there was none"`
}

const (
	mediaJSON  = "application/json"
	mediaLines = "application/x-ndjson"
)

// postEvents is POST /v1/events.
func (s *service) postEvents(w http.ResponseWriter, r *http.Request) error {
	if err := s.admit(); err != nil {
		return err
	}
	whole, err := flag(r, "all_or_nothing")
	if err != nil {
		return err
	}
	key, err := requestKey(r)
	if err != nil {
		return err
	}
	rs := s.options.Ruleset()
	if rs == nil {
		return unavailable("no rules are in force yet: send again")
	}
	most := s.bounds.Unpacked
	if whole {
		most = s.bounds.Whole
	}
	body, err := s.openBody(w, r, most)
	if err != nil {
		return err
	}
	defer body.close()
	pool := s.decoders.pool(rs)
	p := posting{
		intake: intake{checker: pool.take(), s: s, body: body, line: 1},
		ctx:    r.Context(), cut: cutLines, whole: whole,
	}
	defer pool.give(p.checker)
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media == mediaJSON {
		p.cut = cutValues
	}
	p.text = body
	if c, err := p.cloudOf(r, rs); err != nil {
		return err
	} else if c != nil {
		if !s.memory.take(cloudMemory) {
			return tooMany()
		}
		defer s.memory.give(cloudMemory)
		p.text, p.cut = c, cutLines
	}
	a, err := p.keyed(key)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, mediaJSON, a)
	return nil
}

// admit refuses events before they are read, while there is no place for them.
func (s *service) admit() error {
	st := s.options.Status()
	switch {
	case st.LogDown != "":
		return unavailable("the log does not answer at the moment: send again")
	case st.FreeDisk < st.Reserve:
		return full("%d bytes are free on the disk of the data directory, fewer than the %d in reserve: free some space", st.FreeDisk, st.Reserve)
	case st.LagBytes > s.bounds.LagBytes:
		return busy("%d bytes of events are waiting to be stepped, more than %d: send again after a second", st.LagBytes, s.bounds.LagBytes)
	case st.Lag > s.bounds.Lag && st.LagBytes > s.bounds.Behind:
		return busy("stepping is %s behind, more than %s, and %d bytes of events are waiting for it: send again after a second", st.Lag.Round(time.Millisecond), s.bounds.Lag, st.LagBytes)
	}
	return nil
}

// requestKey is the name of a request that may be repeated; nil: it has none.
func requestKey(r *http.Request) (*[16]byte, error) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return nil, nil
	}
	text := values[0]
	if len(values) > 1 || text == "" || len(text) > 255 || slices.ContainsFunc([]byte(text), func(c byte) bool { return c < ' ' || c > '~' }) {
		return nil, problem(http.StatusBadRequest, codeParameter, "expected one Idempotency-Key of 1 to 255 printable ASCII characters")
	}
	sum := sha256.Sum256([]byte(text))
	return (*[16]byte)(sum[:16]), nil
}

// flag reads a parameter that is true or false.
func flag(r *http.Request, name string) (bool, error) {
	switch v := r.URL.Query().Get(name); v {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	default:
		return false, problem(http.StatusBadRequest, codeParameter, "expected true or false in the parameter %s, found %q", name, shorten(v))
	}
}

// posting is a request with events that is carried out.
type posting struct {
	intake
	ctx   context.Context
	cut   cutter
	whole bool

	key   *[16]byte
	known []Range // lines of events that are on the log already, by First; they do not overlap
	now   *answer // of a request with a key

	posted   uint64 // lines of events that are durable
	position cep.Position
}

// keyed carries out the request, once if it has a key.
func (p *posting) keyed(key *[16]byte) (*Answer, error) {
	if key == nil {
		return p.carryOut()
	}
	answers := &p.s.answers
	now, before, err := answers.begin(p.ctx, *key)
	if err != nil {
		return nil, err
	}
	defer answers.end(now)
	p.key, p.now = key, now
	p.body.proof = newProof(before)
	if before != nil && before.answer != nil {
		p.s.metrics.repeats.Inc()
		return before.answer, p.compare()
	}
	posted, err := p.s.options.Events.Posted(p.ctx, *key)
	if err != nil {
		return nil, err
	}
	p.known, p.position = joined(posted.Ranges), posted.Last
	if posted.Bytes > now.bytes { // another process had this request
		want := &answer{bytes: posted.Bytes}
		copy(want.sum[:], posted.Sum[:])
		p.body.proof.want = want
	}
	if len(p.known) > 0 {
		p.s.metrics.repeats.Inc()
	}
	return p.carryOut()
}

// compare reads a body that was posted before, to find out whether it is the same one.
func (p *posting) compare() error {
	piece, err := p.s.newPiece()
	if err != nil {
		return err
	}
	defer p.s.drop(piece)
	for {
		switch _, err := p.body.Read(piece.buffer); err {
		case nil:
		case io.EOF:
			return p.body.proof.end()
		default:
			return err
		}
	}
}

// joined sorts ranges and makes one of those that touch.
func joined(ranges []Range) []Range {
	ranges = slices.Clone(ranges)
	slices.SortFunc(ranges, func(a, b Range) int { return cmp.Compare(a.First, b.First) })
	all := ranges[:0]
	for _, r := range ranges {
		end := r.First + min(r.Count, math.MaxUint64-r.First)
		if n := len(all); n > 0 && r.First <= all[n-1].First+all[n-1].Count {
			last := &all[n-1]
			last.Count = max(last.Count, end-last.First)
		} else {
			all = append(all, Range{r.First, end - r.First})
		}
	}
	return all
}

// carryOut reads, checks and posts the events.
func (p *posting) carryOut() (*Answer, error) {
	var err error
	if p.whole {
		err = p.atOnce()
	} else {
		err = p.stream()
	}
	m := p.s.metrics
	m.accepted.Add(float64(p.posted))
	m.rejected.Add(float64(p.rejectedCount))
	if err == nil && len(p.known) > 0 {
		if last := p.known[len(p.known)-1]; last.First+last.Count > p.accepted {
			err = reused()
		}
	}
	if err != nil {
		return nil, p.unfinished(err)
	}
	a := &Answer{Accepted: p.accepted, RejectedCount: p.rejectedCount, Rejected: p.rejected}
	if a.Rejected == nil {
		a.Rejected = []Reject{}
	}
	if p.position.Sequence > 0 {
		a.Position = p.position.String()
	}
	if p.now != nil {
		p.now.answer = a
	}
	return a, nil
}

// unfinished says in the problem of a request how many of its lines are durable.
func (p *posting) unfinished(err error) error {
	if p.posted == 0 && !p.whole {
		return err
	}
	said := *p.s.problemOf(p.body.r, err)
	said.Accepted = &p.posted
	if p.posted > 0 {
		said.Position = p.position.String()
	}
	said.RejectedCount, said.Rejected = p.rejectedCount, p.rejected
	return &said
}

// stream posts pieces while the next one is read and checked.
func (p *posting) stream() error {
	now, err := p.next(p.cut, nil)
	if err != nil {
		return err
	}
	defer func() { p.s.drop(now) }()
	for !now.ended {
		next, err := p.ahead(now)
		if err != nil {
			return err
		}
		p.s.drop(now)
		now = next
	}
	return p.post(now)
}

// ahead posts a piece and reads the next one meanwhile.
func (p *posting) ahead(now *piece) (next *piece, err error) {
	done := make(chan struct{})
	var posted error
	var panicked any // it ends this request, as one of the handler does
	go func() {
		defer close(done)
		defer func() { panicked = recover() }()
		posted = p.post(now)
	}()
	defer func() {
		<-done
		if next != nil && (posted != nil || panicked != nil) {
			p.s.drop(next)
		}
		if panicked != nil {
			panic(panicked)
		}
		if posted != nil {
			next, err = nil, posted
		}
	}()
	return p.next(p.cut, now)
}

// atOnce reads and checks all pieces before it posts them.
func (p *posting) atOnce() error {
	var all []*piece
	defer func() {
		for _, piece := range all {
			p.s.drop(piece)
		}
	}()
	var last *piece
	for last == nil || !last.ended {
		next, err := p.next(p.cut, last)
		if err != nil {
			return err
		}
		all = append(all, next)
		last = next
	}
	if p.rejectedCount > 0 {
		return problem(http.StatusUnprocessableEntity, codeRejected, "%d lines are no events, so none was taken in", p.rejectedCount)
	}
	for _, piece := range all {
		if err := p.post(piece); err != nil {
			return err
		}
	}
	return nil
}

// post makes the lines of a piece durable, but those that are.
func (p *posting) post(now *piece) error {
	if err := p.wait(); err != nil {
		return err
	}
	lines, n := now.lines, uint64(now.n)
	for n > 0 {
		there, missing := p.run(n)
		lines = lines[lengthOf(lines, there):]
		p.posted += there
		if n -= there; missing == 0 {
			continue
		}
		part := lines
		if missing < n {
			part = lines[:lengthOf(lines, missing)]
		}
		var post *cep.Post
		if p.key != nil {
			post = &cep.Post{Key: *p.key, First: p.posted, Count: missing, Bytes: now.bytes, Sum: [16]byte(now.sum[:16])}
		}
		at, err := p.s.options.Events.Post(p.ctx, part, int(missing), post)
		if err != nil {
			return err
		}
		p.position = at
		p.posted += missing
		lines = lines[len(part):]
		n -= missing
	}
	if p.now != nil && now.bytes > p.now.bytes {
		p.now.bytes, p.now.sum = now.bytes, now.sum
	}
	return nil
}

// run returns how many of the next n lines are on the log already, and how many after those
// are not, before others that are.
func (p *posting) run(n uint64) (there, missing uint64) {
	for _, r := range p.known {
		switch end := r.First + r.Count; {
		case end <= p.posted:
		case r.First <= p.posted:
			there = min(n, end-p.posted)
		default:
			return there, min(n, r.First-p.posted) - there
		}
	}
	return there, n - there
}

// lengthOf is the length of the first n lines.
func lengthOf(lines []byte, n uint64) int {
	size := 0
	for ; n > 0; n-- {
		size += bytes.IndexByte(lines[size:], '\n') + 1
	}
	return size
}

// wait waits while the engine is too far behind, once some of the body is durable: a client
// that can wait need not begin again.
func (p *posting) wait() error {
	if p.posted == 0 {
		return nil
	}
	begun := time.Now()
	for {
		err := p.s.admit()
		if err == nil || time.Since(begun) > p.s.bounds.Patience {
			return err
		}
		if problem, ok := errors.AsType[*Problem](err); ok && problem.Code != codeBusy {
			return err
		}
		select {
		case <-p.ctx.Done():
			return p.ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}
