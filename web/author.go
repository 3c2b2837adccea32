package web

import (
	"net"
	"net/http"
	"net/url"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"weir/cep"
)

// authorHeader says who asks for a change, as long as nobody has a token that says it.
const authorHeader = "Weir-Author"

// changeParameters are those of every route that changes something.
var changeParameters = []*huma.Param{
	{Name: "reason", In: "query", Description: "why, for those who come later: at most 1,000 bytes", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: new(cep.MaxReason)}},
	{Name: authorHeader, In: "header", Description: "who asks for the change: 1 to 128 bytes of printable text; without it the address is noted", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: new(cep.MaxAuthor)}},
}

// change is who asks for a change, and why. What is done, and to what, is for the caller to
// fill in.
func change(r *http.Request) (cep.Audit, error) {
	who := cep.Audit{Author: author(r)}
	if n := len(who.Author); n > cep.MaxAuthor || !printable(who.Author) {
		return cep.Audit{}, problem(http.StatusBadRequest, codeParameter, "expected 1 to %d bytes of printable UTF-8 in the header %s, found %d", cep.MaxAuthor, authorHeader, n)
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return cep.Audit{}, problem(http.StatusBadRequest, codeParameter, "the query of the address cannot be read: expected NAME=VALUE, joined by &, with %%XX for special characters")
	}
	who.Reason = query.Get("reason")
	return who, checkReason(who.Reason)
}

// checkReason refuses a reason that is none.
func checkReason(reason string) error {
	switch n := len(reason); {
	case n > cep.MaxReason:
		return problem(http.StatusBadRequest, codeParameter, "expected a reason of at most %d bytes, found %d", cep.MaxReason, n)
	case !utf8.ValidString(reason):
		return problem(http.StatusBadRequest, codeParameter, "expected UTF-8 as the reason")
	}
	return nil
}

// author is who a request says it is of; else from where it came.
func author(r *http.Request) string {
	if name := r.Header.Get(authorHeader); name != "" {
		return name
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return "anonymous@" + host
	}
	return "anonymous"
}

// printable reports whether a text shows as it is.
func printable(s string) bool {
	for _, c := range s {
		if c == utf8.RuneError || !unicode.IsPrint(c) {
			return false
		}
	}
	return true
}
