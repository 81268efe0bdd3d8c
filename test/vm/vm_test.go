// Package vm runs the built binary in QEMU guests under Debian's kernel, on
// emulated NICs whose cables the monitor really pulls: real drivers, each with
// its own way of telling, or not telling, that its link is gone.
//
// As many tests run at once as there are cores, of one or two guests each, and
// most of the time they wait. No guest pulls two cables within linkwatch's second
// where the kernel's announcement is to be judged. Nothing of a guest's traffic
// reaches the host: the test itself is the switch between the guests. KVM is not
// used. Without QEMU, busybox, apt and a kernel to be had the tests skip, and say
// why; with RIPCORD_VM=required they fail instead.
package vm

import (
	"fmt"
	"os"
	"os/exec"
	"ripcord/test/built"
	"sync"
	"testing"
)

// platform is what every guest is made of.
type platform struct {
	kernel  kernel
	busybox []byte
	ripcord []byte
	team    []byte // test/vm/team
	carrier []byte // test/vm/carrier
}

var prepare = sync.OnceValues(newPlatform)

// need prepares the platform, or skips the test.
func need(t *testing.T) platform {
	t.Helper()
	if testing.Short() {
		t.Skip("boots virtual machines, which is not short")
	}
	p, err := prepare()
	switch {
	case err == nil:
		return p
	case os.Getenv("RIPCORD_VM") == "required":
		t.Fatal(err)
	}
	t.Skip(err)
	return p
}

func newPlatform() (platform, error) {
	var p platform
	if _, err := exec.LookPath(qemu); err != nil {
		return p, fmt.Errorf("%w: install it with `test/setup vm/packages`", err)
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return p, fmt.Errorf("%w: install it with `test/setup vm/packages`", err)
	}
	if p.busybox, err = os.ReadFile(busybox); err != nil {
		return p, err
	}
	if p.kernel, err = findKernel(); err != nil {
		return p, err
	}
	if p.ripcord, err = build("ripcord/cmd/ripcord"); err != nil {
		return p, err
	}
	if p.team, err = build("ripcord/test/vm/team"); err != nil {
		return p, err
	}
	p.carrier, err = build("ripcord/test/vm/carrier")
	return p, err
}

// build makes ripcord as it is shipped, and what else runs in a guest.
func build(command string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "ripcord-vm-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	binary, err := built.Command(dir, command)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(binary)
}
