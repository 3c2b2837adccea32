package state

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"weir/alerts"
	"weir/cep"
)

// history is what a random run of commits stored: versions in their order.
type history struct {
	rules    []*cep.Rule
	rand     *rand.Rand
	versions []cep.Alert
	latest   map[string]int // index of the latest version by id
	sequence uint64
}

func newHistory(seed uint64) *history {
	return &history{
		rules: []*cep.Rule{ruleOf("one"), ruleOf("two")}, rand: rand.New(rand.NewPCG(seed, 0)), latest: map[string]int{},
	}
}

// next is a commit of some new alerts and some versions of old ones.
func (h *history) next() *cep.Commit {
	var list []cep.Alert
	for range h.rand.IntN(8) {
		a := alertOf(h.rules[h.rand.IntN(2)], len(h.versions), 1, cep.MatchAlert)
		if h.rand.IntN(3) == 0 && len(h.versions) > 0 {
			a = h.versions[h.rand.IntN(len(h.versions))]
			a = h.versions[h.latest[a.ID]]
			a.Version++
			a.Kind = cep.RetractedAlert + cep.AlertKind(a.Version%2)
		}
		h.latest[a.ID] = len(h.versions)
		h.versions = append(h.versions, a)
		list = append(list, a)
	}
	h.sequence += 1 + h.rand.Uint64N(3)
	return commitOf(cep.Position{Incarnation: 1, Sequence: h.sequence}, list...)
}

// listed is what List is to give as of the first n versions.
func (h *history) listed(f alerts.Filter, n int) (names []string) {
	seen := map[string]bool{}
	for i := n - 1; i >= 0; i-- {
		a := &h.versions[i]
		it := alerts.Of(a, nil)
		if !seen[a.ID] && f.Match(&it) {
			names = append(names, nameOf(&it))
		}
		seen[a.ID] = true
	}
	return names
}

// TestListPages reads lists page by page while commits go on between the pages: what comes
// after the first page changes nothing.
func TestListPages(t *testing.T) {
	s := opened(t, t.TempDir(), Options{})
	h := newHistory(1)
	filters := []alerts.Filter{
		{},
		{Rule: "one"},
		{Kind: "retracted"},
		{Kind: "match", Rule: "two"},
		{Key: alerts.Part{Name: "card_id", Value: "c3"}},
		{From: at + 50e9, To: at + 150e9},
		{Rule: "none"},
	}
	some := 0
	for i := range 60 {
		commit(t, s, h.next())
		f, limit := filters[i%len(filters)], 1+i%9
		want := h.listed(f, len(h.versions))
		var got []string
		page := 0
		for after := ""; ; {
			list, next, err := s.List(f, limit, after)
			if err != nil {
				t.Fatal(err)
			}
			for j := range list {
				got = append(got, nameOf(&list[j]))
			}
			if after = next; next == "" {
				break
			}
			if page++; page <= 3 {
				commit(t, s, h.next())
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%+v by %d: %v, expected %v", f, limit, got, want)
		}
		some += len(got)
	}
	if some < 300 {
		t.Errorf("only %d alerts were listed", some)
	}
}

// TestListWhileCommitting lists on other goroutines than the one that commits.
func TestListWhileCommitting(t *testing.T) {
	s := opened(t, t.TempDir(), Options{})
	h := newHistory(2)
	commit(t, s, h.next())
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				seen := map[string]bool{}
				for after := ""; ; {
					list, next, err := s.List(alerts.Filter{}, 7, after)
					if err != nil {
						t.Error(err)
						return
					}
					for i := range list {
						if seen[list[i].ID] {
							t.Errorf("%s is listed twice", list[i].ID)
						}
						seen[list[i].ID] = true
					}
					if after = next; next == "" {
						break
					}
				}
			}
		})
	}
	for range 60 {
		commit(t, s, h.next())
	}
	close(stop)
	wg.Wait()
	if got, want := pages(t, s, alerts.Filter{}, 50), h.listed(alerts.Filter{}, len(h.versions)); !slices.Equal(got, want) {
		t.Errorf("in the end %v, expected %v", got, want)
	}
}

// TestListScan looks for few alerts among many: a call ends before the end of the list, and
// the next goes on.
func TestListScan(t *testing.T) {
	s := opened(t, t.TempDir(), Options{})
	rare, many := ruleOf("rare"), ruleOf("many")
	list := []cep.Alert{alertOf(rare, 0, 1, cep.MatchAlert)}
	for i := range mostScanned + 10 {
		list = append(list, alertOf(many, i+1, 1, cep.MatchAlert))
	}
	commit(t, s, commitOf(cep.Position{Incarnation: 1, Sequence: 1}, list...))
	first, next, err := s.List(alerts.Filter{Rule: "rare"}, 10, "")
	if err != nil || len(first) != 0 || next == "" {
		t.Fatalf("the first page has %d alerts, next %q, %v", len(first), next, err)
	}
	second, next, err := s.List(alerts.Filter{Rule: "rare"}, 10, next)
	if err != nil || len(second) != 1 || next != "" {
		t.Errorf("the second page has %d alerts, next %q, %v", len(second), next, err)
	}
}

// TestListAfter refuses texts that are no place in a list.
func TestListAfter(t *testing.T) {
	s := opened(t, t.TempDir(), Options{})
	for _, after := range []string{"x", "5", "5-", "-5", "3-5", "5-3 ", "05-3", "5-3-1", "99999999999999999999-1"} {
		if _, _, err := s.List(alerts.Filter{}, 10, after); err == nil || !strings.Contains(err.Error(), "not a place") {
			t.Errorf("after %q: %v", after, err)
		}
	}
}

// TestGetCollision passes over versions of another alert whose id has the same hash.
func TestGetCollision(t *testing.T) {
	s := opened(t, t.TempDir(), Options{})
	rule := ruleOf("probe")
	commit(t, s, commitOf(cep.Position{Incarnation: 1, Sequence: 1}, alertOf(rule, 1, 1, cep.MatchAlert), alertOf(rule, 2, 1, cep.MatchAlert)))
	// The second is put where the first is looked for.
	putKey(t, s, idsBucket, idKey(alertOf(rule, 1, 1, cep.MatchAlert).ID, 2))
	versions, err := s.Get(alertOf(rule, 1, 1, cep.MatchAlert).ID)
	if err != nil || len(versions) != 1 || nameOf(&versions[0]) != "1.1" {
		t.Errorf("got %d versions, %v", len(versions), err)
	}
	if got := fmt.Sprint(pages(t, s, alerts.Filter{}, 10)); got != "[2.1 1.1]" {
		t.Errorf("listed %s", got)
	}
}
