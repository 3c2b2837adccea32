package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what the service counts, and what Status says. docs/metrics.md has them all;
// none has a label whose values come from events.
type metrics struct {
	handler http.Handler

	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	problems *prometheus.CounterVec
	panics   prometheus.Counter
	bytes    prometheus.Counter
	accepted prometheus.Counter
	rejected prometheus.Counter
	repeats  prometheus.Counter
	readers  prometheus.Gauge
	dropped  prometheus.Counter
	streamed prometheus.Counter
}

func newMetrics(s *service) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_http_requests_total", Help: "Requests answered."}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "weir_http_request_seconds", Help: "Time from the head of a request to the end of its answer.",
			Buckets: []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60},
		}, []string{"route"}),
		problems: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_http_problems_total", Help: "Requests answered with a problem, by its code."}, []string{"code"}),
		panics:   counter("weir_http_panics_total", "Requests that a defect of Weir ended."),
		bytes:    counter("weir_http_event_bytes_total", "Bytes of bodies with events, unpacked."),
		accepted: counter("weir_http_events_accepted_total", "Events made durable for requests, those of repeated requests too."),
		rejected: counter("weir_http_lines_rejected_total", "Lines of requests that are no events."),
		repeats:  counter("weir_http_repeated_requests_total", "Requests whose Idempotency-Key was known."),
		readers:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "weir_stream_readers", Help: "Readers that follow /v1/stream."}),
		dropped:  counter("weir_stream_dropped_total", "Readers of /v1/stream that were dropped, as they were too slow."),
		streamed: counter("weir_stream_alerts_total", "Versions of alerts that were sent to readers of /v1/stream, each to each."),
	}
	for _, code := range codes {
		m.problems.WithLabelValues(code) // at 0: what has not been seen cannot rise
	}
	r := prometheus.NewRegistry()
	r.MustRegister(
		m.requests, m.seconds, m.problems, m.panics, m.bytes, m.accepted, m.rejected, m.repeats, m.readers, m.dropped, m.streamed, &state{s},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.handler = promhttp.HandlerFor(r, promhttp.HandlerOpts{})
	return m
}

// exposition is GET /metrics.
func (s *service) exposition(w http.ResponseWriter, r *http.Request) error {
	s.metrics.handler.ServeHTTP(w, r)
	return nil
}

// served counts a request.
func (m *metrics) served(route string, status int, took time.Duration) {
	if route == "" {
		route = "other"
	}
	if status == 0 {
		status = http.StatusOK
	}
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// state collects what the service itself counts beside, and what Status says.
type state struct{ s *service }

// reading is one number that Status has.
type reading struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*service, *Status) float64
}

func gauge(name, help string, value func(*service, *Status) float64) reading {
	return reading{prometheus.NewDesc(name, help, nil, nil), prometheus.GaugeValue, value}
}

func total(name, help string, value func(*Status) uint64) reading {
	return reading{
		prometheus.NewDesc(name, help, nil, nil), prometheus.CounterValue,
		func(_ *service, st *Status) float64 { return float64(value(st)) },
	}
}

// readings begin with those that there are also while the service starts, and there is no
// Status.
var readings = []reading{
	gauge("weir_http_body_memory_bytes", "Memory that bodies of requests take.", func(s *service, _ *Status) float64 { return float64(s.memory.held.Load()) }),
	gauge("weir_http_answers", "Answers to requests with an Idempotency-Key that are remembered.", func(s *service, _ *Status) float64 {
		kept, _ := s.answers.counts()
		return float64(kept)
	}),
	{prometheus.NewDesc("weir_http_answers_dropped_total", "Such answers that were forgotten before their time, as there were too many.", nil, nil), prometheus.CounterValue, func(s *service, _ *Status) float64 {
		_, drops := s.answers.counts()
		return float64(drops)
	}},
	gauge("weir_ready", "1: /readyz says ready; 0: it does not.", func(s *service, st *Status) float64 { return one(st != nil && len(s.unready(st)) == 0) }),
	gauge("weir_warnings", "Warnings of /readyz.", func(_ *service, st *Status) float64 { return float64(len(st.Warnings)) }),
	gauge("weir_log_up", "1: the log answers; 0: it does not.", func(_ *service, st *Status) float64 { return one(st.LogDown == "") }),
	gauge("weir_log_incarnation", "Incarnation of the log: it rises when the log has lost its end.", func(_ *service, st *Status) float64 { return float64(st.End.Incarnation) }),
	gauge("weir_log_sequence", "Sequence number of the last record of the log.", func(_ *service, st *Status) float64 { return float64(st.End.Sequence) }),
	gauge("weir_log_bytes", "Bytes that the log takes.", func(_ *service, st *Status) float64 { return float64(st.LogBytes) }),
	gauge("weir_log_size_bytes", "Bytes that the log may take.", func(_ *service, st *Status) float64 { return float64(st.LogSize) }),
	gauge("weir_stepped_sequence", "Sequence number of the record up to which the log has been folded.", func(_ *service, st *Status) float64 { return float64(st.Stepped.Sequence) }),
	gauge("weir_checkpoint_age_seconds", "Time since which the newest checkpoint has not had all that was folded; 0: it has.", func(_ *service, st *Status) float64 { return st.Unkept.Seconds() }),
	gauge("weir_checkpoint_sequence", "Sequence number of the record up to which the newest checkpoint goes.", func(_ *service, st *Status) float64 { return float64(st.Checkpoint.Sequence) }),
	gauge("weir_lag_seconds", "How long ago the record stepped last was appended, while others wait behind it; 0: none does.", func(_ *service, st *Status) float64 { return st.Lag.Seconds() }),
	gauge("weir_lag_bytes", "Bytes on the log that have not been stepped.", func(_ *service, st *Status) float64 { return float64(st.LagBytes) }),
	gauge("weir_disk_free_bytes", "Bytes free on the disk of the data directory.", func(_ *service, st *Status) float64 { return float64(st.FreeDisk) }),
	gauge("weir_disk_reserve_bytes", "Bytes free below which no events are taken in.", func(_ *service, st *Status) float64 { return float64(st.Reserve) }),
	gauge("weir_state_bytes", "Memory that the state of all rules and features takes, by estimate.", func(_ *service, st *Status) float64 { return float64(st.Stats.State.Bytes) }),
	gauge("weir_state_budget_bytes", "Memory that it may take; 0: any.", func(_ *service, st *Status) float64 { return float64(st.Stats.State.Budget) }),
	gauge("weir_losses_unacknowledged", "Losses of the log that nobody has acknowledged.", func(_ *service, st *Status) float64 { return float64(st.Losses) }),
	gauge("weir_log_missing_records", "Records that the log has lost, as its files were damaged: of those that the state had seen when the service started.", func(_ *service, st *Status) float64 { return float64(st.Missing) }),
	gauge("weir_alerts_unreadable", "Stored versions of alerts that were asked for and cannot be read, as their file is damaged.", func(_ *service, st *Status) float64 { return float64(st.Unreadable) }),
	total("weir_skipped_total", "Records and events that are not stepped, as stepping them panicked.", func(st *Status) uint64 { return st.Skipped }),
	total("weir_replay_differences_total", "Restarts at which a replay had other effects than those stored.", func(st *Status) uint64 { return st.Differs }),
	total("weir_checkpoints_failed_total", "Checkpoints that could not be saved: the disk was full, or saving panicked.", func(st *Status) uint64 { return st.Unsaved }),
	gauge("weir_out_up", "1: what leaves is published to the stream WEIR_OUT, or nothing is to be; 0: that fails.", func(_ *service, st *Status) float64 { return one(st.Out.Down == "") }),
	gauge("weir_out_waiting", "Versions of alerts that are stored and not published yet.", func(_ *service, st *Status) float64 { return float64(st.Out.Waiting) }),
	total("weir_out_missed_total", "Alerts, late and rejected events that were deleted before they were published.", func(st *Status) uint64 { return st.Out.Missed }),
	total("weir_out_cut_total", "Alerts published without their evidence, as they were too large for a message.", func(st *Status) uint64 { return st.Out.Cut }),
	total("weir_alerts_counted_total", "Alerts beyond the limit of their rule: counted, not stored.", func(st *Status) uint64 { return st.Counted }),
	total("weir_events_total", "Events accepted by the engine.", func(st *Status) uint64 { return st.Stats.Events }),
	total("weir_events_late_total", "Events older than lateness allows: not matched.", func(st *Status) uint64 { return st.Stats.Late }),
	total("weir_events_rejected_total", "Lines of the log that are no events, or are ahead of their time.", func(st *Status) uint64 { return st.Stats.Rejected }),
	total("weir_events_duplicate_total", "Events with the type, id and content of one before: not matched.", func(st *Status) uint64 { return st.Stats.Duplicates }),
	total("weir_events_conflicting_total", "Events with the type and id of one before, and another content: not matched.", func(st *Status) uint64 { return st.Stats.Conflicts }),
	total("weir_events_unchecked_total", "Event ids forgotten before their time, as there were too many.", func(st *Status) uint64 { return st.Stats.Unchecked }),
	total("weir_events_out_of_order_total", "Accepted events that came after a later one.", func(st *Status) uint64 { return st.Stats.OutOfOrder.Events() }),
	total("weir_list_changes_refused_total", "Changes of lists that were not made.", func(st *Status) uint64 { return st.Stats.Refused }),
	gauge("weir_lanes", "Run-ins of rules that are not in force yet.", func(_ *service, st *Status) float64 { return float64(len(st.Lanes)) }),
	gauge("weir_lanes_stopped", "Run-ins that have stopped, as something failed: their rules sleep until the next start or publish.", func(_ *service, st *Status) float64 { return float64(lanesStopped(st.Lanes)) }),
	gauge("weir_lane_records_behind", "Records of the log that run-ins have still to fold.", func(_ *service, st *Status) float64 { return float64(lanesBehind(st.Lanes)) }),
	total("weir_repairs_total", "Events that were matched again, as one came late.", func(st *Status) uint64 { return st.Stats.Repairs.Applied }),
	total("weir_keys_held_back_total", "Times that a key began to hold events back until the watermark.", func(st *Status) uint64 { return st.Stats.Repairs.HeldBack }),
}

const earlyReadings = 4

var (
	published   = prometheus.NewDesc("weir_out_published_total", "Messages published to the stream WEIR_OUT.", []string{"topic"}, nil)
	ruleAlerts  = prometheus.NewDesc("weir_rule_alerts", "Alerts that stand, by kind.", []string{"rule", "kind"}, nil)
	ruleTurned  = prometheus.NewDesc("weir_rule_repaired_total", "Alerts that were retracted or restored.", []string{"rule", "kind"}, nil)
	ruleBound   = prometheus.NewDesc("weir_rule_bound_total", "Times that a bound on open matches or captures held.", []string{"rule"}, nil)
	ruleBytes   = prometheus.NewDesc("weir_rule_state_bytes", "Memory that the state of a rule takes, by estimate.", []string{"rule"}, nil)
	ruleClosed  = prometheus.NewDesc("weir_rule_closed", "1: the rule takes no new keys, as the state is at its budget; 0: it does.", []string{"rule"}, nil)
	ruleRefused = prometheus.NewDesc("weir_rule_refused_total", "Events that could have opened something under a new key, while the rule took none.", []string{"rule"}, nil)
	featBytes   = prometheus.NewDesc("weir_feature_state_bytes", "Memory that the state of a feature takes, by estimate.", []string{"feature"}, nil)
	featClosed  = prometheus.NewDesc("weir_feature_closed", "1: the feature takes no new keys, as the state is at its budget; 0: it does.", []string{"feature"}, nil)
	featRefused = prometheus.NewDesc("weir_feature_refused_total", "Events of new keys that the feature did not count, while it took none.", []string{"feature"}, nil)
	ruleSilent  = prometheus.NewDesc("weir_rule_suppressed_total", "Matches that the rule's throttle silenced.", []string{"rule"}, nil)
)

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// Describe implements prometheus.Collector.
func (c *state) Describe(out chan<- *prometheus.Desc) {
	for i := range readings {
		out <- readings[i].desc
	}
	describePort(out)
	for _, d := range []*prometheus.Desc{published, ruleAlerts, ruleTurned, ruleBound, ruleSilent, ruleBytes, ruleClosed, ruleRefused, featBytes, featClosed, featRefused} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *state) Collect(out chan<- prometheus.Metric) {
	there, st := readings[:earlyReadings], (*Status)(nil)
	if !c.s.starting.Load() {
		there, st = readings, c.s.options.Status()
	}
	for i := range there {
		r := &readings[i]
		out <- prometheus.MustNewConstMetric(r.desc, r.kind, r.value(c.s, st))
	}
	if st == nil {
		return
	}
	collectPort(out, st)
	for _, p := range st.Out.Published {
		out <- prometheus.MustNewConstMetric(published, prometheus.CounterValue, float64(p.Messages), p.Topic)
	}
	for i, id := range st.Rules {
		r := &st.Stats.Rules[i]
		out <- prometheus.MustNewConstMetric(ruleAlerts, prometheus.GaugeValue, float64(r.Alerts), id, "match")
		out <- prometheus.MustNewConstMetric(ruleAlerts, prometheus.GaugeValue, float64(r.Timeouts), id, "timeout")
		out <- prometheus.MustNewConstMetric(ruleTurned, prometheus.CounterValue, float64(r.Retracted), id, "retracted")
		out <- prometheus.MustNewConstMetric(ruleTurned, prometheus.CounterValue, float64(r.Restored), id, "restored")
		out <- prometheus.MustNewConstMetric(ruleBound, prometheus.CounterValue, float64(r.OpenBound+r.LoopBound), id)
		out <- prometheus.MustNewConstMetric(ruleSilent, prometheus.CounterValue, float64(r.Suppressed), id)
		out <- prometheus.MustNewConstMetric(ruleRefused, prometheus.CounterValue, float64(r.Refused), id)
	}
	for i := range st.Stats.State.Rules[:min(len(st.Rules), len(st.Stats.State.Rules))] {
		p := &st.Stats.State.Rules[i]
		out <- prometheus.MustNewConstMetric(ruleBytes, prometheus.GaugeValue, float64(p.Bytes), st.Rules[i])
		out <- prometheus.MustNewConstMetric(ruleClosed, prometheus.GaugeValue, one(p.Closed), st.Rules[i])
	}
	for i := range st.Stats.State.Features[:min(len(st.Features), len(st.Stats.State.Features))] {
		p, name := &st.Stats.State.Features[i], st.Features[i]
		out <- prometheus.MustNewConstMetric(featBytes, prometheus.GaugeValue, float64(p.Bytes), name)
		out <- prometheus.MustNewConstMetric(featClosed, prometheus.GaugeValue, one(p.Closed), name)
		out <- prometheus.MustNewConstMetric(featRefused, prometheus.CounterValue, float64(st.Stats.Features[i].Refused), name)
	}
}
