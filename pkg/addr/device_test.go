package addr

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/event"
)

var mac51 = [6]byte{0, 0, 0x5e, 0, 1, 51}

// fakeDevices are links in memory: eth0, and what a test or the worker makes.
type fakeDevices struct {
	mu       sync.Mutex
	links    []Netdev
	next     int
	refuse   error // of Make and SetUp
	calls    []string
	other    bool  // another daemon runs
	readOnly error // of Tune
	// hangOn, if set, is where the kernel hangs what is made, in place of the link asked for.
	hangOn func(Make) (below, ns int)
}

func newFakeDevices() *fakeDevices {
	return &fakeDevices{links: []Netdev{{Index: eth0, Name: "eth0", Up: true}}, next: 20}
}

func (d *fakeDevices) note(format string, args ...any) {
	d.calls = append(d.calls, fmt.Sprintf(format, args...))
}

func (d *fakeDevices) Links() ([]Netdev, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.links), nil
}

func (d *fakeDevices) Make(m Make) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.note("make %s on %d", m.Name, m.Below)
	if d.refuse != nil {
		return d.refuse
	}
	n := Netdev{Index: d.next, Below: m.Below, Name: m.Name, MAC: m.MAC, MTU: m.MTU, Master: m.Master, Kind: "macvlan", Shared: true, Ours: true}
	if d.hangOn != nil {
		n.On = m.Below
		n.Below, n.NS = d.hangOn(m)
	}
	d.links = append(d.links, n)
	d.next++
	return nil
}

func (d *fakeDevices) Mend(index int, m Make) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.note("mend %d", index)
	for i := range d.links {
		if n := &d.links[i]; n.Index == index {
			n.Ours, n.MTU, n.Master = true, m.MTU, m.Master
		}
	}
	return nil
}

func (d *fakeDevices) OtherDaemon() bool { return d.other }

// with changes the links as somebody else would.
func (d *fakeDevices) with(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

// at returns the link of that index.
func (d *fakeDevices) at(index int) *Netdev {
	for i := range d.links {
		if d.links[i].Index == index {
			return &d.links[i]
		}
	}
	return new(Netdev)
}

func (d *fakeDevices) Remove(index int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.note("remove %d", index)
	d.links = slices.DeleteFunc(d.links, func(n Netdev) bool { return n.Index == index })
	return nil
}

func (d *fakeDevices) SetUp(indexes []int, up bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.note("%s %v", updown(up), indexes)
	if d.refuse != nil {
		return d.refuse
	}
	var err error
	for i := range d.links {
		n := d.links[i]
		if !slices.Contains(indexes, n.Index) {
			continue
		}
		rival := func(o Netdev) bool {
			return o.Index != n.Index && o.Up && o.MAC == n.MAC && o.Below == n.Below && o.NS == n.NS
		}
		if up && slices.ContainsFunc(d.links, rival) { // as macvlan_open does
			err = errors.New("device or resource busy")
			continue
		}
		d.links[i].Up = up
	}
	return err
}

func (d *fakeDevices) Tune(below, device string, ipv6 bool, lower ...string) error {
	d.note("tune %s %s", strings.Join(append([]string{below}, lower...), " "), device)
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.readOnly
}

func (d *fakeDevices) Restore(keep []string) error {
	d.note("restore, keep %v", keep)
	return nil
}

func (d *fakeDevices) take() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	calls := strings.Join(d.calls, "; ")
	d.calls = nil
	return calls
}

func virtualSets() []Set {
	return []Set{{
		Instance: "v", Link: "eth0", Interval: time.Second, Miss: 3, Announce: Announce{Count: 1},
		Device:    &Device{Name: "vrrp.51", MAC: mac51},
		Addresses: []Address{{Prefix: vip4}, {Prefix: netip.MustParsePrefix("198.51.100.9/32"), Interface: "eth0"}},
	}}
}

// A device is made when its link is there, up while its instance is held, down
// before any address goes, and gone at the end.
func TestDeviceOfHeldInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, virtualSets())
		expect(t, "at the start", r.devs.take(), "make vrrp.51 on 7; tune eth0 vrrp.51")
		expect(t, "events", r.names(), "device.added")
		r.do(Hold, "v")
		expect(t, "held", r.devs.take(), "up [20]; tune eth0 vrrp.51")
		expect(t, "events", r.names(), "added")
		expect(t, "frames", r.packets.take(), "[20:00005e000133 7:020000000001]")
		if !r.kernel.standing[event.AddressKey{Index: 20, Prefix: vip4}] {
			t.Errorf("not on the device: %v", r.kernel.standing)
		}
		r.do(Release, "v")
		expect(t, "released", r.devs.take(), "down [20]")
		expect(t, "batches", r.kernel.batches, "[+2 -2]")
		r.do(Hold, "v")
		r.devs.take()
		expect(t, "stop", r.stop(), nil)
		expect(t, "at the end", r.devs.take(), "down [20]; remove 20; restore, keep []")
	})
}

// What is down is down before the kernel is asked to remove an address: design
// decision 8, "a virtual MAC is silenced in the same step".
func TestDeviceSilentFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, virtualSets())
		r.do(Hold, "v")
		r.devs.take()
		r.kernel.with(func() { r.kernel.stuck = errors.New("busy") })
		r.do(Release, "v")
		expect(t, "released", r.devs.take(), "down [20]")
	})
}

// Somebody removes the device, or sets it down: it is put back with its address.
func TestDevicePutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, virtualSets())
		r.do(Hold, "v")
		r.names()
		r.devs.take()
		_ = r.devs.Remove(20)
		r.kernel.with(func() { clear(r.kernel.standing) })
		r.links.Publish(event.Link{Seq: 50, Name: "vrrp.51"})
		synctest.Wait()
		expect(t, "removed", r.devs.take(), "remove 20; make vrrp.51 on 7; tune eth0 vrrp.51; up [21]; tune eth0 vrrp.51")
		expect(t, "events", r.names(), "device.removed device.added restored")
		if !r.kernel.standing[event.AddressKey{Index: 21, Prefix: vip4}] {
			t.Errorf("not on the new device: %v", r.kernel.standing)
		}
		_ = r.devs.SetUp([]int{21}, false)
		r.devs.take()
		r.links.Publish(event.Link{Seq: 51, Name: "vrrp.51", Index: 21})
		synctest.Wait()
		expect(t, "set down", r.devs.take(), "up [21]; tune eth0 vrrp.51")
	})
}

// The link below goes and comes: so does the device.
func TestDeviceFollowsItsLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, virtualSets())
		r.devs.take()
		r.devs.mu.Lock()
		r.devs.links = nil
		r.devs.mu.Unlock()
		r.links.Publish(event.Link{Seq: 50, Name: "eth0"})
		synctest.Wait()
		expect(t, "gone", r.devs.take(), "")
		r.pass(3 * time.Second)
		expect(t, "later", r.devs.take(), "")
		r.devs.mu.Lock()
		r.devs.links = []Netdev{{Index: 9, Name: "eth0"}, {Index: 10, Name: "vrrp.51"}}
		r.devs.mu.Unlock()
		r.link(9, 60)
		synctest.Wait()
		expect(t, "back, and its name taken", r.devs.take(), "make vrrp.51.9 on 9; tune eth0 vrrp.51.9")
	})
}

// What the kernel refuses is tried again each second and told once.
func TestDeviceRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		expect(t, "nothing is wanted", r.devs.take(), "")
		_ = r.stop()

		r = newRig(t, virtualSets())
		r.do(Hold, "v")
		r.do(Release, "v")
		r.names()
		r.devs.take()
		r.devs.mu.Lock()
		r.devs.refuse = errors.New("busy")
		r.devs.mu.Unlock()
		r.do(Hold, "v")
		r.pass(2500 * time.Millisecond)
		expect(t, "tries", r.devs.take(), "up [20]; up [20]; up [20]")
		if got := r.names(); strings.Count(got, "device.failed") != 1 {
			t.Errorf("events %s", got)
		}
		r.devs.mu.Lock()
		r.devs.refuse = nil
		r.devs.mu.Unlock()
		r.pass(time.Second)
		expect(t, "tries", r.devs.take(), "up [20]; tune eth0 vrrp.51")
	})
}

// observed are devices after one look at the kernel.
func observed(links ...Netdev) *devices {
	d := newDevices(virtualSets())
	d.observe(append([]Netdev{{Index: eth0, Name: "eth0"}}, links...))
	return d
}

func TestDevicesRecognised(t *testing.T) {
	wanted := Netdev{Index: 20, Below: eth0, Name: "vrrp.51", MAC: mac51, Ours: true}
	with := func(change func(*Netdev)) Netdev {
		n := wanted
		change(&n)
		return n
	}
	for _, tt := range []struct {
		name  string
		links []Netdev
		index int
		other string
		make  string
	}{
		{"nothing", nil, 0, "", "vrrp.51"},
		{"ours", []Netdev{wanted}, 20, "", ""},
		{"ours under another name", []Netdev{with(func(n *Netdev) { n.Name = "x" })}, 20, "", ""},
		{"somebody else's, of that name and MAC", []Netdev{with(func(n *Netdev) { n.Ours = false })}, 0, "", "vrrp.51.7"},
		{"ours, on another link", []Netdev{with(func(n *Netdev) { n.Below = 8 })}, 0, "20", "vrrp.51.7"},
		{"ours, with another MAC", []Netdev{with(func(n *Netdev) { n.MAC[5] = 9; n.Name = "vrrp.9" })}, 0, "20", "vrrp.51"},
		{"two of ours", []Netdev{wanted, with(func(n *Netdev) { n.Index = 21 })}, 20, "21", ""},
	} {
		d := observed(tt.links...)
		var other, name string
		for _, n := range d.other {
			other += fmt.Sprint(n.Index)
		}
		for _, v := range d.missing(epoch) {
			name += d.make(v).Name
		}
		if d.all[0].index != tt.index || other != tt.other || name != tt.make {
			t.Errorf("%s: it is %d, of ours besides %q, to be made %q; want %d, %q, %q",
				tt.name, d.all[0].index, other, name, tt.index, tt.other, tt.make)
		}
	}
}

// A name is no longer than the kernel takes it.
func TestDeviceName(t *testing.T) {
	d := newDevices([]Set{{Link: "eth0", Device: &Device{Name: "vrrp6.255"}}})
	d.observe([]Netdev{{Index: 1234567, Name: "eth0"}, {Index: 3, Name: "vrrp6.255"}})
	if got := d.make(d.all[0]).Name; got != "rp6.255.1234567" {
		t.Errorf("%q, want its last %d characters", got, nameMax)
	}
}

// All wait on nothing: a look is due while the kernel must be asked, or while a
// device is not as it should be.
func TestDevicesDeadline(t *testing.T) {
	d := newDevices(virtualSets())
	if due, ok := d.deadline(nil); !ok || !due.IsZero() {
		t.Errorf("before the first look: %v %t", due, ok)
	}
	d = observed()
	if _, ok := d.deadline(nil); !ok {
		t.Error("one is to be made, and nothing is due")
	}
	d = observed(Netdev{Index: 20, Below: eth0, Name: "vrrp.51", MAC: mac51, Ours: true})
	if due, ok := d.deadline(nil); ok {
		t.Errorf("all is well, and %v is due", due)
	}
	if _, ok := d.deadline(map[string]*holding{"v": {}}); !ok {
		t.Error("it is held and down, and nothing is due")
	}
}

func TestAlias(t *testing.T) {
	was := earlier{"ipv4/conf/*/arp_ignore": "0", "ipv4/conf/*/arp_announce": "1"}
	text := was.alias()
	got, ok := parseAlias(text)
	if !ok || fmt.Sprint(got) != fmt.Sprint(was) {
		t.Errorf("%q is read as %v, %t", text, got, ok)
	}
	for text, want := range map[string]int{"ripcord": 0, "ripcord x=1 ipv4/conf/*/arp_ignore=z": 0, "": -1, "uplink ripcord": -1} {
		got, ok := parseAlias(text)
		if ok != (want >= 0) || len(got) > 0 {
			t.Errorf("%q is read as %v, %t", text, got, ok)
		}
	}
	if len(was.alias()) > 255 { // IFALIASZ
		t.Error("an alias is longer than the kernel takes it")
	}
}

func TestDeviceSettings(t *testing.T) {
	for all, want := range map[string]string{"0": "0", "1": "2", "2": "2"} {
		settings := deviceSettings(true, func(string) (string, error) { return all, nil })
		if i := slices.Index(settings, setting{"ipv4/conf/*/rp_filter", want}); i < 0 {
			t.Errorf("all.rp_filter is %s: %v", all, settings)
		}
	}
	for now, want := range map[string]bool{"0": false, "1": true, "2": true, "": false} {
		if got := belowSettings[0].serves(now); got != want {
			t.Errorf("arp_ignore=%q serves: %t", now, got)
		}
	}
}
