package daemon_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/control"
	"ripcord/pkg/daemon"
	"ripcord/pkg/vrrp"
)

// stuckKernel does not answer while it is stuck.
type stuckKernel struct {
	addr.Kernel
	adds, removals *stuck // nil: never
}

func (k stuckKernel) AddBatch(ops []addr.Op) error {
	k.adds.wait()
	return k.Kernel.AddBatch(ops)
}

func (k stuckKernel) RemoveBatch(ops []addr.Op) error {
	k.removals.wait()
	return k.Kernel.RemoveBatch(ops)
}

// stuck makes calls wait from some moment on, until they are freed.
type stuck struct {
	on    atomic.Bool
	freed chan struct{}
	free  func() // may be called more than once
}

func newStuck() *stuck {
	s := &stuck{freed: make(chan struct{})}
	s.free = sync.OnceFunc(func() { close(s.freed) })
	return s
}

func (s *stuck) wait() {
	if s != nil && s.on.Load() {
		<-s.freed
	}
}

// TestDaemonWorkerHangs: if the kernel does not answer while addresses are added, the group does
// not stay Active without them: it resigns, reports that at error and in its status, and serves
// when the kernel answers at last.
func TestDaemonWorkerHangs(t *testing.T) {
	cables(t)
	inside := listen(t, "far0")
	adds := newStuck()
	defer adds.free()
	adds.on.Store(true)
	r := run(t, func(o *daemon.Options) {
		o.Kernel = func(k addr.Kernel) addr.Kernel { return stuckKernel{Kernel: k, adds: adds} }
	})
	r.output.await(t, 2, "instance.transition", "to", "active")
	r.output.await(t, 2, "instance.fault", "reason", "worker-hung", "level", "error")
	r.output.await(t, 2, "instance.transition", "to", "fault")
	got := inside.adverts()
	for range 1000 { // the last advert may be under way
		if len(got) > 0 && got[len(got)-1] == 0 {
			break
		}
		<-time.After(5 * time.Millisecond)
		got = append(got, inside.adverts()...)
	}
	if len(got) == 0 || got[len(got)-1] != 0 {
		t.Fatalf("the daemon has not resigned: %v", got)
	}
	for _, i := range r.awaitState("fault").Instances {
		if len(i.Faults) != 1 || i.Faults[0].Reason != "worker-hung" || !strings.Contains(i.Faults[0].Error, "system call") {
			t.Errorf("%s is %s: %+v", i.Name, i.State, i.Faults)
		}
	}
	adds.free()
	r.output.await(t, 4, "instance.transition", "to", "active")
	r.output.await(t, 2, "address.added")
	r.cancel()
	if err := r.end(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

// TestDaemonWorkerHangsAfterDryRun: a dry run of a fence asks the stations past the router, and does
// not hide from it that the worker hangs.
func TestDaemonWorkerHangsAfterDryRun(t *testing.T) {
	cables(t)
	adds := newStuck()
	defer adds.free()
	r := run(t, func(o *daemon.Options) {
		o.Config.Groups[0].Fence = &vrrp.Fence{Argv: []string{"/bin/true"}, Timeout: time.Second}
		o.Config.ScriptUser = "root"
		o.Kernel = func(k addr.Kernel) addr.Kernel { return stuckKernel{Kernel: k, adds: adds} }
	})
	r.lead()
	if _, err := control.FenceDryRun(t.Context(), r.socket, "edge"); err != nil {
		t.Fatal(err)
	}
	if _, err := control.Release(t.Context(), r.socket, "edge", 0); err != nil {
		t.Fatal(err)
	}
	r.output.await(t, 2, "address.removed")
	adds.on.Store(true)
	if _, err := control.Resume(t.Context(), r.socket, "edge"); err != nil {
		t.Fatal(err)
	}
	r.output.await(t, 2, "instance.fault", "reason", "worker-hung", "level", "error")
	adds.free()
	r.cancel()
	if err := r.end(); err != nil {
		t.Errorf("Run: %v", err)
	}
}
