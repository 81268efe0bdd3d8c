package vm

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	interval = 300 * time.Millisecond // of the adverts
	pulls    = 5                      // of each cable
	// alone is for a guest on whose segment no other station can prove that it forwards.
	alone = "recovery: {wait: 0s}"
)

// nic is an emulated NIC, with what the test expects of its cable.
type nic struct {
	name    string // of the test; default: the device
	device  string // as QEMU names it, with options
	modules []string
	links   string        // the configuration's keys for the interface
	keys    string        // the configuration's keys for the instance
	stack   string        // shell commands that build a device on $nic ($b is busybox)
	iface   string        // the interface to use; default: the NIC itself
	monitor string        // the final link.monitor; empty: not checked
	why     string        // a part of its reason
	sources []string      // sources that may report a loss first
	median  time.Duration // limit of the median time from set_link until the test reads the line, for pulls
	latest  time.Duration // limit of each of these times
	plugged time.Duration // limit of the time from set_link until the link is up again
}

func (n nic) String() string { return cmp.Or(n.name, n.device) }

// The times leave room for a slow guest: 10 to 60 ms from pull to line are usual if the driver is
// fast or is polled.
var nics = []nic{
	{ // everything is announced at once
		device: "rtl8139", modules: []string{"8139cp"},
		monitor: "netlink", why: "the kernel announced the loss that the transceiver saw", sources: []string{"notification", "confirm"},
		median: 300 * time.Millisecond, latest: 2 * time.Second, plugged: 5 * time.Second,
	},
	{ // no MII
		device: "virtio-net-pci", modules: []string{"virtio_pci", "virtio_net"},
		monitor: "netlink", sources: []string{"notification", "confirm"},
		median: 300 * time.Millisecond, latest: 2 * time.Second, plugged: 5 * time.Second,
	},
	{
		device: "vmxnet3", modules: []string{"vmxnet3"},
		monitor: "netlink", sources: []string{"notification", "confirm"},
		median: 300 * time.Millisecond, latest: 2 * time.Second, plugged: 5 * time.Second,
	},
	{ // announced up to 2 s late, by the driver's timer: polling must be faster
		device: "pcnet", modules: []string{"pcnet32"}, sources: []string{"confirm"},
		median: 300 * time.Millisecond, latest: 2 * time.Second, plugged: 10 * time.Second,
	},
	{ // the same, with a watchdog
		device: "e1000", modules: []string{"e1000"}, sources: []string{"confirm"},
		median: 300 * time.Millisecond, latest: 2 * time.Second, plugged: 10 * time.Second,
	},
	{ // never announced, GLINK always reports up: only the registers show it, at poll
		device: "e1000e", modules: []string{"e1000e"},
		monitor: "mii", why: "the transceiver saw a loss that the kernel did not announce", sources: []string{"mii"},
		median: 1500 * time.Millisecond, latest: 3 * time.Second, plugged: 5 * time.Second,
	},
	{
		name: "e1000e,monitor=mii,poll=50ms", device: "e1000e", modules: []string{"e1000e"}, links: "monitor: mii, poll: 50ms",
		monitor: "mii", why: "as configured", sources: []string{"mii"},
		median: 500 * time.Millisecond, latest: 2 * time.Second, plugged: 5 * time.Second,
	},
	{ // the same NIC, but its driver receives its interrupts
		name: "e1000e,IntMode=0", device: "e1000e", modules: []string{"e1000e IntMode=0"},
		monitor: "netlink", why: "the kernel announced the loss that the transceiver saw", sources: []string{"notification", "confirm", "mii"},
		median: 300 * time.Millisecond, latest: 2 * time.Second, plugged: 5 * time.Second,
	},
}

// TestNIC runs two guests with different NICs on one segment. It pulls the Active's cable, which
// the Active detects as soon as its driver can be made to report it, and the other guest takes over.
// With the cable plugged again, the first guest is Backup, and the other's cable is pulled.
func TestNIC(t *testing.T) {
	p := need(t)
	t.Parallel()
	for pair := range slices.Chunk(nics, 2) {
		t.Run(pair[0].String()+"+"+pair[1].String(), func(t *testing.T) {
			t.Parallel()
			newPair(t, p, pair[0], pair[1]).test()
		})
	}
}

// readings are the measurements of a cable.
type readings struct {
	took    []time.Duration // from a pull to its line
	sources []string        // of the lines
	taken   []time.Duration // from a pull until the other guest is Active
	back    []time.Duration // from a plug to its line
}

// judge compares the measurements with the limits.
func (c cable) judge(r readings) {
	c.t.Helper()
	c.t.Logf("%v: pull to link.down %v ms, from %s; plug to link.up %v ms", c.nic, ms(r.took), strings.Join(r.sources, ", "), ms(r.back))
	if len(r.taken) > 0 {
		c.t.Logf("%v: pull to the other Active %v ms, of which Active_Down_Interval is at most %v", c.nic, ms(r.taken), activeDown)
	}
	early := 0
	for _, source := range r.sources {
		if slices.Contains(c.nic.sources, source) {
			early++
		}
	}
	slices.Sort(r.took)
	if n := len(r.took); r.took[n/2] > c.nic.median || r.took[n-1] > c.nic.latest {
		c.t.Errorf("%v: a loss takes %v ms, want a median below %v and none above %v", c.nic, ms(r.took), c.nic.median, c.nic.latest)
	}
	if early <= len(r.sources)/2 {
		c.t.Errorf("%v: %d of %d losses were reported first by %v, want most of them", c.nic, early, len(r.sources), c.nic.sources)
	}
	c.watched()
}

// watched compares the final monitor of the link with the expected one.
func (c cable) watched() {
	c.t.Helper()
	if c.nic.monitor == "" {
		return
	}
	chosen := c.monitors()
	if len(chosen) == 0 {
		c.t.Errorf("%v: no line names the monitor of the link", c.nic)
		return
	}
	last := chosen[len(chosen)-1]
	c.t.Logf("%v: watched by %s: %s", c.nic, last.Monitor, last.Why)
	if last.Monitor != c.nic.monitor || !strings.Contains(last.Why, c.nic.why) {
		c.t.Errorf("%v: want %s in the end, because %q", c.nic, c.nic.monitor, c.nic.why)
	}
}

func ms(list []time.Duration) []int64 {
	out := make([]int64, len(list))
	for i, d := range list {
		out[i] = d.Milliseconds()
	}
	return out
}
