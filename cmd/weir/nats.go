package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"weir/cep/stream"
	"weir/web"
)

// The passwords of NATS clients lie in the data directory, in files that are named for their
// users and that nobody else may read. One that is removed is drawn anew at the next start.
const natsFolder = "nats"

// natsUsers are those that connect from outside.
var natsUsers = []string{stream.ProducerUser, stream.ConsumerUser}

// natsPort is the port for NATS clients that settings ask for. Passwords that are not there
// are drawn.
func natsPort(s *settings) (p stream.Port, err error) {
	if s.NatsListen == "" {
		return p, nil
	}
	p.Listen = s.NatsListen
	if s.NatsCert != "" {
		pair, err := tls.LoadX509KeyPair(s.NatsCert, s.NatsKey)
		if err != nil {
			return p, fmt.Errorf("nats.cert %s with nats.key %s: %w", s.NatsCert, s.NatsKey, err)
		}
		p.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	if err := os.MkdirAll(filepath.Join(s.Data, natsFolder), 0o700); err != nil {
		return p, err
	}
	for _, user := range natsUsers {
		if _, err := natsPassword(s.Data, user); errors.Is(err, fs.ErrNotExist) {
			err = writePassword(natsFile(s.Data, user), rand.Text())
			if err != nil {
				return p, err
			}
		}
	}
	if p.Producer, err = natsPassword(s.Data, stream.ProducerUser); err != nil {
		return p, err
	}
	p.Consumer, err = natsPassword(s.Data, stream.ConsumerUser)
	return p, err
}

func natsFile(data, user string) string { return filepath.Join(data, natsFolder, user) }

// writePassword makes the file of a password, whole or not at all.
func writePassword(name, password string) error {
	if err := os.WriteFile(name+".new", []byte(password+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// natsPassword reads the password of a user.
func natsPassword(data, user string) (string, error) {
	name := natsFile(data, user)
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	if open := info.Mode().Perm() & 0o077; open != 0 {
		return "", fmt.Errorf("%s has the mode %04o, so that others than its owner can read or change the password: expected 0600; remove the file, and the next start draws another one", name, info.Mode().Perm())
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	password := strings.TrimSpace(string(text))
	if len(password) < 16 {
		return "", fmt.Errorf("%s holds a password of %d characters, expected 16 or more: remove the file, and the next start draws another one", name, len(password))
	}
	return password, nil
}

// natsURL is what a client of a user connects to.
func natsURL(s *settings, user string) (string, error) {
	if s.NatsListen == "" {
		return "", usageError("nats.listen is not set, so no NATS client can connect: set it to an address, like 127.0.0.1:4222")
	}
	password, err := natsPassword(s.Data, user)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no password of the user %s in %s yet: weir serve draws it when it starts with nats.listen", user, s.Data)
	}
	if err != nil {
		return "", err
	}
	u := url.URL{Scheme: "nats", User: url.UserPassword(user, password), Host: s.NatsListen}
	if s.NatsCert != "" {
		u.Scheme = "tls"
	}
	return u.String(), nil
}

// mostLag is how many bytes may wait to be stepped before producers are refused, as clients
// of HTTP are, and slowLag while stepping is more than a second behind.
const (
	mostLag = 64 << 20
	slowLag = 8 << 20
)

// openDoor lets producers in, where there is a port for them.
func (v *service) openDoor() (err error) {
	address := v.stream.PortAddr()
	if v.settings.Nats.URL != "" {
		address = redacted(v.settings.Nats.URL)
	}
	if address == "" {
		return nil
	}
	v.door, err = v.stream.OpenDoor(stream.DoorOptions{Admit: v.admitMessages, Appended: v.backlog.add})
	if err == nil {
		v.log.Info("weir takes events from NATS clients", "nats", address)
	}
	return err
}

// closeDoor lets no more producers in, and what they have published arrive.
func (v *service) closeDoor(ctx context.Context) {
	if v.door == nil {
		return
	}
	if err := v.door.Close(ctx); err != nil {
		v.log.Warn("some messages of producers were not answered in time", "error", err)
	}
}

// admitMessages says why nothing that producers publish is taken in at the moment; nil: it is.
func (v *service) admitMessages() error {
	if why := v.logDown(); why != "" {
		return fmt.Errorf("%w: %s", stream.ErrUnavailable, why)
	}
	if free, reserve := v.health.freeDisk.Load(), uint64(v.settings.Reserve); free < reserve {
		return fmt.Errorf("%w: %d bytes are free, fewer than the %d in reserve", stream.ErrNoSpace, free, reserve)
	}
	l := v.loop.Status()
	switch bytes := v.backlog.behind(l.Stepped.Sequence); {
	case bytes > mostLag:
		return fmt.Errorf("%w: %d bytes of events are waiting to be stepped, more than %d: publish again after a moment", stream.ErrBusy, bytes, mostLag)
	case bytes > slowLag && v.lagTime(l) > time.Second:
		return fmt.Errorf("%w: stepping is more than a second behind, and %d bytes of events are waiting for it: publish again after a moment", stream.ErrBusy, bytes)
	}
	return nil
}

// portStatus is what producers have published; nil: there is no port.
func (v *service) portStatus() *web.Port {
	if v.door == nil {
		return nil
	}
	s := v.door.Stats()
	p := &web.Port{Clients: v.stream.Connections(), Messages: s.Messages, Lines: s.Lines, Repeated: s.Repeated, Dropped: s.Dropped}
	for kind, n := range s.Refused {
		p.Refused = append(p.Refused, web.Refused{Why: stream.Refusal(kind).String(), Messages: n})
	}
	return p
}

// checkNats refuses settings of the port that do not go together.
func checkNats(s *settings) error {
	if (s.NatsCert == "") != (s.NatsKey == "") {
		return usageError("nats.cert and nats.key belong together: one of them is not set")
	}
	if s.NatsListen != "" && s.NatsCert == "" && !s.InsecureListen && !loopback(s.NatsListen) {
		return usageError("nats.listen: %s can be reached by others, and passwords and events would go there unencrypted; set nats.cert and nats.key, listen on 127.0.0.1, or say --insecure-listen", s.NatsListen)
	}
	return nil
}
