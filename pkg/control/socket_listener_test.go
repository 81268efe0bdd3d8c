package control

import (
	"bufio"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ripcord/pkg/event"
)

// checked starts a server that checks its socket often. logged returns the lines about its warnings.
func checked(t *testing.T, path string) (s *Server, logged func() []string) {
	t.Helper()
	var mu sync.Mutex
	var lines []string
	warnings := event.NewWarnings(func(e event.Event) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, e.Level().String()+" "+e.Message())
	})
	s = listening(t, Config{Socket: path, Warnings: warnings})
	s.socket.period = 10 * time.Millisecond
	stop := run(t, s)
	t.Cleanup(func() {
		if err := stop(); err != nil || exists(path) {
			t.Errorf("Run: %v; the socket is still there: %t", err, exists(path))
		}
	})
	return s, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(lines)
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}

// wantLines requires one line for each text, with the text in it.
func wantLines(t *testing.T, lines []string, texts ...string) {
	t.Helper()
	if len(lines) != len(texts) || !slices.EqualFunc(lines, texts, strings.Contains) {
		t.Errorf("logged %q, want %q", lines, texts)
	}
}

// TestSocketComesLater requires that a server runs although the file system prevents its socket,
// warns of it, and opens the socket when the file system permits it.
func TestSocketComesLater(t *testing.T) {
	dir := filepath.Join(shortDir(t), "run")
	if err := os.Symlink("/proc", dir); err != nil { // no directory can be made there, even by root
		t.Fatal(err)
	}
	path := filepath.Join(dir, "ripcord", "s")
	s, logged := checked(t, path)
	if w := s.config.Warnings.Of(event.MachineName); len(w) != 1 || w[0].Reason != event.WarnControlSocket || w[0].Subject != path {
		t.Errorf("the warnings are %+v", w)
	}
	if err := os.Remove(dir); err != nil { // now the server can make all of the path
		t.Fatal(err)
	}
	eventually(t, "the warning ends", func() bool { return len(s.config.Warnings.All()) == 0 })
	if _, err := Fetch(t.Context(), path); err != nil {
		t.Error(err)
	}
	wantLines(t, logged(), "error (machine): socket "+path+": its directory cannot be made", "info (machine): over: ")
}

// TestRemovedSocketIsMadeAgain requires that a server notices that the directory of its socket was
// removed, makes both again with their modes, and answers on old and new connections.
func TestRemovedSocketIsMadeAgain(t *testing.T) {
	dir := filepath.Join(shortDir(t), "ripcord")
	path := filepath.Join(dir, "s")
	s, logged := checked(t, path)
	old, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	answers := bufio.NewReader(old)
	ask := func() {
		t.Helper()
		if _, err := io.WriteString(old, "GET /v1/status HTTP/1.1\r\nHost: ripcord\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK {
			t.Errorf("the connection from before: %s, %v", answer.Status, err)
		}
	}
	ask()
	if err := os.Rename(dir, dir+".old"); err != nil { // a removal in one step
		t.Fatal(err)
	}
	eventually(t, "the server answers", func() bool { _, err := Fetch(t.Context(), path); return err == nil })
	ask()
	for file, want := range map[string]fs.FileMode{path: fs.ModeSocket | socketMode, dir: fs.ModeDir | dirMode} {
		if info, err := os.Lstat(file); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, want mode %v", file, err, want)
		}
	}
	eventually(t, "the warning ends", func() bool { return len(logged()) == 2 && len(s.config.Warnings.All()) == 0 })
	wantLines(t, logged(), "error (machine): the file of the control socket "+path+" was removed", "info (machine): over: ")
}

// TestReplacedSocketIsKept requires that a server whose path names the socket of another process
// leaves that socket alone while the process listens, and warns.
func TestReplacedSocketIsKept(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	s, logged := checked(t, path)
	other, err := net.Listen("unix", path+".new")
	if err != nil {
		t.Fatal(err)
	}
	other.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a warning", func() bool { return len(logged()) > 0 })
	if lines := logged(); !strings.Contains(lines[0], "another ripcord runs and answers there") || !exists(path) {
		t.Errorf("logged %q; the other socket is there: %t", lines, exists(path))
	}
	_ = other.Close()
	eventually(t, "the warning ends", func() bool { return len(s.config.Warnings.All()) == 0 })
	if _, err := Fetch(t.Context(), path); err != nil {
		t.Error(err)
	}
}
