package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"weir/cep/stream"
)

// withPort are settings of a service with a port for NATS clients.
func withPort(more map[string]string) map[string]string {
	all := map[string]string{"nats.listen": "127.0.0.1:0"}
	for name, value := range more {
		all[name] = value
	}
	return all
}

// producer connects to a service as a producer.
func (s *tested) producer(t *testing.T, refused func(error)) *stream.Producer {
	t.Helper()
	settings := *s.settings
	settings.NatsListen = s.stream.PortAddr()
	url, err := natsURL(&settings, stream.ProducerUser)
	must(t, err)
	p, err := stream.NewProducer(url, 1000, refused)
	must(t, err)
	t.Cleanup(p.Close)
	return p
}

var typeMember = regexp.MustCompile(`^\{"type":"([a-z_]+)",`)

// TestPublishedAsPosted publishes the shipped samples over NATS, some events with their type
// and some without, one or several a message: the alerts are those of weir run, byte for byte,
// and the exported events are the samples.
func TestPublishedAsPosted(t *testing.T) {
	for _, f := range frauds {
		t.Run(f.folder, func(t *testing.T) {
			t.Parallel()
			name := filepath.Join("../../rulesets/sample", f.sample+".ndjson")
			text, err := os.ReadFile(name)
			must(t, err)
			rules := filepath.Join("../../rulesets", f.folder)
			var want, report bytes.Buffer
			code := execute([]string{"run", rules, "--events", name, "--order", "eager", "--lateness", "2h", "--open-end"}, &streams{nil, &want, &report})
			if code != exitDone || want.Len() == 0 {
				t.Fatalf("exit code %d: %s", code, &report)
			}
			dir := filepath.Join(t.TempDir(), "data")
			s := startServe(t, dir, []string{rules}, withPort(map[string]string{"time.lateness": "2h", "log.durability": "interval"}))
			p := s.producer(t, func(err error) { t.Errorf("a message is refused: %v", err) })
			var message []byte
			last := ""
			publish := func() {
				t.Helper()
				if len(message) > 0 {
					must(t, p.Publish(last, message, nil))
				}
				message = nil
			}
			n := 0
			for line := range bytes.Lines(text) {
				m := typeMember.FindSubmatch(line)
				if m == nil {
					t.Fatalf("a line of the sample does not begin with its type: %s", line)
				}
				if string(m[1]) != last || n%7 == 0 {
					publish()
				}
				last = string(m[1])
				if n++; n%3 > 0 {
					line = append([]byte("{"), line[len(m[0]):]...)
				}
				message = append(message, line...)
			}
			publish()
			if !p.Wait(patience) {
				t.Fatal("some messages are not answered")
			}
			s.shut(t)
			if got := storedLines(t, dir); got != want.String() {
				t.Errorf("published, against run: %s", firstDifference([]byte(got), want.Bytes()))
			}
			var again, exported, summary bytes.Buffer
			if code := execute([]string{"replay", "--data", dir, "--alerts", "-"}, &streams{nil, &again, &summary}); code != exitDone || again.String() != want.String() {
				t.Errorf("replay: exit code %d: %s: %s", code, firstDifference(again.Bytes(), want.Bytes()), &summary)
			}
			if code := execute([]string{"state", "export", dir, "events"}, &streams{nil, &exported, &summary}); code != exitDone {
				t.Fatalf("export: exit code %d: %s", code, &summary)
			}
			if got := strings.TrimRight(exported.String(), "\n"); got != strings.TrimRight(string(text), "\n") {
				t.Errorf("exported, against the sample: %s", firstDifference([]byte(got), text))
			}
		})
	}
}

// TestPublishedRejects publishes what is no event of the type of its subject: it is kept with
// the type and why, and counted.
func TestPublishedRejects(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	rules := writeFile(t, "rules.yaml", servedRules)
	s := startServe(t, dir, []string{rules}, withPort(nil))
	var refused []error
	p := s.producer(t, func(err error) { refused = append(refused, err) })
	now := time.Now().UTC().Format(time.RFC3339Nano)
	good := fmt.Sprintf(`{"id":"one","ts":%q,"card":"c","n":1}`, now)
	packed := string([]byte{1, 4}) + "rules:"
	must(t, p.Publish("pay", []byte(good+"\n"+strings.Replace(good, "{", `{"type":"refund",`, 1)+"\n"), nil))
	must(t, p.Publish("pay", []byte(packed), nil))
	must(t, p.Publish("login", []byte(strings.Replace(good, "one", "two", 1)), nil))
	must(t, p.Publish("pay", nil, nil))
	if !p.Wait(patience) {
		t.Fatal("some messages are not answered")
	}
	if len(refused) != 1 || !strings.Contains(refused[0].Error(), "it is empty") {
		t.Errorf("refused: %v", refused)
	}
	for begun := time.Now(); s.loop.Status().Stats.Events < 2 || s.loop.Status().Stats.Rejected < 2; time.Sleep(time.Millisecond) {
		if time.Since(begun) > patience {
			t.Fatalf("counted: %+v", s.loop.Status().Stats)
		}
	}
	r, err := http.Get("http://" + s.server.Addr() + "/metrics")
	must(t, err)
	metrics, err := io.ReadAll(r.Body)
	r.Body.Close()
	must(t, err)
	for _, want := range []string{
		"weir_nats_messages_total 3", "weir_nats_lines_total 4", `weir_nats_refused_total{why="invalid"} 1`, `weir_nats_refused_total{why="busy"} 0`,
		"weir_nats_clients 1", "weir_nats_repeated_total 0", "weir_nats_dropped_total 0", "weir_events_rejected_total 2", "weir_events_total 2",
	} {
		if !strings.Contains(string(metrics), "\n"+want+"\n") {
			t.Errorf("/metrics has no %s", want)
		}
	}
	s.shut(t)
	var out, summary bytes.Buffer
	if code := execute([]string{"state", "export", dir, "rejected"}, &streams{nil, &out, &summary}); code != exitDone {
		t.Fatalf("exit code %d: %s", code, &summary)
	}
	for _, want := range []string{`expected the type pay in field \"type\"`, `"type":"pay","raw":"{\"type\":\"refund\"`, `"type":"pay","raw":"\u0001\u0004rules:"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("rejected are %s, expected %s", &out, want)
		}
	}
}

// TestNatsCredentials draws passwords that nobody else can read and that stay, and prints
// them.
func TestNatsCredentials(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	rules := []string{writeFile(t, "rules.yaml", servedRules)}
	print := func(user string, more ...string) (string, string, int) {
		var out, err bytes.Buffer
		code := execute(append([]string{"config", "--config", os.DevNull, "--set", "data=" + dir, "--nats-creds", user}, more...), &streams{nil, &out, &err})
		return out.String(), err.String(), code
	}
	if _, said, code := print("producer"); code != exitUsage || !strings.Contains(said, "nats.listen is not set") {
		t.Errorf("without a port: exit code %d: %s", code, said)
	}
	if _, said, code := print("producer", "--set", "nats.listen=127.0.0.1:4222"); code != exitFailed || !strings.Contains(said, "weir serve draws it") {
		t.Errorf("before a start: exit code %d: %s", code, said)
	}
	startServe(t, dir, rules, withPort(nil)).shut(t)
	before := map[string]string{}
	for _, user := range natsUsers {
		info, err := os.Stat(natsFile(dir, user))
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v", info.Name(), info.Mode())
		}
		out, said, code := print(user, "--set", "nats.listen=127.0.0.1:4222")
		if m := regexp.MustCompile(`^nats://` + user + `:[A-Z2-7]{26}@127\.0\.0\.1:4222\n$`); code != exitDone || !m.MatchString(out) {
			t.Errorf("exit code %d: %s%s", code, out, said)
		}
		before[user] = out
	}
	if strings.TrimPrefix(before["producer"], "nats://producer:") == strings.TrimPrefix(before["consumer"], "nats://consumer:") {
		t.Error("both have one password")
	}
	must(t, os.Remove(natsFile(dir, "consumer")))
	startServe(t, dir, rules, withPort(nil)).shut(t)
	if out, _, _ := print("producer", "--set", "nats.listen=127.0.0.1:4222"); out != before["producer"] {
		t.Error("the password of producers has changed")
	}
	if out, _, _ := print("consumer", "--set", "nats.listen=127.0.0.1:4222"); out == before["consumer"] || out == "" {
		t.Error("the password of consumers was removed, and has not changed")
	}
	must(t, os.Chmod(natsFile(dir, "producer"), 0o644))
	if _, said, code := print("producer", "--set", "nats.listen=127.0.0.1:4222"); code != exitFailed || !strings.Contains(said, "has the mode 0644") {
		t.Errorf("a file that others can read: exit code %d: %s", code, said)
	}
	must(t, os.WriteFile(natsFile(dir, "consumer"), []byte("short\n"), 0o600))
	if _, said, code := print("consumer", "--set", "nats.listen=127.0.0.1:4222"); code != exitFailed || !strings.Contains(said, "a password of 5 characters") {
		t.Errorf("a short password: exit code %d: %s", code, said)
	}
}

// TestNatsSettings refuses settings that do not go together, and a port that is in use.
func TestNatsSettings(t *testing.T) {
	for _, c := range []struct {
		set  map[string]string
		want string
	}{
		{map[string]string{"nats.listen": "0.0.0.0:4222"}, "passwords and events would go there unencrypted"},
		{map[string]string{"nats.listen": "nowhere"}, "is no address with a port"},
		{map[string]string{"nats.listen": "127.0.0.1:4222", "nats.cert": "a.pem"}, "nats.cert and nats.key belong together"},
		{map[string]string{"nats.listen": "0.0.0.0:4222", "insecure_listen": "true"}, ""},
		{map[string]string{"nats.listen": "0.0.0.0:4222", "nats.cert": "a.pem", "nats.key": "b.pem"}, ""},
	} {
		_, _, err := loadSettings(os.DevNull, nil, c.set)
		if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.set, err)
		}
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	var out, said bytes.Buffer
	code := execute([]string{
		"serve", writeFile(t, "rules.yaml", servedRules), "--config", os.DevNull, "--data", filepath.Join(t.TempDir(), "data"),
		"--listen", "127.0.0.1:0", "--nats-listen", taken.Addr().String(),
	}, &streams{nil, &out, &said})
	if code != exitFailed || !strings.Contains(said.String(), "the port for NATS clients: listen tcp") {
		t.Errorf("a port that is in use: exit code %d: %s", code, &said)
	}
}

// A certificate that cannot be read is named, and encrypted ports have another scheme.
func TestNatsCertificate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	must(t, os.MkdirAll(filepath.Join(dir, natsFolder), 0o700))
	must(t, writePassword(natsFile(dir, "producer"), strings.Repeat("p", 20)))
	s := &settings{Data: dir, NatsListen: "127.0.0.1:4222", NatsCert: writeFile(t, "cert.pem", "no certificate"), NatsKey: "key.pem"}
	if _, err := natsPort(s); err == nil || !strings.Contains(err.Error(), "nats.cert "+s.NatsCert+" with nats.key key.pem") {
		t.Errorf("a certificate that is none: %v", err)
	}
	if url, err := natsURL(s, "producer"); err != nil || url != "tls://producer:pppppppppppppppppppp@127.0.0.1:4222" {
		t.Errorf("the URL is %s, %v", url, err)
	}
}
