package control

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// metrics stands in for the Prometheus handler.
var metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "up 1") })

// anyPort is whichever TCP port of the loopback is free when it is opened.
func anyPort(t *testing.T, host string) string {
	t.Helper()
	address := net.JoinHostPort(host, "0")
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skip("no such loopback here: ", err)
	}
	_ = l.Close()
	return address
}

// TestReadOnlyHalf: over TCP what reads is answered as on the socket; what
// changes the daemon is refused, whatever the method.
func TestReadOnlyHalf(t *testing.T) {
	for _, c := range []struct {
		method, path string
		code         int
		says         string
	}{
		{"GET", "/metrics", 200, "up 1"},
		{"HEAD", "/metrics", 200, ""},
		{"GET", "/v1/status", 200, `"version":"0.1.0"`},
		{"GET", "/v1/none", 404, "there is no /v1/none"},
		{"POST", "/metrics", 405, "use GET"},
		{"PUT", "/v1/status", 405, "use GET"},
		{"POST", "/v1/release", 403, "POST /v1/release changes the daemon, and is answered on its unix socket only"},
		{"GET", "/v1/resume", 403, "GET /v1/resume changes the daemon"},
		{"POST", "/v1/reload", 403, "POST /v1/reload changes the daemon"},
	} {
		w := httptest.NewRecorder()
		reader(Config{Source: pulled(), Metrics: metrics, Version: "0.1.0"}).ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s %s: %d %s, want %d, %s", c.method, c.path, w.Code, w.Body, c.code, c.says)
		}
	}
}

// TestBothDoors: one server answers on the socket and on the port, of either
// family, and is gone from both at its end.
func TestBothDoors(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) {
			path := filepath.Join(shortDir(t), "s")
			s := listening(t, Config{Socket: path, Listen: anyPort(t, host), Metrics: metrics})
			stop := run(t, s)
			port := s.Port().String()
			if on, _, err := net.SplitHostPort(port); err != nil || on != host {
				t.Errorf("listens on %s, want %s", port, host)
			}
			response, err := http.Get("http://" + port + MetricsPath)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if response.StatusCode != http.StatusOK || string(body) != "up 1\n" {
				t.Errorf("%s: %s", response.Status, body)
			}
			if _, err := Fetch(t.Context(), path); err != nil {
				t.Error(err)
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
			if _, err := net.Dial("tcp", port); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("the port after the end: %v", err)
			}
		})
	}
}

// TestPortInUse: it says so, what to do, and leaves no socket behind.
func TestPortInUse(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	path := filepath.Join(shortDir(t), "s")
	s, err := New(Config{Socket: path, Source: pulled(), Listen: other.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	want := "control: control.listen " + other.Addr().String() + ": another program listens there (`ss -ltnp` names it): stop it, or choose another port"
	if err := s.Listen(); err == nil || err.Error() != want {
		t.Errorf("Listen: %v\nwant %s", err, want)
	}
	if exists(path) {
		t.Error("the socket was left behind")
	}
}

// TestAddressNotThereYet: a management network that is late does not keep a
// router from starting.
func TestAddressNotThereYet(t *testing.T) {
	for _, address := range []string{"203.0.113.77:9112", "[2001:db8::77]:9112"} {
		l, err := openPort(address)
		if errors.Is(err, syscall.EAFNOSUPPORT) {
			t.Log("no IPv6 here: ", err)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		_ = l.Close()
	}
}

// TestCallersAreLimited: beyond the limit a connection waits for a place.
func TestCallersAreLimited(t *testing.T) {
	l, err := openPort("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn, callers+1)
	ended := make(chan error, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				ended <- err
				return
			}
			accepted <- c
		}
	}()
	for range callers + 1 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	var all []net.Conn
	for range callers {
		all = append(all, <-accepted)
	}
	select {
	case <-accepted:
		t.Error("more were accepted than the limit")
	case <-time.After(50 * time.Millisecond):
	}
	_, _ = all[0].Close(), all[0].Close() // twice gives back one place
	<-accepted
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) { // it waited for a place
		t.Errorf("Accept: %v", err)
	}
}

// TestClosedTwice: a connection gives back its own place alone, and a second
// Close of the listener is an error, no more.
func TestClosedTwice(t *testing.T) {
	l, err := openPort("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var calls []net.Conn
	for range 2 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		call, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		calls = append(calls, call)
	}
	if err := calls[0].Close(); err != nil {
		t.Error(err)
	}
	if err := calls[0].Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the second Close of a connection: %v", err)
	}
	if n := len(l.(*limited).free); n != 1 {
		t.Errorf("%d places are taken, want 1: the other connection's", n)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the second Close of the listener: %v", err)
	}
}
