package stream

import (
	"bytes"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
)

// TestDoorBusy publishes far more than a Door keeps, while the log takes nothing: what is too
// much is refused at once, and memory stays within the bound. Once the log takes records again
// all that was kept is acknowledged.
func TestDoorBusy(t *testing.T) {
	const size, count = 64 << 10, 4096
	l, door := openPort(t, Options{Durability: Interval}, DoorOptions{})
	var refused, accepted atomic.Int64
	p, err := NewProducer(fmt.Sprintf("nats://%s:p@%s", ProducerUser, l.PortAddr()), count, func(err error) {
		if !bytes.Contains([]byte(err.Error()), []byte(ErrBusy.Error())) {
			t.Error(err)
		}
		refused.Add(1)
	})
	must(t, err)
	t.Cleanup(p.Close)
	message := bytes.Repeat(append(append([]byte(`{"text":"`), bytes.Repeat([]byte("x"), size/64-12)...), "\"}\n"...), 64)
	l.sending.Lock()
	for range count {
		must(t, p.Publish("pay", message, func() { accepted.Add(1) }))
	}
	kept := int64(0)
	for ctx := within(t); ; tick() {
		door.mu.Lock()
		kept = door.waiting / int64(len(message))
		door.mu.Unlock()
		if kept+refused.Load() == count {
			break
		}
		if ctx.Err() != nil {
			l.sending.Unlock()
			t.Fatalf("of %d messages %d are kept and %d refused", count, kept, refused.Load())
		}
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	l.sending.Unlock()
	if most := int64(doorWaiting / len(message)); kept > most || kept == 0 {
		t.Errorf("%d messages are kept, expected some, and %d at most", kept, most)
	}
	if m.HeapAlloc > 3*doorWaiting {
		t.Errorf("%d MB are in use while %d MB of messages wait", m.HeapAlloc>>20, kept*int64(len(message))>>20)
	}
	if !p.Wait(limit) {
		t.Fatal("some messages are not answered")
	}
	s := door.Stats()
	if accepted.Load() != kept || int64(s.Messages) != kept || int64(s.Refused[Busy]) != refused.Load() || s.Dropped != 0 {
		t.Errorf("%d messages were kept, %d accepted: %+v", kept, accepted.Load(), s)
	}
	t.Logf("%d messages kept, %d refused, %d MB in use", kept, refused.Load(), m.HeapAlloc>>20)
}
