package stream

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"
)

// refuses opens an external log that cannot be opened.
func refuses(t *testing.T, o Options, texts ...string) {
	t.Helper()
	if o.Size == 0 {
		o.Size = 64 << 20
	}
	l, err := Open(within(t), o)
	if err == nil {
		shut(t, l)
		t.Fatalf("it was opened, expected %q", texts)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%v: expected %q", err, text)
		}
	}
	if errors.Is(err, ErrUnavailable) {
		t.Errorf("%v: it would be waited for", err)
	}
}

// TestExternalMisfits has streams that were not made as a log is.
func TestExternalMisfits(t *testing.T) {
	c := servers(t, 1, nil)
	good := wanted(Options{Size: 64 << 20})
	for name, tt := range map[string]struct {
		change func(*jetstream.StreamConfig)
		texts  []string
	}{
		"limits":   {func(s *jetstream.StreamConfig) { s.MaxBytes, s.MaxAge = 1<<20, time.Hour }, []string{"max_bytes 1048576, expected 67108864 (log.size)", "max_age 1h0m0s, expected 0s", "nats stream edit WEIR"}},
		"discard":  {func(s *jetstream.StreamConfig) { s.Discard = jetstream.DiscardOld }, []string{"discard DiscardOld, expected DiscardNew"}},
		"ids":      {func(s *jetstream.StreamConfig) { s.Duplicates = time.Second }, []string{"duplicate_window 1s, expected 2m0s or longer"}},
		"rollup":   {func(s *jetstream.StreamConfig) { s.AllowRollup = true }, []string{"allow_rollup_hdrs true"}},
		"ttl":      {func(s *jetstream.StreamConfig) { s.AllowMsgTTL = true }, []string{"allow_msg_ttl true"}},
		"size":     {func(s *jetstream.StreamConfig) { s.MaxMsgSize = 1000 }, []string{"max_msg_size 1000"}},
		"subjects": {func(s *jetstream.StreamConfig) { s.Subjects = s.Subjects[:1] }, []string{"subjects [weir.batch.*], expected"}},
		"acks":     {func(s *jetstream.StreamConfig) { s.NoAck = true }, []string{"no_ack true"}},
	} {
		t.Run(name, func(t *testing.T) {
			config := good
			tt.change(&config)
			must(t, c.Do(func(_ *nats.Conn, js jetstream.JetStream) error {
				_, err := js.CreateStream(within(t), config)
				return err
			}))
			defer func() {
				must(t, c.Do(func(_ *nats.Conn, js jetstream.JetStream) error { return js.DeleteStream(within(t), streamName) }))
			}()
			refuses(t, Options{External: &External{URL: c.URL(), Begin: true}}, tt.texts...)
		})
	}
	refuses(t, Options{External: &External{URL: c.URL()}}, "there is no stream WEIR at "+c.URL())
	refuses(t, Options{External: &External{URL: c.URL(), Begin: true, Replicas: 3}}, "could not be made", "nats.replicas")
	// One that fits is used, whatever number of servers has it, unless that was named.
	must(t, c.Do(func(_ *nats.Conn, js jetstream.JetStream) error {
		_, err := js.CreateStream(within(t), good)
		return err
	}))
	refuses(t, Options{External: &External{URL: c.URL(), Replicas: 3}}, "num_replicas 1, expected 3 (nats.replicas)")
	appendTo(t, outside(t, c, nil), events("{}\n"))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestExternalServers has servers that cannot have a log.
func TestExternalServers(t *testing.T) {
	small := servers(t, 1, func(o *server.Options) { o.MaxPayload = 1000 })
	refuses(t, Options{External: &External{URL: small.URL(), Begin: true}}, "takes messages of 1000 bytes (max_payload), and 262144 are needed")
	without := servers(t, 1, func(o *server.Options) { o.JetStream = false })
	ctx, cancel := context.WithCancel(within(t))
	waiting := ""
	_, err := Open(ctx, Options{External: &External{URL: without.URL(), Begin: true, Waiting: func(text string) { waiting = text; cancel() }}})
	if err == nil || !strings.Contains(waiting, "JetStream is not enabled there, or not up yet") {
		t.Errorf("%v, after it waited for %q", err, waiting)
	}
	guarded := servers(t, 1, func(o *server.Options) { o.Users = []*server.User{{Username: "weir", Password: "secret"}} })
	address := strings.TrimPrefix(guarded.Server(0), "nats://")
	refuses(t, Options{External: &External{URL: "nats://weir:wrong@" + address, Begin: true}}, "Authorization Violation", "nats://weir:xxxxx@"+address)
	refuses(t, Options{External: &External{URL: guarded.URL(), Creds: filepath.Join(t.TempDir(), "gone"), Begin: true}}, "gone: no such file")
	appendTo(t, outside(t, guarded, func(o *Options) { o.External.URL = "nats://weir:secret@" + address }), events("{}\n"))
}

// TestExternalPermissions lets a user publish nothing but events.
func TestExternalPermissions(t *testing.T) {
	c := servers(t, 1, func(o *server.Options) {
		o.Users = []*server.User{{Username: "weir", Password: "secret"}, {Username: "reader", Password: "secret", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Deny: []string{subjectBatch + ">"}},
		}}}
	})
	address := strings.TrimPrefix(c.Server(0), "nats://")
	l := outside(t, c, func(o *Options) { o.External.URL = "nats://reader:secret@" + address })
	ctx, cancel := context.WithCancel(within(t))
	go func() {
		for l.Waits() == "" || !strings.Contains(l.Waits(), "Permissions Violation") {
			if ctx.Err() != nil {
				return
			}
			tick()
		}
		cancel()
	}()
	if _, err := l.Append(ctx, events("{}\n")); !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, and it waits for %q", err, l.Waits())
	}
	l.stop(ErrClosed) // as it never can be sent, Close would wait for it
}

// TestExternalTLS has a server with a certificate that the system does not know, and that asks
// for one.
func TestExternalTLS(t *testing.T) {
	dir := t.TempDir()
	certificate, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	makeCertificate(t, certificate, key)
	pair, err := tls.LoadX509KeyPair(certificate, key)
	must(t, err)
	text, err := os.ReadFile(certificate)
	must(t, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	c := servers(t, 1, func(o *server.Options) {
		o.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
		o.TLS, o.TLSVerify = true, true
	})
	url := strings.Replace(c.URL(), "nats://", "tls://", 1)
	refuses(t, Options{External: &External{URL: url, Begin: true}}, "certificate")
	l := outside(t, c, func(o *Options) {
		o.External.URL, o.External.CA, o.External.Cert, o.External.Key = url, certificate, certificate, key
	})
	appendTo(t, l, events("{}\n"))
}

func makeCertificate(t *testing.T, certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "weir"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	must(t, os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}

// TestExternalCreds has a server whose users show credentials.
func TestExternalCreds(t *testing.T) {
	operator, err := nkeys.CreateOperator()
	must(t, err)
	account, err := nkeys.CreateAccount()
	must(t, err)
	user, err := nkeys.CreateUser()
	must(t, err)
	name := func(k nkeys.KeyPair) string {
		text, err := k.PublicKey()
		must(t, err)
		return text
	}
	system, err := nkeys.CreateAccount()
	must(t, err)
	trusted := jwt.NewOperatorClaims(name(operator))
	trusted.SystemAccount = name(system)
	_, err = trusted.Encode(operator)
	must(t, err)
	claims := jwt.NewAccountClaims(name(account))
	claims.Limits.JetStreamLimits = jwt.JetStreamLimits{DiskStorage: 1 << 30, MemoryStorage: -1, Streams: -1, Consumer: -1}
	signed, err := claims.Encode(operator)
	must(t, err)
	resolver := &server.MemAccResolver{}
	must(t, resolver.Store(name(account), signed))
	signed, err = jwt.NewAccountClaims(name(system)).Encode(operator)
	must(t, err)
	must(t, resolver.Store(name(system), signed))
	login, err := jwt.NewUserClaims(name(user)).Encode(account)
	must(t, err)
	seed, err := user.Seed()
	must(t, err)
	text, err := jwt.FormatUserConfig(login, seed)
	must(t, err)
	file := filepath.Join(t.TempDir(), "weir.creds")
	must(t, os.WriteFile(file, text, 0o600))
	c := servers(t, 1, func(o *server.Options) {
		o.TrustedOperators, o.AccountResolver, o.SystemAccount = []*jwt.OperatorClaims{trusted}, resolver, name(system)
	})
	refuses(t, Options{External: &External{URL: c.URL(), Begin: true}}, "Authorization Violation")
	appendTo(t, outside(t, c, func(o *Options) { o.External.Creds = file }), events("{}\n"))
}
