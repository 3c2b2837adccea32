package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os/signal"
	"slices"
	"syscall"

	"weir/alerts"
	"weir/cep"
	"weir/cep/stream"
)

// stateExportCommand is `weir state export`.
type stateExportCommand struct {
	Dir  string `arg:"" help:"Data directory of a service that does not run."`
	What string `arg:"" help:"What to write: alerts, late, rejected, conflicts, events or out."`
	Out  file   `short:"o" default:"-" placeholder:"FILE" help:"Where it goes; - is stdout (${default})."`
	natsFlags
}

// Help is what `weir state export --help` says beside the flags.
func (stateExportCommand) Help() string {
	return `Examples:

  weir state export weir-data alerts > alerts.ndjson
  weir state export weir-data events -o events.ndjson
  weir state export weir-data late

  alerts     each version as it was stored, with detected_at and unlogged
  late       events that came later than lateness allows, with how much: the latest 10,000
  rejected   lines that were no events, with the reason: the latest 10,000
  conflicts  events with the type and id of another one: the latest 10,000
  events     the events that are on the log, as they were sent, in the order of the log
  out        the messages that the stream WEIR_OUT has, in order: subject, id, headers, body

Of late, rejected and conflicts the text that was sent is raw, its first 16 KB.
Exit codes: 0 done; 2 wrong use; 3 it could not be done.`
}

// Run writes.
func (c *stateExportCommand) Run(std *streams) error {
	kinds := map[string]alerts.StrayKind{"late": alerts.LateStray, "rejected": alerts.RejectedStray, "conflicts": alerts.ConflictStray}
	kind, stray := kinds[c.What]
	if !stray && c.What != "alerts" && c.What != "events" && c.What != "out" {
		return usageError("%q is none of alerts, late, rejected, conflicts, events, out", c.What)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	data, err := openOffline(c.Dir)
	if err != nil {
		return err
	}
	defer data.close()
	if c.What == "events" || c.What == "out" {
		if err := data.openLog(ctx, c.natsFlags); err != nil {
			return err
		}
	}
	out, err := openOutput(string(c.Out), std)
	if err != nil {
		return err
	}
	switch {
	case stray:
		err = data.exportStrays(kind, out)
	case c.What == "events":
		err = data.exportEvents(ctx, out)
	case c.What == "out":
		err = data.exportOut(ctx, out)
	default:
		err = data.exportAlerts(out)
	}
	if closed := out.close(); err == nil {
		err = closed
	}
	return err
}

func (o *offline) exportAlerts(w io.Writer) error {
	var line []byte
	return o.store.All(func(_ uint64, it *alerts.Item) error {
		line = append(it.AppendJSON(line[:0]), '\n')
		_, err := w.Write(line)
		return err
	})
}

func (o *offline) exportEvents(ctx context.Context, w io.Writer) error {
	last, err := o.log.Last(ctx)
	typed := newTypedLines()
	var records []cep.Logged
	for after := uint64(0); err == nil && after < last; {
		if records, err = o.log.Read(ctx, after, records[:0]); err != nil {
			return err
		}
		for i := range records {
			after = records[i].Sequence
			p, err := cep.Unpack(records[i].Data)
			if err != nil {
				return fmt.Errorf("record %d of the log: %w", after, err)
			}
			if p.Kind != cep.PackedEvents {
				continue
			}
			if _, err := w.Write(typed.of(&p)); err != nil {
				return err
			}
		}
	}
	return err
}

// outText is how a message of the stream of what leaves is exported.
type outText struct {
	Subject string            `json:"subject"`
	ID      string            `json:"id"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

func (o *offline) exportOut(ctx context.Context, w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return o.log.EachOut(ctx, func(m *stream.OutMessage) error {
		text := outText{m.Subject, m.ID, map[string]string{}, m.Body}
		for _, h := range m.Headers {
			text.Headers[h[0]] = h[1]
		}
		return out.Encode(text)
	})
}

// strayText is how an event that was not matched is exported.
type strayText struct {
	Number     uint64 `json:"number"`
	Position   string `json:"position"`
	Line       int    `json:"line,omitempty"`
	Column     int    `json:"column,omitempty"`
	Reason     string `json:"reason"`
	Type       string `json:"type,omitempty"`
	ID         string `json:"id,omitempty"`
	Raw        string `json:"raw"`
	Length     int    `json:"length"`
	DetectedAt string `json:"detected_at,omitempty"`
}

func (o *offline) exportStrays(kind alerts.StrayKind, w io.Writer) error {
	list, _, err := o.store.Strays(kind, math.MaxInt, 0)
	if err != nil {
		return err
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	for _, s := range slices.Backward(list) {
		err := out.Encode(strayText{s.Number, s.Position.String(), s.Line, s.Column, s.Reason, s.Type, s.ID, s.Raw, s.Length, formatMoment(s.DetectedAt)})
		if err != nil {
			return err
		}
	}
	return nil
}
