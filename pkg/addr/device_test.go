package addr

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/macvlan"
	"ripcord/pkg/macvlan/macvlantest"
	"ripcord/pkg/vrrp"
)

var mac51 = [6]byte{0, 0, 0x5e, 0, 1, 51}

func virtualSets() []Set {
	return []Set{{
		Instance: "v", Link: "eth0", Interval: time.Second, Miss: 3, Announce: Announce{Count: 1},
		Device:    &macvlan.Device{Name: "vrrp.51", MAC: mac51},
		Addresses: []Address{{Prefix: vip4}, {Prefix: netip.MustParsePrefix("198.51.100.9/32"), Interface: "eth0"}},
	}}
}

// TestDeviceOfHeldInstance: a device is made when its link exists, is up while its instance is
// held, down before any address is removed, and gone at the end.
func TestDeviceOfHeldInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, virtualSets())
		expect(t, "at the start", r.devs.Calls(), "make vrrp.51 on 7; tune eth0 vrrp.51")
		expect(t, "events", r.names(), "device.added")
		r.do(Hold, "v")
		expect(t, "held", r.devs.Calls(), "up [20]; tune eth0 vrrp.51")
		expect(t, "events", r.names(), "added")
		expect(t, "frames", r.packets.take(), "[20:00005e000133 7:020000000001]")
		if !r.kernel.standing[event.AddressKey{Index: 20, Prefix: vip4}] {
			t.Errorf("not on the device: %v", r.kernel.standing)
		}
		r.do(Release, "v")
		expect(t, "released", r.devs.Calls(), "down [20]")
		expect(t, "batches", r.kernel.batches, "[+2 -2]")
		r.do(Hold, "v")
		r.devs.Calls()
		expect(t, "stop", r.stop(), nil)
		expect(t, "at the end", r.devs.Calls(), "down [20]; remove 20; restore, keep []")
	})
}

// TestDeviceSilentFirst requires that the device is down before the kernel is asked to remove an
// address (docs/architecture.md#transitions).
func TestDeviceSilentFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, virtualSets())
		r.do(Hold, "v")
		r.devs.Calls()
		r.kernel.with(func() { r.kernel.stuck = errors.New("busy") })
		r.do(Release, "v")
		expect(t, "released", r.devs.Calls(), "down [20]")
	})
}

// TestDevicePutBack: when another program removes the device, or sets it down, it is restored with
// its address.
func TestDevicePutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, virtualSets())
		r.do(Hold, "v")
		r.names()
		r.devs.Calls()
		_ = r.devs.Remove(20)
		r.kernel.with(func() { clear(r.kernel.standing) })
		r.links.Publish(event.Link{Seq: 50, Name: "vrrp.51"})
		synctest.Wait()
		expect(t, "removed", r.devs.Calls(), "remove 20; make vrrp.51 on 7; tune eth0 vrrp.51; up [21]; tune eth0 vrrp.51")
		expect(t, "events", r.names(), "device.removed device.added restored")
		if !r.kernel.standing[event.AddressKey{Index: 21, Prefix: vip4}] {
			t.Errorf("not on the new device: %v", r.kernel.standing)
		}
		_ = r.devs.SetUp([]int{21}, false)
		r.devs.Calls()
		r.links.Publish(event.Link{Seq: 51, Name: "vrrp.51", Index: 21})
		synctest.Wait()
		expect(t, "set down", r.devs.Calls(), "up [21]; tune eth0 vrrp.51")
	})
}

// conditions returns those reported since the last call, with + or - in front.
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

// TestAddressOnDownDevice: an address on a link that is not up is not held: it is lost after a
// second, is not announced, and comes back with the link.
func TestAddressOnDownDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, virtualSets())
		r.devs.With(func() { r.devs.Refuse = errors.New("busy") })
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
		r.devs.With(func() { r.devs.Refuse = nil })
		r.pass(2 * time.Second)
		if got := strings.Join(r.packets.take(), " "); !strings.Contains(got, "20:00005e000133") {
			t.Errorf("after the link is up: announced %s", got)
		}
		r.do(Release, "v")
		expect(t, "left", len(r.kernel.standing), 0)
	})
}

// TestMACConflict: a link that bears the virtual MAC and may be in use is a condition of the
// instance while it is up. A link with an address of other programs is in use; one with an address
// that is ours to hold is not.
func TestMACConflict(t *testing.T) {
	rival := macvlan.Link{Index: 10, Below: eth0, Name: "vrrp.51.3", MAC: mac51, Kind: "macvlan", Shared: true, Up: true}
	for _, tt := range []struct {
		address netip.Prefix
		want    string
	}{
		{netip.MustParsePrefix("192.0.2.77/24"), "+mac-conflict"},
		{vip4, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, virtualSets())
			r.kernel.with(func() { r.kernel.standing[event.AddressKey{Index: 10, Prefix: tt.address}] = false })
			r.devs.With(func() { r.devs.List = append(r.devs.List, rival) })
			r.pass(6 * time.Second)
			if got, _, _ := strings.Cut(r.conditions(), " "); got != tt.want {
				t.Errorf("beside a link with %s: %q, want %q", tt.address, got, tt.want)
			}
			if tt.want == "" {
				return
			}
			r.devs.With(func() { r.devs.At(10).Up = false })
			r.pass(6 * time.Second)
			expect(t, "over", r.conditions(), "-mac-conflict")
		})
	}
}

// TestUnwritableSettingsAreAWarning requires that settings that a device needs and that cannot be
// written are a warning until they can.
func TestUnwritableSettingsAreAWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		devs := macvlantest.New()
		devs.ReadOnly = errors.New("read-only file system")
		r := newRigOf(t, virtualSets(), new(fakeFirewall), devs)
		expect(t, "read-only", r.warned(), "settings")
		r.devs.With(func() { r.devs.ReadOnly = nil })
		r.pass(15 * time.Second)
		expect(t, "writable", r.warned(), "")
	})
}
