package daemon_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/config"
	"ripcord/pkg/control"
	"ripcord/pkg/daemon"
	"ripcord/pkg/event"
)

// running is a daemon of the group "edge" on eth0 and eth1.
type running struct {
	t      *testing.T
	socket string
	output *output
	cancel context.CancelFunc
	done   chan error
}

const text = `
control: {socket: SOCKET}
defaults: {interval: 200ms, priority: 150}
groups:
  - {name: edge, members: [inside, outside]}
instances:
  - {name: inside, interface: eth0, vrid: 51, addresses: [192.0.0.1/24]}
  - {name: outside, interface: eth1, vrid: 52, addresses: [192.0.1.1/24]}
`

func options(t *testing.T, socket string) daemon.Options {
	t.Helper()
	c, err := config.Parse("test.yaml", []byte(strings.Replace(text, "SOCKET", socket, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return daemon.Options{Config: c, Version: "test", Dir: t.TempDir()}
}

func run(t *testing.T, change func(*daemon.Options)) *running {
	t.Helper()
	r := &running{t: t, socket: filepath.Join(t.TempDir(), "s"), output: newOutput(), done: make(chan error, 1)}
	o := options(t, r.socket)
	o.Output = r.output
	change(&o)
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	t.Cleanup(cancel)
	go func() { r.done <- daemon.Run(ctx, o) }()
	return r
}

// lead waits until the daemon is Active, and its addresses are in place and advertised.
func (r *running) lead(taps ...*tap) {
	r.t.Helper()
	r.output.await(r.t, 1, "daemon.ready")
	r.output.await(r.t, 2, "instance.transition", "to", "active")
	r.output.await(r.t, 2, "address.added")
	for link, address := range map[string]string{"eth0": "192.0.0.1/24", "eth1": "192.0.1.1/24"} {
		if !holds(r.t, link, address) {
			r.t.Errorf("%s is not on %s", address, link)
		}
	}
	for _, a := range taps {
		if got := a.await(); got != 150 {
			r.t.Errorf("the advert on the wire has priority %d", got)
		}
	}
}

// awaitState waits until all instances are in a state, and returns the status then. The status
// comes after the log: the loop publishes it at the end of a turn.
func (r *running) awaitState(state string) *control.Status {
	r.t.Helper()
	for range 1000 {
		status, err := control.Fetch(r.t.Context(), r.socket)
		if err != nil {
			r.t.Fatal(err)
		}
		if !slices.ContainsFunc(status.Instances, func(i control.Instance) bool { return i.State != state }) {
			return status
		}
		<-time.After(5 * time.Millisecond)
	}
	r.t.Fatalf("no status with all instances in %s within 5 s", state)
	return nil
}

// end waits until Run has returned, and checks that nothing is left.
func (r *running) end(taps ...*tap) error {
	r.t.Helper()
	var err error
	select {
	case err = <-r.done:
	case <-time.After(10 * time.Second):
		buf := make([]byte, 1<<20)
		r.t.Fatalf("Run does not return:\n%s", buf[:runtime.Stack(buf, true)])
	}
	for link, address := range map[string]string{"eth0": "192.0.0.1/24", "eth1": "192.0.1.1/24"} {
		if holds(r.t, link, address) {
			r.t.Errorf("%s stays on %s", address, link)
		}
	}
	for _, a := range taps {
		got := a.adverts()
		for range 1000 { // the last one may be under way
			if slices.Contains(got, 0) {
				break
			}
			<-time.After(5 * time.Millisecond)
			got = append(got, a.adverts()...)
		}
		if len(got) == 0 || got[len(got)-1] != 0 || slices.Index(got, 0) != len(got)-1 {
			r.t.Errorf("on the wire at the end: %v, want one priority 0, the last", got)
		}
	}
	return err
}

// goroutines waits until there are at most n goroutines: those of a library may need a moment to
// end.
func goroutines(t *testing.T, n int) {
	t.Helper()
	for range 1000 {
		if runtime.NumGoroutine() <= n {
			return
		}
		runtime.Gosched()
		<-time.After(10 * time.Millisecond)
	}
	buf := make([]byte, 1<<20)
	t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), n, buf[:runtime.Stack(buf, true)])
}

// TestDaemonLife follows a daemon: ready, Active with its addresses, asked for its status, and gone
// without leftovers within 100 ms.
func TestDaemonLife(t *testing.T) {
	cables(t)
	inside, outside := listen(t, "far0"), listen(t, "far1")
	before := runtime.NumGoroutine()
	const limit = 100 * time.Millisecond
	quickest := time.Hour
	// The machine may be busy; and a daemon leaves nothing to the next one.
	for n := 0; n < 3 || quickest > limit && n < 10; n++ {
		r := run(t, func(o *daemon.Options) {
			earlier := event.Stamp{At: time.Now()}
			o.Memory, o.Rights = &event.DaemonMemory{Stamp: earlier}, &event.DaemonRights{Stamp: earlier}
		})
		r.lead(inside, outside)

		status, err := control.Fetch(t.Context(), r.socket)
		if err != nil {
			t.Fatal(err)
		}
		if len(status.Instances) != 2 || status.Instances[0].State != "active" || status.Version != "test" {
			t.Errorf("the status is %+v", status)
		}

		begin := time.Now()
		r.cancel()
		if err := r.end(inside, outside); err != nil {
			t.Errorf("Run: %v", err)
		}
		quickest = min(quickest, time.Since(begin))
		if _, err := os.Lstat(r.socket); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the control socket stays: %v", err)
		}
		names := r.output.events()
		if !slices.Equal(names[:3], []string{"daemon.memory", "daemon.rights", "config.loaded"}) || names[len(names)-1] != "daemon.stopped" || !slices.Contains(names, "daemon.stopping") {
			t.Errorf("the log is %q", names)
		}
		goroutines(t, before)
	}
	t.Logf("the quickest end took %v", quickest)
	if quickest > limit {
		t.Errorf("the quickest of ten ends took %v, want at most %v", quickest, limit)
	}
}

// TestDaemonIsAlone: if another ripcord uses the control socket or the network namespace, the
// daemon reports that and changes nothing, not even the addresses that the other holds.
func TestDaemonIsAlone(t *testing.T) {
	cables(t)
	inside := listen(t, "far0")
	before := runtime.NumGoroutine()
	first := run(t, func(*daemon.Options) {})
	first.lead(inside)

	for _, tt := range []struct {
		name   string
		change func(*daemon.Options)
		want   string
	}{
		{"same socket", func(o *daemon.Options) { o.Config.Control.Socket = first.socket }, "control: socket " + first.socket},
		{"another socket", func(*daemon.Options) {}, "another ripcord runs in this network namespace"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			second := run(t, tt.change)
			select {
			case err := <-second.done:
				if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
					t.Errorf("Run: %v", err)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("Run does not return")
			}
			if got := second.output.events(); len(got) > 0 {
				t.Errorf("the error is %q", got)
			}
		})
	}

	first.lead(inside)
	if status, err := control.Fetch(t.Context(), first.socket); err != nil || status.Version != "test" {
		t.Errorf("the first daemon's socket: %v", err)
	}
	for _, gone := range []string{"address.removed", "address.restored"} {
		if first.output.count(gone) > 0 {
			t.Errorf("the first daemon lost its addresses: %s", gone)
		}
	}
	first.cancel()
	if err := first.end(inside); err != nil {
		t.Errorf("Run of the first: %v", err)
	}
	goroutines(t, before)
}

// TestDaemonPartFails: a part that fails later ends the daemon in order: it resigns, removes its
// addresses, and names the part.
func TestDaemonPartFails(t *testing.T) {
	cables(t)
	inside, outside := listen(t, "far0"), listen(t, "far1")
	before := runtime.NumGoroutine()
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "given"))
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, func(o *daemon.Options) { o.Listener = listener })
	r.lead(inside, outside)
	_ = listener.Close()
	if err := r.end(inside, outside); err == nil || !strings.HasPrefix(err.Error(), "control: ") || strings.Contains(err.Error(), "control: control") {
		t.Errorf("Run: %v", err)
	}
	goroutines(t, before)
}

// TestDaemonEndsEarly: a daemon that is stopped before it is ready leaves nothing either.
func TestDaemonEndsEarly(t *testing.T) {
	cables(t)
	before := runtime.NumGoroutine()
	for _, wait := range []time.Duration{0, time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond} {
		r := run(t, func(*daemon.Options) {})
		<-time.After(wait)
		r.cancel()
		if err := r.end(); err != nil {
			t.Errorf("after %v: %v", wait, err)
		}
		if _, err := os.Lstat(r.socket); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after %v the control socket stays: %v", wait, err)
		}
		goroutines(t, before)
	}
}
