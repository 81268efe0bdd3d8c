package daemon_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/config"
	"ripcord/pkg/daemon"
	"ripcord/pkg/router"
	"ripcord/pkg/router/routertest"
)

// TestDaemonHangs requires that a loop that hangs does not keep the daemon from ending: advertised
// instances are resigned, the addresses are removed, and the error names the part.
func TestDaemonHangs(t *testing.T) {
	cables(t)
	inside, outside := listen(t, "far0"), listen(t, "far1")
	before := runtime.NumGoroutine()
	gate := new(routertest.Gate)
	var dir string
	r := run(t, func(o *daemon.Options) {
		dir = o.Dir
		o.Addresses = func(a router.Addresses) router.Addresses {
			return routertest.Blocking{Addresses: a, Block: gate.Pass}
		}
	})
	r.lead(inside, outside)
	gate.Close()
	<-time.After(300 * time.Millisecond) // the loop hangs at its next turn
	began := time.Now()
	r.cancel()
	err := r.end(inside, outside)
	if err == nil || !strings.HasPrefix(err.Error(), "router: hangs") {
		t.Errorf("Run: %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the daemon took %v to end", took)
	}
	r.output.await(t, 1, "daemon.stopped", "level", "error")
	if _, err := daemon.Clean(dir); err != nil {
		t.Errorf("ripcord clean after the executors have ended: %v", err)
	}
	gate.Open()
	goroutines(t, before)
}

// TestDaemonCannotRemove: if the kernel does not remove the addresses, the daemon ends within its
// limit, with the commands of the stop, and the error says how many are left. They stay locked until
// the worker has ended.
func TestDaemonCannotRemove(t *testing.T) {
	cables(t)
	before := runtime.NumGoroutine()
	const limit = 9 * time.Second
	removals, stopped := new(routertest.Gate), filepath.Join(t.TempDir(), "stopped")
	defer removals.Open()
	var dir string
	r := run(t, func(o *daemon.Options) {
		dir, o.StopWithin, o.Config.ScriptUser = o.Dir, limit, "root"
		o.Config.Notify = map[config.Subject]config.Notify{
			{Group: true, Name: "edge"}: {Stop: config.Command{Argv: []string{"/bin/sh", "-c", "touch " + stopped + "; exec sleep 60"}}},
		}
		o.Kernel = func(k addr.Kernel) addr.Kernel { return gatedKernel{Kernel: k, removals: removals} }
	})
	r.lead()
	removals.Close()
	began := time.Now()
	r.cancel()
	err := <-r.done
	if took := time.Since(began); took > limit+3*time.Second {
		t.Errorf("the daemon took %v to end", took)
	}
	if err == nil || !strings.Contains(err.Error(), "addresses: hangs") || !strings.Contains(err.Error(), "addresses left on this machine: 2: when this process has ended, run ripcord clean") {
		t.Errorf("Run: %v", err)
	}
	if _, err := os.Stat(stopped); err != nil {
		t.Errorf("the command of the stop has not run: %v", err)
	}
	r.output.await(t, 1, "daemon.stopped", "level", "error")
	if _, err := daemon.Clean(dir); !errors.Is(err, daemon.ErrRunning) {
		t.Errorf("ripcord clean while the worker may still act: %v", err)
	}
	removals.Open()
	goroutines(t, before)
	if _, err := daemon.Clean(dir); err != nil {
		t.Errorf("ripcord clean after the worker has ended: %v", err)
	}
	if holds(t, "eth0", "192.0.0.1/24") {
		t.Error("an address is left")
	}
}

// TestDaemonStartHangs: a start that hangs ends within its limit when the daemon is stopped, and the
// parts that it makes later are closed.
func TestDaemonStartHangs(t *testing.T) {
	cables(t)
	before := runtime.NumGoroutine()
	gate, building := make(chan struct{}), make(chan struct{})
	var dir string
	r := run(t, func(o *daemon.Options) {
		dir, o.StopWithin = o.Dir, 50*time.Millisecond
		o.Kernel = func(k addr.Kernel) addr.Kernel {
			close(building)
			<-gate
			return k
		}
	})
	<-building
	r.cancel()
	if err := <-r.done; err == nil || !strings.HasPrefix(err.Error(), "start: hangs") {
		t.Errorf("Run: %v", err)
	}
	close(gate)
	goroutines(t, before)
	if _, err := os.Lstat(r.socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the control socket stays: %v", err)
	}
	if _, err := daemon.Clean(dir); err != nil {
		t.Errorf("the lock stays: %v", err)
	}
}

// TestDaemonWithoutUser: a daemon whose programs cannot be run ends with that error, also if another
// process would run them.
func TestDaemonWithoutUser(t *testing.T) {
	r := run(t, func(o *daemon.Options) {
		o.Config.ScriptUser, o.Config.NotifyAll.Any.Argv = "nobody-here", []string{"/bin/true"}
		o.Runner = func(context.Context) (net.Conn, error) { return nil, errors.New("there is none") }
	})
	if err := <-r.done; err == nil || !strings.Contains(err.Error(), "there is no user nobody-here") {
		t.Errorf("Run: %v", err)
	}
}

// unread is a log that nobody reads while its gate is closed.
type unread struct {
	*output
	gate routertest.Gate
}

func (u *unread) Write(b []byte) (int, error) {
	u.gate.Pass()
	return u.output.Write(b)
}

// TestDaemonLogIsNotRead requires that an unread log does not keep the daemon from ending, either, in
// the usual time and a second.
func TestDaemonLogIsNotRead(t *testing.T) {
	cables(t)
	inside, outside := listen(t, "far0"), listen(t, "far1")
	log := &unread{output: newOutput()}
	defer log.gate.Open()
	r := run(t, func(o *daemon.Options) { o.Output = log })
	r.output = log.output
	r.lead(inside, outside)
	log.gate.Close()
	began := time.Now()
	r.cancel()
	if err := r.end(inside, outside); !errors.Is(err, daemon.ErrLogUnread) {
		t.Errorf("Run: %v", err)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("the daemon took %v to end", took)
	}
}
