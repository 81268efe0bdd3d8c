package vm

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	interval = 200 * time.Millisecond // of the adverts
	pulls    = 5
	// alone is for a guest that nobody can prove to that its segment forwards.
	alone = "recovery: {wait: 0s}"
)

// nic is an emulated NIC and what must be known of its cable.
type nic struct {
	name    string // of the test; the device's if empty
	device  string
	modules []string
	links   string        // as in host, beside alone
	stack   string        // as in host
	iface   string        // as in host
	monitor string        // what link.monitor names in the end; not looked at if empty
	sources []string      // who may be the first to tell of a loss
	median  time.Duration // from set_link until the line is read here, of pulls
	latest  time.Duration // for each
	plugged time.Duration // from set_link until it is up again
}

// The times leave room for a slow guest: from pull to line 10 to 40 ms are usual.
var nics = []nic{
	{ // all is told at once
		device: "rtl8139", modules: []string{"8139cp"}, sources: []string{"notification", "confirm"},
		median: 100 * time.Millisecond, latest: time.Second, plugged: 5 * time.Second,
	},
	{ // no MII
		device: "virtio-net-pci", modules: []string{"virtio_pci", "virtio_net"}, sources: []string{"notification", "confirm"},
		median: 100 * time.Millisecond, latest: time.Second, plugged: 5 * time.Second,
	},
	{
		device: "vmxnet3", modules: []string{"vmxnet3"}, sources: []string{"notification", "confirm"},
		median: 100 * time.Millisecond, latest: time.Second, plugged: 5 * time.Second,
	},
	{ // announced up to 2 s late, by the driver's watchdog: asking must win
		device: "e1000", modules: []string{"e1000"}, sources: []string{"confirm"},
		median: 200 * time.Millisecond, latest: time.Second, plugged: 10 * time.Second,
	},
	{ // the same, with a timer
		device: "pcnet", modules: []string{"pcnet32"}, sources: []string{"confirm"},
		median: 200 * time.Millisecond, latest: time.Second, plugged: 10 * time.Second,
	},
	{ // never announced, GLINK says up for good: only the registers tell, at poll
		device: "e1000e", modules: []string{"e1000e"}, monitor: "mii", sources: []string{"mii"},
		median: 1200 * time.Millisecond, latest: 3 * time.Second, plugged: 5 * time.Second,
	},
	{
		name: "e1000e,monitor=mii,poll=50ms", device: "e1000e", modules: []string{"e1000e"}, monitor: "mii", sources: []string{"mii"},
		links:  ", monitor: mii, poll: 50ms",
		median: 200 * time.Millisecond, latest: time.Second, plugged: 5 * time.Second,
	},
}

// A loss is seen as soon as the NIC's driver can be made to tell it.
func TestNIC(t *testing.T) {
	p := need(t)
	for _, n := range nics {
		t.Run(cmp.Or(n.name, n.device), func(t *testing.T) { n.test(t, p) })
	}
}

func (n nic) test(t *testing.T, p platform) {
	begin := time.Now()
	g := boot(t, p, newSwitch(t), host{
		device: n.device, modules: n.modules, number: 11, priority: 150,
		links: alone + n.links, stack: n.stack, iface: n.iface,
	})
	t.Logf("ready after %.1f s", time.Since(begin).Seconds())
	g.reaches(time.Time{}, 10*time.Second, "active")
	n.measure(t, g)
}

// measure pulls and plugs the cable, and judges who told of it, and when.
func (n nic) measure(t *testing.T, g *guest) {
	var took, back []time.Duration
	var told []string
	early := 0
	for i := range pulls {
		// Not in step with the driver's timers, nor with linkwatch's second.
		time.Sleep(time.Second + time.Duration(i)*370*time.Millisecond)
		pulled := g.cable(false)
		down := g.wait(pulled, 10*time.Second, "link.down", func(l line) bool { return l.Event == "link.down" && l.Interface == g.iface })
		g.reaches(pulled, 5*time.Second, "fault")
		took = append(took, down.at.Sub(pulled))
		told = append(told, down.Source)
		if slices.Contains(n.sources, down.Source) {
			early++
		}
		time.Sleep(500 * time.Millisecond)
		plugged := g.cable(true)
		up := g.wait(plugged, n.plugged, "link.up", func(l line) bool { return l.Event == "link.up" && l.Interface == g.iface })
		back = append(back, up.at.Sub(plugged))
		g.reaches(plugged, n.plugged+10*time.Second, "active")
	}
	t.Logf("pull to link.down %v, told by %s; plug to link.up %v", ms(took), strings.Join(told, ", "), ms(back))
	n.judge(t, g, took, early)
}

// judge compares what was measured with what is wanted.
func (n nic) judge(t *testing.T, g *guest, took []time.Duration, early int) {
	t.Helper()
	slices.Sort(took)
	if took[len(took)/2] > n.median || took[len(took)-1] > n.latest {
		t.Errorf("a loss takes %v, want a median below %v and none above %v", ms(took), n.median, n.latest)
	}
	if early <= pulls/2 {
		t.Errorf("%d of %d losses were told first by %v, want most of them", early, pulls, n.sources)
	}
	if chosen := g.monitors(); n.monitor != "" && (len(chosen) == 0 || chosen[len(chosen)-1].Monitor != n.monitor) {
		t.Errorf("the link is watched by %+v, want %s in the end", chosen, n.monitor)
	}
}

// monitors gives what was said to watch the interface, first to last.
func (g *guest) monitors() []line {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []line
	for _, l := range g.lines {
		if l.Event == "link.monitor" && l.Interface == g.iface {
			list = append(list, l)
		}
	}
	return list
}

// Where nothing can tell, that is said once, and the link counts as up.
func TestNothingTells(t *testing.T) {
	p := need(t)
	s := newSwitch(t)
	g := boot(t, p, s, host{device: "ne2k_pci", modules: []string{"ne2k-pci"}, number: 11, priority: 150, links: alone})
	g.reaches(time.Time{}, 10*time.Second, "active")
	pulled := g.cable(false)
	if l, ok := g.look(pulled, 3*time.Second, func(l line) bool { return l.Event == "link.down" }); ok {
		t.Errorf("%s told of the loss: is the test's NIC still one that cannot?", l.Source)
	}
	if left := s.since(11, pulled.Add(time.Second)); len(left) > 0 {
		t.Errorf("%d adverts passed through a cable that was out", len(left))
	}
	plugged := g.cable(true)
	time.Sleep(5 * interval)
	if len(s.since(11, plugged)) == 0 {
		t.Error("no adverts after the cable was back, want them to have gone on")
	}
	chosen := g.monitors()
	if len(chosen) != 1 || chosen[0].Monitor != "none" {
		t.Fatalf("the link is watched by %+v, want none, said once", chosen)
	}
	t.Log(chosen[0].Why)
}

func ms(list []time.Duration) []int64 {
	out := make([]int64, len(list))
	for i, d := range list {
		out[i] = d.Milliseconds()
	}
	return out
}
