package web

import (
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// host is the host of the address that the service listens on. A port on loopback can be
// reached by any web page that is open on the machine, under a name of its own that leads
// there: so requests have to name this host, or loopback.
type host struct {
	name string // lower case, without brackets
	all  bool   // each address of the machine
}

// listenHost reads host:port.
func listenHost(listen string) (host, error) {
	name, _, err := net.SplitHostPort(listen)
	if err != nil {
		return host{}, fmt.Errorf("listen: %q is no address: expected host and port, like 127.0.0.1:8080", listen)
	}
	h := host{name: strings.ToLower(name)}
	addr, err := netip.ParseAddr(name)
	h.all = name == "" || err == nil && addr.IsUnspecified()
	return h, nil
}

// loopback reports whether a host is this machine alone.
func loopback(name string) bool {
	if name == "localhost" || name == "localhost." {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.IsLoopback()
}

// check refuses a request that names another host, or comes from a page of another host.
func (h host) check(r *http.Request) error {
	if !h.allows(r.Host) {
		return problem(http.StatusForbidden, codeHost, "expected a Host that is loopback or what the service listens on, found %q", shorten(r.Host))
	}
	for _, origin := range r.Header.Values("Origin") {
		u, err := url.Parse(origin)
		if err != nil || !strings.EqualFold(u.Host, r.Host) || u.Host == "" {
			return problem(http.StatusForbidden, codeOrigin, "the request comes from a page of another host, %q", shorten(origin))
		}
	}
	return nil
}

// allows reports whether a request may name a host, with a port or without.
func (h host) allows(named string) bool {
	name, _, err := net.SplitHostPort(named)
	if err != nil {
		name = strings.TrimSuffix(strings.TrimPrefix(named, "["), "]")
	}
	name = strings.ToLower(name)
	if loopback(name) || name == h.name && name != "" {
		return true
	}
	// A page of elsewhere can make its name lead here, but not a number its name.
	_, err = netip.ParseAddr(name)
	return h.all && err == nil
}

// checkMedia refuses a body that is not of one of some types. It also keeps web pages out,
// which can send no other type than text without being asked first.
func checkMedia(types []string, r *http.Request) error {
	found := r.Header.Get("Content-Type")
	media, params, err := mime.ParseMediaType(found)
	charset := params["charset"]
	switch {
	case err != nil || !slices.Contains(types, media):
		return problem(http.StatusUnsupportedMediaType, codeMedia, "expected a body with Content-Type %s, found %q", strings.Join(types, " or "), shorten(found))
	case charset != "" && !strings.EqualFold(charset, "utf-8"):
		return problem(http.StatusUnsupportedMediaType, codeMedia, "expected UTF-8, found the charset %q", shorten(charset))
	}
	return nil
}

// checkQuery refuses what stands in the query and is no parameter of the route, or twice: a
// filter with a typing error would find too much.
func checkQuery(o *huma.Operation, r *http.Request) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return problem(http.StatusBadRequest, codeParameter, "the query of the address cannot be read: expected NAME=VALUE, joined by &, with %%XX for special characters")
	}
	var names []string
	for _, p := range o.Parameters {
		if p.In == "query" {
			names = append(names, p.Name)
		}
	}
	for name, values := range query {
		switch {
		case !slices.Contains(names, name) && len(names) == 0:
			return problem(http.StatusBadRequest, codeParameter, "%s has no parameters, found %q", o.Path, shorten(name))
		case !slices.Contains(names, name):
			return problem(http.StatusBadRequest, codeParameter, "%s has no parameter %q, only %s", o.Path, shorten(name), strings.Join(names, ", "))
		case len(values) > 1:
			return problem(http.StatusBadRequest, codeParameter, "the parameter %s stands there %d times, expected once", name, len(values))
		}
	}
	return nil
}
