package procfs

import (
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"
)

// TestParseStat reads the name, whatever it contains, and the session.
func TestParseStat(t *testing.T) {
	for _, tt := range []struct {
		text, name string
		ended      bool
		session    int
	}{
		{"12 (sleep) S 1 12 7 0 -1 4194560", "sleep", false, 7},
		{"12 (a) b) (c) Z 1 12 8 0", "a) b) (c", true, 8},
		{"12 () X 1 12 9", "", true, 9},
	} {
		s, err := parseStat([]byte(tt.text))
		if session, failed := s.Session(); err != nil || failed != nil || s.Name != tt.name || s.Ended() != tt.ended || session != tt.session {
			t.Errorf("%q: %+v, session %d, %v, %v", tt.text, s, session, err, failed)
		}
	}
	for _, text := range []string{"", "12", "12 (sleep", "12 (sleep)", "12 )sleep( S"} {
		if s, err := parseStat([]byte(text)); err == nil {
			t.Errorf("%q: %+v", text, s)
		}
	}
	if s, err := parseStat([]byte("12 (sleep) S 1")); err != nil {
		t.Error(err)
	} else if _, err := s.Session(); err == nil {
		t.Error("a session is read where there is none")
	}
}

// TestProcesses finds a process of its own session, until it is a zombie.
func TestProcesses(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	pids, err := PIDs(Root)
	if err != nil || !slices.Contains(pids, pid) || !slices.Contains(pids, os.Getpid()) {
		t.Errorf("%v, %v: not %d and %d", pids, err, pid, os.Getpid())
	}
	s, err := ReadStat(Root, pid)
	if session, failed := s.Session(); err != nil || failed != nil || session != pid || s.Ended() {
		t.Errorf("%+v, session %d, %v, %v", s, session, err, failed)
	}
	_ = cmd.Process.Kill()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if s, err := ReadStat(Root, pid); err == nil && s.Ended() {
			break
		}
		if time.Now().After(end) {
			t.Fatal("it is no zombie")
		}
	}
	_ = cmd.Wait()
	if s, err := ReadStat(Root, pid); err == nil {
		t.Errorf("after its end: %+v", s)
	}
	if _, err := PIDs(t.TempDir() + "/none"); err == nil {
		t.Error("a directory that does not exist has processes")
	}
}
