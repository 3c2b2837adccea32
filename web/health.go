package web

import (
	"fmt"
	"net/http"
)

// health is how the service is, for those who watch it.
type health struct {
	Status   string   `json:"status" doc:"ok, ready, not ready or starting"`
	Reasons  []string `json:"reasons,omitempty" doc:"why it is not ready"`
	Warnings []string `json:"warnings,omitempty" doc:"what a person should look at; the service goes on"`

	Stepped   string  `json:"stepped,omitempty" doc:"position up to where the log has been folded"`
	End       string  `json:"end,omitempty" doc:"position of the log's end"`
	Lag       float64 `json:"lag_seconds" doc:"how long ago the one stepped last was appended, while others wait"`
	LagBytes  uint64  `json:"lag_bytes" doc:"between them"`
	FreeBytes uint64  `json:"free_bytes" doc:"on the disk of the data directory"`
}

// beginning is health of a service that starts: there are no figures yet.
type beginning struct {
	Status  string   `json:"status"`
	Reasons []string `json:"reasons"`
}

// healthz is GET /healthz: that it answers is all it says.
func (s *service) healthz(w http.ResponseWriter, _ *http.Request) error {
	write(w, http.StatusOK, mediaJSON, struct {
		Status string `json:"status"`
	}{"ok"})
	return nil
}

// readyz is GET /readyz. A warning does not make the service unready: payments should not
// wait for a person.
func (s *service) readyz(w http.ResponseWriter, _ *http.Request) error {
	if s.starting.Load() {
		w.Header().Set("Retry-After", "1")
		why := []string{"the log and the state are read, and the rules are compared with those on the log"}
		if s.options.Waiting != nil {
			if text := s.options.Waiting(); text != "" {
				why = append(why, "waiting for the log: "+text)
			}
		}
		write(w, http.StatusServiceUnavailable, mediaJSON, beginning{"starting", why})
		return nil
	}
	st := s.options.Status()
	h := health{
		Status: "ready", Reasons: s.unready(st), Warnings: st.Warnings,
		Stepped: st.Stepped.String(), End: st.End.String(),
		Lag: st.Lag.Seconds(), LagBytes: st.LagBytes, FreeBytes: st.FreeDisk,
	}
	status := http.StatusOK
	if len(h.Reasons) > 0 {
		h.Status, status = "not ready", http.StatusServiceUnavailable
	}
	write(w, status, mediaJSON, h)
	return nil
}

// unready says why the service is not ready.
func (s *service) unready(st *Status) []string {
	var why []string
	if st.LogDown != "" {
		why = append(why, "the log does not answer: "+st.LogDown)
	}
	if st.FreeDisk < st.Reserve {
		why = append(why, fmt.Sprintf("%d bytes are free on the disk, fewer than the %d in reserve", st.FreeDisk, st.Reserve))
	}
	if st.Lag > s.bounds.Lag {
		why = append(why, fmt.Sprintf("stepping is %s behind the end of the log", st.Lag))
	}
	return why
}

// places is GET /.
func (s *service) places(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprint(w, "Weir, a rules engine over events.\n\n")
	for _, rt := range s.routes() {
		fmt.Fprintf(w, "%-4s %-18s %s\n", rt.Method, rt.Path, rt.Summary)
	}
	return nil
}
