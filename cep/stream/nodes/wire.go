package nodes

import (
	"net"
	"sync"
)

// wire passes on connections to an address, until it is cut: then nothing passes any more, and
// neither end is told, as where a network fails.
type wire struct {
	to       string
	listener net.Listener
	wait     sync.WaitGroup

	mu    sync.Mutex
	whole chan struct{} // closed while bytes pass
	cut   bool
	ends  map[net.Conn]bool // nil: it is closed
}

// startWire starts a wire to an address.
func startWire(to string) (*wire, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{to: to, listener: l, whole: make(chan struct{}), ends: map[net.Conn]bool{}}
	close(w.whole)
	w.wait.Go(w.accept)
	return w, nil
}

func (w *wire) addr() string { return w.listener.Addr().String() }

// set cuts the wire, or makes it whole again: what was held back passes then.
func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case cut == w.cut:
	case cut:
		w.whole = make(chan struct{})
	default:
		close(w.whole)
	}
	w.cut = cut
}

func (w *wire) gate() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.whole
}

// keep takes note of an end of a connection; false: the wire is closed.
func (w *wire) keep(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ends == nil {
		c.Close()
		return false
	}
	w.ends[c] = true
	return true
}

func (w *wire) accept() {
	for {
		from, err := w.listener.Accept()
		if err != nil {
			return
		}
		if w.keep(from) {
			w.wait.Go(func() { w.join(from) })
		}
	}
}

// join connects one end with the other.
func (w *wire) join(from net.Conn) {
	defer w.drop(from)
	<-w.gate()
	to, err := net.Dial("tcp", w.to)
	if err != nil || !w.keep(to) {
		return
	}
	defer w.drop(to)
	back := make(chan struct{})
	go func() {
		defer close(back)
		w.pass(from, to)
	}()
	w.pass(to, from)
	<-back
}

// pass copies until one end is gone, which ends the other.
func (w *wire) pass(to, from net.Conn) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		<-w.gate()
		if n > 0 && err == nil {
			_, err = to.Write(buffer[:n])
		}
		if err != nil {
			to.Close()
			from.Close()
			return
		}
	}
}

func (w *wire) drop(c net.Conn) {
	c.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.ends, c)
}

// close ends all connections.
func (w *wire) close() {
	w.listener.Close()
	w.set(false)
	w.mu.Lock()
	for c := range w.ends {
		c.Close()
	}
	w.ends = nil
	w.mu.Unlock()
	w.wait.Wait()
}
