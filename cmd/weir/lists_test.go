package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/cep"
	"weir/cep/stream"
	"weir/state"
)

const listedRules = `
events:
  pay: {time: ts, id: id, fields: {ts: time, id: string, card: string, n: number}}
lists:
  cards: {type: string, file: cards.csv}
rules:
  - {id: listed, on: pay, key: card, when: 'in_list("cards", card)'}
`

// manyCards is a file of a list: 2.5 MB, which is three parts, and a few cards more.
func manyCards(more ...string) string {
	var b strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&b, "card-%07d\n", i)
	}
	for _, card := range more {
		b.WriteString(card + "\n")
	}
	return b.String()
}

// listParts are the records of a log that have parts of lists, by the digest of the whole.
func listParts(t *testing.T, dir string) map[string]int {
	t.Helper()
	l, err := stream.Open(t.Context(), stream.Options{Dir: filepath.Join(copyOf(t, dir), "log"), Size: 1 << 30, Durability: stream.Interval})
	must(t, err)
	defer l.Close(context.Background())
	last, err := l.Last(t.Context())
	must(t, err)
	parts := map[string]int{}
	for after := uint64(0); after < last; {
		records, err := l.Read(t.Context(), after, nil)
		must(t, err)
		for i := range records {
			after = records[i].Sequence
			p, err := cep.Unpack(records[i].Data)
			must(t, err)
			if p.Kind == cep.PackedList {
				parts[p.Of]++
			}
		}
	}
	return parts
}

// TestLargeList serves a list that the record of the rules has no room for. The process is killed
// after each of its parts: no part is put on the log twice, and the list takes effect with the
// record of the rules. Unchanged it is not published again; a replay brings the same alerts.
func TestLargeList(t *testing.T) {
	h := newHost(t, t.TempDir(), listedRules, "--set", "log.size=64MB", "--set", "state.reserve=0B", "--set", "state.checkpoint.every=100ms")
	cards := filepath.Join(filepath.Dir(h.rules), "cards.csv")
	serves := func(id, card string, again bool) {
		t.Helper()
		s := h.start()
		if !s.ready() {
			t.Fatalf("the service does not start:\n%s", s.said())
		}
		if strings.Contains(s.said(), "rules published") == again {
			t.Errorf("the rules are published: %t, want %t:\n%s", again, !again, s.said())
		}
		a, err := post(s.url, id, payment(id, time.Now(), card, 1)+payment(id+"-b", time.Now(), "card-0199999", 1)+payment(id+"-c", time.Now(), "other", 1))
		if err != nil || a.Accepted != 3 {
			t.Fatalf("%+v, %v", a, err)
		}
		s.settled()
		s.kill()
	}
	crashes := func(n int) {
		t.Helper()
		for range n {
			s := h.start("WEIR_FAILPOINT=list:1")
			if s.ready() || !s.died() {
				t.Fatalf("the service was not killed:\n%s", s.said())
			}
		}
	}
	must(t, os.WriteFile(cards, []byte(manyCards()), 0o600))
	crashes(3)
	serves("one", "new", false)
	serves("two", "new", true)
	must(t, os.WriteFile(cards, []byte(manyCards("new")), 0o600))
	crashes(2)
	serves("three", "new", false)
	parts := listParts(t, h.data)
	if len(parts) != 2 {
		t.Errorf("there are versions %v, want 2", parts)
	}
	for of, n := range parts {
		if n != 3 {
			t.Errorf("version %.8s has %d parts, want 3", of, n)
		}
	}
	got := storedLines(t, h.data)
	for id, want := range map[string]bool{"one": false, "two": false, "three": true, "one-b": true, "two-b": true, "three-b": true, "three-c": false} {
		if strings.Contains(got, fmt.Sprintf(`"id":%q,"ts"`, id)) != want {
			t.Errorf("%s alerts: %t, want %t", id, !want, want)
		}
	}
	var told strings.Builder
	if err := (&replayCommand{Data: file(h.data)}).Run(&streams{nil, &told, &told}); err != nil {
		t.Errorf("replay: %v\n%s", err, &told)
	}
}

// TestOldListsGo lets the log drop its first events: of the versions of a list those stay that
// rules have named since, and the state goes on.
func TestOldListsGo(t *testing.T) {
	dir, folder := t.TempDir(), t.TempDir()
	must(t, os.WriteFile(filepath.Join(folder, "rules.yaml"), []byte(listedRules), 0o600))
	file := filepath.Join(folder, "cards.csv")
	set := map[string]string{"log.size": "16MB", "state.checkpoint.every": "100ms"}
	n := 0
	for version := range 3 {
		must(t, os.WriteFile(file, []byte(manyCards(fmt.Sprint("v", version))), 0o600))
		s := startServe(t, dir, []string{folder}, set)
		for !droppedRules(t, s) {
			n++
			pad := strings.TrimSuffix(payment(fmt.Sprint("pad", n), time.Now(), "other", 1), "}\n") + fmt.Sprintf(`,"more":%q}`+"\n", strings.Repeat("x", 400<<10))
			a, err := post("http://"+s.server.Addr(), "", pad)
			must(t, err)
			if a.status == http.StatusInsufficientStorage { // until a checkpoint lets the log drop something
				time.Sleep(time.Millisecond)
			}
		}
		s.post(t, []byte(payment(fmt.Sprint("last", version), time.Now(), fmt.Sprint("v", version), 1)))
		settledUp(s)
		s.shut(t)
	}
	parts := listParts(t, dir)
	if len(parts) != 2 { // the last one is in force, the one before it was when the log began
		t.Errorf("there are versions %v", parts)
	}
	if got := storedLines(t, dir); strings.Count(got, `"kind":"match"`) != 3 {
		t.Errorf("alerts:\n%s", got)
	}
}

// droppedRules says whether the log begins behind the rules in force.
func droppedRules(t *testing.T, s *tested) bool {
	t.Helper()
	begins, err := s.stream.Begins(t.Context())
	must(t, err)
	controls, err := s.stream.Controls(t.Context())
	must(t, err)
	in := uint64(0)
	for _, c := range controls {
		if p, err := cep.Unpack(c.Data); err == nil && p.Kind == cep.PackedRules {
			in = c.Sequence
		}
	}
	return begins > in
}

// TestListsTooLarge says what to do where the lists do not fit the log.
func TestListsTooLarge(t *testing.T) {
	folder := t.TempDir()
	must(t, os.WriteFile(filepath.Join(folder, "rules.yaml"), []byte(listedRules), 0o600))
	must(t, os.WriteFile(filepath.Join(folder, "cards.csv"), []byte(manyCards()), 0o600))
	c := serveCommand{Rules: []string{folder}, Data: t.TempDir(), Listen: "127.0.0.1:0"}
	c.Set = map[string]string{"log.size": "8MB"}
	err := c.Run(&streams{nil, new(strings.Builder), new(strings.Builder)})
	if err == nil || !strings.Contains(err.Error(), "the files of lists have 2600000 bytes, and the log takes 2097152 of them") {
		t.Errorf("%v", err)
	}
	store, err := state.Open(c.Data, state.Options{})
	must(t, err)
	must(t, store.Close())
}
