package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"weir/alerts"
	"weir/cep/stream"
	"weir/failpoint"
	"weir/state"
)

// outlet publishes what is stored to the stream WEIR_OUT: versions of alerts in the order of
// storing, then what was late, rejected or in conflict. It follows the store by its own
// place and nobody waits for it, so nothing is lost when it is slow. How far it has come
// stands in the last message of the stream, and beside the alerts for when that is gone.
type outlet struct {
	store   *state.Store
	log     *stream.Log
	options stream.OutOptions
	news    *news
	said    *slog.Logger
	mask    func() *alerts.Mask // what must not leave, by the rules in force

	out   *stream.Out
	at    alerts.Leaving
	noted alerts.Leaving // what the store has of it
	when  time.Time      // it was noted

	published [outTopics]atomic.Uint64
	missed    atomic.Uint64
	cut       atomic.Uint64
	waiting   atomic.Uint64
	down      atomic.Pointer[string]
}

// Topics of an outlet.
const (
	outAlerts = iota
	outLate
	outRejected
	outTopics
)

const (
	outBytes = 4 << 20 // of alerts that are published at once

	// outPace is how long an outlet gathers what comes: each batch is a write to the disk, which
	// the log needs too.
	outPace = 50 * time.Millisecond

	// noteEvery is how often it is noted beside the alerts how far it has come.
	noteEvery = time.Second

	// lastTime is how long an outlet may take for what is left when the service ends; what
	// remains then is published by the next start.
	lastTime = 2 * time.Second
)

// leavingStrays are the kinds of strays that leave, and under which topic.
var leavingStrays = []struct {
	kind    alerts.StrayKind
	topic   int
	subject string
}{
	{alerts.LateStray, outLate, stream.SubjectLate},
	{alerts.RejectedStray, outRejected, stream.SubjectRejected},
	{alerts.ConflictStray, outRejected, stream.SubjectRejected},
}

// run publishes until ctx ends, and then for a short time what is left.
func (o *outlet) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := o.follow(ctx)
		if err == nil || ctx.Err() != nil {
			break
		}
		o.count() // where it fails, so did what is said of it
		why := err.Error()
		if before := o.down.Swap(&why); before == nil || *before != why {
			o.said.Warn("what leaves is not published, and waits", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(retryEvery):
		}
	}
	if o.out == nil {
		return
	}
	defer o.out.Close()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTime)
	defer cancel()
	if err := o.rest(last); err == nil {
		err = o.note()
		if err != nil {
			o.said.Warn("it could not be noted how far what leaves has come", "error", err)
		}
	}
}

// follow publishes what there is, and what comes, until ctx ends.
func (o *outlet) follow(ctx context.Context) error {
	if err := o.open(ctx); err != nil {
		return err
	}
	o.down.Store(nil)
	for {
		heard, begun := o.news.heard(), time.Now()
		if err := o.rest(ctx); err != nil {
			return err
		}
		var note <-chan time.Time // nil: there is nothing to note
		if o.at != o.noted {
			note = time.After(noteEvery)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-note:
			if err := o.note(); err != nil {
				return err
			}
		case <-heard:
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(outPace - time.Since(begun)):
			}
		}
	}
}

// open makes the stream, and finds out how far it has come.
func (o *outlet) open(ctx context.Context) error {
	kept, err := o.store.Leaving()
	if err != nil {
		return err
	}
	if o.out == nil {
		o.at = kept
	} else {
		o.out.Close()
	}
	out, err := o.log.OpenOut(ctx, o.options)
	if err != nil {
		return err
	}
	o.out = out
	place, err := out.LastPlace(ctx)
	if err != nil {
		return err
	}
	o.noted = kept
	if !kept.Started {
		// The alerts were begun anew, or nothing was ever published: a stream that is there
		// speaks of others.
		kept.Started = true
		if err := o.store.Left(kept); err != nil {
			return err
		}
		o.noted = kept
	} else if last, ok := readOutPlace(place, o.store.Home()); ok {
		known, err := o.known(last)
		if err != nil {
			return err
		}
		if known {
			kept = last
		}
	}
	o.at = kept
	return nil
}

// known says whether all up to a place was stored: alerts that were put back from an older
// copy have come less far than the stream.
func (o *outlet) known(at alerts.Leaving) (bool, error) {
	_, last, err := o.store.Span()
	if err != nil || at.Alerts > last {
		return false, err
	}
	for _, s := range leavingStrays {
		_, ever, err := o.store.Strays(s.kind, 0, 0)
		if err != nil || at.Strays[s.kind] > ever {
			return false, err
		}
	}
	return true, nil
}

// rest publishes all that is stored and was not published.
func (o *outlet) rest(ctx context.Context) error {
	for {
		n, err := o.someAlerts(ctx)
		if err != nil {
			return err
		}
		for i := range leavingStrays {
			m, err := o.someStrays(ctx, i)
			if err != nil {
				return err
			}
			n += m
		}
		if err := o.count(); err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		if time.Since(o.when) > noteEvery {
			if err := o.note(); err != nil {
				return err
			}
		}
	}
}

// count looks how many alerts wait.
func (o *outlet) count() error {
	_, last, err := o.store.Span()
	o.waiting.Store(last - min(last, o.at.Alerts))
	return err
}

// someAlerts publishes the next versions of alerts.
func (o *outlet) someAlerts(ctx context.Context) (int, error) {
	list, err := o.store.After(o.at.Alerts, stream.MostOut, outBytes)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	at, missed := o.at, uint64(0)
	messages := make([]stream.OutMessage, len(list))
	mask := o.mask()
	for i := range list {
		it := &list[i]
		missed += it.Order - at.Alerts - 1
		at.Alerts = it.Order
		messages[i] = stream.OutMessage{
			Subject: stream.SubjectAlerts + it.Severity + "." + it.Rule, ID: it.MessageID(),
			Headers: it.CloudHeaders(), Body: o.body(mask, &it.Item), Place: outPlace(at, o.store.Home()),
		}
	}
	if err := o.publish(ctx, messages, at, outAlerts); err != nil {
		return 0, err
	}
	o.missed.Add(missed)
	return len(list), nil
}

// body is an alert as it leaves.
func (o *outlet) body(mask *alerts.Mask, it *alerts.Item) []byte {
	masked := mask.Item(it)
	text := masked.AppendJSON(nil)
	if len(text) > o.log.MaxRecord() {
		o.cut.Add(1)
		return masked.AppendHead(nil)
	}
	return text
}

// someStrays publishes the next events of a kind that were not matched.
func (o *outlet) someStrays(ctx context.Context, i int) (int, error) {
	s := &leavingStrays[i]
	list, err := o.store.StraysAfter(s.kind, o.at.Strays[s.kind], stream.MostOut)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	at, missed := o.at, uint64(0)
	messages := make([]stream.OutMessage, len(list))
	mask := o.mask()
	for i := range list {
		stray := &list[i]
		missed += stray.Number - at.Strays[s.kind] - 1
		at.Strays[s.kind] = stray.Number
		body, err := strayBody(mask, stray)
		if err != nil {
			return 0, err
		}
		messages[i] = stream.OutMessage{
			Subject: s.subject, ID: fmt.Sprintf("%s.%s.%d", homeText(o.store.Home()), stray.Kind, stray.Number),
			Headers: [][2]string{{"content-type", "application/json"}}, Body: body, Place: outPlace(at, o.store.Home()),
		}
	}
	if err := o.publish(ctx, messages, at, s.topic); err != nil {
		return 0, err
	}
	o.missed.Add(missed)
	return len(list), nil
}

// publish publishes messages, with which all up to at is.
func (o *outlet) publish(ctx context.Context, list []stream.OutMessage, at alerts.Leaving, topic int) error {
	failpoint.Hit("out")
	for from := 0; from < len(list); {
		n, size := 0, 0
		for from+n < len(list) && n < stream.MostOut && (n == 0 || size+len(list[from+n].Body) <= outBytes) {
			size += len(list[from+n].Body)
			n++
		}
		if err := o.out.Publish(ctx, list[from:from+n]); err != nil {
			return err
		}
		o.published[topic].Add(uint64(n))
		from += n
	}
	failpoint.Hit("published")
	o.at = at
	return nil
}

// note notes how far it has come.
func (o *outlet) note() error {
	o.when = time.Now()
	if o.at == o.noted {
		return nil
	}
	err := o.store.Left(o.at)
	if err == nil {
		o.noted = o.at
	}
	return err
}

// leftStray is the body of a message about an event that was not matched. What is rejected
// may hold anything anywhere, so its text does not leave: its place on the log says where it
// is.
type leftStray struct {
	Kind       string          `json:"kind"`
	Subject    string          `json:"subject,omitempty"` // on which a producer has sent it
	Reason     string          `json:"reason"`
	Type       string          `json:"type,omitempty"`
	ID         string          `json:"id,omitempty"`
	Position   string          `json:"position"`
	Line       int             `json:"line,omitempty"`
	Column     int             `json:"column,omitempty"`
	Bytes      int             `json:"bytes"`
	DetectedAt string          `json:"detected_at,omitempty"`
	Event      json.RawMessage `json:"event,omitempty"`
}

func strayBody(mask *alerts.Mask, s *alerts.Stray) ([]byte, error) {
	text := leftStray{
		Kind: s.Kind.String(), Reason: s.Reason, Type: s.Type, ID: s.ID, Position: s.Position.String(),
		Line: s.Line, Column: s.Column, Bytes: s.Length, DetectedAt: formatMoment(s.DetectedAt),
	}
	if s.Kind != alerts.ConflictStray && s.Type != "" {
		text.Subject = "weir.events." + s.Type
	}
	if s.Kind == alerts.ConflictStray && mask.Hides(s.Type) {
		text.ID = "" // it may be one of the fields
	}
	if s.Kind != alerts.RejectedStray && s.Length == len(s.Raw) {
		text.Event = mask.Event([]byte(strings.TrimSpace(s.Raw)))
	}
	body, err := json.Marshal(text)
	if err != nil {
		return nil, fmt.Errorf("%s %d: %w", s.Kind, s.Number, err)
	}
	return body, nil
}

// homeText names a data directory shortly.
func homeText(home [16]byte) string { return hex.EncodeToString(home[:4]) }

// outPlace is how far an outlet has come, as a message has it.
func outPlace(at alerts.Leaving, home [16]byte) string {
	text := homeText(home) + "-" + strconv.FormatUint(at.Alerts, 10)
	for _, n := range at.Strays {
		text += "." + strconv.FormatUint(n, 10)
	}
	return text
}

// readOutPlace reads what outPlace wrote for this data directory.
func readOutPlace(text string, home [16]byte) (at alerts.Leaving, ok bool) {
	numbers, ok := strings.CutPrefix(text, homeText(home)+"-")
	parts := strings.Split(numbers, ".")
	if !ok || len(parts) != 1+len(at.Strays) {
		return at, false
	}
	at.Started = true
	var errs [1 + alerts.StrayKinds]error
	at.Alerts, errs[0] = strconv.ParseUint(parts[0], 10, 64)
	for i := range at.Strays {
		at.Strays[i], errs[i+1] = strconv.ParseUint(parts[i+1], 10, 64)
	}
	return at, errors.Join(errs[:]...) == nil
}
