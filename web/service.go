package web

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

// service answers requests.
type service struct {
	options  Options
	bounds   Bounds
	host     host
	router   *chi.Mux
	openapi  []byte
	docs     []byte // the page of it
	metrics  *metrics
	decoders decoders
	memory   memory
	small    sync.Pool // pieces that are not in use
	large    sync.Pool // and those that have grown
	answers  answers
	feed     *feed
	starting atomic.Bool // what options name is not to be asked yet
}

// New returns what answers the requests of a service.
func New(o Options) (http.Handler, error) { return newService(o) }

func newService(o Options) (*service, error) {
	listen, err := listenHost(o.Listen)
	if err != nil {
		return nil, err
	}
	s := &service{options: o, bounds: o.Bounds.orDefault(), host: listen, router: chi.NewRouter()}
	s.memory.most = s.bounds.Memory
	s.answers = newAnswers(s.bounds)
	s.metrics = newMetrics(s)
	s.feed = newFeed(s)
	s.router.Use(middleware.GetHead)
	s.router.NotFound(s.plain(func(http.ResponseWriter, *http.Request) error {
		return nothingHere()
	}))
	s.router.MethodNotAllowed(s.plain(s.wrongMethod))
	for _, rt := range s.routes() {
		s.router.Method(rt.Method, rt.Path, s.serve(rt))
	}
	if s.openapi, err = describe(s.routes(), o.Version); err != nil {
		return nil, err
	}
	s.docs, err = docsOf(s.openapi)
	return s, err
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }

// route is one path with one method.
type route struct {
	huma.Operation
	media []string // types of the body that it takes; none: it has no body
	early bool     // it answers while the service starts
	serve func(w http.ResponseWriter, r *http.Request) error

	takes map[string]any // what the body is, by media type, for the description; nil: text
	gives any            // the JSON of the answer 200, likewise
}

// answerTime is how long a client may take to receive an answer.
const answerTime = 30 * time.Second

// plain serves what is no route.
func (s *service) plain(serve func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return s.serve(route{serve: serve})
}

// serve does what is the same for all routes: it refuses what a web page of somewhere else
// may have sent, counts, and sees to it that a panic ends one request only.
func (s *service) serve(rt route) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		w := middleware.NewWrapResponseWriter(rw, r.ProtoMajor)
		c := http.NewResponseController(w)
		c.SetWriteDeadline(begun.Add(answerTime)) // a writer without deadlines is a test's
		if r.Body != http.NoBody {
			c.SetReadDeadline(begun.Add(s.bounds.Small))
			r.Body = &sent{ReadCloser: r.Body}
		}
		defer func() {
			if v := recover(); v != nil {
				s.panicked(w, r, v)
			}
			s.metrics.served(rt.Path, w.Status(), time.Since(begun))
		}()
		err := s.check(&rt, r)
		if err == nil {
			err = rt.serve(w, r)
		}
		if err != nil {
			p := s.problemOf(r, err)
			s.metrics.problems.WithLabelValues(p.Code).Inc()
			s.refuse(w, r, p)
		}
	}
}

// check refuses a request that is none of a route's.
func (s *service) check(rt *route, r *http.Request) error {
	if err := s.host.check(r); err != nil {
		return err
	}
	if rt.Path == "" {
		return nil
	}
	if err := checkQuery(&rt.Operation, r); err != nil {
		return err
	}
	if rt.media != nil {
		if err := checkMedia(rt.media, r); err != nil {
			return err
		}
	}
	if s.starting.Load() && !rt.early {
		return starting()
	}
	return nil
}

// panicked answers for a handler that panicked. What a panic says may have parts of an event
// in it; the log has its type, and where it was.
func (s *service) panicked(w middleware.WrapResponseWriter, r *http.Request, v any) {
	if v == http.ErrAbortHandler {
		panic(v)
	}
	s.metrics.panics.Inc()
	s.options.Log.Error("a handler panicked", "method", r.Method, "route", routeOf(r), "type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
	if w.Status() == 0 {
		s.metrics.problems.WithLabelValues(codeInternal).Inc()
		problem(http.StatusInternalServerError, codeInternal, "a defect of Weir: the log of the service says where").write(w)
	}
}

// routeOf is the path of the route of a request, without what stands in it.
func routeOf(r *http.Request) string {
	if c := chi.RouteContext(r.Context()); c != nil {
		return c.RoutePattern()
	}
	return ""
}

func nothingHere() error {
	return problem(http.StatusNotFound, codeNotFound, "there is nothing here: GET / says where things are")
}

func (s *service) wrongMethod(w http.ResponseWriter, r *http.Request) error {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		if s.router.Match(chi.NewRouteContext(), method, r.URL.Path) {
			w.Header().Add("Allow", method)
		}
	}
	if w.Header().Get("Allow") == "" { // the router looks at a method that it does not know before it looks at the path
		return nothingHere()
	}
	return problem(http.StatusMethodNotAllowed, codeMethod, "the method here is %s, found %s", strings.Join(w.Header().Values("Allow"), " or "), shorten(r.Method))
}

// shorten cuts what a problem cites.
func shorten(s string) string {
	const most = 60
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
