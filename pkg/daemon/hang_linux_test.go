package daemon_test

import (
	"strings"
	"testing"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/control"
	"ripcord/pkg/daemon"
	"ripcord/pkg/router/routertest"
	"ripcord/pkg/vrrp"
)

// gatedKernel adds and removes addresses while its gates are open.
type gatedKernel struct {
	addr.Kernel
	adds, removals *routertest.Gate // nil: always open
}

func (k gatedKernel) AddBatch(ops []addr.Op) error {
	k.adds.Pass()
	return k.Kernel.AddBatch(ops)
}

func (k gatedKernel) RemoveBatch(ops []addr.Op) error {
	k.removals.Pass()
	return k.Kernel.RemoveBatch(ops)
}

// TestDaemonWorkerHangs: if the kernel does not answer while addresses are added, the group does
// not stay Active without them: it resigns, reports that at error and in its status, and serves
// when the kernel answers at last.
func TestDaemonWorkerHangs(t *testing.T) {
	cables(t)
	inside := listen(t, "far0")
	adds := new(routertest.Gate)
	defer adds.Open()
	adds.Close()
	r := run(t, func(o *daemon.Options) {
		o.Kernel = func(k addr.Kernel) addr.Kernel { return gatedKernel{Kernel: k, adds: adds} }
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
	adds.Open()
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
	adds := new(routertest.Gate)
	defer adds.Open()
	r := run(t, func(o *daemon.Options) {
		o.Config.Groups[0].Fence = &vrrp.Fence{Argv: []string{"/bin/true"}, Timeout: time.Second}
		o.Config.ScriptUser = "root"
		o.Kernel = func(k addr.Kernel) addr.Kernel { return gatedKernel{Kernel: k, adds: adds} }
	})
	r.lead()
	if _, err := control.FenceDryRun(t.Context(), r.socket, "edge"); err != nil {
		t.Fatal(err)
	}
	if _, err := control.Release(t.Context(), r.socket, "edge", 0); err != nil {
		t.Fatal(err)
	}
	r.output.await(t, 2, "address.removed")
	adds.Close()
	if _, err := control.Resume(t.Context(), r.socket, "edge"); err != nil {
		t.Fatal(err)
	}
	r.output.await(t, 2, "instance.fault", "reason", "worker-hung", "level", "error")
	adds.Open()
	r.cancel()
	if err := r.end(); err != nil {
		t.Errorf("Run: %v", err)
	}
}
