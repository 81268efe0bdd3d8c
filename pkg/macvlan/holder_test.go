package macvlan_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/macvlan"
	"ripcord/pkg/macvlan/macvlantest"
)

const (
	eth0  = macvlantest.Eth0
	audit = 6 * time.Second // longer than the time between two audits
)

var mac51 = [6]byte{0, 0, 0x5e, 0, 1, 51}

// rig is a Holder on links in memory, with a clock that the test moves.
type rig struct {
	*macvlan.Holder
	kernel    *macvlantest.Kernel
	events    *bus.Ring[event.Event]
	warnings  *event.Warnings
	now       time.Time
	held      bool
	inUse     map[int]bool
	conflicts []string
	moved     []macvlan.Moved
}

func newRig(kernel *macvlantest.Kernel, change ...func(*macvlan.Wanted)) *rig {
	wanted := macvlan.Wanted{Device: macvlan.Device{Name: "vrrp.51", MAC: mac51}, Instance: "v", Below: "eth0"}
	for _, c := range change {
		c(&wanted)
	}
	topic := new(bus.Topic[event.Event])
	r := &rig{
		kernel: kernel, events: bus.SubscribeRing(topic, bus.NewBell(), 1000), warnings: event.NewWarnings(func(event.Event) {}),
		now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), inUse: make(map[int]bool),
	}
	r.Holder = macvlan.NewHolder(macvlan.Config{
		Wanted: []macvlan.Wanted{wanted}, Held: func(string) bool { return r.held }, InUse: func(index int) bool { return r.inUse[index] },
		Kernel: kernel, Events: topic, Warnings: r.warnings, Minter: event.NewMinter(1), Now: func() time.Time { return r.now },
	})
	r.turn()
	return r
}

// turn makes the kernel agree, as the owner of a Holder does after an event.
func (r *rig) turn() {
	out := r.Apply()
	r.Tune()
	r.moved = append(r.moved, out.Moved...)
	for _, c := range out.Conflicts {
		r.conflicts = append(r.conflicts, c.Err)
	}
}

// pass moves the clock, with a turn at each deadline.
func (r *rig) pass(d time.Duration) {
	for end := r.now.Add(d); ; {
		due, ok := r.Deadline()
		if !ok || due.After(end) {
			r.now = end
			return
		}
		if due.After(r.now) {
			r.now = due
		}
		r.turn()
	}
}

// see records a fact about a link, with a turn.
func (r *rig) see(fact event.Link) {
	r.SeeLink(fact)
	r.turn()
}

func (r *rig) hold(held bool) {
	r.held = held
	r.turn()
}

// names returns the events since the last call.
func (r *rig) names() string {
	events, _ := r.events.Take()
	var names []string
	for _, e := range events {
		names = append(names, strings.TrimPrefix(e.Name(), "device."))
	}
	return strings.Join(names, " ")
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// keepalived returns a macvlan as a killed keepalived leaves it behind.
func keepalived(index int, name string) macvlan.Link {
	return macvlan.Link{Index: index, Below: eth0, Name: name, MAC: mac51, Kind: "macvlan", Shared: true, Up: true}
}

// TestHolder: a device is made when its link exists, is up while its instance is held, and gone at
// the end.
func TestHolder(t *testing.T) {
	r := newRig(macvlantest.New())
	expect(t, "at the start", r.kernel.Calls(), "make vrrp.51 on 7; tune eth0 vrrp.51")
	expect(t, "events", r.names(), "added")
	r.hold(true)
	expect(t, "held", r.kernel.Calls(), "up [20]; tune eth0 vrrp.51")
	if n := len(r.moved); n != 2 || r.moved[0].Link.AdminUp || !r.moved[1].Link.AdminUp || r.moved[1].Link.Index != 20 {
		t.Errorf("moved: %+v", r.moved)
	}
	r.hold(false)
	expect(t, "released", r.kernel.Calls(), "down [20]")
	expect(t, "left", r.Dismantle(), "[]")
	expect(t, "at the end", r.kernel.Calls(), "remove 20; restore, keep []")
	expect(t, "events", r.names(), "removed")
}

// TestHolderTakesOver: a wanted device of an earlier run is taken over, others are removed.
func TestHolderTakesOver(t *testing.T) {
	ours := macvlan.Link{Index: 10, Below: eth0, Name: "vrrp.51", MAC: mac51, Kind: "macvlan", Ours: true}
	other := ours
	other.Index, other.Name, other.MAC = 11, "vrrp.9", [6]byte{0, 0, 0x5e, 0, 1, 9}
	r := newRig(macvlantest.New(ours, other))
	expect(t, "calls", r.kernel.Calls(), "tune eth0 vrrp.51; remove 11; restore, keep [eth0]")
	expect(t, "events", r.names(), "adopted removed")
}

// TestHolderFollowsTheLink: the device disappears and reappears with the link below.
func TestHolderFollowsTheLink(t *testing.T) {
	r := newRig(macvlantest.New())
	r.kernel.Calls()
	r.kernel.List = nil
	r.see(event.Link{Name: "eth0"})
	r.pass(3 * time.Second)
	expect(t, "gone", r.kernel.Calls(), "")
	r.kernel.List = []macvlan.Link{{Index: 9, Name: "eth0"}, {Index: 10, Name: "vrrp.51"}}
	r.see(event.Link{Name: "eth0", Index: 9})
	expect(t, "back, and its name taken", r.kernel.Calls(), "make vrrp.51.9 on 9; tune eth0 vrrp.51.9")
}

// TestHolderRefused requires that a refused request is repeated each second and reported once.
func TestHolderRefused(t *testing.T) {
	r := newRig(macvlantest.New())
	r.names()
	r.kernel.Calls()
	r.kernel.Refuse = errors.New("busy")
	r.hold(true)
	r.pass(2500 * time.Millisecond)
	expect(t, "tries", r.kernel.Calls(), "up [20]; up [20]; up [20]")
	expect(t, "events", r.names(), "failed")
	r.kernel.Refuse = nil
	r.pass(time.Second)
	expect(t, "tries", r.kernel.Calls(), "up [20]; tune eth0 vrrp.51")
}

// TestLeftBehindByKeepalived requires that a device of a killed keepalived is removed, and ours
// made.
func TestLeftBehindByKeepalived(t *testing.T) {
	for _, name := range []string{"vrrp.51", "vrrp.51.3", "vrrp6.51"} {
		r := newRig(macvlantest.New(keepalived(10, name)))
		if got := r.kernel.Calls(); !strings.HasPrefix(got, "remove 10; make vrrp.51 on 7") {
			t.Errorf("%s: %s", name, got)
		}
		expect(t, name+": events", r.names(), "replaced added")
		r.hold(true)
		expect(t, name+": held", r.kernel.Calls(), "up [20]; tune eth0 vrrp.51")
		expect(t, name+": conflicts", r.conflicts, "[]")
	}
}

// TestConflict: a link that may be in use, or whose owner is unknown, is a conflict while it is up,
// and is not changed.
func TestConflict(t *testing.T) {
	for name, with := range map[string]func(*rig, *macvlan.Link){
		"another daemon runs":  func(r *rig, _ *macvlan.Link) { r.kernel.Other = true },
		"an address of others": func(r *rig, _ *macvlan.Link) { r.inUse[10] = true },
		"of another name":      func(_ *rig, n *macvlan.Link) { n.Name = "mv0" },
		"in bridge mode":       func(_ *rig, n *macvlan.Link) { n.Shared = false },
		"of another VRID":      func(_ *rig, n *macvlan.Link) { n.Name = "vrrp.52" },
		"a macvtap":            func(_ *rig, n *macvlan.Link) { n.Kind = "macvtap" },
		"the link itself":      func(r *rig, n *macvlan.Link) { r.kernel.At(eth0).MAC = mac51; n.Up = false },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(macvlantest.New())
			n := keepalived(10, "vrrp.51.9")
			with(r, &n)
			r.kernel.List = append(r.kernel.List, n)
			r.kernel.Calls()
			r.pass(audit)
			expect(t, "calls", r.kernel.Calls(), "")
			if len(r.conflicts) != 1 {
				t.Fatalf("reported %q", r.conflicts)
			}
			got := r.conflicts[0]
			if !strings.Contains(got, "ip link") || !n.Up && !strings.Contains(got, "eth0 itself") || n.Up && !strings.Contains(got, "ip link del "+n.Name) {
				t.Errorf("reported %q", got)
			}
			r.pass(2 * audit)
			expect(t, "reported", len(r.conflicts), 1)
			r.kernel.At(10).Up = false
			r.kernel.At(eth0).MAC = [6]byte{}
			r.pass(audit)
			expect(t, "over", r.conflicts[1:], "[]")
			if len(r.conflicts) != 2 || r.conflicts[1] != "" {
				t.Errorf("the end of the conflict: %q", r.conflicts[1:])
			}
		})
	}
}

// TestDeviceOnMacvlan: the kernel attaches a macvlan on a macvlan to the lowest link, which may be
// in another namespace: it is ours all the same, and made once.
func TestDeviceOnMacvlan(t *testing.T) {
	for name, ns := range map[string]int{"here": 0, "elsewhere": 3} {
		t.Run(name, func(t *testing.T) {
			k := macvlantest.New()
			k.List[0] = macvlan.Link{Index: eth0, Name: "eth0", Up: true, Kind: "macvlan", Below: 2, NS: ns}
			k.HangOn = func(macvlan.Shape) (int, int) { return 2, ns }
			r := newRig(k)
			r.hold(true)
			r.pass(2 * audit)
			expect(t, "calls", k.Calls(), "make vrrp.51 on 7; tune eth0 vrrp.51; up [20]; tune eth0 vrrp.51")
			expect(t, "events", r.names(), "added")

			// Its link disappears; the kernel keeps it, since it is attached elsewhere.
			k.List = k.List[1:]
			r.hold(false)
			r.see(event.Link{Name: "eth0"})
			expect(t, "events", r.names(), "removed")
			expect(t, "left", len(k.List), 0)
		})
	}
}

// TestDeviceVanishes requires that attempts to make a device that does not appear are delayed more
// each time, and reported once.
func TestDeviceVanishes(t *testing.T) {
	k := macvlantest.New()
	k.HangOn = func(macvlan.Shape) (int, int) { return 99, 0 } // somewhere else
	r := newRig(k)
	r.pass(2 * time.Minute)
	if n := strings.Count(k.Calls(), "make"); n > 8 {
		t.Errorf("made %d times within 2 minutes", n)
	}
	if got := r.names(); strings.Count(got, "failed") != 1 {
		t.Errorf("events: %s", got)
	}
}

// TestDeviceMended requires that changes of a device by another program are corrected, and that the
// device is never dropped.
func TestDeviceMended(t *testing.T) {
	for name, change := range map[string]func(n *macvlan.Link){
		"its alias": func(n *macvlan.Link) { n.Ours = false },
		"its MTU":   func(n *macvlan.Link) { n.MTU = 1400 },
		"its VRF":   func(n *macvlan.Link) { n.Master = 0 },
		"set up":    func(n *macvlan.Link) { n.Up = true },
	} {
		t.Run(name, func(t *testing.T) {
			k := macvlantest.New()
			k.List = []macvlan.Link{{Index: eth0, Name: "eth0", Up: true, MTU: 1500, Master: 4}, {Index: 4, Name: "blue", Kind: "vrf", Up: true}}
			r := newRig(k)
			if n := k.At(20); n.Master != 4 || n.MTU != 1500 {
				t.Errorf("the device was made as %+v", *n)
			}
			change(k.At(20))
			r.pass(audit)
			if n := k.At(20); !n.Ours || n.MTU != 1500 || n.Master != 4 || n.Up || len(k.List) != 3 {
				t.Errorf("now %+v", k.List)
			}
			if got := r.names(); name != "set up" && got != "added mended" {
				t.Errorf("events %s", got)
			}
		})
	}
}

// TestDeviceBesideBridge: a bridge takes its ports' frames itself, so a device is only put into a
// VRF.
func TestDeviceBesideBridge(t *testing.T) {
	k := macvlantest.New()
	k.List = []macvlan.Link{{Index: eth0, Name: "eth0", Up: true, Master: 4}, {Index: 4, Name: "br0", Kind: "bridge", Up: true}}
	newRig(k)
	expect(t, "master", k.At(20).Master, 0)
}

// TestDeviceFollowsMTU: the MTU of the device follows that of its link, and a device whose MTU was
// less than IPv6 needs is made again, since the kernel has dropped its settings.
func TestDeviceFollowsMTU(t *testing.T) {
	for _, six := range []bool{false, true} {
		k := macvlantest.New()
		k.List[0].MTU = 1500
		r := newRig(k, func(w *macvlan.Wanted) { w.IPv6 = six })
		r.names()
		mtu := func(n int) {
			k.At(eth0).MTU = n
			if v := &k.List[1]; v.MTU > n {
				v.MTU = n // as the kernel does
			}
			r.see(event.Link{Name: "eth0", Index: eth0, AdminUp: true, Usable: true, MTU: n})
		}
		mtu(1200)
		mtu(1500)
		expect(t, "events", r.names(), map[bool]string{false: "mended", true: "removed added"}[six])
		expect(t, "MTU", k.List[1].MTU, 1500)
	}
}

// TestUnwritableSettings requires that settings that cannot be written are a warning until they
// can.
func TestUnwritableSettings(t *testing.T) {
	k := macvlantest.New()
	k.ReadOnly = errors.New("read-only file system")
	r := newRig(k)
	all := r.warnings.All()
	if len(all) != 1 || all[0].Reason != event.WarnSettings || !strings.Contains(all[0].Text, "read-only") {
		t.Errorf("warnings: %+v", all)
	}
	r.pass(time.Minute)
	expect(t, "still", len(r.warnings.All()), 1)
	k.ReadOnly = nil
	r.pass(10 * time.Second)
	expect(t, "writable", len(r.warnings.All()), 0)
}

// TestConfigure requires that a device that is no longer wanted disappears, with its reports; one
// that stays is not touched, and is mended if it has IPv6 from now on.
func TestConfigure(t *testing.T) {
	v := macvlan.Wanted{Device: macvlan.Device{Name: "vrrp.51", MAC: mac51}, Instance: "v", Below: "eth0"}
	w := macvlan.Wanted{Device: macvlan.Device{Name: "vrrp.52", MAC: [6]byte{0, 0, 0x5e, 0, 1, 52}}, Instance: "w", Below: "eth0"}
	kernel := macvlantest.New()
	r := newRig(kernel)
	r.hold(true)
	kernel.Calls()
	r.names()
	r.Configure([]macvlan.Wanted{v})
	r.turn()
	expect(t, "the same", kernel.Calls(), "")
	r.Configure([]macvlan.Wanted{w, v})
	r.turn()
	expect(t, "another beside it", kernel.Calls(), "make vrrp.52 on 7; tune eth0 vrrp.52; up [21]; tune eth0 vrrp.52")
	v.IPv6 = true
	r.Configure([]macvlan.Wanted{w, v})
	r.turn()
	expect(t, "with IPv6", kernel.Calls(), "mend 20; tune eth0 vrrp.51")
	r.names()

	kernel.With(func() {
		kernel.List = append(kernel.List, keepalived(10, "foreign"))
		kernel.ReadOnly = errors.New("read-only")
	})
	r.see(event.Link{Name: "vrrp.51", Index: 20, AdminUp: false})
	r.Configure([]macvlan.Wanted{w, v})
	v.IPv6 = false
	r.Configure([]macvlan.Wanted{w, v})
	r.turn()
	expect(t, "warned", len(r.warnings.All()), 1)
	expect(t, "conflicts", len(r.conflicts), 1)
	r.names()
	r.Configure([]macvlan.Wanted{w})
	r.turn()
	expect(t, "warned", len(r.warnings.All()), 0)
	expect(t, "conflicts", r.conflicts[1:], []string{""})
	expect(t, "events", r.names(), "removed")
	kernel.Calls()
	r.Configure(nil)
	r.turn()
	expect(t, "none", kernel.Calls(), "remove 21; restore, keep []")
	r.Configure([]macvlan.Wanted{v})
	r.turn()
	kernel.With(func() { kernel.List = kernel.List[:2] }) // the rival stays, ours is gone
	expect(t, "at the end", len(r.Dismantle()), 0)
}
