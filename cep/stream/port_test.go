package stream

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"weir/cep"
)

// openPort opens a log with a port, and its door.
func openPort(t testing.TB, o Options, d DoorOptions) (*Log, *Door) {
	t.Helper()
	o.Port = Port{Listen: "127.0.0.1:0", Producer: "p", Consumer: "c"}
	l := open(t, o)
	door, err := l.OpenDoor(d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := door.Close(within(t)); err != nil {
			t.Error(err)
		}
	})
	return l, door
}

// connect connects a user to the port of a log.
func connect(t testing.TB, l *Log, user string) *nats.Conn {
	t.Helper()
	c, err := nats.Connect(fmt.Sprintf("nats://%s:%s@%s", user, user[:1], l.PortAddr()), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// jetStream is what a connection publishes with.
func jetStream(t testing.TB, c *nats.Conn) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// told is an answer to a message.
type told struct {
	Stream    string `json:"stream"`
	Sequence  uint64 `json:"seq"`
	Duplicate bool   `json:"duplicate"`
	Error     *struct {
		Code        int    `json:"code"`
		ErrCode     int    `json:"err_code"`
		Description string `json:"description"`
	} `json:"error"`
}

func demand(t testing.TB, c *nats.Conn, m *nats.Msg) (a told) {
	t.Helper()
	r, err := c.RequestMsgWithContext(within(t), m)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(r.Data, &a); err != nil {
		t.Fatalf("%v: %s", err, r.Data)
	}
	return a
}

// TestPublish publishes events of two types as JetStream clients do, and reads the records
// that they become.
func TestPublish(t *testing.T) {
	for name, durability := range map[string]Durability{"fsync": Fsync, "interval": Interval} {
		t.Run(name, func(t *testing.T) {
			l, door := openPort(t, Options{Durability: durability}, DoorOptions{})
			js := jetStream(t, connect(t, l, ProducerUser))
			ack, err := js.Publish(within(t), "weir.events.pay", []byte("{\"n\":1}\n\n  {\"type\":\"pay\",\"n\":2}\r\n{}\n"))
			if err != nil || ack.Stream != streamName || ack.Sequence != 1 {
				t.Fatalf("%+v, %v", ack, err)
			}
			for _, text := range []string{"nothing", `{"type":"login","n":4}`} {
				if _, err := js.PublishAsync("weir.events.login", []byte(text)); err != nil {
					t.Fatal(err)
				}
			}
			<-js.PublishAsyncComplete()
			var got []string
			for _, r := range all(t, l, 0) {
				p := unpack(t, r)
				at := 0
				list := slices.Collect(bytes.Lines(p.Body))
				for _, row := range p.Typed {
					for range row.Count {
						got = append(got, row.Type+" "+string(list[at]))
						at++
					}
				}
			}
			want := []string{
				"pay {\"type\":\"pay\",\"n\":1}\n", "pay   {\"type\":\"pay\",\"n\":2}\n", "pay {\"type\":\"pay\"}\n",
				"login nothing\n", "login {\"type\":\"login\",\"n\":4}\n",
			}
			if !slices.Equal(got, want) {
				t.Errorf("lines %q\n want %q", got, want)
			}
			if s := door.Stats(); s.Messages != 3 || s.Lines != 5 || s.Refused != [Refusals]uint64{} {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

// TestPublishWrong publishes what is refused at once.
func TestPublishWrong(t *testing.T) {
	l, door := openPort(t, Options{}, DoorOptions{})
	c := connect(t, l, ProducerUser)
	line := []byte(`{"n":1}`)
	n := uint64(0)
	for name, m := range map[string]*nats.Msg{
		"expected the name of an event type":        {Subject: "weir.events.a$b", Data: line},
		"at most 128":                               {Subject: "weir.events." + strings.Repeat("a", 129), Data: line},
		"it is empty":                               {Subject: "weir.events.pay", Data: []byte(" \r\n\n")},
		"at most 1048576 bytes":                     {Subject: "weir.events.pay", Data: bytes.Repeat([]byte("x"), MaxMessage+1)},
		"at most 32768 lines":                       {Subject: "weir.events.pay", Data: bytes.Repeat([]byte("{}\n"), maxLines+1)},
		"Nats-Rollup: \"all\" is not understood":    {Subject: "weir.events.pay", Data: line, Header: nats.Header{"Nats-Rollup": {"all"}}},
		"Nats-TTL: \"1s\" is not understood":        {Subject: "weir.events.pay", Data: line, Header: nats.Header{"Nats-TTL": {"1s"}}},
		"Nats-Expected-Last-Sequence: \"0\" is not": {Subject: "weir.events.pay", Data: line, Header: nats.Header{"Nats-Expected-Last-Sequence": {"0"}}},
		"Nats-Expected-Stream: \"OTHER\" is not":    {Subject: "weir.events.pay", Data: line, Header: nats.Header{"Nats-Expected-Stream": {"OTHER"}}},
		"Nats-Batch-Id: \"b\" is not understood":    {Subject: "weir.events.pay", Data: line, Header: nats.Header{"Nats-Batch-Id": {"b"}}},
	} {
		n++
		if a := demand(t, c, m); a.Error == nil || a.Error.Code != 400 || !strings.Contains(a.Error.Description, name) {
			t.Errorf("%.40q was answered %+v, expected an error with %q", m.Data, a.Error, name)
		}
	}
	if s := door.Stats(); s.Refused[Invalid] != n || s.Messages != 0 {
		t.Errorf("stats %+v, expected %d refused", s, n)
	}
	if last, err := l.Last(within(t)); err != nil || last != 0 {
		t.Errorf("the log has %d records, %v", last, err)
	}
	// Headers of others, and those of NATS that hold here, are taken.
	m := &nats.Msg{Subject: "weir.events.pay", Data: line, Header: nats.Header{"Traceparent": {"00"}, "Nats-Expected-Stream": {"WEIR"}}}
	if a := demand(t, c, m); a.Error != nil || a.Sequence != 1 {
		t.Errorf("answered %+v", a)
	}
}

// knows waits until a log knows the ids of the last minutes.
func knows(l *Log) {
	for !l.Ready() {
		time.Sleep(time.Millisecond)
	}
}

// TestMessageID publishes messages again with the same id: while the first is on its way,
// afterwards, and after a restart of the log.
func TestMessageID(t *testing.T) {
	dir := t.TempDir()
	l, door := openPort(t, Options{Dir: dir}, DoorOptions{})
	knows(l)
	c := connect(t, l, ProducerUser)
	m := &nats.Msg{Subject: "weir.events.pay", Data: []byte(`{"n":1}`), Header: nats.Header{"Nats-Msg-Id": {"one"}}}
	sub, err := c.SubscribeSync(c.NewInbox())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := c.PublishMsg(&nats.Msg{Subject: m.Subject, Data: m.Data, Header: m.Header, Reply: sub.Subject}); err != nil {
			t.Fatal(err)
		}
	}
	duplicates := 0
	for range 3 {
		r, err := sub.NextMsgWithContext(within(t))
		if err != nil {
			t.Fatal(err)
		}
		var a told
		if err := json.Unmarshal(r.Data, &a); err != nil || a.Sequence != 1 {
			t.Errorf("answered %s", r.Data)
		}
		if a.Duplicate {
			duplicates++
		}
	}
	if duplicates != 2 {
		t.Errorf("%d of 3 answers say that it is a duplicate, expected 2", duplicates)
	}
	again := func(l *Log, c *nats.Conn) {
		t.Helper()
		if a := demand(t, c, m); !a.Duplicate || a.Sequence != 1 {
			t.Errorf("answered %+v", a)
		}
	}
	again(l, c)
	if s := door.Stats(); s.Messages != 1 || s.Repeated != 3 {
		t.Errorf("stats %+v", s)
	}
	if err := l.Restart(within(t)); err != nil {
		t.Fatal(err)
	}
	if err := l.Admit(l.Server()); err != nil {
		t.Fatal(err)
	}
	again(l, connect(t, l, ProducerUser))
	if err := door.Close(within(t)); err != nil {
		t.Fatal(err)
	}
	shut(t, l)
	l, _ = openPort(t, Options{Dir: dir}, DoorOptions{})
	knows(l)
	again(l, connect(t, l, ProducerUser))
	if got := lines(t, l); len(got) != 1 {
		t.Errorf("the log has %q", got)
	}
}

// TestRefused publishes while nothing is taken in: messages are answered with why.
func TestRefused(t *testing.T) {
	var why error
	l, door := openPort(t, Options{Size: MinSize, Durability: Interval}, DoorOptions{Admit: func() error { return why }})
	c := connect(t, l, ProducerUser)
	m := &nats.Msg{Subject: "weir.events.pay", Data: []byte(`{"n":1}`)}
	for _, x := range []struct {
		why           error
		code, errCode int
		kind          Refusal
	}{
		{ErrBusy, 429, 10008, Busy},
		{ErrFull, 503, 10077, Full},
		{fmt.Errorf("%w: 5 bytes are free", ErrNoSpace), 503, 10077, Full},
		{errors.New("it is ill"), 503, 10008, Unavailable},
	} {
		door.mu.Lock()
		why = x.why
		door.mu.Unlock()
		before := door.Stats()
		a := demand(t, c, m)
		if a.Error == nil || a.Error.Code != x.code || a.Error.ErrCode != x.errCode || !strings.Contains(a.Error.Description, x.why.Error()) {
			t.Errorf("%v: answered %+v", x.why, a.Error)
		}
		if after := door.Stats(); after.Refused[x.kind] != before.Refused[x.kind]+1 {
			t.Errorf("%v: %+v", x.why, after)
		}
	}
	door.mu.Lock()
	why = nil
	door.mu.Unlock()
	// A full log takes no events, and control records still.
	m.Data = []byte(`{"n":"` + strings.Repeat("x", 100<<10) + `"}`)
	var a told
	taken := 0
	for a = demand(t, c, m); a.Error == nil; a = demand(t, c, m) {
		taken++
	}
	if a.Error.ErrCode != 10077 || taken < 5 {
		t.Errorf("after %d messages: %+v", taken, a.Error)
	}
	appendTo(t, l, &cep.Packed{Kind: cep.PackedBoot, Body: []byte("boot")})
	if s := door.Stats(); s.Messages != uint64(taken) {
		t.Errorf("%d messages were answered, stats %+v", taken, s)
	}
}

// TestPermissions tries what producers and consumers may not.
func TestPermissions(t *testing.T) {
	l, _ := openPort(t, Options{}, DoorOptions{})
	appendTo(t, l, &cep.Packed{Kind: cep.PackedBoot, Body: []byte("boot")})
	appendTo(t, l, events("{}\n"))
	h, err := l.up()
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 100)
	sub, err := h.reads.Subscribe("weir.>", func(m *nats.Msg) { heard <- m.Subject })
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Unsubscribe()
	forged := (&cep.Packed{Kind: cep.PackedRules, Body: []byte("rules")}).Append(nil)
	for _, user := range []string{ProducerUser, ConsumerUser} {
		t.Run(user, func(t *testing.T) {
			denied := make(chan error, 100)
			c, err := nats.Connect(fmt.Sprintf("nats://%s:%s@%s", user, user[:1], l.PortAddr()), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
				denied <- err
			}))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			refused := func(what string) {
				t.Helper()
				if err := c.Flush(); err != nil {
					t.Fatal(err)
				}
				select {
				case err := <-denied:
					if !errors.Is(err, nats.ErrPermissionViolation) {
						t.Errorf("%s: %v", what, err)
					}
				case <-time.After(limit):
					t.Errorf("%s is not refused", what)
				}
			}
			publish := []string{
				"weir.control.rules", "weir.control.boot", "weir.control.skip", "weir.batch.1", "weir.tick.1", "weir.events", "weir.events.a.b",
				"weir.alerts.high.x", "weir.late", "weir.rejected",
				"$JS.API.STREAM.PURGE.WEIR", "$JS.API.STREAM.DELETE.WEIR", "$JS.API.STREAM.UPDATE.WEIR", "$JS.API.STREAM.INFO.WEIR", "$JS.API.STREAM.CREATE.MINE",
				"$JS.API.STREAM.MSG.DELETE.WEIR", "$JS.API.STREAM.MSG.GET.WEIR", "$JS.API.DIRECT.GET.WEIR", "$JS.API.STREAM.SNAPSHOT.WEIR",
				"$JS.API.CONSUMER.CREATE.WEIR", "$JS.API.CONSUMER.CREATE.WEIR.c", "$JS.API.CONSUMER.MSG.NEXT.WEIR.c",
				"$JS.API.STREAM.PURGE.WEIR_OUT", "$JS.API.STREAM.DELETE.WEIR_OUT", "$SYS.REQ.SERVER.PING",
			}
			subscribe := []string{">", "weir.>", "weir.events.*", "weir.batch.*", "weir.control.>", "$JS.>", "$SYS.>"}
			if user == ProducerUser {
				publish = append(publish, "$JS.API.INFO", "$JS.API.CONSUMER.CREATE.WEIR_OUT", "$JS.API.STREAM.NAMES")
				subscribe = append(subscribe, "weir.alerts.>", "weir.late", "weir.rejected")
			} else {
				publish = append(publish, "weir.events.pay")
			}
			for _, subject := range publish {
				if err := c.PublishRequest(subject, c.NewInbox(), forged); err != nil {
					t.Fatal(err)
				}
				refused("publishing to " + subject)
			}
			for _, subject := range subscribe {
				if _, err := c.SubscribeSync(subject); err != nil {
					t.Fatal(err)
				}
				refused("subscribing to " + subject)
			}
			// The answer to an event is no way to a subject of the log either.
			if user == ProducerUser {
				for _, reply := range []string{"weir.control.rules", "weir.batch.1", "weir.events.pay", "$JS.API.STREAM.PURGE.WEIR"} {
					if err := c.PublishRequest("weir.events.pay", reply, forged); err != nil {
						t.Fatal(err)
					}
				}
				m := &nats.Msg{Subject: "weir.events.pay", Data: []byte("{}")}
				if a := demand(t, c, m); a.Error != nil {
					t.Errorf("answered %+v", a.Error)
				}
			}
		})
	}
	for _, wrong := range []string{"producer:x", "consumer:p", "weir:", "weir-door:", "nobody:p", ""} {
		if c, err := nats.Connect("nats://" + wrong + "@" + l.PortAddr()); err == nil {
			c.Close()
			t.Errorf("%q may connect", wrong)
		}
	}
	// All that the log has is what was appended, and what came as events, as lines.
	kinds := map[cep.PackedKind]int{}
	for _, r := range all(t, l, 0) {
		kinds[unpack(t, r).Kind]++
	}
	if kinds[cep.PackedBoot] != 1 || kinds[cep.PackedEvents] < 2 || len(kinds) != 2 {
		t.Errorf("kinds of records: %v", kinds)
	}
	for len(heard) > 0 {
		if subject := <-heard; !strings.HasPrefix(subject, subjectBatch) {
			t.Errorf("a message on %s has come to the account of the log", subject)
		}
	}
}

// TestTLS publishes over an encrypted connection; one that is not is refused.
func TestTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	l := open(t, Options{Port: Port{
		Listen: "127.0.0.1:0", Producer: "p",
		TLS: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12},
	}})
	door, err := l.OpenDoor(DoorOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer door.Close(within(t))
	c, err := nats.Connect("tls://producer:p@"+l.PortAddr(), nats.Secure(&tls.Config{RootCAs: roots}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if a := demand(t, c, &nats.Msg{Subject: "weir.events.pay", Data: []byte("{}")}); a.Error != nil || a.Sequence != 1 {
		t.Errorf("answered %+v", a)
	}
	for name, options := range map[string][]nats.Option{
		"a certificate that nobody knows": {nats.Secure(&tls.Config{RootCAs: x509.NewCertPool()})},
		"a certificate not looked at":     {},
	} {
		if c, err := nats.Connect("nats://producer:p@"+l.PortAddr(), options...); err == nil {
			c.Close()
			t.Errorf("%s: it connects", name)
		}
	}
}
