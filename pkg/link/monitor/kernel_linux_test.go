package monitor

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/rtnl"
)

func TestKernelVethLifeCycle(t *testing.T) {
	inNetns(t)
	l := watch(t, newKernel(), "va", "vc")
	if f := l.monitor.Links(); len(f) != 1 || f[0].Name != "lo" {
		t.Fatalf("a fresh namespace has %+v", f)
	}
	l.until("va is published as absent", func() bool { f, ok := l.known["va"]; return ok && f.Index == 0 })
	ip(t, "link add va index 100 type veth peer name vb")
	ip(t, "link set va up")
	ip(t, "link set vb up")
	l.until("va is usable", l.usable("va"))
	ip(t, "link set vb down")
	l.until("va is down", l.down("va"))
	ip(t, "link set vb up")
	l.until("va is usable", l.usable("va"))
	ip(t, "link set va down")
	ip(t, "link set va name vc")
	ip(t, "link set vc up")
	l.until("vc is usable, va gone", func() bool { return l.known["vc"].Usable && l.known["va"].Index == 0 })
	ip(t, "link del vc")
	l.until("vc is gone", func() bool { return l.known["vc"].Index == 0 })
	ip(t, "link add va index 200 type veth peer name vb")
	ip(t, "link set va up")
	ip(t, "link set vb up")
	l.until("va is taken again", func() bool { return l.known["va"].Usable && l.known["va"].Index == 200 })
	l.until("the log is complete", func() bool { return strings.HasSuffix(strings.Join(l.log(), "\n"), "link.up va notification") })
	var kinds []string
	for _, line := range l.log() {
		kinds = append(kinds, line[:strings.LastIndexByte(line, ' ')])
	}
	want := []string{"link.added va", "link.up va", "link.down va", "link.up va", "link.down va", "link.renamed vc", "link.up vc",
		"link.down vc", "link.removed vc", "link.added va", "link.up va"}
	if !slices.Equal(kinds, want) {
		t.Errorf("log\n%q, want\n%q", kinds, want)
	}
	ip(t, "link del va")
}

// TestKernelMacvlanFollowsItsParent: the flags of a macvlan do not change when its parent is set
// down, but its state must.
func TestKernelMacvlanFollowsItsParent(t *testing.T) {
	inNetns(t)
	l := watch(t, newKernel(), "m0")
	newTap(t, "tap5")
	if out, err := exec.Command("ip", "link", "add", "m0", "link", "tap5", "type", "macvlan", "mode", "private").CombinedOutput(); err != nil {
		t.Skipf("no macvlan in this kernel: %s", out)
	}
	ip(t, "link set m0 up")
	l.until("m0 is usable", l.usable("m0"))
	ip(t, "link set tap5 down")
	l.until("m0 is down", l.down("m0"))
	f := l.known["m0"]
	t.Logf("the macvlan itself: admin up %v, carrier %v, operstate %v", f.AdminUp, f.Carrier, f.OperState)
	ip(t, "link set tap5 up")
	l.until("m0 is usable", l.usable("m0"))
	ip(t, "link del tap5")
	l.until("m0 is gone", func() bool { return l.known["m0"].Index == 0 })
}

// deaf is a kernel without announcements: changes can only be found by asking.
type deaf struct{ *linux }

func (deaf) open(subject) (stream, error) { return listen(receiveBuffer) }

// pull removes the carrier soon after it came, so that a plain NIC's driver cannot have announced
// it within the second, and returns the time until the loss was published.
func (l *live) pull(nic tap, name string) time.Duration {
	l.t.Helper()
	nic.carrier(l.t, 1)
	l.until(name+" is usable", l.usable(name))
	l.logged, l.lost[name] = nil, 0
	pulled := time.Now()
	nic.carrier(l.t, 0)
	l.until(name+" is down", l.down(name))
	took := time.Since(pulled)
	l.until("a line in the log", func() bool { return len(l.losses()) > 0 })
	if l.lost[name] != 1 || len(l.losses()) != 1 {
		l.t.Errorf("%d losses, logged %q, want one of each", l.lost[name], l.losses())
	}
	return took
}

// caughtUp waits until the monitor has read every loss that the kernel counts: a notification that
// is read after the carrier has returned would be another loss.
func (l *live) caughtUp(name string) {
	l.t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		d, err := newKernel().dump(ofLinks)
		if err != nil {
			l.t.Fatal(err)
		}
		kernel := d.Links[slices.IndexFunc(d.Links, func(s link.Seen) bool { return s.Name == name })].DownCount
		known := l.monitor.Links()
		read := known[slices.IndexFunc(known, func(f event.Link) bool { return f.Name == name })].DownCount
		if read == kernel {
			return
		}
		if time.Now().After(end) {
			l.t.Fatalf("the kernel counts %d losses of %s, and the monitor has read %d", kernel, name, read)
		}
	}
}

// median returns the middle of the times: the machine may be busy once or twice.
func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

// TestKernelConfirmWhereTheNotificationIsLate requires that the confirmer finds a loss within its
// period if the notification is late. From Linux 6.8 on, asking makes the kernel announce the loss,
// so either may be read first.
func TestKernelConfirmWhereTheNotificationIsLate(t *testing.T) {
	inNetns(t)
	l := watch(t, newKernel(), "tap0")
	nic := newTap(t, "tap0")
	l.until("tap0 is usable", l.usable("tap0"))
	const rounds = 5
	var unasked, asked []time.Duration
	for range rounds {
		unasked = append(unasked, l.pull(nic, "tap0"))
		l.caughtUp("tap0")
	}
	l.monitor.Engage([]string{"tap0"})
	for range rounds {
		asked = append(asked, l.pull(nic, "tap0"))
		l.caughtUp("tap0")
	}
	t.Logf("losses took %v, and %v with the confirmer", unasked, asked)
	if slowest, usual := slices.Max(unasked), median(asked); slowest < 200*time.Millisecond || usual > 200*time.Millisecond {
		t.Errorf("the slowest loss took %v without the confirmer, and the median one %v with it", slowest, usual)
	}
}

func TestKernelConfirmAlone(t *testing.T) {
	inNetns(t)
	nic := newTap(t, "tap4")
	l := watch(t, deaf{newKernel()}, "tap4")
	l.until("tap4 is usable", l.usable("tap4"))
	l.monitor.Verify(1, []string{"tap4"}) // it reports up: from now on the confirmer has a vote
	l.until("the answer", func() bool { return len(l.answers.take()) == 1 })
	l.monitor.Engage([]string{"tap4"})
	var took []time.Duration
	for range 5 {
		took = append(took, l.pull(nic, "tap4"))
		if s := l.known["tap4"].LastSource; s != event.Confirm {
			t.Errorf("first was %s", s)
		}
	}
	if median(took) > 200*time.Millisecond {
		t.Errorf("the confirmer took %v", took)
	}
}

func TestKernelVerifyFindsTheLoss(t *testing.T) {
	inNetns(t)
	l := watch(t, newKernel(), "tap1")
	nic := newTap(t, "tap1")
	nic.carrier(t, 0)
	nic.carrier(t, 1)
	l.until("tap1 is usable", l.usable("tap1"))
	l.monitor.Verify(1, []string{"tap1"}) // it reports up: from now on the confirmer has a vote
	l.until("ticket 1", func() bool { return len(l.answers.take()) == 1 })
	nic.carrier(t, 0)
	asked := time.Now()
	l.monitor.Verify(2, []string{"tap1"})
	l.until("ticket 2", func() bool { return len(l.answers.take()) == 1 })
	l.take()
	if l.known["tap1"].Usable {
		t.Error("answered before the loss was published")
	}
	t.Logf("answered after %v", time.Since(asked))
}

// TestKernelFlap: two losses that the kernel does not announce are a flap.
func TestKernelFlap(t *testing.T) {
	inNetns(t)
	l := watch(t, newKernel(), "tap2")
	nic := newTap(t, "tap2")
	l.until("tap2 is usable", l.usable("tap2"))
	for range 20 { // linkwatch may announce one in between: then it is not a flap
		l.logged, l.lost["tap2"] = nil, 0
		nic.carrier(t, 0)
		nic.carrier(t, 1)
		l.until("the loss is published", func() bool { return l.lost["tap2"] > 0 && len(l.losses()) > 0 })
		if slices.Contains(l.log(), "link.flapped tap2 notification") {
			return
		}
		l.until("tap2 is usable", l.usable("tap2"))
	}
	t.Errorf("no flap was seen: %q", l.log())
}

// small is the kernel with receive buffers that overrun at once.
type small struct {
	*linux
	opened *atomic.Int32
}

func (k small) open(what subject) (stream, error) {
	k.opened.Add(1)
	if what == ofLinks {
		return listen(4096, unix.RTNLGRP_LINK)
	}
	return listen(4096, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR)
}

func TestKernelOverrunEndsInTheTruth(t *testing.T) {
	inNetns(t)
	var opened atomic.Int32
	l := watch(t, small{newKernel(), &opened}, "s1", "s39")
	l.monitor.mu.Lock() // the reader stops during the storm
	var batch strings.Builder
	for i := range 40 {
		fmt.Fprintf(&batch, "link add s%d type veth peer name p%d\nlink set s%d up\nlink set p%d up\naddr add 10.1.%d.1/24 dev s%d\n", i, i, i, i, i, i)
	}
	for i := range 20 {
		fmt.Fprintf(&batch, "link del s%d\n", 2*i)
	}
	file := t.TempDir() + "/batch"
	if err := os.WriteFile(file, []byte(batch.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	ip(t, "-batch "+file)
	for i := range 20 {
		t.Cleanup(func() { ip(t, fmt.Sprintf("link del s%d", 2*i+1)) })
	}
	l.monitor.mu.Unlock()
	overrun := func() bool {
		for _, e := range l.logged {
			if e, ok := e.(event.LinkResync); ok && e.Reason == string(link.Overrun) {
				return true
			}
		}
		return false
	}
	l.until("an overrun", overrun)
	l.until("the table is what a dump lists", func() bool { return l.differences() == "" })
	if n := opened.Load(); n != 2 {
		t.Errorf("%d sockets were opened, want 2: an overrun is not a failure", n)
	}
	l.until("s39 is usable and has its address", func() bool {
		return l.known["s39"].Usable && l.known["s39"].Primary4 == netip.MustParseAddr("10.1.39.1")
	})
}

// differences compares the table with a dump.
func (l *live) differences() string {
	d, err := newKernel().dump(ofLinks)
	if err != nil {
		return err.Error()
	}
	known := l.monitor.Links()
	if len(known) != len(d.Links) {
		return fmt.Sprintf("%d links, the kernel has %d", len(known), len(d.Links))
	}
	for _, s := range d.Links {
		i := slices.IndexFunc(known, func(f event.Link) bool { return f.Index == s.Index })
		if i < 0 || known[i].Name != s.Name || known[i].AdminUp != s.AdminUp || known[i].Carrier != s.LowerUp {
			return fmt.Sprintf("%+v is not as the kernel has it", s)
		}
	}
	return ""
}

func TestKernelAddresses(t *testing.T) {
	inNetns(t)
	l := watch(t, newKernel(), "va")
	ip(t, "link add va type veth peer name vb")
	ip(t, "link set vb up")
	ip(t, "link set va up")
	l.until("va is usable", l.usable("va"))
	index := l.known["va"].Index
	addMarked(t, index, netip.MustParsePrefix("10.0.0.9/24"))
	vip := event.AddressKey{Index: index, Prefix: netip.MustParsePrefix("10.0.0.9/24")}
	l.until("the marked address", func() bool { return l.there[vip].Present })
	if !l.there[vip].Marked || l.known["va"].Primary4.IsValid() {
		t.Errorf("marked %v, primary %v; want an address of ours that is no source", l.there[vip].Marked, l.known["va"].Primary4)
	}
	ip(t, "addr add 10.0.1.1/24 dev va")
	l.until("a primary address", func() bool { return l.known["va"].Primary4 == netip.MustParseAddr("10.0.1.1") })
	ip(t, "addr add fe80::1/64 dev va nodad")
	l.until("a link-local", func() bool { return l.known["va"].LinkLocal6.IsValid() })
	ip(t, "addr del 10.0.0.9/24 dev va")
	l.until("the removal", func() bool { return !l.there[vip].Present && l.there[vip].Removals == 1 })
	ip(t, "link del va")
}

// addMarked adds an address as pkg/addr does, with IFA_PROTO 112.
func addMarked(t *testing.T, index int, p netip.Prefix) {
	t.Helper()
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ae := netlink.NewAttributeEncoder()
	ae.Bytes(unix.IFA_LOCAL, p.Addr().AsSlice())
	ae.Bytes(unix.IFA_ADDRESS, p.Addr().AsSlice())
	ae.Uint8(rtnl.IFAProto, rtnl.Mark)
	attributes, err := ae.Encode()
	if err != nil {
		t.Fatal(err)
	}
	data := append([]byte{unix.AF_INET, byte(p.Bits()), 0, 0}, binary.NativeEndian.AppendUint32(nil, uint32(index))...)
	_, err = conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.RTM_NEWADDR, Flags: netlink.Request | netlink.Acknowledge | netlink.Create},
		Data:   append(data, attributes...),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestKernelManyAddresses: twenty thousand addresses are on the watched link and on another, one of
// them comes and goes, and all are compared with the kernel's repeatedly. The loss of the carrier
// must be seen as soon as without them.
func TestKernelManyAddresses(t *testing.T) {
	inNetns(t)
	l := watch(t, newKernel(), "tap6")
	nic := newTap(t, "tap6")
	l.until("tap6 is usable", l.usable("tap6"))
	l.monitor.Engage([]string{"tap6"})
	pulls := func(n int) (took []time.Duration) {
		for range n {
			nic.carrier(t, 1)
			l.until("tap6 is usable", l.usable("tap6"))
			nic.carrier(t, 0)
			pulled := time.Now()
			l.until("tap6 is down", l.down("tap6"))
			took = append(took, time.Since(pulled))
		}
		slices.Sort(took)
		return took
	}
	alone := pulls(40)
	ip(t, "link add many type veth peer name more")
	defer ip(t, "link del many")
	var batch strings.Builder
	for i := range 20_000 {
		dev := "many"
		if i%2 == 0 {
			dev = "tap6"
		}
		fmt.Fprintf(&batch, "addr add 10.%d.%d.%d/32 dev %s\n", i>>14, i>>7&0x7f, i&0x7f, dev)
	}
	file := t.TempDir() + "/batch"
	if err := os.WriteFile(file, []byte(batch.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	ip(t, "-batch "+file)
	l.until("all stand", func() bool { return len(l.there) >= 20_000 })

	ctx, stop := context.WithCancel(t.Context())
	var churn sync.WaitGroup
	churn.Go(func() {
		for ctx.Err() == nil {
			if d, err := newKernel().dump(ofAddresses); err == nil {
				d.Reason = link.Audit
				d.Sift(l.monitor.locked)
				l.monitor.observe(d, time.Now())
			}
			time.Sleep(200 * time.Millisecond)
		}
	})
	churn.Go(func() {
		for verb := "add"; ctx.Err() == nil; verb = map[string]string{"add": "del", "del": "add"}[verb] {
			_ = exec.Command("ip", "addr", verb, "192.0.2.1/24", "dev", "tap6").Run()
			time.Sleep(20 * time.Millisecond)
		}
	})
	among := pulls(40)
	stop()
	churn.Wait()
	late := func(took []time.Duration) time.Duration { return took[len(took)*95/100] }
	t.Logf("alone: median %v, the worst twentieth from %v; among many: %v, %v", median(alone), late(alone), median(among), late(among))
	if median(among) > median(alone)+50*time.Millisecond {
		t.Errorf("a loss is seen after %v among many addresses, and %v without", median(among), median(alone))
	}
}
