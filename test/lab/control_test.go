package lab

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/control"
	"ripcord/pkg/event"
)

// TestPortComesLater checks that a port that cannot be opened ends no router: the daemon logs it at
// error, shows it in status and tries again, and the router is Active meanwhile. There are two
// cases: a link-local address whose link appears later, and a port that another program uses.
func TestPortComesLater(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	with := func(listen string) string {
		yaml := router{150, 200 * time.Millisecond, ""}.yaml(s, s.socket("a"))
		return strings.Replace(yaml, "control: {", fmt.Sprintf("control: {listen: %q, ", listen), 1)
	}
	a := s.startYAML("a", with("[fe80::77%late0]:9112"))
	a.becomes("active", time.Time{}, 5*time.Second)
	logged := a.wait(time.Time{}, time.Second, "control.failed", is("control.failed"))
	if logged.Level != "error" || !strings.Contains(logged.Msg, "late0") {
		t.Errorf("logged at %s: %s", logged.Level, logged.Msg)
	}
	if got := a.status().ListenError; !strings.Contains(got, "late0") {
		t.Errorf("the status has %q", got)
	}
	s.ip("a", "link", "add", "late0", "type", "veth", "peer", "name", "late1")
	s.ip("a", "link", "set", "late1", "up")
	s.ip("a", "link", "set", "late0", "up")
	s.ip("a", "addr", "add", "fe80::77/64", "dev", "late0", "nodad")
	a.wait(time.Time{}, 5*time.Second, "control.listening", is("control.listening"))
	if got := a.status().ListenError; got != "" {
		t.Errorf("the status has %q", got)
	}
	n := 0
	for _, l := range a.log(time.Time{}) {
		if l.Event == "control.failed" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d lines control.failed, want 1", n)
	}
}

// TestSocketRemoved checks that a daemon makes its control socket again when the directory of the
// socket was removed, and logs that.
func TestSocketRemoved(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	dir := filepath.Join(s.Dir, "run")
	a := s.startYAML("a", router{150, 200 * time.Millisecond, ""}.yaml(s, filepath.Join(dir, "a.sock")))
	a.socket = filepath.Join(dir, "a.sock")
	a.becomes("active", time.Time{}, 5*time.Second)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	removed := time.Now()
	over := a.wait(removed, 15*time.Second, "the end of the warning", func(l line) bool {
		return l.Event == "instance.warning" && l.Reason == string(event.WarnControlSocket) && l.Level == "info"
	})
	if got := a.status(); got.Instances[0].State != "active" || len(got.MachineWarnings) > 0 {
		t.Errorf("%s, the status is %s with %v", over.Msg, got.Instances[0].State, got.MachineWarnings)
	}
}

// TestUnfinishedClients checks that clients that connect and finish no request, many more than the
// process has descriptors, do not keep the daemon from answering a scrape or `ripcord status`.
func TestUnfinishedClients(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	listen := filepath.Join(s.Dir, "a.sock")
	a := s.start("a", router{150, 200 * time.Millisecond, ""})
	a.becomes("active", time.Time{}, 5*time.Second)
	for _, text := range []string{"", "GET /metrics HTTP/1.1\r\nHost: r\r\nX:", "GET /metrics HTTP/1.1\r\nHost: r\r\nContent-Length: 9\r\n\r\n"} {
		for range 300 {
			c, err := net.Dial("unix", listen)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, _ = io.WriteString(c, text)
		}
		begun := time.Now()
		if _, err := control.Fetch(t.Context(), listen); err != nil || time.Since(begun) > 2*time.Second {
			t.Errorf("after %q the status took %v: %v", text, time.Since(begun), err)
		}
		client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{
			DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", listen) },
		}}
		response, err := client.Get("http://ripcord/metrics")
		if err != nil {
			t.Errorf("after %q: %v", text, err)
			continue
		}
		_ = response.Body.Close()
		client.CloseIdleConnections()
	}
	if fds := a.usage().fds; fds > 150 {
		t.Errorf("ripcord has %d descriptors open", fds)
	}
}
