package web

import "github.com/prometheus/client_golang/prometheus"

// Port is what came over the port for NATS clients since the service started.
type Port struct {
	Clients  int       // that are connected
	Messages uint64    // taken in
	Lines    uint64    // of them
	Repeated uint64    // messages whose id was known
	Dropped  uint64    // messages that came faster than they were read
	Refused  []Refused // the rest
}

// Refused are messages that were not taken in.
type Refused struct {
	Why      string // invalid, busy, full or unavailable
	Messages uint64
}

var portRefused = prometheus.NewDesc("weir_nats_refused_total", "Messages of NATS clients that were not taken in, by why.", []string{"why"}, nil)

// portReadings are numbers of Status.Port.
var portReadings = []reading{
	portReading("weir_nats_clients", prometheus.GaugeValue, "NATS clients that are connected.", func(p *Port) float64 { return float64(p.Clients) }),
	portReading("weir_nats_messages_total", prometheus.CounterValue, "Messages of NATS clients that were taken in.", func(p *Port) float64 { return float64(p.Messages) }),
	portReading("weir_nats_lines_total", prometheus.CounterValue, "Lines of them: events, if they turn out to be such.", func(p *Port) float64 { return float64(p.Lines) }),
	portReading("weir_nats_repeated_total", prometheus.CounterValue, "Messages of NATS clients whose Nats-Msg-Id was known.", func(p *Port) float64 { return float64(p.Repeated) }),
	portReading("weir_nats_dropped_total", prometheus.CounterValue, "Messages of NATS clients that came faster than they were read: nobody was answered.", func(p *Port) float64 { return float64(p.Dropped) }),
}

func portReading(name string, kind prometheus.ValueType, help string, value func(*Port) float64) reading {
	return reading{prometheus.NewDesc(name, help, nil, nil), kind, func(_ *service, st *Status) float64 { return value(st.Port) }}
}

// describePort gives what there may be of the port.
func describePort(out chan<- *prometheus.Desc) {
	for i := range portReadings {
		out <- portReadings[i].desc
	}
	out <- portRefused
}

// collectPort gives the numbers of the port, if there is one.
func collectPort(out chan<- prometheus.Metric, st *Status) {
	if st.Port == nil {
		return
	}
	for i := range portReadings {
		r := &portReadings[i]
		out <- prometheus.MustNewConstMetric(r.desc, r.kind, r.value(nil, st))
	}
	for _, r := range st.Port.Refused {
		out <- prometheus.MustNewConstMetric(portRefused, prometheus.CounterValue, float64(r.Messages), r.Why)
	}
}
