package notify

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/command"
	"ripcord/pkg/command/commandtest"
)

// TestReader requires that the program is started when the FIFO exists, with its path, and again
// when it has ended.
func TestReader(t *testing.T) {
	dir := t.TempDir()
	path, log := filepath.Join(dir, "fifo"), filepath.Join(dir, "log")
	var mu sync.Mutex
	var reports []ReaderReport
	r := NewReader(command.Local{}, []string{"/bin/sh", "-c", "echo $1 $2 >>" + log + "; exit 3", "sh", "own"}, nil, path, func(r ReaderReport) {
		mu.Lock()
		defer mu.Unlock()
		reports = append(reports, r)
	})
	r.pause = 20 * time.Millisecond
	commandtest.Running(t, r.Run)
	time.Sleep(3 * readerPoll)
	if _, err := os.Stat(log); err == nil {
		t.Error("the program runs before there is a FIFO")
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	commandtest.Eventually(t, func() (bool, string) {
		mu.Lock()
		defer mu.Unlock()
		text, _ := os.ReadFile(log)
		return len(reports) > 2 && strings.Count(string(text), "own "+path+"\n") > 2, fmt.Sprintf("%d runs, %q", len(reports), text)
	})
	mu.Lock()
	defer mu.Unlock()
	if first := reports[0]; first.Exit != 3 || first.Pause != 20*time.Millisecond || reports[1].Pause != 40*time.Millisecond {
		t.Errorf("%+v", reports[:2])
	}
}

// TestReaderEnds requires that the program ends when ripcord does.
func TestReaderEnds(t *testing.T) {
	dir := t.TempDir()
	path, pid := filepath.Join(dir, "fifo"), filepath.Join(dir, "pid")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	r := NewReader(command.Local{}, []string{"/bin/sh", "-c", "echo $$ >" + pid + "; exec sleep 60"}, nil, path, func(r ReaderReport) { t.Errorf("%+v", r) })
	stop := commandtest.Running(t, r.Run)
	number := 0
	commandtest.Eventually(t, func() (bool, string) {
		text, _ := os.ReadFile(pid)
		n, _ := fmt.Sscan(string(text), &number)
		return n == 1, "it does not run"
	})
	stop()
	if err := syscall.Kill(number, 0); err == nil {
		t.Errorf("process %d is left", number)
	}
}
