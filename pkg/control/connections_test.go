package control

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// offered starts a server with metrics and returns its socket and its port.
func offered(t *testing.T, metrics http.Handler) (socket, port string) {
	t.Helper()
	socket = filepath.Join(shortDir(t), "s")
	s := listening(t, Config{Socket: socket, Listen: anyPort(t, "127.0.0.1"), Metrics: metrics})
	stop := run(t, s)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return socket, s.Port().String()
}

// say connects and sends text.
func say(t *testing.T, network, address, text string) net.Conn {
	t.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, text); err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatal(err)
	}
	return c
}

// scraped fails if the metrics are not answered within two seconds, over socket and port.
func scraped(t *testing.T, socket, port, while string) {
	t.Helper()
	for network, address := range map[string]string{"unix": socket, "tcp": port} {
		c := say(t, network, address, "GET /metrics HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n")
		_ = c.SetDeadline(time.Now().Add(2 * time.Second))
		if body, err := io.ReadAll(c); err != nil || !strings.Contains(string(body), "200 OK") || !strings.Contains(string(body), "up 1") {
			t.Errorf("while %s, /metrics over %s: %v, %q", while, network, err, body)
		}
	}
}

// TestUnfinishedRequests requires that clients that do not finish their requests delay no other.
func TestUnfinishedRequests(t *testing.T) {
	socket, port := offered(t, metrics)
	for while, text := range map[string]string{
		"idle connections are open":       "",
		"headers do not end":              "GET /metrics HTTP/1.1\r\nHost: r\r\nX: ",
		"the body of a GET does not come": "GET /metrics HTTP/1.1\r\nHost: r\r\nContent-Length: 10\r\n\r\n",
		"chunks of a GET do not come":     "GET /metrics HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n",
		"a POST does not come":            "POST /v1/release HTTP/1.1\r\nHost: r\r\nContent-Length: 10\r\n\r\n",
		"a HEAD has a body":               "HEAD /metrics HTTP/1.1\r\nHost: r\r\nContent-Length: 10\r\n\r\n",
		"a client wants to be asked":      "GET /metrics HTTP/1.1\r\nHost: r\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n",
		"unknown paths are posted to":     "POST /none HTTP/1.1\r\nHost: r\r\nContent-Length: 200000\r\n\r\n",
	} {
		for range 2 * MaxConnections {
			say(t, "tcp", port, text)
			say(t, "unix", socket, text)
		}
		scraped(t, socket, port, while)
	}
}

// TestNoBody requires that a request with an unwanted body is answered at once and its connection
// closed.
func TestNoBody(t *testing.T) {
	socket, _ := offered(t, metrics)
	for request, want := range map[string]string{
		"GET /metrics":     "400 GET /metrics takes no body: send none",
		"HEAD /v1/status":  "400 ",
		"POST /v1/release": "501 POST /v1/release is not supported yet by this version of ripcord",
		"PUT /metrics":     "405 PUT /metrics is not possible: use GET",
	} {
		c := say(t, "unix", socket, request+" HTTP/1.1\r\nHost: r\r\nContent-Length: 10\r\n\r\n")
		_ = c.SetDeadline(time.Now().Add(2 * time.Second))
		method, _, _ := strings.Cut(request, " ")
		in := bufio.NewReader(c)
		response, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			t.Errorf("%s: %v", request, err)
			continue
		}
		body, _ := io.ReadAll(response.Body)
		code, says, _ := strings.Cut(want, " ")
		if fmt.Sprint(response.StatusCode) != code || !strings.Contains(string(body), says) {
			t.Errorf("%s: %s %s, want %s", request, response.Status, body, want)
		}
		if _, err := in.ReadByte(); err == nil || errors.Is(err, syscall.ETIMEDOUT) || isTimeout(err) {
			t.Errorf("%s: the connection stays open: %v", request, err)
		}
	}
}

// TestLongHeader requires that a request's line and header of 16 KiB are accepted, and longer ones
// refused.
func TestLongHeader(t *testing.T) {
	socket, _ := offered(t, metrics)
	for length, want := range map[int]int{maxHeader: 200, maxHeader + 1: 431, 20000: 431} {
		const begin, end = "GET /metrics HTTP/1.1\r\nHost: r\r\nX: ", "\r\n\r\n"
		c := say(t, "unix", socket, begin+strings.Repeat("x", length-len(begin)-len(end))+end)
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || response.StatusCode != want {
			t.Errorf("%d bytes: %+v, %v, want %d", length, response, err, want)
		}
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// TestAnswersThatNobodyReads requires that clients that do not read their answers keep no others
// out.
func TestAnswersThatNobodyReads(t *testing.T) {
	block := strings.Repeat("x", 1<<20)
	socket, port := offered(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "up 1")
		for range 8 {
			if r.URL.RawQuery == "" {
				return
			}
			if _, err := io.WriteString(w, block); err != nil {
				return
			}
		}
	}))
	for range 2 * MaxConnections {
		say(t, "tcp", port, "GET /metrics?much HTTP/1.1\r\nHost: r\r\n\r\n")
		say(t, "unix", socket, "GET /metrics?much HTTP/1.1\r\nHost: r\r\n\r\n")
	}
	scraped(t, socket, port, "answers are not read")
}

// TestConnectionsAreLimited requires that beyond the limit, the connection is closed that waits
// longest and is not being answered; or the first one if all are being answered.
func TestConnectionsAreLimited(t *testing.T) {
	all, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := limit(all, 3)
	defer l.Close()
	var far []net.Conn
	next := func() *conn {
		t.Helper()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		far = append(far, c)
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return accepted.(*conn)
	}
	closed := func(n int) {
		t.Helper()
		_ = far[n].SetReadDeadline(time.Now().Add(2 * time.Second))
		if _, err := far[n].Read(make([]byte, 1)); err == nil || isTimeout(err) {
			t.Errorf("connection %d is open", n)
		}
		if len(l.open) != 3 {
			t.Errorf("%d connections are open, want 3", len(l.open))
		}
	}
	zero, one, two := next(), next(), next()
	zero.change(true)
	three := next()
	closed(1)
	two.change(true)
	two.change(false) // its answer has just ended
	four := next()
	closed(3)
	two.change(true)
	four.change(true)
	next()
	closed(0)
	for _, c := range []*conn{zero, one, three} {
		if err := c.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Close of a closed connection: %v", err)
		}
	}
	if len(l.open) != 3 {
		t.Errorf("%d connections are open, want 3: a closed one displaced another", len(l.open))
	}
}

// starved is a listener without descriptors until a connection is closed.
type starved struct {
	net.Listener
	closed chan struct{}
	tries  int
}

func (s *starved) Accept() (net.Conn, error) {
	s.tries++
	select {
	case <-s.closed:
		c, _ := net.Pipe()
		return c, nil
	default:
		return nil, syscall.EMFILE
	}
}

type closing struct {
	net.Conn
	closed chan struct{}
}

func (c closing) Close() error { close(c.closed); return nil }

// TestDescriptorsRunOut requires that a waiting connection gives its descriptor to the next client.
func TestDescriptorsRunOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &starved{closed: make(chan struct{})}
		l := limit(s, 3)
		l.add(closing{closed: s.closed})
		if _, err := l.Accept(); err != nil || s.tries != 2 {
			t.Errorf("Accept: %v, at the try %d, want 2", err, s.tries)
		}
	})
}

// TestOnePeerTakesNothingFromAnother requires that a peer that opens connection after connection
// loses its own, and that the one of another peer stays, even while it is silent.
func TestOnePeerTakesNothingFromAnother(t *testing.T) {
	all, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := limit(all, 4)
	defer l.Close()
	connect := func(from string) (*conn, net.Conn) {
		t.Helper()
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		far, err := dialer.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = far.Close() })
		near, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return near.(*conn), far
	}
	quiet, far := connect("127.0.0.2")
	for range 20 {
		connect("127.0.0.3")
	}
	if _, err := io.WriteString(far, "x"); err != nil {
		t.Error(err)
	}
	_ = quiet.SetReadDeadline(time.Now().Add(2 * time.Second))
	if _, err := quiet.Read(make([]byte, 1)); err != nil {
		t.Errorf("the connection of the quiet peer is closed: %v", err)
	}
	if len(l.open) != 4 {
		t.Errorf("%d connections are open, want 4", len(l.open))
	}
	socket, err := net.Listen("unix", filepath.Join(shortDir(t), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	c, err := net.Dial("unix", socket.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	accepted, err := socket.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	if got := peerOf(accepted); got != fmt.Sprint(os.Getpid()) {
		t.Errorf("the peer of this process is %q", got)
	}
}
