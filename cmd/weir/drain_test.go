package main

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

// TestDrainSlowBody: the service is told to stop while a body comes that does not end. It ends
// all the same, without an error, once the time for requests is over.
func TestDrainSlowBody(t *testing.T) {
	rules := writeFile(t, "rules.yaml", "rules:\n  - {id: one, on: tick, key: k, when: n == 1}\n")
	s := startServe(t, t.TempDir()+"/data", []string{rules}, nil)
	s.post(t, []byte(`{"type":"tick","ts":1767000000000,"k":"k","n":1}`+"\n"))
	c, err := net.Dial("tcp", s.server.Addr())
	must(t, err)
	defer c.Close()
	fmt.Fprintf(c, "POST /v1/events HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-ndjson\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n", s.server.Addr())
	head := make([]byte, 12)
	if _, err := c.Read(head); err != nil || !strings.HasPrefix(string(head), "HTTP/1.1 100") { // the handler reads the body
		t.Fatalf("%q, %v", head, err)
	}
	fmt.Fprint(c, `{"type":`)
	s.shut(t)
	if !strings.Contains(string(s.said.Bytes()), "some requests did not end in time") {
		t.Errorf("the service says\n%s", s.said.Bytes())
	}
}
