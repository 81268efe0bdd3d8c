package link

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// inside is set in the child that runs in a network namespace of its own.
const inside = "RIPCORD_LINK_TEST_NETNS"

// TestInNetns runs this test binary again in an anonymous network namespace:
// there the tests whose names begin with TestKernel find an empty kernel. It
// ends with the child.
func TestInNetns(t *testing.T) {
	if os.Getenv(inside) != "" {
		t.Skip("this is the child")
	}
	if os.Getuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestKernel", "-test.v", fmt.Sprintf("-test.short=%v", testing.Short()))
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatalf("in the namespace: %v", err)
	}
	if n := strings.Count(string(out), "\n--- PASS: TestKernel"); n < 5 {
		t.Errorf("only %d tests ran there", n)
	}
}

// live is a running monitor, and what it publishes.
type live struct {
	t         *testing.T
	monitor   *Monitor
	bell      bus.Bell
	facts     *bus.Merged[string, event.Link]
	addresses *bus.Merged[event.AddressKey, event.Address]
	results   *bus.Ring[vrrp.Result]
	events    *bus.Ring[event.Event]
	logged    []event.Event
	known     map[string]event.Link
	lost      map[string]int // the Downs of all facts
	there     map[event.AddressKey]event.Address
}

func watch(t *testing.T, k kernel, watched ...string) *live {
	t.Helper()
	return watchAs(t, k, Settings{Monitor: Auto, Confirm: 10 * time.Millisecond}, watched...)
}

func watchAs(t *testing.T, k kernel, s Settings, watched ...string) *live {
	t.Helper()
	cfg := Config{
		Default: s, Watched: watched,
		Facts: bus.NewRetained[string, event.Link](), Addresses: &bus.Topic[event.Address]{},
		Results: &bus.Topic[vrrp.Result]{}, Events: &bus.Topic[event.Event]{}, Minter: event.NewMinter(0),
	}
	bell := bus.NewBell()
	l := &live{t: t, monitor: newMonitor(cfg, k), bell: bell, facts: cfg.Facts.Subscribe(bell),
		addresses: bus.SubscribeMerged(cfg.Addresses, bell),
		results:   bus.SubscribeRing(cfg.Results, bell, 100), events: bus.SubscribeRing(cfg.Events, bell, 1000),
		known: make(map[string]event.Link), lost: make(map[string]int), there: make(map[event.AddressKey]event.Address)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.monitor.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	select {
	case <-l.monitor.Ready():
	case err := <-done:
		t.Fatal(err)
	}
	return l
}

// take takes what was published.
func (l *live) take() {
	for _, f := range l.facts.Take() {
		l.known[f.Name] = f
		l.lost[f.Name] += f.Downs
	}
	for _, a := range l.addresses.Take() {
		l.there[a.Key()] = a
	}
	events, _ := l.events.Take()
	l.logged = append(l.logged, events...)
}

// until waits until the condition holds of what was published.
func (l *live) until(what string, condition func() bool) {
	l.t.Helper()
	limit := time.After(5 * time.Second)
	for l.take(); !condition(); l.take() {
		select {
		case <-l.bell:
		case <-limit:
			l.t.Fatalf("not within 5 s: %s; known %+v\nlog %v", what, l.known, l.log())
		}
	}
}

func (l *live) usable(name string) func() bool { return func() bool { return l.known[name].Usable } }

func (l *live) down(name string) func() bool {
	return func() bool { f := l.known[name]; return f.Index != 0 && !f.Usable }
}

// log is what was logged, as lines.
func (l *live) log() []string {
	var lines []string
	for _, e := range l.logged {
		if e, ok := e.(event.LinkChanged); ok {
			lines = append(lines, fmt.Sprintf("%s %s %s", e.Kind, e.Link.Name, e.Source))
		}
	}
	return lines
}

// losses are the lines of the log that tell of one.
func (l *live) losses() []string {
	return slices.DeleteFunc(l.log(), func(line string) bool { return strings.HasPrefix(line, "link.up") })
}

func ip(t *testing.T, args string) {
	t.Helper()
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", args, err, out)
	}
}

func inNetns(t *testing.T) {
	if os.Getenv(inside) == "" {
		t.Skip("runs in a network namespace: see TestInNetns")
	}
}

// tap is a device of the plain-NIC class whose carrier the test sets.
type tap int

func newTap(t *testing.T, name string) tap {
	t.Helper()
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no tap devices: %v", err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		t.Fatal(err)
	}
	ifr.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr); err != nil {
		t.Skipf("no tap devices: %v", err)
	}
	ip(t, "link set "+name+" up")
	return tap(fd)
}

func (d tap) carrier(t *testing.T, up int32) {
	t.Helper()
	const tunSetCarrier = 0x400454e2
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(d), tunSetCarrier, uintptr(unsafe.Pointer(&up))); errno != 0 {
		t.Fatal(errno)
	}
}
