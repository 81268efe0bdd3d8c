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
	// alone is for a guest that nobody can prove to that its segment forwards.
	alone = "recovery: {wait: 0s}"
)

// nic is an emulated NIC and what must be known of its cable.
type nic struct {
	name    string // of the test; the device's if empty
	device  string // as QEMU calls it, with options
	modules []string
	links   string        // its configuration's keys for the interface
	keys    string        // its configuration's keys for the instance
	stack   string        // shell that builds on $nic what is not the plain NIC ($b is busybox)
	iface   string        // the interface to use; the NIC itself if empty
	monitor string        // what link.monitor names in the end; not looked at if empty
	why     string        // and a part of its reason
	sources []string      // who may be the first to tell of a loss
	median  time.Duration // from set_link until the line is read here, of pulls
	latest  time.Duration // for each
	plugged time.Duration // from set_link until it is up again
}

func (n nic) String() string { return cmp.Or(n.name, n.device) }

// The times leave room for a slow guest: from pull to line 10 to 60 ms are
// usual where the driver is prompt or is asked.
var nics = []nic{
	{ // all is told at once
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
	{ // announced up to 2 s late, by the driver's timer: asking must win
		device: "pcnet", modules: []string{"pcnet32"}, sources: []string{"confirm"},
		median: 300 * time.Millisecond, latest: 2 * time.Second, plugged: 10 * time.Second,
	},
	{ // the same, with a watchdog
		device: "e1000", modules: []string{"e1000"}, sources: []string{"confirm"},
		median: 300 * time.Millisecond, latest: 2 * time.Second, plugged: 10 * time.Second,
	},
	{ // never announced, GLINK says up for good: only the registers tell, at poll
		device: "e1000e", modules: []string{"e1000e"},
		monitor: "mii", why: "the transceiver saw a loss that the kernel did not announce", sources: []string{"mii"},
		median: 1500 * time.Millisecond, latest: 3 * time.Second, plugged: 5 * time.Second,
	},
	{
		name: "e1000e,monitor=mii,poll=50ms", device: "e1000e", modules: []string{"e1000e"}, links: "monitor: mii, poll: 50ms",
		monitor: "mii", why: "as configured", sources: []string{"mii"},
		median: 500 * time.Millisecond, latest: 2 * time.Second, plugged: 5 * time.Second,
	},
	{ // the same NIC, but its driver hears its interrupts
		name: "e1000e,IntMode=0", device: "e1000e", modules: []string{"e1000e IntMode=0"},
		monitor: "netlink", why: "the kernel announced the loss that the transceiver saw", sources: []string{"notification", "confirm", "mii"},
		median: 300 * time.Millisecond, latest: 2 * time.Second, plugged: 5 * time.Second,
	},
}

// Two guests on one segment, each with another NIC: the Active's cable is pulled,
// which it sees as soon as its driver can be made to tell, and the other takes
// over. Plugged, it waits as Backup, and the other's cable is pulled.
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

// readings are what was measured of a cable.
type readings struct {
	took  []time.Duration // from a pull to its line
	told  []string        // by whom
	taken []time.Duration // from a pull until the other is Active
	back  []time.Duration // from a plug to its line
}

// judge compares what was measured with what is wanted.
func (c cable) judge(r readings) {
	c.t.Helper()
	c.t.Logf("%v: pull to link.down %v ms, told by %s; plug to link.up %v ms", c.nic, ms(r.took), strings.Join(r.told, ", "), ms(r.back))
	if len(r.taken) > 0 {
		c.t.Logf("%v: pull to the other Active %v ms, of which Active_Down_Interval is at most %v", c.nic, ms(r.taken), activeDown)
	}
	early := 0
	for _, source := range r.told {
		if slices.Contains(c.nic.sources, source) {
			early++
		}
	}
	slices.Sort(r.took)
	if n := len(r.took); r.took[n/2] > c.nic.median || r.took[n-1] > c.nic.latest {
		c.t.Errorf("%v: a loss takes %v ms, want a median below %v and none above %v", c.nic, ms(r.took), c.nic.median, c.nic.latest)
	}
	if early <= len(r.told)/2 {
		c.t.Errorf("%v: %d of %d losses were told first by %v, want most of them", c.nic, early, len(r.told), c.nic.sources)
	}
	c.watched()
}

// watched compares what watches the link in the end with what is wanted.
func (c cable) watched() {
	c.t.Helper()
	if c.nic.monitor == "" {
		return
	}
	chosen := c.monitors()
	if len(chosen) == 0 {
		c.t.Errorf("%v: nothing says what watches the link", c.nic)
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
