package stream

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// TestOutConsumers: a consumer that connects to the port hears what leaves, and reads what the
// stream has kept from before, with a durable consumer that goes on after a restart of the
// server.
func TestOutConsumers(t *testing.T) {
	l, _ := openPort(t, Options{}, DoorOptions{})
	options := OutOptions{Size: MinOutSize, Age: time.Hour}
	o, err := l.OpenOut(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	publish := func(first, last int) {
		t.Helper()
		if err := o.Publish(t.Context(), outMessages(first, last, 10)); err != nil {
			t.Fatal(err)
		}
	}
	publish(1, 2)
	c := connect(t, l, ConsumerUser)
	heard, err := c.SubscribeSync(SubjectAlerts + "high.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	publish(3, 4)
	for n := 3; n <= 4; n++ {
		m, err := heard.NextMsg(limit)
		if err != nil || m.Header.Get("ce-id") != fmt.Sprint(n) {
			t.Fatalf("heard %v %v, want %d", m, err, n)
		}
	}
	read := func(js jetstream.JetStream, first, last int) {
		t.Helper()
		d, err := js.CreateOrUpdateConsumer(within(t), outName, jetstream.ConsumerConfig{Durable: "mine", FilterSubject: SubjectAlerts + ">", AckPolicy: jetstream.AckExplicitPolicy})
		if err != nil {
			t.Fatal(err)
		}
		for n := first; n <= last; n++ {
			m, err := d.Next(jetstream.FetchMaxWait(limit))
			if err != nil || m.Headers().Get("ce-id") != fmt.Sprint(n) {
				t.Fatalf("read %v %v, want %d", m, err, n)
			}
			if err := m.DoubleAck(within(t)); err != nil {
				t.Fatal(err)
			}
		}
	}
	read(jetStream(t, c), 1, 3)
	if err := l.Restart(within(t)); err != nil {
		t.Fatal(err)
	}
	if err := o.Publish(t.Context(), outMessages(5, 5, 10)); err == nil {
		t.Error("an Out goes on with another server")
	}
	o.Close()
	if o, err = l.OpenOut(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	publish(5, 6)
	read(jetStream(t, connect(t, l, ConsumerUser)), 4, 6)
}
