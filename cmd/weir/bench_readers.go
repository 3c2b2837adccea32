package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
)

// benchReaders are readers of /v1/stream, who do nothing with what comes.
type benchReaders struct {
	stop   context.CancelFunc
	wait   sync.WaitGroup
	bytes  atomic.Uint64
	ended  atomic.Uint64 // connections that ended before they were to
	packed bool
	client *http.Client
}

// startReaders connects n readers of all alerts, or of those of a rule. What comes packed is
// not unpacked.
func startReaders(ctx context.Context, address string, n int, rule string, packed bool) (*benchReaders, error) {
	ctx, stop := context.WithCancel(ctx)
	b := &benchReaders{stop: stop, packed: packed, client: &http.Client{Transport: &http.Transport{DisableCompression: true}}}
	if rule != "" {
		address += "?rule=" + url.QueryEscape(rule)
	}
	connected := make(chan error)
	for range n {
		b.wait.Go(func() { b.read(ctx, address, connected) })
	}
	var errs []error
	for range n {
		errs = append(errs, <-connected)
	}
	if err := errors.Join(errs...); err != nil {
		b.end()
		return nil, err
	}
	return b, nil
}

func (b *benchReaders) read(ctx context.Context, address string, connected chan<- error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		connected <- err
		return
	}
	if b.packed {
		r.Header.Set("Accept-Encoding", "zstd")
	}
	a, err := b.client.Do(r)
	if err == nil && a.StatusCode != http.StatusOK {
		a.Body.Close()
		err = fmt.Errorf("a reader was refused: %s", a.Status)
	}
	connected <- err
	if err != nil {
		return
	}
	defer a.Body.Close()
	io.Copy((*readBytes)(&b.bytes), a.Body)
	if ctx.Err() == nil {
		b.ended.Add(1)
	}
}

// end ends the readers.
func (b *benchReaders) end() {
	b.stop()
	b.wait.Wait()
	b.client.CloseIdleConnections()
}

// readBytes counts what is written to it.
type readBytes atomic.Uint64

func (n *readBytes) Write(p []byte) (int, error) {
	(*atomic.Uint64)(n).Add(uint64(len(p)))
	return len(p), nil
}
