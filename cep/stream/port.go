package stream

import (
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"golang.org/x/crypto/bcrypt"
)

// Port is where others connect to the server of a log, and what they show that they may. The
// zero Port takes no connections.
//
// The server has three accounts, which see nothing of each other: the log's own, whose
// subjects and whose stream only this process reaches; that of producers, who may publish to
// weir.events.TYPE and nothing else; and that of consumers, who may read what leaves.
type Port struct {
	Listen   string      // address, like 127.0.0.1:4222; port 0: one that is free. Empty: nobody connects
	TLS      *tls.Config // nil: connections are not encrypted
	Producer string      // password of the user producer; empty: there is no such user
	Consumer string      // password of the user consumer, likewise
}

// Names of users that connect from outside.
const (
	ProducerUser = "producer"
	ConsumerUser = "consumer"
)

// The accounts. The one of the log is the global one of the server: its files lie below that name.
const (
	globalAccount    = "$G"
	producersAccount = "PRODUCERS"
	alertsAccount    = "ALERTS"
)

// Users of this process, one for each account. Their password is drawn at each start of a
// server and leaves the process as little as their connections do.
const (
	logUser  = "weir"
	doorUser = "weir-door"
	outUser  = "weir-out"
)

const (
	subjectEvents = "weir.events."
	outStream     = "WEIR_OUT"
)

// producers may do this: publish events, and receive the answers.
var producers = &server.Permissions{
	Publish:   &server.SubjectPermission{Allow: []string{subjectEvents + "*"}},
	Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
}

// consumers may do this: follow what leaves as it leaves, and read the stream that keeps it,
// with consumers of their own.
var consumers = &server.Permissions{
	Publish: &server.SubjectPermission{Allow: []string{
		"$JS.API.INFO",
		"$JS.API.STREAM.NAMES",
		"$JS.API.STREAM.LIST",
		"$JS.API.STREAM.INFO." + outStream,
		"$JS.API.STREAM.MSG.GET." + outStream,
		"$JS.API.DIRECT.GET." + outStream,
		"$JS.API.DIRECT.GET." + outStream + ".>",
		"$JS.API.CONSUMER.CREATE." + outStream,
		"$JS.API.CONSUMER.CREATE." + outStream + ".>",
		"$JS.API.CONSUMER.DURABLE.CREATE." + outStream + ".*",
		"$JS.API.CONSUMER.DELETE." + outStream + ".*",
		"$JS.API.CONSUMER.INFO." + outStream + ".*",
		"$JS.API.CONSUMER.LIST." + outStream,
		"$JS.API.CONSUMER.NAMES." + outStream,
		"$JS.API.CONSUMER.MSG.NEXT." + outStream + ".*",
		"$JS.ACK." + outStream + ".>",
		"$JS.FC." + outStream + ".>",
	}},
	Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>", "weir.alerts.>", "weir.late", "weir.rejected"}},
}

// open puts the port and the accounts into the options of a server, and returns the password
// of the users of this process.
func (p *Port) open(o *server.Options) (secret string, err error) {
	secret = rand.Text()
	hashed, err := hashOf(secret)
	if err != nil {
		return "", err
	}
	here := map[string]struct{}{"IN_PROCESS": {}}
	events, alerts := server.NewAccount(producersAccount), server.NewAccount(alertsAccount)
	o.Accounts = []*server.Account{events, alerts}
	o.Users = []*server.User{
		{Username: logUser, Password: hashed, AllowedConnectionTypes: here},
		{Username: doorUser, Password: hashed, AllowedConnectionTypes: here, Account: events},
		{Username: outUser, Password: hashed, AllowedConnectionTypes: here, Account: alerts},
	}
	if o.DontListen = p.Listen == ""; o.DontListen {
		return secret, nil
	}
	for _, u := range []*server.User{
		{Username: ProducerUser, Password: p.Producer, Account: events, Permissions: producers},
		{Username: ConsumerUser, Password: p.Consumer, Account: alerts, Permissions: consumers},
	} {
		if u.Password == "" {
			continue
		}
		if u.Password, err = hashOf(u.Password); err != nil {
			return "", err
		}
		o.Users = append(o.Users, u)
	}
	o.TLSConfig, o.TLS = p.TLS, p.TLS != nil
	o.TLSTimeout = answerWithin.Seconds()
	host, port, err := net.SplitHostPort(p.Listen)
	if err != nil {
		return "", fmt.Errorf("stream: %q is no address with a port, like 127.0.0.1:4222", p.Listen)
	}
	o.Host = host
	if o.Port, err = strconv.Atoi(port); err != nil {
		return "", fmt.Errorf("stream: %q is no address with a port, like 127.0.0.1:4222", p.Listen)
	}
	// The server only logs that it could not listen.
	try, err := net.Listen("tcp", p.Listen)
	if err != nil {
		return "", fmt.Errorf("stream: the port for NATS clients: %w", err)
	}
	if o.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	return secret, try.Close()
}

// hashOf is a password as the server takes it without a warning. It was drawn at random and is as
// long as a key: the cheapest hash will do.
func hashOf(password string) (string, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		return "", fmt.Errorf("stream: a password for NATS clients: %w", err)
	}
	return string(hash), nil
}

// enable lets the log's account and that of alerts have streams.
func (h *host) enable() error {
	for _, name := range []string{globalAccount, alertsAccount} {
		account, err := h.server.LookupAccount(name)
		if err == nil {
			err = account.EnableJetStream(nil, nil)
		}
		if err != nil {
			return fmt.Errorf("stream: the account %s of the log server: %w", name, err)
		}
	}
	return nil
}

// dial connects a user of this process.
func (h *host) dial(name, user string, more ...nats.Option) (*nats.Conn, error) {
	if h.far != nil {
		return h.far.dial(name, more...) // as the one user that the settings name
	}
	c, err := nats.Connect("", append(more, nats.InProcessServer(h.server), nats.UserInfo(user, h.secret), nats.Name(name))...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return c, nil
}

// PortAddr is the address at which NATS clients connect; empty: there is none, or the log
// does not answer at the moment.
func (l *Log) PortAddr() string {
	h, err := l.up()
	if err != nil || l.options.Port.Listen == "" {
		return ""
	}
	if a := h.server.Addr(); a != nil {
		return a.String()
	}
	return ""
}

// Connections is how many clients are connected to the port.
func (l *Log) Connections() int {
	h, err := l.up()
	if err != nil || h.far != nil {
		return 0
	}
	n := 0
	for _, name := range []string{producersAccount, alertsAccount} {
		if a, err := h.server.LookupAccount(name); err == nil {
			n += a.NumLocalConnections()
		}
	}
	if n > 0 && l.door.Load() != nil {
		n-- // the door's own
	}
	if o := l.out.Load(); n > 0 && o != nil && o.conn.IsConnected() {
		n--
	}
	return n
}
