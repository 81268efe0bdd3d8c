package runner

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"ripcord/pkg/command"
	"ripcord/pkg/command/commandtest"
)

// mayShow skips a test if no directory of all processes can be opened.
func mayShow(t *testing.T) {
	t.Helper()
	file, err := openProcesses()
	if errors.Is(err, syscall.EPERM) {
		t.Skip("no right to mount /proc")
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
}

// TestProcesses requires that a daemon whose configuration has checks of processes gets a directory
// with all of them, and nothing else. No path leads out of it, and it outlives the runner.
func TestProcesses(t *testing.T) {
	mayShow(t)
	r := newRig(t)
	r.configure(NewTable(nil, true), nil)
	if err := r.client.Reload(t.Context(), r.table.Revision()); err != nil {
		t.Fatal(err)
	}
	file, err := r.client.Processes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r.cut()
	path := "/proc/self/fd/" + strconv.Itoa(int(file.Fd())) + "/"
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	has := func(name string) bool {
		return slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == name })
	}
	own := strconv.Itoa(os.Getpid())
	if !has("1") || !has(own) {
		t.Errorf("a process is missing of %d", len(entries))
	}
	if has("sys") || has("sysrq-trigger") {
		t.Error("the directory has not only processes")
	}
	if comm, err := os.ReadFile(path + own + "/comm"); err != nil || string(comm) != "runner.test\n" {
		t.Errorf("this process is called %q, %v", comm, err)
	}
	if err := os.WriteFile(path+own+"/comm", []byte("changed"), 0); !errors.Is(err, syscall.EROFS) {
		t.Errorf("the directory can be written: %v", err)
	}
	directory, err := os.Stat(path + ".")
	above, failed := os.Stat(path + "..")
	if err != nil || failed != nil || !os.SameFile(directory, above) {
		t.Errorf("a path leads out of the directory: %v, %v, %v", above, err, failed)
	}
}

// TestProcessesRefused requires that the daemon gets nothing without checks of processes, with
// another configuration than the runner's, or without a runner.
func TestProcessesRefused(t *testing.T) {
	r := newRig(t)
	if _, err := r.client.Processes(t.Context()); err == nil || !strings.Contains(err.Error(), "has no check of processes") {
		t.Errorf("without checks of processes: %v", err)
	}
	if line := <-r.lines; !strings.Contains(line, "refused to show all processes") {
		t.Errorf("said %q", line)
	}
	r.configure(NewTable(nil, true), nil)
	if err := r.server.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.client.Processes(t.Context()); !errors.Is(err, command.ErrLost) {
		t.Errorf("with another configuration: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewClient(ClientConfig{}).Processes(ctx); !errors.Is(err, command.ErrLost) {
		t.Errorf("without a runner: %v", err)
	}
}

// TestUnaskedDescriptor requires that a descriptor that was not requested is closed.
func TestUnaskedDescriptor(t *testing.T) {
	ours, theirs := connected(t)
	defer ours.Close()
	defer theirs.Close()
	input, output, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	if err := sendMessage(theirs, []byte(`{"seq":7,"ended":true}`), output); err != nil {
		t.Fatal(err)
	}
	_ = output.Close()
	l := newConnection(ours)
	a, err := l.read()
	if err != nil || a.file == nil {
		t.Fatalf("%+v, %v", a, err)
	}
	l.give(a)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = input.Read(make([]byte, 1)) // until the last descriptor is closed
	}()
	commandtest.Eventually(t, func() (bool, string) {
		select {
		case <-ended:
			return true, ""
		default:
			return false, "the descriptor is still open"
		}
	})
}
