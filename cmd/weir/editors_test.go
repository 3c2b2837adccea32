package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// editors are some people who change rules, params, features and lists of a service that comes and
// goes. Each changes parts that are its own, and knows what every one of them may be.
type editors struct {
	t     *testing.T
	wait  sync.WaitGroup
	ended chan struct{} // closed when no more changes are to be begun

	mu       sync.Mutex
	url      string // of the service; empty: it is not there
	parts    map[string]*edited
	asked    map[string]string // reasons that were sent, by the position that was answered; empty: none was
	refused  map[string]bool   // of those the ones that changed nothing, as the answer said
	kinds    map[string]int    // changes that were answered, by kind
	statuses map[int]int       // answers other than 200
	silent   int               // changes that were made and had no answer
}

// edited is a part that is changed.
type edited struct {
	may    []string // what it is; or what it was and what it is to be, while a change of it has no answer
	reason string   // the last reason of a change, for what is said
}

// newEditors lets n editors begin; what they do follows from seed.
func newEditors(t *testing.T, n int, seed uint64) *editors {
	e := &editors{
		t: t, ended: make(chan struct{}), parts: map[string]*edited{}, asked: map[string]string{}, refused: map[string]bool{},
		kinds: map[string]int{}, statuses: map[int]int{},
	}
	for i := range n {
		e.wait.Go(func() { e.edit(i, rand.New(rand.NewPCG(seed, uint64(5000+i)))) })
	}
	t.Cleanup(func() {
		if !e.over() {
			e.close()
		}
	})
	return e
}

// open says where the service is now; empty: nowhere.
func (e *editors) open(url string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.url = url
}

func (e *editors) over() bool {
	select {
	case <-e.ended:
		return true
	default:
		return false
	}
}

// close lets the editors finish what they have begun.
func (e *editors) close() {
	close(e.ended)
	e.wait.Wait()
}

// edit is one of the editors.
func (e *editors) edit(number int, r *rand.Rand) {
	for n := 1; !e.over(); {
		e.mu.Lock()
		url := e.url
		e.mu.Unlock()
		if url == "" {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		c := e.change(number, n, r)
		if e.known(url, c.route, c.part) {
			e.send(url, c)
			n++
		}
		time.Sleep(time.Duration(r.IntN(40)) * time.Millisecond)
	}
}

// edit is a change on its way.
type edit struct {
	kind, part, route string // route is where the part is
	method, to        string // to is where the change is sent
	media, body       string
	reason            string
	is                func(was string) string // what becomes of the part
	needs             bool                    // the part has to be there
	query             url.Values
	unless            string        // what the part must not be
	within            time.Duration // then nobody waits for the answer any more
}

// rule is the text of a rule that an editor publishes.
func ruleText(id string, number int, r *rand.Rand) string {
	x, y, s := r.IntN(10), r.IntN(10), 1+r.IntN(3)
	return fmt.Sprintf("id: %s\ntitle: t%d\n", id, number) + []string{
		fmt.Sprintf("on: pay\nkey: card\nwithin: %ds\npattern: a -> b\ndefine: {a: n == %d, b: n >= %d}\n", s, x, y),
		fmt.Sprintf("on: pay\nkey: card\nwithin: %ds\npattern: a -> b\ndefine: {a: n == %d, b: n >= params.least}\n", s, x),
		fmt.Sprintf("on: pay\nkey: card\nwithin: %ds\npattern: a -> b\ndefine: {a: n == %d, b: n >= %d}\n", s, x, y),
		fmt.Sprintf("on: pay\nkey: card\nwithin: %ds\npattern: a -> !b\ndefine: {a: n == %d, b: n == %d}\n", s, x, y),
		fmt.Sprintf("on: pay\nkey: card\nwithin: %ds\npattern: a{2,} -> b\ndefine: {a: n < %d, b: n == %d}\nmeasures: {most: max(a.n)}\nthrottle: 1s\n", s, 2+x/2, y),
		fmt.Sprintf("on: pay\nkey: card\nwhen: n == %d && total > %d\nscore: event.n\n", x, 5*y),
		fmt.Sprintf("on: pay\nkey: card\nwhen: n == %d && in_list(\"bad\", card)\n", x),
		fmt.Sprintf("on: [alert.next, pay]\nkey: card\nwithin: %ds\npattern: hit -> a\ndefine: {hit: {type: alert.next}, a: {type: pay, where: n == %d}}\n", s, x),
		fmt.Sprintf("on: pay\nkey: card\nwhen: n == %d && heat > %d\nscore: 0\n", x, y),
	}[r.IntN(9)]
}

// change thinks of a change.
func (e *editors) change(number, n int, r *rand.Rand) edit {
	c := edit{reason: fmt.Sprintf("editor-%d-%d", number, n), method: http.MethodPut, query: url.Values{}, within: patience}
	if r.IntN(5) == 0 {
		c.within = time.Duration(1+r.IntN(30)) * time.Millisecond
	}
	c.is = func(string) string { return "" }
	if mode := []string{"", "carry", "drain", "reset"}[r.IntN(4)]; mode != "" {
		c.query.Set("on_change", mode)
	}
	if r.IntN(2) == 0 {
		c.query.Set("warm", "false")
	}
	id := fmt.Sprintf("e%d-%d", number, r.IntN(3))
	c.part, c.route = "rule "+id, "/v1/rules/"+id
	switch k := r.IntN(20); {
	case k < 9:
		c.kind, c.media, c.body = "rule", yamlMedia, ruleText(id, n, r)
		c.is = func(string) string { return fmt.Sprintf("t%d active", n) }
	case k < 11:
		c.kind, c.method, c.needs = "delete", http.MethodDelete, true
	case k < 14:
		status := statuses[r.IntN(len(statuses))]
		c.kind, c.method, c.to, c.media, c.body, c.needs = "status", http.MethodPost, c.route+"/status", jsonMedia, fmt.Sprintf(`{"status":%q}`, status), true
		c.unless = status
		c.is = func(was string) string {
			title, _, _ := strings.Cut(was, " ")
			return title + " " + status
		}
	case k < 15 && number == 0:
		value := strconv.Itoa(n)
		c.kind, c.part, c.route, c.media, c.body = "param", "param least", "/v1/params/least", yamlMedia, value
		c.is = func(string) string { return value }
	case k < 15:
		value := fmt.Sprintf("{on: pay, key: card, value: sum(n), over: %dms}", 1000+n)
		c.kind, c.part, c.route, c.media, c.body = "feature", "feature total", "/v1/features/total", yamlMedia, value
		c.is = func(string) string { return value }
	case k < 18:
		card := fmt.Sprintf("k%d-%d", r.IntN(4), 2*r.IntN(3)+number%2)
		c.kind, c.part, c.route, c.query = "entry", "entry "+card, "/v1/lists/bad/entries/"+card, url.Values{}
		c.media, c.body = jsonMedia, "{}"
		c.is = func(string) string { return "there" }
	default:
		card := fmt.Sprintf("k%d-%d", r.IntN(4), 2*r.IntN(3)+number%2)
		c.kind, c.part, c.route, c.query = "removal", "entry "+card, "/v1/lists/bad/entries/"+card, url.Values{}
		c.method, c.needs = http.MethodDelete, true
	}
	if c.to == "" {
		c.to = c.route
	}
	c.query.Set("reason", c.reason)
	return c
}

// statuses are those that a rule may have.
var statuses = []string{"active", "shadow", "disabled"}

// send makes a change, if it is one, and takes in the answer.
func (e *editors) send(url string, c edit) {
	e.mu.Lock()
	p := e.parts[c.part]
	was := p.may[0]
	if c.needs && was == "" || c.unless != "" && strings.HasSuffix(was, " "+c.unless) || c.is(was) == was {
		e.mu.Unlock()
		return
	}
	e.asked[c.reason], p.reason = "", c.reason
	p.may = []string{was, c.is(was)}
	e.mu.Unlock()
	status, text, err := request(c.method, url+c.to+"?"+c.query.Encode(), c.media, c.body, c.within)
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		return // nobody knows what has become of it
	}
	var done struct {
		Position  string
		Unchanged bool
	}
	switch {
	case (status == http.StatusOK || status == http.StatusAccepted) && json.Unmarshal([]byte(text), &done) == nil && done.Position != "" && !done.Unchanged:
		p.may = p.may[1:]
		e.asked[c.reason] = done.Position
		e.kinds[c.kind]++
	case status == http.StatusTooManyRequests, status == http.StatusPreconditionFailed, status == http.StatusUnprocessableEntity && (c.kind == "feature" || strings.Contains(text, "is being run in")):
		p.may = p.may[:1]
		e.refused[c.reason] = true
		e.statuses[status]++
	case status == http.StatusServiceUnavailable, status == http.StatusInsufficientStorage:
		e.statuses[status]++
	default:
		e.t.Errorf("%s %s for %s was answered with %d:\n%s\n%s", c.method, c.to, c.reason, status, c.body, text)
	}
}

// request asks a service, which may die, and does not wait longer for an answer.
func request(method, url, media, body string, within time.Duration) (status int, text string, err error) {
	q, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if media != "" {
		q.Header.Set("Content-Type", media)
	}
	q.Header.Set("Weir-Author", "editor")
	c := http.Client{Timeout: within}
	r, err := c.Do(q)
	if err != nil {
		return 0, "", err
	}
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	return r.StatusCode, string(data), err
}

// known finds out what a part is that is changed for the first time; false: it cannot be known yet.
func (e *editors) known(url, route, part string) bool {
	e.mu.Lock()
	p := e.parts[part]
	if p == nil {
		p = &edited{}
		e.parts[part] = p
	}
	n := len(p.may)
	e.mu.Unlock()
	if n > 0 {
		return n == 1 // the service that took the change may still be about it
	}
	is, err := shownAs(url, route, part)
	if err != nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	p.may = []string{is}
	return true
}

// settle says of changes without an answer what has become of them, once the service is dead: they
// were made if they are on the log.
func (e *editors) settle(there map[string][]uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.parts {
		switch {
		case len(p.may) < 2:
		case len(there[p.reason]) > 0:
			p.may = p.may[1:]
			e.silent++
		default:
			p.may = p.may[:1]
		}
	}
}

// shownAs is what a part is, as the service shows it.
func shownAs(url, route, part string) (is string, err error) {
	status, text, err := request(http.MethodGet, url+route, "", "", patience)
	if err != nil || status == http.StatusNotFound {
		return "", err
	}
	var shown struct{ Title, Status, Text string }
	if err := json.Unmarshal([]byte(text), &shown); err != nil || status != http.StatusOK {
		return "", fmt.Errorf("%s: %d %s", route, status, text)
	}
	switch kind, _, _ := strings.Cut(part, " "); kind {
	case "rule":
		return shown.Title + " " + shown.Status, nil
	case "entry":
		return "there", nil
	}
	return shown.Text, nil
}

// agree checks that all parts are what they are to be. No change is on its way; dead is closed when the
// service is not there any more.
func (e *editors) agree(url string, dead <-chan struct{}) {
	e.t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, part := range slices.Sorted(maps.Keys(e.parts)) {
		p := e.parts[part]
		kind, name, _ := strings.Cut(part, " ")
		route := map[string]string{"rule": "/v1/rules/", "param": "/v1/params/", "feature": "/v1/features/", "entry": "/v1/lists/bad/entries/"}[kind] + name
		is, err := shownAs(url, route, part)
		if err != nil {
			select {
			case <-dead:
				return
			default:
			}
		}
		if err != nil || len(p.may) > 0 && p.may[0] != is {
			e.t.Errorf("%s is %q (%v) after %s, expected %q", part, is, err, p.reason, p.may)
		}
	}
}

// answered counts the changes that were answered.
func (e *editors) answered() (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, k := range e.kinds {
		n += k
	}
	return n
}

// sent is a copy of what was asked, by reason, with the position that was answered; changes that
// were refused are told apart.
func (e *editors) sent() (asked map[string]string, refused map[string]bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.asked), maps.Clone(e.refused)
}
