package lab

import (
	"fmt"
	"maps"
	"syscall"
	"testing"
	"time"

	"ripcord/test/netns"
)

// states returns those of all instances, by their names.
func (d *daemon) states() map[string]string {
	d.t.Helper()
	all := map[string]string{}
	for _, in := range d.status().Instances {
		all[in.Name] = in.State
	}
	return all
}

// are waits until the instances of a router have these states.
func (d *daemon) are(want map[string]string, within time.Duration) {
	d.t.Helper()
	for deadline := time.Now().Add(within); !maps.Equal(d.states(), want); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.t.Fatalf("%s: after %v its instances are %v, want %v", d.name, within, d.states(), want)
		}
	}
}

// TestOneVRID uses one VRID on a link for four virtual routers: one by multicast, one by multicast
// to another group, one by unicast between a and b, and one by unicast between a and c. Each elects
// its Active from its own adverts, independently of the others.
func TestOneVRID(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	const interval = 100 * time.Millisecond
	s := newSite(t, []segment{inside}, "a", "b", "c")
	member := func(name string, priority int, address, keys string) string {
		return fmt.Sprintf("  - {name: %s, priority: %d, addresses: [%s]%s}\n", name, priority, address, keys)
	}
	group := func(priority int) string { return member("group", priority, "192.0.2.1/24", "") }
	other := func(priority int) string { return member("other", priority, "192.0.2.4/24", ", multicast: 224.0.0.99") }
	near := func(priority, peer int) string {
		return member("near", priority, "192.0.2.2/24", fmt.Sprintf(", unicast: {peers: [192.0.2.%d]}", peer))
	}
	far := func(priority, peer int) string {
		return member("far", priority, "192.0.2.3/24", fmt.Sprintf(", unicast: {peers: [192.0.2.%d]}", peer))
	}
	start := func(host, instances string) *daemon {
		return s.startYAML(host, fmt.Sprintf("control: {socket: %s}\ndefaults: {interface: eth0, vrid: 51, interval: %v}\ninstances:\n%s", s.socket(host), interval, instances))
	}
	since := time.Now()
	a := start("a", group(150)+other(100)+near(100, 12)+far(150, 13))
	b := start("b", group(100)+other(150)+near(150, 11))
	c := start("c", far(100, 11))
	for _, d := range []*daemon{a, b, c} {
		d.wait(since, 8*time.Second, "a transition", func(l line) bool { return l.Event == "instance.transition" })
	}
	onA := map[string]string{"group": "active", "other": "backup", "near": "backup", "far": "active"}
	onB := map[string]string{"group": "backup", "other": "active", "near": "active"}
	a.are(onA, 10*time.Second)
	b.are(onB, 10*time.Second)
	c.are(map[string]string{"far": "backup"}, 10*time.Second)
	time.Sleep(2 * downInterval(100, interval))
	for d, want := range map[*daemon]map[string]string{
		a: onA,
		b: onB,
		c: {"far": "backup"},
	} {
		if got := d.states(); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", d.name, got, want)
		}
	}
	// c has no multicast instance of the VRID, which it counts; none of the others rejects anything.
	for _, d := range []*daemon{a, b, c} {
		for _, l := range d.log(since) {
			if l.Event == "advert.rejected" && (d != c || l.Reason != "not-unicast") {
				t.Errorf("%s rejects an advert: %+v", d.name, l)
			}
		}
	}
	stopped := b.signal(syscall.SIGTERM)
	a.are(map[string]string{"group": "active", "other": "active", "near": "active", "far": "active"}, patience)
	for _, l := range a.log(stopped) {
		if l.Event == "instance.transition" && l.Instance != "near" && l.Instance != "other" {
			t.Errorf("%s moved as well: %+v", l.Instance, l)
		}
	}
	a.signal(syscall.SIGTERM)
	c.are(map[string]string{"far": "active"}, patience)
}
