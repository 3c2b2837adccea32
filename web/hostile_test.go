package web

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"weir/cep"
)

// emptyGzip is a gzip member of nothing, and emptyZstd a frame of nothing that asks for a
// window of 8 MiB.
var (
	emptyGzip = zipped("gzip", "")
	emptyZstd = "\x28\xb5\x2f\xfd\x00\x68\x01\x00\x00"
)

// skippable is a zstd frame of n bytes that readers pass over.
func skippable(n int) string {
	head := binary.LittleEndian.AppendUint32([]byte("\x50\x2a\x4d\x18"), uint32(n))
	return string(head) + strings.Repeat("\x00", n)
}

// hostile are bodies that are made to harm: what they cost is bounded, and each has one
// answer.
var hostile = []struct {
	name, media, encoding string
	body                  func() string
	status                int
	part                  string // of the answer
}{
	{"members of nothing", mediaLines, "gzip", func() string { return strings.Repeat(emptyGzip, 8<<20/len(emptyGzip)) }, 200, `"accepted":0`},
	{"frames of nothing with large windows", mediaLines, "zstd", func() string { return strings.Repeat(emptyZstd, 4<<20/len(emptyZstd)) }, 200, `"accepted":0`},
	{"frames to pass over", mediaLines, "zstd", func() string {
		return strings.Repeat(skippable(0), 500_000) + skippable(8<<20) + zipped("zstd", good)
	}, 200, `"accepted":1`},
	{"a frame to pass over that is longer than the body", mediaLines, "zstd", func() string { return "\x50\x2a\x4d\x18\xff\xff\xff\xff" }, 400, codeEncoding},
	{"members in a row", mediaLines, "gzip", func() string { return strings.Repeat(zipped("gzip", good+"\n"), 1000) }, 200, `"accepted":1000`},
	{"frames in a row", mediaLines, "zstd", func() string { return strings.Repeat(zipped("zstd", good+"\n"), 1000) }, 200, `"accepted":1000`},
	{"members that unpack far, in a row", mediaLines, "gzip", func() string { return strings.Repeat(zipped("gzip", strings.Repeat("\n", 4<<20)), 20) }, 413, codeUnpacks},
	{"frames that unpack far, in a row", mediaLines, "zstd", func() string { return strings.Repeat(zipped("zstd", strings.Repeat("\n", 4<<20)), 20) }, 413, codeUnpacks},
	{"gzip in gzip", mediaLines, "gzip", func() string { return zipped("gzip", zipped("gzip", strings.Repeat("[", 64<<20))) }, 200, `"accepted":0`},
	{"zstd in zstd", mediaLines, "zstd", func() string { return zipped("zstd", zipped("zstd", strings.Repeat("[", 64<<20))) }, 200, `"accepted":0`},
	{"gzip twice", mediaLines, "gzip, gzip", func() string { return zipped("gzip", zipped("gzip", good)) }, 415, codeEncoding},
	{"rubbish after gzip", mediaLines, "gzip", func() string { return zipped("gzip", good+"\n") + "rubbish, of any length" }, 400, codeEncoding},
	{"rubbish after zstd", mediaLines, "zstd", func() string { return zipped("zstd", good+"\n") + "rubbish" }, 400, codeEncoding},
	{"a gzip with another checksum", mediaLines, "gzip", func() string {
		text := []byte(zipped("gzip", good))
		text[len(text)-5] ^= 1
		return string(text)
	}, 400, codeEncoding},
	{"a zstd with another checksum", mediaLines, "zstd", func() string {
		text := []byte(zipped("zstd", good))
		text[len(text)-1] ^= 1
		return string(text)
	}, 400, codeEncoding},
	{"a line of 100 MB in zstd", mediaLines, "zstd", func() string {
		var b bytes.Buffer
		z, _ := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
		noise := strings.Repeat(fmt.Sprintf("%0512x", 7), 1) // packed a little less than 200 times
		for i := range 100 << 20 / 520 {
			fmt.Fprintf(z, "%s%08x", noise, uint32(i)*2654435761)
		}
		io.WriteString(z, "\n"+good)
		z.Close()
		return b.String()
	}, 200, `"accepted":1,"rejected_count":1,"rejected":[{"line":1,"column":1048577`},
	{"a line of 30 MB", mediaLines, "", func() string { return strings.Repeat("x", 30<<20) + "\n" + good }, 200, `"accepted":1,"rejected_count":1`},
	{"a value of 30 MB", mediaJSON, "", func() string { return `[{"a":"` + strings.Repeat("x", 30<<20) + `"},` + good + "]" }, 200, `"accepted":1,"rejected_count":1`},
	{"objects in objects", mediaLines, "", func() string { return strings.Repeat(`{"a":`, 100_000) + "\n" + good }, 200, `"accepted":1,"rejected_count":1`},
	{"objects in objects that end", mediaLines, "", func() string {
		return `{"ts":1,"a":` + strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_001) + "\n" + good
	}, 200, `"accepted":1,"rejected_count":1`},
	{"arrays in arrays", mediaJSON, "", func() string { return strings.Repeat("[", 100_000) }, 400, codeBody},
	{"arrays in arrays that end", mediaJSON, "", func() string {
		return "[" + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "," + good + "]"
	}, 200, `"accepted":1,"rejected_count":1`},
	{"a million names", mediaLines, "", func() string {
		var b strings.Builder
		b.WriteString(`{"ts":1`)
		for i := range 80_000 {
			fmt.Fprintf(&b, `,"n%d":1`, i)
		}
		return b.String() + "}\n" + good
	}, 200, `"accepted"`},
	{"names that stand many times", mediaLines, "", func() string { return `{"ts":1` + strings.Repeat(`,"a":1`, 100_000) + "}\n" + good }, 200, `"accepted":1,"rejected_count":1`},
	{"broken UTF-8", mediaLines, "", func() string {
		return "{\"ts\":1,\"a\":\"\xff\xfe\"}\n{\"ts\":1,\"a\":\"\xed\xa0\x80\"}\n{\"\xc0\x80\":1,\"ts\":1}\n" + good
	}, 200, `"accepted":1,"rejected_count":3`},
	{"UTF-16", mediaJSON, "", func() string { return "\xff\xfe{\x00}\x00" }, 400, codeBody},
	{"NUL bytes", mediaLines, "", func() string { return "\x00\n" + good + "\x00\n{\"ts\":1,\"a\":\"\x00\"}\n" + good }, 200, `"accepted":1,"rejected_count":3`},
	{"NUL bytes alone", mediaLines, "", func() string { return strings.Repeat("\x00", 8<<20) }, 200, `"accepted":0,"rejected_count":1`},
	{"lines of one byte", mediaLines, "", func() string { return strings.Repeat("x\n", 4<<20) }, 200, `"accepted":0,"rejected_count":4194304`},
	{"values of one byte", mediaJSON, "", func() string { return "[1" + strings.Repeat(",1", 4<<20) + "]" }, 200, `"accepted":0,"rejected_count":4194305`},
	{"returns", mediaLines, "", func() string { return strings.Repeat("\r", 16<<20) }, 200, `"accepted":0`},
	{"white space", mediaJSON, "", func() string { return strings.Repeat(" \n", 8<<20) + good }, 200, `"accepted":1`},
	{"commas", mediaJSON, "", func() string { return "[" + strings.Repeat(",", 16<<20) }, 400, codeBody},
	{"numbers of a megabyte", mediaLines, "", func() string { return `{"ts":1,"amount":` + strings.Repeat("9", 1<<19) + "}\n" + good }, 200, `"accepted"`},
	{"a time of a megabyte", mediaLines, "", func() string { return `{"type":"payment","ts":"` + strings.Repeat("2", 1<<19) + "\"}\n" + good }, 200, `"accepted":1,"rejected_count":1`},
	{"escapes", mediaLines, "", func() string {
		return `{"type":"payment","ts":1,"card_id":"` + strings.Repeat(`\u0041`, 170_000) + "\"}\n" + good
	}, 200, `"accepted":2`},
}

// allocated is what fn allocates, in bytes.
func allocated(fn func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// TestHostile posts what is made to harm. Whatever the body is, it takes pieces of a
// megabyte and the window of zstd, a few times over, and some seconds at the most.
func TestHostile(t *testing.T) {
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, Bounds{Wire: 64 << 20})
			f.service.options.Events = new(nowhere)
			body := tt.body()
			r := request("POST", "/v1/events", strings.NewReader(body), "Content-Type", tt.media, "Content-Encoding", tt.encoding)
			begun := time.Now()
			var status int
			var answer string
			n := allocated(func() {
				w := f.do(r)
				status, answer = w.Code, w.Body.String()
			})
			took := time.Since(begun)
			if status != tt.status || !strings.Contains(answer, tt.part) {
				t.Errorf("%d %.300s\nwant %d %s", status, answer, tt.status, tt.part)
			}
			if len(answer) > 64<<10 {
				t.Errorf("an answer of %d bytes", len(answer))
			}
			if n > 48<<20 || took > 10*time.Second {
				t.Errorf("a body of %d bytes takes %d bytes of memory and %v", len(body), n, took)
			}
			t.Logf("%d bytes: %v, %d KB", len(body), took.Round(time.Millisecond), n>>10)
		})
	}
}

// slow takes events and keeps none; it takes the first ones only once a request was refused.
type slow struct {
	nowhere
	refused chan struct{}
}

func (l *slow) Post(ctx context.Context, lines []byte, count int, p *cep.Post) (cep.Position, error) {
	select {
	case <-l.refused:
	case <-time.After(time.Minute): // The test fails then: none was refused.
	}
	return l.nowhere.Post(ctx, lines, count, p)
}

// TestHostileAtOnce has many such requests at once: the memory that is counted stays below
// its bound, and what finds no room is refused.
func TestHostileAtOnce(t *testing.T) {
	f := newFixture(t, Bounds{Memory: 24 << 20})
	log := &slow{refused: make(chan struct{})}
	f.service.options.Events = log
	body := zipped("zstd", numbered(5000, 1000))
	f.bounds.Ratio = 1 << 20
	var wait sync.WaitGroup
	var busy, done atomic.Int64
	over := make(chan struct{})
	go func() {
		for {
			select {
			case <-over:
				return
			default:
				if held := f.memory.held.Load(); held > 24<<20+windowMemory {
					t.Errorf("%d bytes are held", held)
				}
				runtime.Gosched()
			}
		}
	}()
	n := allocated(func() {
		for range 200 {
			wait.Go(func() {
				switch w := f.post("", mediaLines, body, "Content-Encoding", "zstd"); w.Code {
				case 200:
					done.Add(1)
				case 429:
					if busy.Add(1) == 1 {
						close(log.refused)
					}
				default:
					t.Errorf("%d %s", w.Code, w.Body)
				}
			})
		}
		wait.Wait()
	})
	close(over)
	if done.Load() == 0 || busy.Load() == 0 {
		t.Errorf("%d were carried out, %d refused", done.Load(), busy.Load())
	}
	if n > 400<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
	t.Logf("%d carried out, %d refused, %d MB allocated", done.Load(), busy.Load(), n>>20)
}

// talk sends text to a server as it is, and after it more every wait, until the server says
// something. It gives what that is, and when it came.
func talk(t *testing.T, s *Server, text, more string, wait time.Duration) (string, time.Duration) {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	begun := time.Now()
	c.SetDeadline(begun.Add(30 * time.Second))
	over := make(chan struct{})
	var wrote sync.WaitGroup
	wrote.Go(func() {
		io.WriteString(c, text)
		for more != "" {
			select {
			case <-over:
				return
			case <-time.After(wait):
				if _, err := io.WriteString(c, more); err != nil {
					return
				}
			}
		}
	})
	answer, _ := io.ReadAll(c)
	took := time.Since(begun)
	close(over)
	wrote.Wait()
	return string(answer), took
}

// TestSlowClients send a byte now and then, or a body that never ends: each route has a bound.
func TestSlowClients(t *testing.T) {
	b := Bounds{Slow: 300 * time.Millisecond, Small: 300 * time.Millisecond, Rate: 1 << 20, Wire: 1 << 20}
	f := newFixture(t, b)
	s := started(t, f, b)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	head := func(method, path, media, rest string) string {
		return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\n%s\r\n\r\n", method, path, s.Addr(), media, rest)
	}
	const long, chunked = "Content-Length: 60000", "Transfer-Encoding: chunked"
	chunk := "10000\r\n" + strings.Repeat("x", 1<<16) + "\r\n"
	for _, tt := range []struct {
		name, text, more string
		wait             time.Duration
		status, part     string
	}{
		{"events, a byte at a time", head("POST", "/v1/events", mediaLines, long), "x", 20 * time.Millisecond, "408 ", codeSlow},
		{"an array, a byte at a time", head("POST", "/v1/events", mediaJSON, long), " ", 20 * time.Millisecond, "408 ", codeSlow},
		{"gzip, a byte at a time", head("POST", "/v1/events", mediaLines, long+"\r\nContent-Encoding: gzip") + emptyGzip[:10], "\x00\x00\x00\xff\xff", 20 * time.Millisecond, "408 ", codeSlow},
		{"zstd, nothing", head("POST", "/v1/events", mediaLines, long+"\r\nContent-Encoding: zstd"), "", 0, "408 ", codeSlow},
		{"chunks of a byte", head("POST", "/v1/events", mediaLines, chunked), "1\r\nx\r\n", 20 * time.Millisecond, "408 ", codeSlow},
		{"chunks without end", head("POST", "/v1/events", mediaLines, chunked), chunk, 0, "413 ", codeLarge},
		{"broken chunks", head("POST", "/v1/events", mediaLines, chunked) + "zz\r\n", "", 0, "400 ", codeBadRequest},
		{"advance, a byte at a time", head("POST", "/v1/advance", mediaJSON, long), " ", 20 * time.Millisecond, "408 ", codeSlow},
		{"advance without end", head("POST", "/v1/advance", mediaJSON, chunked), chunk, 0, "413 ", codeLarge},
		{"losses, a byte at a time", head("POST", "/v1/losses/ack", mediaJSON, long), " ", 20 * time.Millisecond, "408 ", codeSlow},
		{"a body that nobody asks for", head("GET", "/v1/alerts", mediaJSON, long), " ", 20 * time.Millisecond, "200 ", "items"},
		{"a refused body", head("POST", "/v1/events", "text/plain", long), " ", 20 * time.Millisecond, "415 ", codeMedia},
		{"a body for nothing", head("POST", "/v1/nothing", mediaJSON, long), " ", 20 * time.Millisecond, "404 ", codeNotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			answer, took := talk(t, s, tt.text, tt.more, tt.wait)
			if !strings.HasPrefix(answer, "HTTP/1.1 "+tt.status) || !strings.Contains(answer, tt.part) || took > 20*time.Second {
				t.Errorf("after %v: %.300s", took, answer)
			}
		})
	}
}

// TestSlowLog has a log that takes longer than a slow client may: that is not the client's
// time.
func TestSlowLog(t *testing.T) {
	b := Bounds{Slow: 300 * time.Millisecond, Small: 100 * time.Millisecond, Rate: 1 << 20, Ratio: 1 << 30}
	f := newFixture(t, b)
	f.log.before = func(int, []byte) error { time.Sleep(150 * time.Millisecond); return nil }
	s := started(t, f, b)
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, _ := http.NewRequest("POST", "http://"+s.Addr()+"/v1/events", strings.NewReader(zipped("zstd", numbered(8000, 1000))))
	r.Header.Set("Content-Type", mediaLines)
	r.Header.Set("Content-Encoding", "zstd")
	answer, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(answer.Body)
	answer.Body.Close()
	if answer.StatusCode != 200 || f.log.calls < 5 {
		t.Errorf("%d posts: %d %s", f.log.calls, answer.StatusCode, text)
	}
	answer, err = c.Post("http://"+s.Addr()+"/v1/advance", mediaJSON, strings.NewReader(`{"to":"2026-01-02T03:04:05Z"}`))
	if err != nil {
		t.Fatal(err)
	}
	text, _ = io.ReadAll(answer.Body)
	answer.Body.Close()
	if answer.StatusCode != 200 {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}
