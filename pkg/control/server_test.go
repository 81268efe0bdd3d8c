package control

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// shortDir returns a directory whose path leaves room for a socket's name.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func listening(t *testing.T, c Config) *Server {
	t.Helper()
	c.Source = pulled()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	return s
}

// run starts a server that listens; stop ends it and returns Run's error.
func run(t *testing.T, s *Server) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return func() error {
		cancel()
		return <-done
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// stale leaves a socket behind as a crashed daemon does.
func stale(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if !exists(path) {
		t.Fatal("no stale socket was left")
	}
}

func TestServeAndFetch(t *testing.T) {
	path := filepath.Join(shortDir(t), "run", "ripcord.sock")
	s := listening(t, Config{Socket: path, Version: "0.1.0", Host: "gw1", Since: began})
	for file, want := range map[string]fs.FileMode{path: fs.ModeSocket | 0o660, filepath.Dir(path): fs.ModeDir | 0o755} {
		info, err := os.Lstat(file)
		if err != nil || info.Mode() != want {
			t.Errorf("%s: %v, mode %v, want %v", file, err, info.Mode(), want)
		}
	}
	stop := run(t, s)
	got, err := Fetch(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(names(s.config.status(true)), names(got)); diff != "" {
		t.Error(diff)
	}
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if exists(path) {
		t.Error("the socket is still there")
	}
}

func names(s *Status) []string {
	out := []string{s.Version, s.Host, s.Since.String()}
	for _, i := range s.Instances {
		out = append(out, i.Name, i.State)
	}
	return out
}

// TestRunListens requires that Run opens the socket if Listen was not called.
func TestRunListens(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	s, err := New(Config{Socket: path, Source: pulled()})
	if err != nil {
		t.Fatal(err)
	}
	if exists(path) {
		t.Error("New made the socket")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Error(err)
	}
	if s.listener == nil || exists(path) {
		t.Error("Run did not listen, or left its socket behind")
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	stale(t, path)
	stop := run(t, listening(t, Config{Socket: path}))
	if _, err := Fetch(t.Context(), path); err != nil {
		t.Error(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestDyingServer requires that Listen waits for a killed daemon whose listener disappears a moment
// later.
func TestDyingServer(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	dying, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dying.SetUnlinkOnClose(false)
	time.AfterFunc(200*time.Millisecond, func() { _ = dying.Close() })
	stop := run(t, listening(t, Config{Socket: path}))
	if _, err := Fetch(t.Context(), path); err != nil {
		t.Error(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestSecondServer requires that a second server fails and does not disturb the first, even if the
// first listens but does not answer.
func TestSecondServer(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	first := listening(t, Config{Socket: path})
	second, err := New(Config{Socket: path, Source: pulled()})
	if err != nil {
		t.Fatal(err)
	}
	want := "control: socket " + path + ": another ripcord runs and answers there: stop it first, or choose another control.socket"
	if err := second.Listen(); err == nil || err.Error() != want {
		t.Errorf("Listen: %v", err)
	}
	stop := run(t, first)
	if err := second.Run(t.Context()); err == nil || err.Error() != want {
		t.Errorf("Run: %v", err)
	}
	if _, err := Fetch(t.Context(), path); err != nil {
		t.Errorf("the first server: %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestForeignFile requires that a file that is not a socket is neither removed nor overwritten.
func TestForeignFile(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Socket: path, Source: pulled()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err == nil || !strings.Contains(err.Error(), "this name belongs to a file of another kind") {
		t.Errorf("Listen: %v", err)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "precious" {
		t.Errorf("%q, %v", content, err)
	}
}

// TestOnlyOurSocketIsRemoved: another daemon may have taken the name by then.
func TestOnlyOurSocketIsRemoved(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	stop := run(t, listening(t, Config{Socket: path}))
	aside := path + ".old" // keeps the inode, so that it is not used again
	if err := os.Rename(path, aside); err != nil {
		t.Fatal(err)
	}
	stale(t, path)
	if err := stop(); err != nil {
		t.Error(err)
	}
	if !exists(path) {
		t.Error("a socket of another server was removed")
	}
}

// TestGivenListener requires that a socket from LISTEN_FDS is used and its file kept.
func TestGivenListener(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false) // like a listener made from a file descriptor
	stop := run(t, listening(t, Config{Listener: l}))
	if _, err := Fetch(t.Context(), path); err != nil {
		t.Error(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if !exists(path) {
		t.Error("the file of a given socket was removed")
	}
}

func TestNewRefuses(t *testing.T) {
	long := "/run/" + strings.Repeat("x", maxPath)
	for want, c := range map[string]Config{
		"control: no Source was given":                           {Socket: "/run/s"},
		"control: no socket: give control.socket a path":         {Source: pulled()},
		"112 bytes long, and the system allows 107: choose a sh": {Source: pulled(), Socket: long},
	} {
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestLongestPath requires that maxPath is the system's real limit.
func TestLongestPath(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, strings.Repeat("x", maxPath-len(dir)-1))
	opened, err := openSocket(path)
	if err != nil {
		t.Fatal(err)
	}
	_ = opened.close()
	if _, err := openSocket(path + "x"); err == nil {
		t.Error("a longer path is possible")
	}
}

// TestWhoMayConnect requires that a directory in which any user may replace the socket is refused,
// and a passed-on socket that any user may use; and that without a umask, our socket is never open
// to all users.
func TestWhoMayConnect(t *testing.T) {
	open := filepath.Join(shortDir(t), "open")
	if err := errors.Join(os.Mkdir(open, 0o700), os.Chmod(open, 0o777)); err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Socket: filepath.Join(open, "s"), Source: pulled()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err == nil || !strings.Contains(err.Error(), "put another socket in its place") {
		t.Errorf("in a directory writable by all: %v", err)
	}
	if err := os.Chmod(open, 0o777|fs.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Errorf("in a directory like /tmp: %v", err)
	}
	_ = s.Close()

	path := filepath.Join(shortDir(t), "s")
	before := syscall.Umask(0)
	l, err := listenUnix(path)
	syscall.Umask(before)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != socketMode {
		t.Errorf("before its mode is set it is %v, %v", info.Mode(), err)
	}
	if err := checkGiven(l); err != nil {
		t.Error(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := checkGiven(l); err == nil || !strings.Contains(err.Error(), "its mode is 0666") || !strings.Contains(err.Error(), "SocketMode=0660") {
		t.Errorf("a passed-on socket that any user may use: %v", err)
	}
	for network, address := range map[string]string{"tcp": "127.0.0.1:0", "unix": "@ripcord-test-" + filepath.Base(filepath.Dir(path))} {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkGiven(l); err == nil || !strings.Contains(err.Error(), "may give orders") {
			t.Errorf("%s was passed on: %v", network, err)
		}
		_ = l.Close()
	}
}

// deadlines records the write deadlines of an answer.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}

// slow takes a while for a reload.
type slow struct{ obeying }

func (slow) Reload(ctx context.Context, dryRun bool) (*Reloaded, error) {
	time.Sleep(writeTimeout + time.Second)
	return obeying{}.Reload(ctx, dryRun)
}

// TestSlowOrder requires that the time for the answer to an order begins when the order has been
// carried out: a reload may take longer than the server waits for other answers.
func TestSlowOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		handler(Config{Source: pulled(), Orders: slow{}}).ServeHTTP(answer, httptest.NewRequest(http.MethodPost, ReloadPath, strings.NewReader("{}")))
		if want := time.Now().Add(writeTimeout); answer.Code != http.StatusOK || len(answer.set) != 1 || !answer.set[0].Equal(want) {
			t.Errorf("%d, the deadlines are %v, want %v", answer.Code, answer.set, want)
		}
	})
}

// stuck does not carry out a reload until its client leaves.
type stuck struct{ obeying }

func (stuck) Reload(ctx context.Context, _ bool) (*Reloaded, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestInterruptedOrder requires that a client that was interrupted says that the order may have been
// carried out.
func TestInterruptedOrder(t *testing.T) {
	socket := filepath.Join(shortDir(t), "s")
	stop := run(t, listening(t, Config{Socket: socket, Orders: stuck{}}))
	ctx, interrupt := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, interrupt)
	if _, err := Reload(ctx, socket, false); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "may carry out the order") {
		t.Errorf("interrupted: %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
