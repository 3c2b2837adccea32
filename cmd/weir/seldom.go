package main

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// seldom is a log of what may be said again and again for as long as something does not work,
// several times a second: of each text the first is written, then one a minute at
// most, which says how often it came in between. What differs in digits alone is the same.
type seldom struct {
	slog.Handler
	said *saidBefore
}

type saidBefore struct {
	mu   sync.Mutex
	last map[string]*saying
}

// saying is when something was written last, and how often it was left out since.
type saying struct {
	at      time.Time
	leftOut int
}

const (
	sayEvery    = time.Minute
	mostSayings = 1000 // beyond that all are forgotten, and written again
)

func newSeldom(h slog.Handler) *slog.Logger {
	return slog.New(&seldom{h, &saidBefore{last: map[string]*saying{}}})
}

// Handle is slog.Handler.
func (s *seldom) Handle(ctx context.Context, r slog.Record) error {
	n, say := s.said.again(r.Message, r.Time)
	if !say {
		return nil
	}
	if n > 0 {
		r.AddAttrs(slog.Int("times_since", n))
	}
	return s.Handler.Handle(ctx, r)
}

// again says whether a text is to be written, and how often it was not since the last time.
func (b *saidBefore) again(text string, now time.Time) (leftOut int, say bool) {
	key := strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return -1
		}
		return c
	}, text)
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.last[key]
	if was != nil && now.Sub(was.at) < sayEvery {
		was.leftOut++
		return 0, false
	}
	if was == nil && len(b.last) >= mostSayings {
		clear(b.last)
	}
	b.last[key] = &saying{at: now}
	if was == nil {
		return 0, true
	}
	return was.leftOut, true
}

// WithAttrs is slog.Handler.
func (s *seldom) WithAttrs(list []slog.Attr) slog.Handler {
	return &seldom{s.Handler.WithAttrs(list), s.said}
}

// WithGroup is slog.Handler.
func (s *seldom) WithGroup(name string) slog.Handler {
	return &seldom{s.Handler.WithGroup(name), s.said}
}
