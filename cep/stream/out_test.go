package stream

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// outMessages are messages with the numbers from first to last.
func outMessages(first, last, bytes int) (list []OutMessage) {
	for n := first; n <= last; n++ {
		list = append(list, OutMessage{
			Subject: SubjectAlerts + "high.r", ID: fmt.Sprint("a.", n), Headers: [][2]string{{"ce-id", fmt.Sprint(n)}},
			Body: fmt.Appendf(nil, `{"n":%d,"text":%q}`, n, strings.Repeat("x", bytes)), Place: fmt.Sprint("place-", n),
		})
	}
	return list
}

// published gives the ids that an Out has.
func published(t *testing.T, l *Log) string {
	t.Helper()
	var ids []string
	err := l.EachOut(t.Context(), func(m *OutMessage) error {
		ids = append(ids, m.ID)
		if want := strings.TrimPrefix(m.ID, "a."); m.Place != "place-"+want || len(m.Headers) != 1 || m.Headers[0] != [2]string{"ce-id", want} || !strings.HasPrefix(string(m.Body), `{"n":`+want+`,`) {
			t.Errorf("%s: %+v", m.ID, m)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(ids, " ")
}

// TestOut publishes batches, of which some have messages that are there already: each is
// there once, in order, also after the server was started again.
func TestOut(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if got := published(t, l); got != "" {
		t.Errorf("before there is a stream: %s", got)
	}
	options := OutOptions{Size: MinOutSize, Age: time.Hour}
	o, err := l.OpenOut(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	place := func(want string) {
		t.Helper()
		if got, err := o.LastPlace(t.Context()); got != want || err != nil {
			t.Errorf("place %q %v, want %q", got, err, want)
		}
	}
	publish := func(first, last int) {
		t.Helper()
		if err := o.Publish(t.Context(), outMessages(first, last, 10)); err != nil {
			t.Fatal(err)
		}
		place(fmt.Sprint("place-", last))
	}
	place("")
	publish(1, 1)
	publish(2, 4)
	publish(3, 6) // 3 and 4 are there
	if got := published(t, l); got != "a.1 a.2 a.3 a.4 a.5 a.6" {
		t.Error(got)
	}
	if err := l.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	options.Size *= 2
	o.Close()
	if o, err = l.OpenOut(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	place("place-6")
	publish(7, 8)
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := o.Publish(t.Context(), outMessages(9, 9, 10)); err == nil {
		t.Error("a closed log takes messages")
	}
	if l, err = Open(t.Context(), Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	defer l.Close(context.Background())
	if got := published(t, l); got != "a.1 a.2 a.3 a.4 a.5 a.6 a.7 a.8" {
		t.Error(got)
	}
	if last, err := l.Last(t.Context()); last != 0 || err != nil {
		t.Errorf("the log has %d records, %v", last, err)
	}
}

// TestOutBounds drops the oldest messages at the size, and refuses what is too large for any.
func TestOutBounds(t *testing.T) {
	l, err := Open(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(context.Background())
	o, err := l.OpenOut(t.Context(), OutOptions{Size: MinOutSize, Age: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	const n, size = 30, 1 << 20
	for i := 1; i <= n; i += 3 {
		if err := o.Publish(t.Context(), outMessages(i, i+2, size)); err != nil {
			t.Fatal(err)
		}
	}
	ids := strings.Fields(published(t, l))
	if len(ids) == 0 || len(ids) > MinOutSize/size || ids[len(ids)-1] != fmt.Sprint("a.", n) {
		t.Errorf("%d messages are kept: %v", len(ids), ids)
	}
	full := outMessages(n+1, n+1, 0)
	full[0].Body = make([]byte, MaxRecord)
	if err := o.Publish(t.Context(), full); err != nil {
		t.Errorf("the largest message: %v", err)
	}
}
