package addr

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// keepalived is a macvlan as keepalived leaves it behind when it is killed.
func keepalived(index int, name string) Netdev {
	return Netdev{Index: index, Below: eth0, Name: name, MAC: mac51, Kind: "macvlan", Shared: true, Up: true}
}

// conditions are those reported since they were last taken, with + or - in front.
func (r *rig) conditions() string {
	all, _ := r.forward.Take()
	var texts []string
	for _, one := range all {
		if c, ok := one.(vrrp.Condition); ok {
			sign := "-"
			if c.On {
				sign = "+"
			}
			texts = append(texts, sign+string(c.Reason)+" "+c.Err)
		}
	}
	return strings.TrimSpace(strings.Join(texts, "; "))
}

// What a killed keepalived left behind is removed, and ours made in its place.
func TestLeftBehindByKeepalived(t *testing.T) {
	for _, name := range []string{"vrrp.51", "vrrp.51.3", "vrrp6.51"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRigOn(t, virtualSets(), keepalived(10, name))
			r.kernel.with(func() { r.kernel.standing[event.AddressKey{Index: 10, Prefix: vip4}] = false })
			if got := r.devs.take(); !strings.HasPrefix(got, "remove 10; make vrrp.51 on 7") {
				t.Errorf("%s: %s", name, got)
			}
			expect(t, name+": events", r.names(), "device.replaced device.added")
			r.do(Hold, "v")
			expect(t, name+": held", r.devs.take(), "up [20]; tune eth0 vrrp.51")
			expect(t, name+": conditions", r.conditions(), "")
		})
	}
}

// What may be in use, or is nobody's that we know, is a fault as long as it is up,
// and is left alone.
func TestMACConflict(t *testing.T) {
	for name, with := range map[string]func(*rig, *Netdev){
		"another daemon runs": func(r *rig, _ *Netdev) { r.devs.other = true },
		"an address of others": func(r *rig, _ *Netdev) {
			r.kernel.standing[event.AddressKey{Index: 10, Prefix: netip.MustParsePrefix("192.0.2.77/24")}] = false
		},
		"of another name": func(_ *rig, n *Netdev) { n.Name = "mv0" },
		"in bridge mode":  func(_ *rig, n *Netdev) { n.Shared = false },
		"of another VRID": func(_ *rig, n *Netdev) { n.Name = "vrrp.52" },
		"a macvtap":       func(_ *rig, n *Netdev) { n.Kind = "macvtap" },
		"the link itself": func(r *rig, n *Netdev) { r.devs.links[0].MAC = mac51; n.Up = false },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, virtualSets())
				r.names()
				n := keepalived(10, "vrrp.51.9")
				with(r, &n)
				r.devs.with(func() { r.devs.links = append(r.devs.links, n) })
				r.devs.take()
				r.pass(devicesAudit + time.Second)
				expect(t, "calls", r.devs.take(), "")
				got := r.conditions()
				if !strings.HasPrefix(got, "+mac-conflict") || !strings.Contains(got, "ip link") || !n.Up && !strings.Contains(got, "eth0 itself") || n.Up && !strings.Contains(got, "ip link del "+n.Name) {
					t.Errorf("reported %q", got)
				}
				r.pass(2 * devicesAudit)
				expect(t, "again", r.conditions(), "")
				r.devs.with(func() {
					r.devs.at(10).Up = false
					r.devs.at(eth0).MAC = [6]byte{}
				})
				r.pass(devicesAudit + time.Second)
				expect(t, "over", r.conditions(), "-mac-conflict")
			})
		})
	}
}

// An address on a link that is not up is not held: it is lost after a second, and
// not announced, and comes back with the link.
func TestAddressOnDownDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, virtualSets())
		r.devs.with(func() { r.devs.refuse = errors.New("busy") })
		r.names()
		r.do(Hold, "v")
		r.pass(2 * time.Second)
		lost := r.placed()
		if len(lost) == 0 || !strings.Contains(strings.Join(lost[0].Missing, " "), "vrrp.51 is down") {
			t.Errorf("lost %v", lost)
		}
		if got := strings.Join(r.packets.take(), " "); strings.Contains(got, "00005e000133") {
			t.Errorf("announced: %s", got)
		}
		r.devs.with(func() { r.devs.refuse = nil })
		r.pass(2 * time.Second)
		if got := strings.Join(r.packets.take(), " "); !strings.Contains(got, "20:00005e000133") {
			t.Errorf("announced once it is up: %s", got)
		}
		r.do(Release, "v")
		expect(t, "left", len(r.kernel.standing), 0)
	})
}

// The kernel hangs a macvlan on a macvlan on the lowest link, which may be in
// another namespace: it is ours all the same, and made once.
func TestDeviceOnMacvlan(t *testing.T) {
	for name, ns := range map[string]int{"here": 0, "elsewhere": 3} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRigOn(t, nil)
				_ = r.stop()
				devs := newFakeDevices()
				devs.links[0] = Netdev{Index: eth0, Name: "eth0", Up: true, Kind: "macvlan", Below: 2, NS: ns}
				devs.hangOn = func(Make) (int, int) { return 2, ns }
				r = newRigOf(t, virtualSets(), new(fakeFirewall), devs)
				r.do(Hold, "v")
				r.pass(12 * time.Second)
				expect(t, "calls", r.devs.take(), "make vrrp.51 on 7; tune eth0 vrrp.51; up [20]; tune eth0 vrrp.51")
				expect(t, "events", r.names(), "device.added added")

				// Its link goes; the kernel leaves it, as it hangs elsewhere.
				r.devs.with(func() { r.devs.links = r.devs.links[1:] })
				r.do(Release, "v")
				r.names()
				r.links.Publish(event.Link{Seq: 90, Name: "eth0"})
				synctest.Wait()
				expect(t, "events", r.names(), "device.removed")
				r.devs.with(func() { expect(t, "left", len(r.devs.links), 0) })
			})
		})
	}
}

// A device that does not appear is made again later and later, and told once.
func TestDeviceVanishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		devs := newFakeDevices()
		devs.hangOn = func(Make) (int, int) { return 99, 0 } // somewhere else
		r := newRigOf(t, virtualSets(), new(fakeFirewall), devs)
		r.pass(2 * time.Minute)
		if n := strings.Count(r.devs.take(), "make"); n > 8 {
			t.Errorf("made %d times within 2 minutes", n)
		}
		if got := r.names(); strings.Count(got, "device.failed") != 1 {
			t.Errorf("events: %s", got)
		}
	})
}

// Who changes a device is put right, and the device is never forgotten.
func TestDeviceMended(t *testing.T) {
	for name, change := range map[string]func(n *Netdev){
		"its alias": func(n *Netdev) { n.Ours = false },
		"its MTU":   func(n *Netdev) { n.MTU = 1400 },
		"its VRF":   func(n *Netdev) { n.Master = 0 },
		"set up":    func(n *Netdev) { n.Up = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				devs := newFakeDevices()
				devs.links = []Netdev{{Index: eth0, Name: "eth0", Up: true, MTU: 1500, Master: 4}, {Index: 4, Name: "blue", Kind: "vrf", Up: true}}
				r := newRigOf(t, virtualSets(), new(fakeFirewall), devs)
				r.devs.with(func() {
					if n := r.devs.at(20); n.Master != 4 || n.MTU != 1500 {
						t.Errorf("made as %+v", *n)
					}
					change(r.devs.at(20))
				})
				r.pass(devicesAudit + time.Second)
				r.devs.with(func() {
					n := r.devs.at(20)
					if !n.Ours || n.MTU != 1500 || n.Master != 4 || n.Up || len(r.devs.links) != 3 {
						t.Errorf("%s: now %+v", name, r.devs.links)
					}
				})
				if got := r.names(); name != "set up" && got != "device.added device.mended" {
					t.Errorf("%s: events %s", name, got)
				}
			})
		})
	}
}

// A bridge takes its ports' frames itself: a device is put into a VRF only.
func TestDeviceBesideBridge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		devs := newFakeDevices()
		devs.links = []Netdev{{Index: eth0, Name: "eth0", Up: true, Master: 4}, {Index: 4, Name: "br0", Kind: "bridge", Up: true}}
		r := newRigOf(t, virtualSets(), new(fakeFirewall), devs)
		r.devs.with(func() { expect(t, "master", r.devs.at(20).Master, 0) })
	})
}

// The MTU of the device follows that of its link, and a device that had less than
// IPv6 needs is made anew, as the kernel has dropped its settings.
func TestDeviceFollowsMTU(t *testing.T) {
	for _, six := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			sets := virtualSets()
			if six {
				sets[0].Addresses[0].Prefix = netip.MustParsePrefix("fe80::1/64")
			}
			devs := newFakeDevices()
			devs.links[0].MTU = 1500
			r := newRigOf(t, sets, new(fakeFirewall), devs)
			r.names()
			mtu := func(n int) {
				r.devs.with(func() {
					r.devs.at(eth0).MTU = n
					if v := &r.devs.links[1]; v.MTU > n {
						v.MTU = n // as the kernel does
					}
				})
				r.links.Publish(event.Link{Seq: 40 + uint64(n), Name: "eth0", Index: eth0, AdminUp: true, Usable: true, MTU: n})
				synctest.Wait()
			}
			mtu(1200)
			mtu(1500)
			want := map[bool]string{false: "device.mended", true: "device.removed device.added"}[six]
			expect(t, "events", r.names(), want)
			r.devs.with(func() { expect(t, "MTU", r.devs.links[1].MTU, 1500) })
		})
	}
}
