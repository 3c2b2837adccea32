package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"weir/cep"
	"weir/cep/stream"
)

// outside are the settings of a log that NATS servers have which run elsewhere.
type outside struct {
	URL       string // empty: the log is in this process
	Creds, CA string // files
	Replicas  int    // 0: as stream.External says
}

// hidden stands for a password where settings are printed.
const hidden = "***"

var outsideURL = setting{
	"nats.url", "", "NATS servers that have the log, nats://HOST:PORT or tls://HOST:PORT, several with commas; empty: it is in this process.",
	func(s *settings, text string) error {
		s.Nats.URL = text
		if text == "" {
			return nil
		}
		for part := range strings.SplitSeq(text, ",") {
			u, err := url.Parse(strings.TrimSpace(part))
			if err != nil {
				return errors.New("a part of it is no URL, like nats://127.0.0.1:4222 (what it is is not shown, as it may have a password)")
			}
			if u.Scheme != "nats" && u.Scheme != "tls" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
				return fmt.Errorf("%q is not of the form nats://HOST:PORT or tls://HOST:PORT", redacted(part))
			}
			if password, _ := u.User.Password(); password == hidden {
				return fmt.Errorf("%q has no password: weir config hides it; put it in again, or give the setting by its variable", part)
			}
		}
		return nil
	},
	func(s *settings) string { return redacted(s.Nats.URL) },
}

// redacted hides the passwords in URLs.
func redacted(text string) string {
	parts := strings.Split(text, ",")
	for i, part := range parts {
		scheme, rest, _ := strings.Cut(part, "://")
		who, where, ok := cutLast(rest, "@")
		user, _, with := strings.Cut(who, ":")
		switch {
		case ok && with:
			parts[i] = scheme + "://" + user + ":" + hidden + "@" + where
		case ok: // a token
			parts[i] = scheme + "://" + hidden + "@" + where
		}
	}
	return strings.Join(parts, ",")
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

var outsideReplicas = setting{
	"nats.replicas", "0", "How many servers of nats.url have the log each: 1, 3 or 5; 0: 3 where they are a cluster, or as it is there already.",
	func(s *settings, text string) (err error) {
		s.Nats.Replicas, err = strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is no number", text)
		}
		return oneOf("0", "1", "3", "5")(text)
	},
	func(s *settings) string { return strconv.Itoa(s.Nats.Replicas) },
}

// check refuses what does not fit together.
func (o *outside) check(s *settings) error {
	switch {
	case o.URL == "" && *o != outside{}:
		return usageError("nats.creds, nats.ca and nats.replicas are for nats.url, which is empty: say where the servers are, or leave them out")
	case o.URL != "" && s.NatsListen != "":
		return usageError("nats.listen: it is for the log in this process, and nats.url names servers that have it: clients connect to those; leave one of the two out")
	case o.URL != "" && s.Durability == "interval":
		return usageError("log.durability: interval is for the log in this process; with nats.url an event is as durable as its servers make it (sync_interval, replicas): leave it out")
	}
	return nil
}

// external says how the servers of nats.url are reached.
func (s *settings) external() *stream.External {
	host, err := os.Hostname()
	if err != nil {
		host = "a host without a name"
	}
	return &stream.External{
		URL: s.Nats.URL, Creds: s.Nats.Creds, CA: s.Nats.CA, Cert: s.NatsCert, Key: s.NatsKey, Replicas: s.Nats.Replicas,
		Name: fmt.Sprintf("weir %s, process %d on %s, since %s", version, os.Getpid(), host, cep.FormatTime(time.Now().UnixNano())),
	}
}

// outsideFile is in a data directory whose log servers have: where they are.
const outsideFile = "log.external"

// logOutside says where the log is that a data directory follows; empty: in it.
func logOutside(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, outsideFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(text)), err
}

// openLog opens the log, where the settings say that it is.
func (v *service) openLog(ctx context.Context) (*stream.Log, error) {
	s := v.settings
	before, err := logOutside(s.Data)
	if err != nil {
		return nil, err
	}
	here := filepath.Join(s.Data, logFolder)
	if s.Nats.URL == "" {
		if before != "" {
			return nil, fmt.Errorf("%s follows the log that %s has: name the servers with --nats, or take another directory", s.Data, before)
		}
		durability := stream.Fsync
		if s.Durability == "interval" {
			durability = stream.Interval
		}
		port, err := natsPort(s)
		if err != nil {
			return nil, err
		}
		return stream.Open(ctx, stream.Options{Dir: here, Size: s.LogSize, Durability: durability, Logger: v.seldom, Port: port})
	}
	if err := noLogIn(here); err != nil {
		return nil, err
	}
	e := s.external()
	e.Waiting = func(text string) { v.waiting.Store(&text) }
	if e.Begin, err = v.followsNone(); err != nil {
		return nil, err
	}
	log, err := stream.Open(ctx, stream.Options{External: e, Size: s.LogSize, Logger: v.seldom})
	if err != nil {
		return nil, err
	}
	if now := redacted(s.Nats.URL); now != before {
		if err := os.WriteFile(filepath.Join(s.Data, outsideFile), []byte(now+"\n"), 0o600); err != nil {
			return log, err // the caller closes it
		}
	}
	return log, nil
}

// noLogIn refuses a directory that has a log of its own.
func noLogIn(dir string) error {
	_, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("%s has a log, and so none that servers have is followed there: leave out --nats (nats.url), or take another data directory", dir)
	}
	return err
}

// followsNone says whether the files follow no record of a log yet: then one may begin.
func (v *service) followsNone() (none bool, err error) {
	mark, err := v.store.Mark()
	if err != nil {
		return false, err
	}
	heads, err := v.store.Checkpoints()
	return mark.Position.Sequence == 0 && len(heads) == 0, err
}

// patient does something again while the servers of the log do not answer, as they may come
// back. A log in this process is not waited for.
func (v *service) patient(ctx context.Context, do func() error) error {
	for {
		err := do()
		if v.settings.Nats.URL == "" || !errors.Is(err, stream.ErrUnavailable) {
			return err
		}
		text := err.Error()
		v.waiting.Store(&text)
		v.log.Warn("waiting for the log", "because", text)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(retryEvery):
		}
		if err := v.mend(ctx); err != nil {
			v.log.Warn("the log could not be opened again", "error", err)
		}
	}
}

// waitsFor is for what a service waits that starts.
func (v *service) waitsFor() string {
	if text := v.waiting.Load(); text != nil {
		return *text
	}
	return ""
}

// furthest is the last record that files follow.
func furthest(marks []cep.Mark, mark cep.Mark) uint64 {
	last := mark.Position.Sequence
	for i := range marks {
		last = max(last, marks[i].Position.Sequence)
	}
	return last
}

// packing is how lines are put into records. Servers that run elsewhere get one record at a time:
// those that wait for it become one.
func (v *service) packing() stream.PackerOptions {
	if v.settings.Nats.URL == "" {
		return stream.PackerOptions{}
	}
	return stream.PackerOptions{Flying: 512 << 10}
}

// natsFlags say where the log is that servers have.
type natsFlags struct {
	Nats      string `placeholder:"URL" help:"NATS servers that have the log, as nats.url (none: it is in the data directory)."`
	NatsCreds file   `placeholder:"FILE" help:"Credentials for them, as nats.creds."`

	begin bool // a stream that is not there is made
}

// put adds the settings that the flags make.
func (n *natsFlags) put(own map[string]string) {
	if n.Nats != "" {
		own["nats.url"] = n.Nats
	}
	if n.NatsCreds != "" {
		own["nats.creds"] = string(n.NatsCreds)
	}
}

// openTime is how long servers may take to answer to a command that only reads.
const openTime = 20 * time.Second

// open opens the log that a data directory follows, to be read; url is where it was.
func (n *natsFlags) open(ctx context.Context, dir, url string) (*stream.Log, error) {
	if err := noLogIn(filepath.Join(dir, logFolder)); err != nil {
		return nil, err
	}
	own := map[string]string{}
	n.put(own)
	s, _, err := loadSettings("", os.Environ(), own)
	if err != nil {
		return nil, err
	}
	if s.Nats.URL == "" {
		return nil, fmt.Errorf("%s follows the log that %s has: name the servers with --nats URL, and credentials with --nats-creds, or make the settings nats.url and nats.creds", dir, url)
	}
	e := s.external()
	e.Read, e.Begin = true, n.begin
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	size := int64(1 << 40) // whatever size it has, it is not to be too large
	if n.begin {
		size = s.LogSize
	}
	return stream.Open(ctx, stream.Options{External: e, Size: size})
}
