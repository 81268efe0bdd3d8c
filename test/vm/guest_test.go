package vm

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	qemu = "qemu-system-x86_64"
	// bootTime is how long a guest may take until its daemon is ready; 4 s are
	// usual on a free machine.
	bootTime = 90 * time.Second
)

// initScript brings the guest up to its daemon, whose log is all that it prints.
// %s are what is built on eth0, the guest's address, and the interface to use.
const initScript = `#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs devtmpfs /dev
for m in /lib/*.ko; do $b insmod $m; done
$b ip link set lo up
%s
$b ip addr add 192.0.2.%d/24 dev %[3]s
$b ip link set eth0 up
$b ip link set %[3]s up
/bin/ripcord run --config /etc/ripcord.yaml
echo "ripcord ended: $?"
$b poweroff -f
`

// host is how a guest is made.
type host struct {
	device   string   // the NIC, as QEMU calls it
	modules  []string // its driver
	number   byte     // the last byte of its address and of its MAC
	priority int
	links    string // its configuration's keys for the interface
	stack    string // shell that builds on eth0 what is not the plain NIC ($b is busybox)
	iface    string // the interface to use; eth0 if empty
}

// guest is a running virtual machine with ripcord on it.
type guest struct {
	t       *testing.T
	name    string
	iface   string
	command *exec.Cmd
	monitor *os.File
	answers *json.Decoder
	exited  chan struct{} // closed when QEMU is gone
	reader  sync.WaitGroup

	mu    sync.Mutex
	lines []line
	text  []string      // all that the console said
	more  chan struct{} // closed, and made anew, when there is more
}

// uses is the interface that carries the instance.
func (h host) uses() string { return cmp.Or(h.iface, "eth0") }

func (h host) config() string {
	return fmt.Sprintf(`control: {socket: /run/ripcord.sock}
defaults: {priority: %d, interval: %v}
links: {%s: {%s}}
instances:
  - {name: inside, interface: %s, vrid: 51, addresses: [192.0.2.1/24]}
groups:
  - {name: edge, members: [inside]}
`, h.priority, interval, h.uses(), h.links, h.uses())
}

// boot starts a guest on the switch and waits until its daemon is ready.
func boot(t *testing.T, p platform, s *lanSwitch, h host) *guest {
	t.Helper()
	g := start(t, p, s, h)
	g.wait(time.Time{}, bootTime, "daemon.ready", func(l line) bool { return l.Event == "daemon.ready" })
	return g
}

// start starts a guest on the switch.
func start(t *testing.T, p platform, s *lanSwitch, h host) *guest {
	t.Helper()
	modules, err := p.kernel.load(h.modules...)
	if err != nil {
		t.Fatal(err)
	}
	initramfs := filepath.Join(t.TempDir(), "initramfs")
	script := fmt.Sprintf(initScript, h.stack, h.number, h.uses())
	if err := os.WriteFile(initramfs, p.initramfs(modules, script, h.config()), 0o600); err != nil {
		t.Fatal(err)
	}
	console, theirConsole := socketPair(t, syscall.SOCK_STREAM)
	monitor, theirMonitor := socketPair(t, syscall.SOCK_STREAM)
	given := []*os.File{s.port(t), theirMonitor, theirConsole} // 3, 4, 5
	g := &guest{
		t: t, name: fmt.Sprintf("%s-%d", h.device, h.number), iface: h.uses(), monitor: monitor, answers: json.NewDecoder(monitor),
		exited: make(chan struct{}), more: make(chan struct{}),
	}
	g.command = exec.Command(qemu, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-M", "q35", "-accel", "tcg", "-cpu", "max", "-m", "256M",
		"-kernel", filepath.Join(p.kernel.dir, "vmlinux"), "-initrd", initramfs,
		"-append", "console=ttyS0 quiet loglevel=1 panic=-1 cryptomgr.notests net.ifnames=0",
		"-netdev", "socket,id=cable,fd=3",
		"-device", fmt.Sprintf("%s,id=nic,netdev=cable,mac=52:54:00:00:02:%02x,romfile=", h.device, h.number),
		"-chardev", "socket,id=monitor,fd=4", "-mon", "chardev=monitor,mode=control",
		"-chardev", "socket,id=console,fd=5", "-serial", "chardev:console")
	g.command.ExtraFiles = given
	g.run(given)
	t.Cleanup(func() { g.close(console) })
	g.reader.Go(func() { g.read(console) })
	g.greet()
	return g
}

// run starts QEMU from a thread that lives as long as it does, for it is killed
// when that thread ends.
func (g *guest) run(given []*os.File) {
	g.t.Helper()
	started := make(chan error, 1)
	g.command.Stderr = os.Stderr
	g.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	go func() {
		defer close(g.exited)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := g.command.Start()
		for _, f := range given {
			_ = f.Close()
		}
		started <- err
		if err == nil {
			_ = g.command.Wait()
		}
	}()
	if err := <-started; err != nil {
		g.t.Fatal(err)
	}
}

func (g *guest) close(console *os.File) {
	_ = g.command.Process.Kill()
	<-g.exited
	_ = g.monitor.Close()
	_ = console.Close()
	g.reader.Wait()
	if g.t.Failed() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.t.Logf("the end of what %s said:\n%s", g.name, strings.Join(g.text[max(0, len(g.text)-40):], "\n"))
	}
}
