package track

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// once runs a probe once, with a sufficient timeout.
func once(t *testing.T, p Probe) Report {
	t.Helper()
	return RunOnce(t.Context(), Spec{Name: "x", Interval: 10 * time.Second, Probe: p})
}

func expect(t *testing.T, what string, r Report, state State, err string) {
	t.Helper()
	if r.State != state || !strings.Contains(text(r.Err), err) || err == "" && r.Err != nil {
		t.Errorf("%s: %v, error %q; want %v, %q", what, r.State, text(r.Err), state, err)
	}
}

func TestTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	expect(t, "a port that is open", once(t, TCP{l.Addr().String()}), Up, "")
	_ = l.Close()
	expect(t, "a port that is closed", once(t, TCP{l.Addr().String()}), Down, "connection refused")
}

// TestTimeout requires that the error of a timeout contains its length.
func TestTimeout(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // and does not answer
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	r := RunOnce(t.Context(), Spec{Name: "x", Interval: time.Second, Timeout: 50 * time.Millisecond, Probe: HTTP{URL: "http://" + l.Addr().String()}})
	expect(t, "a server that is silent", r, Down, "no answer within 50ms")
	if r.Took < 50*time.Millisecond {
		t.Errorf("it took %v", r.Took)
	}
}

func handler(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/redirect":
		http.Redirect(w, r, "/down", http.StatusFound)
	case "/down":
		http.Error(w, "out of order", http.StatusServiceUnavailable)
	case "/long":
		for range 200 {
			_, _ = fmt.Fprintln(w, strings.Repeat("x", 1000))
		}
		_, _ = fmt.Fprintln(w, "the end")
	case "/short":
		w.Header().Set("Content-Length", "100")
		_, _ = fmt.Fprint(w, "begun")
	case "/endless":
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	default:
		_, _ = fmt.Fprint(w, "well, ", r.Proto, " ", r.Header.Get("User-Agent"), "\n")
	}
}

func TestHTTP(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(handler))
	defer s.Close()
	get := func(path string, more HTTP) Report {
		more.URL = s.URL + path
		return once(t, more)
	}
	good := get("/", HTTP{})
	expect(t, "a page", good, Up, "")
	if good.Output != "well, HTTP/1.1 ripcord" {
		t.Errorf("the output is %q", good.Output)
	}
	bad := get("/down", HTTP{})
	expect(t, "a page that is out of order", bad, Down, "status 503 Service Unavailable, want 200-399")
	if bad.Output != "out of order" {
		t.Errorf("the output is %q", bad.Output)
	}
	expect(t, "its status is wanted", get("/down", HTTP{Status: []StatusRange{{200, 200}, {500, 503}}}), Up, "")
	expect(t, "it is not", get("/", HTTP{Status: []StatusRange{{201, 201}, {500, 503}}}), Down, "status 200 OK, want 201, 500-503")
	expect(t, "a redirect is not followed", get("/redirect", HTTP{}), Up, "")
	expect(t, "a redirect is no 200", get("/redirect", HTTP{Status: []StatusRange{{200, 200}}}), Down, "status 302 Found, want 200")
	expect(t, "a word that is there", get("/long", HTTP{Contains: "the end"}), Up, "")
	expect(t, "a word that is not", get("/long", HTTP{Contains: "The End"}), Down, `the answer does not contain "The End"`)
	expect(t, "an answer that breaks off", get("/short", HTTP{Contains: "begun"}), Down, "the answer is incomplete")
	endless := get("/endless", HTTP{})
	expect(t, "an answer without end", endless, Up, "")
	if len(endless.Output) > 4096 {
		t.Errorf("the output has %d bytes", len(endless.Output))
	}
	expect(t, "a word in an answer without end", get("/endless", HTTP{Contains: "x"}), Down, "in its first 1048576 bytes")
}

func TestHTTPS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(handler))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // about the certificate that is not trusted
	s.StartTLS()
	defer s.Close()
	expect(t, "a certificate that is not trusted", once(t, HTTP{URL: s.URL}), Down, "the certificate is not trusted: x509:")
	expect(t, "any is accepted", once(t, HTTP{URL: s.URL, Insecure: true}), Up, "")
	expect(t, "TLS where there is none", once(t, HTTP{URL: "https://" + plain(t)}), Down, "HTTP response to HTTPS client")
}

func plain(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(handler))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// TestStoppedIsNoResult requires that a stopped check reports nothing.
func TestStoppedIsNoResult(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := RunOnce(ctx, Spec{Name: "x", Interval: time.Second, Probe: TCP{"127.0.0.1:1"}})
	if r.State != Down || r.Err == nil {
		t.Errorf("got %+v", r)
	}
}
