package vm

import (
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
	// bootTime bounds the time until a guest's daemon is ready. 4 s are usual on a free machine,
	// with emulation.
	bootTime = 2 * time.Minute
)

// host describes a guest.
type host struct {
	nics     []nic
	number   byte // the last byte of its addresses and MACs
	priority int
	links    string // the configuration's keys for every interface
	first    string // shell commands that run before the daemon
	files    []file
	clock    []string // arguments of QEMU for the clock of the guest
}

// guest is a running virtual machine with ripcord.
type guest struct {
	t       *testing.T
	name    string
	nics    []nic
	command *exec.Cmd
	monitor *os.File
	answers *json.Decoder
	exited  chan struct{} // closed when QEMU has ended
	reader  sync.WaitGroup

	mu    sync.Mutex
	lines []line
	text  []string      // everything on the console
	more  chan struct{} // closed and replaced when there is more
}

// boot starts a guest and waits until its daemon is ready.
func boot(t *testing.T, p platform, h host, lans ...*lanSwitch) *guest {
	t.Helper()
	begin := time.Now()
	g := start(t, p, h, lans...)
	g.ready()
	t.Logf("%s is ready after %.1f s", g.name, time.Since(begin).Seconds())
	return g
}

// ready waits until the daemon is ready.
func (g *guest) ready() {
	g.t.Helper()
	if _, ok := g.look(time.Time{}, bootTime, func(l line) bool { return l.Event == "daemon.ready" }); !ok {
		g.t.Fatalf("%s did not come up to its daemon within %v (this machine may be too slow, or short of memory)%s", g.name, bootTime, g.gone())
	}
}

// start starts a guest and connects each NIC to the switch in the same place of the list.
func start(t *testing.T, p platform, h host, lans ...*lanSwitch) *guest {
	t.Helper()
	console, theirConsole := socketPair(t, syscall.SOCK_STREAM)
	monitor, theirMonitor := socketPair(t, syscall.SOCK_STREAM)
	g := &guest{
		t: t, name: h.name(), nics: h.nics, monitor: monitor, answers: json.NewDecoder(monitor),
		exited: make(chan struct{}), more: make(chan struct{}),
	}
	const firstNIC = 5                              // its descriptor, after the two below
	given := []*os.File{theirMonitor, theirConsole} // 3, 4
	g.command = exec.Command(qemu, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-M", "q35", "-accel", "tcg", "-cpu", "max", "-m", "256M",
		"-kernel", filepath.Join(p.kernel.dir, "vmlinux"), "-initrd", h.initramfs(t, p),
		"-append", "console=ttyS0 quiet loglevel=1 panic=-1 cryptomgr.notests",
		"-chardev", "socket,id=monitor,fd=3", "-mon", "chardev=monitor,mode=control",
		"-chardev", "socket,id=console,fd=4", "-serial", "chardev:console")
	g.command.Args = append(g.command.Args, h.clock...)
	for i, n := range h.nics {
		given = append(given, lans[i].port(t))
		g.command.Args = append(g.command.Args,
			"-netdev", fmt.Sprintf("socket,id=cable%d,fd=%d", i, firstNIC+i),
			"-device", fmt.Sprintf("%s,id=nic%d,netdev=cable%d,mac=52:54:00:00:%02x:%02x,romfile=", n.device, i, i, i, h.number))
	}
	g.command.ExtraFiles = given
	g.run(given)
	t.Cleanup(func() { g.close(console) })
	g.reader.Go(func() { g.read(console) })
	g.greet()
	return g
}

// run starts QEMU from a thread that lives as long as QEMU, because QEMU is killed when that thread
// ends.
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

// gone describes how QEMU ended, or returns an empty string if it runs.
func (g *guest) gone() string {
	select {
	case <-g.exited:
		return fmt.Sprintf("; %s has ended (%v): what it said stands above", qemu, g.command.ProcessState)
	case <-time.After(time.Second): // its descriptors are closed before it has ended
		return ""
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
		g.t.Logf("the end of what %s said, %d lines in all:\n%s", g.name, len(g.text), strings.Join(g.text[max(0, len(g.text)-60):], "\n"))
	}
}
