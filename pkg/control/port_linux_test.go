package control

import (
	"context"
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
	"testing/synctest"
	"time"

	"ripcord/pkg/event"
)

// metrics replaces the Prometheus handler.
var metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "up 1") })

// anyPort returns a TCP port of the loopback that is free when it is opened.
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

// TestReadOnlyHalf requires that over TCP, read-only requests are answered as on the socket, and
// requests that change the daemon are refused, whatever the method.
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

// TestBothDoors requires that one server answers on the socket and on the port, of either family,
// and closes both at its end.
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

// TestPortInUse requires that the server runs without the port, reports that once and what to do,
// shows it in its status, and opens the port as soon as it is free.
func TestPortInUse(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	address := other.Addr().String()
	path := filepath.Join(shortDir(t), "s")
	events := make(chan event.Event, 10)
	s := listening(t, Config{Socket: path, Listen: address, Report: func(e event.Event) { events <- e }})
	stop := run(t, s)
	want := "control.listen " + address + ": another program listens there (`ss -ltnp` names it): stop it, or choose another port"
	status, err := Fetch(t.Context(), path)
	if err != nil || status.ListenError != want {
		t.Errorf("the status: %v, %+v\nwant %s", err, status, want)
	}
	if e := (<-events).(event.ControlPort); e.Err != want || e.Listen != address || s.Port() != nil {
		t.Errorf("reported %+v; the port is %v", e, s.Port())
	}
	_ = other.Close()
	if e := (<-events).(event.ControlPort); e.Err != "" {
		t.Errorf("reported %+v, want that it listens", e)
	}
	response, err := http.Get("http://" + address + StatusPath)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if status, err = Fetch(t.Context(), path); err != nil || status.ListenError != "" {
		t.Errorf("the status: %v, %+v", err, status)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestPortIsTriedAgain requires an attempt each second as long as it fails, one event per error,
// and a prompt end of a server meanwhile.
func TestPortIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failures := []error{errors.New("no such device"), errors.New("no such device"), errors.New("in use"), errors.New("in use")}
		tries, reported := 0, []string{}
		p := &port{address: "[fe80::1%eth9]:9112", limit: 1, report: func(e event.Event) {
			reported = append(reported, e.(event.ControlPort).Err)
		}}
		p.open = func(string) (net.Listener, error) {
			tries++
			return nil, failures[min(tries, len(failures))-1]
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.run(ctx, http.NotFoundHandler()) }()
		time.Sleep(9500 * time.Millisecond)
		cancel()
		if err := <-done; err != nil || tries != 10 {
			t.Errorf("run: %v after %d tries, want 10", err, tries)
		}
		if got := strings.Join(reported, ", "); got != "no such device, in use" {
			t.Errorf("reported %s", got)
		}
	})
}

// TestLinkLocalPort: an address of a missing link is not an error.
func TestLinkLocalPort(t *testing.T) {
	s := listening(t, Config{Socket: filepath.Join(shortDir(t), "s"), Listen: "[fe80::1%nolink0]:9112"})
	if s.Port() != nil || s.Status().ListenError == "" {
		t.Errorf("it listens on %v, and says %q", s.Port(), s.Status().ListenError)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestAddressNotThereYet: a management network that comes late does not prevent a router's start.
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
