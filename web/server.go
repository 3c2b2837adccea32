package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

// Server serves the interface on an address.
type Server struct {
	http    http.Server
	service *service
	listen  string
	bound   net.Listener
	failed  chan error
}

const (
	headTime = 10 * time.Second // that the head of a request may take
	idleTime = 2 * time.Minute  // that a connection may wait for the next one
	headSize = 64 << 10         // bytes of a head
)

// NewServer returns a Server that does not listen yet. An address that other machines reach
// is refused unless Options.Insecure says that it is meant.
func NewServer(o Options) (*Server, error) {
	handler, err := newService(o)
	if err != nil {
		return nil, err
	}
	if !o.Insecure && !loopback(handler.host.name) {
		return nil, fmt.Errorf("listen: %s can be reached from other machines, and nobody is asked who they are: expected a loopback address, like 127.0.0.1:8080; to do it all the same, add --insecure-listen", o.Listen)
	}
	handler.starting.Store(true)
	s := &Server{service: handler, listen: o.Listen, failed: make(chan error, 1)}
	s.http = http.Server{
		Handler: handler, ReadHeaderTimeout: headTime, IdleTimeout: idleTime, MaxHeaderBytes: headSize,
		ErrorLog:  slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
		Protocols: new(http.Protocols),
	}
	s.http.RegisterOnShutdown(handler.feed.finish)
	s.http.Protocols.SetHTTP1(true)
	s.http.Protocols.SetUnencryptedHTTP2(true)
	return s, nil
}

// Start listens. Until Open, requests are answered that the service is starting, and
// nothing of Options is asked.
func (s *Server) Start() error {
	bound, err := net.Listen("tcp", s.listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listen: %s is in use by another process: end that one, or choose another address with --listen", s.listen)
	}
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.bound = bound
	go func() {
		if err := s.http.Serve(bound); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	}()
	return nil
}

// Open says that what Options name is there: requests are carried out from then on.
func (s *Server) Open() { s.service.starting.Store(false) }

// Forget forgets the answers to requests with a key: the log has lost its end. Those that are
// repeated are carried out again, but for what the log still has of them.
func (s *Server) Forget() { s.service.answers.clear() }

// Addr is where a started Server listens, host:port: of port 0 the one that it got.
func (s *Server) Addr() string { return s.bound.Addr().String() }

// Failed brings the error that has ended serving, if one has.
func (s *Server) Failed() <-chan error { return s.failed }

// Shutdown ends serving: no new connections, and requests that are on their way are carried
// out. When ctx ends before they are, their connections are cut, and an error says so.
func (s *Server) Shutdown(ctx context.Context) error {
	defer s.service.feed.running.Wait()
	err := s.http.Shutdown(ctx)
	if err == nil {
		return nil
	}
	s.http.Close() // of connections that are cut anyway
	return fmt.Errorf("requests were still on their way when the time to drain was over: %w", err)
}
