package control

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Paths of the status document and of the metrics.
const (
	StatusPath  = "/v1/status"
	MetricsPath = "/metrics"
)

// Error is the answer to a failed request: what, why, and what to do.
type Error struct {
	Error string `json:"error"`
}

// route is one request of the API. A nil handler marks one that this version does not support yet.
type route struct {
	method, path string
	handler      http.HandlerFunc
}

// handler returns the whole API, for the socket. If the socket is forwarded to a browser, pages of
// other sites must not give orders through it.
func handler(c Config) http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dropBody(w)
		fail(w, http.StatusForbidden, "%s %s comes from a page of another site, which may give no orders", r.Method, r.URL.Path)
	}))
	return guard.Handler(dispatch(routes(c), func(t route) http.HandlerFunc { return t.serve }))
}

// reader returns the read-only half of the API, for the network.
func reader(c Config) http.Handler {
	return dispatch(routes(c), func(t route) http.HandlerFunc {
		if t.method == http.MethodGet {
			return t.serve
		}
		return func(w http.ResponseWriter, r *http.Request) {
			fail(w, http.StatusForbidden, "%s %s changes the daemon, and is answered on its unix socket only", r.Method, t.path)
		}
	})
}

func routes(c Config) []route {
	return append([]route{
		{http.MethodGet, StatusPath, func(w http.ResponseWriter, r *http.Request) {
			q := query{r.URL.Query(), nil}
			counted := q.flag("statistics", true)
			if err := q.end("statistics"); err != nil {
				fail(w, http.StatusBadRequest, "%v", err)
				return
			}
			answer(w, http.StatusOK, c.status(counted))
		}},
		{http.MethodGet, KeepalivedPath, func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusOK, c.keepalived())
		}},
		{http.MethodGet, EventsPath, c.events()},
		{http.MethodGet, StoriesPath, c.stories()},
		{http.MethodGet, MetricsPath, optional(c.Metrics)},
		{http.MethodGet, PagePath, page()},
	}, orderRoutes(c.Orders)...)
}

// dispatch finds the route of a request and serves it with the handler that serve returns for it.
func dispatch(routes []route, serve func(route) http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 && !takesBody(routes, r) {
			dropBody(w)
			if r.Method == http.MethodGet || r.Method == http.MethodHead {
				fail(w, http.StatusBadRequest, "%s %s takes no body: send none", r.Method, r.URL.Path)
				return
			}
		}
		for _, route := range routes {
			if route.path == r.URL.Path {
				serve(route)(w, r)
				return
			}
		}
		fail(w, http.StatusNotFound, "there is no %s: the status is at %s, the log at %s, the metrics are at %s, and a page for people is at %s", r.URL.Path, StatusPath, EventsPath, MetricsPath, PagePath)
	})
}

// takesBody reports whether the handler of a request reads its body.
func takesBody(routes []route, r *http.Request) bool {
	return r.Method == http.MethodPost && slices.ContainsFunc(routes, func(t route) bool {
		return t.path == r.URL.Path && t.method == r.Method && t.handler != nil
	})
}

// dropBody makes the server answer without waiting for the body of the request, which may never
// come, and then close the connection.
func dropBody(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Now()) // the recorder of a test has no deadline
}

// optional returns the handler's function; nil if there is no handler.
func optional(h http.Handler) http.HandlerFunc {
	if h == nil {
		return nil
	}
	return h.ServeHTTP
}

// serve answers a request for the route's path. It answers HEAD as GET; the server omits the body.
func (t route) serve(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	switch {
	case method != t.method:
		w.Header().Set("Allow", t.method)
		fail(w, http.StatusMethodNotAllowed, "%s %s is not possible: use %s", r.Method, t.path, t.method)
	case t.handler == nil:
		fail(w, http.StatusNotImplemented, "%s %s is not supported yet by this version of ripcord", t.method, t.path)
	default:
		t.handler(w, r)
	}
}

func fail(w http.ResponseWriter, code int, format string, args ...any) {
	answer(w, code, Error{fmt.Sprintf(format, args...)})
}

// answer writes a document. It is encoded first, so that a failure gives an error and not half an
// answer.
func answer(w http.ResponseWriter, code int, document any) {
	body, err := json.Marshal(document)
	if err != nil {
		code = http.StatusInternalServerError
		body, _ = json.Marshal(Error{"the answer could not be written as JSON, which is a bug of ripcord: " + err.Error()})
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)+1)) // otherwise it is sent in chunks, and the client does not know its length
	w.WriteHeader(code)
	_, _ = w.Write(append(body, '\n')) // an error means that the client is gone
}
