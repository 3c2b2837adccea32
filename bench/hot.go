package bench

import (
	"fmt"
	"time"

	"weir/cep"
)

// hot is a stream of one key, one event a millisecond: every closing-th is of
// type B, the others of type A.
type hot struct{ n, closing int }

func (h hot) Len() int { return h.n }

func (h hot) Time(i int) int64 { return begin + int64(i)*int64(time.Millisecond) }

func (h hot) Type(i int) string {
	if i%h.closing == h.closing-1 {
		return "B"
	}
	return "A"
}

func (h hot) Value(i int, field string) cep.Value {
	switch field {
	case "k":
		return cep.TextValue("hot")
	case "ts":
		return cep.TimeValue(h.Time(i))
	}
	return cep.Value{}
}

func (h hot) AppendJSON(dst []byte, i int) []byte {
	return append(appendText(appendHead(dst, h.Type(i), h.Time(i)), "k", "hot"), "}\n"...)
}

// HotRule waits at every A for a B, by the given link. It is on C too, which no
// step takes.
func HotRule(link string, open int) string {
	return fmt.Sprintf(`rules:
  - id: hot
    on: [A, B, C]
    key: k
    within: 6h
    pattern: a %s b
    define: {a: {type: A}, b: {type: B}}
    skip: none
    limit: {open: %d}
`, link, open)
}

// same is a stream of n events of type C of one key, one a millisecond from
// a given time on.
type same struct {
	n   int
	key string
	at  int64 // nanoseconds since the epoch
}

func (s same) Len() int { return s.n }

func (s same) Time(i int) int64 { return s.at + int64(i)*int64(time.Millisecond) }

func (s same) Type(int) string { return "C" }

func (s same) Value(i int, field string) cep.Value {
	switch field {
	case "k":
		return cep.TextValue(s.key)
	case "ts":
		return cep.TimeValue(s.Time(i))
	}
	return cep.Value{}
}

func (s same) AppendJSON(dst []byte, i int) []byte {
	return append(appendText(appendHead(dst, "C", s.Time(i)), "k", s.key), "}\n"...)
}
