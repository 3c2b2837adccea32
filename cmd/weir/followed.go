package main

import (
	"weir/alerts"
	"weir/cep"
	"weir/cep/stream"
	"weir/web"
)

// followed is web.Feed.
type followed struct{ *service }

func (f followed) After(order uint64, most, bytes int) ([]alerts.Placed, error) {
	return f.store.After(order, most, bytes)
}
func (f followed) Span() (first, last uint64, err error)    { return f.store.Span() }
func (f followed) Since(at int64) (order uint64, err error) { return f.store.Since(at) }
func (f followed) Heard() <-chan struct{}                   { return f.news.heard() }
func (f followed) Home() string                             { return homeText(f.store.Home()) }

// openOutlet makes what publishes alerts, unless nothing is to be published.
func (v *service) openOutlet() {
	if v.settings.OutSize == 0 {
		return
	}
	v.outlet = &outlet{
		store: v.store, log: v.stream, news: &v.news, said: v.log, mask: v.maskInForce,
		options: stream.OutOptions{Size: v.settings.OutSize, Age: v.settings.OutRetention},
	}
}

// maskInForce is what the rules in force hide.
func (v *service) maskInForce() *alerts.Mask {
	if r := v.loop.Rules(); r != nil {
		return alerts.NewMask(r.Ruleset)
	}
	return alerts.NewMask(new(cep.Ruleset))
}

// outStatus is how far what leaves has come.
func (v *service) outStatus() web.OutStatus {
	o := v.outlet
	if o == nil {
		return web.OutStatus{}
	}
	s := web.OutStatus{Waiting: o.waiting.Load(), Missed: o.missed.Load(), Cut: o.cut.Load()}
	if why := o.down.Load(); why != nil {
		s.Down = *why
	}
	for i, topic := range []string{outAlerts: "alerts", outLate: "late", outRejected: "rejected"} {
		s.Published = append(s.Published, web.Published{Topic: topic, Messages: o.published[i].Load()})
	}
	return s
}
