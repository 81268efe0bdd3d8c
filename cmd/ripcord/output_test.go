package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/config/configtest"
)

// full is a writer without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// TestOutputFails requires that every command fails if its output cannot be written.
func TestOutputFails(t *testing.T) {
	socket := fakeDaemon(t, "pulled")
	fine := writeConfig(t, configtest.Smallest)
	for _, args := range []string{
		"check " + fine, "run --check --config " + fine, "version", "--help", "help status", "completion bash",
		"status --socket " + socket, "status --json --socket " + socket, "link lo", "link lo --json",
	} {
		var stderr bytes.Buffer
		if code := execute(t.Context(), strings.Fields(args), full{}, &stderr); code != exitFailed {
			t.Errorf("ripcord %s: exit code %d, want %d", args, code, exitFailed)
		}
		if got := aboutFile(stderr.String()); !strings.HasPrefix(got, "ripcord: ") || !strings.Contains(got, "no space left on device") || strings.Count(got, "\n") != 1 {
			t.Errorf("ripcord %s says %q", args, got)
		}
	}
}

// stuck is a writer that blocks until forever is closed.
type stuck struct{ forever chan struct{} }

func (s stuck) Write([]byte) (int, error) { <-s.forever; return 0, io.ErrClosedPipe }

// TestOutputIsNotRead requires that an unread stdout or stderr does not keep an interrupted command
// from ending.
func TestOutputIsNotRead(t *testing.T) {
	s := stuck{make(chan struct{})}
	defer close(s.forever)
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int)
	go func() { code <- execute(ctx, []string{"version"}, s, s) }()
	select {
	case <-code:
		t.Fatal("the command ended before the interrupt, with a line unread")
	case <-time.After(50 * time.Millisecond):
	}
	cancel()
	select {
	case got := <-code:
		if got != exitFailed {
			t.Errorf("exit code %d, want %d", got, exitFailed)
		}
	case <-time.After(10 * unreadAfter):
		t.Fatal("the command does not end")
	}
}

// TestLoadIsInterrupted requires that a signal ends the wait for a file that nobody writes.
func TestLoadIsInterrupted(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("terminated signal received"))
	var out, errs bytes.Buffer
	if code := execute(ctx, []string{"check", pipe}, &out, &errs); code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
	if want := "ripcord: interrupted (terminated signal received) while " + pipe + " was read\n"; errs.String() != want {
		t.Errorf("stderr is %q, want %q", errs.String(), want)
	}
}

// TestUnusableConfiguration requires that `run` ends with the code that keeps systemd from trying
// again, and `check` with the usual one.
func TestUnusableConfiguration(t *testing.T) {
	bad := writeConfig(t, strings.Replace(configtest.Smallest, "vrid: 51", "vrid: 300", 1))
	for args, want := range map[string]int{
		"check " + bad: exitFailed, "run --check --config " + bad: exitConfig,
		"run --check --config /nowhere/f": exitConfig, "run --check --config /dev/zero": exitConfig, "run --check --log-level loud --config " + writeConfig(t, configtest.Smallest): exitUsage,
	} {
		if code, _, _ := try(t, strings.Fields(args)...); code != want {
			t.Errorf("ripcord %s: exit code %d, want %d", args, code, want)
		}
	}
}
