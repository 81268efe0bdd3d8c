package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFetchErrors requires that each error says what to do.
func TestFetchErrors(t *testing.T) {
	dir := shortDir(t)
	missing, dead := filepath.Join(dir, "missing"), filepath.Join(dir, "dead")
	stale(t, dead)
	for _, c := range []struct{ socket, want string }{
		{missing, "there is no socket " + missing + ": is ripcord running? If its control.socket is elsewhere, give --socket PATH"},
		{dead, "no process answers on " + dead + ": ripcord has stopped; start it, its log says why it ended"},
		{"", "no socket was given: name the daemon's control socket, as --socket " + DefaultSocket},
		{dir, dir + " is not a socket: name the daemon's control socket, as --socket " + DefaultSocket},
		{answering(t, dir, 500, `{"error":"it went wrong"}`), "the daemon at " + dir + "/500: it went wrong"},
		{answering(t, dir, 502, `<html>`), "the daemon at " + dir + "/502: 502 Bad Gateway"},
		{answering(t, dir, 200, `<html>`), "the program that answers on " + dir + "/200 is not ripcord, or a ripcord of another version: invalid character '<' looking for beginning of value"},
	} {
		if _, err := Fetch(t.Context(), c.socket); err == nil || err.Error() != c.want {
			t.Errorf("\n got %v\nwant %s", err, c.want)
		}
	}
}

// answering serves one answer to every request.
func answering(t *testing.T, dir string, code int, body string) (path string) {
	t.Helper()
	path = filepath.Join(dir, fmt.Sprint(code))
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}))
	_ = server.Listener.Close()
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	return path
}

// TestNoAnswer requires that the error names the time limit of the request.
func TestNoAnswer(t *testing.T) {
	path := filepath.Join(shortDir(t), "silent")
	l, err := net.Listen("unix", path) // and accepts no connection
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	for want, ask := range map[string]func() error{
		"5s":  func() error { _, err := Fetch(ctx, path); return err },
		"30s": func() error { _, err := Reload(ctx, path, false); return err },
	} {
		if err := ask(); err == nil || !strings.HasPrefix(err.Error(), "the daemon does not answer on "+path+" within "+want+": it hangs") {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestExplain covers errors that a test running as root cannot provoke.
func TestExplain(t *testing.T) {
	wrapped := func(err error) error {
		return fmt.Errorf("Get: %w", &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", err)})
	}
	for cause, want := range map[error]string{
		syscall.EACCES:     "no permission to use /s: run this as root, or as a member of the group that owns it",
		syscall.ECONNRESET: "the daemon at /s ended before it had answered: its log may say why",
		syscall.EPROTOTYPE: "ask the daemon on /s: Get: dial unix: connect: protocol wrong type for socket",
	} {
		err := explain("/s", wrapped(cause))
		if !strings.HasPrefix(err.Error(), want) || !errors.Is(err, cause) {
			t.Errorf("%v: %v", cause, err)
		}
	}
	if !errors.Is(explain("/s", wrapped(syscall.ENOENT)), fs.ErrNotExist) {
		t.Error("a caller cannot detect that there is no socket")
	}
}
